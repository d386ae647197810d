"""DeLong's test of two ROC curves on the same rows, with and without groups.

DeLong, DeLong and Clarke-Pearson (1988 Biometrics 44:837) give the variance of a difference of two ROC-AUCs from each
row's placement: the share of rows of the other class that it is ordered rightly against. Placements come from mid-ranks
(Sun and Xu 2014 IEEE Signal Process Lett 21:1389): n log n, not n². Rows of one gene, donor or locus are not
independent: where groups exist, placements are summed within each group (Obuchowski 1997 Biometrics 53:567); with
one row a group both are the same number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.dataset import Task
from genotool.statistics.intervals import group_codes, too_little

__all__ = ["DeLong", "delong", "delong_p", "placements"]

Floats: TypeAlias = NDArray[np.float64]

LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class DeLong:
    """Two ROC-AUCs on the same rows, and their difference.

    Attributes
    ----------
    difference, error
        The first area less the second, and its standard error.
    low, high, p
        The 95 % interval and the two-sided p-value of no difference, both from Student's t on groups - 1 degrees of
        freedom (rows - 1 without groups); None where `reason` says why not.
    groups
        Groups that the rows nest in; None where rows were taken as independent.
    """

    area_a: float
    area_b: float
    difference: float
    error: float | None
    low: float | None
    high: float | None
    p: float | None
    n: int
    groups: int | None
    reason: str = ""


def delong(
    target: NDArray[Any], score_a: NDArray[Any], score_b: NDArray[Any], groups: NDArray[np.str_] | None = None
) -> DeLong:
    """Compare the ROC-AUCs of two scores on the same rows.

    Parameters
    ----------
    target
        (n,) class codes; 1 is the positive class.
    score_a, score_b
        (n,) finite numbers; only their order counts.
    groups
        (n,) text; "" is a group of its own row. None: the rows are independent.

    Raises
    ------
    ValueError
        If the rows hold one class only.
    """
    from scipy.stats import t as student

    positive = np.asarray(target) == 1
    if positive.all() or not positive.any():
        raise ValueError("the rows hold one class only")
    clusters = group_codes(groups)
    codes, count = (np.arange(len(positive)), len(positive)) if clusters is None else clusters
    place_a, place_b = placements(positive, score_a), placements(positive, score_b)
    area_a, area_b = float(place_a[positive].mean()), float(place_b[positive].mean())
    shown = None if clusters is None else count
    if reason := too_little(Task.BINARY, positive.astype(np.int64), clusters):
        return DeLong(area_a, area_b, area_a - area_b, None, None, None, None, len(positive), shown, reason)
    difference = area_a - area_b
    error = float(np.sqrt(max(0.0, _variance(place_a - place_b, difference, positive, codes, count))))
    if error < 1e-12:
        same = abs(difference) < 1e-12
        p, reason = (1.0, "") if same else (None, "the placements do not vary")
        end = 0.0 if same else None
        return DeLong(area_a, area_b, difference, error, end, end, p, len(positive), shown, reason)
    half = float(student.ppf(1 - LEVEL / 2, count - 1)) * error
    p = float(2 * student.sf(abs(difference) / error, count - 1))
    return DeLong(area_a, area_b, difference, error, difference - half, difference + half, p, len(positive), shown)


def delong_p(
    task: Task, target: NDArray[Any], score_a: NDArray[Any], score_b: NDArray[Any], groups: NDArray[np.str_] | None
) -> float | None:
    """Return the p-value of `delong`; None also where there are no two ROC curves to compare."""
    if task is not Task.BINARY or len(np.unique(target)) < 2:
        return None
    return delong(target, score_a, score_b, groups).p


def placements(positive: NDArray[np.bool_], score: NDArray[Any]) -> Floats:
    """Return for each row the share of rows of the other class that it is ordered rightly against, ties one half.

    The mean over the positive rows, and over the negative rows, is the ROC-AUC.
    """
    from scipy.stats import rankdata

    score = np.asarray(score, np.float64)
    rank, hits = rankdata(score), int(positive.sum())
    placed = np.empty(len(score))
    placed[positive] = (rank[positive] - rankdata(score[positive])) / (len(score) - hits)
    placed[~positive] = 1 - (rank[~positive] - rankdata(score[~positive])) / hits
    return placed


def _variance(placed: Floats, area: float, positive: NDArray[np.bool_], codes: NDArray[np.int64], count: int) -> float:
    """Return Obuchowski's variance of an area (or a difference of areas) from its placements.

    S10 / M + S01 / N + 2 S11 / (M N): each S is over groups, of the summed deviations of a group's positive rows, its
    negative rows, and the product of both. Groups of one row make it DeLong's.
    """
    held = np.where(positive, placed - area, 0.0), np.where(positive, 0.0, placed - area)
    hits, misses = (np.bincount(codes, weights=part, minlength=count) for part in held)
    with_hits = len(np.unique(codes[positive]))
    with_misses = len(np.unique(codes[~positive]))
    m, n = int(positive.sum()), int((~positive).sum())
    if min(with_hits, with_misses) < 2:
        return 0.0
    # no scalar products: their sums depend on the number of threads
    own = with_hits / (with_hits - 1) * float((hits * hits).sum()) / m**2
    own += with_misses / (with_misses - 1) * float((misses * misses).sum()) / n**2
    return own + 2 * count / (count - 1) * float((hits * misses).sum()) / (m * n)
