"""Leaderboard: several models on the same test rows, best first, each against the best by paired tests.

What decides is the paired bootstrap, by group where groups exist, corrected over all models (Holm). Beside it stand
DeLong's test of the two ROC-AUCs, McNemar's of the decided classes, and a permutation test of the metric.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genotool.dataset import Task
from genotool.errors import InputError
from genotool.metrics import HEADLINE, LOWER_IS_BETTER
from genotool.metrics import decide as labels
from genotool.predictions import TestRows
from genotool.statistics.delong import delong_p
from genotool.statistics.intervals import Estimate, bootstrap, paired
from genotool.statistics.mcnemar import mcnemar
from genotool.statistics.permuted import permutation_p
from genotool.verdict import MARGIN, Comparison, decide

__all__ = ["Place", "best_floors", "gains", "rank"]

WORDS = {"above": "behind", "below": "ahead", "equivalent": "equivalent", "undecided": "undecided"}
"""What a verdict on the best model's lead says of the model that it leads."""


@dataclass(frozen=True, slots=True)
class Place:
    """One model's place.

    Attributes
    ----------
    estimate
        The headline metric with its interval.
    behind
        The best model against this one, on the same rows; None for the best.
    permutation_p
        Of no difference to the best, by swapping the scores of whole groups.
    """

    name: str
    metric: str
    estimate: Estimate
    behind: Comparison | None = None
    permutation_p: float | None = None

    @property
    def word(self) -> str:
        """Where the model stands to the best: best, behind, equivalent or undecided."""
        return "best" if self.behind is None else WORDS[self.behind.word]


def rank(runs: Sequence[TestRows], *, margin: float = MARGIN, seed: int) -> list[Place]:
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
    scored = [(run, _estimate(run, metric, seed)) for run in runs]
    scored.sort(key=lambda item: _worth(metric, item[1]), reverse=True)
    best, rest = scored[0][0], [run for run, _ in scored[1:]]
    behind = {run.name: paired(best.task, best.target, best.score, run.score, metric, best.groups, seed=seed)
              for run in rest}  # fmt: skip
    beside = {
        run.name: (delong_p(best.task, best.target, best.score, run.score, best.groups), _mcnemar_p(best, run))
        for run in rest
    }
    each = {item.against: item for item in decide(behind, metric, margin, beside).each}
    swapped = {run.name: permutation_p(best.task, best.target, best.score, run.score, metric, best.groups, seed=seed)
               for run in rest}  # fmt: skip
    return [Place(run.name, metric, estimate, each.get(run.name), swapped.get(run.name)) for run, estimate in scored]


def gains(runs: Sequence[TestRows], baseline: TestRows, *, margin: float = MARGIN, seed: int) -> dict[str, Comparison]:
    """Return each run against the baseline on the same rows, corrected over the runs: what a change to it brings."""
    metric, rest = HEADLINE[baseline.task], [run for run in runs if run is not baseline]
    each = {
        run.name: paired(run.task, run.target, run.score, baseline.score, metric, run.groups, seed=seed) for run in rest
    }
    return {item.against: item for item in decide(each, metric, margin).each}


def best_floors(runs: Sequence[TestRows], *, seed: int) -> dict[str, Estimate]:
    """Return the headline metric of each floor that any run has: of floors of one name the best."""
    metric = HEADLINE[runs[0].task]
    found: dict[str, Estimate] = {}
    for run in runs:
        for name, score in run.floors.items():
            estimate = _estimate(run, metric, seed, score)
            if name not in found or _worth(metric, estimate) > _worth(metric, found[name]):
                found[name] = estimate
    return dict(sorted(found.items(), key=lambda item: _worth(metric, item[1]), reverse=True))


def _estimate(run: TestRows, metric: str, seed: int, score: np.ndarray | None = None) -> Estimate:
    held = run.score if score is None else score
    return bootstrap(run.task, run.target, held, groups=run.groups, seed=seed)[metric]


def _worth(metric: str, estimate: Estimate) -> float:
    if estimate.value is None:
        return -np.inf
    return -estimate.value if metric in LOWER_IS_BETTER else estimate.value


def _mcnemar_p(best: TestRows, other: TestRows) -> float | None:
    """Compare the decided classes, each run's at its own threshold."""
    if best.task is Task.REGRESSION:
        return None
    one, two = (labels(run.task, run.score, run.threshold) for run in (best, other))
    return mcnemar(best.target, one, two, best.groups).p


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
