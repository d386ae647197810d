"""`genotool sgrna …`: the family's own commands. Heavy imports wait until a command runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from genotool.cli.options import Common, command
from genotool.errors import UsageError

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Statistics of guide sets.")


@app.callback()
def group() -> None:
    """Keep `compare` a command of its own while it is the only one."""


def compare(
    sets: Annotated[list[str], typer.Argument(help="guide sets: names or paths; one alone: its two classes")],
    *,
    permutations: Annotated[
        int, typer.Option("--permutations", min=99, help="permutations of genes, and draws for an interval")
    ] = 1000,
    common: Common,
) -> None:
    """Compare guide sets, and the classes within each, on GC, melting temperature, bases and efficacy."""
    from genotool import registry
    from genotool.dataset import Kind
    from genotool.run import Run
    from genotool.stages.begun import data_record

    from genotool_sgrna.comparison import compare as compare_sets

    if len(set(sets)) < len(sets):
        raise UsageError(f"a set is named twice: {', '.join(sets)}", hint="name different sets")
    loaded = [registry.load(name, data_dir=common.data_dir, kind=Kind.GUIDES) for name in sets]
    run = Run.create(
        common.folder("compare-" + "-".join(Path(name).stem for name in sets)),
        verb="sgrna compare",
        family="sgrna",
        seed=common.seed,
        config={"permutations": permutations},
        data=[data_record(dataset) for dataset in loaded],
        overwrite=common.overwrite,
    )
    with run:
        summary = compare_sets(loaded, out=run, seed=common.seed, permutations=permutations)
    if common.json:
        typer.echo(json.dumps(run.read_json("comparison.json")))
        return
    for sentence in summary["sentences"]:
        typer.echo(sentence)
    counts = ", ".join(f"{count} {word}" for word, count in summary["conclusions"].items())
    counts += f", {summary['tautologies']} by construction" if summary["tautologies"] else ""
    typer.echo(f"{run.path}: {len(summary['rows'])} comparisons ({counts}); see stats.tsv")


FLAGS = ("out", "seed", "backend", "device", "threads", "data_dir", "resume", "overwrite", "json", "quiet", "verbose")
app.command("compare")(command(compare, common=FLAGS))
