"""Metrics of a score against a target, each a number or None with a reason; confusion matrix and curves.

scikit-learn and scipy compute them. A metric that the rows cannot give (one class only, a constant score, a
raw
score where a probability is needed) is None, and `missing` says why: never NaN, never a default that looks
real.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.dataset import Task
from genotool.errors import InputError

__all__ = ["HEADLINE", "LOWER_IS_BETTER", "NAMES", "SCALE_FREE", "TITLES", "compute", "curves", "decide", "missing"]

Floats: TypeAlias = NDArray[np.float64]

NAMES: Mapping[Task, tuple[str, ...]] = {
    Task.BINARY: ("roc_auc", "pr_auc", "accuracy", "precision", "recall", "f1", "mcc", "brier", "ece"),
    Task.MULTICLASS: ("roc_auc", "accuracy", "precision", "recall", "f1", "mcc", "brier", "ece"),
    Task.REGRESSION: ("spearman", "pearson", "mae", "r2"),
}
"""The keys of `metrics.json` by task, in the order of a table. For many classes all but accuracy, mcc, brier and ece
are macro; brier is the sum over classes (Brier 1950: 0 to 2), ece that of the class that is predicted (Guo 2017 ICML).
"""

TITLES: Mapping[str, str] = {
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "mcc": "Matthews correlation",
    "brier": "Brier score",
    "ece": "calibration error",
    "spearman": "Spearman correlation",
    "pearson": "Pearson correlation",
    "mae": "mean absolute error",
    "r2": "R²",
}
"""What each metric is called in sentences and tables; the keys stay in files."""

HEADLINE: Mapping[Task, str] = {
    Task.BINARY: "roc_auc",
    Task.MULTICLASS: "f1",
    Task.REGRESSION: "spearman",
}
"""The metric on which a verdict stands."""

LOWER_IS_BETTER = frozenset({"brier", "ece", "mae"})

SCALE_FREE = frozenset({"roc_auc", "pr_auc", "spearman", "pearson"})
"""Metrics of an ordering: the only ones that a raw score, on another scale than the target, can have."""

ECE_BINS = 10


def compute(
    task: Task | str,
    target: NDArray[Any],
    score: NDArray[Any],
    *,
    threshold: float = 0.5,
    classes: tuple[str, ...] = (),
    raw: bool = False,
) -> dict[str, float | None]:
    """Return every metric of the task.

    Parameters
    ----------
    task
        What the target is.
    target
        (n,) class codes, or numbers.
    score
        (n,) probability of class 1 (binary), (n, classes) probabilities (multiclass), (n,) numbers
        (regression).
    threshold
        A binary row is class 1 where its score is at least this.
    classes
        The names of the class codes; only their count matters here.
    raw
        The score is on another scale than the target: a regression model's output for a class, or a
        probability
        for a number. Then only the metrics of `SCALE_FREE` have a value.

    Raises
    ------
    InputError
        If shapes differ or a value is not finite.
    """
    task = Task(task)
    target, score = _checked(task, target, score)
    absent = missing(task, target, score, threshold=threshold, raw=raw)
    wanted = [name for name in NAMES[task] if name not in absent]
    if task is Task.REGRESSION:
        values = _regression(target, score, wanted)
    elif task is Task.BINARY:
        values = _binary(target, score, threshold, wanted)
    else:
        values = _multiclass(target, score, max(len(classes), score.shape[1]), wanted)
    return {name: values.get(name) for name in NAMES[task]}


def _checked(task: Task, target: NDArray[Any], score: NDArray[Any]) -> tuple[NDArray[Any], Floats]:
    target, score = np.asarray(target), np.asarray(score, dtype=np.float64)
    shape = (len(target),) if task is not Task.MULTICLASS else (len(target), *score.shape[1:2])
    if score.shape != shape or (task is Task.MULTICLASS and score.ndim != 2):
        raise InputError(f"a {task} score of {len(target)} rows cannot have the shape {score.shape}")
    for name, values in (("score", score), ("target", target.astype(np.float64))):
        wrong = np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1))
        if len(wrong):
            row = int(wrong[0])
            raise InputError(f"the {name} is not a finite number", row=row + 1, value=values[row].tolist())
    return (target.astype(np.float64) if task is Task.REGRESSION else target.astype(np.int64)), score


def missing(
    task: Task | str, target: NDArray[Any], score: NDArray[Any], *, threshold: float = 0.5, raw: bool = False
) -> dict[str, str]:
    """Return the metrics that these rows cannot give, each with the reason."""
    task = Task(task)
    names = NAMES[task]
    if len(target) < 2:
        return dict.fromkeys(names, f"{len(target)} rows")
    absent: dict[str, str] = {}
    if raw:
        absent |= {name: "the score is on another scale than the target" for name in names if name not in SCALE_FREE}
    if task is Task.REGRESSION:
        absent |= _missing_correlations(target, score)
    elif len(np.unique(target)) < 2:
        ranking = {"roc_auc", "pr_auc", "mcc"} | ({"precision", "recall", "f1"} if not np.any(target == 1) else set())
        absent |= {name: "the rows hold one class only" for name in names if name in ranking}
    if task is Task.BINARY and not np.any(np.asarray(score) >= threshold):
        absent.setdefault("precision", "no row is predicted positive")
    return absent


def _missing_correlations(target: NDArray[Any], score: NDArray[Any]) -> dict[str, str]:
    correlations = ("spearman", "pearson")
    if np.ptp(target) == 0:
        return dict.fromkeys((*correlations, "r2"), "the target is constant")
    if np.ptp(score) == 0:
        return dict.fromkeys(correlations, "the score is constant")
    return {}


def decide(task: Task | str, score: NDArray[Any], threshold: float = 0.5) -> NDArray[np.int64]:
    """Return the (n,) predicted class codes of a score."""
    if Task(task) is Task.MULTICLASS:
        return np.asarray(np.argmax(score, axis=1), dtype=np.int64)
    return np.asarray(np.asarray(score) >= threshold, dtype=np.int64)


def _binary(target: NDArray[Any], score: Floats, threshold: float, wanted: list[str]) -> dict[str, float]:
    from sklearn import metrics as sk

    label = decide(Task.BINARY, score, threshold)
    table: dict[str, Callable[[], Any]] = {
        "roc_auc": lambda: sk.roc_auc_score(target, score),
        "pr_auc": lambda: sk.average_precision_score(target, score),
        "accuracy": lambda: sk.accuracy_score(target, label),
        "precision": lambda: sk.precision_score(target, label),
        "recall": lambda: sk.recall_score(target, label),
        "f1": lambda: sk.f1_score(target, label),
        "mcc": lambda: sk.matthews_corrcoef(target, label),
        "brier": lambda: np.mean(brier_of(Task.BINARY, target, score)),
        "ece": lambda: _ece(Task.BINARY, target, score),
    }
    return {name: float(table[name]()) for name in wanted}


def bin_of(score: Floats) -> NDArray[np.int64]:
    """Return the (n,) calibration bin of each probability: ten of equal width."""
    return np.clip((score * ECE_BINS).astype(np.int64), 0, ECE_BINS - 1)


def brier_of(task: Task, target: NDArray[Any], score: Floats) -> Floats:
    """Return the (n,) squared distance of each row's probabilities to its class, summed over many classes."""
    if task is Task.BINARY:
        return np.asarray((score - target) ** 2, np.float64)
    return np.asarray((score**2).sum(axis=1) + 1 - 2 * score[np.arange(len(score)), target], np.float64)


