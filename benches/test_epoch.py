"""A training epoch with EvoAug beside one without: the published promoter network, 1,900 rows of 600, both strands.

Seconds on the clock of a machine with two cores that does nothing else, the framework on one (GENOTOOL_THREADS=1): the
batches are made in a background thread. Trainings alternate between the two; all epochs of each but the first count.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from genotool.augment import EvoAug
from genotool.dataset import Dataset, Kind, Task
from genotool.encoding import EncodedView
from genotool.frameworks.keras import Training, start, train
from genotool.run import Run
from genotool.sequences import Sequences
from genotool_deepdife import network as networks
from genotool_deepdife.augmentation import with_reverse_complements
from genotool_deepdife.encoder import PromoterEncoder
from genotool_deepdife.settings import PromoterConfig

pytestmark = pytest.mark.keras

ROWS, LENGTH, ROUNDS, EPOCHS = 1900, 600, 8, 5
MOST = 1.05


def promoters(count: int) -> EncodedView:
    rng = np.random.default_rng(0)
    text = ["".join(row) for row in rng.choice(list("ACGT"), (count, LENGTH))]
    ids = np.array([f"p{row}" for row in range(count)])
    target = np.arange(count) % 2
    columns = {"sequence": Sequences.from_strings(text)}
    rows = Dataset("random", Kind.SEQUENCES, ids, columns, target, classes=("0", "1"))
    return with_reverse_complements(EncodedView(rows, PromoterEncoder(LENGTH)))


def test_an_augmented_epoch_beside_one_that_is_not(tmp_path: Path) -> None:
    keras, config, evoaug = start(0), PromoterConfig(), EvoAug()
    strand = networks.build(keras, config, LENGTH, 1)
    (network,) = networks.trained_towers(keras, strand, Task.BINARY)
    rows, valid = promoters(ROWS), promoters(50)
    run = Run.create(tmp_path / "run", verb="train", family="deepdife", task="binary", config={}, seed=0)

    def augment(x: Any, numbers: Any, epoch: int) -> Any:
        return evoaug.augment(x, numbers, seed=0, epoch=epoch, threads=1)

    seconds: dict[str, list[float]] = {"without": [], "with": []}
    for _ in range(ROUNDS):
        for name, given in (("without", None), ("with", augment)):
            seconds[name] += epochs_of(network, rows, valid, run, given)
    without, with_evoaug = (statistics.median(seconds[name]) for name in ("without", "with"))
    print(f"without {without:.2f} s, with {with_evoaug:.2f} s: {with_evoaug / without:.3f} x")
    assert with_evoaug <= MOST * without


def epochs_of(network: Any, rows: EncodedView, valid: EncodedView, run: Run, augment: Any) -> list[float]:
    """Return the seconds of each epoch but the first, which builds the graph."""
    keras = start(0)
    began: list[float] = []
    ended: list[float] = []
    clock = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda *_: began.append(time.perf_counter()),
        on_epoch_end=lambda *_: ended.append(time.perf_counter()),
    )
    training = Training(epochs=EPOCHS, batch_size=100, cosine=False, warmup=0.0)
    train(network, training, "binary_crossentropy", rows, valid, run, seed=0, augment=augment, callbacks=[clock])
    return [end - begin for begin, end in zip(began, ended, strict=True)][1:]
