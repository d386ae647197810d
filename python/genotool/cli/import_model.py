"""`genotool import-model FAMILY FILE -o RUN`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genotool.cli.evaluate import COMMON
from genotool.cli.options import Common, command

app = typer.Typer(rich_markup_mode=None, add_completion=False)


def import_model(
    family: Annotated[str, typer.Argument(help="the family that the model belongs to")],
    file: Annotated[Path, typer.Argument(help="the model file, such as best_autokeras_model.h5")],
    common: Common,
) -> None:
    """Make a run folder from a model file that another tool wrote; what it has seen stays unknown."""
    from genotool import plugins
    from genotool.stages.import_model import import_model as stage

    found = plugins.family(family)
    out = common.folder(f"import-{file.stem}")
    run = stage(found, file, found.config_type(), out=out, overwrite=common.overwrite)
    typer.echo(f"task: {run.record['task']}; overlap with any data: unknown")
    for note in run.record["notes"]:
        typer.echo(f"note: {note}")
    typer.echo(f"run: {run.path}")


app.command()(command(import_model, common=COMMON))
