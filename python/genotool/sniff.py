"""What a file without a catalogue is: told by its first bytes, its header and its cells.

Known headers are those of the public sgRNA sets (CNN-XG, DeepHF, RNAS-sgRNA), of genotool's own tables, and
the words that people use for the same things. The result is an ordinary catalogue entry, which `genotool data
add` writes down and anybody may correct.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from genotool import readers
from genotool.catalogue import NAME, Entry, FileSpec
from genotool.column_names import (
    CLASSES,
    EFFICACY,
    GENE,
    GROUPS,
    GUIDE,
    LABEL,
    OTHER_ROLES,
    PAIR,
    SEQUENCE,
    SPLIT,
    TELLING,
    named_split,
    named_target,
)  # fmt: skip
from genotool.companions import Companions, is_fasta, is_features
from genotool.dataset import KEY_COLUMNS, Dataset, Kind
from genotool.errors import InputError, UsageError
from genotool.readers import Wanted
from genotool.readers.bed import features_asked
from genotool.readers.content import DNA, SHORTEST, content
from genotool.readers.matrix import is_no_gene
from genotool.readers.parquet import MAGIC as PARQUET
from genotool.readers.parquet import header_of
from genotool.readers.sequences import fasta_table
from genotool.readers.table import HDF5, Table, open_bytes, open_rows, read_table
from genotool.readers.tenx import MATRICES, is_tenx_h5, matrix_file
from genotool.windows import read_features

__all__ = ["complete", "learning", "name_of", "read_path", "sniff"]

SAMPLE = 200
"""How many rows tell what a column holds."""
WIDE = 200
"""A table with more columns is a matrix; as many rows as `FEW` tell whether it holds guides nevertheless."""
FEW = 20


def read_path(path: Path, kind: Kind | None, wanted: Wanted, companions: Companions | None = None) -> Dataset:
    """Read a file that no catalogue describes.

    Parameters
    ----------
    kind
        What to read it as; None takes what it looks like.
    companions
        The files that go with it.

    Raises
    ------
    UsageError
        If it is no file: a folder of data sets or a run is answered with what to do instead (exit 2).
    InputError
        If the content is nothing that can be read, or lacks a column (exit 3).
    """
    if path.is_dir() and (matrix := matrix_file(path)) is not None:
        path = matrix
    if path.is_dir():
        raise _directory(path)
    entry = sniff(path, kind, companions=companions)
    files = {role: Path(spec.path) for role, spec in entry.files.items()}
    return readers.read(entry, files, replace(wanted, strict_classes=True))


def _directory(path: Path) -> UsageError:
    if (path / "catalogue.toml").is_file():
        hint = f"name one of its sets: --data-dir {path} and the name; `genotool data list --data-dir {path}`"
        return UsageError(f"{path} is a folder of data sets, one is needed", hint=hint)
    if (path / "run.json").is_file():
        return UsageError(f"{path} is a run folder, a data set is needed", hint=f"its rows: {path}/predictions.tsv")
    return UsageError(f"{path} is a directory, a file is needed", hint="name a file in it")


def name_of(path: Path) -> str:
    """Return a name for the data set in a file: the stem, in the letters that names may have."""
    stem = path.name.split(".")[0]
    word = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-_") or "data"
    return word if NAME.fullmatch(word) else "data"


def sniff(
    path: Path,
    kind: Kind | None = None,
    columns: Mapping[str, str] | None = None,
    companions: Companions | None = None,
) -> Entry:
    """Return the entry that describes a file, its path as given.

    Parameters
    ----------
    kind
        What to take it as; None takes what `columns` or the content say.
    columns
        Role to column, such as ``{"guide": "Oligo"}``, where that is known: only the rest is told from the file.
    companions
        The labels of a FASTA file; the genome, window and labels of a BED or GFF3 file.

    Raises
    ------
    UsageError
        No such file, columns of another kind than the file's, or features without their genome.
    InputError
        The content is nothing known, lacks a column, or holds two columns that could be the guides.
    """
    given = dict(columns or {})
    kind = kind or next((kind for kind, roles in KEY_COLUMNS.items() if set(roles) & set(given)), None)
    entry = Entry(name_of(path), kind or Kind.MATRIX, "anndata", {"data": FileSpec(str(path))}, given)
    if (tenx := path.name in MATRICES) or (_starts_with(path, HDF5) and is_tenx_h5(path)):
        return _checked(replace(entry, reader="10x", name=name_of(path.parent if tenx else path)), kind, (Kind.MATRIX,))
    if _starts_with(path, PARQUET):
        return _checked(_matrix(replace(entry, reader="parquet"), header_of(path)), kind, (Kind.MATRIX,))
    if _starts_with(path, HDF5):
        return _checked(replace(entry, split=_obs_split(path)), kind, (Kind.MATRIX,))
    beside = companions or Companions()
    if is_features(path):
        return _checked(_features(entry, path, beside), kind, (Kind.SEQUENCES,))
    with open_bytes(path):
        pass  # says what is wrong with a file that is no text
    if is_fasta(path):
        entry = replace(entry, kind=kind or Kind.SEQUENCES, reader="fasta")
        entry = entry if beside.labels is None else _labelled_apart(entry, fasta_table(path)[0]["name"], beside.labels)
        return _checked(entry, kind, (Kind.SEQUENCES, Kind.GUIDES))
    return _table(entry, kind, path)


def _features(entry: Entry, path: Path, beside: Companions) -> Entry:
    if beside.genome is None:
        hint = "--genome FASTA, and for promoters --upstream 500 --downstream 100; or `genotool data add` with these"
        raise UsageError(f"{path} holds features: the genome that they are cut from is needed", hint=hint)
    files = {**entry.files, "genome": FileSpec(str(beside.genome))}
    entry = replace(entry, kind=Kind.SEQUENCES, reader="bed", files=files, window=beside.window)
    if beside.labels is None:
        return entry
    return _labelled_apart(entry, read_features(path, **features_asked(beside.window)).ids, beside.labels)


def _labelled_apart(entry: Entry, names: NDArray[Any], labels: Path) -> Entry:
    """Return the entry with the labels of another table: joined by the column that shares most with the names."""
    table, known = read_table(labels), set(names.tolist())
    column = max(table.columns, key=lambda column: len(known & set(table[column].tolist())))
    rest = replace(table, columns={name: cells for name, cells in table.columns.items() if name != column})
    found = _labelled(rest, entry, dict(entry.columns))
    return replace(found, reader=entry.reader, id=column, files={**entry.files, "labels": FileSpec(str(labels))})


def complete(entry: Entry, path: Path) -> Entry:
    """Return an entry of guides that names no columns with the roles that the header suggests."""
    found = _guides(_sample(path), entry)
    if entry.target:
        found = replace(found, target=entry.target, classes=entry.classes)
    return replace(found, groups=entry.groups or found.groups, split=entry.split or found.split)


def learning(entry: Entry, path: Path, column: str) -> Entry:
    """Return the entry of a table with another target: a column or a role; 0 and 1 are classes, as found there."""
    name = entry.columns.get(column, column)
    if entry.reader != "table" or name == entry.columns.get(entry.target, entry.target):
        return replace(entry, target=column)
    return replace(entry, target=column, classes=("0", "1") if content(read_table(path), name).is_zero_and_one else ())


def _starts_with(path: Path, magic: bytes) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as handle:
        return handle.read(len(magic)) == magic


def _obs_split(path: Path) -> str:
    """Return the column of an .h5ad's rows that is called split; the reader says what is wrong with the file."""
    import h5py

    try:
        with h5py.File(path) as content:
            return named_split(content["obs"])
    except (OSError, KeyError, TypeError):
        return ""


