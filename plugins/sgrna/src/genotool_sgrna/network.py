"""The guide network, and what is done to any guide network: a new head, frozen layers, one head taken out.

Only layers that DeepSHAP handles exactly: convolution, batch normalisation, ReLU, flatten, dense, dropout.
"""

from __future__ import annotations

from typing import Any

from genotool.dataset import Task
from genotool.errors import InputError, UsageError, nearest

from genotool_sgrna.encoder import GUIDE
from genotool_sgrna.settings import GuideConfig

__all__ = ["build", "freeze", "joint_head", "single_head", "take_head"]


def build(keras: Any, config: GuideConfig, task: Task) -> Any:
    """Return an untrained CNN over (23, 4): convolutions with ReLU, flatten, dense layers, one output."""
    if len(config.filters) != len(config.kernels):
        raise UsageError(f"{len(config.filters)} filters but {len(config.kernels)} kernels: one of each a convolution")
    layers = keras.layers
    guide = layers.Input((GUIDE, 4), name="guide")
    tensor = guide
    for number, (filters, width) in enumerate(zip(config.filters, config.kernels, strict=True), start=1):
        tensor = layers.Conv1D(filters, width, padding="same", name=f"conv{number}")(tensor)
        tensor = layers.BatchNormalization(name=f"norm{number}")(tensor)
        tensor = layers.ReLU(name=f"relu{number}")(tensor)
    tensor = layers.Flatten(name="flatten")(tensor)
    for number, units in enumerate(config.dense, start=1):
        tensor = layers.Dropout(config.dropout, name=f"dropout{number}")(tensor)
        tensor = layers.Dense(units, activation="relu", name=f"dense{number}")(tensor)
    tensor = layers.Dropout(config.dropout, name="dropout_head")(tensor)
    activation = None if task is Task.REGRESSION else "sigmoid"
    return keras.Model(guide, layers.Dense(1, activation=activation, name="head")(tensor), name="guide_cnn")


def body(keras: Any, network: Any) -> Any:
    """Return the network up to what its last dense layer reads."""
    dense = [layer for layer in network.layers if isinstance(layer, keras.layers.Dense)]
    if not dense:
        raise InputError("the network has no dense layer whose place a new head could take")
    return keras.Model(network.inputs, dense[-1].input, name="body")


def single_head(keras: Any, network: Any) -> Any:
    """Return the network with a new, untrained output for one of two classes."""
    trunk = body(keras, network)
    return keras.Model(trunk.inputs, keras.layers.Dense(1, activation="sigmoid", name="head_line")(trunk.output))


def joint_head(keras: Any, network: Any, lines: int) -> Any:
    """Return the network with one new output a cell line; the second input ``line`` (one-hot) says which counts."""
    trunk = body(keras, network)
    line = keras.layers.Input((lines,), name="line")
    logits = keras.layers.Dense(lines, name="head_line")(trunk.output)
    chosen = keras.layers.Dot(axes=1, name="head_choice")([logits, line])
    return keras.Model([*trunk.inputs, line], keras.layers.Activation("sigmoid", name="probability")(chosen))


def take_head(keras: Any, joint: Any, number: int) -> Any:
    """Return the plain network of one cell line out of a joint one, weights and all."""
    head = joint.get_layer("head_line")
    weights, bias = head.get_weights()
    trunk = keras.Model(joint.inputs[:-1], head.input)
    single = keras.layers.Dense(1, activation="sigmoid", name="head_line")
    network = keras.Model(trunk.inputs, single(trunk.output), name="guide_cnn")
    single.set_weights([weights[:, number : number + 1], bias[number : number + 1]])
    return network


def freeze(network: Any, names: list[str], depth: int) -> list[str]:
    """Freeze layers by name and the first `depth` layers with weights; return the names of the frozen ones.

    Raises
    ------
    UsageError
        If a name is no layer, or nothing would be left to train.
    """
    weighted = [layer for layer in network.layers if layer.weights]
    known = {layer.name for layer in network.layers}
    for name in names:
        if name not in known:
            raise UsageError(f"unknown layer {name!r}", hint=nearest(name, known))
    frozen = {layer.name for layer in weighted[:depth]} | set(names)
    if all(layer.name in frozen for layer in weighted):
        raise UsageError("every layer would be frozen: nothing is left to train", hint=f"layers: {len(weighted)}")
    for layer in network.layers:
        layer.trainable = layer.name not in frozen
    return sorted(frozen)
