"""Every table of a run on simulated data says so in each of its rows, and its readers take it."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from genotool.dataset import Dataset, Kind, Task
from genotool.floors import Floor
from genotool.predictions import read_test_rows, write_floor_scores, write_scores
from genotool.report.collect import collect
from genotool.report.drawn import losses
from genotool.run import Run
from genotool.sequences import Sequences
from genotool.split import Part


def rows() -> Dataset:
    guides = Sequences.from_strings(["ACGT" * 5 + base + "GG" for base in "ACGT"])
    return Dataset(
        "d", Kind.GUIDES, np.arange(4).astype(np.str_), {"guide": guides}, np.array([0, 1, 0, 1]), ("0", "1")
    )


def finished(path: Path, *, simulated: bool) -> Run:
    """Return a run with a history, scores and floors of four rows, all of them test rows."""
    data = [{"name": "d", "classes": ["0", "1"], "simulated": simulated}]
    with Run.create(path, verb="train", task="binary", data=data) as run:
        run.write_table("history.tsv", ["epoch", "loss", "val_loss"], [[1, 0.7, 0.8], [2, 0.5, 0.6]])
        score = np.array([0.1, 0.9, 0.4, 0.6])
        write_scores(run, rows(), score, 0.5, Task.BINARY, split=np.full(4, Part.TEST, np.int8))
        write_floor_scores(run, rows(), [Floor("linear", "a floor", score / 2, {})])
    return run


def marks(path: Path) -> list[str | None]:
    with path.open() as handle:
        return [row.get("simulated") for row in csv.DictReader(handle, delimiter="\t")]


@pytest.mark.parametrize("name", ["history.tsv", "predictions.tsv", "floors.tsv"])
def test_each_row_is_marked_once_and_only_where_the_data_are_simulated(name: str, tmp_path: Path) -> None:
    for simulated, mark in ((True, "yes"), (False, None)):
        run = finished(tmp_path / mark if mark else tmp_path / "real", simulated=simulated)
        assert set(marks(run.file(name))) == {mark}
        header = run.file(name).read_text().splitlines()[0].split("\t")
        assert header.count("simulated") == simulated


def test_readers_take_a_marked_table_as_they_take_another(tmp_path: Path) -> None:
    marked, plain = finished(tmp_path / "marked", simulated=True), finished(tmp_path / "plain", simulated=False)
    one, two = read_test_rows(marked, "x"), read_test_rows(plain, "x")
    np.testing.assert_array_equal(one.score, two.score)
    assert list(one.floors) == list(two.floors) == ["linear"]
    drawn = [losses(collect(run.path).steps[0]) for run in (marked, plain)]
    assert [caption for _, _, caption in drawn[0]] == [caption for _, _, caption in drawn[1]]
    assert "simulated" in drawn[0][0][1]
