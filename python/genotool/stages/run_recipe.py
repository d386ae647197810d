"""run: carry out a family's recipe, each step in a process of its own, each step a run folder."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genotool import config as configs
from genotool.assessment import HEADLINE
from genotool.dataset import Task
from genotool.recipe import Plan, Recipe, Request, Step
from genotool.run import Run
from genotool.spawned import INPUT_REFUSED, StepError, check_ended, check_name, resumed, run_one

__all__ = ["command_of", "run_recipe"]

AUDIT_FINDING = 5


def run_recipe(
    recipe: Recipe[Any], config: Any, request: Request, *, out: Path, overwrite: bool, flags: Sequence[str]
) -> Run:
    """Plan and carry out a recipe; finished steps of a resumed run are left alone.

    Parameters
    ----------
    flags
        Flags that every step gets, such as ``--device``.

    Raises
    ------
    StepError
        If a step fails, with that step's exit code.
    StoppedError
        If a signal stops it; to be resumed.
    """
    plan = recipe.plan(config, request)
    check_name((word for step in plan.steps for word in step.arguments), out)
    run = Run.create(
        out, verb="run", family=recipe.name, config=configs.to_mapping(config), seed=request.seed, overwrite=overwrite
    )
    with run:
        run.update(asked=plan.asked, steps=[step.key for step in plan.steps])
        folders = _folders(plan)
        for step in plan.steps:
            if not (run.path / folders[step.key] / "DONE").is_file():
                try:
                    _carry_out(run, step, folders, plan, request, flags)
                except StepError as error:
                    if error.exit_code in INPUT_REFUSED and not run.record.get("keep"):
                        shutil.rmtree(run.path)  # no step has finished: there is nothing to go on with
                    raise
            run.update(keep=True)
            print(f"done: {folders[step.key]}", file=sys.stderr)
        _summarise(run, plan, folders)
        from genotool.report import write_report

        write_report(run.path)
    return run


def _folders(plan: Plan) -> dict[str, str]:
    return {step.key: f"steps/{number:02d}-{step.key}" for number, step in enumerate(plan.steps, start=1)}


def command_of(
    step: Step, run_path: Path, folders: dict[str, str], plan: Plan, request: Request, flags: Sequence[str]
) -> list[str]:
    """Return the whole command line of a step, without the program's name."""

    def filled(argument: str) -> str:
        return re.sub(r"\{([\w-]+)\}", lambda match: str(run_path / folders[match[1]]), argument)

    words = [*step.verb, *map(filled, step.arguments), "-o", str(run_path / folders[step.key])]
    data_dir = plan.data_dir or request.data_dir
    words += ["--data-dir", str(data_dir)] if data_dir is not None else []
    seed = request.seed if step.seed is None else step.seed
    return [*words, "--seed", str(seed), *flags]


def _carry_out(
    run: Run, step: Step, folders: dict[str, str], plan: Plan, request: Request, flags: Sequence[str]
) -> None:
    folder = run.path / folders[step.key]
    words = resumed(command_of(step, run.path, folders, plan, request, flags), folder)
    folder.parent.mkdir(exist_ok=True)
    print(f"step {folder.name}: genotool {' '.join(words)}", file=sys.stderr)
    code = run_one(words)
    if code == AUDIT_FINDING and (folder / "DONE").is_file() and not step.findings_stop:
        return
    check_ended(code, words, folder, run.path)


def _summarise(run: Run, plan: Plan, folders: dict[str, str]) -> None:
    models = {name: folders[key] for name, key in plan.models.items()}
    headline = {name: _headline(run.path / folder) for name, folder in models.items()}
    simulated = any(_record(run.path / folder).get("simulated") for folder in folders.values())
    run.update(simulated=simulated, task=None)
    run.write_json(
        "summary.json",
        {
            "format": 1,
            "asked": plan.asked,
            "simulated": simulated,
            "models": models,
            "headline": headline,
            "steps": folders,
        },
    )


def _record(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return record


def _headline(folder: Path) -> dict[str, Any]:
    """Return the leading metric of a model on its test rows, with interval, best floor and verdict."""
    metrics = Run.open(folder).read_json("metrics.json")
    test = metrics.get("test")
    if test is None:
        return {}
    name = HEADLINE[Task(metrics["task"])]
    floors = {floor: values[name]["value"] for floor, values in test["floors"].items() if values.get(name)}
    best = max(floors, key=lambda floor: floors[floor] if floors[floor] is not None else -1.0, default=None)
    return {
        "metric": name,
        **test["metrics"][name],
        "best_floor": best,
        "best_floor_value": floors.get(best) if best else None,
        "verdict": test.get("verdict"),
        "sentence": test.get("sentence"),
    }
