"""Artefact controls: what is shuffled, that the model is fitted again on it, and what is said of the difference."""

from __future__ import annotations

import dataclasses
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from genotool.balance import BalanceReport
from genotool.controls import (
    Reordered,
    against_controls,
    fit_controls,
    reordered,
    shuffled_features,
    shuffled_sequences,
)
from genotool.dataset import Dataset, Kind, Task
from genotool.encoding import EncodedView
from genotool.errors import UsageError
from genotool.family import Control
from genotool.floors import Floor
from genotool.run import Run
from genotool.sequences import Sequences
from genotool.stages.fitting import Predictor
from genotool.statistics.intervals import Estimate, bootstrap
from genotool.testing import toy_dataset

pytestmark = pytest.mark.usefixtures("nearest_family")


def test_shuffled_sequences_keep_their_dinucleotides_and_nothing_else() -> None:
    rows = toy_dataset(Kind.PAIRS, Task.BINARY)
    made = shuffled_sequences(rows, 3)
    assert made.ids is rows.ids
    for role in ("seq1", "seq2"):
        before, after = list(rows.columns[role]), list(made.columns[role])
        assert before != after
        assert [Counter(pairwise(text)) for text in before] == [Counter(pairwise(text)) for text in after]
    same = dataclasses.replace(rows, columns=dict.fromkeys(("seq1", "seq2"), rows.columns["seq1"]))
    made = shuffled_sequences(same, 3)
    assert list(made.columns["seq1"]) != list(made.columns["seq2"])  # each side of a pair on its own


def test_shuffled_features_move_alike_in_every_row_and_part() -> None:
    rows = toy_dataset(Kind.MATRIX, Task.BINARY)
    made = shuffled_features(rows, 1)
    before, after = (part.columns["expression"].toarray() for part in (rows, made))
    order = [int(np.flatnonzero((before == column[:, None]).all(axis=0))[0]) for column in after.T]
    assert sorted(order) == list(range(30))
    assert order != list(range(30))
    part = shuffled_features(rows.take(np.arange(7)), 1)
    assert np.array_equal(part.columns["expression"].toarray(), after[:7])
    with pytest.raises(UsageError, match="no matrix"):
        shuffled_features(toy_dataset(Kind.PAIRS, Task.BINARY), 1)


def test_positions_move_and_channels_stay_together() -> None:
    image = np.arange(2 * 3 * 4 * 2).reshape(2, 3, 4, 2)
    moved = reordered(image, 2, 0)
    assert moved.shape == image.shape
    first, other = (array[0].reshape(12, 2).tolist() for array in (image, moved))
    assert first != other
    assert sorted(first) == sorted(other)  # whole pixels
    assert np.array_equal(moved[1] - moved[0], image[1] - image[0])  # the same order for both rows
    assert sorted(reordered(np.arange(5)[None], 1, 0)[0].tolist()) == [0, 1, 2, 3, 4]
    with pytest.raises(UsageError, match="no 2 position axes"):
        reordered(np.zeros((3, 4)), 2, 0)


MOTIFS = ("ACAGTATGACCA", "ATGACCAGTACA")
"""Of the same dinucleotides and ends: a shuffle makes them the same."""


def composed(n: int, seed: int, *, motif: bool) -> Dataset:
    """Return sequences whose label is their share of G and C, or which motif they repeat."""
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 2, n)
    texts = []
    for label in target.tolist():
        gc = 0.5 if motif else 0.3 + 0.35 * label
        drawn = "".join(rng.choice(list("ACGT"), 24, p=[(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2]))
        texts.append(drawn + MOTIFS[label] * 3 if motif else drawn * 2)
    ids = np.array([f"r{seed}-{i}" for i in range(n)])
    return Dataset("made", Kind.SEQUENCES, ids, {"sequence": Sequences.from_strings(texts)}, target, ("0", "1"))


@pytest.mark.parametrize("motif", [False, True])
def test_a_shuffle_leaves_an_artefact_of_composition_and_no_motif(motif: bool, tmp_path: Path) -> None:
    from genotool_nearest.family import Encoder, Nearest

    train, valid, test = (composed(n, seed, motif=motif) for seed, n in enumerate((300, 20, 150)))
    family = Nearest()
    config = family.config_type(neighbours=7)

    def fit(seen, held, side):
        assert side.path == tmp_path / "run/controls/dinucleotide-shuffle"
        model = family.fit(config, Task.BINARY, seen, held, side)
        return Predictor(model, seen.encoder, BalanceReport("none", (), ()))

    with Run.create(tmp_path / "run", verb="train", seed=0) as run:
        own = fit_controls(
            {"Dinucleotide shuffle": Control("all shuffled", shuffled_sequences)}, train, valid, test,
            task=Task.BINARY, encoder=Encoder, fit=fit, run=run, seed=0,
        )  # fmt: skip
        score = family.fit(config, Task.BINARY, EncodedView(train, Encoder()), EncodedView(valid, Encoder()), run)
    (control,) = own
    told = against_controls(Task.BINARY, test, score.predict(Encoder().encode(test)), own, seed=0)[control.name]
    reached = told["roc_auc"]["value"]
    if motif:
        assert reached < 0.65
        assert told["difference"]["low"] > 0.1
        assert "the model is better by" in told["sentence"]
    else:
        assert reached > 0.85
        assert "may explain the score" in told["sentence"] or "explains the score" in told["sentence"]


def test_the_order_of_inputs_is_shuffled_behind_the_encoder() -> None:
    from genotool_nearest.family import Encoder

    rows = toy_dataset(Kind.SEQUENCES, Task.BINARY)
    plain, moved = Encoder().encode(rows)["counts"], Reordered(Encoder(), {"counts": 1}, 5).fit([rows]).encode(rows)
    assert not np.array_equal(moved["counts"], plain)
    assert np.array_equal(np.sort(moved["counts"], axis=1), np.sort(plain, axis=1))


@pytest.mark.parametrize(
    ("signal", "said"),
    [(None, "explains the score"), (0.2, "the model is better by"), (3.5, "the model is worse than its control")],
)
def test_the_sentence_says_who_is_ahead(signal: float | None, said: str) -> None:
    rng = np.random.default_rng(0)
    rows = dataclasses.replace(toy_dataset(Kind.GUIDES, Task.BINARY, rows=300), groups=None)
    score = rng.normal(0, 1, 300) + rows.target
    other = score if signal is None else rng.normal(0, 1, 300) + signal * rows.target
    score, other = (1 / (1 + np.exp(-value)) for value in (score, other))
    control = Floor("shuffle", "shuffled", other, bootstrap(Task.BINARY, rows.target, other, seed=0, draws=100))
    assert said in against_controls(Task.BINARY, rows, score, [control], seed=0)["shuffle"]["sentence"]


def test_few_groups_are_said() -> None:
    rows = toy_dataset(Kind.GUIDES, Task.REGRESSION, rows=60)
    rows = dataclasses.replace(rows, groups=np.array(["a", "b", "c"] * 20))
    flat = Estimate(None, None, None, 60, 3, "no interval", "the score is constant")
    told = against_controls(
        Task.REGRESSION, rows, rows.target, [Floor("order", "o", np.zeros(60), {"spearman": flat})], seed=0
    )
    assert told["order"]["sentence"].startswith("Control, order: reaches Spearman correlation 0.000 of 1.000, ")
    assert "too few groups" in told["order"]["sentence"]
