"""What a guide is judged by besides its score: composition, terminator, hairpin, restriction sites.

Everything works on spacers as a (n, length) uint8 matrix of the letters A, C, G, T, one step a column, so
that a genome's guides take seconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genotool.errors import UnavailableError, UsageError, nearest

__all__ = [
    "SHORTEST_LOOP",
    "RestrictionSite",
    "gc_fraction",
    "hairpin_stem",
    "longest_run",
    "parse_sites",
    "poly_t",
]

Letters = NDArray[np.uint8]

IUPAC = {
    "A": "A", "C": "C", "G": "G", "T": "T", "R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC",
    "B": "CGT", "D": "AGT", "H": "ACT", "V": "ACG", "N": "ACGT",
}  # fmt: skip
COMPLEMENT = str.maketrans("ACGTRYSWKMBDHVN", "TGCAYRSWMKVHDBN")
TERMINATOR = 4
"""T in a row at which RNA polymerase III stops (Gao 2018, Mol Ther Nucleic Acids 10:36: four at least)."""
SHORTEST_LOOP = 3
"""Unpaired bases that a hairpin's loop holds at least (Turner rules)."""


def gc_fraction(spacers: Letters) -> NDArray[np.float64]:
    """Return (n,) the share of G and C."""
    fractions: NDArray[np.float64] = ((spacers == ord("G")) | (spacers == ord("C"))).mean(axis=1)
    return fractions


def longest_run(spacers: Letters, letter: str | None = None) -> NDArray[np.int64]:
    """Return (n,) the length of the longest homopolymer, of any letter or of one."""
    count, length = spacers.shape
    run = np.zeros(count, np.int64)
    longest = np.zeros(count, np.int64)
    for place in range(length):
        here = spacers[:, place]
        goes_on = here == spacers[:, place - 1] if place else np.zeros(count, bool)
        run = np.where(goes_on, run + 1, 1)
        if letter is not None:
            run = np.where(here == ord(letter), run, 0)
        longest = np.maximum(longest, run)
    return longest


def poly_t(spacers: Letters) -> NDArray[np.bool_]:
    """Return (n,) whether a spacer holds TTTT, which ends transcription from a U6 promoter."""
    return longest_run(spacers, "T") >= TERMINATOR


def hairpin_stem(spacers: Letters, loop: int = SHORTEST_LOOP) -> NDArray[np.int64]:
    """Return (n,) the longest stem that a spacer can fold into with itself, in Watson-Crick base pairs.

    Only perfect stems with a loop of at least `loop` bases count; G-U wobble and the scaffold are left out.
    """
    count, length = spacers.shape
    partner = np.zeros(256, np.uint8)
    for letter, other in zip(b"ACGT", b"TGCA", strict=True):
        partner[letter] = other
    pairs_with = partner[spacers]
    longest = np.zeros(count, np.int64)
    stem: dict[tuple[int, int], NDArray[np.int64]] = {}
    for distance in range(loop + 1, length):
        for left in range(length - distance):
            right = left + distance
            inner = stem.pop((left + 1, right - 1), 0)
            stem[left, right] = np.where(spacers[:, left] == pairs_with[:, right], inner + 1, 0)
            longest = np.maximum(longest, stem[left, right])
    return longest


@dataclass(frozen=True, slots=True)
class RestrictionSite:
    """A recognition sequence, found on both strands.

    Attributes
    ----------
    name
        The enzyme, or the sequence itself.
    sequence
        IUPAC letters, 5' to 3'.
    """

    name: str
    sequence: str

    def found_in(self, spacers: Letters) -> NDArray[np.bool_]:
        """Return (n,) whether a spacer holds the sequence or its reverse complement."""
        either = {self.sequence, self.sequence.translate(COMPLEMENT)[::-1]}
        found = np.zeros(len(spacers), bool)
        for sequence in either:
            for start in range(spacers.shape[1] - len(sequence) + 1):
                found |= _matches(spacers[:, start : start + len(sequence)], sequence)
        return found


def _matches(window: Letters, sequence: str) -> NDArray[np.bool_]:
    matches = np.ones(len(window), bool)
    for place, letter in enumerate(sequence):
        matches &= np.isin(window[:, place], np.frombuffer(IUPAC[letter].encode(), np.uint8))
    return matches


def parse_sites(text: str) -> tuple[RestrictionSite, ...]:
    """Return the sites of ``BsmBI,BbsI,GAATTC``: enzymes by name (any case), or sequences of IUPAC letters.

    Raises
    ------
    UsageError
        If a word is neither an enzyme that REBASE knows nor a sequence of at least 4 letters.
    UnavailableError
        If an enzyme is named and Biopython, which holds the table of enzymes, is not installed.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise UsageError("--avoid-site names no enzyme or sequence", hint="such as --avoid-site BsmBI,BbsI")
    return tuple(dict.fromkeys(_site(word) for word in words))


def _site(word: str) -> RestrictionSite:
    if re.fullmatch(r"[ACGTRYSWKMBDHVN]{4,}", word.upper()):
        if len(word) > 20:
            raise UsageError(f"--avoid-site {word}: a site of {len(word)} bases is longer than a spacer")
        return RestrictionSite(word.upper(), word.upper())
    try:
        from Bio import Restriction
    except ImportError as error:
        raise UnavailableError(
            f"the enzyme {word} cannot be looked up: Biopython is not installed",
            hint="install biopython, or give the recognition sequence: --avoid-site CGTCTC",
        ) from error
    known = {str(enzyme).casefold(): enzyme for enzyme in Restriction.AllEnzymes}  # type: ignore[attr-defined]
    if word.casefold() not in known:
        close = nearest(word, [str(enzyme) for enzyme in known.values()]).split(" known: ")[0]
        guess = close if close.startswith("did you mean") else "an enzyme that REBASE knows, or 4 to 20 IUPAC letters"
        raise UsageError(f"unknown enzyme {word!r} in --avoid-site", hint=guess)
    enzyme = known[word.casefold()]
    if not enzyme.site or set(enzyme.site) - set(IUPAC):
        raise UsageError(f"the recognition sequence of {enzyme} is not known", hint="give the sequence itself")
    return RestrictionSite(str(enzyme), str(enzyme.site))
