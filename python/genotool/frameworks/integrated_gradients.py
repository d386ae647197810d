"""Integrated gradients: the mean gradient on the straight way from a reference to a row.

Sundararajan et al. 2017 (ICML 70:3319); over several references, expected gradients (Erion et al. 2021, Nature Machine
Intelligence 3:620). Any layer that has a gradient will do, where DeepSHAP knows some only. Values add up as far as the
steps are many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from genotool.frameworks.attribution import Multipliers, Rows

__all__ = ["multipliers"]

STEPS = 25


def multipliers(network: Any, steps: int = STEPS) -> Multipliers:
    """Return what gives a network's mean gradients: the midpoints of `steps` equal parts of the way."""
    import tensorflow as tf

    def by_base(rows: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(rows)
            total = tf.reduce_sum(network(rows, training=False))
        return tape.gradient(total, rows)

    gradient: Any = tf.function(by_base)

    def rise(rows: Rows, references: Rows) -> Rows:
        shares = ((np.arange(steps) + 0.5) / steps).astype(np.float32)
        way = rows - references
        total = sum(gradient(tf.constant(references + share * way)).numpy() for share in shares)
        return np.asarray(total, np.float32) / np.float32(steps)

    return rise
