"""Where the cores of a pattern's seqlets lie, and what part of all contributions of their sign they hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genotool_deepdife.attributed import Attributed
from genotool_deepdife.cores import core
from genotool_deepdife.modisco import SIGNS, Pattern

__all__ = ["Evidence", "Sites", "covered", "evidence", "sites"]


@dataclass(frozen=True, slots=True, eq=False)
class Sites:
    """The cores of a pattern's seqlets, by row and start.

    Attributes
    ----------
    rows, starts, ends
        (m,) int64; positions from 0, the end not included.
    turned
        (m,) bool: on the reverse strand of the pattern as it is drawn.
    contributions
        (m,) float64: the sum over the core.
    """

    rows: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    turned: NDArray[np.bool_]
    contributions: NDArray[np.float64]

    def mask(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Return (n, length): the positions that a core covers."""
        found = np.zeros(shape, np.bool_)
        for row, start, end in zip(self.rows.tolist(), self.starts.tolist(), self.ends.tolist(), strict=True):
            found[row, start:end] = True
        return found


def sites(pattern: Pattern, contributions: NDArray[np.float32]) -> Sites:
    """Return the cores of a pattern's seqlets.

    Parameters
    ----------
    contributions
        (n, length): of the base that is there.
    """
    first, last = core(pattern)
    starts = np.where(pattern.turned, pattern.ends - last, pattern.starts + first)
    ends = starts + (last - first)
    order = np.lexsort((starts, pattern.rows))
    rows, starts, ends = pattern.rows[order], starts[order], ends[order]
    sums = [float(contributions[row, start:end].sum(dtype=np.float64))
            for row, start, end in zip(rows.tolist(), starts.tolist(), ends.tolist(), strict=True)]  # fmt: skip
    return Sites(rows, starts, ends, pattern.turned[order], np.array(sums, np.float64))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a pattern comes to, over all rows and over those of each class.

    Attributes
    ----------
    share
        What its cores hold of all contributions of its sign, wherever they lie; 0 to 1.
    rows, of
        Rows with the pattern, of so many.
    """

    share: float
    rows: int
    of: int


def evidence(found: Sites, sign: int, explained: Attributed) -> dict[str, Evidence]:
    """Return the evidence over all rows (``all``) and over the rows of each class, by its name."""
    contributions = np.clip(sign * explained.contributions, 0, None).astype(np.float64)
    mask = found.mask(contributions.shape)
    held = {"all": np.ones(len(mask), np.bool_)}
    if explained.target is not None:
        held |= {name: explained.target == code for code, name in enumerate(explained.classes)}
    return {
        name: Evidence(_share(contributions[which], mask[which]), int(mask[which].any(axis=1).sum()), int(which.sum()))
        for name, which in held.items()
    }


def covered(patterns: list[tuple[Pattern, Sites]], contributions: NDArray[np.float32]) -> dict[str, float]:
    """Return for each sign what the cores of all its patterns together hold of its contributions."""
    shares = {}
    for name, sign in SIGNS.items():
        mask = np.zeros(contributions.shape, np.bool_)
        for pattern, found in patterns:
            if pattern.sign == sign:
                mask |= found.mask(contributions.shape)
        shares[name] = _share(np.clip(sign * contributions, 0, None).astype(np.float64), mask)
    return shares


def _share(contributions: NDArray[np.float64], mask: NDArray[np.bool_]) -> float:
    total = float(contributions.sum())
    return float(contributions[mask].sum()) / total if total > 0 else 0.0
