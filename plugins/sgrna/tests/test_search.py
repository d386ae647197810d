"""The architecture search: seeded, resumable after a kill, and what it finds is a plain network.

The guides are simulated from a fixed seed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from genotool.dataset import Dataset, Kind, Task
from genotool.encoding import Batch, EncodedView
from genotool.errors import TrainingError
from genotool.family import Tuned
from genotool.frameworks.keras import KerasModel, Training
from genotool.run import Run
from genotool_sgrna.architecture import Architecture
from genotool_sgrna.settings import GuideConfig, Search

pytestmark = pytest.mark.keras

CONFIG = GuideConfig(
    filters=[32, 32],
    kernels=[3, 3],
    dense=[32],
    towers=2,
    seed=3,
    training=Training(epochs=2, batch_size=64, ema=0.9),
    search=Search(trials=2, epochs=2, finish=False),
)


class BaseCodes:
    """Encodes a column of base codes."""

    def fit(self, batches: Iterable[Dataset]) -> Self:
        return self

    def encode(self, batch: Dataset) -> Batch:
        return {"guide": np.eye(4, dtype=np.uint8)[np.asarray(batch.columns["guide"])]}

    def save(self, directory: Path) -> None:
        raise NotImplementedError

    def load(self, directory: Path) -> Self:
        raise NotImplementedError


def simulated(rows: int, seed: int, task: Task) -> EncodedView:
    """Return simulated guides whose efficacy is the number of G before the PAM plus noise."""
    random = np.random.default_rng(seed)
    codes = random.integers(0, 4, (rows, 23))
    truth = (codes[:, 10:20] == 2).sum(1) + random.normal(0, 0.5, rows)
    target = truth.astype(np.float64) if task is Task.REGRESSION else (truth > 2).astype(np.int64)
    classes = () if task is Task.REGRESSION else ("0", "1")
    ids = np.array([f"simulated{number}" for number in range(rows)])
    return EncodedView(Dataset("simulated", Kind.GUIDES, ids, {"guide": codes}, target, classes), BaseCodes())


def searched(folder: Path, config: GuideConfig = CONFIG, task: Task = Task.REGRESSION) -> Tuned:
    """Search in a run folder, new or unfinished."""
    from genotool_sgrna.search import search

    run = Run.resume(folder) if (folder / "run.json").is_file() else Run.create(folder, verb="tune")
    with run:
        return search(config, task, simulated(300, 1, task), simulated(100, 2, task), run)


def table(folder: Path) -> list[list[str]]:
    """Return the rows of ``trials.tsv`` without the seconds."""
    rows = [line.split("\t") for line in (folder / "trials.tsv").read_text().splitlines()]
    return [row[:3] + row[4:] for row in rows]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Tuned]:
    folder = tmp_path_factory.mktemp("search") / "undisturbed"
    return folder, searched(folder)


def test_the_table_names_every_trial(undisturbed: tuple[Path, Tuned]) -> None:
    folder, tuned = undisturbed
    header, *rows = table(folder)
    assert header[:3] == ["number", "score", "parameters"]
    assert [int(row[0]) for row in rows] == [trial.number for trial in tuned.trials] == [0, 1]
    assert all(float(row[1]) > 0 and 0 < int(row[2]) <= 225_000 for row in rows)
    assert len({row[4] for row in rows}) == 2, "a configuration was tried twice"
    assert (folder / "log.txt").read_text().count("of 2:") == 2


def test_the_model_is_the_best_trial_as_a_plain_network(undisturbed: tuple[Path, Tuned], tmp_path: Path) -> None:
    import keras

    _, tuned = undisturbed
    model, valid = tuned.model, simulated(100, 2, Task.REGRESSION)
    assert isinstance(model, KerasModel)
    best = min(tuned.trials, key=lambda trial: trial.score or 0)
    error = model.scale.learn(model.predict(valid.arrays().inputs)) - model.scale.learn(valid.target)
    assert np.mean(error**2) == pytest.approx(best.score, rel=1e-4)  # what the engine measured on its own network
    assert [tensor.name for tensor in model.network.inputs] == ["guide"]
    assert model.network.count_params() == best.parameters
    assert {type(layer).__module__.split(".")[0] for layer in model.network.layers} == {"keras"}
    model.save(tmp_path)
    assert (tmp_path / "model.keras").stat().st_size < 2_000_000
    fresh = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    inputs = valid.arrays().inputs["guide"].astype(np.float32)
    np.testing.assert_array_equal(fresh(inputs), model.network(inputs))


def test_a_killed_search_goes_on_as_if_nothing_had_been(undisturbed: tuple[Path, Tuned], tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_search as t; "
    code += f"from pathlib import Path; t.searched(Path({str(folder)!r}))"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    child = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE)
    record, begun = folder / "search/trials.json", folder / "search/trial-001/checkpoint.weights.h5"
    while child.poll() is None and not begun.exists():
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    assert child.communicate()[0] == b"", "the search printed to stdout"
    finished = json.loads(record.read_text())
    assert len(finished) < CONFIG.search.trials, "the child was too quick to be killed in a trial"
    kept = (folder / "search/trial-000/checkpoint.weights.h5").stat().st_mtime_ns
    resumed = searched(folder)
    assert table(folder) == table(undisturbed[0])
    assert resumed.trials[0].seconds == finished[0]["seconds"]
    assert (folder / "search/trial-000/checkpoint.weights.h5").stat().st_mtime_ns == kept, "trial 0 ran again"
    inputs = simulated(50, 5, Task.REGRESSION).arrays().inputs
    expected = undisturbed[1].model.predict(inputs)
    np.testing.assert_array_equal(resumed.model.predict(inputs), expected)


def test_classes_are_searched_and_the_best_is_trained_again(tmp_path: Path) -> None:
    config = replace(CONFIG, search=Search(trials=1, epochs=1, finish=True))
    tuned = searched(tmp_path / "classes", config, Task.BINARY)
    valid = simulated(100, 2, Task.BINARY)
    predicted = tuned.model.predict(valid.arrays().inputs)
    assert ((predicted > 0) & (predicted < 1)).all()
    log = (tmp_path / "classes/log.txt").read_text()
    loss = -np.mean(np.log(np.where(valid.target == 1, predicted, 1 - predicted)))
    first, second = tuned.trials[0].score or 0, float(log.partition("validation loss ")[2].split()[0])
    assert loss == pytest.approx(min(first, second), rel=1e-3)


def test_the_time_limit_stops_asking_for_trials_and_the_seed_counts(
    undisturbed: tuple[Path, Tuned], tmp_path: Path
) -> None:
    config = replace(CONFIG, seed=0, search=replace(CONFIG.search, trials=5, minutes=1e-4))
    (trial,) = searched(tmp_path / "short", config).trials
    assert trial.values == undisturbed[1].trials[0].values
    assert trial.score != undisturbed[1].trials[0].score


def test_a_search_whose_trials_all_fail_says_why(tmp_path: Path) -> None:
    from genotool_sgrna.search import search

    rows, valid = simulated(50, 1, Task.REGRESSION), simulated(20, 2, Task.REGRESSION)
    hopeless = replace(rows, dataset=replace(rows.dataset, target=np.full(50, np.nan)))
    config = replace(CONFIG, search=replace(CONFIG.search, trials=1))
    with (
        pytest.raises(TrainingError, match="no number"),
        Run.create(tmp_path / "failing", verb="tune") as run,
    ):
        search(config, Task.REGRESSION, hopeless, valid, run)
    assert Run.open(tmp_path / "failing").record["state"] == "failed"


def test_the_exported_file_predicts_the_same_from_flat_guides(undisturbed: tuple[Path, Tuned], tmp_path: Path) -> None:
    import keras
    from genotool_sgrna.imported import import_model
    from genotool_sgrna.network import HEAD, single_head
    from genotool_sgrna.search import export_h5

    model = undisturbed[1].model
    assert isinstance(model, KerasModel)
    export_h5(model, tmp_path / "best_autokeras_model.h5")
    inputs = simulated(40, 7, Task.REGRESSION).arrays().inputs
    expected = model.predict(inputs)
    foreign = keras.saving.load_model(tmp_path / "best_autokeras_model.h5", compile=False)
    flat = inputs["guide"].reshape(40, 92).astype(np.float32)
    np.testing.assert_allclose(np.asarray(foreign(flat)).ravel(), expected, atol=5e-4)
    assert foreign.output_shape == (None, 1)
    back = import_model(tmp_path / "best_autokeras_model.h5")
    assert back.task is Task.REGRESSION
    np.testing.assert_allclose(back.model.predict(inputs), expected, atol=5e-4)
    head = single_head(keras, back.model.network, 1, Task.BINARY).get_layer(HEAD)
    best = min(undisturbed[1].trials, key=lambda trial: trial.score or 0)
    assert head.input.shape == (None, Architecture.of(best.values).dense[-1]), (
        "a new head reads the features, not the number"
    )


VALUES: dict[str, Any] = {
    "convolutions": 3, "filters_1": 48, "filters_2": 64, "filters_3": 64,
    "width_1": 3, "width_2": 5, "width_3": 7, "skips": True, "convolution_dropout": 0.1,
    "dense_layers": 2, "units_1": 96, "units_2": 32, "dropout": 0.3,
}  # fmt: skip


@pytest.mark.parametrize("reduction", ["flatten", "pool", "average"])
def test_the_size_of_an_architecture_is_known_before_it_is_built(reduction: str) -> None:
    from genotool.frameworks.keras import start

    shape = Architecture.of(VALUES | {"reduction": reduction})
    assert shape.network(start(0), Task.BINARY).count_params() == shape.parameters