def _checked(entry: Entry, kind: Kind | None, possible: tuple[Kind, ...]) -> Entry:
    if kind is not None and kind not in possible:
        path = entry.files["data"].path
        hint = "name another file, or a data set of that kind: `genotool data list`"
        raise UsageError(f"{path} holds {' or '.join(possible)}, {kind} are needed", hint=hint)
    return entry


def _table(entry: Entry, kind: Kind | None, path: Path) -> Entry:
    with open_rows(path) as rows:
        header = next(rows)[1]
    if len(header) > WIDE and kind in (None, Kind.MATRIX):
        return _wide(_matrix(entry, header), kind, path)
    table = _sample(path)
    found = kind or _kind(table)
    if found is Kind.MATRIX:
        return _matrix(entry, header)
    make = {Kind.PAIRS: _pairs, Kind.GUIDES: _guides, Kind.SEQUENCES: _sequences}[found]
    made = make(table, entry)
    return replace(made, id=made.id or _own_ids(table))


def _own_ids(table: Table) -> str:
    """Return the column that is called ``id``, where each row looked at has one of its own; else ""."""
    for name in table.columns:
        cells = table.text(name).tolist() if name.strip().casefold() == "id" else []
        if cells and all(cells) and len(set(cells)) == len(cells):
            return name
    return ""


