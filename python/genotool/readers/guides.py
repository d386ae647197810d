"""Guides: 23 nt with the PAM, or spacers of 17 to 20 nt without, from a table or a FASTA file.

The columns made are ``guide`` and, where the file has them, ``context`` (`Sequences`), ``efficacy``,
``raw_value`` (float64, NaN where unknown), ``start``, ``end`` (int64, -1 where unknown), ``chrom``,
``strand`` and ``dataset`` (text).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from genotool.catalogue import Entry
from genotool.dataset import Column, Dataset
from genotool.errors import InputError
from genotool.readers.assemble import Wanted, assemble
from genotool.readers.sequences import check_letters, fasta_table
from genotool.readers.table import Table, numbers, read_table
from genotool.sequences import Sequences

__all__ = ["LENGTHS", "read_guides", "read_guides_fasta"]

LENGTHS = frozenset({17, 18, 19, 20, 23})
ALPHABET = "ACGTN"
TEXTS = ("chrom", "strand", "dataset", "label")
NUMBERS = ("efficacy", "raw_value")
PLACES = ("start", "end")


def read_guides(entry: Entry, files: Mapping[str, Path], wanted: Wanted) -> Dataset:
    """Read a table of guides.

    Raises
    ------
    InputError
        If a guide has another length or letter, or a number is none; the error names file, row and value.
    """
    table = read_table(files["data"])

    def columns(rows: Table) -> Mapping[str, Column]:
        return _columns(entry, rows)

    return assemble(entry, table, wanted, columns, ids=entry.id, source=files["data"])


def read_guides_fasta(entry: Entry, files: Mapping[str, Path], wanted: Wanted) -> Dataset:
    """Read a FASTA file whose records are guides; there is no target."""
    table, sequences = fasta_table(files["data"])
    texts = np.array(list(sequences), dtype=object)

    def columns(rows: Table) -> Mapping[str, Column]:
        sequence = {"sequence": texts[rows.numbers - 1]}
        return {"guide": _guides(Table(rows.path, sequence, rows.lines, rows.numbers), "sequence")}

    return assemble(entry, table, wanted, columns, ids="name", source=files["data"])


def _columns(entry: Entry, table: Table) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    roles = dict.fromkeys(("guide", "context", *NUMBERS, *PLACES, *TEXTS, *entry.columns))
    for role in roles:
        name = entry.columns.get(role, role)
        if role != "guide" and role not in entry.columns and name not in table:
            continue
        if role == "guide":
            columns[role] = _guides(table, name)
        elif role == "context":
            columns[role] = Sequences.from_strings(check_letters(table, name, ALPHABET).tolist())
        elif role in NUMBERS:
            columns[role] = numbers(table, name)
        elif role in PLACES:
            columns[role] = _places(table, name)
        else:
            columns[role] = table.text(name)
    return columns


def _guides(table: Table, column: str) -> Sequences:
    guides = check_letters(table, column, ALPHABET)
    lengths = np.fromiter(map(len, guides.tolist()), np.int64, len(guides))
    bad = np.flatnonzero(~np.isin(lengths, list(LENGTHS)))
    if len(bad):
        row = int(bad[0])
        raise _bad_length(table, row, str(guides[row]))
    return Sequences.from_strings(guides.tolist())


def _bad_length(table: Table, row: int, guide: str) -> InputError:
    hint = "a guide has 23 nt with its PAM, or 17 to 20 nt without"
    if len(guide) == 30:
        hint += "; a 30-nt context holds the guide in bases 5 to 27"
    elif len(guide) > 30:
        hint += "; longer sequences are searched for guides with `genotool predict … --scan`"
    return table.error(f"{len(guide)} nt cannot be a guide", row, guide, hint)


def _places(table: Table, column: str) -> Column:
    values = numbers(table, column)
    whole = np.where(np.isnan(values), -1, values)
    bad = np.flatnonzero((whole != np.floor(whole)) | (whole < -1) | (whole > 2**53))
    if len(bad):
        row = int(bad[0])
        hint = "a whole number from 0; leave the cell empty where it is unknown"
        raise table.error(f"the column {column!r} needs a position", row, table[column][row], hint)
    return whole.astype(np.int64)
