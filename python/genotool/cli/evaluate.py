"""`genotool evaluate MODEL [DATA…]`."""

from __future__ import annotations

from typing import Annotated

import typer

from genotool.cli import rows as flags
from genotool.cli.files import FileFlags
from genotool.cli.options import Common, command
from genotool.cli.show import show_run
from genotool.statistics.conformal import LEVEL
from genotool.verdict import MARGIN

app = typer.Typer(rich_markup_mode=None, add_completion=False)
COMMON = (
    "out", "seed", "backend", "device", "threads", "data_dir", "resume", "overwrite", "json", "quiet", "verbose",
)  # fmt: skip


def evaluate(
    model: Annotated[str, typer.Argument(help="a run folder, or a family that ships a model")],
    common: Common,
    files: FileFlags,
    data: Annotated[list[str] | None, typer.Argument(help="data sets; none: the model's own test rows")] = None,
    key: Annotated[str | None, typer.Option("--model", help="which model of a recipe's folder")] = None,
    target: flags.Target = None,
    no_floors: flags.NoFloors = False,
    margin: flags.Margin = MARGIN,
    coverage: flags.Coverage = LEVEL,
    fail_on: flags.FailOn = None,
) -> None:
    """Score a model on its test rows, or on data sets it was not made for, beside the floors."""
    from genotool.stages.evaluate import EvaluateRequest
    from genotool.stages.evaluate import evaluate as stage
    from genotool.trained import open_trained

    trained = open_trained(model, key=key, data_dir=None if data else common.data_dir)
    sets = tuple(data or ())
    what = "-".join(name.rpartition("/")[2] for name in sets) or "test"
    request = EvaluateRequest(
        common.folder(f"evaluate-{trained.run.path.name}-{what}"), sets, common.data_dir, target, common.seed,
        not no_floors, fail_on or "none", common.overwrite, margin, coverage,
        files.companions(),
    )  # fmt: skip
    show_run(stage(trained, request), common)


app.command()(command(evaluate, common=COMMON))
