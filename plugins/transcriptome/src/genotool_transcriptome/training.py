"""How the network is trained, and what is written beside it: curves, genes, topology and weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from genotool.dataset import Task
from genotool.encoding import EncodedView
from genotool.frameworks.keras import KerasModel, Training, adamw, start, tower_seed, train
from genotool.run import Run, write_atomically

from genotool_transcriptome import network as networks
from genotool_transcriptome.encoder import ExpressionEncoder
from genotool_transcriptome.settings import ExpressionConfig

__all__ = ["ExpressionModel", "fitted"]

LOSS = {Task.BINARY: "binary_crossentropy", Task.MULTICLASS: "sparse_categorical_crossentropy"}
NAMED = 5
IN_MEMORY = 2**27
"""Encoded bytes up to which training holds all rows: wide matrices are encoded batch by batch instead."""
MOST_TWICE = 10_000_000
"""Weights that are written a second time beside the ``.keras`` file."""


class ExpressionModel(KerasModel):
    """A network of the family, saved as ``.keras`` and as the original saves it."""

    __slots__ = ()

    def save(self, directory: Path) -> None:
        """Write ``model.keras`` and, as the original does, ``model_topology.json`` and ``model.weights.h5``.

        Of a large network the weights are in ``model.keras`` alone, which is an archive that holds the same file.
        """
        import keras

        KerasModel.save(self, directory)
        bare = keras.Model(self.network.inputs[0], self.network.outputs[0], name=self.network.name)
        write_atomically(directory / "model_topology.json", bare.to_json(indent=1) + "\n")
        if bare.count_params() <= MOST_TWICE:
            bare.save_weights(directory / "model.weights.h5")


def fitted(config: ExpressionConfig, task: Task, rows: EncodedView, valid: EncodedView, run: Run) -> ExpressionModel:
    """Train the networks from scratch; write accuracy and loss of every epoch, and what became of every gene."""
    keras = start(config.seed)
    encoder = rows.encoder
    assert isinstance(encoder, ExpressionEncoder)
    for sentence in (*encoder.said, *dropped_in_words(encoder), *rare_in_words(rows)):
        run.log(sentence)
    write_genes(encoder, run)
    units = len(rows.dataset.classes) if task is Task.MULTICLASS else 1
    make = rmsprop if config.optimizer == "rmsprop" else adamw
    towers = []
    for number in range(config.towers):
        seed = tower_seed(config.seed, number)
        network: Any = networks.build(start(seed), config, encoder.side, units, task)
        train(
            network, config.training, LOSS[task], rows, valid, run, seed=seed, optimizer=make, metrics=["accuracy"],
            history=f"history-{number + 1}.tsv" if number else "history.tsv", in_memory=IN_MEMORY,
        )  # fmt: skip
        towers.append(network)
    return ExpressionModel(networks.averaged(keras, towers, task), task)


def rmsprop(keras: Any, training: Training, _steps: int) -> Any:
    """Return RMSprop at a constant rate, as published."""
    return keras.optimizers.RMSprop(training.learning_rate)


def dropped_in_words(encoder: ExpressionEncoder) -> list[str]:
    """Return a sentence for each reason why genes are not learned, the first of them named."""
    reasons: dict[str, list[str]] = {}
    for gene, reason in encoder.dropped.items():
        reasons.setdefault(reason, []).append(gene)
    return [
        f"{len(genes)} genes are not learned, {reason}: {', '.join(genes[:NAMED])}{' …' * (len(genes) > NAMED)}"
        for reason, genes in reasons.items()
    ]


def rare_in_words(rows: EncodedView) -> list[str]:
    """Return a sentence for each class with one training row or none: what is learned of it is no more than that."""
    counts = np.bincount(rows.target, minlength=len(rows.dataset.classes)).tolist()
    said = {0: "no training row: it is never predicted", 1: "one training row: nothing says what varies within it"}
    return [f"{name} has {said[n]}" for name, n in zip(rows.dataset.classes, counts, strict=True) if n in said]


def write_genes(encoder: ExpressionEncoder, run: Run) -> None:
    """Write ``genes.tsv``: where each gene lies in the image, or why it is not learned."""
    place = encoder.places()
    rows = [[gene, *divmod(int(place[number]), encoder.side), ""] for number, gene in enumerate(encoder.genes.tolist())]
    rows += [[gene, None, None, reason] for gene, reason in encoder.dropped.items()]
    run.write_table("genes.tsv", ("gene", "row", "column", "not_learned"), rows)
