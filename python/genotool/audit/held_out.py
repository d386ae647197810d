"""Scores out of sample for the checks: folds by group where groups exist, at most so many rows, by a seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.dataset import Dataset, Kind, Task
from genotool.statistics.intervals import group_codes

__all__ = ["as_scores", "folds", "is_table", "out_of_fold", "sampled", "without_target"]

Index: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Fit: TypeAlias = Callable[[Index, Index], Floats]
"""Rows to fit on and rows to score: returns their scores."""

FOLDS = 5


def sampled(dataset: Dataset, most: int, seed: int) -> tuple[Dataset, str]:
    """Return at most so many rows, in their order, and how many in words; "" where that is all of them."""
    if len(dataset) <= most:
        return dataset, ""
    rows = np.sort(np.random.default_rng(seed).choice(len(dataset), most, replace=False)).astype(np.int64)
    return dataset.take(rows), f", measured on {most} of its {len(dataset)} rows"


def is_table(dataset: Dataset) -> bool:
    """Return whether the rows are numbers that are at hand: a matrix, no lazy column."""
    return dataset.kind is Kind.MATRIX and hasattr(dataset.keys[0], "shape")


def without_target(dataset: Dataset) -> bool:
    """Return whether a set has no target, or one that does not vary."""
    return dataset.target is None or len(dataset) < 2 or bool(np.ptp(dataset.target) == 0)


def folds(dataset: Dataset, seed: int, *, by_group: bool, count: int = FOLDS) -> Iterator[tuple[Index, Index]]:
    """Yield (rows to fit on, rows to score) of each fold; by row the classes are shared evenly.

    As many folds as the smallest class has rows where that is fewer; nothing where there are fewer groups than folds. A
    fold whose rows to fit on lack a class that the others have is left out.
    """
    from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold

    target, codes = np.asarray(dataset.target), group_codes(dataset.groups) if by_group else None
    fewest = np.unique(target, return_counts=True)[1].min() if dataset.classes else len(target)
    count = min(count, int(fewest))
    if count < 2 or (by_group and (codes is None or codes[1] < count)):
        return
    split: Any = GroupKFold if codes is not None else StratifiedKFold if dataset.classes else KFold
    groups = None if codes is None else codes[0]
    given = (np.zeros(len(target)), target, groups) if groups is not None else (np.zeros(len(target)), target)
    for fitted, held in split(count, shuffle=True, random_state=seed).split(*given):
        if not dataset.classes or len(np.unique(target[fitted])) == len(np.unique(target)):
            yield fitted.astype(np.int64), held.astype(np.int64)


def out_of_fold(dataset: Dataset, fit: Fit, seed: int, *, by_group: bool) -> tuple[Index, Floats] | None:
    """Return the rows that a fold scored, and their scores; None without folds."""
    parts = [(held, fit(fitted, held)) for fitted, held in folds(dataset, seed, by_group=by_group)]
    if not parts:
        return None
    rows = np.concatenate([held for held, _ in parts])
    order = np.argsort(rows, kind="stable")
    return rows[order], np.concatenate([score for _, score in parts])[order]


def as_scores(task: Task, probabilities: Floats) -> Floats:
    """Return probabilities of classes as `genotool.metrics.compute` takes them."""
    return probabilities[:, 1] if task is Task.BINARY else probabilities
