"""A foreign network made to fit: its input becomes the guide, its output one number or probability."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from genotool.dataset import Task
from genotool.errors import InputError
from genotool.frameworks.keras import TargetScale

from genotool_sgrna.architecture import CHANNELS
from genotool_sgrna.encoder import GUIDE

__all__ = ["adapters", "in_front", "in_own_unit", "single_output"]

FLAT = GUIDE * CHANNELS
UNDERSTOOD = f"({FLAT},), ({FLAT}, 1), ({GUIDE}, 4), ({GUIDE}, 4, 1), (4, {GUIDE}) and (4, {GUIDE}, 1)"


def adapters(keras: Any, shape: tuple[int, ...] | None, file: Path) -> list[Any]:
    """Return the layers that turn (n, 23, 4) into what the network takes."""
    turned = shape is not None and shape[:2] == (CHANNELS, GUIDE)
    known = {
        (FLAT,),
        (FLAT, 1),
        (GUIDE, CHANNELS),
        (GUIDE, CHANNELS, 1),
        (CHANNELS, GUIDE),
        (CHANNELS, GUIDE, 1),
    }
    if shape not in known:
        raise InputError(f"the network's input is not understood; {UNDERSTOOD} are", file=file, value=shape)
    return [*([keras.layers.Permute((2, 1))] if turned else []), keras.layers.Reshape(shape)]


def in_front(keras: Any, network: Any, inputs: Any, layers: list[Any]) -> Any:
    """Return a flat copy of a network that reads `inputs` through `layers`, weights and all.

    The last of `layers` takes the name of the network's input, so that all other layers find it in its place.
    """
    text = json.dumps(network.get_config())
    config = json.loads(text.replace(json.dumps(inputs.name), json.dumps(f"{inputs.name}_before")))
    (old,) = [item["config"]["name"] for item in config["layers"] if item["class_name"] == "InputLayer"]
    layers[-1].name = old
    tensor = inputs
    for layer in layers:
        tensor = layer(tensor)
    front = json.loads(json.dumps(keras.Model(inputs, tensor).get_config()))
    kept = [item for item in config["layers"] if item["config"]["name"] != old]
    joined = {"layers": [*front["layers"], *kept], "input_layers": front["input_layers"], "name": "guide_cnn"}
    copy = keras.Model.from_config({**config, **joined})
    copy.set_weights(network.get_weights())
    return copy


def in_own_unit(keras: Any, network: Any, scale: TargetScale) -> Any:
    """Return the network with `scale` as layers behind it: a piecewise linear map is a sum of ReLUs.

    These are convolutions of width 1: the last dense layer stays the one whose place a new head takes.
    """
    if scale.values == scale.learned:
        return network
    knots, heights = np.asarray(scale.learned), np.asarray(scale.values)
    slopes = np.diff(heights) / np.diff(knots)
    bends = keras.layers.Conv1D(len(knots), 1, activation="relu", name="scale_bends")
    total = keras.layers.Conv1D(1, 1, name="scale_sum")
    tensor = keras.layers.Reshape((1, 1), name="scale_in")(network.outputs[0])
    whole = keras.Model(network.inputs, keras.layers.Reshape((1,), name="scale_out")(total(bends(tensor))))
    signs = np.r_[1.0, -1.0, np.ones(len(knots) - 2)]
    bends.set_weights([signs[None, None], np.r_[-knots[0], knots[0], -knots[1:-1]]])
    total.set_weights([np.r_[slopes[0], -slopes[0], np.diff(slopes)][None, :, None], heights[:1]])
    return whole


def single_output(keras: Any, network: Any, file: Path) -> tuple[Any, Task]:
    """Return the network with one output unit and the task that its last activation means."""
    units = network.outputs[0].shape[-1] if len(network.outputs) == 1 else None
    activation = _last_activation(keras, network)
    if units == 1 and activation in ("sigmoid", "linear"):
        return network, Task.BINARY if activation == "sigmoid" else Task.REGRESSION
    if units == 2 and activation == "softmax":
        return _second_class(keras, network, file), Task.BINARY
    found = f"{units} units, {activation}" if len(network.outputs) == 1 else f"{len(network.outputs)} outputs"
    hint = "understood: 1 unit with sigmoid or linear output, 2 units with softmax"
    raise InputError("the network's output is not understood", file=file, value=found, hint=hint)


def _last_activation(keras: Any, network: Any) -> str:
    shapers = (keras.layers.Reshape, keras.layers.Flatten)
    last = next(layer for layer in reversed(network.layers) if not isinstance(layer, shapers))
    if isinstance(last, keras.layers.Softmax):
        return "softmax"
    return str(getattr(getattr(last, "activation", None), "__name__", type(last).__name__))


def _second_class(keras: Any, network: Any, file: Path) -> Any:
    """Return the network with the probability of class 1: softmax over two is a sigmoid of the difference."""
    dense = network.layers[-1] if isinstance(network.layers[-1], keras.layers.Dense) else network.layers[-2]
    if not isinstance(dense, keras.layers.Dense) or not dense.use_bias:
        raise InputError("the two classes do not come out of a dense layer", file=file)
    weights, bias = dense.get_weights()
    head = keras.layers.Dense(1, activation="sigmoid", name="head")
    single = keras.Model(network.inputs, head(dense.input), name="imported")
    head.set_weights([weights[:, 1:] - weights[:, :1], bias[1:] - bias[:1]])
    return single
