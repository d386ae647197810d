"""Tests of two samples: effects and p-values against scipy and permutations written out; level on nested rows."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, product

import numpy as np
import pytest
from genotool.statistics.samples import categories, numbers, signed_rank
from genotool.statistics.tables import Comparison, cramers_v
from scipy import stats

Side = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Numbers, bases and groups of the rows of one side."""


def rounded(rng: np.random.Generator, shift: float, n: int) -> np.ndarray:
    return np.round(rng.normal(shift, 1, n), 1)


def test_effects_are_counted_out_and_statistics_are_scipys() -> None:
    rng = np.random.default_rng(0)
    a, b = rounded(rng, 0.5, 40), rounded(rng, 0, 30)
    gap, ranks = numbers("x", a, b, draws=200)
    difference = a[:, None] - b[None, :]
    assert ranks.effect == pytest.approx(((difference > 0).sum() - (difference < 0).sum()) / difference.size)
    assert ranks.low is not None
    assert ranks.high is not None
    assert ranks.low < ranks.effect < ranks.high
    assert (ranks.statistic, ranks.p) == tuple(stats.mannwhitneyu(a, b))
    assert gap.effect == pytest.approx(stats.ks_2samp(a, b).statistic)
    assert gap.p == stats.ks_2samp(a, b).pvalue
    assert (gap.p_by, gap.groups_a) == ("rows", None)


def test_categories_are_scipys_chi_squared_and_bergsmas_v() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.choice(list("ACGT"), 400, p=[0.7, 0.1, 0.1, 0.1]), rng.choice(list("ACGT"), 300)
    table = np.array([[(side == base).sum() for side in (a, b)] for base in "ACGT"])
    found = categories("base 20", a, b, draws=100)
    assert (found.statistic, found.p) == tuple(stats.chi2_contingency(table, correction=False)[:2])
    assert found.effect == pytest.approx(cramers_v(table))
    same = categories("base 20", np.array(["A"] * 5), np.array(["A"] * 5))
    assert (same.effect, same.p, same.conclusion) == (0, 1, "equivalent")


def test_intervals_without_groups_are_a_bootstrap_of_rows() -> None:
    """Against rows drawn one by one within their side."""
    rng = np.random.default_rng(1)
    a, b = rounded(rng, 0.5, 60), rounded(rng, 0, 80)
    found = numbers("x", a, b, draws=4000)[1]
    drawn = [
        2 * stats.mannwhitneyu(rng.choice(a, 60), rng.choice(b, 80)).statistic / (60 * 80) - 1 for _ in range(1000)
    ]
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(drawn, [5, 95])), abs=0.02)


