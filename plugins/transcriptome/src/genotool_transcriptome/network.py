"""The network: convolutions on the square of genes, then dense layers (CNN-for-transcriptome; Front Genet 2023).

Only layers that DeepSHAP handles: convolution, batch normalisation, ReLU, maximum pooling, dropout, flatten, dense.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from genotool.dataset import Task
from genotool.errors import UsageError

from genotool_transcriptome.encoder import IMAGE
from genotool_transcriptome.settings import ExpressionConfig

__all__ = ["OUTPUT", "averaged", "build"]

OUTPUT = {Task.BINARY: "sigmoid", Task.MULTICLASS: "softmax"}
LARGEST_SIDE = 64
"""The side of an image that the first convolution passes on, where its stride is to be found."""
MOST_WEIGHTS = 400_000_000
"""More than this (1.6 GB) is a slip: with the gradients and moments of training four times as much."""


def build(keras: Any, config: ExpressionConfig, side: int, units: int, task: Task) -> Any:
    """Return an untrained network: (n, side, side, 1) to (n, units) probabilities.

    Raises
    ------
    UsageError
        If the lists of the convolutions are of unlike length, or the first dense layer would not fit in memory.
    """
    layers = keras.layers
    image = layers.Input((side, side, 1), name=IMAGE)
    tensor = layers.Dropout(config.input_dropout, name="input_dropout")(image) if config.input_dropout else image
    for number, (filters, kernel, stride, pool) in enumerate(_convolutions(config, side), start=1):
        name = f"convolution_{number}"
        given = {"strides": stride, "padding": "same", "use_bias": not config.batch_norm}
        tensor = layers.Conv2D(filters, kernel, name=name, **given)(tensor)
        tensor = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(tensor) if config.batch_norm else tensor
        tensor = layers.ReLU(name=f"{name}_relu")(tensor)
        if pool > 1:
            tensor = layers.MaxPooling2D(pool, padding="same", name=f"pool_{number}")(tensor)
            tensor = layers.Dropout(config.dropout, name=f"pool_{number}_dropout")(tensor) if config.dropout else tensor
    tensor = layers.Flatten(name="flatten")(tensor)
    _check_size(config, int(tensor.shape[-1]))
    for number, width in enumerate(config.dense, start=1):
        tensor = layers.Dense(width, name=f"dense_{number}")(tensor)
        tensor = layers.ReLU(name=f"dense_{number}_relu")(tensor)
        tensor = layers.Dropout(config.dense_dropout, name=f"dense_{number}_dropout")(tensor)
    logit = layers.Dense(units, name="logit")(tensor)
    return keras.Model(image, layers.Activation(OUTPUT[task], name="output")(logit), name="expression_cnn")


def averaged(keras: Any, networks: Sequence[Any], task: Task) -> Any:
    """Return the network whose logits are the mean of those of several trained ones; of one that one.

    Logits, not probabilities: what is explained then is the mean of what the networks say, and DeepSHAP stays exact.
    """
    if len(networks) == 1:
        return networks[0]
    layers, image = keras.layers, keras.layers.Input(networks[0].inputs[0].shape[1:], name=IMAGE)
    logits = [
        keras.Model(each.inputs[0], each.layers[-1].input, name=f"tower_{number}")(image)
        for number, each in enumerate(networks, start=1)
    ]
    logit = layers.Average(name="logit")(logits)
    return keras.Model(image, layers.Activation(OUTPUT[task], name="output")(logit), name="expression_cnn")


def _convolutions(config: ExpressionConfig, side: int) -> list[tuple[int, int, int, int]]:
    lists = {"filters": config.filters, "kernels": config.kernels, "strides": config.strides, "pools": config.pools}
    if len({len(values) for values in lists.values()}) > 1:
        said = ", ".join(f"{len(values)} {name}" for name, values in lists.items())
        raise UsageError(f"{said}: there is one of each a convolution")
    for name, values in lists.items():
        least = 0 if name == "strides" else 1
        if min(values, default=1) < least:
            raise UsageError(f"{name} holds {min(values)}: each is at least {least}")
    found = math.ceil(side / LARGEST_SIDE)
    strides = [stride or (found if number == 0 else 1) for number, stride in enumerate(config.strides)]
    return list(zip(config.filters, config.kernels, strides, config.pools, strict=True))


def _check_size(config: ExpressionConfig, flat: int) -> None:
    weights = flat * (config.dense[0] if config.dense else 1)
    if weights > MOST_WEIGHTS:
        raise UsageError(
            f"the first dense layer would have {weights:,} weights",
            hint="a larger step of the first convolution (--strides), wider pools, or fewer filters",
        )
