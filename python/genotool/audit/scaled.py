"""A scaling that knew the test rows: columns whose range, or mean and spread, are exact only with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.audit.findings import Finding, shown
from genotool.audit.held_out import is_table
from genotool.audit.words import percent
from genotool.dataset import Dataset
from genotool.split import Part, Split

__all__ = ["scaled_with_test_rows"]

Floats: TypeAlias = NDArray[np.float64]

MOST_COLUMNS = 2_000
FEWEST_COLUMNS, FEWEST_ROWS = 5, 20
MOST_OF = 0.9
"""The share of the columns that have to be scaled alike: a few may have that range by themselves."""
EXACT = 2e-4
"""How far from 0 and 1 a range, or a mean and a spread, may lie: tables are rounded."""
RANGES = ((0.0, 1.0), (-1.0, 1.0))
REMEDY = "fit the scaling on the training rows, and apply it to the others; genotool's encoders do so by construction"


def scaled_with_test_rows(dataset: Dataset, split: Split, *, seed: int = 0) -> Iterator[Finding]:
    """Look for columns that were brought to 0..1 (-1..1), or to mean 0 and spread 1, with the test rows among them."""
    test, fitted = split.parts == Part.TEST, np.isin(split.parts, (Part.TRAIN, Part.VALID))
    if not is_table(dataset) or min(test.sum(), fitted.sum()) < FEWEST_ROWS:
        return
    values = _continuous(dataset, seed)
    if values is None:
        return
    for ask in (_by_range, _by_spread):
        said = ask(values[fitted], values[test])
        if said:
            count, total, message = said
            names = () if dataset.features is None else shown(dataset.features)
            yield Finding(
                "scaled-with-test-rows", "warning", count, total,
                f"{dataset.name} was scaled with its test rows: {message}", REMEDY, names, data=(dataset.name,),
                unmeasured="the values before the scaling are not here",
            )  # fmt: skip
            return


def _continuous(dataset: Dataset, seed: int) -> Floats | None:
    """Return some of the columns that hold measures: more different values than half of the rows."""
    column: Any = dataset.keys[0]
    width = column.shape[1]
    some = np.arange(width)
    if width > MOST_COLUMNS:
        some = np.sort(np.random.default_rng(seed).choice(width, MOST_COLUMNS, replace=False))
    taken = column[:, some]
    values = np.asarray(taken.toarray() if hasattr(taken, "toarray") else taken, np.float64)
    if not len(values) or not np.isfinite(values).all():
        return None
    ordered = np.sort(values, axis=0)
    distinct = (np.diff(ordered, axis=0) > 0).sum(axis=0) + 1
    kept = distinct > len(values) / 2
    return values[:, kept] if kept.sum() >= FEWEST_COLUMNS else None


def _by_range(fitted: Floats, test: Floats) -> tuple[int, int, str] | None:
    total = fitted.shape[1]
    for low, high in RANGES:
        own, theirs = (_has_range(part, low, high) for part in (fitted, test))
        whole = _has_range(np.concatenate([fitted, test]), low, high)
        if whole.mean() < MOST_OF:
            continue
        between = f"{low:g} to {high:g}"
        if own.mean() >= MOST_OF and theirs.mean() >= MOST_OF:
            return (
                total,
                total,
                f"its {total} columns of measures span {between} in the test rows, and in the others too",
            )
        only = int((whole & ~own).sum())
        if only >= 2:
            said = f"{int(whole.sum())} of {total} columns of measures span exactly {between}, {only} of them "
            return only, total, f"{said}({percent(only, total)}) with the test rows only"
    return None


def _has_range(values: Floats, low: float, high: float) -> NDArray[np.bool_]:
    inside = (np.abs(values.min(axis=0) - low) <= EXACT) & (np.abs(values.max(axis=0) - high) <= EXACT)
    return np.asarray(inside)


def _by_spread(fitted: Floats, test: Floats) -> tuple[int, int, str] | None:
    total = fitted.shape[1]
    own, theirs, whole = (_is_standard(part) for part in (fitted, test, np.concatenate([fitted, test])))
    if own.mean() >= MOST_OF:
        if theirs.mean() < MOST_OF:
            return None
        return (
            total,
            total,
            f"its {total} columns of measures have mean 0 and spread 1 in the test rows, and in the others too",
        )
    if whole.mean() < MOST_OF:
        return None
    only = int((whole & ~own).sum())
    said = f"{int(whole.sum())} of {total} columns of measures have mean 0 and spread 1, {only} of them "
    return only, total, f"{said}({percent(only, total)}) with the test rows only"


def _is_standard(values: Floats) -> NDArray[np.bool_]:
    mean, spread, n = values.mean(axis=0), values.std(axis=0), len(values)
    unit = (np.abs(spread - 1) <= EXACT) | (np.abs(spread * np.sqrt(n / max(n - 1, 1)) - 1) <= EXACT)
    return np.asarray((np.abs(mean) <= EXACT) & unit)
