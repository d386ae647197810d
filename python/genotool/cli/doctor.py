"""`genotool doctor`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def doctor(as_json: Annotated[bool, typer.Option("--json", help="print as JSON")] = False) -> None:
    """Check this installation: kernels, frameworks, devices, plugins, data."""
    from genotool.stages.doctor import examine

    found = examine()
    if as_json:
        typer.echo(json.dumps([{"what": c.what, "state": c.state, "good": c.good} for c in found]))
    else:
        for check in found:
            typer.echo(f"{'ok' if check.good else 'MISSING':8} {check.what:14} {check.state}")
    raise typer.Exit(0 if all(check.good for check in found) else 4)
