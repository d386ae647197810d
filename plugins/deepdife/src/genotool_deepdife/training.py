"""How a promoter network is trained: both strands, then one network that predicts their mean."""

from __future__ import annotations

from typing import Any

import numpy as np
from genotool.dataset import Task
from genotool.encoding import EncodedBatch, EncodedView
from genotool.frameworks.keras import KerasModel, TargetScale, start, train
from genotool.run import Run

from genotool_deepdife import network as networks
from genotool_deepdife.encoder import INPUT, PromoterEncoder
from genotool_deepdife.settings import PromoterConfig

__all__ = ["LOSS", "fitted", "with_reverse_complements"]

LOSS = {
    Task.REGRESSION: "mean_squared_error",
    Task.BINARY: "binary_crossentropy",
    Task.MULTICLASS: "sparse_categorical_crossentropy",
}


def fitted(config: PromoterConfig, task: Task, rows: EncodedView, valid: EncodedView, run: Run) -> KerasModel:
    """Train the network of one strand on both strands of every row; return the one that predicts their mean."""
    keras = start(config.seed)
    scale = TargetScale.standard(rows.target) if task is Task.REGRESSION else TargetScale()
    units = len(rows.dataset.classes) if task is Task.MULTICLASS else 1
    assert isinstance(rows.encoder, PromoterEncoder)
    assert rows.encoder.length is not None
    strand = networks.build(keras, config, rows.encoder.length, units)
    network: Any = networks.output(keras, strand, task)
    both, held = with_reverse_complements(rows), with_reverse_complements(valid)
    train(network, config.training, LOSS[task], both, held, run, seed=config.seed, scale=scale)
    return KerasModel(networks.both_strands(keras, strand, task), task, scale)


def with_reverse_complements(view: EncodedView) -> EncodedView:
    """Return a view whose rows are followed by their reverse complements, of the same target and weight."""
    batch = view.arrays()
    turned = batch.inputs[INPUT][:, ::-1, ::-1]
    more = EncodedBatch({INPUT: turned}, batch.target, batch.weight)
    if view.extra is not None:
        inputs = np.concatenate([view.extra.inputs[INPUT], turned])
        more = EncodedBatch(
            {INPUT: inputs},
            np.concatenate([view.extra.target, more.target]),
            np.concatenate([view.extra.weight, more.weight]),
        )
    return EncodedView(view.dataset, view.encoder, view.weight, more)
