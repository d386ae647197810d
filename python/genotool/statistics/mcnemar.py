"""McNemar's exact test: which of two classifiers is right where the other is wrong?

Over independent rows the rows that only one of the two gets right are counted, and the p-value is binomial (McNemar
1947 Psychometrika 12:153; exact form). Rows of one group are not independent: where groups exist, each group's surplus
of rows that only the first gets right keeps or changes its sign as a whole, every group by itself. The distribution of
the sum over all such changes is worked out exactly; with one row a group it is the binomial one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.statistics.intervals import group_codes, too_few_groups

__all__ = ["McNemar", "mcnemar"]

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class McNemar:
    """Two classifiers' decisions on the same rows.

    Attributes
    ----------
    only_a, only_b
        Rows that only the first, only the second gets right.
    p
        Two-sided p-value of no difference; None where `reason` says why not.
    groups
        Groups whose signs were changed; None where rows were taken as independent.
    """

    only_a: int
    only_b: int
    p: float | None
    n: int
    groups: int | None
    reason: str = ""


def mcnemar(
    target: NDArray[Any], label_a: NDArray[Any], label_b: NDArray[Any], groups: NDArray[np.str_] | None = None
) -> McNemar:
    """Compare two classifiers' decided classes.

    Parameters
    ----------
    target, label_a, label_b
        (n,) class codes.
    groups
        (n,) text; "" is a group of its own row. None: the rows are independent.
    """
    target = np.asarray(target)
    right_a, right_b = np.asarray(label_a) == target, np.asarray(label_b) == target
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    clusters = group_codes(groups)
    if clusters is None:
        return McNemar(only_a, only_b, _binomial(only_a, only_b), len(target), None)
    codes, count = clusters
    if few := too_few_groups(clusters):
        return McNemar(only_a, only_b, None, len(target), count, few)
    surplus = np.bincount(codes, weights=right_a.astype(np.float64) - right_b, minlength=count)
    return McNemar(only_a, only_b, _signs(np.rint(surplus).astype(np.int64)), len(target), count)


def _binomial(only_a: int, only_b: int) -> float:
    from scipy.stats import binomtest

    return float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0


def _signs(surplus: NDArray[np.int64]) -> float:
    """Return how often random signs of the surpluses make a sum at least as far from 0 as the one observed.

    The sum is reach - 2 (what the minus signs take away). Groups of one size are taken together, so that only as many
    distributions are convolved as there are sizes.
    """
    from scipy.stats import binom

    sizes, times = np.unique(np.abs(surplus[surplus != 0]), return_counts=True)
    taken = np.ones(1)
    for size, many in zip(sizes.tolist(), times.tolist(), strict=True):
        spread = np.zeros(size * many + 1)
        spread[::size] = binom.pmf(np.arange(many + 1), many, 0.5)
        taken = np.convolve(taken, spread)
    reach = len(taken) - 1
    sums = reach - 2 * np.arange(reach + 1)
    return min(1.0, float(taken[np.abs(sums) >= abs(int(surplus.sum()))].sum()))
