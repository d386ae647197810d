"""Tests between two sets of rows, each with an effect size, and comparisons of ROC curves.

A p-value above .05 is no evidence of sameness: `equivalent` is concluded only where the 90 % interval of the
effect
lies inside a bound (two one-sided tests; Schuirmann 1987 J Pharmacokinet Biopharm 15:657). Where rows nest
in groups
(guides in genes) the groups' labels are permuted and the groups resampled, not the rows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.intervals import FEW_GROUPS, group_codes, resamples

__all__ = [
    "Comparison",
    "adjusted",
    "benjamini_hochberg",
    "categories",
    "cramers_v",
    "delong",
    "holm",
    "kolmogorov_smirnov",
    "mann_whitney",
    "signed_rank",
    "within_groups",
]

Floats: TypeAlias = NDArray[np.float64]
Groups: TypeAlias = "tuple[NDArray[np.str_], NDArray[np.str_]] | None"

BOUND = 0.147
"""The largest Cliff's delta that is called negligible (Romano 2006): the default bound of equivalence."""
LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Comparison:
    """One row of `stats.tsv`.

    Attributes
    ----------
    feature, test
        What was compared (``gc``, ``base 20``), and how.
    p, q
        The p-value, and its Benjamini-Hochberg correction (`adjusted` fills it in).
    effect, effect_name, low, high
        The effect size with its 90 % interval; positive: A is higher.
    conclusion
        different, equivalent or undecided: never "the same" from a large p alone.
    """

    feature: str
    test: str
    n_a: int
    n_b: int
    statistic: float
    p: float
    q: float
    effect: float
    effect_name: str
    low: float | None
    high: float | None
    conclusion: str


def holm(p: Sequence[float]) -> list[float]:
    """Return Holm's step-down adjusted p-values (Holm 1979 Scand J Stat 6:65)."""
    order = np.argsort(p, kind="stable")
    scaled = np.asarray(p, np.float64)[order] * (len(order) - np.arange(len(order)))
    result = np.empty(len(order))
    result[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return [float(value) for value in result]


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """Return the false-discovery-rate adjusted p-values (Benjamini and Hochberg 1995)."""
    from scipy.stats import false_discovery_control

    return [float(value) for value in false_discovery_control(p)] if len(p) else []


def adjusted(rows: Sequence[Comparison], *, bound: float = BOUND) -> list[Comparison]:
    """Return the rows of one table with q over all of them, and the conclusion that follows from q and
    interval.
    """
    qs = benjamini_hochberg([row.p for row in rows])
    return [
        dataclasses.replace(row, q=q, conclusion=_conclude(q, row.low, row.high, bound))
        for row, q in zip(rows, qs, strict=True)
    ]


def _conclude(q: float, low: float | None, high: float | None, bound: float) -> str:
    if low is not None and high is not None and -bound < low and high < bound:
        return "equivalent"
    return "different" if q <= LEVEL else "undecided"


def mann_whitney(
    feature: str, a: NDArray[Any], b: NDArray[Any], *, groups: Groups = None, draws: int = 1000, seed: int = 0
) -> Comparison:
    """Mann-Whitney U with Cliff's delta, P(A > B) - P(A < B).

    Parameters
    ----------
    groups
        (n_a,) and (n_b,) text. A group whose rows all lie on one side is permuted and resampled as a whole.
    """
    from scipy.stats import mannwhitneyu

    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    found = mannwhitneyu(a, b, alternative="two-sided")
    return _two_samples(
        feature, "Mann-Whitney U", float(found.statistic), float(found.pvalue), "Cliff's delta", _cliff, a, b,
        groups, draws, seed,
    )  # fmt: skip


def kolmogorov_smirnov(
    feature: str, a: NDArray[Any], b: NDArray[Any], *, groups: Groups = None, draws: int = 1000, seed: int = 0
) -> Comparison:
    """Two-sample Kolmogorov-Smirnov; the effect is D, the largest gap between the two distribution
    functions.
    """
    from scipy.stats import ks_2samp

    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    found = ks_2samp(a, b)
    return _two_samples(
        feature,
        "Kolmogorov-Smirnov",
        float(found.statistic),
        float(found.pvalue),
        "D",
        _gap,
        a,
        b,
        groups,
        draws,
        seed,
    )


def _cliff(values: Floats, side: NDArray[np.bool_], weights: Floats) -> Floats:
    from genotool.weighted import roc_auc

    with np.errstate(invalid="ignore", divide="ignore"):
        return 2 * roc_auc(side, values, weights) - 1


def _gap(values: Floats, side: NDArray[np.bool_], weights: Floats) -> Floats:
    order = np.argsort(values, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(values[order]) != 0, True))
    in_a, in_b = weights[:, order] * side[order], weights[:, order] * ~side[order]
    with np.errstate(invalid="ignore", divide="ignore"):
        below_a = np.cumsum(in_a, axis=1)[:, ends] / in_a.sum(axis=1, keepdims=True)
        below_b = np.cumsum(in_b, axis=1)[:, ends] / in_b.sum(axis=1, keepdims=True)
    gap: Floats = np.abs(below_a - below_b).max(axis=1)
    return gap


