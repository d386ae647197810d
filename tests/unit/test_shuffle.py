"""The dinucleotide shuffle: what stays, what changes, and that every possible outcome is as likely."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from genotool.errors import UsageError
from genotool.sequences import Sequences
from genotool.shuffle import dinucleotide_shuffle
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare


def pairs(text: str) -> Counter[str]:
    return Counter(text[i : i + 2] for i in range(len(text) - 1))


def outcomes(text: str) -> set[str]:
    """Return every sequence with the dinucleotides and the first letter of a text, by walking all ways."""
    found, open_walks = set(), [(text[0], pairs(text))]
    while open_walks:
        walk, left = open_walks.pop()
        if len(walk) == len(text):
            found.add(walk)
        steps = [pair for pair in left if pair[0] == walk[-1]]
        open_walks += [(walk + pair[1], left - Counter([pair])) for pair in steps]
    return found


@given(st.lists(st.text("ACGTNR", max_size=60), max_size=8), st.integers(0, 2**64 - 1))
def test_dinucleotides_ends_and_lengths_stay(texts: list[str], seed: int) -> None:
    sequences = Sequences.from_strings(texts)
    shuffled = dinucleotide_shuffle(sequences, seed=seed, threads=1)
    for before, after in zip(texts, shuffled, strict=True):
        assert pairs(after) == pairs(before)
        assert (after[:1], after[-1:]) == (before[:1], before[-1:])


def test_rows_change_and_seeds_and_threads_do_what_they_say() -> None:
    rng = np.random.default_rng(0)
    row = "".join(rng.choice(list("ACGT"), 300))
    sequences = Sequences.from_strings([row] * 500)
    one = dinucleotide_shuffle(sequences, seed=1, threads=1)
    assert len({row, *one}) == 501  # every row another one, none the input
    assert one.digest() == dinucleotide_shuffle(sequences, seed=1, threads=4).digest()
    assert set(one).isdisjoint(dinucleotide_shuffle(sequences, seed=2))
    same = sum(a == b for a, b in zip(row, one[0], strict=True)) / len(row)
    assert same < 0.45  # letters in place, a quarter by chance


@pytest.mark.parametrize("text", ["ACAGATACCA", "AACCAGACGT", "TATTGTAATG", "CANCTNATCA"])
def test_every_outcome_is_as_likely(text: str) -> None:
    possible = sorted(outcomes(text))
    draws = Counter(dinucleotide_shuffle(Sequences.from_strings([text] * 200 * len(possible)), seed=11))
    assert sorted(draws) == possible
    assert len(possible) > 10
    assert chisquare([draws[other] for other in possible]).pvalue > 0.001


@pytest.mark.parametrize("seed", [-1, 2**64, 0.5])
def test_a_seed_that_cannot_be_is_refused(seed: float) -> None:
    with pytest.raises(UsageError, match="seed"):
        dinucleotide_shuffle(Sequences.from_strings(["ACGT"]), seed=seed)  # type: ignore[arg-type]
