"""95 % intervals by bootstrap, resampled by group wherever groups exist, and paired differences of two
scores.

Rows of one gene, donor or locus are not independent: an interval over rows is too narrow. Where groups exist
whole
groups are drawn with replacement (the cluster bootstrap; Field and Welsh 2007, J R Stat Soc B 69:369).
Without
groups rows are drawn within their class, so that each draw has both. Fewer than 20 groups give no interval:
percentiles of so few are not trusted; values by group take their place.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.dataset import Task
from genotool.metrics import LOWER_IS_BETTER, NAMES, compute, missing
from genotool.statistics.weighted import metric_draws

__all__ = [
    "FEW_GROUPS",
    "Difference",
    "Estimate",
    "bootstrap",
    "difference_of",
    "group_codes",
    "multiplicities",
    "orders_nothing",
    "paired",
    "resamples",
    "too_few",
    "too_few_groups",
    "too_little",
    "values_by_group",
]

Floats: TypeAlias = NDArray[np.float64]

FEW_GROUPS = 20
FEW_EQUAL = 10
"""Groups of equal size that unequal ones must be worth (Kish's effective number): one may hold nearly all rows."""
FEW_ROWS = 20
FEW_OF_A_CLASS = 10
"""Of a class with so few rows a bootstrap draws the same few again: noise gets narrow intervals."""
DRAWS = 1000
CHUNK = 2_000_000
"""Weights held at once, so that memory does not grow with the number of draws."""
UNDEFINED_SHARE = 0.05
NEVER_NEGATIVE = ("ece",)
"""Metrics whose resamples are biased upwards, so that a plain percentile interval can miss the value itself."""
POWER = 1.959964 + 0.841621
"""Standard errors that a true difference must measure to be shown at the 5 % level four times in five."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric with its 95 % interval.

    Attributes
    ----------
    value, low, high
        None where the rows cannot give them; `reason` then says why.
    n
        Rows.
    groups
        Groups that were resampled; None where rows were.
    method
        How the interval was made, in words.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    groups: int | None
    method: str
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON holds them, the reason only where there is one."""
        fields = dataclasses.asdict(self)
        return fields if self.reason else {key: value for key, value in fields.items() if key != "reason"}


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much one score's metric is better than another's on the same rows; positive: the first is
    better.

    Attributes
    ----------
    p
        Two-sided bootstrap p-value of no difference.
    smallest_detectable
        The true difference that this test set would have shown (5 % level) four times in five.
    least_p
        The smallest p-value that so many draws can give: a `p` that equals it is a bound.
    """

    metric: str
    value: float | None
    low: float | None
    high: float | None
    p: float | None
    smallest_detectable: float | None
    n: int
    groups: int | None
    reason: str = ""
    least_p: float | None = None


def group_codes(groups: NDArray[np.str_] | None) -> tuple[NDArray[np.int64], int] | None:
    """Return a (n,) code a group and their number; a row without a group ("") is its own. None without
    groups.
    """
    if groups is None or not np.any(groups != ""):
        return None
    known, codes = np.unique(groups, return_inverse=True)
    codes = codes.astype(np.int64)
    alone = np.flatnonzero(groups == "")
    codes[alone] = len(known) + np.arange(len(alone))
    _, codes = np.unique(codes, return_inverse=True)
    return codes.astype(np.int64), int(codes.max()) + 1


def resamples(
    n: int, *, groups: NDArray[np.str_] | None, strata: NDArray[Any] | None, draws: int, seed: int
) -> Iterator[Floats]:
    """Yield (some, n) float64 multiplicities of rows, `draws` of them in all: the same for the same seed.

    Groups are drawn where there are any, else rows within each value of `strata`.
    """
    rng = np.random.default_rng(seed)
    clusters = group_codes(groups)
    some = max(1, CHUNK // max(n, 1))
    layers = [np.arange(n)] if strata is None else [np.flatnonzero(strata == value) for value in np.unique(strata)]
    for start in range(0, draws, some):
        count = min(some, draws - start)
        if clusters is not None:
            codes, total = clusters
            yield multiplicities(rng, count, total)[:, codes]
            continue
        weights = np.empty((count, n), np.float64)
        for rows in layers:
            weights[:, rows] = multiplicities(rng, count, len(rows))
        yield weights


def multiplicities(rng: np.random.Generator, draws: int, size: int) -> Floats:
    """Return (draws, size): how often each of `size` items is in a draw of `size` with replacement."""
    picked = rng.integers(0, size, (draws, size)) + np.arange(draws)[:, None] * size
    return np.bincount(picked.reshape(-1), minlength=draws * size).reshape(draws, size).astype(np.float64)


def bootstrap(
    task: Task | str,
    target: NDArray[Any],
    score: NDArray[Any],
    *,
    groups: NDArray[np.str_] | None = None,
    threshold: float = 0.5,
    draws: int = DRAWS,
    seed: int,
    raw: bool = False,
) -> dict[str, Estimate]:
    """Return every metric of the task with a 95 % percentile interval.

    Parameters
    ----------
    task, target, score, threshold, raw
        As in `genotool.metrics.compute`.
    groups
        (n,) text; rows of one group are drawn together. "" is a group of its own row.
    """
    task = Task(task)
    score, n = np.asarray(score, np.float64), len(target)
    values = compute(task, target, score, threshold=threshold, raw=raw)
    absent = missing(task, target, score, threshold=threshold, raw=raw)
    names = tuple(name for name, value in values.items() if value is not None)
    clusters = group_codes(groups)
    count = None if clusters is None else clusters[1]
    few = too_little(task, target, clusters)
    spread = {} if few or not names else _draws(task, names, target, score, groups, threshold, draws, seed)
    method = _method(count, task, draws)
    result = {}
    for name, value in values.items():
        drawn = spread.get(name)
        drawn = drawn if drawn is None else _centred(name, drawn, value)
        low, high, reason = _limits(drawn, absent.get(name, "") or few)
        result[name] = Estimate(value, low, high, n, count, method if low is not None else "no interval", reason)
    return result


def _method(count: int | None, task: Task, draws: int) -> str:
    how = f"{count} groups drawn" if count is not None else "rows drawn"
    how += " within class" if count is None and task is not Task.REGRESSION else ""
    return f"bootstrap, {how} {draws} times, percentiles 2.5 and 97.5"


def _draws(
    task: Task,
    names: tuple[str, ...],
    target: NDArray[Any],
    score: Floats,
    groups: NDArray[np.str_] | None,
    threshold: float,
    draws: int,
    seed: int,
) -> dict[str, Floats]:
    strata = None if task is Task.REGRESSION else target
    parts = [
        metric_draws(task, names, target, score, weights, threshold)
        for weights in resamples(len(target), groups=groups, strata=strata, draws=draws, seed=seed)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in names}


def _centred(name: str, spread: Floats, value: float | None) -> Floats:
    """Return the draws of a metric that is never negative, which lie above it, moved onto the value measured."""
    if name not in NEVER_NEGATIVE or value is None:
        return spread
    return np.maximum(spread + value - np.nanmedian(spread), 0.0)


def _limits(spread: Floats | None, absent: str) -> tuple[float | None, float | None, str]:
    if absent or spread is None:
        return None, None, absent
    held = spread[np.isfinite(spread)]
    if len(held) < (1 - UNDEFINED_SHARE) * len(spread):
        return None, None, "too many resamples could not give the metric"
    low, high = np.percentile(held, [2.5, 97.5])
    return float(low), float(high), ""


def too_few(groups: int) -> str:
    """Return in words that so few groups give no interval."""
    return f"{groups} group{' is' if groups == 1 else 's are'} too few for an interval (at least {FEW_GROUPS})"


def too_few_groups(clusters: tuple[NDArray[np.int64], int]) -> str:
    """Return in words why these groups, as `group_codes` gives them, carry no interval; "" where they do."""
    codes, count = clusters
    if count < FEW_GROUPS:
        return too_few(count)
    share = np.bincount(codes) / max(len(codes), 1)
    worth = 1.0 / float((share**2).sum())
    if worth >= FEW_EQUAL:
        return ""
    return (
        f"{count} groups so unequal that they are worth {worth:.1f} are too few for an interval (at least {FEW_EQUAL})"
    )


def too_little(task: Task | str, target: NDArray[Any], clusters: tuple[NDArray[np.int64], int] | None) -> str:
    """Return in words why these rows carry no interval: too few groups, rows, or rows of a class; "" where they do."""
    if clusters is not None and (few := too_few_groups(clusters)):
        return few
    if len(target) < FEW_ROWS:
        return f"{len(target)} rows are too few for an interval (at least {FEW_ROWS})"
    least = min(int(np.sum(target == 1)), int(np.sum(target != 1))) if Task(task) is Task.BINARY else FEW_OF_A_CLASS
    if 0 < least < FEW_OF_A_CLASS:
        said = f"{least} row{' of a class is' if least == 1 else 's of a class are'} too few for an interval"
        return f"{said} (at least {FEW_OF_A_CLASS})"
    return ""


def values_by_group(
    task: Task | str,
    target: NDArray[Any],
    score: NDArray[Any],
    groups: NDArray[np.str_],
    *,
    threshold: float = 0.5,
    raw: bool = False,
) -> dict[str, dict[str, float | None]]:
    """Return every metric for each group on its own (rows without a group left out), and its ``n``."""
    result: dict[str, dict[str, float | None]] = {}
    for name in sorted(set(groups.tolist()) - {""}):
        rows = np.flatnonzero(groups == name)
        result[name] = {
            "n": len(rows),
            **compute(task, target[rows], score[rows], threshold=threshold, raw=raw),
        }
    return result


def paired(
    task: Task | str,
    target: NDArray[Any],
    score_a: NDArray[Any],
    score_b: NDArray[Any],
    metric: str,
    groups: NDArray[np.str_] | None = None,
    *,
    thresholds: tuple[float, float] = (0.5, 0.5),
    draws: int = 2 * DRAWS,
    seed: int,
) -> Difference:
    """Return how much better score A is than score B on the same rows, both resampled together.

    The sign is turned for metrics where less is better. A constant score orders nothing: its correlation
    with the
    target counts as 0 here, as its ROC-AUC is one half.

    Raises
    ------
    ValueError
        If the task has no such metric.
    """
    task = Task(task)
    if metric not in NAMES[task]:
        raise ValueError(f"{task} has no metric {metric!r}")
    scores = (np.asarray(score_a, np.float64), np.asarray(score_b, np.float64))
    clusters, n = group_codes(groups), len(target)
    count = None if clusters is None else clusters[1]
    points = [_point(task, target, s, metric, t) for s, t in zip(scores, thresholds, strict=True)]
    if any(isinstance(point, str) for point in points):
        reason = next(point for point in points if isinstance(point, str))
        return Difference(metric, None, None, None, None, None, n, count, reason)
    sign = -1.0 if metric in LOWER_IS_BETTER else 1.0
    value = sign * (float(points[0]) - float(points[1]))
    if few := too_little(task, target, clusters):
        said = "too few groups" if count is not None and count < FEW_GROUPS else few
        return Difference(metric, value, None, None, None, None, n, count, said)
    a, b = (_spread(task, target, s, metric, groups, t, draws, seed) for s, t in zip(scores, thresholds, strict=True))
    return difference_of(metric, value, sign * (a - b), n, count)


def _point(task: Task, target: NDArray[Any], score: Floats, metric: str, threshold: float) -> float | str:
    if orders_nothing(score, metric):
        return 0.0
    value = compute(task, target, score, threshold=threshold)[metric]
    return value if value is not None else missing(task, target, score, threshold=threshold)[metric]


def orders_nothing(score: Floats, metric: str) -> bool:
    """Return whether a correlation has nothing to go by: the score is constant, and the metric counts as 0."""
    return metric in {"spearman", "pearson"} and bool(np.ptp(score) == 0)


def _spread(
    task: Task,
    target: NDArray[Any],
    score: Floats,
    metric: str,
    groups: NDArray[np.str_] | None,
    threshold: float,
    draws: int,
    seed: int,
) -> Floats:
    if orders_nothing(score, metric):
        return np.zeros(draws)
    return _draws(task, (metric,), target, score, groups, threshold, draws, seed)[metric]


def difference_of(metric: str, value: float, spread: Floats, n: int, count: int | None) -> Difference:
    """Return a measured difference with the interval and the p-value that (draws,) resampled differences give."""
    low, high, reason = _limits(spread, "")
    if reason:
        return Difference(metric, value, None, None, None, None, n, count, reason)
    held = spread[np.isfinite(spread)]
    beyond = min(int((held <= 0).sum()), int((held >= 0).sum()))
    p, least = (min(1.0, 2 * (number + 1) / (len(held) + 1)) for number in (beyond, 0))
    return Difference(metric, value, low, high, p, POWER * float(held.std(ddof=1)), n, count, least_p=least)
