"""The promoter network: a CNN of one strand, and the mean of both strands that predicts.

Only layers that DeepSHAP handles exactly: convolution, ReLU, maximum pooling, flatten, dense, dropout, mean, reversal;
with motifs also the larger of two and a fixed scale.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from genotool.dataset import Task
from genotool.errors import UsageError

from genotool_deepdife.encoder import INPUT
from genotool_deepdife.jaspar import motifs
from genotool_deepdife.motif_bank import SCALED, motif_bank
from genotool_deepdife.settings import PromoterConfig

__all__ = ["both_strands", "build", "one_strand", "trained_towers"]

TOWERS = "towers"
OUTPUT = {Task.BINARY: "sigmoid", Task.MULTICLASS: "softmax", Task.REGRESSION: "linear"}


def build(keras: Any, config: PromoterConfig, length: int, units: int) -> Any:
    """Return an untrained network of one strand: (n, length, 4) to (n, units), before the last activation.

    Of several towers it is the mean; they have nothing in common but the motifs.

    Raises
    ------
    UsageError
        If the lists of the convolutions are of unlike length, or there is nothing to read a sequence with.
    """
    convolutions = _convolutions(config)
    sequence = keras.layers.Input((length, 4), name=INPUT)
    stretches = _stretches(config, length)
    bank = None
    if config.init_motifs == "jaspar":
        chosen = motifs(config.motif_collection, config.motif_taxon)
        bank = motif_bank(keras, chosen, sequence, lambda sites, name: _best(keras, sites, stretches, name))
    logits = []
    for number in range(1, config.towers + 1):
        end = f"_tower_{number}" if number > 1 else ""
        first = [] if bank is None else [bank]
        if config.filters[:1] != [0]:
            learned = _convolution(keras, config, convolutions[0], sequence, f"convolution_1{end}")
            first.append(_best(keras, learned, stretches, f"pool_1{end}"))
        tensor = keras.layers.Concatenate(name=f"filters{end}")(first) if len(first) > 1 else first[0]
        tensor = keras.layers.Dropout(config.dropout, name=f"convolution_1{end}_dropout")(tensor)
        for which, each in enumerate(convolutions[1:], start=2):
            name = f"convolution_{which}{end}"
            tensor = _best(keras, _convolution(keras, config, each, tensor, name), (each.pool,), f"pool_{which}{end}")
            tensor = keras.layers.Dropout(config.dropout, name=f"{name}_dropout")(tensor)
        tensor = _dense(keras, config, keras.layers.Flatten(name=f"flatten{end}")(tensor), end)
        penalty = _penalty(keras, config)
        logits.append(keras.layers.Dense(units, kernel_regularizer=penalty, name=f"logit{end}")(tensor))
    mean = keras.layers.Average(name=TOWERS)(logits) if len(logits) > 1 else logits[0]
    return keras.Model(sequence, mean, name="strand")


def _stretches(config: PromoterConfig, length: int) -> tuple[int, ...]:
    """Return the widths of the stretches in which the first layer's maxima are taken."""
    places = math.ceil(length / config.strides[0])
    if max(config.windows, default=0) > places:
        raise UsageError(f"{max(config.windows)} windows of {places} positions: there are no more than these")
    return tuple(math.ceil(places / windows) for windows in config.windows) or (config.pools[0],)


def _best(keras: Any, tensor: Any, stretches: Sequence[int], name: str) -> Any:
    """Return the maxima of a tensor in stretches of each width, one after the other."""
    if tuple(stretches) == (1,):
        return tensor
    ends = [f"_{number}" for number in range(1, len(stretches) + 1)] if len(stretches) > 1 else [""]
    pooled = [
        keras.layers.MaxPooling1D(width, padding="same", name=f"{name}{end}")(tensor)
        for width, end in zip(stretches, ends, strict=True)
    ]
    return keras.layers.Concatenate(axis=1, name=name)(pooled) if len(pooled) > 1 else pooled[0]


def _convolution(keras: Any, config: PromoterConfig, shape: _Convolution, tensor: Any, name: str) -> Any:
    penalty = _penalty(keras, config)
    layer = keras.layers.Conv1D(
        shape.filters, shape.kernel, strides=shape.stride, padding="same", activation="relu",
        kernel_regularizer=penalty, name=name,
    )  # fmt: skip
    return layer(tensor)


def _dense(keras: Any, config: PromoterConfig, tensor: Any, end: str) -> Any:
    """Return a tensor after the dense layers, with dropout between them."""
    for number, width in enumerate(config.dense, start=1):
        name = f"dense_{number}{end}"
        penalty = _penalty(keras, config)
        tensor = keras.layers.Dense(width, activation="relu", kernel_regularizer=penalty, name=name)(tensor)
        if number < len(config.dense):
            tensor = keras.layers.Dropout(config.dropout, name=f"{name}_dropout")(tensor)
    return tensor


def _penalty(keras: Any, config: PromoterConfig) -> Any:
    return keras.regularizers.L2(config.l2) if config.l2 else None


class _Convolution(NamedTuple):
    """A convolution and the pooling behind it."""

    filters: int
    kernel: int
    stride: int
    pool: int


def _convolutions(config: PromoterConfig) -> list[_Convolution]:
    lists = {"filters": config.filters, "kernels": config.kernels, "strides": config.strides, "pools": config.pools}
    if len({len(values) for values in lists.values()}) > 1:
        said = ", ".join(f"{len(values)} {name}" for name, values in lists.items())
        raise UsageError(f"{said}: there is one of each a convolution")
    if not config.filters:
        raise UsageError("a network without a convolution reads nothing", hint="such as --filters 64,64,32")
    motifs_alone = config.init_motifs != "none" and config.filters[:1] == [0]
    own = {"filters": config.filters[motifs_alone:], "windows": config.windows, "dense": config.dense}
    for name, values in (lists | own).items():
        if min(values, default=1) < 1:
            raise UsageError(f"{name} holds {min(values)}: each is at least 1")
    if config.init_motifs != "none" and config.strides[:1] != [1]:
        raise UsageError(
            "beside motifs the first convolution has a stride of 1", hint="set the first of --strides to 1"
        )
    return [_Convolution(*each) for each in zip(*lists.values(), strict=True)]


def trained_towers(keras: Any, strand: Any, task: Task, *, scanned: bool = False) -> list[Any]:
    """Return each tower of a network of one strand with the task's activation: what is trained, one by one.

    Parameters
    ----------
    scanned
        The towers begin behind the motifs, and take what these found in place of sequences.
    """
    last = strand.layers[-1]
    logits = last.input if last.name == TOWERS else strand.outputs
    begin = strand.get_layer(SCALED).output if scanned else strand.inputs[0]
    activation = keras.layers.Activation(OUTPUT[task], name="output")
    return [keras.Model(begin, activation(logit), name="one_strand") for logit in logits]


def one_strand(keras: Any, strand: Any, task: Task) -> Any:
    """Return the network that predicts from rows as they are given."""
    activation = keras.layers.Activation(OUTPUT[task], name="output")
    return keras.Model(strand.inputs[0], activation(strand.outputs[0]), name="promoter_cnn")


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
