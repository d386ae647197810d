"""Keys: what rows are, apart from their labels, in a form that can be compared, stored with a model, and
read again.

A key file is ``GTKEYS1``, a line of JSON (kind, roles, n, packing, SHA-256 of the body), and the body:
sorted unique
sequences, two bits a base where they are ACGT alone, or sorted 64-bit row digests for rows that are no
sequences.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.dataset import KEY_COLUMNS, Dataset, Kind
from genotool.errors import InputError
from genotool.run import write_atomically
from genotool.sequences import Sequences

__all__ = ["ModelKeys", "keys_of", "read_keys", "write_keys"]

Digests: TypeAlias = NDArray[np.uint64]

MAGIC = b"GTKEYS1\n"
BASES = b"ACGT"
HINT = "copy the model's folder again; without this file it counts as one whose training rows are not known"


@dataclass(frozen=True, slots=True, eq=False)
class ModelKeys:
    """The keys of some rows: the rows that a model was trained on, or those of a data set.

    Attributes
    ----------
    name
        Whose they are, as a finding names it.
    kind
        What a row is.
    columns
        One `Sequences` a key role; empty where rows are no sequences.
    digests
        (n,) 64-bit digests where `columns` is empty, else None.
    """

    name: str
    kind: Kind
    columns: tuple[Sequences, ...]
    digests: Digests | None = None

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else len(self.digests if self.digests is not None else ())


def keys_of(dataset: Dataset) -> ModelKeys:
    """Return the keys of a data set, a row each, in its order."""
    columns = tuple(column for column in dataset.keys if isinstance(column, Sequences))
    if columns:
        return ModelKeys(dataset.name, dataset.kind, columns)
    return ModelKeys(dataset.name, dataset.kind, (), _row_digests(dataset))


def _row_digests(dataset: Dataset) -> Digests:
    names = b"" if dataset.features is None else hashlib.sha256("\n".join(dataset.features.tolist()).encode()).digest()
    (column,) = dataset.keys
    digests = np.empty(len(dataset), np.uint64)
    for row in range(len(dataset)):
        digests[row] = int.from_bytes(
            hashlib.blake2b(names + _row_bytes(column, row), digest_size=8).digest(), "little"
        )
    return digests


def _row_bytes(column: Any, row: int) -> bytes:
    """Return the columns that are not 0 and their values: the same for a dense and a sparse row."""
    if hasattr(column, "indptr"):
        some = slice(int(column.indptr[row]), int(column.indptr[row + 1]))
        order = np.argsort(column.indices[some], kind="stable")
        places, values = column.indices[some][order], column.data[some][order]
    else:
        values = np.asarray(column[row] if isinstance(column, np.ndarray) else column.take(np.array([row]))[0])
        places = np.arange(len(values))
    kept = values != 0
    return bytes(places[kept].astype("<i8").tobytes() + values[kept].astype("<f8").tobytes())


def write_keys(path: Path, rows: Dataset, earlier: ModelKeys | None = None) -> None:
    """Write the keys of the rows that a model was trained on; each key once, sorted, labels and order left out.

    Parameters
    ----------
    earlier
        What the model that this one started from had seen: it has been seen all the same.
    """
    keys = keys_of(rows) if earlier is None else joined(keys_of(rows), earlier)
    header: dict[str, Any] = {
        "kind": str(keys.kind),
        "roles": list(KEY_COLUMNS[keys.kind]),
        "name": keys.name,
    }
    if keys.digests is not None:
        distinct = np.unique(keys.digests)
        header |= {"n": len(distinct), "packing": "digests"}
        body = distinct.astype("<u8").tobytes()
    else:
        ordered = sorted(set(zip(*keys.columns, strict=True)))
        columns = [list(column) for column in zip(*ordered, strict=True)] or [[] for _ in keys.columns]
        letters = "".join(letter for column in columns for letter in column).encode()
        lengths = np.array([len(text) for column in columns for text in column], "<u4")
        packing = "8bit" if letters.translate(None, BASES) else "2bit"
        header |= {"n": len(ordered), "packing": packing}
        header["length"] = int(lengths[0]) if len(lengths) and (lengths == lengths[0]).all() else None
        body = (b"" if header["length"] is not None else lengths.tobytes()) + _pack(letters, packing)
    header["sha256"] = hashlib.sha256(body).hexdigest()
    write_atomically(path, MAGIC + json.dumps(header, sort_keys=True).encode() + b"\n" + body)


def joined(keys: ModelKeys, earlier: ModelKeys) -> ModelKeys:
    """Return the keys of both; of different kinds they cannot meet, and only the first are kept."""
    if keys.kind != earlier.kind:
        return keys
    names = dict.fromkeys((*keys.name.split(", "), *earlier.name.split(", ")))
    keys = dataclasses.replace(keys, name=", ".join(names))
    if keys.digests is not None and earlier.digests is not None:
        return dataclasses.replace(keys, digests=np.concatenate([keys.digests, earlier.digests]))
    pairs = zip(keys.columns, earlier.columns, strict=True)
    return dataclasses.replace(keys, columns=tuple(Sequences.concat([one, two]) for one, two in pairs))


def _pack(letters: bytes, packing: str) -> bytes:
    if packing == "8bit":
        return letters
    codes = np.frombuffer(letters.translate(bytes.maketrans(BASES, bytes(range(4)))), np.uint8)
    quads = np.concatenate([codes, np.zeros(-len(codes) % 4, np.uint8)]).reshape(-1, 4)
    packed = np.asarray(quads @ np.array([64, 16, 4, 1], np.uint8), np.uint8)
    return bytes(packed.tobytes())


def _unpack(body: bytes, total: int, packing: str) -> NDArray[np.uint8]:
    packed = np.frombuffer(body, np.uint8)
    if packing == "8bit":
        return packed
    codes = (packed[:, None] >> np.array([6, 4, 2, 0], np.uint8)) & 3
    letters: NDArray[np.uint8] = np.frombuffer(BASES, np.uint8)[codes.reshape(-1)[:total]]
    return letters


def read_keys(path: Path, kinds: Collection[Kind] | None = None) -> ModelKeys:
    """Read and check a key file.

    Parameters
    ----------
    kinds
        The kinds of rows that the model of these keys takes; None: any.

    Raises
    ------
    InputError
        If it is no key file, is cut off, does not have its digest, is not sorted, or holds another kind of rows.
    """
    try:
        keys = _read(path.read_bytes(), path)
    except (OSError, InputError) as error:
        said = error.message if isinstance(error, InputError) else f"{path}: cannot be read: {error.strerror}"
        raise InputError(said, hint=HINT) from error
    if kinds is not None and keys.kind not in kinds:
        takes = ", ".join(sorted(kinds))
        raise InputError(f"these training keys are of {keys.kind}, the model takes {takes}", file=path, hint=HINT)
    return keys


def _read(content: bytes, path: Path) -> ModelKeys:
    head, _, body = content.removeprefix(MAGIC).partition(b"\n")
    if not content.startswith(MAGIC):
        raise InputError("this is no file of training keys", file=path)
    try:
        header = json.loads(head)
        kind, n, packing = Kind(header["kind"]), int(header["n"]), header["packing"]
        name, expected, length = str(header["name"]), header["sha256"], header.get("length")
        roles = tuple(header["roles"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise InputError(f"the header of the training keys is damaged: {error}", file=path) from error
    if roles != KEY_COLUMNS[kind] or n < 1 or not (length is None or (type(length) is int and length >= 0)):
        raise InputError("the header of the training keys is damaged", file=path)
    if hashlib.sha256(body).hexdigest() != expected:
        raise InputError("the training keys do not have the digest that their header names", file=path)
    if (packing == "digests") != (kind is Kind.MATRIX):
        raise InputError(f"training keys of {kind} are not packed as {packing}", file=path)
    if packing == "digests":
        return ModelKeys(name, kind, (), _read_digests(body, n, path))
    if packing not in ("2bit", "8bit"):
        raise InputError("the header of the training keys is damaged", file=path)
    return ModelKeys(name, kind, _read_columns(body, len(KEY_COLUMNS[kind]), n, length, packing, path))


def _read_digests(body: bytes, n: int, path: Path) -> Digests:
    digests = np.frombuffer(body, "<u8") if len(body) == 8 * n else None
    if digests is None or np.any(digests[1:] <= digests[:-1]):
        raise InputError("the training keys are cut off or not sorted", file=path)
    return digests.astype(np.uint64)


def _read_columns(
    body: bytes, columns: int, n: int, length: int | None, packing: str, path: Path
) -> tuple[Sequences, ...]:
    rows = columns * n
    listed = 0 if length is not None else 4 * rows
    if len(body) < listed:
        raise InputError("the training keys are cut off", file=path)
    total = rows * length if length is not None else int(np.frombuffer(body[:listed], "<u4").sum(dtype=np.int64))
    if len(body) - listed != (math.ceil(total / 4) if packing == "2bit" else total):
        raise InputError("the training keys do not have the size that their header names", file=path)
    lengths = (
        np.full(rows, length, np.int64) if length is not None else np.frombuffer(body[:listed], "<u4").astype(np.int64)
    )
    try:
        everything = Sequences(_unpack(body[listed:], total, packing), np.concatenate([[0], np.cumsum(lengths)]))
    except InputError as error:
        raise InputError(f"the training keys hold what is no sequence: {error.message}", file=path) from error
    parts = tuple(everything.take(np.arange(start * n, (start + 1) * n)) for start in range(columns))
    texts = list(zip(*parts, strict=True))
    if any(later <= earlier for earlier, later in pairwise(texts)):
        raise InputError("the training keys are not sorted", file=path)
    return parts
