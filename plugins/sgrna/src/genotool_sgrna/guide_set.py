"""A set of guides with the features it is compared on, its classes, and what two sets share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from genotool.dataset import Dataset
from numpy.typing import NDArray

from genotool_sgrna import features

__all__ = ["GuideSet", "shared_genes", "shared_rows", "under_sampled"]


@dataclass(frozen=True, eq=False)
class GuideSet:
    """A data set, or one class of it, with its features.

    Attributes
    ----------
    name
        The set's name, ``hct116`` or ``hct116:class 1``.
    """

    name: str
    rows: Dataset
    numbers: dict[str, NDArray[np.float64]]
    bases: NDArray[np.int8]

    @classmethod
    def of(cls, rows: Dataset) -> GuideSet:
        """Compute the features of a data set; efficacy as its percentile, where there is one."""
        numbers = {"gc": features.gc_fraction(rows), "tm": features.melting_temperature(rows)}
        efficacy = features.efficacy(rows)
        if efficacy is not None:
            numbers["efficacy"] = features.percentiles(efficacy)
        return cls(rows.name, rows, numbers, features.position_bases(rows))

    def take(self, rows: NDArray[np.int64], name: str | None = None) -> GuideSet:
        """Return some rows, their percentiles still those in the whole set."""
        numbers = {feature: values[rows] for feature, values in self.numbers.items()}
        return GuideSet(name or self.name, self.rows.take(rows), numbers, self.bases[rows])

    @cached_property
    def first_rows(self) -> dict[str, int]:
        """Spacer to the first row that holds it."""
        return {text: row for row, text in reversed(list(enumerate(features.spacers(self.rows))))}

    @property
    def genes(self) -> NDArray[np.str_]:
        """(n,) the group of each row, "" where there is none."""
        return self.rows.groups if self.rows.groups is not None else np.full(len(self.rows), "", dtype="U1")

    def classes(self) -> tuple[GuideSet, GuideSet] | None:
        """Return the rows of class 1 and of class 0; None without two classes."""
        target = self.rows.target
        if target is None or len(self.rows.classes) != 2:
            return None
        high, low = (np.flatnonzero(target == code).astype(np.int64) for code in (1, 0))
        names = [f"{self.name}:{self.rows.classes[code]}" for code in (1, 0)]
        return self.take(high, names[0]), self.take(low, names[1])


def under_sampled(guides: GuideSet, seed: int) -> GuideSet | None:
    """Return the set with rows of its larger class left out at random until both are equal; None without."""
    from imblearn.under_sampling import RandomUnderSampler

    pair = guides.classes()
    if pair is None or not all(len(part.rows) for part in pair):
        return None
    sampler = RandomUnderSampler(random_state=seed)
    sampler.fit_resample(np.arange(len(guides.rows))[:, None], guides.rows.target)
    return guides.take(np.sort(sampler.sample_indices_).astype(np.int64))


def shared_rows(a: GuideSet, b: GuideSet) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows of the spacers that both sets hold, in the order of A; of repeated ones the first."""
    pairs = sorted((row, b.first_rows[text]) for text, row in a.first_rows.items() if text in b.first_rows)
    rows = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return rows[:, 0], rows[:, 1]


def shared_genes(a: GuideSet, b: GuideSet) -> NDArray[np.str_]:
    """Return the gene of each shared spacer, in the order of `shared_rows`: that of A, or else that of B."""
    in_a, in_b = shared_rows(a, b)
    in_either: NDArray[np.str_] = np.where(a.genes[in_a] != "", a.genes[in_a], b.genes[in_b])
    return in_either
