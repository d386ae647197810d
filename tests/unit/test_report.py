"""The report: sections present and absent, nothing active or fetched, names escaped, damage survived."""

from __future__ import annotations

import html.parser
import json
import re
import shutil
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
    "short",
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
        "against": "lightgbm",
        "metric": "roc_auc",
        "smallest": 0.08,
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


def make_recipe(path: Path, *, name: str = "hct116", simulated: bool = False, warning: str = "") -> Path:
    """Write a recipe's folder that has every section."""
    data = [{"name": name, "digest": "d" * 64, "rows": 300, "classes": ["0", "1"], "simulated": simulated}]
    data[0]["warning"] = warning
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
    assert "Effect: memoriser: ROC-AUC 0.895 with the rows that meet, 0.535 without them" in text
    assert "Remedy: drop them" in text


def test_an_attribution_that_does_not_add_up_says_so(page: str) -> None:
    assert "NOT EXACT" in words(page)


def test_planned_steps_that_did_not_run_are_named(page: str) -> None:
    assert "Not finished: planned, but not run: evaluate-a" in words(page)


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
    with pytest.raises(InputError, match=r"audit\.json is damaged") as caught:
        write_report(tmp_path / "r")
    assert caught.value.exit_code == 3
    text = words((tmp_path / "r/report.html").read_text())
    assert "audit.json is damaged" in text
    assert "No audit was run" not in text
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


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "it holds a list where a table belongs"),
        ("null", "it holds nothing (null) where a table belongs"),
        ("{", "metrics.json is damaged"),
        ('"text"', "it holds text"),
        ('{"test": []}', "metrics.json: test is damaged: a list"),
        ('{"test": {"n": 3, "metrics": {"roc_auc": "high"}}}', "metrics: roc_auc is damaged: text"),
        ('{"test": {"n": 3, "metrics": {"roc_auc": {"value": true}}}}', "value is damaged: yes or no"),
        ('{"test": {"n": 3, "comparisons": [7], "floors": {"x": []}}}', "comparisons[0] is damaged: the number 7"),
        ("[" * 100_000, "metrics.json is damaged"),
        (b"\xff\xfe", "metrics.json is damaged"),
    ],
)
def test_metrics_that_are_none_are_said_and_fail(tmp_path: Path, content: str | bytes, said: str) -> None:
    with Run.create(tmp_path / "r", verb="transfer", task="binary", command=["genotool"]) as run:
        write_model(run)
    (tmp_path / "r/metrics.json").write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InputError, match=r"metrics\.json") as caught:
        write_report(tmp_path / "r")
    assert caught.value.exit_code == 3
    text = words((tmp_path / "r/report.html").read_text())
    assert said in text
    assert "0.812" not in text


def test_numbers_that_are_not_finite_become_dashes(tmp_path: Path) -> None:
    with Run.create(tmp_path / "r", verb="transfer", task="binary", command=["genotool"]) as run:
        write_model(run)
    metrics = json.loads((tmp_path / "r/metrics.json").read_text())
    metrics["test"] |= {"n": float("inf"), "groups": 10**400}
    metrics["test"]["metrics"]["roc_auc"] |= {"value": float("nan"), "low": float("-inf"), "high": 1e400}
    (tmp_path / "r/metrics.json").write_text(json.dumps(metrics))
    text = words(write_report(tmp_path / "r").read_text())
    assert "nan" not in text.casefold()
    assert "infin" not in text.casefold()


def test_the_first_screen_says_whether_the_model_is_real(page: str) -> None:
    text = words(page[page.index('<section id="short"') : page.index('<section id="asked"')])
    assert "above the best floor" in text
    assert "the model is above every simple model (lightgbm)" in text
    assert "The best of them, lightgbm, reaches 0.701 [0.651, 0.751]" in text
    assert "Model minus floor is 0.111 [0.051, 0.171], above 0 (p < 0.001 after Holm's correction)" in text
    assert "The audit of its rows: 1 severe finding, 1 note; the first: 40 rows are shared." in text
    assert "Done about it: split by group; no row of hct116 had to be moved or left out after that." in text
    assert "its test rows meet none of its training or validation rows" in text


@pytest.mark.parametrize(
    ("word", "low", "high", "p", "wanted"),
    [
        ("undecided", -0.01, 0.05, 0.2, "an interval that holds 0: neither better nor worse is shown. A true "
         "difference of 0.080 would have been shown four times in five."),
        ("undecided", 0.01, 0.05, 0.2, "not beyond chance (p 0.200 after Holm's correction)"),
        ("below", -0.05, -0.01, 0.01, "below 0 (p 0.010 after Holm's correction): the floor is better"),
        ("equivalent", -0.005, 0.005, 1.0, "inside the margin within which they count as equal"),
        ("undecided", None, None, None, "without an interval (too few groups): nothing is decided"),
    ],
)  # fmt: skip
def test_a_verdict_claims_what_its_interval_allows(
    tmp_path: Path, word: str, low: float | None, high: float | None, p: float | None, wanted: str
) -> None:
    metrics = {"format": 1, "task": "binary", "test": measured(word)}
    judged = metrics["test"]["comparisons"][0]
    judged |= {"p_holm": p, "difference": {"value": 0.02, "low": low, "high": high, "reason": "too few groups"}}
    with Run.create(tmp_path / "r", verb="train", task="binary", command=["genotool"]) as run:
        run.write_json("metrics.json", metrics)
    text = words(write_report(tmp_path / "r").read_text())
    assert wanted in text
    assert "not shown to be above this simple model: lightgbm" in text
    assert "above every" not in text


