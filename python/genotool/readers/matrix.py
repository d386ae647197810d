"""Expression matrices as text: the first column the row ids, gene columns, at the end text columns such as a
label; one that is called as no gene is (label, split, batch) may stand anywhere.

Read row by row into float32, so that an error can name the row and the gene, and no text of the matrix stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genotool.catalogue import Entry
from genotool.column_names import named_target, tells_no_target
from genotool.dataset import Column, Dataset
from genotool.errors import InputError
from genotool.readers.assemble import Wanted, assemble
from genotool.readers.sequences import join
from genotool.readers.table import UNKNOWN, Table, open_rows, read_table

__all__ = ["Layout", "Matrix", "assemble_matrix", "is_no_gene", "layout_of", "read_matrix", "with_meta"]

BLOCK = 256
"""Rows that are held as separate arrays while a matrix is read."""
MISSING = ("", "na", "nan", "n/a", "null")
NO_GENES = frozenset({
    "label", "class", "target", "tissue", "celltype", "batch", "plate", "file", "run", "lane", "donor", "patient",
    "sample", "replicate", "split", "part",
})  # fmt: skip
"""Columns that are no genes, even where they hold numbers (a plate 1, 2, 3; a label 0, 1)."""


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """What a file holds: the table of its samples, (n, genes) float32 values, and the names of the genes."""

    table: Table
    values: NDArray[np.float32]
    genes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """Which cells of a row are genes (`at`, their places) and text; the first is the id."""

    header: tuple[str, ...]
    at: tuple[int, ...]
    texts: tuple[int, ...]


def read_matrix(entry: Entry, files: Mapping[str, Path], wanted: Wanted) -> Dataset:
    """Read a matrix of numbers and, on the entry's ``id``, the table of its samples (``meta``).

    The column ``expression`` is (n, genes) float32; empty cells and NA are NaN. Without a target in the entry
    the target is the column that is called so (`column_names.TARGETS`), else the last one of text that is no batch,
    unit or split.

    Raises
    ------
    InputError
        If a gene or a sample occurs twice, or a cell is no finite number; the error names row and gene.
    """
    return assemble_matrix(entry, files, wanted, _read(files["data"], entry, wanted))


def assemble_matrix(entry: Entry, files: Mapping[str, Path], wanted: Wanted, matrix: Matrix) -> Dataset:
    """Make the data set of a matrix that was read: its target, the table of its samples, the rows that belong to it."""
    table = matrix.table
    _check_unique(table, next(iter(table.columns)))
    if not matrix.values.any():
        hint = "the first column is the id, then one column of numbers a gene: nothing was measured here"
        raise InputError("every value of every gene is 0", file=files["data"], value=0, hint=hint)
    if not entry.target and wanted.target is None:
        wanted = replace(wanted, target=_target(list(table.columns)[1:], entry) or None)
    table, id_column, lost = with_meta(entry, table, files)

    def columns(rows: Table) -> Mapping[str, Column]:
        named = {role: rows.text(column) for role, column in entry.columns.items()}
        kept = rows.numbers - 1
        every = len(kept) == len(matrix.values) and bool((np.diff(kept) == 1).all())
        return {**named, "expression": matrix.values if every else matrix.values[kept]}  # no copy of all rows

    features = np.array(matrix.genes, dtype=np.str_)
    return assemble(
        entry, table, wanted, columns, ids=id_column, source=files["data"], left_out=lost, features=features
    )


def _target(names: list[str], entry: Entry) -> str:
    """Return the column of the target among those that are no genes; "" where none may be it."""
    free = [name for name in names if name not in {entry.split, entry.groups} and not tells_no_target(name)]
    return named_target(free) or next(reversed(free), "")


def with_meta(entry: Entry, table: Table, files: Mapping[str, Path]) -> tuple[Table, str, dict[str, int]]:
    """Join the table of samples; return the joined table, its id column and the rows lost, by reason."""
    id_column = next(iter(table.columns))
    if "meta" not in files:
        return table, id_column, {}
    own = Table(table.path, {id_column: table[id_column]}, table.lines, table.numbers)
    shared, lost = join(own, id_column, read_table(files["meta"]), entry.id or id_column, entry)
    extra = table.take(shared.numbers - 1)
    columns = {**{name: extra[name] for name in table.columns if name not in shared}, **shared.columns}
    return Table(shared.path, columns, shared.lines, shared.numbers), id_column, lost


def _read(path: Path, entry: Entry, wanted: Wanted) -> Matrix:
    with open_rows(path) as rows:
        header = next(rows)[1]
        first = next(rows, None)
        if first is None:
            raise InputError("there is a header row but no data row", file=path, hint="rows go below the header")
        layout = layout_of(path, header, first[1], entry, wanted.target)
        lines, cells, vectors, blocks = [], [], [], []
        for line, row in _with_first(first, rows):
            vectors.append(_vector(path, layout, line, row))
            if len(vectors) == BLOCK:
                blocks.append(np.stack(vectors))
                vectors.clear()
            cells.append([row[0], *(row[at] for at in layout.texts)])
            lines.append(line)
    names = [header[at] for at in (0, *layout.texts)]
    columns = {name: np.array([row[i] for row in cells], dtype=object) for i, name in enumerate(names)}
    numbers = np.arange(1, len(lines) + 1, dtype=np.int64)
    table = Table(path, columns, np.array(lines, np.int64), numbers)
    blocks += [np.stack(vectors)] if vectors else []
    return Matrix(table, _joined(blocks), tuple(header[at] for at in layout.at))


def _joined(blocks: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return blocks of rows as one array; each is let go once it is copied, so that the rows are never there twice."""
    values = np.empty((sum(map(len, blocks)), blocks[0].shape[1]), np.float32)
    end = len(values)
    while blocks:
        block = blocks.pop()
        values[end - len(block) : end] = block
        end -= len(block)
    return values


