"""Rows of a large matrix by their numbers: training, validation and test rows without a copy of the matrix each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LARGE", "RowView", "Stacked", "below", "read", "taken"]

LARGE = 2**26
"""Bytes up to which rows that are taken are copied: a view costs more than that saves."""
BLOCK = 2**24


@dataclass(frozen=True, slots=True, eq=False)
class RowView:
    """Some rows of a matrix, in some order; read when they are asked for; a `LazyColumn` that indexes like an array.

    Attributes
    ----------
    matrix
        (rows, width), shared and never written to.
    rows
        (n,) row numbers.
    """

    matrix: NDArray[Any]
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and width."""
        return len(self.rows), int(self.matrix.shape[1])

    @property
    def size(self) -> int:
        """Values."""
        return self.shape[0] * self.shape[1]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the matrix."""
        return self.matrix.dtype

    def __getitem__(self, item: Any) -> Any:
        if not isinstance(item, tuple):
            return self.matrix[self.rows[item]]
        first, second = item
        rows, columns = self.rows[first], np.arange(self.shape[1])[second]
        if isinstance(first, slice) and np.ndim(columns):  # only what is asked for is read, not whole rows
            return self.matrix[rows[:, None], columns]
        return self.matrix[rows, second]

    def take(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Return the given rows, in that order, as an array."""
        taken: NDArray[Any] = self.matrix[self.rows[rows]]
        return taken

    def view(self, rows: NDArray[np.int64]) -> RowView | NDArray[Any]:
        """Return the given rows: a view where they are many, else an array."""
        return taken(self.matrix, self.rows[rows])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self.matrix[self.rows], dtype)

    def digest_bytes(self) -> bytes:
        """Return the SHA-256 of the rows, equal to that of an array that holds them."""
        digest = hashlib.sha256()
        for part in self._blocks():
            digest.update(np.ascontiguousarray(part).tobytes())
        return digest.digest()

    def _blocks(self) -> Iterator[NDArray[Any]]:
        step = max(1, BLOCK // max(self.matrix[:1].nbytes, 1))
        for start in range(0, len(self.rows), step):
            yield self.matrix[self.rows[start : start + step]]


@dataclass(frozen=True, slots=True, eq=False)
class Stacked:
    """Tables below each other, none of them copied; each has a shape and gives an array for a slice of its rows."""

    parts: tuple[Any, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and width."""
        return sum(part.shape[0] for part in self.parts), int(self.parts[0].shape[1])

    @property
    def size(self) -> int:
        """Values."""
        return self.shape[0] * self.shape[1]

    def __getitem__(self, item: slice | tuple[slice, Any]) -> NDArray[Any]:
        rows, columns = item if isinstance(item, tuple) else (item, slice(None))
        start, stop, _ = rows.indices(self.shape[0])
        found, first = [], 0
        for part in self.parts:
            own = slice(max(start - first, 0), min(max(stop - first, 0), part.shape[0]))
            found += [part[own, columns]] if own.start < own.stop else []
            first += part.shape[0]
        return np.concatenate(found) if found else np.asarray(self.parts[0][:0, columns])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype)


def taken(matrix: NDArray[Any], rows: NDArray[np.int64]) -> RowView | NDArray[Any]:
    """Return rows of an array: a view of a table that is large, else a copy."""
    if matrix.ndim == 2 and len(rows) * matrix[:1].nbytes > LARGE:
        return RowView(matrix, rows)
    return matrix[rows]


def below(parts: Sequence[Any]) -> NDArray[Any] | RowView | Stacked:
    """Return tables below each other; views of one matrix stay one, and what is no array yet is not made one."""
    views = [part for part in parts if isinstance(part, RowView)]
    if len(views) == len(parts) and all(view.matrix is views[0].matrix for view in views):
        return RowView(views[0].matrix, np.concatenate([view.rows for view in views]))
    if all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate(parts)
    return Stacked(tuple(parts))


def read(table: Any) -> Any:
    """Return an array for what can be read as one; a sparse table as it is."""
    return np.asarray(table) if hasattr(table, "__array__") else table
