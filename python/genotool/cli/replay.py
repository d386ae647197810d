"""`genotool replay RUN`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from genotool.cli.options import Common, command

app = typer.Typer(rich_markup_mode=None, add_completion=False)
DIFFERS = 5


def replay(
    run: Annotated[Path, typer.Argument(help="a finished run folder")],
    common: Common,
    tolerance: Annotated[
        float | None, typer.Option("--tolerance", help="numbers this far apart still agree; default 0.001")
    ] = None,
) -> None:
    """Run a finished run again from its run.json and say what differs; exit 5 if the results do."""
    from genotool.run import write_atomically
    from genotool.stages.replay import TOLERANCE
    from genotool.stages.replay import replay as stage

    out = common.folder(f"replay-{run.resolve().name}")
    allowed = TOLERANCE if tolerance is None else tolerance
    found = stage(run, out=out, tolerance=allowed, overwrite=common.overwrite)
    write_atomically(out / "replay.json", json.dumps(found, indent=1) + "\n")
    if common.json:
        typer.echo(json.dumps(found))
    else:
        _show(found)
    if found["word"] == "differs":
        raise typer.Exit(DIFFERS)


def _show(found: dict[str, Any]) -> None:
    words = {
        "same": "the same bytes in every result, timings apart",
        "within": f"the same but for numbers that differ by at most {found['tolerance']:g}",
        "differs": f"the results differ by more than {found['tolerance']:g}",
    }
    for item in found["files"]:
        apart = f"by up to {item['largest']:.3g} " if item["largest"] is not None else ""
        typer.echo(f"  {item['file']}: {item['word']} {apart}({item['where']})")
    for name, (before, now) in found["versions"].items():
        typer.echo(f"  version of {name}: {before} then, {now} now")
    for name in found["data"]:
        typer.echo(f"  the content of {name} is no longer what it was")
    typer.echo(f"replay: {words[found['word']]} ({found['same_files']} files equal, {len(found['files'])} not)")
    typer.echo(f"run: {found['replay']}")


app.command()(command(replay, common=("out", "overwrite", "json", "quiet", "verbose")))
