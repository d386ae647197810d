"""Patterns matched to known motifs: TOMTOM (Gupta et al. 2007, Genome Biol 8:R24), through the package memelite.

A pattern is trimmed to its core first. q-values are by Benjamini and Hochberg over all patterns x all motifs of a run,
so that at q < 0.05 about one match in twenty of the whole table is expected to be wrong; MEME's own program corrects
each pattern alone, over the motifs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from genotool.errors import UsageError
from numpy.typing import NDArray

from genotool_deepdife.jaspar import Motif
from genotool_deepdife.modisco import Pattern

__all__ = ["FEW_MOTIFS", "Match", "bits", "consensus", "core", "matches"]

FEW_MOTIFS = 50
"""With fewer targets TOMTOM's p-values depend on which they are: its background is their columns."""
LEAST_BITS = 0.3
"""A core begins and ends with a position that tells as much as this ..."""
LEAST_SHARE = 0.15
"""... and whose contribution is at least this share of the largest."""
NARROWEST = 5
IUPAC = {"AC": "M", "AG": "R", "AT": "W", "CG": "S", "CT": "Y", "GT": "K"}


@dataclass(frozen=True, slots=True)
class Match:
    """A pattern beside a motif.

    Attributes
    ----------
    offset
        Where the pattern's core starts in the motif, turned where `turned`; below 0: before it.
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


def bits(probabilities: NDArray[np.float64], pseudo: float = 1e-3) -> NDArray[np.float64]:
    """Return (width,) how many bits each position of (width, 4) shares tells, over four equal bases."""
    held = (probabilities + pseudo) / (probabilities + pseudo).sum(axis=1, keepdims=True)
    return np.asarray(2 + (held * np.log2(held)).sum(axis=1), np.float64)


def core(pattern: Pattern) -> tuple[int, int]:
    """Return first and last position (not included) of what is a pattern's own: conserved, and of consequence."""
    told, moved = bits(pattern.sequence), np.abs(pattern.contributions).sum(axis=1)
    good = np.flatnonzero((told >= LEAST_BITS) & (moved >= LEAST_SHARE * moved.max()))
    if not len(good):
        good = np.array([int(np.argmax(moved))])
    first, last = int(good[0]), int(good[-1]) + 1
    short = max(NARROWEST - (last - first), 0)
    first = min(max(first - (short + 1) // 2, 0), max(len(told) - NARROWEST, 0))
    return first, max(last, min(first + NARROWEST, len(told)))


def consensus(probabilities: NDArray[np.float64]) -> str:
    """Return IUPAC letters: one base above half and twice the next, two above three quarters, else N (Cavener 1987)."""
    return "".join(map(_letter, probabilities))


def _letter(shares: NDArray[np.float64]) -> str:
    best, second = np.argsort(-shares, kind="stable")[:2].tolist()
    if shares[best] > 0.5 and shares[best] >= 2 * shares[second]:
        return "ACGT"[best]
    if shares[best] + shares[second] > 0.75:
        return IUPAC["".join(sorted("ACGT"[one] for one in (best, second)))]
    return "N"


def matches(patterns: Sequence[Pattern], motifs: Sequence[Motif]) -> list[list[Match]]:
    """Return of each pattern every motif, the likeliest first.

    Raises
    ------
    UsageError
        If there is no motif to match to.
    """
    from genotool.statistics.tables import benjamini_hochberg
    from memelite import tomtom

    if not motifs:
        raise UsageError("there is no motif to match patterns to")
    if not patterns:
        return []
    queries = [pattern.sequence[slice(*core(pattern))].T for pattern in patterns]
    targets = [motif.probabilities().T for motif in motifs]
    # all motifs, never the nearest few: that call fails where there are fewer. One thread: the work is milliseconds,
    # the memory of a thread hundreds of megabytes
    p, _, offsets, overlaps, strands = tomtom(queries, targets, n_jobs=1)
    q = np.array(benjamini_hochberg(np.clip(p, 0, 1).ravel())).reshape(p.shape)
    return [
        [
            Match(pattern.name, motifs[at], float(p[row, at]), float(q[row, at]), int(offsets[row, at]),
                  int(overlaps[row, at]), bool(strands[row, at]))
            for at in np.argsort(p[row], kind="stable").tolist()
        ]
        for row, pattern in enumerate(patterns)
    ]  # fmt: skip
