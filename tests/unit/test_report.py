"""The report: sections present and absent, nothing active or fetched, names escaped, damage survived."""

from __future__ import annotations

import html.parser
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from genotool.errors import InputError, UsageError
from genotool.figures.distributions import histograms
from genotool.figures.logo import heatmap, logo
from genotool.report import write_report
from genotool.report.numbers import count, estimate, p_value, seconds
from genotool.report.svg import inline
from genotool.run import Run

ATTACK = '<script>alert(1)</script><img src=x onerror="alert(2)">'
SECTIONS = (
    "asked",
    "real",
    "metrics",
    "curves",
    "generalisation",
    "comparison",
    "search",
    "explanation",
    "provenance",
)


def estimate_of(value: float, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "n": 60, "groups": 30, "method": "bootstrap"}


def measured(verdict: str = "above") -> dict[str, Any]:
    difference = {"metric": "roc_auc", "value": 0.111, "low": 0.051, "high": 0.171, "n": 60, "groups": 30}
    return {
        "n": 60,
        "groups": 30,
        "headline": "roc_auc",
        "metrics": {"roc_auc": estimate_of(0.812, 0.765, 0.859), "brier": estimate_of(0.2, 0.1, 0.3)},
        "floors": {"lightgbm": {"summary": "LightGBM", "roc_auc": estimate_of(0.701, 0.651, 0.751)}},
        "verdict": verdict,
        "comparisons": [{"against": "lightgbm", "word": verdict, "difference": difference, "p_holm": 0.0004}],
        "sentence": "Above the best floor, lightgbm, by +0.111.",
    }


def write_model(run: Run) -> None:
    rng = np.random.default_rng(0)
    target = rng.integers(0, 2, 60)
    score = np.clip(0.4 * target + rng.uniform(0, 0.6, 60), 0, 1)
    rows = [
        [i, "ACGT", "test", int(t), f"{s:.4f}", int(s > 0.5)]
        for i, (t, s) in enumerate(zip(target, score, strict=True))
    ]
    run.write_table("predictions.tsv", ["id", "guide", "split", "target", "score", "label"], rows)
    run.write_json("metrics.json", {"format": 1, "task": "binary", "threshold": 0.5, "test": measured()})
    run.write_table("history.tsv", ["epoch", "loss", "val_loss"], [[1, 0.7, 0.7], [2, 0.5, 0.6]])
    finding = {
        "code": "shared", "severity": "severe", "count": 40, "total": 50, "message": "40 rows are shared",
        "examples": ["ACGT"], "remedy": "drop them",
        "effect": {"memoriser": {"metric": "roc_auc", "with": 0.895, "without": 0.535}},
    }  # fmt: skip
    run.write_json("audit.json", {"findings": [{"code": "x", "severity": "note", "message": "a note"}, finding]})
    run.update(split={"method": "group", "seed": 0, "leaves_open": "paralogs", "rows": {"train": 200}, "counts": {}})


def make_recipe(path: Path, *, name: str = "hct116", simulated: bool = False) -> Path:
    """Write a recipe's folder that has every section."""
    data = [{"name": name, "digest": "d" * 64, "rows": 300, "classes": ["0", "1"], "simulated": simulated}]
    with Run.create(path, verb="run", family="sgrna", seed=7, command=["genotool", "run", name]) as top:
        top.update(asked=f"Which guides work in {name}?", steps=["transfer-a", "evaluate-a"])
        (path / "steps").mkdir()
        with Run.create(
            path / "steps/01-transfer-a", verb="transfer", task="binary", data=data, config={"epochs": 5}
        ) as run:
            write_model(run)
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


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_report(make_recipe(tmp_path_factory.mktemp("report") / "recipe")).read_text()


def test_every_section_is_there_in_order(page: str) -> None:
    assert tuple(re.findall(r'<section id="(\w+)"', page)) == SECTIONS


def test_values_come_with_interval_and_n(page: str) -> None:
    text = words(page)
    assert "0.812 [0.765, 0.859]" in text
    assert "n = 60 test rows, 30 groups" in text
    assert "0.111 [0.051, 0.171]" in text
    assert "< 0.001" in text
    assert "0.331 (2 groups are too few)" in text


def test_the_worst_finding_comes_first_with_its_remedy(page: str) -> None:
    text = words(page)
    assert text.index("40 rows are shared") < text.index("a note")
    assert "40 of 50 (80.0%)" in text
    assert "Effect: memoriser: ROC-AUC 0.895 with, 0.535 without" in text
    assert "Remedy: drop them" in text


def test_an_attribution_that_does_not_add_up_says_so(page: str) -> None:
    assert "NOT EXACT" in words(page)


def test_planned_steps_that_did_not_run_are_named(page: str) -> None:
    assert "Planned, but not run: evaluate-a" in words(page)


def test_real_data_carry_no_simulated_banner(page: str) -> None:
    assert "SIMULATED" not in page


def test_simulated_data_are_marked_in_title_banner_and_figures(tmp_path: Path) -> None:
    page = write_report(make_recipe(tmp_path / "r", simulated=True)).read_text()
    assert re.search(r"<title>SIMULATED ", page)
    assert "SIMULATED DATA. Everything below" in words(page)
    figures = re.findall(r"<svg.*?</svg>", page, re.S)
    assert len(figures) >= 8
    assert all("SIMULATED DATA" in figure for figure in figures)


