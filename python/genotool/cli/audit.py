"""`genotool audit DATA… | RUN…`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from genotool.cli.files import FileFlags
from genotool.cli.options import Common, command

app = typer.Typer(rich_markup_mode=None, add_completion=False)
COMMON = ("out", "seed", "threads", "data_dir", "resume", "overwrite", "json", "quiet", "verbose", "backend", "device")


def audit(
    operands: Annotated[list[str], typer.Argument(help="data sets, files and run folders, in any mixture")],
    common: Common,
    files: FileFlags,
    target: Annotated[str | None, typer.Option("--target", help="another column than the data's own target")] = None,
    batch: Annotated[
        list[str] | None, typer.Option("--batch", help="a column that may explain the target: plate, file; repeatable")
    ] = None,
    clusters: Annotated[
        Path | None, typer.Option("--clusters", help="write the homology cluster of each row to this file")
    ] = None,
    fail_on: Annotated[str, typer.Option("--fail-on", help="exit 5 from: none, note, warning, severe")] = "severe",
) -> None:
    """Look for leaks within data sets, between them, and against what a model was trained on."""
    from genotool.audit import SEVERITIES
    from genotool.errors import UsageError
    from genotool.stages.audit import AuditRequest
    from genotool.stages.audit import audit as stage

    if fail_on not in ("none", *SEVERITIES):
        raise UsageError(f"--fail-on is one of none, {', '.join(SEVERITIES)}, not {fail_on!r}")
    request = AuditRequest(
        tuple(operands),
        common.out,
        common.data_dir,
        common.seed,
        common.overwrite,
        target,
        tuple(batch or ()),
        clusters,
        files.companions(),
    )
    found, run = stage(request)
    typer.echo(json.dumps(found.to_json()) if common.json else found.table())
    if run is not None:
        typer.echo(f"run: {run.path}", err=True)
    raise typer.Exit(5 if fail_on != "none" and found.exceeds(fail_on) else 0)


app.command()(command(audit, common=COMMON))
