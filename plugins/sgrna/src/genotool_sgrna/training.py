"""How guide networks are trained: several from scratch, merged into one; and one moved to a cell line."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from genotool.dataset import Task
from genotool.encoding import EncodedView
from genotool.frameworks.keras import KerasModel, Training, start, train
from genotool.run import Run

from genotool_sgrna import network as networks
from genotool_sgrna.settings import GuideConfig

__all__ = ["LOSS", "fine_tuned", "standard", "towers"]

LOSS = {Task.REGRESSION: "mean_squared_error", Task.BINARY: "binary_crossentropy"}


def standard(task: Task, rows: EncodedView) -> tuple[float, float]:
    """Return mean and scale by which a number is learned; (0, 1) for classes."""
    if task is not Task.REGRESSION:
        return 0.0, 1.0
    return float(np.mean(rows.target)), float(np.std(rows.target)) or 1.0


def towers(
    build: Callable[[Any], Any],
    config: GuideConfig,
    task: Task,
    rows: EncodedView,
    valid: EncodedView,
    run: Run,
) -> KerasModel:
    """Train `config.towers` networks from seeds of their own; return them merged.

    Parameters
    ----------
    build
        Gets Keras, returns a fresh untrained network.
    """
    target = standard(task, rows)
    trained = []
    for number in range(config.towers):
        keras = start(tower_seed(config.seed, number))
        network = build(keras)
        history = "history.tsv" if number == 0 else f"history-{number + 1}.tsv"
        seed = tower_seed(config.seed, number)
        train(network, config.training, LOSS[task], rows, valid, run, seed=seed, target=target, history=history)
        trained.append(network)
    return KerasModel(networks.merged(keras, trained), task, *target)


def tower_seed(seed: int, number: int) -> int:
    """Return the seed of one tower; the first has the run's own."""
    return seed if number == 0 else int(np.random.SeedSequence([seed, number]).generate_state(1)[0] % 2**31)


def fine_tuned(
    keras: Any,
    network: Any,
    config: GuideConfig,
    task: Task,
    rows: EncodedView,
    valid: EncodedView,
    run: Run,
) -> KerasModel:
    """Train a network with a new head: the head alone first, then every layer that is not frozen."""
    settings = config.transfer
    base = Training(
        batch_size=settings.batch_size, weight_decay=settings.weight_decay, warmup=0.0, patience=settings.epochs + 1
    )
    target = standard(task, rows)
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
        train(network, first, LOSS[task], rows, valid, run, seed=config.seed, target=target, history="history-head.tsv")
    frozen = networks.freeze(keras, network, settings.freeze, settings.freeze_depth, settings.freeze_norms)
    run.log(f"frozen layers: {', '.join(frozen) or 'none'}")
    if settings.epochs:
        second = dataclasses.replace(base, epochs=settings.epochs, learning_rate=settings.learning_rate)
        train(network, second, LOSS[task], rows, valid, run, seed=config.seed + 1, target=target)
    return KerasModel(network, task, *target)
