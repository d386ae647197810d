"""How much each base moved the prediction of a Keras network over one-hot bases, by any of three methods.

DeepSHAP and integrated gradients give multipliers: how steeply the output rises with each input on the way from a
reference row to the explained one. From these come, alike for both and averaged over the references,

- ``values[p, c]`` = multiplier[p, c] · (row[p, c] - reference[p, c]), which add up to the difference of the outputs;
- ``hypothetical[p, b]`` = multiplier[p, b] - Σ multiplier[p, c] · reference[p, c]: the share of position p, were its
  base b (Shrikumar et al. 2020, arXiv:1811.00416).

So what is hypothetical of the base that a row has is the sum of its values at that position. Mutagenesis asks the
network itself and needs no reference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.background import Background
from genotool.dataset import Task
from genotool.encoding import EncodedView
from genotool.errors import GenotoolError, InputError, UnavailableError, UsageError
from genotool.family import Attribution
from genotool.frameworks.keras import KerasModel, input_names, rows_at_once, start
from genotool.run import Run

__all__ = ["ALPHABET", "METHODS", "Multipliers", "explain", "raw_output"]

ALPHABET = ("A", "C", "G", "T")
METHODS = ("deepshap", "integrated-gradients", "mutagenesis")
"""What a family that explains by `explain` says it can do."""
TITLES = {
    "deepshap": "DeepSHAP",
    "integrated-gradients": "integrated gradients",
    "mutagenesis": "in-silico mutagenesis",
}
TOLERANCE = {"deepshap": 1e-3, "integrated-gradients": 5e-2}
PLACES = 2**16
"""Positions of rows beside references that are computed at once, at most."""
KEPT = 4
"""Times that the outputs of the layers are held: of a row and of its reference, and the slopes of both."""
SAME = 1e-4
"""How far the explained network may be from the model's own predictions, as a probability."""

Rows: TypeAlias = NDArray[np.float32]
Multipliers: TypeAlias = Callable[[Rows, Rows], Rows]
"""Rows (m, length, 4) and the reference of each to multipliers (m, length, 4)."""


def explain(
    model: KerasModel,
    rows: EncodedView,
    background: EncodedView,
    *,
    method: str = METHODS[0],
    seed: int,
    run: Run,
) -> Attribution:
    """Attribute the predictions of rows to their bases.

    Parameters
    ----------
    model
        A network with one input (n, length, 4) and one output.
    rows
        What to explain.
    background
        References, about a hundred: the explained difference is that from their mean prediction. A `Background` may
        hold references of each row's own. Mutagenesis takes none.
    method
        One of `METHODS`.

    Returns
    -------
    Attribution
        ``values`` and ``hypothetical`` (n, length, 4) in log-odds for a probability, in the target's unit for a number
        (as a rank from 0 to 1 where the model learned ranks; ``method`` says which). With references a base that a row
        does not have gets a value too (its absence counts); their sum at a position is that position's share.

    Raises
    ------
    UnavailableError
        If the method needs TensorFlow and Keras does not run on it in this process.
    GenotoolError
        If the explained network is not the one that predicts.
    """
    keras = start(seed)
    _check(keras, method)
    network, unit = raw_output(keras, model)
    inputs = _inputs(network, rows)
    if network is not model.network:
        _check_same(model, network, inputs)
    with run.timed(method):
        found = _mutated(network, inputs) if method == "mutagenesis" else _referred(network, inputs, background, method)
    scale, prediction = _slope(model), _predict(network, inputs)
    return Attribution(
        values=(found.values * scale).astype(np.float32),
        inputs=inputs.astype(np.uint8),
        alphabet=ALPHABET,
        additivity_error=np.abs(found.values.sum(axis=(1, 2)) + found.base - prediction) * scale,
        delta=np.abs(prediction - found.base) * scale,
        method=f"{TITLES[method]} of {unit}",
        hypothetical=(found.hypothetical * scale).astype(np.float32),
        tolerance=TOLERANCE.get(method, 0.0),
    )


def _check(keras: Any, method: str) -> None:
    if method not in METHODS:
        raise UsageError(f"no method {method!r}", hint=f"one of {', '.join(METHODS)}")
    backend = keras.backend.backend()
    if method != "mutagenesis" and backend != "tensorflow":
        raise UnavailableError(
            f"{TITLES[method]} is not run on Keras' {backend} backend, where shap is wrong in silence",
            hint="repeat the command with --backend tensorflow, or --method mutagenesis",
        )


class _Found(NamedTuple):
    """Values and hypothetical scores (n, length, 4), and the output that each row's are relative to; NaN: none."""

    values: NDArray[np.float64]
    hypothetical: NDArray[np.float64]
    base: NDArray[np.float64]


def _mutated(network: Any, inputs: Rows) -> _Found:
    from genotool.frameworks.mutagenesis import mutagenesis

    scores = mutagenesis(lambda rows: _predict(network, rows), inputs)
    return _Found(scores * inputs, scores, np.full(len(inputs), np.nan))


