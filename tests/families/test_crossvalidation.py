"""Cross-validation of the toy families: what each fold may see, what is measured out of fold, killed and resumed."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import typer
from genotool import plugins, registry
from genotool.audit import overlap_mask, read_keys
from genotool.cli.train import fit_command
from genotool.config import write_toml
from genotool.dataset import Dataset
from genotool.errors import InputError, UnsupportedStageError, UsageError
from genotool.folds import Folds, folds_from_file
from genotool.out_of_fold import combine
from genotool.persist import load_arrays
from genotool.predictions import read_test_rows
from genotool.run import Run
from genotool.split import Fractions, Part, from_file
from genotool.stages.begun import FitRequest
from genotool.stages.crossvalidate import FoldsRequest, crossvalidate, fold_command, fold_rows
from genotool.stages.explain import ExplainRequest, explain
from genotool.stages.predict import run_predict
from genotool.stages.rows import RowsRequest
from genotool.stages.train import train
from genotool.stages.transfer import transfer
from genotool.trained import Ensemble, open_trained
from scipy import stats
from sklearn.metrics import f1_score, roc_auc_score

FILES = ("predictions.tsv", "metrics.json", "split.tsv", "training_keys.bin", "audit.json")

pytestmark = pytest.mark.usefixtures("toys")


@pytest.fixture(autouse=True)
def installed(toys_installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the toy families installed in the processes that are started."""
    monkeypatch.setenv("PYTHONPATH", str(toys_installed))
    monkeypatch.setenv("GENOTOOL_THREADS", "1")


def command(data: Path, out: Path, *flags: object) -> list[str]:
    words = ["train", "toy-pairs", "toy-couples", "--data-dir", data, "--threads", 1, "-o", out, *flags]
    return [sys.executable, "-m", "genotool", *map(str, words)]


