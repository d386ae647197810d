"""How guide networks are trained: several from scratch, merged into one; and one moved to a cell line."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from genotool.dataset import Task
from genotool.encoding import EncodedView
from genotool.frameworks.keras import KerasModel, TargetScale, Training, start, tower_seed, train
from genotool.run import Run

from genotool_sgrna import network as networks
from genotool_sgrna.encoder import lines_of
from genotool_sgrna.settings import GuideConfig

__all__ = ["LOSS", "fine_tuned", "scale_of", "towers"]

LOSS = {Task.REGRESSION: "mean_squared_error", Task.BINARY: "binary_crossentropy"}


def scale_of(task: Task, rows: EncodedView) -> TargetScale:
    """Return how the target is learned: a number by its rank (Spearman is what counts), a class as it is."""
    return TargetScale.ranks(rows.target) if task is Task.REGRESSION else TargetScale()


def towers(
    build: Callable[[Any], Any],
    config: GuideConfig,
    task: Task,
    rows: EncodedView,
    valid: EncodedView,
    run: Run,
) -> KerasModel:
    """Train `config.towers` networks from seeds of their own; return them merged.

    Rows of several data sets are learned jointly, a head each; what is returned has the first one's.

    Parameters
    ----------
    build
        Gets Keras, returns a fresh untrained network.
    """
    scale, lines = scale_of(task, rows), lines_of(rows)
    trained = []
    for number in range(config.towers):
        keras = start(tower_seed(config.seed, number))
        network = build(keras)
        network = networks.joint_head(keras, network, lines, task) if lines > 1 else network
        history = "history.tsv" if number == 0 else f"history-{number + 1}.tsv"
        seed = tower_seed(config.seed, number)
        train(network, config.training, LOSS[task], rows, valid, run, seed=seed, scale=scale, history=history)
        trained.append(networks.take_head(keras, network, 0) if lines > 1 else network)
    return KerasModel(networks.merged(keras, trained), task, scale)


def fine_tuned(
    model: KerasModel, config: GuideConfig, task: Task, rows: EncodedView, valid: EncodedView, run: Run
) -> KerasModel:
    """Move a trained network to new rows: each of its towers by itself, then merged again.

    Towers that are trained side by side under one head lean on each other; apart they err apart, and their mean errs
    less. Rows of several data sets are learned jointly, a head each; what is returned has the first one's.
    """
    scale, lines, moved = scale_of(task, rows), lines_of(rows), []
    make = networks.joint_head if lines > 1 else networks.single_head
    for number, tower in enumerate(networks.towers_of(start(config.seed), model.network)):
        seed = tower_seed(config.seed, number)
        keras = start(seed)
        network = make(keras, tower, lines, task)
        _fine_tune(keras, network, config, task, rows, valid, run, seed=seed, scale=scale, number=number)
        moved.append(networks.take_head(keras, network, 0) if lines > 1 else network)
    return KerasModel(networks.merged(keras, moved), task, scale)


def _fine_tune(
    keras: Any,
    network: Any,
    config: GuideConfig,
    task: Task,
    rows: EncodedView,
    valid: EncodedView,
    run: Run,
    *,
    seed: int,
    scale: TargetScale,
    number: int,
) -> None:
    """Train a network with a new head in place: the head alone first, then every layer that is not frozen."""
    settings, end = config.transfer, "" if number == 0 else f"-{number + 1}"
    base = Training(
        batch_size=settings.batch_size, weight_decay=settings.weight_decay, warmup=0.0, patience=settings.epochs + 1
    )
    head = network.get_layer(networks.HEAD)
    if settings.head_epochs:
        for layer in network.layers:
            layer.trainable = layer is head
        first = dataclasses.replace(
            base,
            epochs=settings.head_epochs,
            learning_rate=settings.head_learning_rate,
            patience=settings.head_epochs + 1,
        )
        train(network, first, LOSS[task], rows, valid, run, seed=seed, scale=scale, history=f"history-head{end}.tsv")
    frozen = networks.freeze(keras, network, settings.freeze, settings.freeze_depth, settings.freeze_norms)
    if number == 0:
        run.log(f"frozen layers: {', '.join(frozen) or 'none'}")
    if settings.epochs:
        second = dataclasses.replace(base, epochs=settings.epochs, learning_rate=settings.learning_rate)
        train(network, second, LOSS[task], rows, valid, run, seed=seed + 1, scale=scale, history=f"history{end}.tsv")
