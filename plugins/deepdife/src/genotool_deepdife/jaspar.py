"""JASPAR's motifs, from the releases that the package pyjaspar bundles; nothing is downloaded.

The motifs of a collection are read in one query from the bundled SQLite file, opened read-only: pyjaspar itself asks
for each motif several times, and opens the file to write.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from genotool.errors import UsageError, nearest
from numpy.typing import ArrayLike, NDArray

__all__ = ["BASES", "COLLECTION", "TAXON", "UNIFORM", "Motif", "latest_release", "motifs"]

BASES = "ACGT"
UNIFORM = (0.25, 0.25, 0.25, 0.25)
"""The background in which every base is as frequent."""
PSEUDOCOUNT = 0.8
"""Counts added to a position, a quarter to each base (Nishida, Frith and Nakai 2009, Nucleic Acids Res 37:939)."""
COLLECTION, TAXON = "CORE", "plants"

_CHOSEN = """
    SELECT DISTINCT m.ID, m.BASE_ID, m.VERSION, m.NAME
    FROM MATRIX m JOIN MATRIX_ANNOTATION t ON t.ID = m.ID AND t.TAG = 'tax_group'
    WHERE upper(m.COLLECTION) = upper(?) AND lower(t.VAL) = lower(?)
    AND NOT EXISTS (SELECT 1 FROM MATRIX n WHERE n.BASE_ID = m.BASE_ID AND n.VERSION > m.VERSION)
"""
_VALUES = """
    SELECT ID, "row", "col", val FROM MATRIX_DATA WHERE ID IN (SELECT value FROM json_each(?))
"""
_WORDS = """
    SELECT ID, TAG, VAL FROM MATRIX_ANNOTATION
    WHERE TAG IN ('family', 'class') AND ID IN (SELECT value FROM json_each(?)) ORDER BY ID, rowid
"""


@dataclass(frozen=True, slots=True, eq=False)
class Motif:
    """A motif of JASPAR.

    Attributes
    ----------
    matrix_id
        With its version, such as ``MA0930.3``.
    name
        The transcription factor, such as ``ABF3``.
    families, classes
        Of the factor's DNA-binding domain, as JASPAR names them; of a dimer there may be several.
    counts
        (width, 4) float64, A C G T: how many sites have each base.
    """

    matrix_id: str
    name: str
    families: tuple[str, ...]
    classes: tuple[str, ...]
    counts: NDArray[np.float64]

    def probabilities(self, pseudocount: float = PSEUDOCOUNT) -> NDArray[np.float64]:
        """Return (width, 4) float64 the share of each base, `pseudocount` added to each position's counts."""
        total = self.counts.sum(axis=1, keepdims=True)
        return np.asarray((self.counts + pseudocount / len(BASES)) / (total + pseudocount), np.float64)

    def log_odds(self, background: ArrayLike = UNIFORM, pseudocount: float = PSEUDOCOUNT) -> NDArray[np.float64]:
        """Return (width, 4) float64 bits: log2 of the share of each base over that in `background`, (4,)."""
        return np.asarray(np.log2(self.probabilities(pseudocount) / np.asarray(background, np.float64)), np.float64)


def latest_release() -> str:
    """Return the newest release that is bundled, such as ``JASPAR2026``."""
    import pyjaspar

    return str(pyjaspar.JASPAR_LATEST_RELEASE)


@cache
def motifs(collection: str = COLLECTION, taxon: str = TAXON, release: str | None = None) -> tuple[Motif, ...]:
    """Return the motifs of a collection and a taxonomic group, of each the latest version, by matrix id.

    Parameters
    ----------
    collection, taxon
        As JASPAR names them, in any case: ``CORE``, ``plants``.
    release
        Such as ``JASPAR2024``; None: the newest that is bundled.

    Raises
    ------
    UsageError
        If there is no such release, collection or taxon, or no motif in both; it lists those that there are.
    """
    with closing(_opened(release or latest_release())) as database:
        found = _motifs(database, collection, taxon)
        if not found:
            raise _nothing(database, collection, taxon)
    return found


def _opened(release: str) -> sqlite3.Connection:
    import pyjaspar

    if release not in pyjaspar.jaspar_releases:
        hint = nearest(release, pyjaspar.jaspar_releases)
        raise UsageError(f"no release {release!r} of JASPAR comes with pyjaspar", hint=hint)
    file = Path(pyjaspar.__file__).parent / "data" / pyjaspar.jaspar_releases[release]
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro&immutable=1", uri=True)


def _motifs(database: sqlite3.Connection, collection: str, taxon: str) -> tuple[Motif, ...]:
    chosen = database.execute(_CHOSEN, (collection, taxon)).fetchall()
    numbers = json.dumps([row[0] for row in chosen])
    cells: dict[int, list[tuple[int, int, float]]] = defaultdict(list)
    for number, base, place, value in database.execute(_VALUES, (numbers,)):
        cells[number].append((int(place), BASES.index(base), float(value)))
    words: dict[tuple[int, str], dict[str, None]] = defaultdict(dict)  # as a set, in order
    for number, tag, value in database.execute(_WORDS, (numbers,)):
        words[number, tag] |= {str(value): None} if value else {}
    made = [
        Motif(f"{base}.{version}", str(name), tuple(words[number, "family"]), tuple(words[number, "class"]),
              _table(cells[number]))
        for number, base, version, name in chosen
    ]  # fmt: skip
    return tuple(sorted(made, key=lambda motif: motif.matrix_id))


def _table(cells: list[tuple[int, int, float]]) -> NDArray[np.float64]:
    """Return (width, 4) counts of (place, base, count), in the order of the places; nobody writes into it."""
    places = {place: row for row, place in enumerate(sorted({place for place, _, _ in cells}))}
    table = np.zeros((len(places), len(BASES)))
    for place, base, value in cells:
        table[places[place], base] = value
    table.setflags(write=False)
    return table


def _nothing(database: sqlite3.Connection, collection: str, taxon: str) -> UsageError:
    """Return the error that says which of collection and taxon is unknown."""
    collections = [row[0] for row in database.execute("SELECT DISTINCT upper(COLLECTION) FROM MATRIX")]
    query = "SELECT DISTINCT lower(VAL) FROM MATRIX_ANNOTATION WHERE TAG = 'tax_group'"
    taxa = [row[0] for row in database.execute(query)]
    for word, value, known in (("collection", collection.upper(), collections), ("taxon", taxon.lower(), taxa)):
        if value not in known:
            return UsageError(f"JASPAR has no {word} {value!r}", hint=nearest(value, known))
    return UsageError(f"JASPAR has no motif of the taxon {taxon!r} in the collection {collection!r}")