def test_nothing_is_fetched_and_nothing_runs(page: str) -> None:
    seen = Tags.of(page)
    assert not {"script", "iframe", "link", "object", "embed", "form", "base"} & {tag for tag, _ in seen}
    for tag, attributes in seen:
        for name, value in attributes:
            assert not name.startswith("on"), (tag, name)
            if name in ("href", "src", "xlink:href"):
                assert value.startswith(("#", "data:image/png;base64,")), (tag, value[:60])
    assert set(re.findall(r"https?://[^\s\"'<)]+", page)) == {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in page
    assert "@import" not in page


def test_names_from_data_stay_text(tmp_path: Path) -> None:
    page = write_report(make_recipe(tmp_path / "r", name=ATTACK)).read_text()
    tags = Tags.of(page)
    assert not any(tag in ("script", "img") for tag, _ in tags)
    assert not any(name.startswith("on") for _, attributes in tags for name, _ in attributes)
    assert "alert(1)" in page  # the name is shown, as text


def test_ids_are_unique_and_references_resolve(page: str) -> None:
    ids = [value for _, attributes in Tags.of(page) for name, value in attributes if name == "id"]
    assert len(ids) == len(set(ids))
    used = set(re.findall(r"url\(#([^)]+)\)", page)) | set(re.findall(r'href="#([^"]+)"', page))
    assert used
    assert used <= set(ids)


def test_a_bare_run_says_what_is_missing(tmp_path: Path) -> None:
    with Run.create(tmp_path / "r", verb="predict", command=["genotool"]):
        pass
    text = words(write_report(tmp_path / "r").read_text())
    assert "No model was measured on test rows" in text
    assert "No audit was run" in text
    assert "Not part of this run: metrics on test rows, curves" in text


def test_damaged_files_are_named_and_do_not_stop_the_report(tmp_path: Path) -> None:
    with Run.create(tmp_path / "r", verb="transfer", task="binary", command=["genotool"]) as run:
        write_model(run)
        run.write_text("audit.json", "{")
        run.write_text("figures/x.svg", "no svg")
    text = words(write_report(tmp_path / "r").read_text())
    assert "audit.json is damaged" in text
    assert "0.812 [0.765, 0.859]" in text


def test_a_failed_step_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError), Run.create(tmp_path / "r", verb="train", command=["genotool"]):
        raise InputError("the label is constant")
    assert "failed: the label is constant" in words(write_report(tmp_path / "r").read_text())


def test_the_same_run_gives_the_same_page(tmp_path: Path) -> None:
    path = make_recipe(tmp_path / "r")
    assert write_report(path).read_bytes() == write_report(path).read_bytes()


def test_no_run_folder_is_an_error_and_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        write_report(tmp_path / "absent")
    (tmp_path / "plain").mkdir()
    with pytest.raises(InputError):
        write_report(tmp_path / "plain")
    assert not list((tmp_path / "plain").iterdir())


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        '<rect onclick="alert(1)" width="1" height="1"/>',
        '<a xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="javascript:alert(1)"><g/></a>',
        '<image href="http://evil.example/alert.png"/>',
        '<rect style="fill: url(http://evil.example/alert)"/>',
        '<style>@import "http://evil.example/alert.css";</style>',
        '<foreignObject><body xmlns="http://www.w3.org/1999/xhtml">alert</body></foreignObject>',
        '<use href="data:image/svg+xml,alert"/>',
    ],
)
def test_active_svg_is_disarmed(inside: str) -> None:
    cleaned = inline(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1">{inside}<g id="kept"/></svg>', "f1-", "x"
    )
    assert "alert" not in cleaned
    assert "evil" not in cleaned
    assert 'id="f1-kept"' in cleaned


def test_what_is_no_svg_is_refused() -> None:
    for text in ("", "<html/>", "<svg"):
        with pytest.raises(InputError):
            inline(text, "f1-", "x")


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        (estimate({"value": -0.1234, "low": -0.2, "high": 0.0}), "−0.123\u00a0[−0.200,\u00a00.000]"),
        (estimate({"value": None}), "–"),
        (count(54915), "54\u202f915"),
        (count(None), "–"),
        (p_value(0.00001), "< 0.001"),
        (p_value(0.0456), "0.046"),
        (seconds(75), "1 min 15 s"),
        (seconds(float("nan")), "–"),
    ],
)
def test_numbers(shown: str, wanted: str) -> None:
    assert shown == wanted


class Tags(html.parser.HTMLParser):
    """Start tags with their attributes, as a browser's tokenizer sees them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str]]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, [(name, value or "") for name, value in attrs]))

    @classmethod
    def of(cls, page: str) -> list[tuple[str, list[tuple[str, str]]]]:
        parser = cls()
        parser.feed(page)
        return parser.found


def words(page: str) -> str:
    """Return the text of a page, spaces made plain."""

    class Text(html.parser.HTMLParser):
        text = ""

        def handle_data(self, data: str) -> None:
            self.text += data

    parser = Text()
    parser.feed(page)
    return re.sub(r"\s+", " ", parser.text.replace("\u00a0", " ").replace("\u202f", " "))


def test_report_json_is_untouched(tmp_path: Path) -> None:
    path = make_recipe(tmp_path / "r")
    before = json.loads((path / "run.json").read_text())
    write_report(path)
    assert json.loads((path / "run.json").read_text()) == before
