"""The nouns and verbs fit pairs and sparse matrices: two families that know nothing of guides."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from genotool import plugins, registry
from genotool.audit import audit_datasets
from genotool.dataset import Kind, Task, concatenate
from genotool.errors import UnsupportedStageError, UsageError
from genotool.report.render import write_report
from genotool.split import Part
from genotool.stages.audit import AuditRequest, audit
from genotool.stages.begun import FitRequest
from genotool.stages.evaluate import EvaluateRequest, evaluate
from genotool.stages.predict import run_predict, seen_words
from genotool.stages.rows import RowsRequest
from genotool.stages.train import train
from genotool.stages.transfer import transfer
from genotool.stages.tune import tune
from genotool.testing import check_family, check_honest, toy_dataset
from genotool.trained import open_trained

CASES = [("toy-pairs", "toy-couples"), ("toy-matrix", "toy-cells")]


def request(family, data: str, folder: Path, out: Path, **more) -> FitRequest:
    family = plugins.family(family) if isinstance(family, str) else family
    rows = RowsRequest(data, data_dir=folder, **more)
    return FitRequest(rows, family, family.config_type(), out, floors=False)


@pytest.mark.usefixtures("toys")
@pytest.mark.parametrize("name", ["toy-pairs", "toy-matrix"])
def test_conformance(name: str, tmp_path: Path) -> None:
    check_family(plugins.family(name), tmp_path, plugin="genotool_toys")


@pytest.mark.usefixtures("toys")
@pytest.mark.parametrize(("name", "kind"), [("toy-pairs", Kind.PAIRS), ("toy-matrix", Kind.MATRIX)])
def test_honesty(name: str, kind: Kind, tmp_path: Path) -> None:
    check_honest(plugins.family(name), tmp_path / "every-task", seeds=1)
    rows = dataclasses.replace(toy_dataset(kind, Task.BINARY, rows=240), groups=None)
    check_honest(plugins.family(name), tmp_path / "ten-seeds", rows, seeds=10)


@pytest.mark.usefixtures("toys")
def test_appended_test_rows_change_nothing_that_is_fitted(data_folder: Path, tmp_path: Path) -> None:
    """The same training rows by a split file, once with twice the test rows, through the command's own stage."""
    first = train(request("toy-pairs", "toy-couples", data_folder, tmp_path / "first"))
    table, split = data_folder / "pairs.tsv", first.file("split.tsv")
    header, *lines = table.read_text().splitlines()
    part_of = dict(line.split("\t")[:2] for line in split.read_text().splitlines() if line[0] != "#")
    more = [f"more-{line}" for line in lines if part_of[line.split("\t")[0]] == "test"]
    assert more
    table.write_text("\n".join([header, *lines, *more]) + "\n")
    longer = tmp_path / "longer.tsv"
    longer.write_text("\n".join(["id\tpart", *("\t".join(item) for item in part_of.items() if item[0] != "id"),
                                 *(f"{line.split()[0]}\ttest" for line in more)]) + "\n")  # fmt: skip
    second = train(request("toy-pairs", "toy-couples", data_folder, tmp_path / "second", split=str(longer)))
    assert second.record["split"]["rows"]["test"] == first.record["split"]["rows"]["test"] + len(more)
    assert second.record["threshold"] == first.record["threshold"]
    assert second.file("encoder/encoder.json").read_bytes() == first.file("encoder/encoder.json").read_bytes()
    states = [run.read_json("fitted.json")["states"] for run in (first, second)]
    assert states[0] == states[1]


