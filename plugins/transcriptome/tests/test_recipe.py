"""The recipe `genotool run transcriptome`: its plan, and a whole run on the simulated tissues."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from genotool.errors import UsageError
from genotool.recipe import Plan, Request
from genotool_transcriptome.recipe import ExpressionRecipe, RecipeConfig

FOLDER = Path(__file__).parents[1] / "src/genotool_transcriptome/demo-tissues"
CATALOGUE = """\
format = 1
[maize]
kind = "matrix"
reader = "matrix"
files = { data = { path = "a.csv" } }
groups = "rep"
"""


def planned(request: Request | None = None, **settings: object) -> Plan:
    return ExpressionRecipe().plan(RecipeConfig(**settings), request or Request(data="demo"))  # type: ignore[arg-type]


def words(plan: Plan, key: str) -> list[str]:
    return list(next(step for step in plan.steps if step.key == key).arguments)


def after(arguments: list[str], flag: str) -> list[str]:
    return [value for name, value in itertools.pairwise(arguments) if name == flag]


def test_the_demo_is_evaluated_on_the_other_platform_by_ranks_and_a_map() -> None:
    plan = planned()
    keys = ["audit", "train-model", "evaluate-elsewhere", "rank", "clusters", "test", "enrich"]
    assert [step.key for step in plan.steps] == keys
    assert after(words(plan, "train-model"), "--scaling") == ["rank"]
    assert after(words(plan, "train-model"), "--gene-map") == [str(FOLDER / "genes.tsv")]
    assert words(plan, "evaluate-elsewhere") == ["{train-model}", "demo-tissues-array"]
    assert "SIMULATED" in plan.asked


def test_replicates_are_left_out_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "catalogue.toml").write_text(CATALOGUE)
    plan = planned(Request(data="maize", data_dir=tmp_path), explain=False, preset="published")
    assert [step.key for step in plan.steps] == ["audit", "train-model"]
    trained = words(plan, "train-model")
    assert after(trained, "--folds") == ["groups"]
    assert after(trained, "--split") == ["by:rep"]
    assert Path(after(trained, "--config")[0]).is_file()
    assert after(words(planned(Request(data="./a.csv"), folds="3"), "train-model"), "--folds") == ["3"]
    with pytest.raises(UsageError, match="--data"):
        planned(Request())


def genotool(*arguments: object) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("GENOTOOL", "KERAS"))}
    command = [sys.executable, "-m", "genotool", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.keras
def test_training_and_another_platform_on_the_simulated_tissues(tmp_path: Path) -> None:
    out = tmp_path / "run"
    small = ["training.epochs=3", "filters=8", "kernels=3", "strides=1", "pools=2", "dense=16"]
    flags = [word for setting in small for word in ("--set", setting)]
    genotool("run", "transcriptome", "--data", "demo", "--folds", 2, "--no-explain", *flags, "--threads", 1, "-o", out)
    summary = json.loads((out / "summary.json").read_text())
    trained = out / summary["models"]["demo-tissues"]
    assert json.loads((trained / "metrics.json").read_text())["test"]["n"] == 160
    fold = trained / "folds/1-1"
    header = (fold / "history.tsv").read_text().split("\n")[0]
    assert {"accuracy", "val_accuracy", "loss", "val_loss"} <= set(header.split("\t"))
    topology = json.loads((fold / "model_topology.json").read_text())
    assert topology["class_name"] == "Functional"
    assert (fold / "model.weights.h5").is_file()
    genes = (fold / "genes.tsv").read_text()
    assert "SIMG00320\t\t\t0 in every training row" in genes
    measured = json.loads((out / "steps/03-evaluate-elsewhere/metrics.json").read_text())["sets"]["demo-tissues-array"]
    assert measured["n"] == 56
    assert measured["classes_unknown"] == {"tassel": 8}
    assert measured["classes_absent"] == ["anther"]
    assert measured["adapted"]["genes_not_learned"] + measured["adapted"]["genes_shared"] == 256
    assert "ranks within each sample" in measured["note"]
    assert set(measured["floors"]) >= {"majority", "linear", "lightgbm"}
    assert summary["simulated"] is True
    assert "Is it real?" in (out / "report.html").read_text()