def every_side(groups: list[np.ndarray], first: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the rows of every way to put `first` of the groups on one side."""
    ways = combinations(range(len(groups)), first)
    return [
        (
            np.concatenate([groups[i] for i in way]),
            np.concatenate([groups[i] for i in range(len(groups)) if i not in way]),
        )
        for way in ways
    ]


def test_the_p_value_of_whole_groups_is_that_of_all_permutations() -> None:
    """Eight groups of unequal size, all 70 ways to choose four of them, each with scipy's own statistic."""
    rng = np.random.default_rng(3)
    groups = [rounded(rng, rng.normal(), size) for size in (3, 5, 2, 7, 4, 4, 6, 3)]
    names = [np.full(len(part), f"g{i}") for i, part in enumerate(groups)]
    sides = (np.concatenate(groups[:4]), np.concatenate(groups[4:]))
    named = (np.concatenate(names[:4]), np.concatenate(names[4:]))
    gap, ranks = numbers("x", *sides, groups=named, draws=4000)
    ways = every_side(groups, 4)
    gaps = np.array([stats.ks_2samp(*way).statistic for way in ways])
    deltas = np.array([2 * stats.mannwhitneyu(*way).statistic / len(way[0]) / len(way[1]) - 1 for way in ways])
    assert gap.p == pytest.approx((gaps >= gap.effect - 1e-9).mean(), abs=0.03)
    assert ranks.p == pytest.approx((np.abs(deltas) >= abs(ranks.effect) - 1e-9).mean(), abs=0.03)
    assert gap.p_by == ranks.p_by == "groups permuted"
    assert (gap.groups_a, gap.groups_b) == (4, 4)
    assert gap.low is None  # four groups give no interval


def test_the_p_value_of_shared_groups_is_that_of_all_sign_flips() -> None:
    """Seven groups with rows of two categories on both sides; the 128 flips of their parts written out."""
    rng = np.random.default_rng(5)
    code = np.repeat(np.arange(7), 12)
    side = rng.random(84) < 0.4
    value = (rng.random(84) < rng.uniform(0.2, 0.8, 7)[code] + 0.15 * side).astype(np.int64)
    share = value.mean()
    weight = np.where(side, 1 / side.sum(), -1 / (~side).sum())
    part = np.bincount(code, weights=weight * (value - share))
    flips = np.array([np.dot(signs, part) for signs in product([-1, 1], repeat=7)])
    expected = (np.abs(flips) >= abs(part.sum()) - 1e-9).mean()
    names = code.astype(str)
    found = categories("x", value[side], value[~side], groups=(names[side], names[~side]), draws=4000)
    assert found.p == pytest.approx(expected, abs=0.03)
    assert found.p_by == "groups flipped"


def test_the_signed_rank_is_flipped_group_by_group() -> None:
    a = np.array([2.0, 3.0, 5.0, 1.0, 7.0, 4.0])
    difference = np.array([1, 2, 3, -4, 5, 6])
    found = signed_rank("x", a, a - difference, draws=100)
    assert found.effect == pytest.approx((1 + 2 + 3 - 4 + 5 + 6) / 21)
    assert (found.statistic, found.p) == tuple(stats.wilcoxon(difference))
    # groups of two: parts 3, -1, 11 of 21, and 6 of the 8 flips are not as far out as all together
    flipped = signed_rank("x", a, a - difference, groups=np.array(list("aabbcc")), draws=4000)
    parts = np.array([3, -1, 11])
    chance = [abs(np.dot(signs, parts)) >= 13 for signs in product([-1, 1], repeat=3)]
    assert flipped.p == pytest.approx(np.mean(chance), abs=0.03)
    assert (flipped.effect, flipped.low, flipped.p_by) == (found.effect, None, "groups flipped")


def test_the_signed_rank_leaves_out_pairs_that_do_not_differ() -> None:
    a = np.array([2.0, 3.0, 5.0, 1.0])
    assert signed_rank("x", a, a).conclusion == "equivalent"
    some = signed_rank("x", a, a - np.array([0, 0, 1, -2]), draws=50)
    assert some.effect == pytest.approx((1 - 2) / 3)


def test_a_side_of_few_groups_has_no_interval_however_many_the_other_has() -> None:
    rng = np.random.default_rng(0)
    names = np.repeat([f"a{i}" for i in range(60)], 5), np.repeat(["b0", "b1"], 100)
    for found in numbers("x", rng.normal(size=300), rng.normal(size=200), groups=names, draws=50):
        assert found.low is None
        assert (found.groups_a, found.groups_b) == (60, 2)
        assert found.conclusion == "undecided"


def test_rows_without_a_group_are_groups_of_their_own() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=200), rng.normal(size=300)
    names = (np.repeat([f"g{i}" for i in range(40)], 5), np.full(300, "", dtype="<U3"))
    found = numbers("x", a, b, groups=names, draws=99)[1]
    assert (found.groups_a, found.groups_b, found.p_by) == (40, 300, "groups permuted")
    unnamed = numbers("x", a, b, groups=(np.full(200, ""), np.full(300, "")), draws=99)[1]
    assert (unnamed.groups_a, unnamed.p_by) == (None, "rows")


def test_the_same_seed_gives_the_same_row() -> None:
    rng = np.random.default_rng(0)
    a, b, names = rng.normal(size=90), rng.normal(size=90), np.repeat([f"g{i}" for i in range(30)], 3)
    one, two, other = (numbers("x", a, b, groups=(names, names), draws=99, seed=seed) for seed in (4, 4, 5))
    assert one == two
    assert one != other


