"""McNemar: the binomial test over rows, every change of sign over groups, and false alarms on noise."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from genotool.statistics.mcnemar import mcnemar
from scipy.stats import binomtest


def noisy(seed: int, groups: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return a target and two classifiers that are right equally often, but on whole groups at a time."""
    rng = np.random.default_rng(seed)
    code = np.repeat(np.arange(groups), rng.integers(3, 12, groups))
    target = rng.integers(0, 2, len(code))
    labels = [np.where(rng.random(len(code)) < rng.beta(0.6, 0.4, groups)[code], target, 1 - target) for _ in range(2)]
    return target, *labels, code.astype(str)


def test_published_counts() -> None:
    """Agresti (Categorical Data Analysis, table 10.1): 150 and 86 disagree; the exact p-value by the binomial sum."""
    target = np.ones(1600, int)
    a, b = target.copy(), target.copy()
    b[:150], a[150:236] = 0, 0
    found = mcnemar(target, a, b)
    assert (found.only_a, found.only_b) == (150, 86)
    assert found.p == pytest.approx(3.716e-5, rel=1e-3)
    # as every row is a group of its own
    assert mcnemar(target, a, b, np.arange(1600).astype(str)).p == pytest.approx(found.p)


def test_groups_as_by_every_change_of_sign() -> None:
    rng = np.random.default_rng(4)
    code = np.repeat(np.arange(20), 6)
    target = rng.integers(0, 2, 120)
    a = np.where(rng.random(120) < 0.75, target, 1 - target)
    b = np.where(code < 12, a, np.where(rng.random(120) < 0.55, target, 1 - target))  # differ in eight groups
    surplus = np.bincount(code, weights=(a == target).astype(float) - (b == target))
    held = surplus[surplus != 0]
    sums = [abs(np.dot(signs, held)) for signs in itertools.product((-1, 1), repeat=len(held))]
    expected = np.mean(np.array(sums) >= abs(held.sum()))
    assert mcnemar(target, a, b, code.astype(str)).p == pytest.approx(expected)


def test_noise_differs_as_often_as_the_level_says_and_rows_as_such_far_more_often() -> None:
    sets = [noisy(seed) for seed in range(1000)]
    by_group = sum(mcnemar(*each).p < 0.05 for each in sets)
    by_row = sum(mcnemar(*each[:3]).p < 0.05 for each in sets)
    assert binomtest(by_group, len(sets), 0.05).pvalue > 0.001
    assert by_row > 3 * by_group


def test_few_groups_give_no_p_and_equal_decisions_do_not_differ() -> None:
    target, a, b, _ = noisy(0)
    few = (np.arange(len(target)) % 19).astype(str)
    assert mcnemar(target, a, b, few).p is None
    assert "19 groups are too few" in mcnemar(target, a, b, few).reason
    assert mcnemar(target, a, a).p == 1
    assert mcnemar(target, a, a, np.arange(len(target)).astype(str)).p == 1
