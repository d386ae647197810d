"""Find every guide of some sequences, spacer and PAM on both strands, and score them chunk by chunk."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genotool.dataset import Dataset, Kind
from genotool.errors import UsageError
from genotool.guides.ranked import ScoredSites, pack
from genotool.sequences import Sequences

__all__ = ["PAM", "SPACER", "Found", "check_pam", "chunks", "scan", "score_sites"]

PAM = "NGG"
SPACER = 20
CHUNK_BASES = 1 << 24
"""Records are scanned together up to this many bases; what is encoded at once is one batch of their sites."""


def check_pam(pam: str) -> str:
    """Return a PAM in upper case.

    Raises
    ------
    UsageError
        If it is not three IUPAC letters: models take guides of 20 + 3 bases.
    """
    if not re.fullmatch(r"[ACGTRYSWKMBDHVN]{3}", pam.upper()):
        raise UsageError(f"--pam takes three IUPAC letters, not {pam!r}", hint="NGG for SpCas9")
    return pam.upper()


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The sites of some records.

    Attributes
    ----------
    guides
        A data set of kind guides: columns guide, chrom, start and end (0-based, half open, spacer and PAM,
        on the forward strand), strand (``+`` or ``-``), record (the record's number).
    ambiguous
        Sites whose window holds another letter than A, C, G, T: left out.
    """

    guides: Dataset
    ambiguous: int


def scan(records: Dataset, *, pam: str = PAM, spacer: int = SPACER) -> Found:
    """Return every site of the records in their order, then by start, the forward strand first.

    Parameters
    ----------
    records
        A data set of kind sequences; its ids become ``chrom``.

    Raises
    ------
    UsageError
        If the rows are no sequences, or the PAM is none.
    """
    sites = _sequences(records).sites(pam=check_pam(pam), spacer=spacer)
    chrom = records.ids[sites.record]
    strand = np.where(sites.minus, "-", "+")
    end = sites.start + spacer + len(pam)
    parts = zip(chrom.tolist(), sites.start.tolist(), end.tolist(), strand.tolist(), strict=True)
    ids = np.array([f"{name}:{low}-{high}:{side}" for name, low, high, side in parts], dtype=np.str_)
    columns: dict[str, Any] = {
        "guide": sites.guides,
        "chrom": chrom,
        "start": sites.start,
        "end": end,
        "strand": strand,
        "record": sites.record,
    }
    return Found(Dataset(records.name, Kind.GUIDES, ids, columns, about=records.about), sites.ambiguous)


def _sequences(records: Dataset) -> Sequences:
    sequences = records.columns.get("sequence")
    if records.kind is not Kind.SEQUENCES or not isinstance(sequences, Sequences):
        raise UsageError(f"{records.name} holds {records.kind}: there is nothing to scan", hint="--scan takes FASTA")
    return sequences


def chunks(records: Dataset, bases: int = CHUNK_BASES) -> Iterator[Dataset]:
    """Yield the records in order, as many at a time as have `bases` together, one at least."""
    lengths = _sequences(records).lengths
    first, held = 0, 0
    for number, length in enumerate(lengths.tolist()):
        if held and held + length > bases:
            yield records.take(np.arange(first, number, dtype=np.int64))
            first, held = number, 0
        held += length
    if first < len(records):
        yield records.take(np.arange(first, len(records), dtype=np.int64))


def score_sites(
    parts: Iterable[Dataset],
    score: Callable[[Dataset], NDArray[np.float64]],
    *,
    pam: str = PAM,
    spacer: int = SPACER,
    batch_size: int,
) -> tuple[ScoredSites, int]:
    """Score every site of records that come in parts; return the sites and how many were ambiguous.

    Parameters
    ----------
    parts
        Data sets of kind sequences, such as `chunks` gives: one is held at a time. Their groups are genes;
        without any, a record is its own gene.
    score
        Guides to (n,) scores, called on `batch_size` rows at most.
    """
    names: list[str] = []
    genes: list[str] = []
    held: list[tuple[Any, ...]] = []
    lengths: list[NDArray[np.int64]] = []
    ambiguous = 0
    for part in parts:
        sequences = _sequences(part)
        sites = sequences.sites(pam=check_pam(pam), spacer=spacer)
        letters = sites.guides.data.reshape(-1, spacer + len(pam))
        scores = [score(guides) for guides in _batches(part.name, sites.guides, batch_size)]
        number = (sites.record + len(names)).astype(np.int32)
        held.append((pack(letters), number, sites.start, sites.minus, np.concatenate([np.empty(0), *scores])))
        names += part.ids.tolist()
        genes += (part.ids if part.groups is None else np.where(part.groups == "", part.ids, part.groups)).tolist()
        lengths.append(sequences.lengths)
        ambiguous += sites.ambiguous
    codes, record, start, minus, scored = (np.concatenate(column) for column in zip(*held, strict=True))
    found = ScoredSites(
        tuple(names),
        tuple(genes),
        np.concatenate(lengths),
        codes,
        record,
        start,
        minus,
        scored,
        spacer=spacer,
        pam=len(pam),
    )
    return found, ambiguous


def _batches(name: str, guides: Sequences, size: int) -> Iterator[Dataset]:
    for start in range(0, len(guides), size):
        rows = np.arange(start, min(start + size, len(guides)), dtype=np.int64)
        yield Dataset(name, Kind.GUIDES, rows.astype(np.str_), {"guide": guides.take(rows)})
