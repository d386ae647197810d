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
) -> None:
    """Attribute predictions to the input: arrays, logos, heat map, and the additivity error."""
    from genotool import registry
    from genotool.stages.explain import explain as stage
    from genotool.trained import open_trained

    trained = open_trained(model, key=key, data_dir=None if data else common.data_dir)
    beside = files.companions()
    beside.check_used([] if data is None else [data])
    rows = None
    if data is not None:
        rows = registry.load(data, data_dir=common.data_dir, kind=trained.kind, companions=beside)
    out = common.folder(f"explain-{trained.run.path.name}")
    run = stage(trained, rows, out=out, count=count, seed=common.seed, overwrite=common.overwrite)
    about = run.read_json("explanation.json")
    typer.echo(f"{about['method']}: {about['n']} rows")
    typer.echo(f"run: {run.path}")


app.command()(command(explain, common=COMMON))
