"""Two sets of rows that nest in groups, counted by value: whole groups are drawn, permuted and flipped, never rows.

Every statistic that compares two distributions (a gap, a rank sum, a contingency table) is a function of how often
each value occurs on either side. So rows are counted once, by group and value, and a thousand draws are two
products of matrices: nothing is sorted again.

What may be exchanged when the two sides are alike: groups that lie on one side only are the same kind of thing, so
which side they are on is permuted. A group with rows on both sides is compared with itself: the sign of its part in
the difference is flipped. A row without a group is a group of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.statistics.intervals import CHUNK, multiplicities

__all__ = ["Tally"]

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Tally:
    """How often each distinct value occurs on side A and on side B, group by group.

    Attributes
    ----------
    values
        (v,) the distinct values, ascending.
    a, b
        (u, v) sparse counts, one row a group; the groups named come first, then every row without one.
    named
        How many of the u are groups that have a name.
    """

    values: NDArray[Any]
    a: Any
    b: Any
    named: int

    @classmethod
    def of(cls, a: NDArray[Any], b: NDArray[Any], groups: NDArray[np.str_] | None = None) -> Self:
        """Count two sets of values; `groups` names the group of each row of A and then of B, "" where there is none."""
        from scipy import sparse

        values, place = np.unique(np.concatenate([a, b]), return_inverse=True)
        rows = np.arange(len(place)) if groups is None else _units(groups)
        size, in_a = (int(rows.max()) + 1, len(values)), np.arange(len(place)) < len(a)

        def counted(some: NDArray[np.bool_]) -> Any:
            ones = np.ones(int(some.sum()))
            return sparse.coo_array((ones, (rows[some], place[some])), shape=size).tocsr()

        named = 0 if groups is None else len(np.unique(groups[groups != ""]))
        return cls(values, counted(in_a), counted(~in_a), named)

    @cached_property
    def totals(self) -> tuple[Floats, Floats]:
        """(v,) counts of A and of B."""
        return _summed(self.a, 0), _summed(self.b, 0)

    @cached_property
    def sizes(self) -> tuple[Floats, Floats]:
        """(u,) rows of each group on side A, and on side B."""
        return _summed(self.a, 1), _summed(self.b, 1)

    @cached_property
    def share(self) -> Floats:
        """(v,) the share of each value among all rows."""
        total = self.totals[0] + self.totals[1]
        return np.asarray(total / total.sum(), np.float64)

    @property
    def units(self) -> tuple[int, int]:
        """How many groups (rows without one counted as such) have rows on side A, and on side B."""
        of_a, of_b = self.sizes
        return int((of_a > 0).sum()), int((of_b > 0).sum())

    @cached_property
    def mixed(self) -> NDArray[np.bool_]:
        """(u,) whether a group has rows on both sides."""
        of_a, of_b = self.sizes
        mixed: NDArray[np.bool_] = (of_a > 0) & (of_b > 0)
        return mixed

    def resampled(self, draws: int, rng: np.random.Generator) -> Iterator[tuple[Floats, Floats]]:
        """Yield (some, v) counts of A and B when groups are drawn with replacement, and rows without one in their side.

        The cluster bootstrap (Field and Welsh 2007); `draws` counts in all.
        """
        named = [side[: self.named] for side in (self.a, self.b)]
        alone = [_summed(side[self.named :], 0) for side in (self.a, self.b)]
        for count in self._chunks(draws):
            times = multiplicities(rng, count, self.named) if self.named else np.zeros((count, 0))
            a, b = (times @ part + _redrawn(rest, count, rng) for part, rest in zip(named, alone, strict=True))
            yield a, b

    def exchanged(self, draws: int, rng: np.random.Generator) -> Iterator[Floats]:
        """Yield (some, v) differences, share in A less share in B, under the hypothesis that both sides are alike.

        Groups on one side only are permuted, the parts of the others flipped; `draws` differences in all.
        """
        whole, mixed = np.flatnonzero(~self.mixed), np.flatnonzero(self.mixed)
        rows = self.a[whole] + self.b[whole]
        part = self.a[mixed] / self.sizes[0].sum() - self.b[mixed] / self.sizes[1].sum()
        for count in self._chunks(draws):
            yield self._permuted(whole, rows, count, rng) + self._flipped(part, count, rng)

    def _permuted(self, whole: NDArray[np.int64], rows: Any, count: int, rng: np.random.Generator) -> Floats:
        """Put as many of the whole groups as A has on side A at random, the others on B; return their difference."""
        beside = [float(sizes.sum() - sizes[whole].sum()) for sizes in self.sizes]
        a = _picked(rows, int((self.sizes[0][whole] > 0).sum()), count, rng)
        return self._centred(a, beside[0]) - self._centred(_summed(rows, 0) - a, beside[1])

    def _centred(self, counts: Floats, beside: float) -> Floats:
        """Return counts less those expected, as shares of these rows and of those that stand beside them."""
        size = counts.sum(axis=1, keepdims=True)
        centred: Floats = (counts - size * self.share) / np.maximum(size + beside, 1)
        return centred

    def _flipped(self, part: Any, count: int, rng: np.random.Generator) -> Floats:
        signs = rng.choice(np.array([-1.0, 1.0]), (count, part.shape[0]))
        found: Floats = signs @ part - (signs @ _summed(part, 1))[:, None] * self.share
        return found

    def _chunks(self, draws: int) -> Iterator[int]:
        some = max(1, CHUNK // max(len(self.values), self.named, 1))
        yield from (min(some, draws - start) for start in range(0, draws, some))


def _summed(counts: Any, axis: int) -> Floats:
    return np.asarray(counts.sum(axis=axis), np.float64)


def _redrawn(counts: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """Return (draws, v) counts of as many rows, drawn with replacement from rows of these counts."""
    if not counts.any():
        return np.zeros((draws, len(counts)))
    return rng.multinomial(int(counts.sum()), counts / counts.sum(), draws).astype(np.float64)


def _picked(rows: Any, few: int, count: int, rng: np.random.Generator) -> Floats:
    """Return (count, v) sums of `few` of the rows, drawn without replacement."""
    from scipy import sparse

    fewer = min(few, rows.shape[0] - few)  # drawing those left out is the same
    chosen = [rng.choice(rows.shape[0], fewer, replace=False, shuffle=False) for _ in range(count * (fewer > 0))]
    places = np.concatenate(chosen) if chosen else np.empty(0, np.int64)
    pick = sparse.csr_array((np.ones(len(places)), places, np.arange(count + 1) * fewer), shape=(count, rows.shape[0]))
    drawn = np.asarray((pick @ rows).toarray(), np.float64)
    return drawn if fewer == few else _summed(rows, 0) - drawn


def _units(groups: NDArray[np.str_]) -> NDArray[np.int64]:
    """Return a code a row: named groups first, then rows without one, each its own."""
    named = groups != ""
    codes = np.empty(len(groups), np.int64)
    known, codes[named] = np.unique(groups[named], return_inverse=True)
    codes[~named] = len(known) + np.arange(int((~named).sum()))
    return codes
