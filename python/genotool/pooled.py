"""Pooled: one verdict over several runs, such as repeats of a split or the lines of one screen.

One test set of a few hundred rows can seldom show that a model is better than a floor; five repeats of the split over
three cell lines can. The runs' test rows share groups, so they are not independent: a group that is drawn is drawn in
every run that tests on it (the cluster bootstrap over the union of all groups), and the statistic is the mean over
runs of the difference in each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.errors import InputError
from genotool.metrics import HEADLINE, LOWER_IS_BETTER, compute
from genotool.predictions import TestRows
from genotool.statistics.intervals import (
    FEW_GROUPS,
    Difference,
    Estimate,
    difference_of,
    multiplicities,
    orders_nothing,
    too_few,
)
from genotool.statistics.weighted import metric_draws
from genotool.verdict import MARGIN, Verdict, decide

__all__ = ["DRAWS", "Pooled", "pool", "shared_floors"]

Floats: TypeAlias = NDArray[np.float64]

DRAWS = 2000
CHUNK = 200
"""Draws whose weights are held at once."""


def shared_floors(runs: Sequence[TestRows]) -> list[str]:
    """Return the floors that every run has, in the first run's order."""
    return [name for name in runs[0].floors if all(name in run.floors for run in runs)]


@dataclass(frozen=True, slots=True)
class Pooled:
    """What several runs say together.

    Attributes
    ----------
    metric
        The headline metric; of each score its mean over the runs is given.
    model, floors
        The mean over runs of the metric with its interval, of the model and of each floor that all runs have.
    """

    metric: str
    model: Estimate
    floors: Mapping[str, Estimate]
    verdict: Verdict


def pool(runs: Sequence[TestRows], *, margin: float = MARGIN, draws: int = DRAWS, seed: int) -> Pooled:
    """Judge a model over several runs against each floor that all of them have.

    Raises
    ------
    InputError
        If the runs differ in task, or share no floor.
    """
    tasks = {run.task for run in runs}
    if len(tasks) != 1:
        raise InputError(f"the runs are of several tasks ({', '.join(sorted(tasks))})", hint="pool runs of one task")
    floors = shared_floors(runs)
    if not floors:
        raise InputError("the runs have no floor in common", hint="train them without --no-floors")
    metric = HEADLINE[runs[0].task]
    codes, groups = _union(runs)
    n = sum(len(run.target) for run in runs)
    scores = {"": [run.score for run in runs], **{floor: [run.floors[floor] for run in runs] for floor in floors}}
    means = {name: float(np.mean(list(map(partial(_value, metric), runs, each)))) for name, each in scores.items()}
    drawn = _drawn_means(runs, scores, metric, codes, groups, draws, seed) if groups >= FEW_GROUPS else {}
    estimates = {name: _estimate(mean, drawn.get(name), n, groups, draws) for name, mean in means.items()}
    sign = -1.0 if metric in LOWER_IS_BETTER else 1.0
    differences = {}
    for floor in floors:
        value = sign * (means[""] - means[floor])
        if not drawn:
            differences[floor] = Difference(metric, value, None, None, None, None, n, groups, "too few groups")
        else:
            differences[floor] = difference_of(metric, value, sign * (drawn[""] - drawn[floor]), n, groups)
    model = estimates.pop("")
    return Pooled(metric, model, estimates, decide(differences, metric, margin))


def _estimate(mean: float, drawn: Floats | None, n: int, groups: int, draws: int) -> Estimate:
    if drawn is None:
        return Estimate(mean, None, None, n, groups, "no interval", too_few(groups))
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    method = f"mean over runs; bootstrap, {groups} groups drawn {draws} times in all runs together, percentiles"
    return Estimate(mean, float(low), float(high), n, groups, method)


def _union(runs: Sequence[TestRows]) -> tuple[list[NDArray[np.int64]], int]:
    """Return each run's (n,) codes of what is drawn together, one coding for all runs; and how many there are.

    Rows are drawn by group; a row without one is drawn by its id, in every run that has it.
    """
    names = [
        np.array(
            [f"g{group}" if group else f"r{row}" for group, row in zip(_groups(run), run.ids.tolist(), strict=True)]
        )
        for run in runs
    ]
    known, codes = np.unique(np.concatenate(names), return_inverse=True)
    ends = np.cumsum([len(part) for part in names])[:-1]
    return [part.astype(np.int64) for part in np.split(codes, ends)], len(known)


def _groups(run: TestRows) -> list[str]:
    return [""] * len(run.ids) if run.groups is None else [str(group).upper() for group in run.groups]


def _drawn_means(
    runs: Sequence[TestRows],
    scores: Mapping[str, Sequence[Floats]],
    metric: str,
    codes: Sequence[NDArray[np.int64]],
    groups: int,
    draws: int,
    seed: int,
) -> dict[str, Floats]:
    """Return (draws,) means over runs of each score's metric; NaN in a draw that leaves a run with one class."""
    rng = np.random.default_rng(seed)
    parts: dict[str, list[Floats]] = {name: [] for name in scores}
    for start in range(0, draws, CHUNK):
        weights = multiplicities(rng, min(CHUNK, draws - start), groups)
        for name, each in scores.items():
            drawn = [_drawn(run, score, metric, weights[:, code])
                     for run, score, code in zip(runs, each, codes, strict=True)]  # fmt: skip
            parts[name].append(np.mean(drawn, axis=0))
    return {name: np.concatenate(some) for name, some in parts.items()}


def _drawn(run: TestRows, score: Floats, metric: str, weights: Floats) -> Floats:
    if orders_nothing(score, metric):
        return np.zeros(len(weights))
    return metric_draws(run.task, (metric,), run.target, score, weights)[metric]


def _value(metric: str, run: TestRows, score: Floats) -> float:
    if orders_nothing(score, metric):
        return 0.0
    value = compute(run.task, run.target, score)[metric]
    if value is None:
        raise InputError(f"the test rows of {run.name} give no {metric}", hint="leave that run out")
    return value
