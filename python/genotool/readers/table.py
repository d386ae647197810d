"""Delimited text with a header row: tab, comma or semicolon; plain, gzip or Zstandard; UTF-8, with or without
BOM.

Cells stay text here, so that an error can show what the file says. Rows are named by their line in the file
(line 1 is the header), as an editor or a spreadsheet counts them.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import itertools
import sys
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from genotool.errors import InputError, UsageError, nearest

__all__ = ["Table", "check_is_file", "delimiter_of", "numbers", "open_bytes", "open_rows", "read_table"]

GZIP, ZSTD, HDF5, ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"
DELIMITERS = "\t,;"
CELL_LIMIT = 10_000_000
"""The longest cell taken: a promoter or a gene fits, a binary file without line ends does not."""
TEXT_LIMIT, TEXT_BYTES = 32_767, 2**28
"""The longest name or word (as much as a spreadsheet's cell holds), and the bytes of a column of them: NumPy makes
every cell of a text column as wide as the longest one."""
LARGEST = 1e18
"""The largest number taken: its square still fits the float32 of a network."""
UNKNOWN = "leave the cell empty where the value is unknown"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text cells.

    Attributes
    ----------
    columns
        Header to (n,) object array of str, in the order of the file.
    lines
        (n,) int64: the line of the file where each row stands.
    numbers
        (n,) int64: the number of each data row, from 1.
    """

    path: Path
    columns: Mapping[str, NDArray[np.object_]]
    lines: NDArray[np.int64]
    numbers: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.lines)

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def __getitem__(self, name: str) -> NDArray[np.object_]:
        """Return a column; `InputError` with the nearest name where there is none."""
        if name not in self.columns:
            raise InputError(f"no column {name!r}", file=self.path, hint=nearest(name, self.columns))
        return self.columns[name]

    def text(self, name: str) -> NDArray[np.str_]:
        """Return a column as a NumPy text array; InputError at a cell that is longer than any name."""
        row = self.too_long(name)
        if row is not None:
            length, hint = len(self[name][row]), "shorten it, or take the column out"
            raise self.error(f"a cell of {length} characters in the column {name!r}", row, self[name][row], hint)
        return self[name].astype(np.str_)

    def too_long(self, name: str) -> int | None:
        """Return the row of the longest cell of a column where that makes it too large for a text array."""
        lengths = np.fromiter(map(len, self[name].tolist()), np.int64, len(self))
        longest = int(lengths.max(initial=0))
        if longest <= TEXT_LIMIT and longest * len(self) * np.dtype("U1").itemsize <= TEXT_BYTES:
            return None
        return int(lengths.argmax())

    def take(self, rows: NDArray[Any]) -> Table:
        """Return the given rows (indices or a mask), in that order."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        return Table(self.path, columns, self.lines[rows], self.numbers[rows])

    def error(self, message: str, row: int, value: object = None, hint: str | None = None) -> InputError:
        """Return the error that names this file and the line of row index `row`."""
        return InputError(message, file=self.path, row=int(self.lines[row]), value=value, hint=hint)


def read_table(path: Path, *, limit: int | None = None) -> Table:
    """Read a whole table, or its first rows.

    Parameters
    ----------
    limit
        At most so many rows.

    Raises
    ------
    UsageError
        If there is no such file, or it is a directory (exit 2).
    InputError
        If it is empty, binary, not UTF-8, cut off, has a header only, a header twice, or a row with more or
        fewer cells than the header (exit 3).
    """
    with open_rows(path) as rows:
        header, lines, cells = next(rows)[1], [], []
        for line, row in itertools.islice(rows, limit):
            lines.append(line)
            cells.append(row)
    if not cells:
        raise InputError("there is a header row but no data row", file=path, hint="rows go below the header")
    columns = {name: _objects(values) for name, values in zip(header, zip(*cells, strict=True), strict=True)}
    return Table(path, columns, np.array(lines, np.int64), np.arange(1, len(lines) + 1, dtype=np.int64))


def _objects(values: tuple[str, ...]) -> NDArray[np.object_]:
    array = np.empty(len(values), object)
    array[:] = values
    return array


@contextmanager
def open_rows(path: Path) -> Iterator[Iterator[tuple[int, list[str]]]]:
    """Yield an iterator over (line, cells): the checked header first, then rows of the same width."""
    with open_bytes(path) as handle:
        text = io.TextIOWrapper(handle, encoding="utf-8-sig", newline="")
        try:
            yield _rows(path, text)
        except UnicodeDecodeError as error:
            raise InputError("the file is not UTF-8 text", file=path, hint="save it as UTF-8") from error
        except _damage() as error:
            raise _damaged(path, error) from error


def _rows(path: Path, text: IO[str]) -> Iterator[tuple[int, list[str]]]:
    start = text.read(65_536)
    delimiter = delimiter_of(start.splitlines()[0] if start.strip() else "")
    csv.field_size_limit(CELL_LIMIT)
    reader = csv.reader(_chained(start, text), delimiter=delimiter, strict=True)
    width = begun = 0
    try:
        for row in reader:
            before, begun = begun, reader.line_num
            cells = [cell.strip() for cell in row]
            if any("\0" in cell for cell in cells):
                raise _binary(path, before + 1)
            if not any(cells) and len(cells) <= 1:
                continue
            if width == 0:
                width = len(cells)
                _check_header(path, cells)
            elif len(cells) != width:
                message, first = f"{len(cells)} cells where the header has {width}", row[0] if row else ""
                hint = "every row needs as many cells as the header, empty ones too"
                raise InputError(message, file=path, row=reader.line_num, value=first, hint=hint)
            yield reader.line_num, cells
    except csv.Error as error:
        raise _no_table(path, begun + 1, error) from error
    if width == 0:
        raise _empty(path)


def _no_table(path: Path, row: int, error: csv.Error) -> InputError:
    """Return the error about a row that the csv module gives up on, at the line where that row begins."""
    if "limit" in str(error):
        message = f"a cell of more than {CELL_LIMIT} characters"
        return InputError(message, file=path, row=row, hint="is this a table, with line ends? a genome goes as FASTA")
    if "end of data" in str(error):
        return InputError("a quote is opened and never closed", file=path, row=row, hint='write " in a cell as ""')
    return InputError(f"no readable table: {error}", file=path, row=row, hint='write " in a cell as ""')


def _empty(path: Path) -> InputError:
    return InputError("the file is empty", file=path, hint="a table has a header row and data rows")


def _binary(path: Path, row: int | None = None) -> InputError:
    hint = "a table is UTF-8 text with tabs, commas or semicolons; plain, gzip or Zstandard"
    return InputError("this is a binary file, not text", file=path, row=row, hint=hint)


def _damaged(path: Path, error: Exception) -> InputError:
    message = f"the compressed file is damaged or cut off: {error}"
    return InputError(message, file=path, hint="copy or download it again")


def _chained(start: str, text: IO[str]) -> Iterator[str]:
    """Go on from a text that was read ahead, line by line, without a seek (gzip seeks are slow)."""
    rest = start + text.readline() if start and not start.endswith("\n") else start
    yield from io.StringIO(rest, newline="")
    yield from text


def _check_header(path: Path, header: list[str]) -> None:
    seen: set[str] = set()
    for name in header:
        if not name and len(header) > 1 and name != header[0]:
            raise InputError("a column has no name", file=path, row=1, hint="name every column but the first")
        if name in seen:
            hint = "rename one; the first line must name the columns"
            raise InputError("two columns have the same name", file=path, row=1, value=name, hint=hint)
        seen.add(name)


def delimiter_of(header: str) -> str:
    """Return the delimiter that occurs most in a header line; a comma for a single column."""
    return max(DELIMITERS, key=header.count) if any(mark in header for mark in DELIMITERS) else ","


@contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that holds text, decompressed; told by its first bytes, never by its name.

    Raises
    ------
    UsageError
        No such file, or a directory.
    InputError
        Empty, unreadable or binary.
    """
    check_is_file(path)
    try:
        with path.open("rb") as raw:
            magic = raw.read(8)
            raw.seek(0)
            with _decompressed(raw, magic) as handle:
                _check_is_text(path, handle, magic)
                yield handle
    except PermissionError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", hint="its permissions forbid it") from error