@pytest.fixture(scope="module")
def validated(toys_installed: Path, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a cross-validation, two folds twice, with two workers."""
    out = tmp_path_factory.mktemp("validated") / "cv"
    words = command(shared_data, out, "--folds", 2, "--repeats", 2, "--workers", 2)
    environment = {**os.environ, "PYTHONPATH": str(toys_installed)}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "corrected resampled t-test" in done.stdout
    return Run.open(out)


def request(family: str, data: str, folder: Path, out: Path, *, floors: bool = False, **more) -> FitRequest:
    made = plugins.family(family)
    return FitRequest(RowsRequest(data, data_dir=folder, **more), made, made.config_type(), out, floors=floors)


def loaded(run: Run, folder: Path) -> tuple[Dataset, Folds]:
    dataset = registry.load(str(run.record["data"][0]["name"]), data_dir=folder)
    return dataset, folds_from_file(run.file("split.tsv"), dataset)


def table(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(file.open(), delimiter="\t"))


class Watched:
    """A family that notes which rows its encoder and its fit are given."""

    def __init__(self, family) -> None:
        self.family, self.seen = family, set()

    def __getattr__(self, name: str):
        return getattr(self.family, name)

    def encoder(self, config, task):
        encoder = self.family.encoder(config, task)
        fit = encoder.fit

        def noting(batches):
            batches = list(batches)
            self.seen.update(row for batch in batches for row in batch.ids.tolist())
            return fit(batches)

        encoder.fit = noting
        return encoder

    def fit(self, config, task, train, valid, run):
        self.seen.update(train.dataset.ids.tolist(), valid.dataset.ids.tolist())
        return self.family.fit(config, task, train, valid, run)


def fits_no_row_that_it_tests(run: Run, asked: FitRequest, folder: Path, out: Path) -> None:
    """Fit each fold of the first repeat again, here and watched; the process of its own did the same, to the byte."""
    dataset, folds = loaded(run, folder)
    tested: list[str] = []
    for key in [key for key in folds.keys if key[0] == 1]:
        watched = Watched(asked.family)
        rows = fold_rows(asked.rows, run.path, folds, key)
        here = train(dataclasses.replace(asked, family=watched, rows=rows, out=out / f"here-{key[1]}"))
        split = from_file(here.file("split.tsv"), dataset)
        test = set(dataset.ids[split.rows(Part.TEST)].tolist())
        assert test == set(dataset.ids[folds.numbers[:, 0] == key[1]].tolist())
        assert watched.seen == set(dataset.ids[np.isin(split.parts, (Part.TRAIN, Part.VALID))].tolist())
        assert not watched.seen & test
        tested += sorted(test)
        for name in ("split.tsv", "predictions.tsv", "metrics.json"):
            assert (run.path / f"folds/1-{key[1]}" / name).read_bytes() == here.file(name).read_bytes()
    assert sorted(tested) == sorted(dataset.ids.tolist())


def test_no_fold_gives_fit_a_row_that_it_tests(validated: Run, shared_data: Path, tmp_path: Path) -> None:
    asked = request("toy-pairs", "toy-couples", shared_data, tmp_path / "cv", floors=True)
    fits_no_row_that_it_tests(validated, asked, shared_data, tmp_path)


def test_out_of_fold_scores_are_pooled_and_averaged(validated: Run, shared_data: Path) -> None:
    run = validated
    dataset, folds = loaded(run, shared_data)
    parts = {key: read_test_rows(Run.open(run.path / "folds/{}-{}".format(*key)), "") for key in folds.keys}
    score, memoriser = np.zeros(len(dataset)), np.zeros(len(dataset))
    for (repeat, fold), rows in parts.items():
        at = np.flatnonzero(folds.numbers[:, repeat - 1] == fold)
        score[at] += rows.score / 2
        memoriser[at] += rows.floors["memoriser"] / 2
    lines = table(run.file("predictions.tsv"))
    assert [line["split"] for line in lines] == ["test"] * len(dataset)
    assert np.allclose([float(line["score"]) for line in lines], score, atol=1e-6)

    metrics = run.read_json("metrics.json")
    target = dataset.target
    assert metrics["test"]["metrics"]["roc_auc"]["value"] == pytest.approx(roc_auc_score(target, score))
    assert metrics["test"]["floors"]["memoriser"]["roc_auc"]["value"] == pytest.approx(roc_auc_score(target, memoriser))
    found = metrics["cross_validation"]
    each = [roc_auc_score(rows.target, rows.score) for rows in parts.values()]
    floor = [roc_auc_score(rows.target, rows.floors["memoriser"]) for rows in parts.values()]
    assert found["mean_of_folds"]["roc_auc"]["value"] == pytest.approx(np.mean(each))
    assert found["floors_mean_of_folds"]["memoriser"]["sd"] == pytest.approx(np.std(floor, ddof=1))
    assert found["sentence"].startswith("Pooled, one ROC-AUC over all 160 rows")
    assert "Mean of 4 folds" in found["sentence"]
    assert "unlike scale" not in found["sentence"]
    assert metrics["test"]["floors"]["majority"]["roc_auc"]["value"] == 0.5  # pooled as they are: below
    constants = [np.unique(rows.floors["majority"]) for rows in parts.values()]
    assert len(np.unique(constants)) > 1

    difference = np.array(each) - np.array(floor)
    rows = [Run.open(run.path / f"folds/{name}").record["split"]["rows"] for name in run.record["folds"]["names"]]
    share = np.mean([part["test"] for part in rows]) / np.mean([part["train"] for part in rows])
    t = difference.mean() / np.sqrt((1 / 4 + share) * difference.var(ddof=1))
    assert found["t_tests"]["memoriser"]["t"] == pytest.approx(t, rel=0.02)  # the mean counts of rows are rounded
    assert found["t_tests"]["memoriser"]["p"] == pytest.approx(2 * stats.t.sf(abs(t), 3), rel=0.1)


def test_scores_of_unlike_scale_are_said(validated: Run, shared_data: Path, tmp_path: Path) -> None:
    run = Run.open(Path(shutil.copytree(validated.path, tmp_path / "cv")))
    dataset, folds = loaded(run, shared_data)
    for repeat in (1, 2):
        file = run.path / f"folds/{repeat}-1/predictions.tsv"
        header, *lines = (line.split("\t") for line in file.read_text().splitlines())
        place = header.index("score")
        for line in lines:
            line[place] = f"{float(line[place]) / 1000:.9g}"  # the order within the fold stays
        file.write_text("\n".join(map("\t".join, [header, *lines])) + "\n")
    combine(run, dataset, folds, floors=False, seed=0)
    assert run.read_json("metrics.json")["cross_validation"]["sentence"].endswith("unlike scale: pooling lowers it.")


def test_many_classes_by_a_file_that_names_what_it_leaves_out(data_folder: Path, tmp_path: Path) -> None:
    dataset = registry.load("toy-cells", data_dir=data_folder)
    numbers = [1 + int(group.partition("-")[2]) % 2 for group in dataset.groups.tolist()]
    file = tmp_path / "folds.tsv"
    names = "".join(f"# fold\t{number}\tbatch {number}\n" for number in (1, 2))
    rows = "".join(f"{row}\t{number}\n" for row, number in zip(dataset.ids.tolist(), numbers, strict=True))
    file.write_text(f"{names}id\tfold\n{rows}")
    asked = request("toy-matrix", "toy-cells", data_folder, tmp_path / "cv", split=str(file))
    run = crossvalidate(asked, FoldsRequest("groups", workers=2), "train")
    assert loaded(run, data_folder)[1].numbers[:, 0].tolist() == numbers
    found = run.read_json("metrics.json")
    assert [fold["tests"] for fold in found["cross_validation"]["folds"]] == ["batch 1", "batch 2"]
    lines = table(run.file("predictions.tsv"))
    value = f1_score([line["target"] for line in lines], [line["label"] for line in lines], average="macro")
    assert found["test"]["metrics"]["f1"]["value"] == pytest.approx(value)
    fits_no_row_that_it_tests(run, asked, data_folder, tmp_path)


def test_the_folder_is_the_ensemble_of_its_folds(genotool, validated: Run, shared_data: Path, tmp_path: Path) -> None:
    run = validated
    model = open_trained(str(run.path))
    assert isinstance(model, Ensemble)
    other = registry.load("toy-couples-again", data_dir=shared_data)
    members = [open_trained(str(run.path / f"folds/{name}")).predict(other) for name in run.record["folds"]["names"]]
    assert len(members) == 4
    assert np.allclose(model.predict(other), np.mean(members, axis=0))
    own = registry.load("toy-couples", data_dir=shared_data)
    assert overlap_mask(own, read_keys(run.file("training_keys.bin"))).all()
    assert not len(model.split.rows(Part.TEST))
    with pytest.raises(UnsupportedStageError, match="holds 4 models") as error:
        _ = model.encoder
    assert "folds/1-1" in str(error.value)
    words = ("evaluate", run.path, "toy-couples-again", "--data-dir", shared_data, "-o", tmp_path / "elsewhere")
    assert genotool(*words, "--no-floors", "--threads", 1).returncode == 0


def test_what_an_ensemble_explains_and_what_it_refuses(validated: Run, shared_data: Path, tmp_path: Path) -> None:
    model = open_trained(str(validated.path))
    other = registry.load("toy-couples-again", data_dir=shared_data).take(np.arange(20))
    done = explain(model, other, ExplainRequest(tmp_path / "all"))
    about, held = done.read_json("explanation.json"), load_arrays(done.file("attributions.npz"))
    assert about["method"] == "words of the log-odds; mean over 4 models"
    assert about["exact"]
    each = [one.family.explain(one.model, one.config, one.view(other), one.view(other), done) for one in model.members]
    for name in ("values", "additivity_error", "delta"):
        assert np.allclose(held[name], np.mean([getattr(one, name) for one in each], axis=0), atol=1e-6)
    with pytest.raises(UnsupportedStageError, match="holds 4 models"):
        transfer(model, request("toy-pairs", "toy-couples-again", shared_data, tmp_path / "moved"))
    with pytest.raises(UsageError, match="takes a single model"):
        run_predict(str(validated.path), "toy-couples-again", tmp_path / "t.tsv", coverage=0.5, data_dir=shared_data)
    assert not {"moved", "t.tsv"} & {item.name for item in tmp_path.iterdir()}


def test_each_row_is_explained_by_the_model_that_did_not_see_it(validated: Run, tmp_path: Path) -> None:
    model = open_trained(str(validated.path))
    done = explain(model, None, ExplainRequest(tmp_path / "own", count=25, seed=3))
    held = load_arrays(done.file("attributions.npz"))
    words = "; each row by the one of 2 models that did not see it"
    assert done.read_json("explanation.json")["method"].endswith(words)
    assert len(held["ids"]) == 25
    dataset = model.load_dataset()
    explained = 0
    for member in model.members[:2]:  # the first repeat
        tests = dataset.take(member.split.rows(Part.TEST))
        found = member.family.explain(member.model, member.config, member.view(tests), member.view(tests), done)
        place = {name: row for row, name in enumerate(tests.ids.tolist())}
        for row, name in enumerate(held["ids"].tolist()):
            if name in place:
                assert np.allclose(held["values"][row], found.values[place[name]], atol=1e-6)
                explained += 1
    assert explained == 25


def test_the_chosen_rows_come_in_the_order_asked(validated: Run, tmp_path: Path) -> None:
    model = open_trained(str(validated.path))
    ids = tuple(model.load_dataset().ids[[7, 2, 30]].tolist())
    done = explain(model, None, ExplainRequest(tmp_path / "chosen", ids=ids))
    assert load_arrays(done.file("attributions.npz"))["ids"].tolist() == list(ids)
    assert [row["id"] for row in done.read_json("explanation.json")["chosen"]] == list(ids)
    assert done.file("figures/chosen.svg").is_file()
    one = model.members[0]
    either = [str(one.load_dataset().take(one.split.rows(part)).ids[0]) for part in (Part.TRAIN, Part.TEST)]
    with pytest.raises(UsageError, match="1 of 2 ids are no rows to explain"):
        explain(one, None, ExplainRequest(tmp_path / "seen", ids=tuple(either)))


def test_a_family_of_one_method_is_asked_for_no_other(validated: Run, tmp_path: Path) -> None:
    model = open_trained(str(validated.path))
    for asked in ({"method": "mutagenesis"}, {"background": "shuffled"}):
        with pytest.raises(UnsupportedStageError, match="toy-pairs"):
            explain(model, None, ExplainRequest(tmp_path / "no", **asked))
    with pytest.raises(UnsupportedStageError, match="no hypothetical scores"):
        explain(model, None, ExplainRequest(tmp_path / "export", export=("modisco",)))
    assert not (tmp_path / "no").exists()


def test_audit_report_and_compare_take_it(genotool, validated: Run, tmp_path: Path) -> None:
    run = Run.open(Path(shutil.copytree(validated.path, tmp_path / "cv")))
    audited = genotool("audit", run.path)
    assert audited.returncode == 0, audited.stdout
    assert genotool("report", run.path).returncode == 0
    page = run.file("report.html").read_text()
    assert "Mean of 4 folds" in page
    assert "damaged" not in page
    other = shutil.copytree(run.path, tmp_path / "other")
    compared = genotool("compare", run.path, other, "-o", tmp_path / "compared")
    assert compared.returncode == 0, compared.stderr
    differ = genotool("compare", run.path, run.path / "folds/1-1", "-o", tmp_path / "refused")
    assert (differ.returncode, "test on other rows" in differ.stderr) == (3, True)

    (run.path / "folds/1-2/split.tsv").write_text("id\tpart\n")
    assert genotool("audit", run.path).returncode == 5  # each fold is verified
    record = json.loads(run.file("run.json").read_text())
    record["folds"]["names"] = ["../../elsewhere"]
    run.file("run.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match="names no folds"):
        open_trained(str(run.path))


def test_every_flag_reaches_the_folds(data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = RowsRequest(
        "toy-couples", data_folder, "label", "group", Fractions(0.2, 0.1), 5, ("toy-couples-again",),
        ("toy-words",), ("toy-cells:all",), "keep", "severe",
    )  # fmt: skip
    family = plugins.family("toy-pairs")
    asked = FitRequest(
        rows, family, family.config_type(strength=0.5), tmp_path / "cv", "under", refit=True, floors=False,
        controls=True, margin=0.02, coverage=0.8,
    )  # fmt: skip
    for given in (asked, rows):
        missing = [f.name for f in dataclasses.fields(given) if getattr(given, f.name) == f.default]
        assert missing in ([], ["overwrite"])  # a new field must be set here, and passed on
    (tmp_path / "cv").mkdir()
    (tmp_path / "cv/config.toml").write_text(write_toml(asked.config))
    folds = Folds(np.array([[1], [2]]), "group", 5, "")
    mine = fold_rows(rows, tmp_path / "cv", folds, (1, 2))
    words = fold_command(asked, mine, tmp_path / "cv", tmp_path / "cv/folds/1-2", "train")

    got: list[FitRequest] = []
    monkeypatch.setattr("genotool.cli.train.show_run", lambda *_: None)
    app = typer.Typer()
    app.command()(fit_command("train", lambda: got.append, "")(family))
    app(words[2:], standalone_mode=False)
    expected = dataclasses.replace(asked, rows=mine, out=tmp_path / "cv/folds/1-2")
    assert got == [expected]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("train", "--workers", 2), 2, "go with --folds\nhint: such as --folds 5 --repeats 3"),
        (("train", "--folds", 1), 2, "hint: a single split is what `train` makes without --folds"),
        (("train", "--folds", "one"), 2, "a number from 2 on"),
        (("train", "--folds", 30), 3, "20 groups where 30 are needed"),
        (("train", "--folds", 3, "--workers", 0), 2, "--workers is at least 1"),
        (("tune", "--folds", 3), 2, "1-1 failed (exit code 2)"),
    ],
)
def test_what_is_refused(words, code: int, said: str, data_folder: Path, genotool) -> None:
    out = data_folder.parent / "cv"
    done = genotool(words[0], "toy-matrix", "toy-cells", "--data-dir", data_folder, *words[1:], "-o", out)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert not out.exists()  # what the first fold refuses leaves nothing


def test_killed_and_resumed_whatever_the_workers(data_folder: Path, tmp_path: Path) -> None:
    killed, whole, flags = tmp_path / "killed", tmp_path / "whole", ("--folds", 2, "--no-floors")
    with subprocess.Popen(command(data_folder, killed, *flags), stdout=subprocess.DEVNULL) as process:
        while not (killed / "folds/1-1/DONE").exists():
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert not (killed / "folds/1-2/DONE").exists()
    before = {file.name: file.stat().st_mtime_ns for file in (killed / "folds/1-1").iterdir()}
    again = [sys.executable, "-m", "genotool", "train", "--resume", str(killed)]
    done = subprocess.run(again, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {file.name: file.stat().st_mtime_ns for file in (killed / "folds/1-1").iterdir()} == before

    words = command(data_folder, whole, *flags, "--workers", 2)
    assert subprocess.run(words, capture_output=True, check=False).returncode == 0
    for name in FILES:
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name


def test_stopped_by_hand_says_so_once(data_folder: Path, tmp_path: Path) -> None:
    """A terminal sends Ctrl-C to the folds too: the run alone speaks, and names the folder to go on with."""
    out = tmp_path / "cv"
    words = command(data_folder, out, "--folds", 2, "--no-floors", "--quiet")
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        while not (out / "folds/1-1/run.json").exists():
            assert process.poll() is None
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        said = process.communicate()[1]
    assert (process.returncode, said) == (130, f"error: stopped by SIGINT\nhint: go on with --resume {out}\n")


def test_a_fold_of_other_rows_is_refused(validated: Run, shared_data: Path, tmp_path: Path) -> None:
    run = Run.open(Path(shutil.copytree(validated.path, tmp_path / "cv")))
    (run.path / "folds/1-1").rename(run.path / "was")
    (run.path / "folds/1-2").rename(run.path / "folds/1-1")
    (run.path / "was").rename(run.path / "folds/1-2")
    dataset, folds = loaded(run, shared_data)
    with pytest.raises(InputError, match="tested other rows than its own"):
        combine(run, dataset, folds, floors=False, seed=0)


def test_controls_are_measured_out_of_fold(data_folder: Path, tmp_path: Path) -> None:
    asked = dataclasses.replace(request("toy-pairs", "toy-couples", data_folder, tmp_path / "cv"), controls=True)
    run = crossvalidate(asked, FoldsRequest("2"), "train")
    test = run.read_json("metrics.json")["test"]
    (name,) = test["controls"]
    held = {row["id"]: float(row[name]) for row in table(run.file("controls.tsv"))}
    folds = [row for fold in ("1-1", "1-2") for row in table(run.file(f"folds/{fold}/controls.tsv"))]
    assert held == {row["id"]: float(row[name]) for row in folds}
    rows = read_test_rows(run, "cv")
    assert test["controls"][name]["roc_auc"]["value"] == pytest.approx(
        roc_auc_score(rows.target, [held[row] for row in rows.ids.tolist()]), abs=1e-4
    )
    assert test["controls"][name]["sentence"].startswith(f"Control, {name}: reaches ROC-AUC")