@pytest.mark.usefixtures("toys")
@pytest.mark.parametrize(("family", "data"), CASES)
def test_train_then_evaluate_then_predict(family: str, data: str, data_folder: Path, tmp_path: Path) -> None:
    run = train(request(family, data, data_folder, tmp_path / "run"))
    assert run.finished
    measured = run.read_json("metrics.json")["test"]
    assert measured["metrics"]["accuracy"]["value"] > 0.8  # the sets have something to learn
    intact(run.path, data_folder)

    trained = open_trained(str(run.path))
    again = evaluate(trained, EvaluateRequest(tmp_path / "again", data_dir=data_folder, floors=False))
    assert again.read_json("metrics.json")["test"]["metrics"] == measured["metrics"]

    file = tmp_path / "scores.tsv"
    run_predict(str(run.path), data, file, data_dir=data_folder)
    header, *lines = file.read_text().splitlines()
    assert header.startswith("id\t")
    assert [line.split("\t")[0] for line in lines] == registry.load(data, data_dir=data_folder).ids.tolist()
    assert all(line.endswith("\tyes") for line in lines)  # simulated rows say so


@pytest.mark.usefixtures("toys")
def test_a_swapped_pair_was_seen_and_has_one_label(data_folder: Path, tmp_path: Path) -> None:
    run = train(request("toy-pairs", "toy-couples", data_folder, tmp_path / "run"))
    trained = open_trained(str(run.path))
    rows = registry.load("toy-couples", data_dir=data_folder).take(trained.split.rows(Part.TRAIN))
    turned = dict(zip(("seq1", "seq2"), reversed(rows.keys), strict=True))
    swapped = dataclasses.replace(rows, columns={**rows.columns, **turned}, target=1 - rows.target)
    assert seen_words(trained, rows) == ["exact"] * len(rows)
    assert seen_words(trained, swapped) == ["swapped"] * len(rows)
    found = audit_datasets([concatenate([rows.take(np.arange(5)), swapped.take(np.arange(3))], "both")]).findings
    (conflict,) = [item for item in found if item.code == "conflicting-labels"]
    assert (conflict.count, conflict.total) == (6, 8)


class Recording:
    """A family that notes which rows its encoder and its fit are given."""

    def __init__(self, family) -> None:
        self.family, self.fitted, self.views = family, set(), {"train": set(), "valid": set()}

    def __getattr__(self, name: str):
        return getattr(self.family, name)

    def encoder(self, config, task):
        encoder, fit = self.family.encoder(config, task), None
        fit = encoder.fit

        def noting(batches):
            batches = list(batches)
            self.fitted.update(row for batch in batches for row in batch.ids.tolist())
            return fit(batches)

        encoder.fit = noting
        return encoder

    def fit(self, config, task, train, valid, run):
        self.views["train"].update(train.dataset.ids.tolist())
        self.views["valid"].update(valid.dataset.ids.tolist())
        return self.family.fit(config, task, train, valid, run)


@pytest.mark.usefixtures("toys")
@pytest.mark.parametrize(("family", "data"), CASES)
def test_the_stage_gives_fit_no_test_rows(family: str, data: str, data_folder: Path, tmp_path: Path) -> None:
    spy = Recording(plugins.family(family))
    run = train(request(spy, data, data_folder, tmp_path / "run"))
    part_of = dict(
        line.split("\t")[:2] for line in run.file("split.tsv").read_text().splitlines() if not line.startswith("#")
    )
    rows = {part: {row for row, own in part_of.items() if own == part} for part in ("train", "valid", "test")}
    assert rows["test"]
    assert spy.fitted == rows["train"]
    assert spy.views == {"train": rows["train"], "valid": rows["valid"]}


@pytest.mark.usefixtures("toys")
def test_transfer_goes_on_from_a_model_on_pairs(data_folder: Path, tmp_path: Path) -> None:
    first = train(request("toy-pairs", "toy-couples", data_folder, tmp_path / "first"))
    parent = open_trained(str(first.path))
    moved = transfer(parent, request("toy-pairs", "toy-couples-again", data_folder, tmp_path / "moved"))
    assert moved.record["parents"] == ["../first"]
    assert "starts from a model of binary" in moved.file("log.txt").read_text()
    intact(moved.path, data_folder)


def intact(run: Path, folder: Path) -> None:
    """Check that the folder of a run is verified and nothing about it is held against it."""
    found = audit(AuditRequest((str(run),), data_dir=folder))[0]
    assert not found.exceeds("note"), found.table()
    assert not {item.code for item in found.findings} & {"no-manifest", "no-digests", "data-not-at-hand"}


