"""--coverage and --margin: what a training says of its conformal sets is what `predict` writes."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("nearest_family")


def test_the_sets_that_predict_writes_hold_what_the_training_said(genotool, toy_table: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = ("train", "nearest", toy_table, "--neighbours", 25, "--valid-share", 0.3, "--test-share", 0.3)
    done = genotool(*words, "--coverage", 0.8, "--margin", 0.2, "-q", "-o", run)
    assert done.returncode == 0, done.stderr
    test = json.loads((run / "metrics.json").read_text())["test"]
    assert test["margin"] == 0.2
    assert test["conformal"]["level"] == 0.8
    with (run / "predictions.tsv").open() as handle:
        rows = {row["id"]: row for row in csv.DictReader(handle, delimiter="\t")}
    predicted = genotool("predict", run, toy_table, "--coverage", 0.8, "-q")
    assert predicted.returncode == 0, predicted.stderr
    table = list(csv.DictReader(io.StringIO(predicted.stdout), delimiter="\t"))
    held = [row for row in table if rows[row["id"]]["split"] == "test"]
    inside = np.array([rows[row["id"]]["target"] in row["set"].split("|") for row in held])
    used = test["conformal"]["methods"][test["conformal"]["used"]]
    assert inside.mean() == pytest.approx(used["coverage"]["value"])
    sizes = [len(row["set"].split("|")) if row["set"] else 0 for row in held]
    assert np.mean(sizes) == pytest.approx(used["size"]["value"])
    plain = genotool("predict", run, toy_table, "-q").stdout.splitlines()[0].split("\t")
    assert "set" not in plain
    again = genotool("evaluate", run, "--coverage", 0.8, "--no-floors", "--json", "-o", tmp_path / "again")
    assert json.loads(again.stdout)["test"]["conformal"] == test["conformal"]


def test_what_cannot_be_covered_is_refused(genotool, toy_table: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert genotool("train", "nearest", toy_table, "--no-floors", "-q", "-o", run).returncode == 0
    sure = genotool("predict", run, toy_table, "--coverage", 0.9999, "-o", tmp_path / "sure.tsv")
    assert sure.returncode == 2
    assert "too few for a coverage of 0.9999" in sure.stderr
    assert not (tmp_path / "sure.tsv").exists()
    for verb in (("train", "nearest", toy_table, "-o", tmp_path / "no"), ("predict", run, toy_table)):
        percent = genotool(*verb, "--coverage", 90)
        assert percent.returncode == 2
        assert percent.stderr.endswith("a share between 0 and 1, not 90\nhint: such as --coverage 0.9\n")
    scanned = genotool("predict", run, toy_table, "--scan", "--coverage", 0.9)
    assert scanned.returncode == 2
    (run / "conformal.npz").unlink()
    without = genotool("predict", run, toy_table, "--coverage", 0.9)
    assert without.returncode == 2
    assert "conformal.npz" in without.stderr
