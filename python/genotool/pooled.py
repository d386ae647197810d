"""Pooled: one verdict over several runs, such as repeats of a split or the lines of one screen.

One test set of a few hundred rows can seldom show that a model is better than a floor; five repeats of the split over
three cell lines can. The runs' test rows share groups, so they are not independent: a group that is drawn is drawn in
every run that tests on it (the cluster bootstrap over the union of all groups), and the statistic is the mean over
runs of the difference in each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.errors import InputError
from genotool.intervals import FEW_GROUPS, Difference, difference_of, multiplicities, orders_nothing
from genotool.metrics import HEADLINE, LOWER_IS_BETTER, compute
from genotool.predictions import TestRows
from genotool.verdict import MARGIN, Verdict, decide
from genotool.weighted import metric_draws

__all__ = ["DRAWS", "pool", "shared_floors"]

Floats: TypeAlias = NDArray[np.float64]

DRAWS = 2000
CHUNK = 200
"""Draws whose weights are held at once."""


def shared_floors(runs: Sequence[TestRows]) -> list[str]:
    """Return the floors that every run has, in the first run's order."""
    return [name for name in runs[0].floors if all(name in run.floors for run in runs)]


def pool(runs: Sequence[TestRows], *, margin: float = MARGIN, draws: int = DRAWS, seed: int) -> Verdict:
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
    codes, count = _union(runs)
    spreads = _spreads(runs, floors, metric, codes, count, draws, seed)
    rows = sum(len(run.target) for run in runs)
    sign = -1.0 if metric in LOWER_IS_BETTER else 1.0
    differences = {}
    for floor in floors:
        values = [_value(run, run.score, metric) - _value(run, run.floors[floor], metric) for run in runs]
        value = sign * float(np.mean(values))
        if count < FEW_GROUPS:
            differences[floor] = Difference(metric, value, None, None, None, None, rows, count, "too few groups")
        else:
            differences[floor] = difference_of(metric, value, sign * spreads[floor], rows, count)
    return decide(differences, metric, margin)


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
    return [""] * len(run.ids) if run.groups is None else [str(group) for group in run.groups]


def _spreads(
    runs: Sequence[TestRows],
    floors: Sequence[str],
    metric: str,
    codes: Sequence[NDArray[np.int64]],
    count: int,
    draws: int,
    seed: int,
) -> dict[str, Floats]:
    """Return (draws,) mean differences to each floor; NaN in a draw that leaves a run with one class."""
    rng = np.random.default_rng(seed)
    spreads: dict[str, list[Floats]] = {floor: [] for floor in floors}
    for start in range(0, draws, CHUNK):
        weights = multiplicities(rng, min(CHUNK, draws - start), count)
        each: dict[str, list[Floats]] = {floor: [] for floor in floors}
        for run, code in zip(runs, codes, strict=True):
            drawn = weights[:, code]
            own = _drawn(run, run.score, metric, drawn)
            for floor in floors:
                each[floor].append(own - _drawn(run, run.floors[floor], metric, drawn))
        for floor in floors:
            spreads[floor].append(np.mean(each[floor], axis=0))
    return {floor: np.concatenate(parts) for floor, parts in spreads.items()}


def _drawn(run: TestRows, score: Floats, metric: str, weights: Floats) -> Floats:
    if orders_nothing(score, metric):
        return np.zeros(len(weights))
    return metric_draws(run.task, (metric,), run.target, score, weights)[metric]


def _value(run: TestRows, score: Floats, metric: str) -> float:
    if orders_nothing(score, metric):
        return 0.0
    value = compute(run.task, run.target, score)[metric]
    if value is None:
        raise InputError(f"the test rows of {run.name} give no {metric}", hint="leave that run out")
    return value
