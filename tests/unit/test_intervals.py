"""Intervals: coverage, groups, too few groups, paired differences."""

from __future__ import annotations

import numpy as np
import pytest
from genotool.statistics.intervals import bootstrap, group_codes, paired, resamples, values_by_group


def grouped(seed: int, groups: int = 60, size: int = 8) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows whose score and target share a group effect: rows are far from independent."""
    rng = np.random.default_rng(seed)
    names = np.repeat([f"g{i}" for i in range(groups)], size)
    effect = np.repeat(rng.normal(size=groups), size)
    score = effect + 0.2 * rng.normal(size=groups * size)
    target = np.repeat(rng.normal(size=groups), size) + 0.2 * rng.normal(size=groups * size)
    return target, score, names


def test_group_intervals_cover_where_row_intervals_do_not() -> None:
    """Truth is 0: intervals over groups hold it about 95 times in 100, intervals over rows far less often."""
    by_group = by_row = 0
    for seed in range(40):
        target, score, names = grouped(seed)
        a = bootstrap("regression", target, score, groups=names, draws=200, seed=seed)["spearman"]
        b = bootstrap("regression", target, score, draws=200, seed=seed)["spearman"]
        by_group += a.low <= 0 <= a.high
        by_row += b.low <= 0 <= b.high
    assert by_group >= 34
    assert by_row <= 30


def test_the_same_seed_gives_the_same_interval() -> None:
    target, score, names = grouped(3)
    first, second = (bootstrap("regression", target, score, groups=names, draws=100, seed=5) for _ in range(2))
    assert first == second
    assert first != bootstrap("regression", target, score, groups=names, draws=100, seed=6)


def test_nineteen_groups_give_no_interval_twenty_do() -> None:
    rng = np.random.default_rng(0)
    target, score = rng.integers(0, 2, 400), rng.random(400)
    few = bootstrap("binary", target, score, groups=(np.arange(400) % 19).astype(str), seed=0)["roc_auc"]
    assert few.low is None
    assert few.high is None
    assert "19 groups are too few" in few.reason
    assert few.value is not None
    assert (
        bootstrap("binary", target, score, groups=(np.arange(400) % 20).astype(str), seed=0)["roc_auc"].low is not None
    )


def test_rows_are_drawn_within_their_class_and_groups_as_wholes() -> None:
    strata = np.array([0] * 3 + [1] * 30)
    for weights in resamples(33, groups=None, strata=strata, draws=20, seed=0):
        assert (weights[:, :3].sum(axis=1) == 3).all()
        assert (weights.sum(axis=1) == 33).all()
    names = np.array(["a", "a", "b", "b", "", ""])
    weights = next(resamples(6, groups=names, strata=None, draws=50, seed=0))
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 4] != weights[:, 5]).any()  # rows without a group are their own


def test_group_codes_of_unknown_groups() -> None:
    assert group_codes(None) is None
    assert group_codes(np.array(["", ""])) is None
    codes, count = group_codes(np.array(["b", "", "b", ""]))  # type: ignore[misc]
    assert count == 3
    assert codes[0] == codes[2] != codes[1] != codes[3]


def test_values_by_group() -> None:
    found = values_by_group(
        "binary", np.array([0, 1, 1, 1]), np.array([0.1, 0.9, 0.3, 0.4]), np.array(["a", "a", "b", "b"])
    )
    assert found["a"]["roc_auc"] == 1
    assert found["b"]["roc_auc"] is None
    assert found["b"]["n"] == 2


def test_paired_difference_is_narrower_than_two_intervals_and_signed() -> None:
    rng = np.random.default_rng(0)
    target = rng.integers(0, 2, 500)
    good = target + rng.normal(size=500)
    slightly = good + 0.3 * rng.normal(size=500)
    found = paired("binary", target, good, slightly, "roc_auc", draws=500, seed=0)
    alone = bootstrap("binary", target, good, draws=500, seed=0, raw=True)["roc_auc"]
    assert found.low is not None
    assert found.high - found.low < (alone.high - alone.low)
    turned = paired("binary", target, slightly, good, "roc_auc", draws=500, seed=0)
    assert turned.value == pytest.approx(-found.value)
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))


def test_a_smaller_error_counts_as_better() -> None:
    target = np.arange(50.0)
    found = paired("regression", target, target + 1, target + 3, "mae", draws=50, seed=0)
    assert found.value == pytest.approx(2)


def test_a_constant_score_orders_nothing() -> None:
    rng = np.random.default_rng(0)
    target = rng.normal(size=100)
    found = paired("regression", target, target, np.zeros(100), "spearman", draws=100, seed=0)
    assert found.value == pytest.approx(1)
    assert found.low == pytest.approx(1)


def test_paired_on_one_class_says_why() -> None:
    found = paired("binary", np.ones(30, int), np.linspace(0, 1, 30), np.linspace(1, 0, 30), "roc_auc", seed=0)
    assert found.value is None
    assert "one class" in found.reason


@pytest.mark.parametrize(("n", "positives"), [(200, 1), (200, 2), (500, 3), (4, 2), (12, 6)])
def test_so_few_rows_of_a_class_give_no_interval(n: int, positives: int) -> None:
    """Draws of one positive hold it every time: noise had intervals that exclude chance."""
    target, score = np.zeros(n, np.int64), np.random.default_rng(n).random(n)
    target[:positives] = 1
    found = bootstrap("binary", target, score, seed=0)["roc_auc"]
    assert (found.low, found.high) == (None, None)
    assert "too few for an interval" in found.reason
    assert paired("binary", target, score, score[::-1], "roc_auc", seed=0).p is None


@pytest.mark.parametrize("alone", [0, 17, 40])
def test_rows_without_a_group_do_not_make_three_groups_many(alone: int) -> None:
    rng = np.random.default_rng(0)
    groups = np.array(["A", "B", "C"])[np.arange(400) % 3]
    groups[:alone] = ""
    found = bootstrap("binary", rng.integers(0, 2, 400), rng.random(400), groups=groups, seed=0)["roc_auc"]
    assert found.low is None
    assert "too few" in found.reason
