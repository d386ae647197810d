"""Guides whose sites overlap all but one to three bases: 20 to 22 of their 23, on either strand.

Such neighbours are cut within three bases of each other and share nearly all of what a model reads, yet hardly any base
stands at the same place in both: a comparison base by base sees two strangers.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.audit.keys import ModelKeys
from genotool.audit.relations import PAM, lookup, slices
from genotool.dataset import Kind
from genotool.sequences import Sequences

__all__ = ["MOST_BASES", "Shifted", "shifted", "shifted_within"]

Index: TypeAlias = NDArray[np.int64]

MOST_BASES = 3
FEWEST_SHARED = 18
"""Bases that two sites must share: by chance alone fewer meet in large sets (4^18 is 20 times 60,000 x 60,000)."""
SPACER = 20
MOVES = tuple(
    (by, turned) for most in range(MOST_BASES + 1) for turned in (False, True) for by in dict.fromkeys((most, -most))
)


class Shifted(NamedTuple):
    """For each query the row that it overlaps: the nearest, of those the one on the same strand first.

    Attributes
    ----------
    reference
        (n,) int64: the row, -1 for none.
    by
        (n,) int64: the bases from the reference's site to the query's, downstream on the reference's strand.
    turned
        (n,) bool: whether the query lies on the other strand.
    """

    reference: Index
    by: Index
    turned: NDArray[np.bool_]

    @property
    def met(self) -> NDArray[np.bool_]:
        """(n,) whether the query overlaps a row."""
        return self.reference >= 0


def shifted(query: ModelKeys, reference: ModelKeys) -> Shifted:
    """Return for each guide of `query` a guide of `reference` that lies one to three bases beside it.

    Guides of any length: a bare spacer is placed by its PAM end. Rows of other kinds meet nothing.
    """
    return _search(query, reference, own=False)


def shifted_within(keys: ModelKeys) -> Shifted:
    """Return for each guide another one of the same set that lies one to three bases beside it."""
    return _search(keys, keys, own=True)


def _search(query: ModelKeys, reference: ModelKeys, *, own: bool) -> Shifted:
    n = len(query)
    found = Shifted(np.full(n, -1, np.int64), np.zeros(n, np.int64), np.zeros(n, np.bool_))
    if query.kind is not Kind.GUIDES or reference.kind is not Kind.GUIDES or not n or not len(reference):
        return found
    here, there = query.columns[0], reference.columns[0]
    forward, backward = _by_length(here), _by_length(here.reverse_complement())
    others = _by_length(there)
    for by, turned in MOVES:
        for rows, letters in (backward if turned else forward).values():
            for other_rows, other_letters in others.values():
                hit = _overlap(letters, other_letters, by, turned=turned)
                if hit is None:
                    continue
                partner = np.where(hit >= 0, other_rows[hit], -1)
                new = rows[(partner >= 0) & (found.reference[rows] < 0) & ~(own & (partner == rows))]
                partners = np.full(n, -1, np.int64)
                partners[rows] = partner
                found.reference[new], found.by[new], found.turned[new] = partners[new], by, turned
    return found


def _by_length(sequences: Sequences) -> dict[int, tuple[Index, NDArray[np.uint8]]]:
    """Return by length the rows of that length, and their letters as (n, length)."""
    lengths = sequences.lengths
    found = {}
    for length in np.unique(lengths).tolist():
        rows = np.flatnonzero(lengths == length).astype(np.int64)
        found[length] = rows, sequences.take(rows).data.reshape(len(rows), length)
    return found


def _overlap(letters: NDArray[np.uint8], others: NDArray[np.uint8], by: int, *, turned: bool) -> Index | None:
    """Return (n,) which of `others` equals each row on the bases that both sites have; None where too few are left."""
    start, stop = _site(letters.shape[1], turned=turned)
    other_start, other_stop = _site(others.shape[1], turned=False)
    if by == 0 and (not turned or letters.shape[1] == others.shape[1]):
        return None  # the same site: equal, a reverse complement, or a spacer of the guide, which others look for
    low, high = max(start + by, other_start), min(stop + by, other_stop)
    if high - low < FEWEST_SHARED:
        return None
    mine = slices(letters, low - by - start, high - by - start)
    return lookup(mine.row_digests(), slices(others, low - other_start, high - other_start).row_digests())


def _site(length: int, *, turned: bool) -> tuple[int, int]:
    """Return where a guide starts and stops when the 23 bases of its site are 0 to 22."""
    spacer = length - PAM if length >= SPACER + PAM else length
    start, stop = SPACER - spacer, SPACER - spacer + length
    return (SPACER + PAM - stop, SPACER + PAM - start) if turned else (start, stop)
