"""Rows that lie between two others of their class: resampled (SMOTE) before the split, so that parts share rows.

A synthetic row is ``a + t (b - a)``, with a and b near each other (Chawla 2002 J Artif Intell Res 16:321). A measured
row never lies on a straight line between two others in many dimensions; the test is exact up to the rounding of
the file. It runs on a random projection, which keeps straight lines straight, and is verified on all columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.audit.alike import is_thin
from genotool.audit.findings import Effect, Finding, shown
from genotool.audit.held_out import is_table, without_target
from genotool.audit.levels import severity_of
from genotool.audit.memorised import cheaply
from genotool.audit.words import among
from genotool.dataset import Dataset
from genotool.split import Part, Split

__all__ = ["between_others", "interpolated_across_parts"]

Index: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

DIMENSIONS = 48
MOST_VALUES = 2**21
"""Values that are projected at a time: no second matrix in double precision."""
MOST_ASKED, MOST_ROWS = 2_000, 20_000
"""Rows that are looked at, and rows of a class among which their parents are sought."""
NEIGHBOURS = 4
"""A synthetic row's nearest neighbours, of which one is taken to be a parent."""
FEWEST_DIFFERENT = 5
"""Columns in which two parents differ at least: in fewer, three rows lie in a line by chance."""
FEWEST_FOUND, LEAST_SHARE = 3, 0.01
TOLERANCE = 5e-3
"""How far from the line, as a share of the distance to the nearer parent: tables are rounded."""


def interpolated_across_parts(dataset: Dataset, split: Split, *, seed: int = 0) -> Iterator[Finding]:
    """Look for rows between two others of their class of which one is in another part (training, or test)."""
    test = split.parts == Part.TEST
    fitted = np.isin(split.parts, (Part.TRAIN, Part.VALID))
    if not is_table(dataset) or not dataset.classes or without_target(dataset):
        return
    if not test.any() or not fitted.any():
        return
    rows = np.flatnonzero(test | fitted).astype(np.int64)
    asked, first, second = between_others(dataset.take(rows), seed)
    found = first >= 0
    across = found & ((test[rows[first]] != test[rows[asked]]) | (test[rows[second]] != test[rows[asked]]))
    count, total = int(across.sum()), len(asked)
    if count < max(FEWEST_FOUND, LEAST_SHARE * total):
        return
    synthetic = rows[asked[found]]
    asked, first, second = (rows[index[across]] for index in (asked, first, second))
    on = f" ({total} of its rows were looked at)" if total < len(rows) else ""
    said = among(count, dataset.take(np.arange(total)), ("lies", "lie"))
    partners = [f"{dataset.ids[a]} and {dataset.ids[b]}" for a, b in zip(first[:5], second[:5], strict=True)]
    yield Finding(
        "interpolated-across-parts", severity_of("interpolated-across-parts", count, total), count, total,
        f"{said} exactly between two others of their class, of which one is in another part{on}: resampled (SMOTE or "
        "the like) before the split",
        "split first, and resample the training rows only; `--balance` does so", shown(dataset.ids[asked]),
        _effect(dataset, test, fitted, synthetic) or None, (dataset.name,), shown(partners),
    )  # fmt: skip


