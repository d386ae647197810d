"""What a table of tests says: golden values worked out by hand, equivalence, correlation within groups."""

from __future__ import annotations

import numpy as np
import pytest
from genotool.statistics.samples import numbers
from genotool.statistics.tables import (
    adjusted,
    benjamini_hochberg,
    conclude,
    contingency,
    cramers_v,
    holm,
    within_groups,
)


def test_holm_and_benjamini_hochberg_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert benjamini_hochberg([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.02, 0.04, 0.04, 0.02])
    assert benjamini_hochberg([]) == []


def test_a_large_p_is_undecided_and_only_a_narrow_interval_is_equivalent() -> None:
    rng = np.random.default_rng(0)
    few = numbers("x", rng.normal(size=12), rng.normal(size=12), draws=300)[1]
    many = numbers("x", rng.normal(size=3000), rng.normal(size=3000), draws=300)[1]
    apart = numbers("x", rng.normal(size=300) + 1, rng.normal(size=300), draws=300)[1]
    assert few.p > 0.05
    assert [row.conclusion for row in adjusted([few, many, apart])] == ["undecided", "equivalent", "different"]


def test_each_effect_has_its_own_bound_and_no_interval_is_never_equivalent() -> None:
    assert conclude(0.01, 0.05, 0.12, "Cliff's delta") == "equivalent"
    assert conclude(0.01, 0.05, 0.12, "D") == "different"
    assert conclude(0.9, None, None, "D") == "undecided"


def test_cramers_v_at_its_ends() -> None:
    assert cramers_v(np.array([[500, 0], [0, 500]])) == pytest.approx(1, abs=1e-9)
    assert cramers_v(np.array([[100, 100], [100, 100]])) == 0
    assert cramers_v(np.array([[10, 20]])) == 0
    # Bergsma 2013, by hand: phi2 = (30*40 - 10*20)^2 / (40*60*50*50) = 1/6, n = 100
    expected = np.sqrt((1 / 6 - 1 / 99) / (1 - 1 / 99))
    assert cramers_v(np.array([[30, 10], [20, 40]])) == pytest.approx(expected)
    assert contingency(np.array(["a", "b", "a"]), np.array([1, 1, 0])).tolist() == [[1, 1], [0, 1]]


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
