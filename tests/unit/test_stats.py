"""Tests: golden values worked out independently, nesting, equivalence."""

from __future__ import annotations

import numpy as np
import pytest
from genotool.intervals import paired
from genotool.stats import (
    adjusted,
    benjamini_hochberg,
    categories,
    cramers_v,
    delong,
    holm,
    kolmogorov_smirnov,
    mann_whitney,
    signed_rank,
    within_groups,
)


def test_holm_and_benjamini_hochberg_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert benjamini_hochberg([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.02, 0.04, 0.04, 0.02])
    assert benjamini_hochberg([]) == []


def test_cliffs_delta_counts_pairs() -> None:
    rng = np.random.default_rng(0)
    a, b = np.round(rng.normal(0.5, 1, 40), 1), np.round(rng.normal(0, 1, 30), 1)
    found = mann_whitney("x", a, b, draws=200)
    difference = a[:, None] - b[None, :]
    assert found.effect == pytest.approx(((difference > 0).sum() - (difference < 0).sum()) / difference.size)
    assert found.low < found.effect < found.high


def test_the_gap_of_kolmogorov_smirnov_is_scipys() -> None:
    rng = np.random.default_rng(0)
    a, b = np.round(rng.normal(0.4, 1, 50), 1), np.round(rng.normal(0, 1, 70), 1)
    found = kolmogorov_smirnov("x", a, b, draws=50)
    assert found.effect == pytest.approx(found.statistic)


def test_rows_nested_in_groups_are_not_evidence() -> None:
    """Ten groups of forty equal rows a side: over rows a difference is certain, over groups it is chance."""
    rng = np.random.default_rng(4)
    values = np.repeat(rng.normal(size=20), 40)
    names = np.repeat([f"g{i}" for i in range(20)], 40)
    a, b = values[:400], values[400:]
    by_row = mann_whitney("x", a, b, draws=100)
    by_group = mann_whitney("x", a, b, groups=(names[:400], names[400:]), draws=300)
    assert by_row.p < 1e-4
    assert by_group.p > 0.05
    assert by_group.effect == by_row.effect
    assert "groups permuted" in by_group.test


def test_a_large_p_is_undecided_and_only_a_narrow_interval_is_equivalent() -> None:
    rng = np.random.default_rng(0)
    few = mann_whitney("x", rng.normal(size=12), rng.normal(size=12), draws=300)
    many = mann_whitney("x", rng.normal(size=3000), rng.normal(size=3000), draws=300)
    apart = mann_whitney("x", rng.normal(size=300) + 1, rng.normal(size=300), draws=300)
    assert few.p > 0.05
    assert [row.conclusion for row in adjusted([few, many, apart])] == [
        "undecided",
        "equivalent",
        "different",
    ]


def test_cramers_v_at_its_ends() -> None:
    assert cramers_v(np.array([[500, 0], [0, 500]])) == pytest.approx(1, abs=1e-9)
    assert cramers_v(np.array([[100, 100], [100, 100]])) == 0
    assert cramers_v(np.array([[10, 20]])) == 0
    # Bergsma 2013, by hand: phi2 = (30*40 - 10*20)^2 / (40*60*50*50) = 1/6, n = 100
    expected = np.sqrt((1 / 6 - 1 / 99) / (1 - 1 / 99))
    assert cramers_v(np.array([[30, 10], [20, 40]])) == pytest.approx(expected)


def test_categories() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.choice(list("ACGT"), 400, p=[0.7, 0.1, 0.1, 0.1]), rng.choice(list("ACGT"), 400)
    assert adjusted([categories("base 20", a, b, draws=100)])[0].conclusion == "different"
    assert categories("base 20", np.array(["A"] * 5), np.array(["A"] * 5)).effect == 0


def test_signed_rank_of_shared_rows() -> None:
    a = np.array([2.0, 3.0, 5.0, 1.0, 7.0, 4.0])
    found = signed_rank("x", a, a - np.array([1, 2, 3, -4, 5, 6]), draws=100)
    assert found.effect == pytest.approx((1 + 2 + 3 - 4 + 5 + 6) / 21)
    assert signed_rank("x", a, a).conclusion == "equivalent"


def test_delong_agrees_with_the_bootstrap_and_with_itself() -> None:
    rng = np.random.default_rng(0)
    target = rng.integers(0, 2, 600)
    shared = rng.normal(size=600)
    good, weak = (
        target + shared + 0.5 * rng.normal(size=600),
        0.6 * target + shared + 0.5 * rng.normal(size=600),
    )
    auc_a, auc_b, error, p = delong(target, good, weak)
    found = paired("binary", target, good, weak, "roc_auc", draws=2000, seed=0)
    assert auc_a - auc_b == pytest.approx(found.value)
    assert 2 * 1.96 * error == pytest.approx(found.high - found.low, rel=0.1)
    assert p < 0.01
    assert delong(target, good, good)[2:] == (0.0, 1.0)


def test_delong_variance_by_its_definition() -> None:
    """Variance of one AUC from the placement values, written out in loops."""
    target = np.array([0, 0, 0, 1, 1, 1, 1])
    a, b = np.array([0.1, 0.4, 0.35, 0.8, 0.4, 0.7, 0.2]), np.array([0.2, 0.3, 0.6, 0.9, 0.5, 0.1, 0.6])

    def placements(score: np.ndarray) -> tuple[list[float], list[float]]:
        wins = [[float(p > q) + 0.5 * float(p == q) for q in score[target == 0]] for p in score[target == 1]]
        return [np.mean(row) for row in wins], [np.mean(column) for column in zip(*wins, strict=True)]

    (pa, na), (pb, nb) = placements(a), placements(b)
    variance = np.var(np.subtract(pa, pb), ddof=1) / 4 + np.var(np.subtract(na, nb), ddof=1) / 3
    auc_a, auc_b, error, _ = delong(target, a, b)
    assert (auc_a, auc_b) == pytest.approx((np.mean(pa), np.mean(pb)))
    assert error == pytest.approx(np.sqrt(variance))


def test_correlation_within_groups_ignores_what_lies_between() -> None:
    rng = np.random.default_rng(0)
    names = np.repeat([f"g{i}" for i in range(30)], 10)
    between = np.repeat(3 * rng.normal(size=30), 10)
    found = within_groups(between + rng.normal(size=300), between + rng.normal(size=300), names, draws=200)
    assert found["low"] < 0 < found["high"]
    assert found["variance_by_group"] > 0.7
    few = within_groups(np.arange(10.0), np.arange(10.0), np.repeat(["a", "b"], 5))
    assert few["value"] == pytest.approx(1)
    assert few["low"] is None
