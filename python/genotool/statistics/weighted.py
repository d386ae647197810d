"""Every metric for many resamples at once: rows carry multiplicities instead of being copied.

A bootstrap draw is a row of whole-number weights, so a thousand draws of ROC-AUC or Spearman cost one sort
and a few
cumulative sums. Each function takes ``weights`` (draws, n) and returns (draws,) values, NaN where a draw
cannot give
the metric. With weights of one they equal scikit-learn and scipy (`genotool.metrics`), which the tests check.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.dataset import Task
from genotool.metrics import ECE_BINS, NAMES, SCALE_FREE, bin_of, brier_of, confidence, decide

__all__ = ["average_precision", "metric_draws", "pearson", "roc_auc", "spearman"]

Floats: TypeAlias = NDArray[np.float64]


def metric_draws(
    task: Task,
    names: tuple[str, ...],
    target: NDArray[Any],
    score: Floats,
    weights: Floats,
    threshold: float = 0.5,
) -> dict[str, Floats]:
    """Return the named metrics of every draw.

    Parameters
    ----------
    task, names
        The task and which of its metrics (`genotool.metrics.NAMES`).
    target, score
        As in `genotool.metrics.compute`.
    weights
        (draws, n) float64 multiplicities.
    """
    wanted = [name for name in NAMES[task] if name in names]
    with np.errstate(divide="ignore", invalid="ignore"):
        if task is Task.REGRESSION:
            return {name: _REGRESSION[name](target, score, weights) for name in wanted}
        ranked = {name: _ranking(name, task, target, score, weights) for name in wanted if name in SCALE_FREE}
        decided = _decisions(task, target, score, weights, threshold) if set(wanted) - SCALE_FREE else {}
        return {name: ranked[name] if name in ranked else decided[name] for name in wanted}


def _ranking(name: str, task: Task, target: NDArray[Any], score: Floats, weights: Floats) -> Floats:
    measure = roc_auc if name == "roc_auc" else average_precision
    if task is Task.BINARY:
        return measure(target == 1, score, weights)
    each = [
        roc_auc(target == code, score[:, code], weights) for code in range(score.shape[1]) if np.any(target == code)
    ]
    return _mean_of_defined(np.array(each))


def _mean_of_defined(values: Floats) -> Floats:
    """Mean over axis 0 of what is not NaN: a class that a draw lacks does not count in its macro mean."""
    held = ~np.isnan(values)
    mean: Floats = np.where(held, values, 0.0).sum(axis=0) / held.sum(axis=0)
    return mean


def _blocks(score: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the order of the scores, ascending, and where each run of equal scores starts in it."""
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    return order, starts


def roc_auc(positive: NDArray[np.bool_], score: Floats, weights: Floats) -> Floats:
    """Return the (draws,) ROC-AUC: the chance that a positive scores above a negative, ties one half."""
    order, starts = _blocks(score)
    ordered = weights[:, order]
    hits = np.add.reduceat(ordered * positive[order], starts, axis=1)
    misses = np.add.reduceat(ordered, starts, axis=1) - hits
    below = np.cumsum(misses, axis=1) - misses
    wins = (hits * (below + 0.5 * misses)).sum(axis=1)
    value: Floats = wins / (hits.sum(axis=1) * misses.sum(axis=1))
    return value


def average_precision(positive: NDArray[np.bool_], score: Floats, weights: Floats) -> Floats:
    """Return the (draws,) average precision: the step-wise area under the precision-recall curve."""
    order, starts = _blocks(-score)
    ordered = weights[:, order]
    hits = np.add.reduceat(ordered * positive[order], starts, axis=1)
    taken = np.cumsum(np.add.reduceat(ordered, starts, axis=1), axis=1)
    precision = np.divide(np.cumsum(hits, axis=1), taken, out=np.zeros_like(taken), where=taken > 0)
    value: Floats = (hits * precision).sum(axis=1) / hits.sum(axis=1)
    return value


def _ranks(values: Floats, weights: Floats) -> Floats:
    """Return the (draws, n) mid-ranks that each row would have among the copied rows."""
    order, starts = _blocks(values)
    held = np.add.reduceat(weights[:, order], starts, axis=1)
    middle = np.cumsum(held, axis=1) - 0.5 * held + 0.5
    block_of = np.empty(len(values), np.int64)
    block_of[order] = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(values))))
    return middle[:, block_of]


