"""Rows of matrices that are nearly the same: one sample twice, in another scaling or with a little noise.

Two rows are alike where they correlate by `ALIKE` at least over the genes that both sets have: a row times a factor, or
on another scale, is the same sample. Sought on a random projection, verified on all genes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.audit.findings import Finding, shown
from genotool.audit.held_out import is_table
from genotool.audit.keys import keys_of
from genotool.audit.levels import severity_of
from genotool.audit.relations import codes
from genotool.audit.words import among
from genotool.dataset import Dataset
from genotool.split import Part, Split

__all__ = ["ALIKE", "alike", "copies_across_parts", "copies_between", "copies_within", "is_thin"]

Index: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

ALIKE = 0.9999
"""Replicates of one tissue, or of one library, stay below (.9990 in real sets of bulk samples)."""
DIMENSIONS = 64
FEWEST_GENES = 30
FEWEST_DIMENSIONS = 8
"""In fewer, rows that were measured apart correlate by chance."""
MOST_ROWS = 20_000
MOST_VALUES = 2**21
"""Values that are centred at a time: no second matrix in double precision."""


def alike(query: Dataset, reference: Dataset, *, seed: int = 0, own: bool = False) -> Index:
    """Return (n,) for each row of `query` a row of `reference` that is nearly the same, -1 for none.

    Nothing for fewer than `FEWEST_GENES` common genes; of more than `MOST_ROWS` rows the first are compared.

    Parameters
    ----------
    own
        Whether both are one set: then only an earlier row counts.
    """
    found = np.full(len(query), -1, np.int64)
    if not is_table(query) or not is_table(reference):
        return found
    genes = _common(query, reference)
    if genes is None:
        return found
    here, there = _Rows(query, genes[0]), _Rows(reference, genes[1])
    directions = np.random.default_rng(seed).standard_normal((len(genes[0]), DIMENSIONS)) / np.sqrt(DIMENSIONS)
    low, other_low = here.projected(directions), there.projected(directions)
    if len(low) > FEWEST_DIMENSIONS and is_thin(low, FEWEST_DIMENSIONS):
        return found
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


def copies_within(dataset: Dataset) -> Iterator[Finding]:
    """Look for rows of a matrix that are nearly, but not exactly, an earlier one."""
    partner = alike(dataset, dataset, own=True)
    if (partner >= 0).any():
        digests = codes(keys_of(dataset), "exact")
        partner = np.where(digests == digests[partner], -1, partner)
    yield from _finding(
        "alike-within", dataset, dataset, partner, "an earlier one", "keep each once, or all in one part"
    )


def copies_across_parts(dataset: Dataset, split: Split) -> Iterator[Finding]:
    """Look for test rows of a matrix that are nearly, but not exactly, a row that was fitted on."""
    test = split.rows(Part.TEST)
    fitted = np.flatnonzero(np.isin(split.parts, (Part.TRAIN, Part.VALID))).astype(np.int64)
    if is_table(dataset) and len(test) and len(fitted):
        held, seen = dataset.take(test), dataset.take(fitted)
        remedy = "keep the copies of a sample in one part: give them one group"
        yield from _finding("alike-across-parts", held, seen, _inexact(held, seen), "one that was fitted on", remedy)


def copies_between(datasets: Sequence[Dataset]) -> Iterator[Finding]:
    """Look for rows that two matrices share on another scale, or over the genes that both have."""
    for pair in combinations(datasets, 2):
        small, large = sorted(pair, key=len)
        remedy = "they are one sample: leave it out of one set, or keep it in one part"
        yield from _finding("alike-rows", small, large, _inexact(small, large), f"one of {large.name}", remedy)


def _inexact(query: Dataset, reference: Dataset) -> Index:
    """Return `alike` without the rows that are equal: those are found by their digests."""
    partner = alike(query, reference)
    if (partner >= 0).any():
        equal = np.isin(codes(keys_of(query), "exact"), codes(keys_of(reference), "exact"))
        partner = np.where(equal, -1, partner)
    return partner


def _finding(
    code: str, query: Dataset, reference: Dataset, partner: Index, whom: str, remedy: str
) -> Iterator[Finding]:
    met = np.asarray(partner >= 0)
    count, total = int(met.sum()), len(query)
    if count:
        names = dict.fromkeys((query.name, reference.name))
        yield Finding(
            code, severity_of(code, count, total), count, total,
            f"{among(count, query, ('correlates', 'correlate'))} by {ALIKE} or more with {whom}: one sample, on "
            "another scale or with a little noise", remedy, shown(query.ids[met]), data=tuple(names),
            partners=shown(reference.ids[partner[met]]),
        )  # fmt: skip


def is_thin(rows: Floats, dimensions: int) -> bool:
    """Return whether rows lie in fewer than so many dimensions, as a depth times one profile does."""
    some = rows[:: max(1, len(rows) // 200)]
    spread = np.linalg.svd(some - some.mean(axis=0), compute_uv=False)
    return bool((spread > 2e-2 * max(float(spread[0]), 1e-12)).sum() < dimensions)


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
        return np.asarray(self._block(np.array([row]))[0])

    def projected(self, directions: Floats) -> Floats:
        """Return (rows, dimensions); marks rows without variance, which correlate with nothing."""
        step = max(1, MOST_VALUES // max(len(self.genes), 1))
        parts = [np.zeros((0, directions.shape[1]))]
        for start in range(0, self.count, step):
            block = self._block(np.arange(start, min(start + step, self.count)))
            self.varies[start : start + len(block)] = (block != 0).sum(axis=1) >= FEWEST_GENES
            parts.append(block @ directions)
        return np.concatenate(parts)
