"""What of a pattern is its own: the stretch that is conserved and of consequence, as bits and as letters."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool_deepdife.modisco import Pattern

__all__ = ["LEAST_SITE_BITS", "NARROWEST", "SITE", "Stretch", "bits", "consensus", "core", "own_between", "site_bits"]

LEAST_BITS = 0.3
"""A core begins and ends with a position that tells as much as this ..."""
LEAST_SHARE = 0.15
"""... and whose contribution is at least this share of the largest."""
NARROWEST = 5
LEAST_SITE_BITS, SITE = 6.0, 8
"""What the best `SITE` letters of a stretch tell at least: less fits one place in 64 by chance, and is called no motif,
whatever the q of the likeliest. A wide, faint pattern tells no more by its width."""
IUPAC = {"AC": "M", "AG": "R", "AT": "W", "CG": "S", "CT": "Y", "GT": "K"}

Stretch: TypeAlias = tuple[int, int]
"""First and last position in a pattern, the last not included."""


def bits(probabilities: NDArray[np.float64], pseudo: float = 1e-3) -> NDArray[np.float64]:
    """Return (width,) how many bits each position of (width, 4) shares tells, over four equal bases."""
    held = (probabilities + pseudo) / (probabilities + pseudo).sum(axis=1, keepdims=True)
    return np.asarray(2 + (held * np.log2(held)).sum(axis=1), np.float64)


def site_bits(probabilities: NDArray[np.float64]) -> float:
    """Return what the best letters of (width, 4) shares tell: as many in a row as a site has."""
    told = bits(probabilities)
    return float(np.convolve(told, np.ones(min(SITE, len(told))), "valid").max())


def core(pattern: Pattern) -> Stretch:
    """Return what is a pattern's own: conserved, and of consequence; of what is neither, the base of most weight."""
    moved = np.abs(pattern.contributions).sum(axis=1)
    every, most = (0, len(moved)), int(np.argmax(moved))
    return own_between(pattern, *every) or _widened((most, most + 1), every)


def own_between(pattern: Pattern, first: int, last: int) -> Stretch | None:
    """Return what of some positions, the last not included, is the pattern's own; None where nothing is."""
    told, moved = bits(pattern.sequence), np.abs(pattern.contributions).sum(axis=1)
    good = (told >= LEAST_BITS) & (moved >= LEAST_SHARE * moved.max())
    own = np.flatnonzero(good[first:last]) + first
    return _widened((int(own[0]), int(own[-1]) + 1), (first, last)) if len(own) else None


def _widened(stretch: Stretch, within: Stretch) -> Stretch:
    """Return a stretch as wide as the narrowest may be, where what it lies within allows that."""
    (start, end), (first, last) = stretch, within
    short = max(NARROWEST - (end - start), 0)
    start = min(max(start - (short + 1) // 2, first), max(last - NARROWEST, first))
    return start, max(end, min(start + NARROWEST, last))


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
