"""The border between Python and the kernels: errors, arguments and the arrays that are written.

Kernels write into arrays that NumPy has allocated; what they refuse becomes an error of ours here.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genotool import _native
from genotool.errors import InputError, UsageError

__all__ = ["arrow_buffers", "choice", "dtype_of", "kernel_errors", "natural", "row_numbers", "target_array"]

Rows: TypeAlias = NDArray[np.int64]


@contextmanager
def kernel_errors(file: str | PathLike[str] | None = None, records: Rows | None = None) -> Iterator[None]:
    """Turn what a kernel refuses into `InputError` (with file, 1-based row, value, hint) or `UsageError`.

    `records` says, from 0, of which record of the file each row of the kernel is.
    """
    try:
        yield
    except _native.KernelError as error:
        kind, message, row, value, hint = error.args
        if kind == "usage":
            raise UsageError(message, hint=hint) from None
        if row is not None:
            row = 1 + (row if records is None else int(records[row]))
        place = None if file is None else str(file)
        raise InputError(message, file=place, row=row, value=value, hint=hint) from None


def arrow_buffers(array: Any) -> tuple[NDArray[np.uint8], Rows]:
    """Return letters and offsets of an Arrow array of strings; the letters are still those of the array."""
    kind = str(array.type)
    if kind not in {"string", "large_string", "binary", "large_binary"}:
        raise InputError(f"an Arrow array of {kind} holds no sequences", hint="cast it to string or large_string")
    width = np.dtype(np.int64 if kind.startswith("large") else np.int32)
    valid, ends, letters = array.buffers()
    count, start = len(array), array.offset
    if array.null_count and valid is not None:
        bits = np.unpackbits(np.frombuffer(valid, np.uint8), bitorder="little")[start : start + count]
        raise InputError("the sequence is missing (null)", row=int(np.argmin(bits)) + 1, hint="leave out such rows")
    if not count:
        return np.empty(0, np.uint8), np.zeros(1, np.int64)
    offsets = np.frombuffer(ends, width, count + 1, start * width.itemsize).astype(np.int64)
    data = np.frombuffer(letters, np.uint8) if letters is not None else np.empty(0, np.uint8)
    return data[offsets[0] : offsets[-1]], offsets - offsets[0]


def choice(what: str, word: str, known: tuple[str, ...]) -> None:
    """Raise `UsageError` for a word that is not one of those known."""
    if word not in known:
        raise UsageError(f"unknown {what} {word!r}", hint=f"one of {', '.join(known)}")


def natural(what: str, number: Any) -> int:
    """Return a number that is not negative; raise `UsageError` for one that is, or for no whole number."""
    try:
        whole = operator.index(number)
    except TypeError:
        raise UsageError(f"{what} must be a whole number, not {number!r}") from None
    if whole < 0:
        raise UsageError(f"{what} must not be negative, {whole} is")
    return whole


def dtype_of(dtype: Any, known: tuple[str, ...]) -> np.dtype[Any]:
    """Return one of the dtypes known; raise `UsageError` for another."""
    try:
        name = np.dtype(dtype).name
    except TypeError:
        name = str(dtype)
    choice("dtype", name, known)
    kind: np.dtype[Any] = np.dtype(name)
    return kind


def target_array(out: NDArray[Any] | None, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return the array to write: `out` where it fits, a new one where it is None; raise `UsageError` else."""
    if out is None:
        return np.empty(shape, dtype)
    if not isinstance(out, np.ndarray) or out.dtype != dtype or out.shape != shape:
        found = f"{out.dtype} {out.shape}" if isinstance(out, np.ndarray) else type(out).__name__
        raise UsageError(f"out must be a {dtype} array of shape {shape}, not {found}")
    if not out.flags.c_contiguous or not out.flags.writeable or not out.dtype.isnative:
        raise UsageError("out must be C-contiguous and writeable")
    return out


def row_numbers(rows: ArrayLike, count: int) -> Rows:
    """Return row numbers from 0 of integers (negative ones from the end) or a mask of bools."""
    index = np.asarray(rows)
    if index.dtype == bool:
        if index.shape != (count,):
            raise IndexError(f"a mask of {index.size} for {count} rows")
        return np.flatnonzero(index)
    index = index.astype(np.int64, casting="same_kind" if index.size else "unsafe").reshape(-1)
    index = np.where(index < 0, index + count, index)
    if index.size and not 0 <= index.min() <= index.max() < count:
        raise IndexError(f"rows {index.min()} to {index.max()} asked for: there are {count} rows")
    return index
