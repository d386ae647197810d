"""Sequences and pairs of sequences: from a table, or from a FASTA file joined with a table of labels."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genotool.catalogue import Entry
from genotool.dataset import KEY_COLUMNS, Column, Dataset
from genotool.errors import InputError
from genotool.readers.assemble import Wanted, assemble, choose_rows
from genotool.readers.table import Table, read_table
from genotool.sequences import Sequences

__all__ = ["check_letters", "fasta_table", "join", "read_fasta_sequences", "read_sequence_table"]

log = logging.getLogger(__name__)

IUPAC = "ACGTNRYSWKMBDHV"
SHARE = 0.5
"""The least share of the ids that must join, of the file with fewer of them."""


def read_sequence_table(entry: Entry, files: Mapping[str, Path], wanted: Wanted) -> Dataset:
    """Read a table with one sequence a row, or two (kind pairs).

    Raises
    ------
    InputError
        If a sequence is empty or holds a letter that is no IUPAC base; the error names file, row and value.
    """
    table = read_table(files["data"])

    def columns(rows: Table) -> Mapping[str, Column]:
        made: dict[str, Column] = {}
        for role in KEY_COLUMNS[entry.kind]:
            made[role] = _sequences(rows, entry.columns.get(role, role))
        return made | _named(entry, rows)

    return assemble(entry, table, wanted, columns, ids=entry.id, source=files["data"])


def read_fasta_sequences(entry: Entry, files: Mapping[str, Path], wanted: Wanted) -> Dataset:
    """Read a FASTA file, joined on the entry's ``id`` with the table of labels where there is one.

    The rows stand in the order of the FASTA file. Records without labels, labels without a record, and records of N
    alone are left out, counted and named.
    """
    table, sequences = fasta_table(files["data"])
    table, lost = _known(table, sequences)
    if "labels" in files:
        table, unjoined = join(table, "name", read_table(files["labels"]), entry.id or "name", entry)
        lost |= unjoined

    def columns(rows: Table) -> Mapping[str, Column]:
        return {"sequence": sequences.take(rows.numbers - 1)} | _named(entry, rows)

    return assemble(entry, table, wanted, columns, ids="name", source=files["data"], left_out=lost)


def _known(table: Table, sequences: Sequences) -> tuple[Table, dict[str, int]]:
    """Return the records that hold another letter than N, and how many do not."""
    others = np.r_[0, np.cumsum(sequences.data != ord("N"))][sequences.offsets]
    known = np.diff(others) > 0
    if known.all():
        return table, {}
    if not known.any():
        raise InputError("every sequence is N alone", file=table.path, hint="was the right genome masked or cut?")
    names = table["name"][~known].tolist()
    log.warning("%s: %d records left out: N alone: %s", table.path.name, len(names), ", ".join(names[:20]))
    some = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    return table.take(known), {f"sequences of N alone ({some})": len(names)}


def _named(entry: Entry, rows: Table) -> dict[str, Column]:
    keys = KEY_COLUMNS[entry.kind]
    return {role: rows.text(column) for role, column in entry.columns.items() if role not in keys}


def fasta_table(path: Path) -> tuple[Table, Sequences]:
    """Return a FASTA file as a table of names, whose rows are counted in records, and the sequences."""
    from genotool.readers.fasta import read_fasta

    records = read_fasta(path)
    names = np.array(list(records.names), dtype=object)
    order = np.arange(1, len(names) + 1, dtype=np.int64)
    return Table(path, {"name": names}, order, order), records.sequences


def join(left: Table, key: str, right: Table, right_key: str, entry: Entry) -> tuple[Table, dict[str, int]]:
    """Join two tables on an id that is unique in each; the rows stay in the order of `left`.

    Rows of `right` that the entry's `where` excludes anyway are not missed on the left. Either file may be the smaller
    part of the other.

    Returns
    -------
    tuple
        The rows that both have, and how many were lost on either side, by a reason that names the first ones.

    Raises
    ------
    InputError
        If an id occurs twice, nothing joins, or fewer than half of the ids of the smaller side.
    """
    index = _index(right, right_key)
    _index(left, key)
    ids = left[key].tolist()
    hits = np.array([index.get(name, -1) for name in ids], np.int64)
    if not (hits >= 0).any():
        hint = f"{left.path.name} has ids such as {ids[0]!r}, {right.path.name} has {next(iter(index))!r}"
        if ".gff" in left.path.name.casefold():
            hint += "; --attribute gene_id or Name takes the names of features from there"
        raise InputError(f"no id of {left.path.name} is in the column {right_key!r}", file=right.path, hint=hint)
    used = {ids[i] for i in np.flatnonzero(hits >= 0)}
    expected = choose_rows(entry, right)[0][right_key].tolist()
    fewer = (ids, left, right) if len(ids) <= len(expected) else (expected, right, left)
    _check_share(*fewer, used)
    lost = _lost([name for name in ids if name not in used], left, right)
    lost |= _lost([name for name in expected if name not in used], right, left)
    kept, found = left.take(hits >= 0), right.take(hits[hits >= 0])
    columns = {name: values for name, values in found.columns.items() if name not in kept.columns}
    return Table(right.path, {**kept.columns, **columns}, found.lines, kept.numbers), lost


def _check_share(ids: list[str], source: Table, other: Table, used: set[str]) -> None:
    """Raise InputError where fewer than `SHARE` of some ids join: the others are written otherwise."""
    alone = [name for name in ids if name not in used]
    if len(ids) - len(alone) >= SHARE * len(ids):
        return
    some = ", ".join(map(repr, alone[:3]))
    hint = f"are they written the same way in both? take the rows without a partner out of {source.path.name} to go on"
    message = f"{len(alone)} of {len(ids)} ids are not in {other.path.name} ({some}, …): at least half must join"
    raise InputError(message, file=source.path, hint=hint)


def _index(table: Table, key: str) -> dict[str, int]:
    index: dict[str, int] = {}
    for row, name in enumerate(table[key].tolist()):
        if name in index:
            raise table.error(f"the id occurs twice in the column {key!r}", row, name, "rename or remove one")
        index[name] = row
    return index


def _lost(names: list[str], source: Table, other: Table) -> dict[str, int]:
    if not names:
        return {}
    log.warning("%d ids of %s are not in %s: %s", len(names), source.path.name, other.path.name, ", ".join(names[:20]))
    some = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    return {f"in {source.path.name} without a row in {other.path.name} ({some})": len(names)}


def _sequences(table: Table, column: str) -> Sequences:
    texts = check_letters(table, column, IUPAC)
    for row, text in enumerate(texts.tolist()):
        if not text:
            raise table.error(f"the column {column!r} holds no sequence", row, text, "remove the row")
    return Sequences.from_strings(texts.tolist())


def check_letters(table: Table, column: str, alphabet: str) -> NDArray[np.object_]:
    """Return a column in upper case after a check that it holds letters of `alphabet` only.

    Raises
    ------
    InputError
        At the first other letter, with its row; U gets a hint of its own.
    """
    texts = [text.upper() for text in table[column].tolist()]
    strange = set("".join(texts)) - set(alphabet)
    if strange:
        row = next(row for row, text in enumerate(texts) if strange & set(text))
        letter = next(letter for letter in texts[row] if letter in strange)
        hint = "RNA letters: write T for U" if letter == "U" else f"the letters are {', '.join(alphabet)}"
        raise table.error(f"{letter!r} in the column {column!r} is no base", row, table[column][row], hint)
    upper = np.empty(len(texts), object)
    upper[:] = texts
    return upper