def test_a_leak_that_is_left_is_said_on_the_first_screen(tmp_path: Path) -> None:
    with Run.create(tmp_path / "r", verb="train", task="binary", command=["genotool"]) as run:
        write_model(run)
        leak = {"code": "rows-across-parts", "severity": "severe", "message": "9 test rows meet a training row"}
        run.write_json("audit.json", {"findings": [leak]})
    short = words(write_report(tmp_path / "r").read_text()).partition("What was asked")[0]
    assert "STILL THERE: 9 test rows meet a training row" in short
    assert "meet none" not in short


def test_a_leaky_run_has_no_good_verdict(tmp_path: Path) -> None:
    with Run.create(tmp_path / "r", verb="train", task="binary", command=["genotool"]) as run:
        write_model(run)
        run.update(leaky=True)
    page = write_report(tmp_path / "r").read_text()
    assert '<article class="verdict bad">' in page
    assert "no number here is to be believed" in words(page)


def test_equal_findings_are_shown_once_with_their_steps(tmp_path: Path) -> None:
    shared = {"code": "shared-rows", "severity": "severe", "message": "half of a is in b", "remedy": "drop them"}
    other = {**shared, "message": "a tenth of a is in c"}
    note = {"code": "gc", "severity": "note", "message": "GC tells a little"}
    with Run.create(tmp_path / "r", verb="run", command=["genotool"]):
        for number, (verb, found) in enumerate((("audit", [shared, other, note]), ("transfer", [note, shared])), 1):
            with Run.create(tmp_path / f"r/steps/0{number}-{verb}", verb=verb) as run:
                run.write_json("audit.json", {"findings": found, "data": ["a"]})
    page = write_report(tmp_path / "r").read_text()
    found = words(page[page.index('<section id="real"') :])
    assert found.count("half of a is in b") == 1
    assert "half of a is in b Found in: audit, transfer" in found
    assert "a tenth of a is in c Found in: audit" in found
    assert found.count("Remedy: drop them") == 1
    assert "2 severe findings, 1 note" in found
    folded = page[page.index('<details class="notes">') :]
    assert "GC tells a little" in folded[: folded.index("</details>")]


def test_effects_that_the_classes_were_made_from_do_not_lead(tmp_path: Path) -> None:
    header = ["kind", "sampling", "feature", "set_a", "set_b", "effect_name", "effect", "low", "high", "bound"]
    rows = [
        ["classes", "all", "efficacy", "x:1", "x:0", "D", 0.99, 0.98, 1.0, 0.1],
        ["sets", "all", "gc", "x", "y", "D", 0.2, 0.1, 0.3, 0.1],
        ["sets", "under-sampled", "gc", "x", "y", "D", 0.9, 0.1, 0.3, 0.1],
        ["sets", "all", "gc", "x", "y", "Cliff's delta", 0.25, 0.1, 0.3, 0.147],
        ["sets", "all", "tm", "x", "y", "Cliff's delta", 0.29, 0.1, 0.3, 0.147],
    ]
    with Run.create(tmp_path / "r", verb="sgrna compare", command=["genotool"]) as run:
        run.write_table("stats.tsv", header, rows)
    page = write_report(tmp_path / "r").read_text()
    largest = words(page[page.index("Largest effects") : page.index("<details")])
    assert "efficacy" not in largest
    assert "0.990" not in largest
    # 0.2 over a bound of 0.1 is more than 0.29 over one of 0.147; one row a feature and pair, of all rows
    assert largest.index("D 0.200") < largest.index("Cliff's delta 0.290")
    assert "0.250" not in largest
    assert "0.900" not in largest
    assert "1 comparisons of classes by efficacy" in words(page)
    assert "0.990" in words(page)  # it is in the table of all


def test_a_scatter_says_which_rows_its_correlation_leaves_out(tmp_path: Path) -> None:
    spearman = {"spearman": {"value": 0.3, "low": 0.1, "high": 0.5, "n": 27}}
    held = {"n": 27, "headline": "spearman", "metrics": spearman, "seen_rows_left_out": 3}
    rows = [[i, "", i / 30, i % 7] for i in range(30)]
    told = [[i, "train" if i < 3 else "test", i / 30, i % 7] for i in range(30)]
    for name, table in (("r", rows), ("told", told)):
        with Run.create(tmp_path / name, verb="evaluate", task="regression", command=["genotool"]) as run:
            run.write_json("metrics.json", {"task": "regression", "sets": {"k562": held}})
            run.write_table("predictions-k562.tsv", ["id", "split", "target", "score"], table)
    text = words(write_report(tmp_path / "r").read_text())
    assert "30 rows drawn. 3 of them trained the model: the correlation is of the other 27." in text
    assert "measured against predicted, 27 rows." in words(write_report(tmp_path / "told").read_text())