@pytest.mark.usefixtures("toys")
def test_the_audit_counts_shared_pairs(data_folder: Path) -> None:
    found, _ = audit(AuditRequest(("toy-couples", "toy-couples"), data_dir=data_folder))
    assert found.exceeds("severe")
    apart, _ = audit(AuditRequest(("toy-couples", "toy-couples-again"), data_dir=data_folder))
    assert not apart.exceeds("severe")


@pytest.mark.usefixtures("toys")
def test_what_a_family_does_not_offer_is_an_error(data_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedStageError, match="toy-matrix has no search"):
        tune(request("toy-matrix", "toy-cells", data_folder, tmp_path / "tuned"))
    with pytest.raises(UsageError, match="toy-pairs takes pairs, and toy-cells is matrix"):
        train(request("toy-pairs", "toy-cells", data_folder, tmp_path / "run"))
    assert not (tmp_path / "run").exists()
    assert not (tmp_path / "tuned").exists()


@pytest.mark.usefixtures("toys")
@pytest.mark.parametrize(("family", "data"), CASES)
def test_the_command_line(family: str, data: str, data_folder: Path, genotool) -> None:
    run = data_folder.parent / "run"
    trained = genotool(
        "train", family, data, "--data-dir", data_folder, "-o", run, "--json", "--no-floors", "--threads", 1
    )
    assert trained.returncode == 0, trained.stderr
    report = json.loads(trained.stdout)
    assert report["test"]["metrics"]["accuracy"]["value"] > 0.8

    evaluated = genotool("evaluate", run, "--no-floors", "--threads", 1, "-o", data_folder.parent / "evaluated")
    assert evaluated.returncode == 0, evaluated.stderr
    assert evaluated.stdout.startswith("SIMULATED DATA")

    predicted = genotool("predict", run, data, "--data-dir", data_folder, "-o", "-")
    assert predicted.returncode == 0, predicted.stderr
    lines = [line.split("\t") for line in predicted.stdout.splitlines()]
    place = [place for place, name in enumerate(lines[0]) if name.startswith("score")]
    scores = np.array([[line[i] for i in place] for line in lines[1:]], float)
    assert scores.shape == (160, 1 if family == "toy-pairs" else 3)

    audited = genotool("audit", data, "--data-dir", data_folder, "--json", "--fail-on", "none")
    assert audited.returncode == 0, audited.stderr
    json.loads(audited.stdout)


@pytest.mark.usefixtures("toys")
@pytest.mark.parametrize(("family", "data"), CASES)
def test_controls_stand_beside_the_floors(family: str, data: str, data_folder: Path, tmp_path: Path) -> None:
    asked = dataclasses.replace(request(family, data, data_folder, tmp_path / "run"), controls=True)
    run = train(asked)
    plain = train(request(family, data, data_folder, tmp_path / "plain"))
    measured, bare = (each.read_json("metrics.json")["test"] for each in (run, plain))
    assert measured["metrics"] == bare["metrics"]  # a control changes nothing about the model
    headline, own = measured["headline"], measured["metrics"][measured["headline"]]["value"]
    reached = {name: control[headline]["value"] for name, control in measured["controls"].items()}
    if family == "toy-pairs":
        assert reached["dinucleotide shuffle"] > own - 0.1  # the toy's motifs differ in composition too
    else:
        assert list(reached.values()) == [own, own]  # centroids know no order
    header = run.file("controls.tsv").read_text().splitlines()[0]
    assert all(name in header for name in reached)
    page = write_report(run.path).read_text()
    assert all(f"Control, {name}: reaches" in page for name in reached)
    assert "fitted again where the biology is destroyed" in page
    intact(run.path, data_folder)


@pytest.mark.usefixtures("nearest_family", "toys")
def test_a_family_without_controls_says_so(data_folder: Path, tmp_path: Path) -> None:
    asked = dataclasses.replace(request("nearest", "toy-words", data_folder, tmp_path / "run"), controls=True)
    with pytest.raises(UnsupportedStageError, match="nearest names no control for sequences"):
        train(asked)
    assert not (tmp_path / "run").exists()
