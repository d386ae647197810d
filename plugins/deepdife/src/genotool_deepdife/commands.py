"""`genotool deepdife …`: the family's own commands. Heavy imports wait until a command runs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from genotool.cli.options import Common, command, family_values

from genotool_deepdife.motif_settings import MotifConfig

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Motifs that a promoter model reads.")


@app.callback()
def group() -> None:
    """Keep `motifs` a command of its own while it is the only one."""


def motifs(
    explanation: Annotated[Path, typer.Argument(help="the run folder that `genotool explain` wrote")],
    *,
    common: Common,
    values: dict[str, Any],
) -> None:
    """Find recurring patterns in an explanation (TF-MoDISco) and match them to JASPAR."""
    os.environ["NUMBA_NUM_THREADS"] = os.environ["GENOTOOL_THREADS"]  # which numba reads when it is imported
    from genotool_deepdife.discovery import find_motifs

    config = family_values(MotifConfig, common, values)
    out = common.folder(f"motifs-{explanation.resolve().name}")
    run = find_motifs(explanation, out=out, config=config, seed=common.seed, overwrite=common.overwrite)
    found = run.read_json("motifs.json")
    if common.json:
        typer.echo(json.dumps(found))
        return
    if found.get("simulated"):
        typer.echo("SIMULATED DATA: nothing here is a finding about biology")
    for remark in found["remarks"]:
        typer.echo(remark)
    for pattern in found["patterns"]:
        typer.echo(_line(pattern))
    if not found["patterns"]:
        typer.echo("no pattern was found")
    typer.echo(f"run: {run.path}")


def _line(pattern: dict[str, Any]) -> str:
    best, every = pattern["matches"][0], pattern["evidence"]["all"]
    known = (
        f"{best['name']} ({best['class']}, {best['family']}), q {best['q']:.2g}"
        if pattern["matched"]
        else "no motif that is known"
    )
    beside = (
        "; beside it {name} ({class}, {family}), q {q:.2g}".format(**one["matches"][0]) for one in pattern["beside"]
    )
    said = f"{pattern['name']} {pattern['consensus']} for {pattern['speaks_for']}: {every['share']:.1%} of its evidence"
    return f"{said}, {pattern['seqlets']} seqlets in {every['rows']} of {every['of']} rows; {known}{''.join(beside)}"


FLAGS = (
    "out", "config", "set", "seed", "backend", "device", "threads", "data_dir", "resume", "overwrite", "json", "quiet",
    "verbose",
)  # fmt: skip
app.command("motifs")(command(motifs, common=FLAGS, config_type=MotifConfig))