def _matrix(entry: Entry, header: list[str]) -> Entry:
    """The target and the split by their names; a target of another name is the reader's to find."""
    target, split = named_target(header[1:]), named_split(header[1:])
    reader = "parquet" if entry.reader == "parquet" else "matrix"
    return replace(entry, kind=Kind.MATRIX, reader=reader, target=target, split=split)


def _wide(entry: Entry, kind: Kind | None, path: Path) -> Entry:
    """A table of many columns: a matrix, unless a column of it reads as guides and nobody said what it is."""
    guides = [] if kind is Kind.MATRIX else _guide_columns(table := read_table(path, limit=FEW))
    if guides:
        hint = "say which: `genotool data add FILE --kind matrix` or `--kind guides`"
        many = f"{len(table.columns)} columns, as a matrix has, yet the cells of {guides[0]!r} read as guides"
        raise InputError(many, file=path, hint=hint)
    return entry


def _kind(table: Table) -> Kind:
    """Return what a table holds: its telling names first, then its cells."""
    if _pair(table) is not None:
        return Kind.PAIRS
    if _named_guides(table):
        return Kind.GUIDES
    if any(content(table, name).is_dna and not content(table, name).is_guide for name in _named(table, SEQUENCE)):
        return Kind.SEQUENCES
    if _guide_columns(table) or any(_named(table, TELLING)):
        return Kind.GUIDES
    if _is_matrix(table):
        return Kind.MATRIX
    raise _nothing(table, None)


def _nothing(table: Table, kind: Kind | None) -> InputError:
    what = kind or "guides, sequences, pairs or a matrix"
    hint = f"the columns are {', '.join(list(table.columns)[:12])}; name one guide or sequence"
    return InputError(f"no column that holds {what} was found", file=table.path, hint=hint)


def _sample(path: Path) -> Table:
    """The first rows; the reader itself reads and checks all of them later."""
    table = read_table(path, limit=SAMPLE)
    row = next((name for name in table.columns if DNA.fullmatch(name) and len(name) >= SHORTEST), None)
    if row is not None:
        hint = "the first line must name the columns, such as guide and label"
        raise InputError("a header row is needed, this looks like a row", file=path, row=1, value=row, hint=hint)
    return table


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", name.casefold())


def _named(table: Table, words: tuple[str, ...]) -> Iterator[str]:
    """Yield the columns that bear one of the words, in the order of the words."""
    by_word: dict[str, list[str]] = {}
    for name in table.columns:
        by_word.setdefault(_plain(name), []).append(name)
    for word in words:
        yield from by_word.get(word, [])


def _named_guides(table: Table) -> list[str]:
    """Return the columns that are named like a guide and hold guides; telling names first."""
    return [name for name in _named(table, GUIDE) if content(table, name).is_guide]


def _guide_columns(table: Table) -> list[str]:
    """Return the columns whose cells are guides."""
    return [name for name in table.columns if content(table, name).is_guide]


def _guide_column(table: Table) -> str:
    """Return the column of the guides: by name and cells, by cells, by a telling name, by any name."""
    named = _named_guides(table)
    if named and (_plain(named[0]) in TELLING or len(named) == 1):
        return named[0]
    found = named or _guide_columns(table)
    if len(found) > 1:
        remedy = f"add the file with `genotool data add FILE --column guide={found[0]}`"
        hint = f"call the one that is meant `guide` in the header, or {remedy}"
        raise InputError(
            f"the columns {' and '.join(map(repr, found))} could be the guides", file=table.path, hint=hint
        )
    guide = next(iter([*found, *_named(table, GUIDE)]), None)
    if guide is None:
        raise _nothing(table, Kind.GUIDES)
    return guide


def _pair(table: Table) -> tuple[str, str] | None:
    for left, right in PAIR:
        found = next(_named(table, (left,)), None), next(_named(table, (right,)), None)
        if found[0] and found[1]:
            return found[0], found[1]
    return None


