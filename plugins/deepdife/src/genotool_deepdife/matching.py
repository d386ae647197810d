"""Patterns matched to known motifs: TOMTOM (Gupta et al. 2007, Genome Biol 8:R24), through the package memelite.

A pattern is trimmed to its core first. Two factors that bind near each other make one pattern, and TOMTOM names one of
them: so what the best match leaves of a core is matched again, by itself. q-values are by Benjamini and Hochberg over
all these x all motifs of a run, so that at q < 0.05 about one match in twenty of the whole table is expected to be
wrong; MEME's own program corrects each pattern alone, over the motifs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from genotool.errors import UsageError
from numpy.typing import NDArray

from genotool_deepdife.cores import LEAST_SITE_BITS, NARROWEST, Stretch, core, own_between, site_bits
from genotool_deepdife.jaspar import Motif
from genotool_deepdife.modisco import Pattern

__all__ = ["FEW_MOTIFS", "Match", "Matched", "matched"]

FEW_MOTIFS = 50
"""With fewer targets TOMTOM's p-values depend on which they are: its background is their columns."""


@dataclass(frozen=True, slots=True)
class Match:
    """A stretch of a pattern beside a motif.

    Attributes
    ----------
    offset
        Where the stretch starts in the motif, turned where `turned`; below 0: before it.
    overlap
        Positions that both have.
    turned
        Whether the reverse complement of the motif is what fits.
    """

    pattern: str
    motif: Motif
    p: float
    q: float
    offset: int
    overlap: int
    turned: bool


class Matched(NamedTuple):
    """A stretch of a pattern beside every motif, the likeliest first."""

    stretch: Stretch
    matches: Sequence[Match]


def matched(patterns: Sequence[Pattern], motifs: Sequence[Motif], q: float = 0.05) -> list[list[Matched]]:
    """Return of each pattern its core beside every motif, then each stretch that the core's best match leaves.

    Parameters
    ----------
    q
        What the best match of a core has at most, where what it leaves is matched too.

    Raises
    ------
    UsageError
        If there is no motif to match to.
    """
    if not motifs:
        raise UsageError("there is no motif to match patterns to")
    if not patterns:
        return []
    places = [(row, core(pattern)) for row, pattern in enumerate(patterns)]
    fits = _fits(patterns, places, motifs)
    if left := list(_left(patterns, places, fits, q)):
        fits = _Fits(*map(np.concatenate, zip(fits, _fits(patterns, left, motifs), strict=True)))
    corrected, found = _corrected(fits.p), [list[Matched]() for _ in patterns]
    for number, (row, stretch) in enumerate([*places, *left]):
        ranked = [
            Match(patterns[row].name, motifs[at], float(fits.p[number, at]), float(corrected[number, at]),
                  int(fits.offsets[number, at]), int(fits.overlaps[number, at]), bool(fits.turned[number, at]))
            for at in np.argsort(fits.p[number], kind="stable").tolist()
        ]  # fmt: skip
        found[row].append(Matched(stretch, ranked))
    return found


class _Fits(NamedTuple):
    """TOMTOM's arrays of (stretches, motifs)."""

    p: NDArray[np.float64]
    offsets: NDArray[np.float64]
    overlaps: NDArray[np.float64]
    turned: NDArray[np.float64]


def _fits(patterns: Sequence[Pattern], places: Sequence[tuple[int, Stretch]], motifs: Sequence[Motif]) -> _Fits:
    """Return how stretches of patterns, these by their number, fit each motif."""
    from memelite import tomtom

    queries = [patterns[row].sequence[slice(*stretch)].T for row, stretch in places]
    # all motifs, never the nearest few: that call fails where there are fewer. One thread: the work is milliseconds,
    # the memory of a thread hundreds of megabytes
    p, _, offsets, overlaps, turned = tomtom(queries, [motif.probabilities().T for motif in motifs], n_jobs=1)
    return _Fits(p, offsets, overlaps, turned)


def _corrected(p: NDArray[np.float64]) -> NDArray[np.float64]:
    from genotool.statistics.tables import benjamini_hochberg

    return np.array(benjamini_hochberg(np.clip(p, 0, 1).ravel().tolist()), np.float64).reshape(p.shape)


def _left(
    patterns: Sequence[Pattern], places: Sequence[tuple[int, Stretch]], fits: _Fits, q: float
) -> Iterator[tuple[int, Stretch]]:
    """Yield what the best match of each core leaves on either side, where it tells as much as a site does."""
    corrected = _corrected(fits.p)
    for number, (row, (first, last)) in enumerate(places):
        best, sequence = int(np.argmin(fits.p[number])), patterns[row].sequence
        if corrected[number, best] > q:
            continue
        start = first + max(-int(fits.offsets[number, best]), 0)
        for side in ((first, start), (start + int(fits.overlaps[number, best]), last)):
            own = own_between(patterns[row], *side) if side[1] - side[0] >= NARROWEST else None
            if own is not None and site_bits(sequence[slice(*own)]) >= LEAST_SITE_BITS:
                yield row, own