def _two_samples(
    feature: str, test: str, statistic: float, p: float, effect_name: str,
    effect_of: Callable[[Floats, NDArray[np.bool_], Floats], Floats],
    a: Floats, b: Floats, groups: Groups, draws: int, seed: int,
) -> Comparison:  # fmt: skip
    values = np.concatenate([a, b])
    side = np.arange(len(values)) < len(a)
    effect = float(effect_of(values, side, np.ones((1, len(values))))[0])
    joined = None if groups is None else np.concatenate(groups)
    clusters = group_codes(joined)
    if clusters is not None:
        test += ", groups permuted"
        p = _permuted(values, side, clusters[0], effect, effect_of, draws, seed)
    low, high = _interval(values, side, joined, effect_of, draws, seed)
    return Comparison(
        feature,
        test,
        len(a),
        len(b),
        statistic,
        p,
        p,
        effect,
        effect_name,
        low,
        high,
        _conclude(p, low, high, BOUND),
    )


def _permuted(
    values: Floats, side: NDArray[np.bool_], codes: NDArray[np.int64], effect: float,
    effect_of: Callable[[Floats, NDArray[np.bool_], Floats], Floats], draws: int, seed: int,
) -> float:  # fmt: skip
    """Permute which side whole groups are on; a group with rows on both sides has its two halves swapped
    together.
    """
    rng, count = np.random.default_rng(seed), int(codes.max()) + 1
    one = np.ones((1, len(values)))
    share = np.bincount(codes, weights=side, minlength=count) / np.bincount(codes, minlength=count)
    mixed, whole = (share > 0) & (share < 1), np.flatnonzero((share == 0) | (share == 1))
    beyond = 0
    for _ in range(draws):
        other = (share == 1).copy()
        other[whole] = rng.permutation(other[whole])
        swap = rng.random(count) < 0.5
        drawn = np.where(mixed[codes], side ^ swap[codes], other[codes])
        beyond += bool(abs(float(effect_of(values, drawn, one)[0])) >= abs(effect) - 1e-12)
    return (beyond + 1) / (draws + 1)


def _interval(
    values: Floats, side: NDArray[np.bool_], groups: NDArray[np.str_] | None,
    effect_of: Callable[[Floats, NDArray[np.bool_], Floats], Floats], draws: int, seed: int,
) -> tuple[float | None, float | None]:  # fmt: skip
    clusters = group_codes(groups)
    if clusters is not None and clusters[1] < FEW_GROUPS:
        return None, None
    weights = resamples(len(values), groups=groups, strata=side, draws=draws, seed=seed)
    spread = np.concatenate([effect_of(values, side, some) for some in weights])
    if effect_of is _gap:  # never negative, so resamples lie above it: centre them on the value measured
        value = float(_gap(values, side, np.ones((1, len(values))))[0])
        spread = np.maximum(spread + value - np.nanmedian(spread), 0.0)
    low, high = np.nanpercentile(spread, [5, 95])
    return float(low), float(high)


