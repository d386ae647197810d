"""Rows of matrices that are nearly the same: one sample twice, in another scaling or with a little noise.

Two rows are alike where they correlate by `ALIKE` at least over the genes that both sets have: a row times a factor, or
on another scale, is the same sample. Sought on a random projection, verified on all genes.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.dataset import Dataset, Kind

__all__ = ["ALIKE", "alike", "alike_within"]

Index: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

ALIKE = 0.9999
"""Replicates of one tissue, or of one library, stay below (.9990 in real sets of bulk samples)."""
DIMENSIONS = 64
FEWEST_GENES = 30
MOST_ROWS = 20_000
MOST_MET = 50_000_000
"""Values of pairs of rows that are verified at once."""


def alike(query: Dataset, reference: Dataset, *, seed: int = 0, own: bool = False) -> Index:
    """Return (n,) for each row of `query` a row of `reference` that is nearly the same, -1 for none.

    Nothing for fewer than `FEWEST_GENES` common genes; of more than `MOST_ROWS` rows the first are compared.

    Parameters
    ----------
    own
        Whether both are one set: then only an earlier row counts.
    """
    found = np.full(len(query), -1, np.int64)
    if query.kind is not Kind.MATRIX or reference.kind is not Kind.MATRIX:
        return found
    genes = _common(query, reference)
    if genes is None:
        return found
    here, there = _Rows(query, genes[0]), _Rows(reference, genes[1])
    directions = np.random.default_rng(seed).standard_normal((len(genes[0]), DIMENSIONS)) / np.sqrt(DIMENSIONS)
    low, other_low = here.projected(directions), there.projected(directions)
    step = max(1, 8_000_000 // max(len(other_low), 1))
    for start in range(0, len(low), step):
        some = low[start : start + step]
        distance = (some**2).sum(axis=1)[:, None] + (other_low**2).sum(axis=1) - 2 * some @ other_low.T
        distance[~here.varies[start : start + step]] = np.inf
        distance[:, ~there.varies] = np.inf
        if own:
            distance[np.triu_indices(len(some), start, distance.shape[1])] = np.inf
        if not distance.shape[1]:
            break
        nearest = distance.argmin(axis=1)
        for at in np.flatnonzero(distance[np.arange(len(some)), nearest] <= 4 * (1 - ALIKE)):
            if float(here.unit(start + int(at)) @ there.unit(int(nearest[at]))) >= ALIKE:
                found[start + at] = nearest[at]
    return found


def alike_within(dataset: Dataset) -> Index:
    """Return (n,) for each row an earlier row of the set that is nearly the same, -1 for none."""
    return alike(dataset, dataset, own=True)


def _common(query: Dataset, reference: Dataset) -> tuple[Index, Index] | None:
    """Return the columns of the genes that both have."""
    (here,), (there,) = query.keys, reference.keys
    if query.features is None or reference.features is None:
        same: Index = np.arange(here.shape[1])  # type: ignore[union-attr]
        pair = (same, same) if here.shape[1] == there.shape[1] else None  # type: ignore[union-attr]
    else:
        _, one, other = np.intersect1d(query.features, reference.features, return_indices=True)
        pair = (one.astype(np.int64), other.astype(np.int64))
    return pair if pair is not None and len(pair[0]) >= FEWEST_GENES else None


class _Rows:
    """Rows of a matrix on some of its genes, centred and of length 1: their products are correlations."""

    def __init__(self, dataset: Dataset, genes: Index) -> None:
        self.column: Any = dataset.keys[0]
        self.genes = genes
        self.count = min(len(dataset), MOST_ROWS)
        self.varies = np.ones(self.count, np.bool_)

    def _block(self, rows: Index) -> Floats:
        taken = self.column[rows]
        values = np.asarray(taken.toarray() if hasattr(taken, "toarray") else taken, np.float64)[:, self.genes]
        values = np.nan_to_num(values)
        values -= values.mean(axis=1, keepdims=True)
        length = np.sqrt((values**2).sum(axis=1, keepdims=True))
        values /= np.where(length > 0, length, 1)
        return values

    def unit(self, row: int) -> Floats:
        return self._block(np.array([row]))[0]

    def projected(self, directions: Floats) -> Floats:
        """Return (rows, dimensions); marks rows without variance, which correlate with nothing."""
        step = max(1, MOST_MET // max(len(self.genes), 1))
        parts = [np.zeros((0, directions.shape[1]))]
        for start in range(0, self.count, step):
            block = self._block(np.arange(start, min(start + step, self.count)))
            self.varies[start : start + len(block)] = (block != 0).sum(axis=1) >= FEWEST_GENES
            parts.append(block @ directions)
        return np.concatenate(parts)