def _referred(network: Any, inputs: Rows, background: EncodedView, method: str) -> _Found:
    """Return the attribution by multipliers, a block of rows beside their references at a time."""
    if method == "deepshap":
        from genotool.frameworks.deepshap import multipliers
    else:
        from genotool.frameworks.integrated_gradients import multipliers
    rise = multipliers(network)
    references = _References.of(network, background)
    values, hypothetical = (np.empty(inputs.shape, np.float64) for _ in range(2))
    base = np.empty(len(inputs))
    pairs = min(PLACES // inputs.shape[1], rows_at_once(network) // KEPT)
    size = max(1, pairs // references.each)
    for first in range(0, len(inputs), size):
        block = np.minimum(np.arange(first, first + size), len(inputs) - 1)  # always full: a new shape is a new graph
        one, other = np.repeat(inputs[block], references.each, axis=0), references.rows(block)
        by_row = (len(block), references.each, *inputs.shape[1:])
        slope = rise(one, other)
        values[block] = (slope * (one - other)).reshape(by_row).mean(axis=1, dtype=np.float64)
        relative = slope - (slope * other).sum(axis=2, keepdims=True)
        hypothetical[block] = relative.reshape(by_row).mean(axis=1, dtype=np.float64)
        base[block] = references.base(block)
    return _Found(values, hypothetical, base)


@dataclass(frozen=True, slots=True)
class _References:
    """The references of rows: the same for all, or `each` of every row's own, encoded when asked for."""

    network: Any
    view: EncodedView
    each: int
    shared: Rows | None
    shared_base: float

    @classmethod
    def of(cls, network: Any, view: EncodedView) -> _References:
        own = view.per_row if isinstance(view, Background) else 0
        if own:
            return cls(network, view, own, None, np.nan)
        shared = _inputs(network, view)
        return cls(network, view, len(shared), shared, float(_predict(network, shared).mean()))

    def rows(self, block: NDArray[np.int64]) -> Rows:
        """Return (rows of the block · each, length, 4)."""
        if self.shared is not None:
            return np.tile(self.shared, (len(block), 1, 1))
        places = (block[:, None] * self.each + np.arange(self.each)).reshape(-1)
        return _inputs(self.network, EncodedView(self.view.dataset.take(places), self.view.encoder))

    def base(self, block: NDArray[np.int64]) -> Any:
        """Return the mean output of each row's references."""
        if self.shared is not None:
            return self.shared_base
        return _predict(self.network, self.rows(block)).reshape(-1, self.each).mean(axis=1)


def raw_output(keras: Any, model: KerasModel) -> tuple[Any, str]:
    """Return the network up to what a final sigmoid reads, and what that output is in words.

    A sigmoid bends every contribution; in log-odds the last layer is linear and contributions simply add.
    """
    network = model.network
    if len(network.inputs) != 1 or len(network.outputs) != 1 or network.outputs[0].shape[-1] != 1:
        raise InputError("only a network with one input and one output is explained")
    if model.task is Task.REGRESSION:
        return network, "the predicted number" if _straight(model) else "the predicted rank"
    last = network.layers[-1]
    if isinstance(last, keras.layers.Activation) and last.get_config()["activation"] == "sigmoid":
        return keras.Model(network.inputs[0], last.input), "the log-odds"
    if isinstance(last, keras.layers.Dense) and last.get_config()["activation"] == "sigmoid":
        linear = keras.layers.Dense(last.units, use_bias=last.use_bias, name="log_odds")
        explained = keras.Model(network.inputs[0], linear(last.input))
        linear.set_weights(last.get_weights())
        return explained, "the log-odds"
    return network, "the probability"


def _inputs(network: Any, view: EncodedView) -> Rows:
    batch = view.encoder.encode(view.dataset)
    return np.asarray(batch[input_names(network)[0]], np.float32)


def _predict(network: Any, inputs: Rows) -> NDArray[np.float64]:
    import keras

    return np.asarray(keras.ops.convert_to_numpy(network(inputs, training=False)), np.float64).reshape(-1)


def _straight(model: KerasModel) -> bool:
    return len(model.scale.values) == 2


def _slope(model: KerasModel) -> float:
    """Return what one unit of the network's output is in the target's unit; 1 where ranks are learned."""
    if model.task is not Task.REGRESSION or not _straight(model):
        return 1.0
    (low, high), (start_at, end_at) = model.scale.values, model.scale.learned
    return (high - low) / (end_at - start_at)


def _check_same(model: KerasModel, network: Any, inputs: Rows) -> None:
    own = model.predict({input_names(network)[0]: inputs})
    seen = 1 / (1 + np.exp(-_predict(network, inputs)))
    if len(own) and np.abs(seen - own).max() > SAME:
        raise GenotoolError("the network that would be explained does not predict what the model predicts")