def signed_rank(feature: str, a: NDArray[Any], b: NDArray[Any], *, draws: int = 1000, seed: int = 0) -> Comparison:
    """Wilcoxon signed-rank of paired rows (the same guides in two sets) with the matched rank-biserial
    correlation.

    The effect is (ranks in favour of A - ranks in favour of B) / all ranks (Kerby 2014).
    """
    from scipy.stats import rankdata, wilcoxon

    difference = np.asarray(a, np.float64) - np.asarray(b, np.float64)
    moved = difference[difference != 0]
    if not len(moved):
        n = len(difference)
        return Comparison(
            feature, "Wilcoxon signed-rank", n, n, 0.0, 1.0, 1.0, 0.0, "rank-biserial", 0.0, 0.0, "equivalent"
        )
    found = wilcoxon(moved)
    ranks = rankdata(np.abs(moved))
    signed = np.sign(moved) * ranks / ranks.sum()
    drawn = next(resamples(len(moved), groups=None, strata=None, draws=draws, seed=seed))
    spread = (drawn @ signed) / (drawn @ np.abs(signed))
    low, high = (float(value) for value in np.percentile(spread, [5, 95]))
    p = float(found.pvalue)
    return Comparison(
        feature, "Wilcoxon signed-rank", len(difference), len(difference), float(found.statistic), p, p,
        float(signed.sum()), "rank-biserial", low, high, _conclude(p, low, high, BOUND),
    )  # fmt: skip


def within_groups(
    target: NDArray[Any], score: NDArray[Any], groups: NDArray[np.str_], *, draws: int = 1000, seed: int = 0
) -> dict[str, Any]:
    """Return the mean Spearman correlation within groups, each weighted by its rows, groups resampled.

    Groups of fewer than five rows, or with a constant target or score, do not count. ``variance_by_group``
    is the
    share of the target's variance that lies between groups (adjusted R squared): where it is large, a
    correlation
    over all rows says more about groups than about rows.
    """
    from scipy.stats import spearmanr

    target, score = np.asarray(target, np.float64), np.asarray(score, np.float64)
    parts = [np.flatnonzero(groups == name) for name in np.unique(groups) if name != ""]
    held = [rows for rows in parts if len(rows) >= 5 and np.ptp(target[rows]) > 0 and np.ptp(score[rows]) > 0]
    size = np.array([len(rows) for rows in held], np.float64)
    each = np.array([float(spearmanr(target[rows], score[rows]).statistic) for rows in held])
    result: dict[str, Any] = {
        "metric": "spearman", "value": None, "low": None, "high": None,
        "n": int(size.sum()), "groups": len(held),
        "variance_by_group": _between(target, parts), "method": "mean within groups, groups drawn",
    }  # fmt: skip
    if len(held):
        result["value"] = float(each @ size / size.sum())
    if len(held) >= FEW_GROUPS:
        drawn = next(resamples(len(held), groups=None, strata=None, draws=draws, seed=seed))
        spread = (drawn @ (each * size)) / (drawn @ size)
        result["low"], result["high"] = (float(value) for value in np.percentile(spread, [2.5, 97.5]))
    return result


def _between(target: Floats, parts: Sequence[NDArray[np.int64]]) -> float | None:
    rows = np.concatenate(parts) if parts else np.empty(0, np.int64)
    spare = len(rows) - len(parts)
    if spare < 1 or len(parts) < 2 or np.ptp(target[rows]) == 0:
        return None
    inside = sum(float(((target[part] - target[part].mean()) ** 2).sum()) for part in parts) / spare
    return max(0.0, 1 - inside / float(target[rows].var(ddof=1)))


