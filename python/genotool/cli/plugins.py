"""`genotool plugins list`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from genotool import plugins

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)


@app.callback()
def top() -> None:
    """List what is installed."""


@app.command("list")
def list_plugins(as_json: Annotated[bool, typer.Option("--json", help="print as JSON")] = False) -> None:
    """List the plugins and what each brings, without importing any model code."""
    kinds = ("family", "recipe", "reader", "commands", "folder", "registry")
    found = [(name, spec) for kind in kinds for name, spec in plugins.specs(kind)]
    failures = plugins.load_failures()
    if as_json:
        rows = [{"plugin": n, "kind": s.kind, "name": s.name, "summary": s.summary} for n, s in found]
        typer.echo(json.dumps({"plugins": rows, "failed": failures}))
        return
    for name, spec in found:
        typer.echo(f"{name:14} {spec.kind:9} {spec.name:12} {spec.summary}")
    for name, why in failures.items():
        typer.echo(f"warning: the plugin {name} failed to load: {why}", err=True)
