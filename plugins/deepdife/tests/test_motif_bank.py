"""Motifs as a first layer: what they find, behind which networks are trained, and towers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from genotool.dataset import Dataset, Kind, Task
from genotool.encoding import EncodedView
from genotool.errors import UsageError
from genotool.frameworks.attribution import explain
from genotool.frameworks.keras import Training, input_names, start
from genotool.run import Run
from genotool.sequences import Sequences
from genotool_deepdife import network as networks
from genotool_deepdife.encoder import PromoterEncoder
from genotool_deepdife.jaspar import Motif
from genotool_deepdife.motif_bank import SCALED, bank, fit_scale
from genotool_deepdife.scanned import Scan
from genotool_deepdife.settings import PromoterConfig
from genotool_deepdife.training import fitted

pytestmark = pytest.mark.keras

LENGTH = 90
SITES = {"MA0001.1": "CACGTGTC", "MA0002.1": "TTGACT"}


@pytest.fixture(autouse=True)
def few_motifs(monkeypatch: pytest.MonkeyPatch) -> tuple[Motif, ...]:
    """Two motifs of nearly one word each in place of JASPAR's nine hundred: the same layer, in a second."""
    made = tuple(
        Motif(number, number, (), (), np.eye(4)[["ACGT".index(letter) for letter in word]] * 20)
        for number, word in SITES.items()
    )
    monkeypatch.setattr(networks, "motifs", lambda *_: made)
    return made


def config(**values: Any) -> PromoterConfig:
    return PromoterConfig(
        **{
            "init_motifs": "jaspar", "filters": [0], "kernels": [1], "strides": [1], "pools": [1], "windows": [3, 1],
            "dense": [], "strands": "given", "dropout": 0.0, "l2": 0.01,
            "training": Training(epochs=15, batch_size=32, learning_rate=0.02, cosine=False, warmup=0.0), **values,
        }
    )  # fmt: skip


def promoters(count: int, seed: int) -> Dataset:
    """Return random rows; those of class 1 have the first word on either strand."""
    rng = np.random.default_rng(seed)
    letters, target = rng.choice(list("ACGT"), (count, LENGTH)), np.arange(count) % 2
    turned = SITES["MA0001.1"][::-1].translate(str.maketrans("ACGT", "TGCA"))
    for row in np.flatnonzero(target):
        place = int(rng.integers(LENGTH - 8))
        letters[row, place : place + 8] = list(SITES["MA0001.1"] if rng.random() < 0.5 else turned)
    ids = np.array([f"p{row}" for row in range(count)])
    sequences = Sequences.from_strings(["".join(row) for row in letters])
    return Dataset("planted", Kind.SEQUENCES, ids, {"sequence": sequences}, target, classes=("0", "1"))


def one_hot(rows: Dataset) -> Any:
    return PromoterEncoder(LENGTH).encode(rows)["sequence"]


