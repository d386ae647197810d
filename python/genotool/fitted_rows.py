"""Which rows each fitted state of a model has seen: their number and one digest, as ``fitted.json`` keeps them.

A row's digest is the SHA-256 of its id, its key (letters of sequences, or the 64-bit digest of a matrix row that the
training keys hold) and its target, each after its length; a class by its name, a number as a little-endian float64.
The digest of some rows is the SHA-256 over their digests, sorted: the same whatever the order of the rows.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.audit.keys import keys_of
from genotool.dataset import ORIGIN, Dataset
from genotool.split import Part

__all__ = ["FILE", "FORMAT", "FittedRows", "digest_of", "row_digests"]

FILE = "fitted.json"
FORMAT = 1
BATCH = 4096

Digests: TypeAlias = NDArray[np.bytes_]


def row_digests(rows: Dataset) -> Digests:
    """Return (n,) the SHA-256 of each row, 32 bytes in the type ``V32``."""
    made = [_digest(row) for batch in rows.batches(BATCH) for row in _cells(batch)]
    return np.frombuffer(b"".join(made), "V32")


def digest_of(digests: Digests) -> dict[str, Any]:
    """Return the number of some rows and the digest of all of them, whatever their order."""
    ordered = sorted(digests.tolist())
    return {"n": len(ordered), "digest": hashlib.sha256(b"".join(ordered)).hexdigest()}


def _digest(cells: Sequence[bytes]) -> bytes:
    digest = hashlib.sha256()
    for cell in cells:
        digest.update(len(cell).to_bytes(8, "little") + cell)
    return digest.digest()


def _cells(batch: Dataset) -> Iterator[tuple[bytes, ...]]:
    keys = keys_of(batch)
    held = [[text.encode() for text in column] for column in keys.columns]
    if keys.digests is not None:
        held = [[value.tobytes() for value in keys.digests.astype("<u8")]]
    return zip((row.encode() for row in batch.ids.tolist()), *held, _targets(batch), strict=True)


def _targets(batch: Dataset) -> list[bytes]:
    if batch.target is None:
        return [b""] * len(batch)
    if batch.classes:
        return [batch.classes[code].encode() for code in batch.target.tolist()]
    return [value.tobytes() for value in np.asarray(batch.target, "<f8")]


def by_set(rows: Dataset) -> dict[str, Dataset]:
    """Return the rows of each of the data sets that were joined, their ids as they are there; else one set."""
    if ORIGIN not in rows.columns:
        return {rows.name: rows}
    origin = np.asarray(rows.columns[ORIGIN])
    parts = {}
    for name in dict.fromkeys(origin.tolist()):
        part = rows.take(np.flatnonzero(origin == name).astype(np.int64))
        ids = np.array([row.removeprefix(f"{name}:") for row in part.ids.tolist()], np.str_)
        parts[str(name)] = dataclasses.replace(part, ids=ids)
    return parts


@dataclass(slots=True)
class FittedRows:
    """Notes what each state of one training was fitted on, from the very rows that were handed to it.

    Attributes
    ----------
    states
        State to the parts of the split that its rows are from, and of each data set ``n`` and ``digest``.
    """

    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    _known: list[tuple[Dataset, dict[str, Any]]] = field(default_factory=list)

    def note(self, state: str, rows: Dataset, *parts: Part) -> None:
        """Note the rows that a state was fitted on; rows noted before are not read again."""
        sets = next((found for known, found in self._known if known is rows), None)
        if sets is None:
            sets = {name: digest_of(row_digests(part)) for name, part in by_set(rows).items()}
            self._known.append((rows, sets))
        self.states[state] = {"parts": [part.name.lower() for part in parts], "sets": sets}

    def to_json(self) -> dict[str, Any]:
        """Return what ``fitted.json`` holds."""
        return {"format": FORMAT, "states": self.states}
