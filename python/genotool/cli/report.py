"""`genotool report RUN`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genotool.cli.options import Common, command

app = typer.Typer(rich_markup_mode=None, add_completion=False)


def report(
    run: Annotated[Path, typer.Argument(help="a run folder or a recipe's folder")],
    common: Common,  # noqa: ARG001
) -> None:
    """Write the report of a run as one HTML file that needs no network."""
    from genotool.report import write_report
    from genotool.run import Run

    typer.echo(write_report(Run.open(run).path))


app.command()(command(report, common=("quiet", "verbose")))
