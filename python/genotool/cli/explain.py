"""`genotool explain MODEL [DATA]`."""

from __future__ import annotations

from typing import Annotated

import typer

from genotool.cli.evaluate import COMMON
from genotool.cli.files import FileFlags
from genotool.cli.options import Common, command

app = typer.Typer(rich_markup_mode=None, add_completion=False)


def explain(
    model: Annotated[str, typer.Argument(help="a run folder, or a family that ships a model")],
    common: Common,
    files: FileFlags,
    data: Annotated[str | None, typer.Argument(help="a data set; none: the model's own test rows")] = None,
    key: Annotated[str | None, typer.Option("--model", help="which model of a recipe's folder")] = None,
    count: Annotated[int, typer.Option("--count", min=1, help="rows to explain, at most")] = 300,
    chosen: Annotated[str | None, typer.Option("--rows", help="explain these: ID,ID or a file with one a line")] = None,
    method: Annotated[
        str | None, typer.Option("--method", help="deepshap, integrated-gradients or mutagenesis; none: the family's")
    ] = None,
    background: Annotated[
        str, typer.Option("--background", help="what attributions start from: training, shuffled, or a data set")
    ] = "training",
    backgrounds: Annotated[
        int, typer.Option("--backgrounds", min=1, help="rows of the background; of shuffles, for each row")
    ] = 100,
    export: Annotated[
        list[str] | None, typer.Option("--export", help="also write what another tool takes: modisco")
    ] = None,
) -> None:
    """Attribute predictions to the input: arrays, logos, heat map, and the additivity error.

    After a cross-validation and without DATA each row is explained by the model of the fold that did not see it; DATA
    is explained by all models, averaged.
    """
    from genotool import registry
    from genotool.stages.explain import ExplainRequest, ids_of
    from genotool.stages.explain import explain as stage
    from genotool.trained import open_trained

    trained = open_trained(model, key=key, data_dir=None if data else common.data_dir)
    beside = files.companions()
    beside.check_used([] if data is None else [data])
    rows = None
    if data is not None:
        rows = registry.load(data, data_dir=common.data_dir, kind=trained.kind, companions=beside)
    request = ExplainRequest(
        common.folder(f"explain-{trained.run.path.name}"), count, None if chosen is None else ids_of(chosen), method,
        background, backgrounds, tuple(export or ()), common.data_dir, common.seed, common.overwrite,
    )  # fmt: skip
    run = stage(trained, rows, request)
    about = run.read_json("explanation.json")
    typer.echo(f"{about['method']}: {about['n']} rows")
    typer.echo(f"run: {run.path}")


app.command()(command(explain, common=COMMON))