def _is_matrix(table: Table) -> bool:
    names = list(table.columns)
    numeric = {name for name in names[1:] if content(table, name).is_number}
    words = [name for name in names[1:] if name not in numeric and not is_no_gene(name)]
    return len(numeric) >= 2 and len(words) <= 2


def _guides(table: Table, entry: Entry) -> Entry:
    columns = dict(entry.columns)
    columns["guide"] = guide = columns.get("guide") or _guide_column(table)
    label, efficacy = _label_and_efficacy(table, guide, columns)
    columns |= {role: name for role, name in (("label", label), ("efficacy", efficacy)) if name}
    for role, words in OTHER_ROLES.items():
        name = next(_named(table, words), None)
        if name and role not in columns and name not in columns.values():
            columns[role] = name
    target = "label" if label else "efficacy" if efficacy else ""
    found = replace(entry, kind=Kind.GUIDES, reader="table", columns=_in(table, columns), target=target)
    classes = ("0", "1") if label and content(table, label).words & {"0", "1"} else ()
    groups = entry.columns.get("gene") or _filled(table, GENE)
    return replace(found, classes=classes, groups=groups, split=_filled(table, (SPLIT,)))


def _in(table: Table, columns: dict[str, str]) -> dict[str, str]:
    """Return roles and columns after a check that the table has the columns."""
    for name in columns.values():
        _ = table[name]
    return columns


def _label_and_efficacy(table: Table, guide: str, given: Mapping[str, str]) -> tuple[str, str]:
    """Tell classes from numbers by the cells: CNN-XG calls the classes `Efficacy`, others the numbers."""
    if "label" in given or "efficacy" in given:
        return given.get("label", ""), given.get("efficacy", "")
    label = next((n for n in _named(table, LABEL) if n != guide and _is_label(table, n)), "")
    numbers = [n for n in _named(table, EFFICACY) if n not in (guide, label) and content(table, n).is_number]
    return label, (numbers[0] if numbers else "")


def _is_label(table: Table, name: str) -> bool:
    """Whether a column holds classes; under a name that may head numbers too, every row of the file is asked.

    A file may be sorted: two hundred guides without any effect, then the fractions.
    """
    if not content(table, name).is_class:
        return False
    return _plain(name) in CLASSES or len(table) < SAMPLE or content(read_table(table.path), name).is_class


def _filled(table: Table, words: tuple[str, ...]) -> str:
    return next((name for name in _named(table, words) if content(table, name).filled), "")


def _pairs(table: Table, entry: Entry) -> Entry:
    pair = _pair(table) or ("", "")
    roles = {"seq1": entry.columns.get("seq1", pair[0]), "seq2": entry.columns.get("seq2", pair[1])}
    if not all(roles.values()):
        raise _nothing(table, Kind.PAIRS)
    return _labelled(table, replace(entry, kind=Kind.PAIRS), {**entry.columns, **roles})


def _sequences(table: Table, entry: Entry) -> Entry:
    found = (name for name in _named(table, (*SEQUENCE, *GUIDE)) if content(table, name).is_dna)
    column = entry.columns.get("sequence") or next(found, None)
    if column is None:
        raise _nothing(table, Kind.SEQUENCES)
    return _labelled(table, replace(entry, kind=Kind.SEQUENCES), {**entry.columns, "sequence": column})


def _labelled(table: Table, entry: Entry, columns: dict[str, str]) -> Entry:
    free = [n for n in _named(table, LABEL) if n not in columns.values() and content(table, n).filled]
    label = columns.get("label") or next(iter(free), "")
    label = label or next((n for n in _named(table, EFFICACY) if content(table, n).is_number), "")
    columns = _in(table, columns)
    classes = _classes(table, label) if label else ()
    groups, split = _filled(table, GROUPS), _filled(table, (SPLIT,))
    return replace(entry, reader="table", columns=columns, target=label, classes=classes, groups=groups, split=split)


def _classes(table: Table, label: str) -> tuple[str, ...]:
    """Return the whole numbers that a column uses as classes, in all rows; () for words and measures."""
    cells = content(table, label)
    if not cells.is_class or not cells.is_number:
        return ()
    if set(cells.filled) <= {"0", "1"}:
        return ("0", "1")
    found = {cell.split(".")[0] for cell in read_table(table.path)[label].tolist() if cell}
    return tuple(sorted(found, key=lambda name: (len(name), name))) if len(found) > 1 else ()
