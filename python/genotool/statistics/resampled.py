"""The corrected resampled t-test: two models over repeats of a split or folds of a cross-validation.

The repeats share training rows, so their differences are correlated and the plain paired t-test finds differences that
are not there. Nadeau and Bengio (2003 Machine Learning 52:239) widen the variance of the mean from s²/n to
(1/n + test rows / training rows) s²; Bouckaert and Frank (2004 PAKDD) recommend it for repeated cross-validation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ResampledT", "corrected_t"]

LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class ResampledT:
    """The mean difference over repeats, its 95 % interval and the two-sided p-value of no difference.

    Attributes
    ----------
    low, high, t, p
        None where the repeats cannot give them: fewer than two, or differences that do not vary.
    n
        Repeats.
    """

    mean: float
    low: float | None
    high: float | None
    t: float | None
    p: float | None
    n: int


def corrected_t(differences: NDArray[np.float64], *, train_rows: int, test_rows: int) -> ResampledT:
    """Return the corrected resampled t-test of the mean difference.

    Parameters
    ----------
    differences
        (n,) the metric of one model less that of another in each repeat or fold, on the same test rows.
    train_rows, test_rows
        Rows of a repeat's training and test part; where the repeats differ, their means. Where whole groups are
        split, groups may be counted in place of rows: only the ratio matters.

    Raises
    ------
    ValueError
        If there is no difference, one is not finite, or a part has no rows.
    """
    from scipy.stats import t as student

    differences = np.asarray(differences, np.float64)
    if differences.ndim != 1 or not len(differences) or not np.isfinite(differences).all():
        raise ValueError("differences must be one or more finite numbers")
    if train_rows < 1 or test_rows < 1:
        raise ValueError(f"a repeat needs training and test rows, not {train_rows} and {test_rows}")
    n, mean = len(differences), float(differences.mean())
    if n < 2 or np.ptp(differences) == 0:
        return ResampledT(mean, None, None, None, None, n)
    error = float(np.sqrt((1 / n + test_rows / train_rows) * differences.var(ddof=1)))
    half = float(student.ppf(1 - LEVEL / 2, n - 1)) * error
    statistic = mean / error
    return ResampledT(mean, mean - half, mean + half, statistic, float(2 * student.sf(abs(statistic), n - 1)), n)
