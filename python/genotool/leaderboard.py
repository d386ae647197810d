"""Leaderboard: several models on the same test rows, best first, each against the best by a paired test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genotool.errors import InputError
from genotool.intervals import Difference, Estimate, bootstrap, paired
from genotool.metrics import HEADLINE, LOWER_IS_BETTER
from genotool.predictions import TestRows

__all__ = ["Place", "rank"]


@dataclass(frozen=True, slots=True)
class Place:
    """One model's place.

    Attributes
    ----------
    estimate
        The headline metric with its interval.
    behind
        The best model's metric less this one's, on the same rows; None for the best.
    p_holm
        Of no difference, corrected over all models that are compared with the best.
    """

    name: str
    metric: str
    estimate: Estimate
    behind: Difference | None
    p_holm: float | None


def rank(runs: Sequence[TestRows], *, seed: int) -> list[Place]:
    """Return the models, best first.

    Raises
    ------
    InputError
        If their tasks or test rows differ: metrics of other rows are no contest.
    """
    first = runs[0]
    for other in runs[1:]:
        _check_same(first, other)
    metric = HEADLINE[first.task]
    sign = -1.0 if metric in LOWER_IS_BETTER else 1.0
    scored = [(run, bootstrap(run.task, run.target, run.score, groups=run.groups, seed=seed)[metric]) for run in runs]
    scored.sort(key=lambda item: -np.inf if item[1].value is None else sign * item[1].value, reverse=True)
    best = scored[0][0]
    behind = [paired(best.task, best.target, best.score, run.score, metric, best.groups, seed=seed)
              for run, _ in scored[1:]]  # fmt: skip
    corrected = _holm(behind)
    rest = [Place(run.name, metric, estimate, difference, p)
            for (run, estimate), difference, p in zip(scored[1:], behind, corrected, strict=True)]  # fmt: skip
    return [Place(best.name, metric, scored[0][1], None, None), *rest]


def _holm(differences: Sequence[Difference]) -> list[float | None]:
    from genotool.stats import holm

    known = [difference.p for difference in differences if difference.p is not None]
    corrected = iter(holm(known)) if known else iter(())
    return [None if difference.p is None else float(next(corrected)) for difference in differences]


def _check_same(first: TestRows, other: TestRows) -> None:
    if first.task is not other.task:
        raise InputError(f"{first.name} is of the task {first.task}, {other.name} of {other.task}")
    shared = len(set(first.ids.tolist()) & set(other.ids.tolist()))
    if len(first.ids) != len(other.ids) or shared < len(first.ids):
        raise InputError(
            f"{first.name} and {other.name} test on other rows: {len(first.ids)} and {len(other.ids)}, {shared} shared",
            hint="give both the same split file with --split, or --pooled for repeats of one model on several splits",
        )
    if not (np.array_equal(first.ids, other.ids) and np.array_equal(first.target, other.target)):
        raise InputError(f"{first.name} and {other.name} test on the same ids in another order or with other targets")
