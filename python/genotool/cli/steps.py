"""What `genotool run` prints: the plan of a dry run, and the summary of a finished one."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from genotool.cli.options import Common
from genotool.recipe import Plan, Request
from genotool.run import Run

__all__ = ["show_plan", "show_summary"]


def show_plan(plan: Plan, request: Request) -> None:
    """Print the commands of a plan, one a line."""
    from genotool.stages.run_recipe import command_of

    folders = {step.key: f"steps/{number:02d}-{step.key}" for number, step in enumerate(plan.steps, start=1)}
    for step in plan.steps:
        typer.echo("genotool " + " ".join(command_of(step, Path("RUN"), folders, plan, request, [])))


def show_summary(run: Run, common: Common) -> None:
    """Print each model's leading metric with its interval, best floor and verdict, then where the report is."""
    from genotool.metrics import TITLES

    summary = run.read_json("summary.json")
    if common.json:
        typer.echo(json.dumps({"run": str(run.path), **summary}))
        return
    if summary["simulated"]:
        typer.echo("SIMULATED DATA: nothing here is a finding about biology")
    for name, headline in summary["headline"].items():
        if headline:
            low, high = headline["low"], headline["high"]
            interval = "" if low is None else f" [{low:.3f}, {high:.3f}]"
            metric = TITLES.get(headline["metric"], headline["metric"])
            typer.echo(f"{name}: {metric} {headline['value']:.3f}{interval}, n = {headline['n']}")
            if headline["best_floor_value"] is not None:
                typer.echo(f"  best floor: {headline['best_floor']} {headline['best_floor_value']:.3f}")
            if headline["sentence"]:
                typer.echo(f"  verdict: {headline['sentence']}")
    typer.echo(f"report: {run.path / 'report.html'}")