def confidence(task: Task, target: NDArray[Any], score: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the (n,) probabilities that calibration is about, and whether what they are of came true.

    Binary: of class 1. Multiclass: of the class that is predicted.
    """
    if task is Task.BINARY:
        return score, np.asarray(target == 1)
    top = score.argmax(axis=1)
    return score[np.arange(len(score)), top], np.asarray(target == top)


def _ece(task: Task, target: NDArray[Any], score: Floats) -> float:
    """Expected calibration error, ten bins of equal width (Naeini 2015 AAAI)."""
    sure, true = confidence(task, target, score)
    gap = np.bincount(bin_of(sure), weights=sure - true, minlength=ECE_BINS)
    return float(np.abs(gap).sum() / len(target))


def _multiclass(target: NDArray[Any], score: Floats, count: int, wanted: list[str]) -> dict[str, float]:
    from sklearn import metrics as sk

    label = decide(Task.MULTICLASS, score)
    present = [code for code in range(count) if np.any(target == code)]
    macro: dict[str, Any] = {"labels": present, "average": "macro", "zero_division": 0.0}
    table: dict[str, Callable[[], Any]] = {
        "roc_auc": lambda: np.mean([sk.roc_auc_score(target == code, score[:, code]) for code in present]),
        "accuracy": lambda: sk.accuracy_score(target, label),
        "precision": lambda: sk.precision_score(target, label, **macro),
        "recall": lambda: sk.recall_score(target, label, **macro),
        "f1": lambda: sk.f1_score(target, label, **macro),
        "mcc": lambda: sk.matthews_corrcoef(target, label),
        "brier": lambda: np.mean(brier_of(Task.MULTICLASS, target, score)),
        "ece": lambda: _ece(Task.MULTICLASS, target, score),
    }
    return {name: float(table[name]()) for name in wanted}


def _regression(target: Floats, score: Floats, wanted: list[str]) -> dict[str, float]:
    from scipy import stats
    from sklearn import metrics as sk

    table: dict[str, Callable[[], Any]] = {
        "spearman": lambda: stats.spearmanr(target, score).statistic,
        "pearson": lambda: stats.pearsonr(target, score).statistic,
        "mae": lambda: sk.mean_absolute_error(target, score),
        "r2": lambda: sk.r2_score(target, score),
    }
    return {name: float(table[name]()) for name in wanted}


def curves(
    task: Task | str, target: NDArray[Any], score: NDArray[Any], *, threshold: float = 0.5, raw: bool = False
) -> dict[str, NDArray[Any]]:
    """Return what a report draws of a classification, as arrays by name; empty for a regression.

    Unless `raw`: ``confusion`` (classes, classes) with the true class down, and ``calibration_score calibration_rate
    calibration_n`` of the bins of `confidence` that hold rows, ``calibration_bin`` the lower ends of those. Binary
    also: ``roc_fpr roc_tpr pr_recall pr_precision``; a set of one class has none of these.
    """
    from sklearn import metrics as sk

    task = Task(task)
    target, score = _checked(task, target, score)
    found: dict[str, NDArray[Any]] = {}
    if task is Task.REGRESSION or not len(target):
        return found
    if not raw:
        count = 2 if task is Task.BINARY else score.shape[1]
        found["confusion"] = sk.confusion_matrix(target, decide(task, score, threshold), labels=range(count))
        found |= _calibration(*confidence(task, target, score))
    if task is Task.BINARY and len(np.unique(target)) == 2:
        found["roc_fpr"], found["roc_tpr"], _ = sk.roc_curve(target, score)
        found["pr_precision"], found["pr_recall"], _ = sk.precision_recall_curve(target, score)
    return found


def _calibration(sure: Floats, true: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    count = np.bincount(bin_of(sure), minlength=ECE_BINS)
    held = np.flatnonzero(count)
    mean, rate = (np.bincount(bin_of(sure), weights=of, minlength=ECE_BINS)[held] / count[held] for of in (sure, true))
    return {
        "calibration_score": mean,
        "calibration_rate": rate,
        "calibration_n": count[held],
        "calibration_bin": held / ECE_BINS,
    }