def test_every_metric_has_one_name(page: str) -> None:
    assert not re.search(r"\b(roc_auc|pr_auc|spearman)\b", words(page))


def test_a_step_that_cannot_be_read_is_said_and_the_rest_is_shown(tmp_path: Path) -> None:
    path = make_recipe(tmp_path / "r")
    (path / "steps/03-compare/run.json").write_text("[]")
    (path / "steps/04-tune/run.json").unlink()
    with pytest.raises(InputError, match="steps/03-compare"):
        write_report(path)
    text = words((path / "report.html").read_text())
    assert "steps/03-compare" in text
    assert "steps/04-tune: not a run folder" in text
    assert "0.812 [0.765, 0.859]" in text


def test_a_model_whose_step_is_gone_has_no_verdict(tmp_path: Path) -> None:
    path = make_recipe(tmp_path / "r")
    shutil.rmtree(path / "steps/01-transfer-a")
    with pytest.raises(InputError, match="the step of the model hct116 is not there"):
        write_report(path)
    assert "hct116 was not measured on test rows" in words((path / "report.html").read_text())


def test_an_unfinished_step_is_said(tmp_path: Path) -> None:
    path = make_recipe(tmp_path / "r")
    record = json.loads((path / "steps/02-evaluate-b/run.json").read_text())
    (path / "steps/02-evaluate-b/run.json").write_text(json.dumps({**record, "state": "running"}))
    assert "steps/02-evaluate-b is not finished (it says running)" in words(write_report(path).read_text())


HOSTILE = " ".join(
    (
        "a\"b'c & <i>d</i> {{ 7*7 }}",
        "\u05d2\u05df \u0645\u062b\u0627\u0644",  # right to left
        "ab\u202ecd\u2066ef",  # turns what follows
        "\U0001f9ec \U0001f468\u200d\U0001f52c",
        "$\\frac{1}$ and $x",
        "a\x00b\x1bc\x85d",
        "../../etc/passwd",
    )
)


@pytest.mark.parametrize("name", [HOSTILE, "x" * 5000], ids=["hostile", "long"])
def test_a_report_bears_any_name(tmp_path: Path, name: str) -> None:
    page = write_report(make_recipe(tmp_path / "r", name=name, warning=f"beware of {name}")).read_text()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)
    assert len(re.findall("<svg", page)) >= 8
    assert "A figure is missing" not in page
    assert "49" not in words(page).partition("What was asked")[0]  # no template of the data's own is filled in
    assert not any(tag in ("i", "script") for tag, _ in Tags.of(page))
    assert {file.resolve().parent for file in (tmp_path / "r/figures").iterdir()} == {
        (tmp_path / "r/figures").resolve()
    }


def test_half_a_character_is_replaced(tmp_path: Path) -> None:
    with Run.create(tmp_path / "r", verb="train", command=["a\ud800b"], data=[{"name": "a\ud800b"}]) as run:
        run.write_json("metrics.json", {"test": measured()})
    assert "a\ufffdb" in words(write_report(tmp_path / "r").read_text())


def test_every_section_of_simulated_data_is_marked(tmp_path: Path) -> None:
    page = write_report(make_recipe(tmp_path / "r", simulated=True)).read_text()
    heads = re.findall(r"<h2.*?</h2>", page)
    assert len(heads) == len(SECTIONS)
    assert all("simulated data" in head for head in heads)


def test_figures_and_tables_are_named_for_those_who_do_not_see_them(page: str) -> None:
    figures = re.findall(r"<svg.*?</svg>", page, re.S)
    for figure in figures:
        named = re.search(r'aria-labelledby="([^"]+)"', figure)
        assert named
        assert all(f'id="{key}"' in figure for key in named[1].split())
        assert re.search(r"<title[^>]*>[^<]+</title><desc", figure)
    assert not [
        dict(attributes) for tag, attributes in Tags.of(page) if tag == "th" and "scope" not in dict(attributes)
    ]


@pytest.mark.parametrize("theme", [0, 1])
def test_text_stands_out_from_its_ground(page: str, theme: int) -> None:
    """WCAG 2, 1.4.3: at least 4.5 to 1 for text, in the light and in the dark colours."""
    colours = [dict(re.findall(r"--(\w+): (#\w{6})", block)) for block in re.findall(r":root \{([^}]*)\}", page)]
    held = colours[theme]
    for ground in ("paper", "panel"):
        for ink in ("ink", "muted", "link", "good", "bad", "warn"):
            assert contrast(held[ink], held[ground]) >= 4.5, (ink, ground)


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, WCAG 2."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        line = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * line[0] + 0.7152 * line[1] + 0.0722 * line[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


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
