"""The guide network, and what is done to any guide network: towers, a new head, frozen layers, one head taken out.

Only layers that DeepSHAP handles exactly: convolution, batch normalisation, ReLU, flatten, dense, dropout.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from genotool.dataset import Task
from genotool.errors import InputError, UsageError, nearest

from genotool_sgrna.architecture import Architecture
from genotool_sgrna.encoder import GUIDE
from genotool_sgrna.settings import GuideConfig

__all__ = ["HEAD", "build", "freeze", "joint_head", "merged", "single_head", "take_head", "towers_of"]


HEAD = "head_line"
"""The name of a transferred network's output layer."""
TOWERS = "guide_towers"
"""The name of a network that `merged` made."""


def build(keras: Any, config: GuideConfig, task: Task) -> Any:
    """Return an untrained CNN over (23, 4): convolutions, flatten, dense layers, one output."""
    if len(config.filters) != len(config.kernels):
        raise UsageError(f"{len(config.filters)} filters but {len(config.kernels)} kernels: one of each a convolution")
    shape = Architecture(
        filters=tuple(config.filters),
        widths=tuple(config.kernels),
        skips=False,
        reduction="flatten",
        dense=tuple(config.dense),
        convolution_dropout=config.filter_dropout,
        dropout=config.dropout,
    )
    return shape.network(keras, task)


def merged(keras: Any, networks: Sequence[Any]) -> Any:
    """Return one network whose logit (or number) is the mean of those of `networks`, exactly.

    Their features stand side by side under one dense layer, so that the whole can be transferred and explained as
    any other network.
    """
    if len(networks) == 1:
        return networks[0]
    guide = keras.layers.Input((GUIDE, 4), name="guide")
    trunks, weights, biases = [], [], []
    for number, network in enumerate(networks, start=1):
        head = network.layers[-1]
        trunks.append(_copied(keras, body(keras, network), guide, end=f"_{number}"))
        weight, bias = head.get_weights()
        weights.append(weight / len(networks))
        biases.append(bias / len(networks))
    features = keras.layers.Concatenate(name="features")(trunks)
    head = keras.layers.Dense(weights[0].shape[1], activation=networks[0].layers[-1].activation, name="head")
    whole = keras.Model(guide, head(features), name=TOWERS)
    head.set_weights([np.concatenate(weights), np.sum(biases, axis=0)])
    return whole


def towers_of(keras: Any, network: Any) -> list[Any]:
    """Return the networks that `merged` put side by side, layers and weights of their own; of any other, itself."""
    if network.name != TOWERS:
        return [network]
    trunks = network.get_layer("features").input
    weight, bias = network.layers[-1].get_weights()
    shares = np.split(weight * len(trunks), np.cumsum([trunk.shape[-1] for trunk in trunks])[:-1])
    towers = []
    for number, (trunk, share) in enumerate(zip(trunks, shares, strict=True), start=1):
        guide = keras.layers.Input((GUIDE, 4), name="guide")
        head = keras.layers.Dense(weight.shape[1], activation=network.layers[-1].activation, name="head")
        tower = keras.Model(network.inputs, trunk)
        features = _copied(keras, tower, guide, without=f"_{number}")
        towers.append(keras.Model(guide, head(features), name="guide_cnn"))
        head.set_weights([share, bias])
    return towers


def _copied(keras: Any, trunk: Any, guide: Any, *, without: str = "", end: str = "") -> Any:
    """Return the output of a copy of `trunk` on the input `guide`, its layers' names with another end."""

    def renamed(layer: Any) -> Any:
        return layer.__class__.from_config({**layer.get_config(), "name": layer.name.removesuffix(without) + end})

    copy = keras.models.clone_model(trunk, input_tensors=[guide], clone_function=renamed)
    copy.set_weights(trunk.get_weights())
    return copy.outputs[0]


def body(keras: Any, network: Any) -> Any:
    """Return the network up to what its last dense layer reads."""
    dense = [layer for layer in network.layers if isinstance(layer, keras.layers.Dense)]
    if not dense:
        raise InputError("the network has no dense layer whose place a new head could take")
    return keras.Model(network.inputs, dense[-1].input, name="body")


def _own_body(keras: Any, network: Any) -> Any:
    """Return the body with layers and weights of its own: what is trained on must not change its parent."""
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    return body(keras, copy)


def single_head(keras: Any, network: Any, lines: int, task: Task) -> Any:  # noqa: ARG001
    """Return the network with a new, untrained output."""
    trunk = _own_body(keras, network)
    head = keras.layers.Dense(1, activation=_activation(task), name=HEAD)
    return keras.Model(trunk.inputs[0], head(trunk.output), name="guide_cnn")


def joint_head(keras: Any, network: Any, lines: int, task: Task) -> Any:
    """Return the network with one new output a cell line; the second input ``line`` (one-hot) says which counts."""
    trunk = _own_body(keras, network)
    line = keras.layers.Input((lines,), name="line")
    logits = keras.layers.Dense(lines, name=HEAD)(trunk.output)
    chosen = keras.layers.Dot(axes=1, name="head_choice")([logits, line])
    output = keras.layers.Activation(_activation(task) or "linear", name="output")(chosen)
    return keras.Model([*trunk.inputs, line], output)


def take_head(keras: Any, joint: Any, number: int) -> Any:
    """Return the plain network of one cell line out of a joint one, weights and all."""
    head = joint.get_layer(HEAD)
    weights, bias = head.get_weights()
    activation = keras.activations.serialize(joint.layers[-1].activation)
    single = keras.layers.Dense(1, activation=activation, name=HEAD)
    network = keras.Model(joint.inputs[0], single(head.input), name="guide_cnn")
    single.set_weights([weights[:, number : number + 1], bias[number : number + 1]])
    return network


def _activation(task: Task) -> str | None:
    return None if task is Task.REGRESSION else "sigmoid"


def freeze(keras: Any, network: Any, names: list[str], depth: int, norms: bool) -> list[str]:
    """Freeze layers by name, the first `depth` layers with weights, and normalisation; return the frozen ones' names.

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
    if norms:
        frozen |= {layer.name for layer in weighted if isinstance(layer, keras.layers.BatchNormalization)}
    if all(layer.name in frozen for layer in weighted):
        raise UsageError("every layer would be frozen: nothing is left to train", hint=f"layers: {len(weighted)}")
    for layer in network.layers:
        layer.trainable = layer.name not in frozen
    return sorted(frozen)
