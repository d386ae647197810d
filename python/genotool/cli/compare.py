"""`genotool compare RUN RUN…`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from genotool.cli import rows as flags
from genotool.cli.options import Common, command
from genotool.errors import UsageError
from genotool.metrics import TITLES
from genotool.verdict import MARGIN

app = typer.Typer(rich_markup_mode=None, add_completion=False)
COMMON = (
    "out", "seed", "backend", "device", "threads", "data_dir", "resume", "overwrite", "json", "quiet", "verbose",
)  # fmt: skip


def compare(
    runs: Annotated[list[Path], typer.Argument(help="finished runs with test rows, two or more")],
    common: Common,
    pooled: Annotated[
        bool,
        typer.Option(
            "--pooled",
            help="the runs are repeats of one model (seeds, splits, data sets): one verdict over all of them against "
            "the floors they share",
        ),
    ] = False,
    baseline: Annotated[
        Path | None, typer.Option("--baseline", help="one of the runs: also the paired gain of each other over it")
    ] = None,
    margin: flags.Margin = MARGIN,
) -> None:
    """Rank runs on the test rows that they share, by paired tests; or judge repeats of a model as one."""
    from genotool.stages.compare import compare as stage

    if len(runs) < 2:
        raise UsageError("compare takes two or more different runs", hint=f"one alone: genotool evaluate {runs[0]}")
    out = common.folder("compare-" + ("pooled" if pooled else "-".join(run.name for run in runs))[:100])
    given: dict[str, Any] = {"pooled": pooled, "baseline": baseline, "margin": margin}
    run = stage(runs, out=out, seed=common.seed, overwrite=common.overwrite, **given)
    found = run.read_json("pooled.json" if pooled else "leaderboard.json")
    if common.json:
        typer.echo(json.dumps({"run": str(run.path), **found}))
        return
    if run.record.get("simulated"):
        typer.echo("SIMULATED DATA: nothing here is a finding about biology")
    _show_pooled(found) if pooled else _show_leaderboard(found)
    typer.echo(f"run: {run.path}")


def _show_pooled(found: dict[str, Any]) -> None:
    """Print each run's metric and floors, their means, and the verdicts: by data set, then over all runs."""
    metric, floors = found["headline"], list(found["floors"])
    width = max(len(item["run"]) for item in found["runs"])
    typer.echo(f"{'run':{width}}  {'n':>6}  " + "  ".join(f"{name:>10}" for name in (TITLES[metric], *floors)))
    mean = {metric: found["metrics"][metric]["value"], **{f: found["floors"][f][metric]["value"] for f in floors}}
    for item in [*found["runs"], {"run": "mean", "n": "", **mean}]:
        cells = "  ".join(f"{_number(item[name]):>{max(10, len(name))}}" for name in (metric, *floors))
        typer.echo(f"{item['run']:{width}}  {item['n']:>6}  {cells}")
    for item in found["comparisons"]:
        typer.echo(f"  against {item['against']:22} {_difference(item['difference'])}  {item['word']}")
    for name, measured in found["by_data"].items():
        typer.echo(f"  {name}: {measured['sentence']}")
    if found["floors_left_out"]:
        typer.echo(f"  left out, for not every run has them: {', '.join(found['floors_left_out'])}")
    if found["settings_differ"]:
        typer.echo(f"  these are no repeats of one model: they differ in {', '.join(found['settings_differ'])}")
    typer.echo(f"verdict over {len(found['runs'])} runs: {found['sentence']}")


def _show_leaderboard(found: dict[str, Any]) -> None:
    width = max(len(item["run"]) for item in found["runs"])
    typer.echo(f"{TITLES[found['metric']]} on {found['runs'][0]['n']} shared test rows")
    for place, item in enumerate(found["runs"], start=1):
        interval = "" if item["low"] is None else f" [{item['low']:.3f}, {item['high']:.3f}]"
        behind = {"value": item["behind_best"], "low": item["behind_low"], "high": item["behind_high"]}
        rest = "" if item["behind_best"] is None else f"  behind the best by {_difference(behind)}"
        rest += "" if item["p_holm"] is None else f", Holm p {item['p_holm']:.3g}: {item['word']}"
        typer.echo(
            f"{place:3}  {item['run']:{width}}  {_number(item['value'])}{interval}{rest}  (against its best floor: "
            f"{item['against_floors']})"
        )
    _show_gains(found)


def _show_gains(found: dict[str, Any]) -> None:
    for item in found.get("gains", []):
        p = "" if item["p_holm"] is None else f", Holm p {item['p_holm']:.3g}"
        typer.echo(f"  {item['run']} minus {found['baseline']}: {_difference(item)}{p}: {item['word']}")


def _difference(item: dict[str, Any]) -> str:
    if item["value"] is None:
        return "-"
    interval = "" if item["low"] is None else f" [{item['low']:+.3f}, {item['high']:+.3f}]"
    return f"{item['value']:+.3f}{interval}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


app.command()(command(compare, common=COMMON))
