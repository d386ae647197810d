"""The search with Optuna: the same for any number of processes, after a kill, and whatever the test rows say."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any, Self

import numpy as np
import pytest
from genotool.dataset import Dataset, Kind, Task
from genotool.encoding import Batch, EncodedView
from genotool.errors import TrainingError
from genotool.family import Tuned
from genotool.frameworks.keras import Training
from genotool.run import Run
from genotool.sequences import Sequences
from genotool.stages.begun import FitRequest
from genotool.stages.rows import RowsRequest
from genotool.stages.tune import tune
from genotool_deepdife import search as searches
from genotool_deepdife import search_trial
from genotool_deepdife.encoder import PromoterEncoder
from genotool_deepdife.family import PromoterFamily
from genotool_deepdife.search_trial import Job, Trainer
from genotool_deepdife.settings import PromoterConfig, Search
from numpy.typing import NDArray

pytestmark = pytest.mark.keras

LENGTH = 40
CONFIG = PromoterConfig(
    filters=[4, 4],
    kernels=[8, 3],
    strides=[1, 4],
    pools=[4, 1],
    dense=[8],
    seed=3,
    training=Training(epochs=2, batch_size=50, cosine=False),
    search=Search(trials=3, epochs=2, folds=0, batch=2),
)


def promoters(rows: int, seed: int) -> Dataset:
    """Return simulated promoters, two a family, whose class is whether there are many C."""
    bases = np.random.default_rng(seed).integers(0, 4, (rows, LENGTH))
    text = ["".join("ACGT"[base] for base in row) for row in bases]
    ids, groups = (
        np.array([f"{seed}-{name}{row // size}" for row in range(rows)]) for name, size in (("p", 1), ("f", 2))
    )
    target = ((bases == 1).sum(1) > LENGTH / 4).astype(np.int64)
    columns = {"sequence": Sequences.from_strings(text)}
    return Dataset("simulated", Kind.SEQUENCES, ids, columns, target, ("0", "1"), groups)


def views() -> tuple[EncodedView, EncodedView]:
    encoder = PromoterEncoder(LENGTH)
    return EncodedView(promoters(60, 1), encoder), EncodedView(promoters(40, 2), encoder)


def searched(folder: Path, workers: int, config: PromoterConfig = CONFIG) -> Tuned:
    """Search in a run folder, new or unfinished."""
    config = replace(config, search=replace(config.search, workers=workers))
    run = Run.resume(folder) if (folder / "run.json").is_file() else Run.create(folder, verb="tune")
    with run:
        return searches.search(config, Task.BINARY, *views(), run)


def table(folder: Path) -> list[list[str]]:
    """Return the rows of ``trials.tsv`` without the seconds."""
    rows = [line.split("\t") for line in (folder / "trials.tsv").read_text().splitlines()]
    return [row[:3] + row[4:] for row in rows]


class Here:
    """Carries the trials out in this process, which has its framework already."""

    def __init__(self, work: Callable[[Any], Any], count: int) -> None:
        self.work = work

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        pass

    def outcomes(self, jobs: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
        return ((job, self.work(job)) for job in jobs)


def test_one_process_or_two_and_a_kill_in_between_give_the_same(tmp_path: Path) -> None:
    plain, killed = tmp_path / "plain", tmp_path / "killed"
    expected = searched(plain, 1)
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_search as t; "
    code += f"from pathlib import Path; t.searched(Path({str(killed)!r}), 1)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    child = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE)
    while child.poll() is None and not (killed / "trials.tsv").exists():
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    assert child.communicate()[0] == b"", "the search printed to stdout"
    finished = (killed / "trials.tsv").read_text().splitlines()
    assert 1 < len(finished) < 1 + CONFIG.search.trials, "it was too quick to be killed"
    found = searched(killed, 2)
    assert table(killed) == table(plain)
    assert (killed / "trials.tsv").read_text().splitlines()[: len(finished)] == finished, "a finished trial ran again"
    inputs = PromoterEncoder(LENGTH).encode(promoters(20, 9))
    np.testing.assert_array_equal(found.model.predict(inputs), expected.model.predict(inputs))
    best = max(found.trials, key=lambda trial: trial.score or 0)
    assert Run.open(killed).record["config"]["kernels"][0] == best.values["kernel"]
    assert f"learning_rate = {best.values['learning_rate']}" in (killed / "config.toml").read_text()
    assert "<svg" in (killed / "figures/search-history.svg").read_text()


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searches, "Workers", Here)


class CountsC:
    """Stands for a trained network where it matters only what it was given: the score is the number of C."""

    task = Task.BINARY
    network = SimpleNamespace(count_params=lambda: 1)

    def predict(self, batch: Batch) -> NDArray[np.float64]:
        return batch["sequence"][:, :, 1].sum(axis=1) / LENGTH

    def save(self, directory: Path) -> None:
        (directory / "model.json").write_text("{}")


@pytest.mark.usefixtures("here")
def test_the_search_is_given_training_and_validation_rows_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, parts = promoters(90, 4), ["train"] * 50 + ["valid"] * 20 + ["test"] * 20
    assert rows.target is not None
    assert rows.groups is not None
    text = list(rows.columns["sequence"])  # type: ignore[call-overload]
    given: list[tuple[list[str], list[int], list[str], list[int]]] = []

    def train(_: PromoterConfig, __: Task, view: EncodedView, valid: EncodedView, *___: Run, **____: object) -> CountsC:
        seen = (view.dataset.ids.tolist(), view.target.tolist(), valid.dataset.ids.tolist(), valid.target.tolist())
        given.append(seen)
        return CountsC()

    for module in (searches, search_trial):
        monkeypatch.setattr(module, "fitted", train)
    tables = []
    for name, flip in (("as-they-are", 0), ("turned-round", 1)):
        labels = [label ^ flip * (part == "test") for label, part in zip(rows.target.tolist(), parts, strict=True)]
        columns = (rows.ids.tolist(), text, labels, rows.groups.tolist())
        lines = ["id\tsequence\tlabel\tfamily", *("\t".join(map(str, row)) for row in zip(*columns, strict=True))]
        split = ["id\tpart", *(f"{row}\t{part}" for row, part in zip(rows.ids, parts, strict=True))]
        (tmp_path / f"{name}.tsv").write_text("\n".join(lines) + "\n")
        (tmp_path / "split.tsv").write_text("\n".join(split) + "\n")
        asked = RowsRequest(str(tmp_path / f"{name}.tsv"), target="label", split=str(tmp_path / "split.tsv"))
        config = replace(CONFIG, search=replace(CONFIG.search, folds=2, trials=2))
        run = tune(FitRequest(asked, PromoterFamily(), config, tmp_path / f"run-{name}", floors=False))
        tables.append((table(run.path), run.record["config"]))
    assert tables[0] == tables[1]
    assert given[:5] == given[5:], "two trials of two folds each, and the best one"
    first, second, *_, whole = given[:5]
    family = dict(zip(rows.ids.tolist(), rows.groups.tolist(), strict=True))
    assert not {family[row] for row in first[0]} & {family[row] for row in second[0]}, "the folds part no family"
    assert sorted(first[0] + second[0]) == sorted(whole[0]) == sorted(rows.ids[:50].tolist())
    assert {tuple(sorted(one[2])) for one in given} == {tuple(sorted(rows.ids[50:70].tolist()))}


@pytest.mark.usefixtures("here")
def test_a_trial_that_fails_is_recorded_and_the_search_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train = search_trial.fitted

    def fails_when_wide(config: PromoterConfig, *given: Any, **named: Any) -> Any:
        if config.filters[0] > 4:
            raise MemoryError("too wide\nand more")
        return train(config, *given, **named)

    monkeypatch.setattr(search_trial, "fitted", fails_when_wide)
    tuned = searched(tmp_path / "some", 1, replace(CONFIG, search=replace(CONFIG.search, minutes=1e-6)))
    assert [(trial.score is None, trial.failure) for trial in tuned.trials] == [(False, ""), (True, "too wide")]
    assert len(tuned.trials) == 2 < CONFIG.search.trials, "the time to ask for trials was over after a batch"
    wide = replace(CONFIG, filters=[5, 5], search=replace(CONFIG.search, trials=2))
    with pytest.raises(TrainingError, match="no network could be trained: too wide"):
        searched(tmp_path / "all", 1, wide)
    assert Run.open(tmp_path / "all").record["state"] == "failed"


@pytest.mark.parametrize(("folds", "stopped"), [(0, "epoch 6 ("), (2, "fold 1 (")])
def test_a_trial_behind_the_median_of_earlier_ones_is_stopped(tmp_path: Path, folds: int, stopped: str) -> None:
    numbers = None if not folds else np.arange(60) // 2 % folds + 1
    trainer = Trainer(Task.BINARY, *views(), numbers, tmp_path)
    config = replace(CONFIG, search=replace(CONFIG.search, epochs=8, patience=8))
    earlier = (1.1, dict.fromkeys(range(8), 1.1))
    outcome = trainer(Job(0, config, (earlier,) * 4))
    assert outcome.score is None
    assert outcome.pruned.startswith(stopped), "epochs are warmed up first"
    assert outcome.parameters > 0
