"""DeepSHAP of guide networks: attributions add up, planted effects come back, one backend only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from genotool.dataset import Dataset, Kind, Task
from genotool.encoding import EncodedView
from genotool.errors import InputError, UnavailableError
from genotool.explanation import mean_by_base
from genotool.frameworks.attribution import explain
from genotool.frameworks.keras import KerasModel, TargetScale, start
from genotool.run import Run
from genotool.sequences import Sequences
from genotool_sgrna.encoder import GuideEncoder

pytestmark = pytest.mark.keras

EFFECT = {(19, 2): 1.5, (15, 3): -1.0}
"""Position and base (0-based, ACGT) to what the planted network adds for it."""


def guides(count: int, seed: int) -> EncodedView:
    bases = np.random.default_rng(seed).integers(0, 4, (count, 23))
    text = ["".join("ACGT"[base] for base in row) for row in bases]
    ids = np.array([f"g{row}" for row in range(count)])
    rows = Dataset("planted", Kind.GUIDES, ids, {"guide": Sequences.from_strings(text)}, np.zeros(count))
    return EncodedView(rows, GuideEncoder())


def linear(activation: str | None, task: Task, scale: TargetScale | None = None) -> KerasModel:
    """Return a network that adds the planted effects."""
    keras = start(0)
    guide = keras.layers.Input((23, 4), name="guide")
    head = keras.layers.Dense(1, activation=activation)
    network = keras.Model(guide, head(keras.layers.Flatten()(guide)))
    weights = np.zeros((23, 4))
    for place, value in EFFECT.items():
        weights[place] = value
    head.set_weights([weights.reshape(-1, 1), np.array([0.2])])
    return KerasModel(network, task, scale or TargetScale())


def convolutional(kind: str) -> KerasModel:
    """Return an untrained network of the layers that a search may choose, its normalisation set."""
    keras = start(4)
    layers = keras.layers
    guide = layers.Input((23, 4), name="guide")
    tensor = layers.Reshape((23, 4))(layers.Reshape((92,))(guide)) if kind == "reshape" else guide
    tensor = layers.Conv1D(12, 5, padding="same")(tensor)
    norm = layers.BatchNormalization()
    tensor = layers.ReLU()(norm(tensor))
    tensor = layers.MaxPooling1D(2)(tensor) if kind != "flat" else tensor
    tensor = layers.Conv1D(12, 3, activation="relu")(tensor)
    tensor = layers.GlobalAveragePooling1D()(tensor) if kind == "pooled" else layers.Flatten()(tensor)
    if kind == "towers":
        other = layers.Conv1D(8, 3, activation="relu")(guide)
        tensor = layers.Concatenate()([tensor, layers.Flatten()(other)])
    tensor = layers.Dense(8, activation="relu")(layers.Dropout(0.3)(tensor))
    if kind == "activation":
        network = keras.Model(guide, layers.Activation("sigmoid")(layers.Dense(1)(tensor)))
    else:
        network = keras.Model(guide, layers.Dense(1, activation="sigmoid")(tensor))
    rng = np.random.default_rng(0)
    norm.set_weights(
        [rng.uniform(0.5, 1.5, 12), rng.normal(0, 0.2, 12), rng.normal(0, 0.2, 12), rng.uniform(0.5, 2, 12)]
    )
    return KerasModel(network, Task.BINARY)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path / "explain", verb="explain", command=["genotool"])


def test_a_planted_effect_comes_back_in_log_odds(run: Run) -> None:
    rows, background = guides(60, 1), guides(50, 2)
    found = explain(linear("sigmoid", Task.BINARY), rows, background, seed=0, run=run)
    share = background.encoder.encode(background.dataset)["guide"].mean(axis=0)
    weights = np.zeros((23, 4))
    for place, value in EFFECT.items():
        weights[place] = value
    wanted = weights * (found.inputs - share)  # DeepSHAP of a linear model is exactly this
    np.testing.assert_allclose(found.values, wanted, atol=1e-5)
    assert found.method == "DeepSHAP of the log-odds"
    assert found.alphabet == ("A", "C", "G", "T")


def test_a_number_is_explained_in_its_own_unit(run: Run) -> None:
    rows, background = guides(20, 1), guides(30, 2)
    plain = explain(linear(None, Task.REGRESSION), rows, background, seed=0, run=run)
    scaled = explain(
        linear(None, Task.REGRESSION, TargetScale((5.0, 15.0), (0.0, 1.0))), rows, background, seed=0, run=run
    )
    np.testing.assert_allclose(scaled.values, 10 * plain.values, atol=1e-4)
    np.testing.assert_allclose(scaled.delta, 10 * plain.delta, atol=1e-4)


def test_a_learned_rank_is_explained_as_a_rank(run: Run) -> None:
    ranks = TargetScale((0.0, 1.0, 9.0), (0.0, 0.5, 1.0))
    found = explain(linear(None, Task.REGRESSION, ranks), guides(20, 1), guides(30, 2), seed=0, run=run)
    plain = explain(linear(None, Task.REGRESSION), guides(20, 1), guides(30, 2), seed=0, run=run)
    assert found.method == "DeepSHAP of the predicted rank"
    np.testing.assert_array_equal(found.values, plain.values)


@pytest.mark.parametrize("kind", ["flat", "pooled", "reshape", "activation", "towers"])
def test_attributions_add_up(kind: str, run: Run) -> None:
    model, rows, background = convolutional(kind), guides(70, 1), guides(40, 2)
    found = explain(model, rows, background, seed=0, run=run)
    assert found.values.shape == (70, 23, 4)
    assert found.additivity_error.max() < 1e-3 * np.median(found.delta)

    def log_odds(view: EncodedView) -> Any:
        probability = model.predict(view.encoder.encode(view.dataset))
        return np.log(probability / (1 - probability))

    moved = log_odds(rows) - log_odds(background).mean()
    np.testing.assert_allclose(found.values.sum(axis=(1, 2)), moved, atol=1e-3 * np.median(found.delta))


def test_the_same_seed_gives_the_same_bytes(run: Run) -> None:
    model, rows, background = convolutional("flat"), guides(10, 1), guides(20, 2)
    first, second = (explain(model, rows, background, seed=0, run=run) for _ in range(2))
    assert first.values.tobytes() == second.values.tobytes()


def test_means_are_over_the_rows_that_have_the_base(run: Run) -> None:
    rows = guides(200, 1)
    found = explain(linear("sigmoid", Task.BINARY), rows, guides(100, 2), seed=0, run=run)
    means = mean_by_base(found.values, found.inputs)
    np.testing.assert_array_equal(means.rows, found.inputs.sum(axis=0))
    gap = means.mean[19, 2] - means.mean[19, [0, 1, 3]].mean()
    assert gap == pytest.approx(1.5, abs=1e-4)
    assert np.abs(means.mean[:15]).max() < 1e-5


def test_rare_bases_have_no_mean() -> None:
    values, inputs = np.ones((6, 2, 4), np.float32), np.zeros((6, 2, 4), np.uint8)
    inputs[:5, :, 0], inputs[5, :, 1] = 1, 1
    mean = mean_by_base(values, inputs, fewest=5).mean
    np.testing.assert_array_equal(mean[0], [4.0, np.nan, np.nan, np.nan])


def test_two_inputs_are_refused(run: Run) -> None:
    keras = start(0)
    guide, line = keras.layers.Input((23, 4), name="guide"), keras.layers.Input((2,), name="line")
    joined = keras.layers.Concatenate()([keras.layers.Flatten()(guide), line])
    model = KerasModel(keras.Model([guide, line], keras.layers.Dense(1)(joined)), Task.REGRESSION)
    with pytest.raises(InputError, match="one input"):
        explain(model, guides(2, 1), guides(2, 2), seed=0, run=run)


def test_another_backend_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    keras = start(0)
    model = linear("sigmoid", Task.BINARY)
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    monkeypatch.delitem(__import__("sys").modules, "tensorflow")
    with pytest.raises(UnavailableError, match="torch") as caught:
        explain(model, guides(2, 1), guides(2, 2), seed=0, run=run)
    assert caught.value.hint is not None
    assert "--backend tensorflow" in caught.value.hint
