"""Scored sites of a scan: packed in 64 bits a guide, ranked, counted and chosen from.

A site takes 29 bytes: every NGG site of a human genome (some 300 million) fits in the memory of a server.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ranking", "ScoredSites", "pack", "unpack"]

Letters = NDArray[np.uint8]
Rows = NDArray[np.int64]

ALPHABET = np.frombuffer(b"ACGT", np.uint8)


def pack(letters: Letters) -> NDArray[np.uint64]:
    """Return (n,) uint64 of (n, length <= 32) letters A C G T, two bits a base, the first base highest."""
    two_bits = np.searchsorted(ALPHABET, letters).astype(np.uint64)
    codes = np.zeros(len(letters), np.uint64)
    for place in range(letters.shape[1]):
        codes = (codes << np.uint64(2)) | two_bits[:, place]
    return codes


def unpack(codes: NDArray[np.uint64], length: int) -> Letters:
    """Return the (n, length) letters that `pack` packed."""
    shifts = np.arange(2 * (length - 1), -1, -2, dtype=np.uint64)
    return ALPHABET[((codes[:, None] >> shifts) & np.uint64(3)).astype(np.int64)]


@dataclass(frozen=True, slots=True, eq=False)
class ScoredSites:
    """Every site of a scan with its score.

    Attributes
    ----------
    records, genes, lengths
        The names of the scanned records, the gene that each belongs to, and their lengths in bases.
    codes
        (n,) uint64: spacer and PAM, packed.
    record, start, minus
        (n,) the record's number, the 0-based start on its forward strand, whether on the reverse strand.
    score
        (n,) float64.
    spacer, pam
        Lengths in bases.
    """

    records: tuple[str, ...]
    genes: tuple[str, ...]
    lengths: NDArray[np.int64]
    codes: NDArray[np.uint64]
    record: NDArray[np.int32]
    start: NDArray[np.int64]
    minus: NDArray[np.bool_]
    score: NDArray[np.float64]
    spacer: int
    pam: int

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def spacer_codes(self) -> NDArray[np.uint64]:
        """(n,) the packed spacers, the PAM left off."""
        return self.codes >> np.uint64(2 * self.pam)

    def letters(self, rows: Rows) -> Letters:
        """Return (rows, spacer + PAM) letters, 5' to 3' on the guide's own strand."""
        return unpack(self.codes[rows], self.spacer + self.pam)

    def cut(self, rows: Rows) -> NDArray[np.int64]:
        """Return the 0-based base right of the cut, three bases from the PAM, on the forward strand."""
        return self.start[rows] + np.where(self.minus[rows], self.pam + 3, self.spacer - 3)


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """The order of the sites, best first, and how often each spacer occurs in the scan.

    Attributes
    ----------
    order
        (n,) site numbers, best score first; ties in the order of the file, by start, forward strand first.
    copies
        (n,) by site number: sites with the same spacer in the whole scan, itself included.
    """

    order: Rows
    copies: NDArray[np.int64]

    @classmethod
    def of(cls, sites: ScoredSites) -> Ranking:
        """Rank all sites."""
        order = np.lexsort((sites.minus, sites.start, sites.record, -sites.score)).astype(np.int64)
        _, which, counts = np.unique(sites.spacer_codes, return_inverse=True, return_counts=True)
        return cls(order, counts[which].astype(np.int64))

    def repeated(self, sites: ScoredSites) -> NDArray[np.bool_]:
        """Return (n,) by site number: whether a better-ranked site has the same spacer."""
        _, first = np.unique(sites.spacer_codes[self.order], return_index=True)
        again = np.ones(len(sites), bool)
        again[self.order[first]] = False
        return again

    def chosen(
        self,
        sites: ScoredSites,
        *,
        avoid: NDArray[np.bool_],
        per_record: int | None = None,
        per_gene: int | None = None,
        top: int | None = None,
    ) -> Rows:
        """Return the places in `order` of the sites to list: not avoided, best of each record, gene, and all.

        Parameters
        ----------
        avoid
            (n,) by site number: never chosen.
        """
        places = np.flatnonzero(~avoid[self.order]).astype(np.int64)
        if per_record is not None:
            places = best_of_each(places, sites.record[self.order[places]], per_record)
        if per_gene is not None:
            _, gene = np.unique(np.array(sites.genes, dtype=np.str_), return_inverse=True)
            places = best_of_each(places, gene[sites.record[self.order[places]]], per_gene)
        return places if top is None else places[:top]


def best_of_each(ranked: Rows, groups: NDArray[np.generic], count: int) -> Rows:
    """Return those of `ranked` (best first) that are among the first `count` of their group."""
    by_group = np.argsort(groups, kind="stable")
    ordered = groups[by_group]
    begins = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(ordered) else np.empty(0, np.int64)
    place = np.arange(len(ordered)) - np.repeat(begins, np.diff(np.r_[begins, len(ordered)]))
    return ranked[np.sort(by_group[place < count])]
