"""Damaged, unfinished and hostile run folders: said on the page, never silent, never active."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from genotool.errors import InputError, UsageError
from genotool.report import write_report
from genotool.report.svg import inline
from genotool.run import Run

ATTACK = '<script>alert(1)</script><img src=x onerror="alert(2)">'


def test_planned_steps_that_did_not_run_are_named(page: str, words) -> None:
    assert "Not finished: planned, but not run: evaluate-a" in words(page)


def test_names_from_data_stay_text(tmp_path: Path, make_recipe, tags) -> None:
    page = write_report(make_recipe(tmp_path / "r", name=ATTACK)).read_text()
    tags = tags(page)
    assert not any(tag in ("script", "img") for tag, _ in tags)
    assert not any(name.startswith("on") for _, attributes in tags for name, _ in attributes)
    assert "alert(1)" in page  # the name is shown, as text


def test_a_bare_run_says_what_is_missing(tmp_path: Path, words) -> None:
    with Run.create(tmp_path / "r", verb="predict", command=["genotool"]):
        pass
    text = words(write_report(tmp_path / "r").read_text())
    assert "No model was measured on test rows" in text
    assert "No audit was run" in text
    assert "Not part of this run: metrics on test rows, curves" in text


def test_damaged_files_are_named_and_do_not_stop_the_report(tmp_path: Path, write_model, words) -> None:
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


def test_a_failed_step_is_said(tmp_path: Path, words) -> None:
    with pytest.raises(InputError), Run.create(tmp_path / "r", verb="train", command=["genotool"]):
        raise InputError("the label is constant")
    assert "failed: the label is constant" in words(write_report(tmp_path / "r").read_text())


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
def test_metrics_that_are_none_are_said_and_fail(
    tmp_path: Path, content: str | bytes, said: str, write_model, words
) -> None:
    with Run.create(tmp_path / "r", verb="transfer", task="binary", command=["genotool"]) as run:
        write_model(run)
    (tmp_path / "r/metrics.json").write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InputError, match=r"metrics\.json") as caught:
        write_report(tmp_path / "r")
    assert caught.value.exit_code == 3
    text = words((tmp_path / "r/report.html").read_text())
    assert said in text
    assert "0.812" not in text


def test_numbers_that_are_not_finite_become_dashes(tmp_path: Path, write_model, words) -> None:
    with Run.create(tmp_path / "r", verb="transfer", task="binary", command=["genotool"]) as run:
        write_model(run)
    metrics = json.loads((tmp_path / "r/metrics.json").read_text())
    metrics["test"] |= {"n": float("inf"), "groups": 10**400}
    metrics["test"]["metrics"]["roc_auc"] |= {"value": float("nan"), "low": float("-inf"), "high": 1e400}
    (tmp_path / "r/metrics.json").write_text(json.dumps(metrics))
    text = words(write_report(tmp_path / "r").read_text())
    assert "nan" not in text.casefold()
    assert "infin" not in text.casefold()


def test_a_step_that_cannot_be_read_is_said_and_the_rest_is_shown(tmp_path: Path, make_recipe, words) -> None:
    path = make_recipe(tmp_path / "r")
    (path / "steps/03-compare/run.json").write_text("[]")
    (path / "steps/04-tune/run.json").unlink()
    with pytest.raises(InputError, match="steps/03-compare"):
        write_report(path)
    text = words((path / "report.html").read_text())
    assert "steps/03-compare" in text
    assert "steps/04-tune: not a run folder" in text
    assert "0.812 [0.765, 0.859]" in text


def test_a_model_whose_step_is_gone_has_no_verdict(tmp_path: Path, make_recipe, words) -> None:
    path = make_recipe(tmp_path / "r")
    shutil.rmtree(path / "steps/01-transfer-a")
    with pytest.raises(InputError, match="the step of the model hct116 is not there"):
        write_report(path)
    assert "hct116 has no metrics on test rows that can be read" in words((path / "report.html").read_text())


def test_an_unfinished_step_is_said(tmp_path: Path, make_recipe, words) -> None:
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
def test_a_report_bears_any_name(tmp_path: Path, name: str, make_recipe, words, tags) -> None:
    page = write_report(make_recipe(tmp_path / "r", name=name, warning=f"beware of {name}")).read_text()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)
    assert len(re.findall("<svg", page)) >= 8
    assert "A figure is missing" not in page
    assert "49" not in words(page).partition("What was asked")[0]  # no template of the data's own is filled in
    assert not any(tag in ("i", "script") for tag, _ in tags(page))
    assert {file.resolve().parent for file in (tmp_path / "r/figures").iterdir()} == {
        (tmp_path / "r/figures").resolve()
    }


def test_half_a_character_is_replaced(tmp_path: Path, measured, words) -> None:
    with Run.create(tmp_path / "r", verb="train", command=["a\ud800b"], data=[{"name": "a\ud800b"}]) as run:
        run.write_json("metrics.json", {"test": measured()})
    assert "a\ufffdb" in words(write_report(tmp_path / "r").read_text())


@pytest.mark.parametrize("name", ["metrics.json", "predictions.tsv"])
def test_a_pipe_in_the_place_of_a_file_is_damage(tmp_path: Path, write_model, name: str) -> None:
    """Reading it would wait for ever."""
    with Run.create(tmp_path / "r", verb="transfer", task="binary", command=["genotool"]) as run:
        write_model(run)
    (tmp_path / "r" / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / "r" / name)
    with pytest.raises(InputError, match=f"{name} is damaged: no regular file"):
        write_report(tmp_path / "r")
