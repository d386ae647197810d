"""The permutation test: every swap by brute force, noise, and the same p for the same seed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from genotool.statistics.permuted import permutation_p
from scipy.stats import binomtest, rankdata
from sklearn.metrics import f1_score, roc_auc_score


def grouped(seed: int, gain: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return target, two scores and 40 groups; by `gain` the first score is the better one."""
    rng = np.random.default_rng(seed)
    code = np.repeat(np.arange(40), rng.integers(2, 12, 40))
    target = (rng.random(len(code)) < rng.beta(1, 1, 40)[code]).astype(int)
    a, b = (rng.normal(size=40)[code] + rng.normal(size=len(code)) + target for _ in range(2))
    return target, a + gain * target, b, code.astype(str)


def test_ranks_of_whole_groups_are_swapped() -> None:
    """Twenty groups of which only eight differ: every swap can be tried."""
    rng = np.random.default_rng(8)
    code = np.repeat(np.arange(20), 3)
    target = rng.integers(0, 2, 60)
    a = rng.permutation(60).astype(float)
    b = a.copy()
    b[:24] = rng.permutation(b[:24])  # ranks are whole numbers in both
    observed = abs(roc_auc_score(target, a) - roc_auc_score(target, b))
    beyond = []
    for swap in itertools.product((False, True), repeat=8):
        row = np.concatenate([swap, np.zeros(12, bool)])[code]
        one, other = np.where(row, b, a), np.where(row, a, b)
        beyond.append(abs(roc_auc_score(target, one) - roc_auc_score(target, other)) >= observed - 1e-12)
    found = permutation_p("binary", target, a, np.exp(b / 10), "roc_auc", code.astype(str), draws=4000, seed=0)
    assert found == pytest.approx(np.mean(beyond), abs=0.03)
    assert rankdata(a).tolist() == (a + 1).tolist()


def test_noise_differs_as_often_as_the_level_says_and_a_gain_is_found() -> None:
    sets = 200
    alarms = []
    for seed in range(sets):
        target, a, b, groups = grouped(seed)
        alarms.append(permutation_p("binary", target, a, b, "roc_auc", groups, draws=199, seed=seed) < 0.05)
    assert binomtest(sum(alarms), sets, 0.05).pvalue > 0.01
    target, a, b, groups = grouped(0, gain=2)
    assert permutation_p("binary", target, a, b, "roc_auc", groups, seed=0) < 0.01


def test_decided_classes_of_many_are_swapped_too() -> None:
    rng = np.random.default_rng(0)
    target = rng.integers(0, 3, 150)
    good = np.eye(3)[target] + rng.random((150, 3))
    poor = rng.random((150, 3))
    assert f1_score(target, good.argmax(1), average="macro") > f1_score(target, poor.argmax(1), average="macro")
    assert permutation_p("multiclass", target, good, poor, "f1", draws=199, seed=0) == pytest.approx(1 / 200)
    assert permutation_p("multiclass", target, good, good, "f1", draws=199, seed=0) == 1


def test_the_same_seed_gives_the_same_p_and_few_groups_none() -> None:
    target, a, b, groups = grouped(1)
    assert permutation_p("binary", target, a, b, "roc_auc", groups, seed=2) == permutation_p(
        "binary", target, a, b, "roc_auc", groups, seed=2
    )
    nineteen = (np.arange(len(target)) % 19).astype(str)
    assert permutation_p("binary", target, a, b, "roc_auc", nineteen, seed=2) is None
    assert permutation_p("binary", np.ones(len(a), int), a, b, "roc_auc", groups, seed=2) is None
    assert permutation_p("regression", a, np.zeros(len(a)), b, "spearman", groups, seed=2) is not None