def test_the_bank_finds_the_best_site_of_either_strand_in_each_window(few_motifs: tuple[Motif, ...]) -> None:
    keras = start(0)
    strand = networks.build(keras, config(), LENGTH, 1)
    bases = one_hot(promoters(12, 0))
    unscaled = keras.Model(strand.inputs[0], strand.get_layer(SCALED).input)
    found = np.asarray(unscaled(bases.astype(np.float32)))
    assert found.shape == (12, 4, 2)
    for number, motif in enumerate(few_motifs):
        weights, width = motif.log_odds(), 8
        wide = np.zeros((width, 4))
        start_at = (width - len(weights)) // 2
        wide[start_at : start_at + len(weights)] = weights
        for row, sequence in enumerate(bases):
            padded = np.zeros((LENGTH + width - 1, 4))
            padded[(width - 1) // 2 : (width - 1) // 2 + LENGTH] = sequence
            places = [padded[place : place + width] for place in range(LENGTH)]
            forward = [max(0.0, float((site * wide).sum())) for site in places]
            reverse = [max(0.0, float((site * wide[::-1, ::-1]).sum())) for site in places]
            best = np.maximum(forward, reverse)
            expected = [best[:30].max(), best[30:60].max(), best[60:].max(), best.max()]
            np.testing.assert_allclose(found[row, :, number], expected, atol=1e-4)


def test_what_is_found_is_scaled_by_the_training_rows() -> None:
    keras = start(0)
    strand = networks.build(keras, config(), LENGTH, 1)
    bases = one_hot(promoters(40, 0))
    fit_scale(keras, strand, bases)
    scaled = np.asarray(bank(keras, strand)(bases.astype(np.float32)), np.float64)
    np.testing.assert_allclose(scaled.mean(axis=(0, 1)), 0, atol=1e-4)
    assert (scaled.std(axis=(0, 1)) < 1).all()
    assert (scaled.std(axis=(0, 1)) > 0.95).all()


def test_a_tower_behind_the_bank_gives_what_the_whole_gives() -> None:
    keras = start(0)
    strand = networks.build(keras, config(towers=2, dense=[5]), LENGTH, 1)
    bases = one_hot(promoters(30, 0))
    fit_scale(keras, strand, bases)
    towers = networks.trained_towers(keras, strand, Task.BINARY, scanned=True)
    scan = Scan(PromoterEncoder(LENGTH), bank(keras, strand), input_names(towers[0])[0])
    logits = [np.log(p / (1 - p)) for p in (np.asarray(tower(scan(bases)), np.float64) for tower in towers)]
    assert np.abs(logits[0] - logits[1]).max() > 0.01, "towers have weights of their own"
    np.testing.assert_allclose(np.asarray(strand(bases.astype(np.float32))), sum(logits) / 2, atol=1e-4)


@pytest.mark.parametrize("augment", ["none", "evoaug"])
def test_a_planted_motif_is_learned_and_explained_exactly(augment: Any, tmp_path: Path) -> None:
    encoder = PromoterEncoder(LENGTH)
    rows, valid, test = (EncodedView(promoters(count, seed), encoder) for count, seed in ((200, 1), (80, 2), (200, 3)))
    run = Run.create(tmp_path / "run", verb="train", family="deepdife", task="binary", config={}, seed=0)
    settings = config(augment=augment, towers=2)
    model = fitted(settings, Task.BINARY, rows, valid, run)
    score = model.predict(test.encoder.encode(test.dataset))
    assert score[test.target == 1].min() > np.median(score[test.target == 0])
    assert (run.path / "history-2.tsv").is_file()
    assert (run.path / "history-finetune.tsv").is_file() == (augment == "evoaug")
    few = EncodedView(test.dataset.take(np.arange(6)), encoder)
    attribution = explain(model, few, valid, seed=0, run=run)
    assert attribution.additivity_error.max() < 1e-3 * np.median(attribution.delta)


def test_what_looks_on_sees_a_network_that_reads_sequences(tmp_path: Path) -> None:
    encoder, seen = PromoterEncoder(LENGTH), []
    rows = EncodedView(promoters(40, 1), encoder)
    run = Run.create(tmp_path / "run", verb="tune", family="deepdife", task="binary", config={}, seed=0)
    look = start(0).callbacks.LambdaCallback(on_train_end=lambda *_: seen.append(input_names(look.model)))
    fitted(config(training=Training(epochs=1)), Task.BINARY, rows, rows, run, callbacks=[look])
    assert seen == [["sequence"]]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"strides": [2]}, "stride of 1"),
        ({"init_motifs": "none"}, "filters holds 0"),
        ({"windows": [3, 0]}, "windows holds 0"),
        ({"windows": [999]}, "999 windows of"),
    ],
)
def test_a_network_that_cannot_be_is_refused(values: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        networks.build(start(0), config(**values), LENGTH, 1)
