"""DeLong against placements by brute force; its clustered form against a cluster bootstrap, and on noise."""

from __future__ import annotations

import numpy as np
import pytest
from genotool.dataset import Task
from genotool.statistics.conformal import calibrate
from genotool.statistics.covered import coverage
from genotool.statistics.delong import delong, placements
from genotool.statistics.intervals import paired
from genotool.statistics.permuted import permutation_p
from scipy.stats import binomtest, norm, t
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits


def grouped(seed: int, groups: int = 60, between: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return target, two scores of equal worth and groups: rows of a group share their label's odds and an offset."""
    rng = np.random.default_rng(seed)
    code = np.repeat(np.arange(groups), rng.integers(2, 20, groups))
    target = (rng.random(len(code)) < rng.beta(1, 1, groups)[code]).astype(int)
    a, b = (0.7 * target + between * rng.normal(size=groups)[code] + rng.normal(size=len(code)) for _ in range(2))
    return target, a, b, code.astype(str)


def test_as_in_the_paper_by_brute_force() -> None:
    rng = np.random.default_rng(1)
    target = np.repeat([1, 0], [30, 50])
    a, b = np.round(target + rng.normal(size=80), 1), np.round(target + 2 * rng.normal(size=80), 1)  # with ties
    areas, by_hit, by_miss = [], [], []
    for score in (a, b):
        wins = (score[:30, None] > score[None, 30:]) + 0.5 * (score[:30, None] == score[None, 30:])
        areas.append(wins.mean())
        by_hit.append(wins.mean(axis=1))
        by_miss.append(wins.mean(axis=0))
    covariance = np.cov(by_hit) / 30 + np.cov(by_miss) / 50
    contrast = np.array([1, -1])
    error = np.sqrt(contrast @ covariance @ contrast)
    found = delong(target, a, b)
    assert (found.area_a, found.area_b) == pytest.approx(areas)
    assert found.area_a == pytest.approx(roc_auc_score(target, a))
    assert found.error == pytest.approx(error)
    assert found.p == pytest.approx(2 * t.sf(abs(areas[0] - areas[1]) / error, 79))
    assert found.p == pytest.approx(2 * norm.sf(abs(areas[0] - areas[1]) / error), abs=5e-3)
    assert np.allclose(placements(target == 1, a), np.concatenate([by_hit[0], by_miss[0]]))


def test_groups_of_one_row_are_no_groups() -> None:
    target, a, b, _ = grouped(0)
    alone = delong(target, a, b, np.arange(len(target)).astype(str))
    unnamed = delong(target, a, b, np.full(len(target), ""))
    assert alone.error == pytest.approx(delong(target, a, b).error)
    assert alone.p == pytest.approx(delong(target, a, b).p)
    assert unnamed.groups is None


def test_the_standard_error_is_that_of_a_cluster_bootstrap() -> None:
    """And rows taken as independent give one that is too small."""
    ratios, of_rows = [], []
    for seed in range(12):
        target, a, b, groups = grouped(seed, groups=150)
        drawn = paired("binary", target, a, b, "roc_auc", groups, draws=400, seed=seed)
        error = drawn.smallest_detectable / 2.801585
        ratios.append(delong(target, a, b, groups).error / error)
        of_rows.append(delong(target, a, b).error / error)
    assert np.mean(ratios) == pytest.approx(1, abs=0.03)
    assert np.mean(of_rows) < 0.8


def test_noise_differs_as_often_as_the_level_says() -> None:
    sets = 400
    alarms = [delong(*grouped(1000 + seed)).p < 0.05 for seed in range(sets)]
    assert binomtest(sum(alarms), sets, 0.05).pvalue > 0.01
    few = [delong(*grouped(5000 + seed, groups=20)).p < 0.05 for seed in range(sets)]
    assert binomtest(sum(few), sets, 0.05, alternative="greater").pvalue > 0.001


def test_nineteen_groups_give_no_p_and_no_interval() -> None:
    found = delong(*grouped(3, groups=19))
    assert (found.p, found.low, found.error, found.groups) == (None, None, None, 19)
    assert "19 groups are too few" in found.reason
    assert delong(*grouped(3, groups=20)).p is not None


def test_equal_scores_do_not_differ_and_a_perfect_one_beside_chance_has_no_variance() -> None:
    target, a, _, groups = grouped(2)
    same = delong(target, a, 3 * a + 1, groups)
    assert (same.difference, same.p) == (0, 1)
    perfect = delong(target, target, np.zeros(len(target)), groups)
    assert perfect.difference == 0.5
    assert perfect.p is None
    assert "do not vary" in perfect.reason
    with pytest.raises(ValueError, match="one class"):
        delong(np.ones(5), np.arange(5), np.arange(5))


def test_the_same_bits_for_any_number_of_threads() -> None:
    rng = np.random.default_rng(6)
    target = rng.integers(0, 2, 60_000)
    a, b = target + rng.normal(size=60_000), target + rng.normal(size=60_000)
    errors = calibrate(Task.REGRESSION, a[:30_000], b[:30_000])
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            covered = coverage(errors, a[30_000:], b[30_000:], (np.arange(30_000) % 900).astype(str), seed=0)
            swapped = permutation_p(Task.BINARY, target[:2000], a[:2000], b[:2000], "roc_auc", draws=50, seed=0)
            found.append((delong(target, a, b), covered, swapped))
    assert found[0] == found[1]
