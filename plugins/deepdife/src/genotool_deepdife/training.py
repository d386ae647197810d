"""How a promoter network is trained: on both strands and augmented, then as the rows are."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from genotool.dataset import Task
from genotool.encoding import EncodedView
from genotool.frameworks.keras import KerasModel, TargetScale, Training, start, train
from genotool.run import Run

from genotool_deepdife import network as networks
from genotool_deepdife.augmentation import augmentation, own_rows, with_reverse_complements
from genotool_deepdife.encoder import PromoterEncoder
from genotool_deepdife.settings import PromoterConfig

__all__ = ["LOSS", "fitted", "scale_of"]

LOSS = {
    Task.REGRESSION: "mean_squared_error",
    Task.BINARY: "binary_crossentropy",
    Task.MULTICLASS: "sparse_categorical_crossentropy",
}


def fitted(
    config: PromoterConfig, task: Task, rows: EncodedView, valid: EncodedView, run: Run, callbacks: Sequence[Any] = ()
) -> KerasModel:
    """Train the network of one strand on both strands of every row; return the one that predicts their mean.

    Rows that are augmented are learned a second time as they are, with a small learning rate (Lee et al. 2023); the
    callbacks do not see that stage.
    """
    keras = start(config.seed)
    scale = scale_of(task, rows)
    units = len(rows.dataset.classes) if task is Task.MULTICLASS else 1
    assert isinstance(rows.encoder, PromoterEncoder)
    assert rows.encoder.length is not None
    strand = networks.build(keras, config, rows.encoder.length, units)
    network: Any = networks.output(keras, strand, task)
    both, held = with_reverse_complements(own_rows(config, rows)), with_reverse_complements(valid)
    augment = augmentation(config, rows, valid, run)
    given: dict[str, Any] = {"seed": config.seed, "scale": scale}
    train(network, config.training, LOSS[task], both, held, run, **given, augment=augment, callbacks=callbacks)
    if augment is not None and config.finetune.epochs:
        train(network, second_stage(config), LOSS[task], both, held, run, **given, history="history-finetune.tsv")
    return KerasModel(networks.both_strands(keras, strand, task), task, scale)


def scale_of(task: Task, rows: EncodedView) -> TargetScale:
    """Return how a number is learned: standardised by the training rows."""
    return TargetScale.standard(rows.target) if task is Task.REGRESSION else TargetScale()


def second_stage(config: PromoterConfig) -> Training:
    """Return the training settings of the second stage: all of its epochs, at its own rate."""
    stage = config.finetune
    return dataclasses.replace(
        config.training, epochs=stage.epochs, learning_rate=stage.learning_rate, patience=stage.epochs + 1, plateau=0.0
    )
