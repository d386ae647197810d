"""JASPAR's motifs as the first layer of a network: how well each fits, on either strand, in each stretch of a row.

A motif's filter is its log-odds in bits; what is below even odds counts as nothing. The filters are not learned: they
hold more weights than a thousand promoters can set, and they keep their names. Their best sites are scaled by mean and
deviation over the training rows, which `fit_scale` measures.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from genotool.frameworks.keras import rows_at_once
from numpy.typing import NDArray

from genotool_deepdife.jaspar import Motif

__all__ = ["SCALED", "bank", "fit_scale", "motif_bank"]

SCALED = "motifs_scaled"
"""The name of the bank's last layer."""
FLOOR = 0.01
"""Added to each variance: a motif that hardly ever fits says nothing, and is not blown up."""


def motif_bank(keras: Any, motifs: tuple[Motif, ...], sequence: Any, best: Callable[[Any, str], Any]) -> Any:
    """Return the best sites of each motif, of both strands: (n, stretches, motifs), scaled.

    Parameters
    ----------
    best
        Takes scores at each position and a name; returns the best of each stretch.
    """
    forward, strands = _filters(motifs), []
    for name, weights in (("motifs", forward), ("motifs_reverse", np.ascontiguousarray(forward[::-1, ::-1]))):
        layer = keras.layers.Conv1D(
            len(motifs), len(weights), padding="same", activation="relu", use_bias=False, trainable=False, name=name
        )
        sites = layer(sequence)
        layer.set_weights([weights])
        strands.append(best(sites, f"{name}_best"))
    either = keras.layers.Maximum(name="motifs_either_strand")(strands)
    scaled = keras.layers.BatchNormalization(center=False, scale=False, epsilon=FLOOR, trainable=False, name=SCALED)
    return scaled(either)


def _filters(motifs: tuple[Motif, ...]) -> NDArray[np.float32]:
    """Return (width, 4, motifs) log-odds in bits, each motif in the middle of the widest one's width."""
    width = max(len(motif.counts) for motif in motifs)
    filters = np.zeros((width, 4, len(motifs)), np.float32)
    for number, motif in enumerate(motifs):
        start = (width - len(motif.counts)) // 2
        filters[start : start + len(motif.counts), :, number] = motif.log_odds()
    return filters


def bank(keras: Any, network: Any) -> Any:
    """Return the bank of a network that begins with one: (n, length, 4) to (n, stretches, motifs)."""
    return keras.Model(network.inputs[0], network.get_layer(SCALED).output)


def fit_scale(keras: Any, network: Any, inputs: NDArray[np.uint8]) -> None:
    """Set the mean and the variance by which a network's bank is scaled to those over (n, length, 4) training rows."""
    scaled = network.get_layer(SCALED)
    unscaled = keras.Model(network.inputs[0], scaled.input)
    total, squares, count = np.zeros(scaled.input.shape[-1]), np.zeros(scaled.input.shape[-1]), 0
    step = rows_at_once(unscaled)
    for start in range(0, len(inputs), step):
        best = np.asarray(unscaled(inputs[start : start + step].astype(np.float32), training=False), np.float64)
        total, squares = total + best.sum(axis=(0, 1)), squares + (best**2).sum(axis=(0, 1))
        count += best.shape[0] * best.shape[1]
    mean = total / count
    scaled.set_weights([mean, np.maximum(squares / count - mean**2, 0.0)])
