"""`genotool compare` on real runs of the example family."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

pytestmark = pytest.mark.usefixtures("nearest_family")


@pytest.fixture
def runs(genotool, toy_table: Path, tmp_path: Path) -> list[Path]:
    made = []
    for name, seed, neighbours in (("one", 0, 1), ("five", 0, 5), ("again", 1, 5)):
        done = genotool(
            "train", "nearest", toy_table, "--neighbours", neighbours, "--seed", seed, "--test-share", 0.4, "-q",
            "-o", tmp_path / name,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        made.append(tmp_path / name)
    return made


def test_runs_on_shared_rows_are_ranked_and_repeats_are_pooled(genotool, runs: list[Path], tmp_path: Path) -> None:
    done = genotool("compare", *runs[:2], "--json", "-o", tmp_path / "board")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["runs"]
    values = {item["run"]: item["value"] for item in found}
    for run in runs[:2]:
        assert values[run.name] == pytest.approx(json.loads((run / "metrics.json").read_text())["test"]["metrics"]
                                                 ["roc_auc"]["value"], abs=1e-4)  # fmt: skip
    assert found[0]["value"] >= found[1]["value"]
    refused = genotool("compare", *runs, "-o", tmp_path / "refused")
    assert refused.returncode == 3
    assert "test on other rows" in refused.stderr
    assert not (tmp_path / "refused").exists()
    pooled = genotool("compare", *runs[1:], "--pooled", "--json", "-o", tmp_path / "pooled")
    assert pooled.returncode == 0, pooled.stderr
    assert {item["run"] for item in json.loads(pooled.stdout)["runs"]} == {"five", "again"}


def test_the_scores_of_the_floors_are_kept(runs: list[Path]) -> None:
    metrics = json.loads((runs[0] / "metrics.json").read_text())["test"]
    with (runs[0] / "floors.tsv").open() as handle:
        floors = list(csv.DictReader(handle, delimiter="\t"))
    with (runs[0] / "predictions.tsv").open() as handle:
        test = [row for row in csv.DictReader(handle, delimiter="\t") if row["split"] == "test"]
    assert [row["id"] for row in floors] == [row["id"] for row in test]
    target = np.array([int(row["target"]) for row in test])
    for name in ("linear", "memoriser"):
        value = roc_auc_score(target, [float(row[name]) for row in floors])
        assert value == pytest.approx(metrics["floors"][name]["roc_auc"]["value"], abs=1e-4)


@pytest.mark.parametrize("count", [1, 0])
def test_one_run_is_no_comparison(genotool, runs: list[Path], tmp_path: Path, count: int) -> None:
    done = genotool("compare", *runs[:count], "-o", tmp_path / "x")
    assert done.returncode == 2
    twice = genotool("compare", runs[0], runs[0], "-o", tmp_path / "x")
    assert twice.returncode == 2
    assert "two or more different runs" in twice.stderr
