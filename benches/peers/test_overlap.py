"""The overlap kernel against a hash set in Python; and its time by the number of rows."""

import os

import numpy as np
from genotool.sequences import Sequences
from side_by_side import goal, race

LETTERS = np.frombuffer(b"ACGT", np.uint8)
PAIRS = str.maketrans("ACGT", "TGCA")


def guides(rows: int, seed: int) -> np.ndarray:
    """Return random guides of 20 + NGG."""
    letters = LETTERS[np.random.default_rng(seed).integers(0, 4, (rows, 23))]
    letters[:, -2:] = ord("G")
    return letters


def pair(rows: int) -> tuple[Sequences, Sequences]:
    queries, references = guides(rows, 1), guides(rows, 2)
    references[: rows // 100] = queries[: rows // 100]
    references[: rows // 200, 5] = ord("A")
    ends = np.arange(rows + 1) * 23
    return Sequences(queries.reshape(-1), ends), Sequences(references.reshape(-1), ends)


def by_hash_set(queries: list[str], references: list[str]) -> set[int]:
    """Return the queries with a reference within one mismatch, on either strand."""
    known, found = set(references), set()
    for row, text in enumerate(queries):
        for shown in (text, text.translate(PAIRS)[::-1]):
            near = (shown[:i] + base + shown[i + 1 :] for i in range(len(shown)) for base in "ACGT")
            if any(other in known for other in near):
                found.add(row)
    return found


def test_a_hash_set():
    queries, references = pair(50_000)
    texts, others = list(queries), list(references)
    assert by_hash_set(texts, others) == set(queries.overlaps(references, mismatches=1, best=True).query.tolist())
    took = race(
        "overlap, 50000 x 23 against 50000, both strands, one mismatch",
        {
            "genotool": lambda: queries.overlaps(references, mismatches=1, best=True),
            "hash set in Python": lambda: by_hash_set(texts, others),
        },
        rounds=5,
    )
    goal("hash set / genotool", took["hash set in Python"] / took["genotool"], 50, at_least=True)


def test_linear_in_rows():
    small, large = pair(250_000), pair(int(os.environ.get("BENCH_ROWS", "1000000")))
    took = race(
        "overlap, both strands, one mismatch, best",
        {
            "250000": lambda: small[0].overlaps(small[1], mismatches=1, best=True),
            "large": lambda: large[0].overlaps(large[1], mismatches=1, best=True),
        },
        rounds=5,
    )
    goal("time a row, large / 250000", took["large"] / took["250000"] * len(small[0]) / len(large[0]), 2)
