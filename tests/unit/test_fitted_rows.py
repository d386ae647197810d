"""What each fitted state saw is stored, and a run folder that was tampered with is caught: file by file."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from genotool import plugins, registry
from genotool.audit import Audit
from genotool.dataset import Dataset, Kind, Task, concatenate
from genotool.fitted_rows import FittedRows, digest_of, row_digests
from genotool.manifest import RECORD, manifest_of, record_digest
from genotool.sequences import Sequences
from genotool.split import Part
from genotool.stages.audit import AuditRequest, audit
from genotool.stages.begun import FitRequest
from genotool.stages.rows import RowsRequest
from genotool.stages.train import train
from genotool.testing import toy_dataset

pytestmark = pytest.mark.usefixtures("nearest_family")


def run_folder(
    table: Path, out: Path, *, balance: str = "none", refit: bool = False, floors: bool = False, **more
) -> Path:
    family = plugins.family("nearest")
    rows = RowsRequest(str(table), **more)
    return train(FitRequest(rows, family, family.config_type(), out, balance, refit, floors=floors)).path


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = toy_dataset(Kind.SEQUENCES, Task.BINARY)
    file = tmp_path_factory.mktemp("data") / "toy.tsv"
    cells = zip(rows.columns["sequence"], rows.target.tolist(), rows.groups.tolist(), strict=True)
    file.write_text("sequence\tlabel\tgroup\n" + "".join(f"{s}\t{t}\t{g}\n" for s, t, g in cells))
    return file


@pytest.fixture(scope="module")
def made(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_folder(table, tmp_path_factory.mktemp("runs") / "model")


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "model"))


def audited(run: Path) -> Audit:
    return audit(AuditRequest((str(run),)))[0]


def severe(run: Path) -> list[str]:
    return [finding.message for finding in audited(run).findings if finding.severity == "severe"]


def forge_manifest(run: Path) -> None:
    """Write the manifest anew, as somebody would who knows of it."""
    record = json.loads((run / "run.json").read_text())
    record["manifest"] = manifest_of(run) | {RECORD: record_digest(record)}
    (run / "run.json").write_text(json.dumps(record))


def test_a_digest_by_hand() -> None:
    rows = Dataset(
        "x", Kind.PAIRS, np.array(["r1"]),
        {"seq1": Sequences.from_strings(["AC"]), "seq2": Sequences.from_strings(["G"])}, np.array([1]), ("no", "yes"),
    )  # fmt: skip
    cells = b"".join(struct.pack("<Q", len(cell)) + cell for cell in (b"r1", b"AC", b"G", b"yes"))
    row = hashlib.sha256(cells).digest()
    assert row_digests(rows).tolist() == [row]
    assert digest_of(row_digests(rows)) == {"n": 1, "digest": hashlib.sha256(row).hexdigest()}


@pytest.mark.parametrize("kind", list(Kind))
def test_a_digest_knows_id_key_and_target_but_no_order(kind: Kind) -> None:
    rows = toy_dataset(kind, Task.REGRESSION, rows=30)
    found = digest_of(row_digests(rows))
    assert digest_of(row_digests(rows.take(np.arange(30)[::-1]))) == found
    target, ids = rows.target.copy(), rows.ids.copy()
    target[3], ids[4] = -1, "another"
    others = [
        rows.take(np.arange(29)),
        *(dataclasses.replace(rows, **new) for new in ({"target": target}, {"ids": ids})),
    ]
    others.append(dataclasses.replace(toy_dataset(kind, Task.REGRESSION, rows=30, seed=1), target=rows.target))
    assert all(digest_of(row_digests(other)) != found for other in others)


def test_joined_sets_have_a_digest_each() -> None:
    one, two = (dataclasses.replace(toy_dataset(Kind.GUIDES, Task.BINARY, seed=s), name=f"s{s}") for s in (0, 1))
    seen = FittedRows()
    seen.note("model", concatenate([one, two], "s0"), Part.TRAIN)
    assert seen.states["model"]["sets"] == {rows.name: digest_of(row_digests(rows)) for rows in (one, two)}


def test_every_state_of_a_run(table: Path, tmp_path: Path) -> None:
    run = run_folder(table, tmp_path / "run", refit=True)
    dataset = registry.load(str(table))
    part = dict(line.split("\t") for line in (run / "split.tsv").read_text().splitlines() if line[0] != "#")
    states = json.loads((run / "fitted.json").read_text())["states"]
    parts = {"encoder": ["train"], "model": ["train"], "early stopping": ["valid"], "threshold": ["valid"],
             "conformal": ["valid"], "refit": ["train", "valid"]}  # fmt: skip
    assert {name: state["parts"] for name, state in states.items()} == parts
    for state in states.values():
        rows = np.flatnonzero([part[row] in state["parts"] for row in dataset.ids.tolist()])
        assert state["sets"] == {dataset.name: digest_of(row_digests(dataset.take(rows)))}


@pytest.mark.parametrize(
    "settings",
    [{}, {"refit": True}, {"balance": "under"}, {"balance": "under", "refit": True}, {"balance": "smote"},
     {"overlap": "keep"}, {"seed": 3}],
)  # fmt: skip
def test_an_intact_folder_is_none_the_worse(table: Path, tmp_path: Path, settings: dict) -> None:
    run = run_folder(table, tmp_path / "run", **settings)
    found = audited(run)
    assert not found.exceeds("note"), found.table()
    assert not {item.code for item in found.findings} & {"no-manifest", "no-digests", "split-not-audited"}


def test_an_older_folder_is_noted(run: Path) -> None:
    record = json.loads((run / "run.json").read_text())
    del record["manifest"]
    (run / "run.json").write_text(json.dumps(record))
    (run / "fitted.json").unlink()
    found = audited(run)
    assert {"no-manifest", "no-digests"} <= {item.code for item in found.findings}
    assert not found.exceeds("warning")


def test_data_that_are_gone_are_noted_and_the_files_still_verified(tmp_path: Path, table: Path) -> None:
    data = Path(shutil.copy(table, tmp_path / "moved.tsv"))
    run = run_folder(data, tmp_path / "run")
    data.unlink()
    found = audited(run)
    assert "data-not-at-hand" in {item.code for item in found.findings}
    assert not found.exceeds("warning")
    (run / "split.tsv").write_text("id\tpart\n")
    assert severe(run) == ["split.tsv is not the file that the run wrote"]


def test_edited_metrics(run: Path) -> None:
    content = json.loads((run / "metrics.json").read_text())
    content["test"]["metrics"]["roc_auc"]["value"] -= 0.05
    (run / "metrics.json").write_text(json.dumps(content))
    assert "metrics.json is not the file that the run wrote" in severe(run)
    forge_manifest(run)
    assert any(message.startswith("metrics.json says ROC-AUC") for message in severe(run))


def test_another_runs_split(run: Path, table: Path, tmp_path: Path) -> None:
    other = run_folder(table, tmp_path / "other", seed=5)
    shutil.copy(other / "split.tsv", run / "split.tsv")
    assert "split.tsv is not the file that the run wrote" in severe(run)
    forge_manifest(run)
    found = severe(run)
    assert any(message.startswith("fitted.json: the encoder was fitted on") for message in found)
    assert any("differs between split.tsv and predictions.tsv" in message for message in found)


def test_a_replaced_model(run: Path) -> None:
    (run / "model.npz").write_bytes((run / "model.npz").read_bytes()[:-1])
    assert severe(run) == ["model.npz is not the file that the run wrote"]


def test_rows_trained_on_that_are_said_to_test(run: Path, table: Path) -> None:
    """Training rows are called test rows in every file but those that hold digests of rows."""
    dataset = registry.load(str(table))
    lines = (run / "split.tsv").read_text().splitlines()
    moved = [line.split("\t")[0] for line in lines if line.endswith("\ttrain")][:20]
    for name, column in (("split.tsv", 1), ("predictions.tsv", None)):
        rows = [line.split("\t") for line in (run / name).read_text().splitlines()]
        header = next(row for row in rows if row[0] == "id")
        for row in rows:
            if row[0] in moved:
                row[column or header.index("split")] = "test"
        (run / name).write_text("\n".join(map("\t".join, rows)) + "\n")
    forge_manifest(run)
    found = severe(run)
    assert any(message.startswith("fitted.json: the model was fitted on") for message in found)
    seen = next(item for item in audited(run).findings if item.code == "test-rows-trained")
    assert seen.count == len(moved)
    assert "training_keys.bin" in seen.message
    assert set(seen.examples) <= set(dataset.ids.tolist())


def test_fitted_on_all_rows(run: Path, table: Path) -> None:
    """A run that says itself that its encoder saw every row."""
    content = json.loads((run / "fitted.json").read_text())
    dataset = registry.load(str(table))
    content["states"]["encoder"]["sets"] = {dataset.name: digest_of(row_digests(dataset))}
    (run / "fitted.json").write_text(json.dumps(content))
    forge_manifest(run)
    assert any("rows of train, valid, test; test rows were fitted on" in message for message in severe(run))


@pytest.mark.parametrize(("column", "said"), [("score", "metrics.json says"), ("target", "the target of 1 rows")])
def test_edited_predictions(run: Path, column: str, said: str) -> None:
    rows = [line.split("\t") for line in (run / "predictions.tsv").read_text().splitlines()]
    place = rows[0].index(column)
    edited = next(row for row in rows if row[rows[0].index("split")] == "test")
    edited[place] = {"score": "0.5", "target": {"0": "1", "1": "0"}.get(edited[place], "")}[column]
    (run / "predictions.tsv").write_text("\n".join(map("\t".join, rows)) + "\n")
    assert "predictions.tsv is not the file that the run wrote" in severe(run)
    forge_manifest(run)
    assert any(said in message for message in severe(run))


def test_an_edited_threshold(run: Path) -> None:
    record = json.loads((run / "run.json").read_text())
    record["threshold"] = 0.123
    (run / "run.json").write_text(json.dumps(record))
    found = severe(run)
    assert "run.json is not the file that the run wrote" in found
    assert "the threshold of metrics.json is not that of run.json" in found


@pytest.mark.parametrize("change", ["verdict", "floor", "difference"])
def test_a_forged_claim_under_a_forged_manifest(table: Path, tmp_path: Path, change: str) -> None:
    """The metrics stay true; what is said of them does not."""
    run = run_folder(table, tmp_path / "run", floors=True)
    assert not severe(run)
    metrics = json.loads((run / "metrics.json").read_text())
    test = metrics["test"]
    if change == "verdict":
        test["verdict"] = "above" if test["verdict"] != "above" else "below"
        test["sentence"] = f"{test['verdict']} the best floor by far"
    elif change == "floor":
        test["floors"]["linear"]["roc_auc"]["value"] = 0.5001
    else:
        test["comparisons"][0]["difference"]["value"] = 0.2501
    (run / "metrics.json").write_text(json.dumps(metrics))
    forge_manifest(run)
    assert any(message.startswith("metrics.json: the ") for message in severe(run))


@pytest.mark.parametrize("kind", ["gone", "link", "folder"])
def test_a_file_that_is_gone_or_no_file_any_more(run: Path, tmp_path: Path, kind: str) -> None:
    file = run / "audit.json"
    moved = file.rename(tmp_path / "audit.json")
    if kind == "link":
        file.symlink_to(moved)
    elif kind == "folder":
        file.mkdir()
    said = {"gone": "is gone", "link": "is a link now", "folder": "is no file any more"}[kind]
    assert any(f"audit.json {said}" in message for message in severe(run))


def test_a_manifest_taken_away(run: Path) -> None:
    record = json.loads((run / "run.json").read_text())
    del record["manifest"]
    (run / "run.json").write_text(json.dumps(record))
    assert any("has no manifest" in message for message in severe(run))
