"""What a verb prints when it is done: a short table, or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import typer

from genotool.cli.options import Common
from genotool.run import Run

__all__ = ["show_run"]


def show_run(run: Run, common: Common) -> None:
    """Print the metrics of a finished run, each with its interval, then the floors and the verdict."""
    metrics = run.read_json("metrics.json") if run.file("metrics.json").is_file() else {}
    if common.json:
        typer.echo(json.dumps({"run": str(run.path), **metrics}))
        return
    if run.record.get("simulated"):
        typer.echo("SIMULATED DATA: nothing here is a finding about biology")
    parts = {"test": metrics.get("test"), **metrics.get("sets", {})}
    for name, measured in parts.items():
        if measured:
            _show_part(name, measured)
    for line in _about(run, metrics):
        typer.echo(line)
    typer.echo(f"run: {run.path}")


def _about(run: Run, metrics: dict[str, Any]) -> Iterator[str]:
    """Yield how the rows were split and balanced, and what the audit found worst."""
    if validated := metrics.get("cross_validation"):
        yield validated["sentence"]
        yield from _tested(validated)
    split = run.record.get("split") or {}
    if split.get("method"):
        yield f"split by {split['method']}; open: {split.get('leaves_open')}"
    if sentence := (metrics.get("balance") or {}).get("sentence"):
        yield f"balance: {sentence}"
    audit = run.read_json("audit.json") if run.file("audit.json").is_file() else {}
    found = [item for item in audit.get("findings", []) if item["severity"] != "note"]
    if found:
        many = "1 finding" if len(found) == 1 else f"{len(found)} findings"
        yield f"audit: {many} above a note, the worst ({found[0]['severity']}): {found[0]['message']}"


def _tested(validated: dict[str, Any]) -> Iterator[str]:
    """Yield the test of the mean of folds against each floor."""
    for floor, test in validated["t_tests"].items():
        if test["p"] is not None:
            interval = _interval({**test, "value": test["mean"]})
            yield f"  mean of folds minus {floor}: {interval}, corrected resampled t-test, Holm p {test['p_holm']:.3g}"


def _show_part(name: str, measured: dict[str, Any]) -> None:
    from genotool.elsewhere import unmet_classes
    from genotool.metrics import TITLES

    number = measured.get("groups")
    groups = f", {number} group{'' if number == 1 else 's'}" if number else ""
    if measured.get("seen_rows_left_out"):
        groups += f"; {measured['seen_rows_left_out']} more left out: the model was trained on them"
    typer.echo(f"{name}: {measured['n']} rows{groups}")
    if measured.get("warning"):
        typer.echo(f"  WARNING: {measured['warning']}")
    if measured.get("note"):
        typer.echo(f"  {measured['note']}")
    if unmet := unmet_classes(measured):
        typer.echo(f"  {unmet}")
    for metric, estimate in measured["metrics"].items():
        if estimate["value"] is not None:
            typer.echo(f"  {TITLES.get(metric, metric):20} {_interval(estimate)}")
    headline = measured["headline"]
    for floor, values in measured.get("floors", {}).items():
        typer.echo(f"  floor {floor:22} {TITLES.get(headline, headline)} {_interval(values.get(headline) or {})}")
    for control in measured.get("controls", {}).values():
        typer.echo(f"  {control['sentence']}")
    if measured.get("sentence"):
        typer.echo(f"  {'verdict: ' if measured.get('floors') else ''}{measured['sentence']}")
    if sentence := (measured.get("conformal") or {}).get("sentence"):
        typer.echo(f"  coverage: {sentence}")


def _interval(estimate: dict[str, Any]) -> str:
    if estimate.get("value") is None:
        return estimate.get("reason") or "-"
    if estimate.get("low") is None:
        return f"{estimate['value']:.3f}"
    return f"{estimate['value']:.3f} [{estimate['low']:.3f}, {estimate['high']:.3f}]"
