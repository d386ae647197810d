"""A recipe: steps in processes of their own, killed and resumed, what is finished left alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from genotool.dataset import Kind, Task
from genotool.testing import toy_dataset

EXAMPLE = Path(__file__).parents[2] / "examples/genotool-nearest/src/genotool_nearest"
ENTRY_POINTS = "[genotool]\nnearest = genotool_nearest\ntoy-recipe = toy_recipe\n"
RECIPE = """
from dataclasses import dataclass
from typing import Annotated
from genotool import hookimpl
from genotool.config import Field
from genotool.hookspecs import Spec
from genotool.recipe import Plan, Step


@dataclass(frozen=True)
class Config:
    neighbours: Annotated[int, Field("neighbours", ge=1)] = 3


class Recipe:
    name, summary, config_type = "toys", "train, then train again", Config

    def plan(self, config, request):
        flags = ("--no-floors", "--neighbours", str(config.neighbours))
        steps = (
            Step(("train",), "first", ("slow", request.data, *flags)),
            Step(("train",), "second", ("slow", request.data, *flags, "--split", "row")),
        )
        return Plan(steps, {"first": "train-first"}, "Does it work?")


@hookimpl
def genotool_recipes():
    return [Spec("toys", Recipe.summary, "recipe", "toy_recipe:Recipe")]


@hookimpl
def genotool_families():
    return [Spec("slow", "nearest, with a pause", "family", "slow_family:Slow")]
"""


FAMILY = """
import os, time
from genotool_nearest.family import Nearest


class Slow(Nearest):
    name = "slow"

    def fit(self, config, task, train, valid, run):
        if run.path.name == os.environ.get("LINGER"):
            run.write_text("fitting", "")
            time.sleep(60)
        return super().fit(config, task, train, valid, run)
"""


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a process in which the example and a toy recipe are installed."""
    folder = tmp_path / "site"
    (folder / "toys-0.1.dist-info").mkdir(parents=True)
    (folder / "toys-0.1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: toys\nVersion: 0.1\n")
    (folder / "toys-0.1.dist-info/entry_points.txt").write_text(ENTRY_POINTS)
    (folder / "genotool_nearest").symlink_to(EXAMPLE)
    (folder / "toy_recipe.py").write_text(RECIPE)
    (folder / "slow_family.py").write_text(FAMILY)
    return {**os.environ, "PYTHONPATH": str(folder)}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows = toy_dataset(Kind.SEQUENCES, Task.BINARY)
    cells = zip(rows.columns["sequence"], rows.target.tolist(), rows.groups.tolist(), strict=True)
    text = "".join(f"{sequence}\t{target}\t{group}\n" for sequence, target, group in cells)
    (tmp_path / "toy.tsv").write_text("sequence\tlabel\tgroup\n" + text)
    return tmp_path / "toy.tsv"


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "genotool", *map(str, words)]


def content(folder: Path) -> dict[str, bytes]:
    names = ("metrics.json", "predictions.tsv", "split.tsv", "model.npz")
    return {name: (folder / name).read_bytes() for name in names}


def wait_for(file: Path, process: subprocess.Popen[str]) -> None:
    while not file.exists():
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        time.sleep(0.05)


def stopped(number: signal.Signals, run: Path, flags: list[object], installed: dict[str, str]) -> int:
    """Start the recipe, send a signal to it alone during its second step, return its exit code."""
    environment = {**installed, "LINGER": "02-train-second"}
    words = command("run", "toys", *flags, "-o", run)
    process = subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True)
    wait_for(run / "steps/02-train-second/fitting", process)
    process.send_signal(number)
    process.communicate(timeout=60)
    return process.returncode


def state(folder: Path) -> str:
    return str(json.loads((folder / "run.json").read_text())["state"])


def test_a_recipe_passes_a_signal_on(installed, data: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert stopped(signal.SIGUSR1, run, ["--data", data, "--threads", 1], installed) == 75
    assert (state(run), state(run / "steps/02-train-second")) == ("stopped", "stopped")
    assert (run / "steps/01-train-first/DONE").exists()


def test_input_that_the_first_step_refuses_leaves_nothing(installed, data: Path, tmp_path: Path) -> None:
    data.write_text("sequence\tlabel\tgroup\nACGT\t1\ta\nACXT\t0\tb\n")
    words = command("run", "toys", "--data", data, "-o", tmp_path / "run")
    done = subprocess.run(words, env=installed, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert not (tmp_path / "run").exists()


def test_a_killed_recipe_goes_on(installed, data: Path, tmp_path: Path) -> None:
    run, whole = tmp_path / "run", tmp_path / "whole"
    flags = ["--data", data, "--neighbours", 4, "--threads", 1]
    assert stopped(signal.SIGKILL, run, flags, installed) == -signal.SIGKILL
    assert not (run / "steps/02-train-second/DONE").exists()
    first = run / "steps/01-train-first"
    before = {file.name: file.stat().st_mtime_ns for file in first.iterdir()}

    # at once: the step that was under way must not go on without its recipe and hold its folder
    done = subprocess.run(command("run", "--resume", run), env=installed, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {file.name: file.stat().st_mtime_ns for file in first.iterdir()} == before
    assert (run / "DONE").exists()
    summary = json.loads((run / "summary.json").read_text())
    assert summary["models"] == {"first": "steps/01-train-first"}
    assert (run / "report.html").exists()
    assert "first: ROC-AUC" in done.stdout

    words = command("run", "toys", *flags, "-o", whole)
    done = subprocess.run(words, env=installed, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for step in ("01-train-first", "02-train-second"):
        assert content(run / "steps" / step) == content(whole / "steps" / step)

    for folder in (run, whole):
        done = subprocess.run(command("audit", folder), env=installed, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
    (whole / "steps/02-train-second/config.toml").write_text("")  # a step that is no model of the recipe
    done = subprocess.run(command("audit", whole), env=installed, capture_output=True, text=True, check=False)
    assert (done.returncode, "file-changed: config.toml" in done.stdout) == (5, True)
