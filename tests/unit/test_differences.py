"""What differs between two run folders: bytes, numbers, content, absence."""

from __future__ import annotations

from pathlib import Path

import pytest
from genotool.differences import differences


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("a", "b"):
        (tmp_path / name / "steps/01-train").mkdir(parents=True)
        (tmp_path / name / "steps/01-train/predictions.tsv").write_text("id\tscore\nr1\t0.5\nr2\t0.25\n")
        (tmp_path / name / "metrics.json").write_text('{"test": {"n": 2, "roc_auc": 0.75}}')
        (tmp_path / name / "trials.tsv").write_text(f"trial\tseconds\n0\t{3.5 if name == 'a' else 9}\n")
        (tmp_path / name / "run.json").write_text(name)
        (tmp_path / name / "log.txt").write_text(name)
    return tmp_path / "a", tmp_path / "b"


def words(folders: tuple[Path, Path]) -> dict[str, str]:
    return {item.file: item.word for item in differences(*folders)}


def test_equal_but_for_timings_and_logs(folders: tuple[Path, Path]) -> None:
    assert words(folders) == {
        "metrics.json": "same", "steps/01-train/predictions.tsv": "same", "trials.tsv": "same",
    }  # fmt: skip


def test_the_largest_number_and_its_place(folders: tuple[Path, Path]) -> None:
    (folders[1] / "steps/01-train/predictions.tsv").write_text("id\tscore\nr1\t0.501\nr2\t0.2\n")
    (folders[1] / "metrics.json").write_text('{"test": {"n": 2, "roc_auc": 0.76}}')
    found = {item.file: item for item in differences(*folders)}
    table = found["steps/01-train/predictions.tsv"]
    assert (table.word, table.where) == ("numbers", "row 3/score")
    assert table.largest == pytest.approx(0.05)
    assert found["metrics.json"].where == "/test/roc_auc"


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ("id\tscore\nr1\t0.5\nr9\t0.25\n", "row 3/id: 'r2' against 'r9'"),
        ("id\tscore\nr1\t0.5\n", "one is longer"),
        ("id\tother\nr1\t0.5\nr2\t0.25\n", "row 2/score against row 2/other"),
        ("id\tscore\nr1\tnan\nr2\t0.25\n", "row 2/score: '0.5' against 'nan'"),
    ],
)
def test_other_content_is_no_number(folders: tuple[Path, Path], content: str, where: str) -> None:
    (folders[1] / "steps/01-train/predictions.tsv").write_text(content)
    found = {item.file: item for item in differences(*folders)}["steps/01-train/predictions.tsv"]
    assert (found.word, found.where) == ("content", where)


def test_a_missing_file_is_named(folders: tuple[Path, Path]) -> None:
    (folders[0] / "metrics.json").unlink()
    assert words(folders)["metrics.json"] == "missing"