def _with_first(first: tuple[int, list[str]], rest: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    yield first
    yield from rest


def layout_of(path: Path, header: list[str], first: list[str], entry: Entry, target: str | None) -> Layout:
    """Return which columns are genes, told by the header and the first row of cells.

    The first column is the id; named columns, those called like no gene, and text at the end are no genes.
    """
    named = {target, entry.target, entry.groups, entry.split, *entry.columns.values(), *entry.where} - {"", None}
    named |= {name for name in header if is_no_gene(name)}
    named |= set() if target or entry.target else {named_target(header[1:])}
    end = len(header)
    while end > 1 and (header[end - 1] in named or _is_text(first[end - 1])):
        end -= 1
    genes = tuple(at for at in range(1, end) if header[at] not in named)
    if not genes:
        hint = "the first column is the id, then one column of numbers a gene, at the end columns of words"
        raise InputError("a matrix needs an id column and gene columns of numbers", file=path, hint=hint)
    return Layout(tuple(header), genes, tuple(sorted(set(range(1, len(header))) - set(genes))))


def is_no_gene(name: str) -> bool:
    """Return whether a column is called like what a matrix holds beside its genes."""
    return "".join(letter for letter in name.casefold() if letter.isalnum()) in NO_GENES


def _is_text(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return cell.casefold() not in MISSING
    return False


def _vector(path: Path, layout: Layout, line: int, row: list[str]) -> NDArray[np.float32]:
    cells, genes = [row[at] for at in layout.at], [layout.header[at] for at in layout.at]
    try:
        vector = np.array(cells, dtype=np.float64)
    except ValueError:
        vector = np.array([_cell(path, *named, line) for named in zip(genes, cells, strict=True)])
    large = np.abs(vector) > np.finfo(np.float32).max
    if large.any():
        at = int(np.flatnonzero(large)[0])
        message = f"infinite or too large in the column {genes[at]!r}"
        raise InputError(message, file=path, row=line, value=cells[at], hint=UNKNOWN)
    return vector.astype(np.float32)


def _cell(path: Path, gene: str, cell: str, line: int) -> float:
    if cell.casefold() in MISSING:
        return float("nan")
    try:
        return float(cell)
    except ValueError:
        message = f"no number in the column {gene!r}"
        hint = f"{UNKNOWN}; a column of words goes to the end, or is named with --target"
        raise InputError(message, file=path, row=line, value=cell, hint=hint) from None


def _check_unique(table: Table, column: str) -> None:
    seen: set[str] = set()
    for row, name in enumerate(table[column].tolist()):
        if name in seen:
            raise table.error("a sample occurs twice", row, name, "rename or remove one")
        seen.add(name)
