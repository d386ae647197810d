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
Floats = NDArray[np.float64]

FEWEST_SCORED = 20
"""Rows that a metric needs to be more than chance."""
LEAST_SHARE = 0.01
"""The share of rows below which leaving their partners out moves the metric of a whole set by nothing to speak of."""
MOST_COMPARISONS = 300_000_000
"""Pairs of rows that a look-up of the whole set is worth: about ten seconds."""


class LookUp:
    """Looking up the target of each row of `query` at the nearest rows of `reference`."""

    def __init__(self, query: Dataset, reference: Dataset) -> None:
        self.query, self.reference = query, reference

    @cached_property
    def scores(self) -> Floats:
        """(n,) the mean target of the nearest reference rows."""
        from genotool.floors import nearest_targets

        return nearest_targets(self.reference, self.query)

    def effect(self, met: Mask, reference_met: Mask, partner: NDArray[np.int64] | None = None) -> Effect:
        """Return the metric of the look-up, by name of the two sets; empty where `unmeasured` says why.

        ``shared``: the query rows that meet one; ``with``: every query row in every reference row; ``without``: every
        query row, in the reference rows that meet none. The last two where `LEAST_SHARE` and `MOST_COMPARISONS` allow.

        Parameters
        ----------
        met, reference_met
            The rows of each set that meet one of the other.
        partner
            (n,) the reference row whose target a row that is `met` takes, where being nearest does not find it.
        """
        if unmeasured(self.query, self.reference, met):
            return {}
        rows = np.flatnonzero(met).astype(np.int64)
        whole = len(rows) >= LEAST_SHARE * len(met) and len(met) * len(self.reference) <= MOST_COMPARISONS
        shared = self._shared(rows, partner, whole=whole)
        assert self.query.task is not None
        measured: dict[str, float | str | None] = {"metric": HEADLINE[self.query.task]}
        if whole:
            everything = self.scores.copy()
            everything[rows] = shared
            measured |= self._value("with", np.arange(len(met)), everything) | self._without(reference_met)
        measured |= self._value("shared", rows, shared)
        return {f"{self.query.name} looked up in {self.reference.name}": measured} if len(measured) > 1 else {}

    def _shared(self, rows: NDArray[np.int64], partner: NDArray[np.int64] | None, *, whole: bool) -> Floats:
        from genotool.floors import nearest_targets

        if partner is not None:
            return np.asarray(self.reference.target, np.float64)[partner[rows]]
        return self.scores[rows] if whole else nearest_targets(self.reference, self.query.take(rows))

    def _without(self, reference_met: Mask) -> dict[str, float]:
        from genotool.floors import nearest_targets

        rest = np.flatnonzero(~reference_met).astype(np.int64)
        if len(rest) < FEWEST_SCORED:
            return {}
        left = nearest_targets(self.reference.take(rest), self.query)
        return self._value("without", np.arange(len(self.query)), left)

    def _value(self, name: str, rows: NDArray[np.int64], scores: Floats) -> dict[str, float]:
        task = self.query.task
        assert task is not None
        assert self.query.target is not None
        value = compute(task, self.query.target[rows], scores, raw=True)[HEADLINE[task]]
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
    if count * len(reference) > MOST_COMPARISONS:
        return "too many rows to compare each with each"
    return ""
