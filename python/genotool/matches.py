"""What the searches of `genotool.sequences.Sequences` return."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from genotool.sequences import Sequences

__all__ = ["Overlaps", "Sites"]


class Sites(NamedTuple):
    """Sites that a nuclease can cut: by record, then start, the forward strand first.

    Attributes
    ----------
    record, start
        (n,) int64: the row, and where the window (protospacer and PAM) starts on its forward strand, from 0.
    minus
        (n,) bool: whether the site is on the reverse strand.
    guides
        n rows: protospacer and PAM, 5' to 3'.
    ambiguous
        Windows left out: they hold another letter than A, C, G, T, and what stands at the PAM could be one.
    """

    record: NDArray[np.int64]
    start: NDArray[np.int64]
    minus: NDArray[np.bool_]
    guides: Sequences
    ambiguous: int


class Overlaps(NamedTuple):
    """Pairs of rows that meet: by query, then reference; a pair comes once, with its smallest distance.

    Attributes
    ----------
    query, reference
        (n,) int64: the rows.
    distance
        (n,) uint8: the letters that differ.
    strand
        (n,) int8: 1 where the query meets as it is, -1 where its reverse complement does.
    """

    query: NDArray[np.int64]
    reference: NDArray[np.int64]
    distance: NDArray[np.uint8]
    strand: NDArray[np.int8]