def between_others(dataset: Dataset, seed: int) -> tuple[Index, Index, Index]:
    """Return rows that were looked at, and the two rows of their class between which each lies, -1 for none."""
    rng = np.random.default_rng(seed)
    (column,) = dataset.keys
    target = np.asarray(dataset.target)
    low = _projected(column, rng)
    asked, first, second = [], [], []
    for code in range(len(dataset.classes)):
        pool = np.flatnonzero(target == code).astype(np.int64)
        pool = np.sort(rng.choice(pool, MOST_ROWS, replace=False)) if len(pool) > MOST_ROWS else pool
        share = max(1, MOST_ASKED // len(dataset.classes))
        some = np.sort(rng.choice(pool, share, replace=False)) if len(pool) > share else pool
        one, other = _parents(low[pool], np.searchsorted(pool, some), column, pool)
        asked.append(some)
        first.append(np.where(one >= 0, pool[one], -1) if len(pool) else one)
        second.append(np.where(other >= 0, pool[other], -1) if len(pool) else other)
    return np.concatenate(asked), np.concatenate(first), np.concatenate(second)


def _projected(column: Any, rng: np.random.Generator) -> Floats:
    """Return (n, up to `DIMENSIONS`) rows on random directions: what lies in a line does so there too."""
    width = column.shape[1]
    directions = rng.standard_normal((width, min(DIMENSIONS, width))) / np.sqrt(width)
    if hasattr(column, "indptr"):
        return np.asarray(column.astype(np.float64) @ directions)
    step = max(1, MOST_VALUES // max(width, 1))
    parts = (column[start : start + step] for start in range(0, column.shape[0], step))
    low = [np.nan_to_num(np.asarray(part, np.float64)) @ directions for part in parts]
    return np.concatenate([np.zeros((0, directions.shape[1])), *low])


def _parents(low: Floats, asked: Index, column: Any, pool: Index) -> tuple[Index, Index]:
    """Return for each asked row two rows of the class (indices into `pool`) between which it lies, -1 for none."""
    first, second = np.full(len(asked), -1, np.int64), np.full(len(asked), -1, np.int64)
    if len(low) < 3 or low.shape[1] < FEWEST_DIFFERENT or is_thin(low, FEWEST_DIFFERENT):
        return first, second
    square = (low**2).sum(axis=1)
    step = max(1, 8_000_000 // len(low))
    for start in range(0, len(asked), step):
        rows = asked[start : start + step]
        product = low[rows] @ low.T
        distance = np.maximum(square[rows][:, None] + square - 2 * product, 0)
        distance[distance <= 1e-9 * (square[rows][:, None] + square)] = np.inf  # itself and its equals
        near = np.argpartition(distance, min(NEIGHBOURS, len(low) - 1), axis=1)[:, :NEIGHBOURS]
        for place in range(near.shape[1]):
            beyond, residual = _straight(low, square, rows, near[:, place])
            for at in np.flatnonzero(residual <= 4 * TOLERANCE**2):
                a, b = int(near[at, place]), int(beyond[at])
                if first[start + at] < 0 and _is_between(column, pool[rows[at]], pool[a], pool[b]):
                    first[start + at], second[start + at] = a, b
    return first, second


def _straight(low: Floats, square: Floats, rows: Index, near: Index) -> tuple[Index, Floats]:
    """Return the row that lies straightest beyond each row, seen from its neighbour, and by how much it misses.

    Seen from the neighbour a, with u = row - a and v = b - a, the miss is the squared sine of the angle between them.
    """
    u = low[rows] - low[near]
    along = u @ low.T - (u * low[near]).sum(axis=1)[:, None]
    length = np.maximum(square + square[near][:, None] - 2 * (low[near] @ low.T), 0)
    own = (u**2).sum(axis=1)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine = along / np.sqrt(length * own)
    cosine[~np.isfinite(cosine) | (length <= own * (1 + 1e-6))] = -1  # b lies beyond the row, not before it
    cosine[np.arange(len(rows)), rows] = -1
    best = cosine.argmax(axis=1)
    return best.astype(np.int64), 1 - cosine[np.arange(len(rows)), best] ** 2


def _is_between(column: Any, row: int, one: int, other: int) -> bool:
    """Verify on all columns that a row lies between two others, off the grid of whole numbers if they are on it."""
    x, a, b = (_dense(column, index) for index in (row, one, other))
    way = b - a
    differ = way != 0
    if differ.sum() < FEWEST_DIFFERENT or not np.isfinite(way).all():
        return False
    t = float((x - a) @ way / (way @ way))
    if not 0 < t < 1 or bool((x[differ] == np.round(x[differ])).all()):
        return False
    miss = float(np.linalg.norm(x - a - t * way))
    return miss <= TOLERANCE * min(t, 1 - t) * float(np.linalg.norm(way))


def _dense(column: Any, row: int) -> Floats:
    taken = column[[row]]
    return np.asarray(taken.toarray() if hasattr(taken, "toarray") else taken, np.float64).reshape(-1)


def _effect(dataset: Dataset, test: NDArray[np.bool_], fitted: NDArray[np.bool_], synthetic: Index) -> Effect:
    """Return what trees score on the test part, with the synthetic rows that were found and without them."""
    kept = np.ones(len(dataset), np.bool_)
    kept[synthetic] = False
    measured: dict[str, float | str | None] = {}
    for name, rows in (("with", np.ones(len(dataset), np.bool_)), ("without", kept)):
        found = cheaply(dataset, np.flatnonzero(fitted & rows), np.flatnonzero(test & rows))
        if found is not None:
            measured |= {"metric": found[0], name: found[1]}
    return {f"trees on {dataset.name}": measured} if "with" in measured else {}
