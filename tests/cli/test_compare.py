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
    assert (found[0]["word"], found[1]["word"], found[1]["delong_p"]) == ("best", "undecided", None)
    assert (tmp_path / "board" / "stats.tsv").read_text().count("\n") == 1  # fewer than 20 groups: no test has a p
    refused = genotool("compare", *runs, "-o", tmp_path / "refused")
    assert refused.returncode == 3
    assert "test on other rows" in refused.stderr
    assert not (tmp_path / "refused").exists()
    pooled = genotool("compare", *runs[1:], "--pooled", "--json", "-o", tmp_path / "pooled")
    assert pooled.returncode == 0, pooled.stderr
    assert {item["run"] for item in json.loads(pooled.stdout)["runs"]} == {"five", "again"}


def test_every_test_of_a_difference_is_in_the_table_and_the_plot_is_drawn(
    genotool, toy_table: Path, tmp_path: Path
) -> None:
    """Rows without groups: the toy set has too few of them for any test."""
    toy_table.write_text("".join(line.rpartition("\t")[0] + "\n" for line in toy_table.read_text().splitlines()))
    for neighbours in (1, 25):
        words = ("--neighbours", neighbours, "--split", "stratified", "--test-share", 0.4, "-q")
        done = genotool("train", "nearest", toy_table, *words, "-o", tmp_path / f"k{neighbours}")
        assert done.returncode == 0, done.stderr
    done = genotool("compare", tmp_path / "k1", tmp_path / "k25", "--json", "-o", tmp_path / "board")
    found = json.loads(done.stdout)["runs"]
    with (tmp_path / "board" / "stats.tsv").open() as handle:
        tests = {row["test"]: row for row in csv.DictReader(handle, delimiter="\t")}
    assert set(tests) == {"bootstrap", "DeLong", "McNemar", "permutation"}
    assert float(tests["DeLong"]["p"]) == pytest.approx(found[1]["delong_p"])
    assert float(tests["bootstrap"]["p_holm"]) == pytest.approx(found[1]["p_holm"])
    assert tests["McNemar"]["of"] == "decided classes"
    again = genotool("compare", tmp_path / "k1", tmp_path / "k25", "--baseline", tmp_path / "k25", "-o", tmp_path / "g")
    assert again.returncode == 0, again.stderr
    board = json.loads((tmp_path / "g" / "leaderboard.json").read_text())
    values, (gain,) = {item["run"]: item["value"] for item in board["runs"]}, board["gains"]
    assert (board["baseline"], gain["run"]) == ("k25", "k1")
    assert gain["value"] == pytest.approx(values["k1"] - values["k25"])
    assert gain["low"] < gain["value"] < gain["high"]
    assert "k1 minus k25: " in again.stdout
    assert genotool("report", tmp_path / "g").returncode == 0
    page = (tmp_path / "g" / "report.html").read_text()
    assert "Gain over k25, paired on the same rows" in page
    assert "Floors on these rows" in page
    wrong = genotool(
        "compare", tmp_path / "k1", tmp_path / "k25", "--baseline", tmp_path / "none", "-o", tmp_path / "h"
    )
    assert wrong.returncode == 2
    assert "is none of the runs" in wrong.stderr
    picture = (tmp_path / "board" / "figures" / "leaderboard.svg").read_text()
    assert all(f">{word}<" in picture for word in ("k1", "k25", "memoriser"))
    written = genotool("report", tmp_path / "board")
    assert written.returncode == 0, written.stderr
    assert "Other tests of the same differences" in (tmp_path / "board" / "report.html").read_text()
    assert "McNemar (decided classes)" in _report(genotool, tmp_path / "k1")


def test_row_numbers_of_two_files_are_not_shared_rows(genotool, toy_table: Path, tmp_path: Path) -> None:
    """Two files of as many rows: their test rows bear the same numbers, and are other rows."""
    lines = toy_table.read_text().splitlines()
    other = tmp_path / "other.tsv"
    other.write_text("\n".join([lines[0], *lines[:0:-1]]) + "\n")
    done = genotool("train", "nearest", toy_table, "--split", "stratified", "-q", "-o", tmp_path / "one")
    assert done.returncode == 0, done.stderr
    refused = genotool("train", "nearest", other, "--split", tmp_path / "one/split.tsv", "-q", "-o", tmp_path / "no")
    assert refused.returncode == 3
    assert "the ids of this split file are row numbers of other data than other" in refused.stderr
    again = genotool("train", "nearest", toy_table, "--split", tmp_path / "one/split.tsv", "-q", "-o", tmp_path / "two")
    assert again.returncode == 0, again.stderr
    record = json.loads((tmp_path / "two" / "run.json").read_text())["split"]
    assert record["leaves_open"].endswith("(parts as a split file has them)")
    assert "another set" not in (tmp_path / "two" / "split.tsv").read_text()
    assert genotool("compare", tmp_path / "one", tmp_path / "two", "-o", tmp_path / "same").returncode == 0
    done = genotool("train", "nearest", other, "--split", "stratified", "-q", "-o", tmp_path / "three")
    assert done.returncode == 0, done.stderr
    refused = genotool("compare", tmp_path / "one", tmp_path / "three", "-o", tmp_path / "refused")
    assert refused.returncode == 3
    assert "one and three test on different data, toy (digest" in refused.stderr
    assert "no row is shared" in refused.stderr
    assert "split file" not in refused.stderr


def _report(genotool, run: Path) -> str:
    genotool("report", run)
    page = (run / "report.html").read_text()
    assert "conformal prediction at 0.9" in page
    return page


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