def cramers_v(table: NDArray[Any]) -> float:
    """Return the bias-corrected Cramér's V of a contingency table (Bergsma 2013 J Korean Stat Soc 42:323)."""
    from scipy.stats import chi2_contingency

    table = np.asarray(table)[np.asarray(table).sum(axis=1) > 0][:, np.asarray(table).sum(axis=0) > 0]
    n, (rows, columns) = table.sum(), table.shape
    if min(rows, columns) < 2 or n < 2:
        return 0.0
    phi = chi2_contingency(table, correction=False).statistic / n
    phi = max(0.0, phi - (rows - 1) * (columns - 1) / (n - 1))
    fewest = min(rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)) - 1
    return float(min(1.0, np.sqrt(phi / fewest))) if fewest > 0 else 0.0


def contingency(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.int64]:
    """Return the (values of a, values of b) counts of rows."""
    _, code_a = np.unique(a, return_inverse=True)
    known_b, code_b = np.unique(b, return_inverse=True)
    cells = np.bincount(code_a * len(known_b) + code_b, minlength=(int(code_a.max()) + 1) * len(known_b))
    return cells.reshape(-1, len(known_b))


def categories(feature: str, a: NDArray[Any], b: NDArray[Any], *, draws: int = 1000, seed: int = 0) -> Comparison:
    """Chi-squared of how often each category occurs in A and in B, with Cramér's V and its bootstrap
    interval.
    """
    from scipy.stats import chi2_contingency

    values = np.concatenate([a, b])
    side = np.arange(len(values)) < len(a)
    table = contingency(values, side)
    if table.shape[0] < 2:
        return Comparison(
            feature, "chi-squared", len(a), len(b), 0.0, 1.0, 1.0, 0.0, "Cramér's V", 0.0, 0.0, "equivalent"
        )
    found = chi2_contingency(table, correction=False)
    rng = np.random.default_rng(seed)
    pick_a, pick_b = (rng.multinomial(column.sum(), column / column.sum(), draws) for column in table.T)
    spread = [cramers_v(np.stack(pair, axis=1)) for pair in zip(pick_a, pick_b, strict=True)]
    low, high = (float(value) for value in np.percentile(spread, [5, 95]))
    p = float(found.pvalue)
    return Comparison(
        feature, "chi-squared", len(a), len(b), float(found.statistic), p, p, cramers_v(table),
        "Cramér's V", low, high,
        _conclude(p, low, high, BOUND),
    )  # fmt: skip


def delong(target: NDArray[Any], score_a: NDArray[Any], score_b: NDArray[Any]) -> tuple[float, float, float, float]:
    """Compare two ROC curves on the same rows (DeLong 1988 Biometrics 44:837; ranks as in Sun and Xu 2014).

    Rows must be independent: where groups exist use `genotool.intervals.paired`.

    Returns
    -------
    AUC of A, AUC of B, standard error of their difference, two-sided p.
    """
    from scipy.stats import norm, rankdata

    positive = np.asarray(target) == 1
    areas, in_positive, in_negative = [], [], []
    m, n = int(positive.sum()), int((~positive).sum())
    for score in (np.asarray(score_a, np.float64), np.asarray(score_b, np.float64)):
        ranks = rankdata(score)
        above = (ranks[positive] - rankdata(score[positive])) / n
        areas.append(float(above.mean()))
        in_positive.append(above)
        in_negative.append(1 - (ranks[~positive] - rankdata(score[~positive])) / m)
    covariance = np.cov(in_positive) / m + np.cov(in_negative) / n
    error = float(np.sqrt(max(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1], 0.0)))
    p = 1.0 if error == 0 else float(2 * norm.sf(abs(areas[0] - areas[1]) / error))
    return areas[0], areas[1], error, p
