"""The homology kernel against sets of k-mers in a Python dictionary; and its time by the number of rows."""

import os
from collections import Counter, defaultdict

import numpy as np
from genotool.homology import homologous_within
from genotool.sequences import Sequences
from side_by_side import goal, race

LETTERS = np.frombuffer(b"ACGT", np.uint8)
PAIRS = str.maketrans("ACGT", "TGCA")
LENGTH, K, SHARED, FAMILY = 1000, 16, 40, 5


def planted(rows: int) -> Sequences:
    """Return random rows of 1 kb; one in ten is of a family of five that differ in 5 % of their letters."""
    rng = np.random.default_rng(1)
    letters = LETTERS[rng.integers(0, 4, (rows, LENGTH), dtype=np.uint8)]
    related = rows // 10
    letters[:related] = letters[np.arange(related) // FAMILY * FAMILY]
    changed = rng.random((related, LENGTH), dtype=np.float32) < 0.05
    letters[:related][changed] = LETTERS[rng.integers(0, 4, int(changed.sum()))]
    return Sequences(letters.reshape(-1), np.arange(rows + 1) * LENGTH)


def by_dictionary(texts: list[str]) -> dict[tuple[int, int], int]:
    """Return the pairs of rows that share `SHARED` canonical k-mers, and how many."""
    places: dict[str, list[int]] = defaultdict(list)
    counts: Counter[tuple[int, int]] = Counter()
    for row, text in enumerate(texts):
        turned, end = text.translate(PAIRS)[::-1], len(text)
        for word in {min(text[i : i + K], turned[end - K - i : end - i]) for i in range(end - K + 1)}:
            counts.update((other, row) for other in places[word])
            places[word].append(row)
    return {pair: count for pair, count in counts.items() if count >= SHARED}


def test_a_dictionary_of_k_mers():
    sequences = planted(1_000)
    texts = list(sequences)
    found = homologous_within(sequences)
    pairs = zip(found.query.tolist(), found.reference.tolist(), strict=True)
    assert dict(zip(pairs, found.shared.tolist(), strict=True)) == by_dictionary(texts)
    took = race(
        "homology within 1000 x 1 kb, 40 shared 16-mers",
        {"genotool": lambda: homologous_within(sequences), "dictionary in Python": lambda: by_dictionary(texts)},
        rounds=5,
    )
    goal("dictionary / genotool", took["dictionary in Python"] / took["genotool"], 50, at_least=True)


def test_linear_in_rows():
    small, large = planted(12_500), planted(int(os.environ.get("BENCH_ROWS", "50000")))
    took = race(
        "homology within, 1 kb",
        {"12500": lambda: homologous_within(small), "large": lambda: homologous_within(large)},
        rounds=5,
    )
    goal("time a row, large / 12500", took["large"] / took["12500"] * len(small) / len(large), 1.5)
