"""A sign turned: labels that run against every score that should go with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.audit.findings import Effect, Finding
from genotool.audit.words import metric_name, nouns
from genotool.dataset import Dataset, Task
from genotool.statistics.intervals import bootstrap, group_codes, resamples, too_few_groups
from genotool.statistics.weighted import spearman

__all__ = ["audit_sign"]

Floats: TypeAlias = NDArray[np.float64]

FEWEST_IN_GROUP = 20


def audit_sign(
    dataset: Dataset, reference_scores: Mapping[str, NDArray[Any]], *, seed: int = 0, draws: int = 1000
) -> Finding | None:
    """Return a severe finding where every reference score runs against the target, each interval excluding
    chance.

    The interval is by group; with fewer than 20 groups it is of the mean correlation within them.

    Parameters
    ----------
    reference_scores
        Name to (n,) score of a model that was not fitted on these labels: a shipped one, a simple one
        trained on
        other data. Higher should mean a higher target.
    """
    if dataset.target is None or dataset.task in (None, Task.MULTICLASS) or not reference_scores:
        return None
    effect: dict[str, Mapping[str, float | str | None]] = {}
    for name, score in reference_scores.items():
        found = _association(dataset, np.asarray(score, np.float64), draws, seed)
        if found is None:
            return None
        effect[name] = found
    return _turned(dataset, effect)


def _association(dataset: Dataset, score: Floats, draws: int, seed: int) -> dict[str, float | str | None] | None:
    """Return the metric of a score that runs against the target, its interval below chance; None if it
    does not.
    """
    groups = group_codes(dataset.groups)
    if groups is not None and too_few_groups(groups):
        return _within_few_groups(dataset, score, groups[0], draws, seed)
    assert dataset.task is not None
    metric, chance = ("roc_auc", 0.5) if dataset.task is Task.BINARY else ("spearman", 0.0)
    target = np.asarray(dataset.target)
    found = bootstrap(dataset.task, target, score, groups=dataset.groups, draws=draws, seed=seed, raw=True)[metric]
    if found.high is None or found.high >= chance:
        return None
    return {"metric": metric, "value": found.value, "low": found.low, "high": found.high}


def _within_few_groups(
    dataset: Dataset, score: Floats, codes: NDArray[np.int64], draws: int, seed: int
) -> dict[str, float | str | None] | None:
    """Mean Spearman within groups, rows drawn within them: of these groups, no more. Most groups must
    agree.
    """
    target, size = np.asarray(dataset.target, np.float64), np.bincount(codes)
    parts = [rows for code in range(len(size)) if len(rows := np.flatnonzero(codes == code)) >= FEWEST_IN_GROUP]
    parts = [rows for rows in parts if np.ptp(target[rows]) > 0 and np.ptp(score[rows]) > 0]
    if not parts:
        return None
    share = np.array([len(rows) for rows in parts]) / sum(map(len, parts))
    each = np.array([spearman(target[rows], score[rows], np.ones((1, len(rows))))[0] for rows in parts])
    drawn = np.concatenate(list(resamples(len(target), groups=None, strata=codes, draws=draws, seed=seed)))
    spread = share @ np.array([spearman(target[rows], score[rows], drawn[:, rows]) for rows in parts])
    low, high = np.nanpercentile(spread, [2.5, 97.5])
    if high >= 0 or (each < 0).mean() <= 0.5:
        return None
    metric = f"spearman within {len(parts)} groups, rows drawn"
    return {"metric": metric, "value": float(share @ each), "low": float(low), "high": float(high)}


def _turned(dataset: Dataset, effect: Effect) -> Finding:
    said = "; ".join(
        f"{name}: {metric_name(str(m['metric']))} {m['value']:.3f} [{m['low']:.3f}, {m['high']:.3f}]"
        for name, m in effect.items()
    )
    rows = f"{len(dataset)} {nouns(dataset.kind, len(dataset))} of {dataset.name}"
    return Finding(
        "sign-turned", "severe", len(dataset), len(dataset),
        f"the labels of all {rows} run against every reference score, their sign may be turned ({said})",
        "look up in the source whether high means active; do not train on them or report them as accuracy",
        effect=effect, data=(dataset.name,),
    )  # fmt: skip