def spearman(target: Floats, score: Floats, weights: Floats) -> Floats:
    """Return the (draws,) Spearman correlation, mid-ranks for ties."""
    return _correlation(_ranks(target, weights), _ranks(score, weights), weights)


def pearson(target: Floats, score: Floats, weights: Floats) -> Floats:
    """Return the (draws,) Pearson correlation."""
    return _correlation(target[None, :], score[None, :], weights)


def _correlation(a: Floats, b: Floats, weights: Floats) -> Floats:
    total = weights.sum(axis=1, keepdims=True)
    a = a - (weights * a).sum(axis=1, keepdims=True) / total
    b = b - (weights * b).sum(axis=1, keepdims=True) / total
    spread = np.sqrt((weights * a * a).sum(axis=1) * (weights * b * b).sum(axis=1))
    value: Floats = np.where(spread > 1e-12, (weights * a * b).sum(axis=1) / spread, np.nan)
    return value


def _mae(target: Floats, score: Floats, weights: Floats) -> Floats:
    value: Floats = weights @ np.abs(target - score) / weights.sum(axis=1)
    return value


def _r2(target: Floats, score: Floats, weights: Floats) -> Floats:
    centred = target[None, :] - (weights @ target / weights.sum(axis=1))[:, None]
    value: Floats = 1.0 - (weights @ (target - score) ** 2) / (weights * centred**2).sum(axis=1)
    return np.where(np.isfinite(value), value, np.nan)


_REGRESSION = {"spearman": spearman, "pearson": pearson, "mae": _mae, "r2": _r2}


def _decisions(task: Task, target: NDArray[Any], score: Floats, weights: Floats, threshold: float) -> dict[str, Floats]:
    """Return the metrics that stand on the confusion matrix, and Brier and ECE."""
    count = 2 if task is Task.BINARY else score.shape[1]
    matrix = _confusion(target, decide(task, score, threshold), count, weights)
    hits = np.diagonal(matrix, axis1=1, axis2=2)
    actual, predicted, total = matrix.sum(axis=2), matrix.sum(axis=1), matrix.sum(axis=(1, 2))
    by_class = {"precision": hits / predicted, "recall": hits / actual, "f1": 2 * hits / (actual + predicted)}
    result = {"accuracy": hits.sum(axis=1) / total, "mcc": _mcc(hits, actual, predicted, total)}
    result |= _calibrated(task, target, score, weights)
    if task is Task.MULTICLASS:
        return result | {name: _macro(values, actual) for name, values in by_class.items()}
    undefined = actual[:, 1] == 0
    return result | {name: np.where(undefined, np.nan, values[:, 1]) for name, values in by_class.items()}


def _confusion(target: NDArray[Any], label: NDArray[np.int64], count: int, weights: Floats) -> Floats:
    from scipy.sparse import csr_array

    rows = np.arange(len(target))
    cell = csr_array((np.ones(len(target)), (rows, target * count + label)), shape=(len(target), count * count))
    matrix: Floats = np.asarray((cell.T @ weights.T).T).reshape(-1, count, count)
    return matrix


def _mcc(hits: Floats, actual: Floats, predicted: Floats, total: Floats) -> Floats:
    """Matthews correlation for any number of classes (Gorodkin 2004); 0 where one class only is predicted."""
    covariance = hits.sum(axis=1) * total - (actual * predicted).sum(axis=1)
    of_target = total**2 - (actual**2).sum(axis=1)
    of_label = total**2 - (predicted**2).sum(axis=1)
    value = np.where(of_label > 0, covariance / np.sqrt(of_target * of_label), 0.0)
    return np.where(of_target > 0, value, np.nan)


def _macro(values: Floats, actual: Floats) -> Floats:
    held = actual > 0
    mean: Floats = np.where(held, np.nan_to_num(values), 0.0).sum(axis=1) / held.sum(axis=1)
    return mean


def _calibrated(task: Task, target: NDArray[Any], score: Floats, weights: Floats) -> dict[str, Floats]:
    total = weights.sum(axis=1)
    sure, true = confidence(task, target, score)
    bins, gap = bin_of(sure), sure - true
    in_bin = np.stack([weights[:, bins == number] @ gap[bins == number] for number in range(ECE_BINS)], axis=1)
    brier: Floats = weights @ brier_of(task, target, score) / total
    return {"brier": brier, "ece": np.abs(in_bin).sum(axis=1) / total}
