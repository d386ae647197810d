"""DeepSHAP of Keras networks over one-hot bases: how much each base moved each prediction.

Lundberg and Lee 2017 (NeurIPS 30:4765), through `shap.DeepExplainer`, which on the TensorFlow backend is exact for
convolution, batch normalisation, ReLU, maximum and average pooling, flatten, dense, dropout, addition and reversal, and
silently wrong on the PyTorch one. A failed explainer leaves TensorFlow's gradient registry patched: run an explanation
in a process that does nothing else.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from genotool.dataset import Task
from genotool.encoding import EncodedView
from genotool.errors import GenotoolError, InputError, UnavailableError
from genotool.family import Attribution
from genotool.frameworks.keras import KerasModel, input_names, start
from genotool.run import Run

__all__ = ["ALPHABET", "explain", "raw_output"]

ALPHABET = ("A", "C", "G", "T")
ROWS_AT_ONCE = 50
SAME = 1e-4
"""How far the explained network may be from the model's own predictions, as a probability."""


def explain(model: KerasModel, rows: EncodedView, background: EncodedView, *, seed: int, run: Run) -> Attribution:
    """Attribute the predictions of rows to their bases.

    Parameters
    ----------
    model
        A network with one input (n, length, 4) and one output.
    rows
        What to explain.
    background
        Training rows, about a hundred: the explained difference is that from their mean prediction.

    Returns
    -------
    Attribution
        ``values`` (n, length, 4) in log-odds for a probability, in the target's unit for a number (as a rank from
        0 to 1 where the model learned ranks; ``method`` says which). A base that a row does not have gets a
        value too (its absence counts); their sum at a position is that position's share.

    Raises
    ------
    UnavailableError
        If Keras does not run on TensorFlow in this process.
    GenotoolError
        If the explained network is not the one that predicts.
    """
    keras = start(seed)
    if keras.backend.backend() != "tensorflow":
        raise UnavailableError(
            f"DeepSHAP is wrong on Keras' {keras.backend.backend()} backend and is not run there",
            hint="repeat the command with --backend tensorflow",
        )
    network, unit = raw_output(keras, model)
    inputs, reference = _inputs(network, rows), _inputs(network, background)
    if network is not model.network:
        _check_same(model, network, inputs)
    values, base = _deep_shap(network, inputs, reference, run)
    prediction = _predict(network, inputs)
    scale = _slope(model)
    return Attribution(
        values=(values * scale).astype(np.float32),
        inputs=inputs.astype(np.uint8),
        alphabet=ALPHABET,
        additivity_error=np.abs(values.sum(axis=(1, 2)) + base - prediction) * scale,
        delta=np.abs(prediction - base) * scale,
        method=f"DeepSHAP of {unit}",
    )


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


def _inputs(network: Any, view: EncodedView) -> NDArray[np.float32]:
    batch = view.encoder.encode(view.dataset)
    return np.asarray(batch[input_names(network)[0]], np.float32)


def _predict(network: Any, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
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


def _check_same(model: KerasModel, network: Any, inputs: NDArray[np.float32]) -> None:
    own = model.predict({input_names(network)[0]: inputs})
    seen = 1 / (1 + np.exp(-_predict(network, inputs)))
    if len(own) and np.abs(seen - own).max() > SAME:
        raise GenotoolError("the network that would be explained does not predict what the model predicts")


def _deep_shap(
    network: Any, inputs: NDArray[np.float32], reference: NDArray[np.float32], run: Run
) -> tuple[NDArray[np.float64], float]:
    """Return (n, length, 4) values and the mean output of the reference rows."""
    import warnings

    import shap

    parts = []
    with run.timed("shap"), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # shap's on graph mode, Keras' on a list of one input
        explainer = shap.DeepExplainer(network, reference)
        for first in range(0, len(inputs), ROWS_AT_ONCE):
            part = explainer.shap_values(inputs[first : first + ROWS_AT_ONCE], check_additivity=False)
            parts.append(np.asarray(part, np.float64).reshape(-1, *inputs.shape[1:]))
    return np.concatenate(parts), float(_predict(network, reference).mean())
