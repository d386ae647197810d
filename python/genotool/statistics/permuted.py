"""Paired permutation test of a metric: the two scores of whole groups of rows change places.

If two models are exchangeable, which of them gave which score means nothing: a group's scores may be swapped. The
difference of the metric is compared with what random swaps give (Pitman 1937; of ROC curves Venkatraman and Begg 1996
Biometrika 83:835, who swap ranks within a model, so that two scales can meet: done here for every metric of an order).
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.dataset import Task
from genotool.metrics import SCALE_FREE
from genotool.statistics.intervals import FEW_ROWS, group_codes, too_few_groups
from genotool.statistics.weighted import metric_draws

__all__ = ["DRAWS", "permutation_p"]

Floats: TypeAlias = NDArray[np.float64]

DRAWS = 999
CHUNK = 2_000_000
"""Weights held at once."""
SAME = 1e-12
"""Two differences this near are one: sums in another order differ in their last bits."""


def permutation_p(
    task: Task | str,
    target: NDArray[Any],
    score_a: NDArray[Any],
    score_b: NDArray[Any],
    metric: str,
    groups: NDArray[np.str_] | None = None,
    *,
    draws: int = DRAWS,
    seed: int,
) -> float | None:
    """Return the two-sided p-value of no difference, the observed arrangement counted as one of the draws.

    None where fewer than 20 groups are there to swap, or the rows cannot give the metric.

    Parameters
    ----------
    task, target, score_a, score_b
        As in `genotool.statistics.intervals.paired`.
    groups
        (n,) text; rows of one group are swapped together. None: each row by itself.
    """
    task = Task(task)
    clusters = group_codes(groups)
    codes, count = (np.arange(len(target)), len(target)) if clusters is None else clusters
    if (clusters and too_few_groups(clusters)) or count < FEW_ROWS or np.ptp(target) == 0:
        return None
    scores = [_on_one_scale(np.asarray(score, np.float64), metric) for score in (score_a, score_b)]
    observed = _difference(task, target, scores, metric, np.zeros((1, len(target))))
    rng, beyond = np.random.default_rng(seed), 0
    step = max(1, CHUNK // (2 * len(target)))
    for start in range(0, draws, step):
        swapped = rng.integers(0, 2, (min(step, draws - start), count))[:, codes].astype(np.float64)
        drawn = _difference(task, target, scores, metric, swapped)
        beyond += int((np.abs(drawn) >= abs(observed[0]) - SAME).sum())
    return (beyond + 1) / (draws + 1)


def _on_one_scale(score: Floats, metric: str) -> Floats:
    from scipy.stats import rankdata

    if metric not in SCALE_FREE or metric == "pearson":
        return score
    return np.asarray(rankdata(score, axis=0), np.float64)


def _difference(
    task: Task, target: NDArray[Any], scores: list[Floats], metric: str, swapped: NDArray[np.float64]
) -> Floats:
    """Return the (draws,) differences: both scores of every row stand below each other, one of each has weight one."""
    both, twice = np.concatenate(scores), np.concatenate([target, target])
    weights = np.concatenate([1 - swapped, swapped], axis=1)
    first, second = (metric_draws(task, (metric,), twice, both, each)[metric] for each in (weights, 1 - weights))
    if metric in {"spearman", "pearson"}:  # a constant score orders nothing: its correlation counts as 0
        first, second = np.nan_to_num(first), np.nan_to_num(second)
    return first - second