# -- the level on rows that nest in groups: no side differs, groups do --------------------------------------------


def nested(rng: np.random.Generator, names: list[str], size: int, known: dict[str, tuple[float, np.ndarray]]) -> Side:
    """Return rows of groups that each have a level and a composition of their own."""
    for name in names:
        known.setdefault(name, (rng.normal(), rng.dirichlet([1.5] * 4)))
    values = np.concatenate([known[name][0] + rng.normal(size=size) for name in names])
    bases = np.concatenate([rng.choice(4, size, p=known[name][1]) for name in names])
    return np.round(values, 1), bases, np.repeat(names, size)


def apart(rng: np.random.Generator) -> tuple[Side, Side]:
    """Two sets of other genes, 50 of 5 guides and 30 of 9."""
    known: dict[str, tuple[float, np.ndarray]] = {}
    sides = [
        nested(rng, [f"{side}{i}" for i in range(n)], size, known) for side, n, size in (("a", 50, 5), ("b", 30, 9))
    ]
    return sides[0], sides[1]


def half_shared(rng: np.random.Generator) -> tuple[Side, Side]:
    """Two sets that share 20 of 40 genes."""
    known: dict[str, tuple[float, np.ndarray]] = {}
    sides = [nested(rng, [f"g{i}" for i in range(first, first + 40)], 6, known) for first in (0, 20)]
    return sides[0], sides[1]


def classes(rng: np.random.Generator) -> tuple[Side, Side]:
    """Two classes of one set of 40 genes; how many guides of a gene are in the first varies between genes."""
    values, bases, names = nested(rng, [f"g{i}" for i in range(40)], 8, {})
    first = rng.random(320) < np.repeat(rng.beta(2, 1, 40), 8)
    return (values[first], bases[first], names[first]), (values[~first], bases[~first], names[~first])


def positive(rows: list[list[Comparison]]) -> np.ndarray:
    return np.array([[row.p <= 0.05 for row in each] for each in rows]).mean(axis=0)


@pytest.mark.parametrize(("make", "too_often"), [(apart, True), (half_shared, False), (classes, False)])
def test_no_difference_is_found_one_time_in_twenty(
    make: Callable[[np.random.Generator], tuple[Side, Side]], too_often: bool
) -> None:
    """Over rows the p-values of nested sets are too small, over groups at most 5 % of them are below .05.

    100 tables: a share above .12 has a chance of 1 in 700 at a true level of .05.
    """
    rng, by_row, by_group = np.random.default_rng(11), [], []
    for seed in range(100):
        a, b = make(rng)
        for found, groups, draws in ((by_row, None, 1), (by_group, (a[2], b[2]), 99)):
            pair = numbers("x", a[0], b[0], groups=groups, draws=draws, seed=seed)
            found.append([*pair, categories("base", a[1], b[1], groups=groups, draws=draws, seed=seed)])
    assert (positive(by_group) <= 0.12).all(), positive(by_group)
    if too_often:
        assert (positive(by_row) > 0.15).all(), positive(by_row)


def test_pairs_in_genes_are_found_to_differ_one_time_in_twenty() -> None:
    rng = np.random.default_rng(12)
    names = np.repeat([f"g{i}" for i in range(40)], 6)
    found = []
    for seed in range(150):
        difference = np.repeat(rng.normal(size=40), 6) + rng.normal(size=240)
        rows = [
            signed_rank("x", difference, np.zeros(240), groups=groups, draws=99, seed=seed) for groups in (None, names)
        ]
        found.append(rows)
    by_row, by_gene = positive(found)
    assert by_row > 0.2
    assert by_gene <= 0.10


def test_a_true_difference_of_nested_sets_is_still_found() -> None:
    rng = np.random.default_rng(2)
    a, b = half_shared(rng)
    for found in numbers("x", a[0] + 1.5, b[0], groups=(a[2], b[2]), draws=499):
        assert found.p < 0.01
        assert found.p_by == "groups permuted, shared ones flipped"