def check_is_file(path: Path) -> None:
    """Check that a path names a file that can be read twice, before anything opens it.

    Raises
    ------
    UsageError
        No such file, a directory, a pipe or a device.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a directory, a file is needed", hint="name a file in it")
    if not path.exists():
        broken = path.is_symlink()
        said = "a link to nothing" if broken else "no such file"
        raise UsageError(f"{path}: {said}", hint="check the link" if broken else "check the path")
    if not path.is_file():
        raise UsageError(f"{path} is a pipe or a device, a file is needed", hint="save it to a file first")


def _decompressed(raw: IO[bytes], magic: bytes) -> Any:
    if magic.startswith(GZIP):
        return gzip.GzipFile(fileobj=raw)
    if magic.startswith(ZSTD):
        import zstandard

        return io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True))
    return raw


def _damage() -> tuple[type[Exception], ...]:
    """What a damaged compressed file raises; zstandard is imported only where it was used."""
    used = sys.modules.get("zstandard")
    return (EOFError, zlib.error, gzip.BadGzipFile, *((used.ZstdError,) if used else ()))


def _check_is_text(path: Path, handle: IO[bytes], magic: bytes) -> None:
    if not magic:
        raise _empty(path)
    try:
        start = handle.peek(8192)[:8192]  # type: ignore[attr-defined]
    except _damage() as error:
        raise _damaged(path, error) from error
    if magic == HDF5:
        raise InputError("this is an HDF5 file, not text", file=path, hint="an .h5ad file is read as a matrix")
    if magic.startswith(ZIP):
        raise InputError("this is a zip or Excel file, not text", file=path, hint="save it as TSV or CSV")
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InputError("this is UTF-16 text", file=path, hint="save it as UTF-8")
    if b"\0" in start:
        raise _binary(path)


def numbers(table: Table, column: str, *, is_target: bool = False) -> NDArray[np.float64]:
    """Return a column as float64, NaN where the cell is empty.

    Parameters
    ----------
    is_target
        Whether the word ``nan`` is an error too: nothing can be learnt from it, and an empty cell says
        "unknown".

    Raises
    ------
    InputError
        At the first cell that is no number, infinite, or beyond `LARGEST`.
    """
    cells = table[column]
    try:
        values = np.where(cells == "", "nan", cells).astype(np.float64)
    except ValueError:
        values = _number_by_number(table, column)
    bad = np.isinf(values)
    if is_target:
        bad |= np.isnan(values) & (cells != "")
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise table.error(f"the column {column!r} holds NaN or infinity", row, cells[row], UNKNOWN)
    large = np.abs(values) > LARGEST
    if large.any():
        row = int(np.flatnonzero(large)[0])
        message = f"the column {column!r} holds a number beyond {LARGEST:g}"
        raise table.error(message, row, cells[row], f"{UNKNOWN}, or take it in another unit")
    return values


def _number_by_number(table: Table, column: str) -> NDArray[np.float64]:
    values = np.full(len(table), np.nan)
    for row, cell in enumerate(table[column].tolist()):
        if cell.casefold() in ("", "na", "nan", "n/a", "null"):
            continue
        try:
            values[row] = float(cell)
        except ValueError:
            raise table.error(f"the column {column!r} needs a number", row, cell, UNKNOWN) from None
    return values
