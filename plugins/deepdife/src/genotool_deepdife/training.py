"""How a promoter network is trained: on both strands and augmented, then as the rows are."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from genotool.dataset import Task
from genotool.encoding import EncodedView
from genotool.frameworks.keras import Augment, KerasModel, TargetScale, Training, input_names, start, tower_seed, train
from genotool.run import Run

from genotool_deepdife import network as networks
from genotool_deepdife.augmentation import augmentation, own_rows, with_reverse_complements
from genotool_deepdife.encoder import INPUT, PromoterEncoder
from genotool_deepdife.motif_bank import bank, fit_scale
from genotool_deepdife.scanned import Scan, scanned, scanned_augmentation
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
    learned, held = own_rows(config, rows), valid
    if config.strands == "both":
        learned, held = with_reverse_complements(learned), with_reverse_complements(held)
    augment = augmentation(config, rows, valid, run)
    if config.init_motifs != "none":
        fit_scale(keras, strand, learned.arrays().inputs[INPUT])
    # callbacks look at a network that reads sequences
    from_motifs = config.init_motifs != "none" and config.filters[:1] == [0] and not callbacks
    towers = networks.trained_towers(keras, strand, task, scanned=from_motifs)
    if from_motifs:  # nothing else reads the sequences: each is scanned once
        scan = Scan(rows.encoder, bank(keras, strand), input_names(towers[0])[0])
        augment = None if augment is None else scanned_augmentation(augment, learned, scan)
        learned, held = scanned(learned, scan), scanned(held, scan)
    for number, network in enumerate(towers):
        _train(network, config, LOSS[task], learned, held, run, augment, callbacks, number=number, scale=scale)
    whole = networks.both_strands if config.strands == "both" else networks.one_strand
    return KerasModel(whole(keras, strand, task), task, scale)


def _train(
    network: Any,
    config: PromoterConfig,
    loss: str,
    learned: EncodedView,
    held: EncodedView,
    run: Run,
    augment: Augment | None,
    callbacks: Sequence[Any],
    *,
    number: int,
    scale: TargetScale,
) -> None:
    """Train a tower in place, on rows that are augmented and then on rows as they are."""
    end = f"-{number + 1}" if number else ""
    given: dict[str, Any] = {"seed": tower_seed(config.seed, number), "scale": scale}
    history = f"history{end}.tsv"
    train(
        network, config.training, loss, learned, held, run, **given, augment=augment, callbacks=callbacks,
        history=history,
    )  # fmt: skip
    if augment is not None and config.finetune.epochs:
        history = f"history-finetune{end}.tsv"
        train(network, second_stage(config), loss, learned, held, run, **given, history=history)


def scale_of(task: Task, rows: EncodedView) -> TargetScale:
    """Return how a number is learned: standardised by the training rows."""
    return TargetScale.standard(rows.target) if task is Task.REGRESSION else TargetScale()


def second_stage(config: PromoterConfig) -> Training:
    """Return the training settings of the second stage: all of its epochs, at its own rate."""
    stage = config.finetune
    return dataclasses.replace(
        config.training, epochs=stage.epochs, learning_rate=stage.learning_rate, patience=stage.epochs + 1, plateau=0.0
    )
