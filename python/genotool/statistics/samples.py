"""Tests between two sets of rows, each with an effect size, its 90 % interval, and what a draw resamples.

Rows that nest in groups (guides in genes) are no independent evidence: then groups are exchanged for the p-value and
drawn for the interval (`genotool.statistics.nested`), with the statistic that the test has over rows.
`Comparison.p_by` says which of the two a p-value is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.statistics.intervals import FEW_GROUPS, group_codes, multiplicities
from genotool.statistics.nested import Tally
from genotool.statistics.tables import Comparison, conclude

__all__ = ["categories", "numbers", "signed_rank"]

Floats: TypeAlias = NDArray[np.float64]
Groups: TypeAlias = "tuple[NDArray[np.str_], NDArray[np.str_]] | None"

BY_ROW = "rows"
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class _Measure:
    """A test: its size of effect from the counts of both sides, and its statistic from their difference in shares.

    Attributes
    ----------
    effect
        (draws, v) counts of A and of B to (draws,) effects.
    distance
        (draws, v) differences and the (v,) pooled shares to (draws,) statistics, the larger the less alike.
    signed
        Whether an effect has a direction; resamples of one that has none lie above it and are moved down.
    """

    test: str
    effect_name: str
    effect: Callable[[Floats, Floats], Floats]
    distance: Callable[[Floats, Floats], Floats]
    signed: bool


def _cliff(a: Floats, b: Floats) -> Floats:
    below = np.cumsum(b, axis=1) - b / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        delta: Floats = 2 * (a * below).sum(axis=1) / (a.sum(axis=1) * b.sum(axis=1)) - 1
    return delta


def _gap(a: Floats, b: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        share = a / a.sum(axis=1, keepdims=True) - b / b.sum(axis=1, keepdims=True)
    gap: Floats = np.abs(np.cumsum(share, axis=1)).max(axis=1)
    return gap


def _cramer(a: Floats, b: Floats) -> Floats:
    """Cramér's V of (k, 2) tables, corrected for bias as in `genotool.statistics.tables.cramers_v`."""
    of_a, of_b = a.sum(axis=1), b.sum(axis=1)
    n, rows = of_a + of_b, ((a + b) > 0).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        gaps = (a / of_a[:, None] - b / of_b[:, None]) ** 2 / ((a + b) / n[:, None])
        phi = np.nansum(gaps, axis=1) * of_a * of_b / n**2
        phi = np.maximum(phi - (rows - 1) / (n - 1), 0)
        fewest = np.minimum(rows - (rows - 1) ** 2 / (n - 1), 2 - 1 / (n - 1)) - 1
        v: Floats = np.where(fewest > 0, np.minimum(np.sqrt(phi / fewest), 1), 0.0)
    return v


RANKS = _Measure(
    "Mann-Whitney U", "Cliff's delta", _cliff,
    lambda gaps, share: np.abs(gaps @ (np.cumsum(share) - share / 2)), signed=True,
)  # fmt: skip
GAP = _Measure(
    "Kolmogorov-Smirnov", "D", _gap, lambda gaps, _: np.abs(np.cumsum(gaps, axis=1)).max(axis=1), signed=False
)
TABLE = _Measure("chi-squared", "Cramér's V", _cramer, lambda gaps, share: gaps**2 @ (1 / share), signed=False)


def numbers(
    feature: str, a: NDArray[Any], b: NDArray[Any], *, groups: Groups = None, draws: int = 1000, seed: int = 0
) -> tuple[Comparison, Comparison]:
    """Kolmogorov-Smirnov and Mann-Whitney U of the same numbers, on the same draws.

    Parameters
    ----------
    groups
        (n_a,) and (n_b,) text, "" for a row without a group. Groups, not rows, are then exchanged and resampled.
    draws
        Exchanges for a p-value by group, and resamples for an interval.

    Returns
    -------
    The first with D, the largest gap between the two distribution functions; the second with Cliff's delta,
    P(A > B) - P(A < B).
    """
    from scipy.stats import ks_2samp, mannwhitneyu

    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    gap, ranks = ks_2samp(a, b), mannwhitneyu(a, b, alternative="two-sided")
    by_row = {GAP: (float(gap.statistic), float(gap.pvalue)), RANKS: (float(ranks.statistic), float(ranks.pvalue))}
    first, second = _compared(by_row, feature, (a, b), groups, draws, seed)
    return first, second


def categories(
    feature: str, a: NDArray[Any], b: NDArray[Any], *, groups: Groups = None, draws: int = 1000, seed: int = 0
) -> Comparison:
    """Chi-squared of how often each category occurs in A and in B, with Cramér's V (Bergsma 2013)."""
    from scipy.stats import chi2_contingency

    table = np.stack(Tally.of(a, b).totals, axis=1)
    statistic, p = 0.0, 1.0
    if len(table) > 1:
        found = chi2_contingency(table, correction=False)
        statistic, p = float(found.statistic), float(found.pvalue)
    return _compared({TABLE: (statistic, p)}, feature, (a, b), groups, draws, seed)[0]


