"""Run folders to report on, and what a reader of the page sees."""

from __future__ import annotations

import html.parser
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from genotool.figures.distributions import histograms
from genotool.figures.logo import heatmap, logo
from genotool.report import write_report
from genotool.run import Run


def estimate_of(value: float, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "n": 60, "groups": 30, "method": "bootstrap"}


def measured_model(verdict: str = "above") -> dict[str, Any]:
    difference = {"metric": "roc_auc", "value": 0.111, "low": 0.051, "high": 0.171, "n": 60, "groups": 30}
    return {
        "n": 60,
        "groups": 30,
        "headline": "roc_auc",
        "metrics": {"roc_auc": estimate_of(0.812, 0.765, 0.859), "brier": estimate_of(0.2, 0.1, 0.3)},
        "floors": {"lightgbm": {"summary": "LightGBM", "roc_auc": estimate_of(0.701, 0.651, 0.751)}},
        "verdict": verdict,
        "against": "lightgbm",
        "metric": "roc_auc",
        "smallest": 0.08,
        "comparisons": [{"against": "lightgbm", "word": verdict, "difference": difference, "p_holm": 0.0004}],
        "sentence": "Above the best floor, lightgbm, by +0.111.",
    }


def model_written(run: Run) -> None:
    rng = np.random.default_rng(0)
    target = rng.integers(0, 2, 60)
    score = np.clip(0.4 * target + rng.uniform(0, 0.6, 60), 0, 1)
    rows = [
        [i, "ACGT", "test", int(t), f"{s:.4f}", int(s > 0.5)]
        for i, (t, s) in enumerate(zip(target, score, strict=True))
    ]
    run.write_table("predictions.tsv", ["id", "guide", "split", "target", "score", "label"], rows)
    run.write_json("metrics.json", {"format": 1, "task": "binary", "threshold": 0.5, "test": measured_model()})
    run.write_table("history.tsv", ["epoch", "loss", "val_loss"], [[1, 0.7, 0.7], [2, 0.5, 0.6]])
    finding = {
        "code": "shared", "severity": "severe", "count": 40, "total": 50, "message": "40 rows are shared",
        "examples": ["ACGT"], "remedy": "drop them",
        "effect": {"memoriser": {"metric": "roc_auc", "with": 0.895, "without": 0.535}},
    }  # fmt: skip
    run.write_json("audit.json", {"findings": [{"code": "x", "severity": "note", "message": "a note"}, finding]})
    run.update(split={"method": "group", "seed": 0, "leaves_open": "paralogs", "rows": {"train": 200}, "counts": {}})


def recipe_made(path: Path, *, name: str = "hct116", simulated: bool = False, warning: str = "") -> Path:
    """Write a recipe's folder that has every section."""
    data = [{"name": name, "digest": "d" * 64, "rows": 300, "classes": ["0", "1"], "simulated": simulated}]
    data[0]["warning"] = warning
    with Run.create(path, verb="run", family="sgrna", seed=7, command=["genotool", "run", name]) as top:
        top.update(asked=f"Which guides work in {name}?", steps=["transfer-a", "evaluate-a"])
        (path / "steps").mkdir()
        with Run.create(
            path / "steps/01-transfer-a", verb="transfer", task="binary", data=data, config={"epochs": 5}
        ) as run:
            model_written(run)
        with Run.create(path / "steps/02-evaluate-b", verb="evaluate", task="binary", data=data) as run:
            groups = {name: {"n": 9, "spearman": 0.4}, "GENE2": {"n": 8, "spearman": None}}
            spearman = {"value": 0.331, "low": None, "high": None, "n": 17, "reason": "2 groups are too few"}
            sets = {
                name: {
                    "n": 17,
                    "groups": 2,
                    "headline": "spearman",
                    "metrics": {"spearman": spearman},
                    "by_group": groups,
                }
            }
            run.write_json("metrics.json", {"format": 1, "task": "binary", "sets": sets})
        with Run.create(path / "steps/03-compare", verb="sgrna compare", data=data) as run:
            header = [
                "feature",
                "test",
                "set_a",
                "set_b",
                "n_a",
                "n_b",
                "q",
                "effect_name",
                "effect",
                "low",
                "high",
                "conclusion",
            ]
            run.write_table(
                "stats.tsv",
                header,
                [["gc", "MWU", name, "hela", 9, 8, 0.2, "delta", 0.1, -0.2, 0.3, "undecided"]],
            )
            run.write_text("figures/gc.svg", histograms({name: np.arange(9.0)}, label="GC", simulated=simulated))
        with Run.create(path / "steps/04-tune", verb="tune", data=data) as run:
            run.write_table("trials.tsv", ["number", "score", "failure"], [[0, 0.123456789, ""], [1, None, name]])
        with Run.create(path / "steps/05-explain", verb="explain", data=data) as run:
            run.write_json(
                "explanation.json",
                {"method": "DeepSHAP", "n": 9, "exact": False, "data": name, "max_additivity_error": 0.5},
            )
            run.write_text("figures/logo.svg", logo(np.eye(4), "ACGT", simulated=simulated))
            run.write_text("figures/heatmap.svg", heatmap(np.eye(4), "ACGT", simulated=simulated))
        top.write_json("summary.json", {"format": 1, "models": {name: "steps/01-transfer-a"}})
    return path


def pooled_runs(word: str = "above") -> dict[str, Any]:
    """Return what ``pooled.json`` holds of two runs."""
    measured = measured_model(word) | {"n": 120}
    runs = [
        {"run": f"0{number}-transfer-{number}", "n": 60, "groups": 30, "roc_auc": 0.8, "lightgbm": 0.7}
        for number in (1, 2)
    ]
    return {"format": 1, "task": "binary", **measured, "runs": runs, "by_data": {"hct116": measured_model("undecided")}}


def words_of(page: str) -> str:
    """Return the text of a page, spaces made plain."""

    class Text(html.parser.HTMLParser):
        text = ""

        def handle_data(self, data: str) -> None:
            self.text += data

    parser = Text()
    parser.feed(page)
    return re.sub(r"\s+", " ", parser.text.replace("\u00a0", " ").replace("\u202f", " "))


class Tags(html.parser.HTMLParser):
    """Start tags with their attributes, as a browser's tokenizer sees them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str]]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, [(name, value or "") for name, value in attrs]))


def tags_of(page: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the start tags with their attributes, as a browser's tokenizer sees them."""
    parser = Tags()
    parser.feed(page)
    return parser.found


@pytest.fixture(scope="session")
def measured() -> Callable[..., Any]:
    """What metrics.json says of the test rows of a model."""
    return measured_model


@pytest.fixture(scope="session")
def write_model() -> Callable[..., Any]:
    """Write a finished model into a run folder."""
    return model_written


@pytest.fixture(scope="session")
def make_recipe() -> Callable[..., Any]:
    """Write a recipe's folder that has every section."""
    return recipe_made


@pytest.fixture(scope="session")
def words() -> Callable[..., Any]:
    """Return the text of a page, spaces made plain."""
    return words_of


@pytest.fixture(scope="session")
def tags() -> Callable[..., Any]:
    """Return the start tags of a page with their attributes."""
    return tags_of


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_report(recipe_made(tmp_path_factory.mktemp("report") / "recipe")).read_text()


@pytest.fixture(scope="session")
def pooled() -> Callable[..., Any]:
    """What pooled.json holds of two runs."""
    return pooled_runs
