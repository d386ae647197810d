"""The forms in which ranked guides are written: TSV, BED6+, CRISPOR-like and a MAGeCK library.

Coordinates are 0-based, half open, on the forward strand of the record, and span spacer and PAM: the record's
slice ``[start:end]``, reverse-complemented where the strand is ``-``, is the guide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genotool.guides import annotate
from genotool.guides.ranked import Ranking, ScoredSites

__all__ = ["FORMATS", "Listing", "lines"]

Table = dict[str, list[Any]]
BLOCK = 65_536
ONLY_OTHER_FORMATS = ("scaled", "crispor_id")

FORMATS: dict[str, dict[str, str]] = {
    "tsv": {},
    "bed": {
        "#chrom": "record", "start": "start", "end": "end", "name": "spacer", "score": "scaled",
        "strand": "strand",
        "guide": "guide", "genotoolScore": "score", "rank": "rank", "copies": "copies", "gc": "gc",
        "poly_t": "poly_t", "homopolymer": "homopolymer", "hairpin_stem": "hairpin_stem",
        "sites": "sites", "seen": "seen",
    },
    "crispor": {
        "#seqId": "record", "guideId": "crispor_id", "targetSeq": "guide", "genotoolScore": "score",
        "genotoolRank": "rank", "exactCopiesInInput": "copies",
    },
    "mageck": {"sgRNA": "id", "sequence": "spacer", "gene": "gene"},
}  # fmt: skip
"""Format to the header of each column and where its values come from; the empty one writes every column.

CRISPOR's own specificity and efficacy columns are absent: those scores are not computed here. MAGeCK skips a
first line whose sequence is no DNA, so the header is safe.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """What is written of a scan.

    Attributes
    ----------
    places
        Which places of the ranking, best first.
    sites
        Restriction sites to mark.
    seen
        Spacer and PAM letters (n, length) to what the model saw of them in training; None: not known.
    label
        Scores to class names; None where the model gives a number.
    probability
        Whether a score is a probability: BED shows 1000 times it, else the place between lowest and highest.
    simulated
        Whether the model learned from simulated data: every row then says so.
    """

    scored: ScoredSites
    ranking: Ranking
    places: NDArray[np.int64]
    sites: tuple[annotate.RestrictionSite, ...]
    seen: Callable[[NDArray[np.uint8]], list[str]] | None
    label: Callable[[NDArray[np.float64]], list[str]] | None
    probability: bool
    simulated: bool


def lines(listing: Listing, style: str) -> Iterator[str]:
    """Yield the lines of a file, the header first, block by block; every line ends with a newline."""
    for start in range(0, max(len(listing.places), 1), BLOCK):
        table = _table(listing, listing.places[start : start + BLOCK])
        wanted = FORMATS[style] or {name: name for name in table if name not in ONLY_OTHER_FORMATS}
        columns = {head: table[source] for head, source in wanted.items() if source in table}
        if start == 0:
            yield "\t".join(columns) + "\n"
        for row in zip(*columns.values(), strict=True):
            yield "\t".join(map(str, row)) + "\n"


def _table(listing: Listing, places: NDArray[np.int64]) -> Table:
    """Return every column that any format wants, as lists of text and numbers."""
    scored = listing.scored
    rows = listing.ranking.order[places]
    letters = scored.letters(rows)
    table = _place_columns(scored, rows, letters)
    table |= _score_columns(listing, rows, letters)
    table["rank"] = (places + 1).tolist()
    table["copies"] = listing.ranking.copies[rows].tolist()
    table |= _spacer_columns(listing, letters[:, : scored.spacer])
    cut = scored.cut(rows)
    table["cut"] = cut.tolist()
    table["position"] = np.round(cut / scored.lengths[scored.record[rows]], 4).tolist()
    if listing.simulated:
        table["simulated"] = ["yes"] * len(rows)
    return table


def _place_columns(scored: ScoredSites, rows: NDArray[np.int64], letters: NDArray[np.uint8]) -> Table:
    record = [scored.records[number] for number in scored.record[rows].tolist()]
    start = scored.start[rows].tolist()
    end = [place + scored.spacer + scored.pam for place in start]
    strand = ["-" if minus else "+" for minus in scored.minus[rows].tolist()]
    guide = _text(letters)
    places = list(zip(record, start, end, strand, strict=True))
    return {
        "id": [f"{name}:{low}-{high}:{side}" for name, low, high, side in places],
        "record": record,
        "gene": [scored.genes[number] for number in scored.record[rows].tolist()],
        "start": start,
        "end": end,
        "strand": strand,
        "guide": guide,
        "spacer": [text[: scored.spacer] for text in guide],
        "pam": [text[scored.spacer :] for text in guide],
        "crispor_id": [_crispor_id(low, side, scored.spacer) for _, low, _, side in places],
    }


def _crispor_id(start: int, strand: str, spacer: int) -> str:
    """Return CRISPOR's name: the PAM's leftmost base on the forward strand, from 1, and the strand."""
    return f"{start + spacer + 1}forw" if strand == "+" else f"{start + 1}rev"


def _score_columns(listing: Listing, rows: NDArray[np.int64], letters: NDArray[np.uint8]) -> Table:
    score = listing.scored.score[rows]
    columns: Table = {
        "score": [f"{value:.6g}" for value in score.tolist()],
        "scaled": _scaled(listing, score).tolist(),
    }
    if listing.label is not None:
        columns["label"] = listing.label(score)
    columns["seen"] = ["unknown"] * len(rows) if listing.seen is None else listing.seen(letters)
    return columns


def _scaled(listing: Listing, score: NDArray[np.float64]) -> NDArray[np.int64]:
    if listing.probability:
        return np.clip(np.rint(1000 * score), 0, 1000).astype(np.int64)
    if not len(score):
        return np.empty(0, np.int64)
    low, high = float(listing.scored.score.min()), float(listing.scored.score.max())
    return np.rint(1000 * (score - low) / (high - low or 1.0)).astype(np.int64)


def _spacer_columns(listing: Listing, spacers: NDArray[np.uint8]) -> Table:
    columns: Table = {
        "gc": np.round(annotate.gc_fraction(spacers), 4).tolist(),
        "poly_t": ["yes" if found else "no" for found in annotate.poly_t(spacers).tolist()],
        "homopolymer": annotate.longest_run(spacers).tolist(),
        "hairpin_stem": annotate.hairpin_stem(spacers).tolist(),
    }
    if listing.sites:
        found = [(site.name, site.found_in(spacers)) for site in listing.sites]
        columns["sites"] = [",".join(name for name, rows in found if rows[row]) for row in range(len(spacers))]
    return columns


def _text(letters: NDArray[np.uint8]) -> list[str]:
    """Return each row of letters as a string."""
    if not letters.size:
        return []
    whole = np.ascontiguousarray(letters).view(f"S{letters.shape[1]}")[:, 0]
    return [row.decode() for row in whole.tolist()]
