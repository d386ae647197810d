"""Several runs on one page: repeats stand as one model, with the verdict over all of them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from genotool.figures.floors import Point
from genotool.figures.forest import forest
from genotool.report import write_report
from genotool.run import Run


def cells(page: str) -> str:
    """Return a page whose cells do not run into each other as text."""
    return re.sub(r"</t[hd]>", " ", page)


@pytest.fixture
def repeated(tmp_path: Path, make_recipe, pooled) -> Path:
    folder: Path = make_recipe(tmp_path / "recipe")
    shutil.copytree(folder / "steps/01-transfer-a", folder / "steps/06-transfer-a-2")
    with Run.create(
        folder / "steps/07-compare-repeats",
        verb="compare",
        parents=[folder / "steps/01-transfer-a", folder / "steps/06-transfer-a-2"],
    ) as run:
        run.write_json("pooled.json", pooled())
    return folder


def test_the_verdict_over_all_runs_is_on_the_first_screen(repeated: Path, words) -> None:
    page = write_report(repeated).read_text()
    first = words(page[page.index('<section id="short"') : page.index('<section id="asked"')])
    assert "All 2 runs together above the best floor 0.812 [0.765, 0.859]" in first
    assert "mean ROC-AUC over 2 runs, 95 % interval, n = 120 test rows" in first
    assert "(transfer)" not in first  # a repeat is no further model


def test_each_run_has_its_row_and_each_set_its_verdict(repeated: Path, words) -> None:
    page = cells(write_report(repeated).read_text())
    section = words(page[page.index('<section id="runs"') : page.index('<section id="metrics"')])
    assert "01-transfer-1 60 0.800 0.700" in section
    assert "mean [95 %] 120 0.812 [0.765, 0.859] 0.701 [0.651, 0.751]" in section
    assert "hct116 lightgbm 0.111 [0.051, 0.171] < 0.001 undecided" in section
    assert "all lightgbm 0.111 [0.051, 0.171] < 0.001 above" in section


def test_a_leaky_run_taints_the_whole(repeated: Path, words) -> None:
    run = Run.open(repeated / "steps/07-compare-repeats")
    run.update(leaky=True)
    text = words(write_report(repeated).read_text())
    assert "All 2 runs together leaky" in text
    assert "no number here is to be believed" in text


def test_places_on_shared_rows(tmp_path: Path, words) -> None:
    with Run.create(tmp_path / "board", verb="compare") as run:
        best = {"run": "b", "n": 50, "value": 0.8, "low": 0.7, "high": 0.9, "against_floors": "above"}
        rest = {
            **best,
            "run": "a",
            "value": 0.6,
            "behind_best": 0.2,
            "behind_low": 0.1,
            "behind_high": 0.3,
            "p_holm": 0.01,
            "delong_p": 0.02,
            "word": "behind",
        }
        run.write_json("leaderboard.json", {"format": 1, "metric": "roc_auc", "margin": 0.01, "runs": [best, rest]})
        run.write_table("stats.tsv", ["run", "test", "p"], [["a", "DeLong", 0.02]])
        points = [Point("b", 0.8, 0.7, 0.9), Point("a", 0.6, 0.5, 0.7)]
        behind = [Point("a", 0.2, 0.1, 0.3)]
        run.write_text("figures/leaderboard.svg", forest(points, behind, [], metric="ROC-AUC", margin=0.01))
    text = words(cells(write_report(tmp_path / "board").read_text()))
    assert "Places on the same 50 test rows" in text
    assert "a 0.600 [0.700, 0.900] 0.200 [0.100, 0.300] 0.010 behind above" in text
    assert "how far each is behind the best" in text
    assert "best minus this" in text
    assert "a – 0.020 – –" in text
    assert "How the data sets differ" not in text
    assert "no verdict" not in text, "models are ranked on test rows"
