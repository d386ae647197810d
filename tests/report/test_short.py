"""The first screen, the audit and the comparison: the page says what the numbers say, and no more."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from genotool.report import write_report
from genotool.run import Run


def test_values_come_with_interval_and_n(page: str, words) -> None:
    text = words(page)
    assert "0.812 [0.765, 0.859]" in text
    assert "n = 60 test rows, 30 groups" in text
    assert "0.111 [0.051, 0.171]" in text
    assert "< 0.001" in text
    assert "0.331 (2 groups are too few)" in text


def test_the_worst_finding_comes_first_with_its_remedy(page: str, words) -> None:
    text = words(page)
    assert text.index("40 rows are shared") < text.index("a note")
    assert "40 of 50 (80.0%)" in text
    assert "Effect: memoriser: ROC-AUC 0.895 with the rows that meet, 0.535 without them" in text
    assert "Remedy: drop them" in text


def test_an_attribution_that_does_not_add_up_says_so(page: str, words) -> None:
    assert "NOT EXACT" in words(page)


def test_the_first_screen_says_whether_the_model_is_real(page: str, words) -> None:
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
    tmp_path: Path, word: str, low: float | None, high: float | None, p: float | None, wanted: str, measured, words
) -> None:
    metrics = {"format": 1, "task": "binary", "test": measured(word)}
    judged = metrics["test"]["comparisons"][0]
    judged |= {"p_holm": p, "difference": {"value": 0.02, "low": low, "high": high, "reason": "too few groups"}}
    with Run.create(tmp_path / "r", verb="train", task="binary", command=["genotool"]) as run:
        run.write_json("metrics.json", metrics)
    text = words(write_report(tmp_path / "r").read_text())
    assert wanted in text
    stands = {"undecided": "not shown to be above", "equivalent": "equal to"}.get(word, word)
    assert f"{stands} this simple model: lightgbm" in text
    assert "above every" not in text


def test_the_least_p_that_the_draws_can_give_is_a_bound(tmp_path: Path, measured, words) -> None:
    metrics = {"format": 1, "task": "binary", "test": measured("above")}
    drawn = {"value": 0.1, "low": 0.05, "high": 0.15, "p": 0.005, "least_p": 0.005}
    metrics["test"]["comparisons"][0] |= {"p_holm": 0.01, "difference": drawn}
    with Run.create(tmp_path / "r", verb="train", task="binary", command=["genotool"]) as run:
        run.write_json("metrics.json", metrics)
    assert "above 0 (p ≤ 0.010 after Holm's correction)" in words(write_report(tmp_path / "r").read_text())


def test_a_leak_that_is_left_is_said_on_the_first_screen(tmp_path: Path, write_model, words) -> None:
    with Run.create(tmp_path / "r", verb="train", task="binary", command=["genotool"]) as run:
        write_model(run)
        leak = {"code": "rows-across-parts", "severity": "severe", "message": "9 test rows meet a training row"}
        run.write_json("audit.json", {"findings": [leak]})
    short = words(write_report(tmp_path / "r").read_text()).partition("What was asked")[0]
    assert "STILL THERE: 9 test rows meet a training row" in short
    assert "meet none" not in short


def test_rows_that_are_alike_across_parts_are_not_said_to_meet_none(tmp_path: Path, write_model, words) -> None:
    with Run.create(tmp_path / "r", verb="train", task="binary", command=["genotool"]) as run:
        write_model(run)
        alike = {
            "code": "homologous-rows-across-parts",
            "severity": "note",
            "message": "1 of 234 test rows shares 16-mers",
        }
        run.write_json("audit.json", {"findings": [alike]})
    short = words(write_report(tmp_path / "r").read_text()).partition("What was asked")[0]
    assert "none of its test rows equals one of its training or validation rows, but 1 of 234 test rows shares" in short
    assert "meet none" not in short


def test_a_leaky_run_has_no_good_verdict(tmp_path: Path, write_model, words) -> None:
    with Run.create(tmp_path / "r", verb="train", task="binary", command=["genotool"]) as run:
        write_model(run)
        run.update(leaky=True)
    page = write_report(tmp_path / "r").read_text()
    assert '<article class="verdict bad">' in page
    assert "no number here is to be believed" in words(page)


def test_equal_findings_are_shown_once_with_their_steps(tmp_path: Path, words) -> None:
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


def test_effects_that_the_classes_were_made_from_do_not_lead(tmp_path: Path, words) -> None:
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
    assert "Not among the largest effects: 1 test of classes by the efficacy" in words(page)
    assert "0.990" in words(page)  # it is in the table of all


def test_a_scatter_says_which_rows_its_correlation_leaves_out(tmp_path: Path, words) -> None:
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


def test_every_metric_has_one_name(page: str, words) -> None:
    assert not re.search(r"\b(roc_auc|pr_auc|spearman)\b", words(page))


def test_a_table_that_names_its_tautologies_is_believed(tmp_path: Path, words) -> None:
    header = ["kind", "feature", "set_a", "set_b", "effect_name", "effect", "tautology", "conclusion"]
    rows = [
        ["classes", "depth", "x:1", "x:0", "D", 0.9, "the class was cut from it", "by construction"],
        ["classes", "efficacy", "x:1", "x:0", "D", 0.6, "", "different"],
    ]
    with Run.create(tmp_path / "r", verb="sgrna compare", family="sgrna", command=["genotool"]) as run:
        run.write_table("stats.tsv", header, rows)
    page = write_report(tmp_path / "r").read_text()
    largest = words(page[page.index("Largest effects") : page.index("<details")])
    assert "D 0.600" in largest
    assert "0.900" not in largest
    assert '<h1 dir="auto">sgrna compare</h1>' in page


def test_delong_that_disagrees_is_on_the_first_screen_and_coverage_with_the_metrics(
    tmp_path: Path, measured, write_model, words
) -> None:
    test = measured("undecided")
    test["comparisons"][0] |= {"delong_p": 0.03, "mcnemar_p": 0.4}
    test["comparisons"][0]["difference"]["p"] = 0.07
    share = {"value": 0.81, "low": 0.78, "high": 0.84, "n": 60, "groups": 30}
    method = {
        "limits": [0.4, 0.6],
        "coverage": share,
        "coverage_of_groups": share,
        "coverage_of_classes": [share, share],
    }
    said = "Sets of classes … UNDER-COVERAGE: fewer than promised."
    test["conformal"] = {
        "level": 0.9, "used": "lac", "calibrated_rows": 120, "calibrated_groups": 40, "sentence": said,
        "methods": {"lac": method | {"size": {"value": 1.2}}},
    }  # fmt: skip
    with Run.create(tmp_path / "run", verb="train", task="binary") as run:
        write_model(run)
        run.write_json("metrics.json", {"format": 1, "task": "binary", "threshold": 0.5, "test": test})
    page = write_report(tmp_path / "run").read_text()
    first = words(page[page.index('<section id="short"') : page.index('<section id="asked"')])
    assert "DeLong's test disagrees at .05: p 0.030, the bootstrap's 0.070 before correction." in first
    cells = words(re.sub(r"</t[hd]>", " ", page))
    assert "lightgbm 0.070 0.030 0.400" in cells
    assert "conformal prediction at 0.9, calibrated on 120 validation rows" in cells
    assert said in cells
    assert "lac (what predict writes) 0.810 [0.780, 0.840]" in cells
