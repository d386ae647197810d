"""The promoter network: a CNN of one strand, and the mean of both strands that predicts.

Only layers that DeepSHAP handles exactly: convolution, ReLU, maximum pooling, flatten, dense, dropout, mean, reversal.
"""

from __future__ import annotations

import json
from typing import Any

from genotool.dataset import Task
from genotool.errors import UsageError

from genotool_deepdife.encoder import INPUT
from genotool_deepdife.settings import PromoterConfig

__all__ = ["both_strands", "build", "output"]

OUTPUT = {Task.BINARY: "sigmoid", Task.MULTICLASS: "softmax", Task.REGRESSION: "linear"}


def build(keras: Any, config: PromoterConfig, length: int, units: int) -> Any:
    """Return an untrained network of one strand: (n, length, 4) to (n, units), before the last activation.

    Raises
    ------
    UsageError
        If the lists of the convolutions are of unlike length.
    """
    layers = keras.layers
    sequence = layers.Input((length, 4), name=INPUT)
    tensor = sequence
    common = {"activation": "relu", "kernel_regularizer": keras.regularizers.L2(config.l2) if config.l2 else None}
    for number, (filters, width, stride, pool) in enumerate(_convolutions(config), start=1):
        name = f"convolution_{number}"
        tensor = layers.Conv1D(filters, width, strides=stride, padding="same", name=name, **common)(tensor)
        tensor = layers.MaxPooling1D(pool, padding="same", name=f"pool_{number}")(tensor) if pool > 1 else tensor
        tensor = layers.Dropout(config.dropout, name=f"{name}_dropout")(tensor)
    tensor = layers.Flatten(name="flatten")(tensor)
    for number, width in enumerate(config.dense, start=1):
        tensor = layers.Dense(width, name=f"dense_{number}", **common)(tensor)
        last = number == len(config.dense)
        tensor = tensor if last else layers.Dropout(config.dropout, name=f"dense_{number}_dropout")(tensor)
    return keras.Model(sequence, layers.Dense(units, name="logit")(tensor), name="strand")


def _convolutions(config: PromoterConfig) -> list[tuple[int, int, int, int]]:
    lists = {"filters": config.filters, "kernels": config.kernels, "strides": config.strides, "pools": config.pools}
    if len({len(values) for values in lists.values()}) > 1:
        said = ", ".join(f"{len(values)} {name}" for name, values in lists.items())
        raise UsageError(f"{said}: there is one of each a convolution")
    for name, values in lists.items():
        if min(values, default=1) < 1:
            raise UsageError(f"{name} holds {min(values)}: each is at least 1")
    return list(zip(config.filters, config.kernels, config.strides, config.pools, strict=True))


def output(keras: Any, strand: Any, task: Task) -> Any:
    """Return the network of one strand with the task's activation: what is trained."""
    activation = keras.layers.Activation(OUTPUT[task], name="output")
    return keras.Model(strand.inputs[0], activation(strand.outputs[0]), name="one_strand")


def both_strands(keras: Any, strand: Any, task: Task) -> Any:
    """Return the network that predicts: what `strand` gives for a row and for its reverse complement, averaged.

    The mean is that of log-odds (or of the number), so that attributions of the strands add up. The channels are A C G
    T: reversing positions and channels is the reverse complement.
    """
    sequence = keras.layers.Input(strand.inputs[0].shape[1:], name=INPUT)
    turned = keras.ops.flip(sequence, axis=(1, 2))
    mean = keras.layers.Average(name="strands")([strand(sequence), strand(turned)])
    whole = keras.Model(sequence, keras.layers.Activation(OUTPUT[task], name="output")(mean), name="promoter_cnn")
    return _named(keras, whole, "Flip", "reverse_complement")


def _named(keras: Any, network: Any, operation: str, name: str) -> Any:
    """Return a copy whose one operation of a class has that name, not one that counts what the process has built."""
    config = network.get_config()
    (own,) = [item["config"]["name"] for item in config["layers"] if item["class_name"] == operation]
    copy = keras.Model.from_config(json.loads(json.dumps(config).replace(json.dumps(own), json.dumps(name))))
    copy.set_weights(network.get_weights())
    return copy
