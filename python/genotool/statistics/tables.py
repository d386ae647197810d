"""What a table of tests says: p-values corrected over the table, effects against bounds; correlation within groups.

A p-value above .05 is no evidence of sameness: `equivalent` is concluded only where the 90 % interval of the effect
lies inside a bound (two one-sided tests; Schuirmann 1987 J Pharmacokinet Biopharm 15:657). The tests themselves are in
`genotool.statistics.samples`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.statistics.intervals import FEW_GROUPS, multiplicities

__all__ = [
    "BOUNDS",
    "Comparison",
    "adjusted",
    "benjamini_hochberg",
    "conclude",
    "contingency",
    "cramers_v",
    "holm",
    "within_groups",
]

Floats: TypeAlias = NDArray[np.float64]

BOUNDS = {"Cliff's delta": 0.147, "rank-biserial": 0.147, "D": 0.10, "Cramér's V": 0.10}
"""Effects called negligible: Romano 2006 for delta; D of the same shift of a normal variable; Cohen, V."""
LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Comparison:
    """One row of `stats.tsv`.

    Attributes
    ----------
    feature, test
        What was compared (``gc``, ``base 20``), and how.
    groups_a, groups_b
        How many groups the rows of a side nest in, a row without one counted as such; None: rows were taken as
        independent.
    p, p_by, q
        The p-value; what was exchanged for it, ``rows`` where it is the test's own; its Benjamini-Hochberg correction
        (`adjusted` fills it in).
    effect, effect_name, low, high
        The effect size with its 90 % interval, None where a side has too few groups; positive: A is higher.
    conclusion
        different, equivalent or undecided: never "the same" from a large p alone.
    """

    feature: str
    test: str
    n_a: int
    n_b: int
    groups_a: int | None
    groups_b: int | None
    statistic: float
    p: float
    p_by: str
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


def adjusted(rows: Sequence[Comparison]) -> list[Comparison]:
    """Return the rows of one table with q over all of them, and the conclusion from q, interval and bound."""
    qs = benjamini_hochberg([row.p for row in rows])
    return [
        dataclasses.replace(row, q=q, conclusion=conclude(q, row.low, row.high, row.effect_name))
        for row, q in zip(rows, qs, strict=True)
    ]


def conclude(q: float, low: float | None, high: float | None, effect_name: str) -> str:
    """Return equivalent (the interval lies inside the bound of the effect), different (q at most .05) or undecided."""
    bound = BOUNDS[effect_name]
    if low is not None and high is not None and -bound < low and high < bound:
        return "equivalent"
    return "different" if q <= LEVEL else "undecided"


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
        drawn = multiplicities(np.random.default_rng(seed), draws, len(held))
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