def _compared(
    by_row: Mapping[_Measure, tuple[float, float]], feature: str, sides: tuple[NDArray[Any], NDArray[Any]],
    groups: Groups, draws: int, seed: int,
) -> list[Comparison]:  # fmt: skip
    """Return one comparison a measure; `by_row` has the statistic and the p-value of each over independent rows."""
    joined = None if groups is None or not any((part != "").any() for part in groups) else np.concatenate(groups)
    tally = Tally.of(*sides, joined)
    for_p, for_interval = (np.random.default_rng(part) for part in np.random.SeedSequence(seed).spawn(2))
    measures, nested = list(by_row), joined is not None
    ps = _exchanged(measures, tally, draws, for_p) if nested else [p for _, p in by_row.values()]
    enough = not nested or min(tally.units) >= FEW_GROUPS
    intervals = _intervals(measures, tally, draws, for_interval) if enough else [(None, None)] * len(measures)
    units_a, units_b = tally.units if nested else (None, None)
    return [
        Comparison(
            feature, measure.test, len(sides[0]), len(sides[1]), units_a, units_b, by_row[measure][0], p,
            _words(tally) if nested else BY_ROW, p, _effect(measure, tally), measure.effect_name, low, high,
            conclude(p, low, high, measure.effect_name),
        )
        for measure, p, (low, high) in zip(measures, ps, intervals, strict=True)
    ]  # fmt: skip


def _words(tally: Tally) -> str:
    shared = int(tally.mixed.sum())
    if shared == 0:
        return "groups permuted"
    return "groups flipped" if shared == len(tally.mixed) else "groups permuted, shared ones flipped"


def _effect(measure: _Measure, tally: Tally) -> float:
    return float(measure.effect(*(counts[None] for counts in tally.totals))[0])


def _exchanged(measures: Sequence[_Measure], tally: Tally, draws: int, rng: np.random.Generator) -> list[float]:
    """Return the p-value of each measure: how often chance is at least as far from equality as the rows are."""
    (of_a, of_b), beyond = tally.totals, np.zeros(len(measures), np.int64)
    gaps = (of_a / of_a.sum() - of_b / of_b.sum())[None]
    observed = [float(measure.distance(gaps, tally.share)[0]) for measure in measures]
    for some in tally.exchanged(draws, rng):
        chance = (measure.distance(some, tally.share) for measure in measures)
        beyond += [int((far >= near - ROUNDING).sum()) for far, near in zip(chance, observed, strict=True)]
    return [(int(count) + 1) / (draws + 1) for count in beyond]


def _intervals(
    measures: Sequence[_Measure], tally: Tally, draws: int, rng: np.random.Generator
) -> list[tuple[float | None, float | None]]:
    drawn = [[measure.effect(a, b) for measure in measures] for a, b in tally.resampled(draws, rng)]
    return [
        _limits(measure, _effect(measure, tally), np.concatenate(spread))
        for measure, spread in zip(measures, zip(*drawn, strict=True), strict=True)
    ]


def _limits(measure: _Measure, effect: float, spread: Floats) -> tuple[float | None, float | None]:
    if not measure.signed:  # never negative, so resamples lie above it: centre them on the value measured
        spread = np.maximum(spread + effect - np.nanmedian(spread), 0.0)
    low, high = np.nanpercentile(spread, [5, 95])
    return float(low), float(high)


def signed_rank(
    feature: str, a: NDArray[Any], b: NDArray[Any], *, groups: NDArray[np.str_] | None = None,
    draws: int = 1000, seed: int = 0,
) -> Comparison:  # fmt: skip
    """Wilcoxon signed-rank of paired rows (the same guides in two sets) with the matched rank-biserial correlation.

    The effect is (ranks in favour of A - ranks in favour of B) / all ranks (Kerby 2014). With `groups`, (n,) text,
    the signs of all pairs of a group are flipped together, and groups are drawn.
    """
    from scipy.stats import rankdata, wilcoxon

    difference = np.asarray(a, np.float64) - np.asarray(b, np.float64)
    ranks = np.where(difference == 0, 0.0, rankdata(np.abs(difference)) - (difference == 0).sum())
    signed, total = np.sign(difference) * ranks, max(float(ranks.sum()), 1.0)
    found = wilcoxon(difference[difference != 0]) if ranks.any() else None
    statistic, p = (0.0, 1.0) if found is None else (float(found.statistic), float(found.pvalue))
    clusters = group_codes(groups)
    codes, units = (np.arange(len(ranks)), len(ranks)) if clusters is None else clusters
    parts, weights = (
        np.bincount(codes, weights=values, minlength=units).astype(np.float64) for values in (signed, ranks)
    )
    rng = np.random.default_rng(seed)
    if clusters is not None:
        p = _flipped(parts, draws, rng)
    low, high = (None, None) if clusters is not None and units < FEW_GROUPS else _drawn(parts, weights, draws, rng)
    effect, groups_here = float(signed.sum()) / total, None if clusters is None else units
    return Comparison(
        feature, "Wilcoxon signed-rank", len(ranks), len(ranks), groups_here, groups_here, statistic, p,
        BY_ROW if clusters is None else "groups flipped", p, effect, "rank-biserial", low, high,
        conclude(p, low, high, "rank-biserial"),
    )  # fmt: skip


def _flipped(parts: Floats, draws: int, rng: np.random.Generator) -> float:
    chance = np.abs(rng.choice(np.array([-1.0, 1.0]), (draws, len(parts))) @ parts)
    return (int((chance >= abs(float(parts.sum())) * (1 - ROUNDING)).sum()) + 1) / (draws + 1)


def _drawn(parts: Floats, weights: Floats, draws: int, rng: np.random.Generator) -> tuple[float, float]:
    times = multiplicities(rng, draws, len(parts))
    low, high = np.percentile((times @ parts) / np.maximum(times @ weights, 1.0), [5, 95])
    return float(low), float(high)
