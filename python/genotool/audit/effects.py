"""What a leak does to a metric: the score of somebody who looks the answer up, with the offending rows and without."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from genotool.audit.findings import Effect
from genotool.dataset import Dataset, Task
from genotool.metrics import HEADLINE, compute

__all__ = ["FEWEST_SCORED", "LookUp", "unmeasured"]

Mask = NDArray[np.bool_]

FEWEST_SCORED = 20
"""Rows that a metric needs to be more than chance."""
MOST_COMPARISONS = 2_000_000_000
"""Pairs of rows that the nearest-neighbour effect is worth."""


class LookUp:
    """Looking up the target of each row of `query` at the nearest rows of `reference`."""

    def __init__(self, query: Dataset, reference: Dataset) -> None:
        self.query, self.reference = query, reference

    @cached_property
    def scores(self) -> NDArray[np.float64]:
        """(n,) the mean target of the nearest reference rows."""
        from genotool.floors import nearest_targets

        return nearest_targets(self.reference, self.query)

    def effect(self, met: Mask, reference_met: Mask, partner: NDArray[np.int64] | None = None) -> Effect:
        """Return the metric of the look-up, by name of the two sets; empty where `unmeasured` says why.

        ``with``: every query row in every reference row; ``shared``: the query rows that meet one; ``without``: every
        query row, in the reference rows that meet none. What is left with too few rows, or one class, is not there.

        Parameters
        ----------
        met, reference_met
            The rows of each set that meet one of the other.
        partner
            (n,) the reference row whose target a row that is `met` takes, where being nearest does not find it.
        """
        from genotool.floors import nearest_targets

        if unmeasured(self.query, self.reference, met):
            return {}
        rest = np.flatnonzero(~reference_met).astype(np.int64)
        scores = self.scores
        if partner is not None:
            scores = np.where(met, np.asarray(self.reference.target, np.float64)[partner], scores)
        assert self.query.task is not None
        measured: dict[str, float | str | None] = {"metric": HEADLINE[self.query.task]}
        measured |= self._value("with", np.ones(len(met), np.bool_), scores) | self._value("shared", met, scores)
        if len(rest) >= FEWEST_SCORED:
            left = nearest_targets(self.reference.take(rest), self.query)
            measured |= self._value("without", np.ones(len(met), np.bool_), left)
        return {f"{self.query.name} looked up in {self.reference.name}": measured}

    def _value(self, name: str, rows: Mask, scores: NDArray[np.float64]) -> dict[str, float]:
        task = self.query.task
        assert task is not None
        assert self.query.target is not None
        value = compute(task, self.query.target[rows], scores[rows], raw=True)[HEADLINE[task]]
        return {} if value is None else {name: float(value)}


def unmeasured(query: Dataset, reference: Dataset, met: Mask) -> str:
    """Return why no effect of the rows that meet is measured; empty where it is."""
    if query.target is None or reference.target is None:
        return "the rows have no target"
    if Task.MULTICLASS in (query.task, reference.task):
        return "there are more than two classes"
    count = int(met.sum())
    if count < FEWEST_SCORED:
        return f"{count} {'row is' if count == 1 else 'rows are'} too few to score ({FEWEST_SCORED} at least)"
    if len(query) * len(reference) > MOST_COMPARISONS:
        return "too many rows to compare each with each"
    return ""
