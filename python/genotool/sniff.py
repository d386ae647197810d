"""What a file without a catalogue is: told by its first bytes, its header and its cells.

Known headers are those of the public sgRNA sets (CNN-XG, DeepHF, RNAS-sgRNA), of genotool's own tables, and
the words that people use for the same things. The result is an ordinary catalogue entry, which `genotool data
add` writes down and anybody may correct.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from genotool import readers
from genotool.catalogue import NAME, Entry, FileSpec
from genotool.dataset import Dataset, Kind
from genotool.errors import InputError, UsageError
from genotool.readers import Wanted
from genotool.readers.guides import LENGTHS
from genotool.readers.table import HDF5, Table, open_bytes, open_rows, read_table

__all__ = ["complete", "name_of", "read_path", "sniff"]

SAMPLE = 200
"""How many rows tell what a column holds."""
WIDE = 200
"""A table with more columns is a matrix."""

GUIDE = ("guide", "sgrna", "grna", "guideseq", "guidesequence", "sgrnasequence", "sgrnaseq", "grnasequence",
         "spacer", "protospacer", "23mer", "20mer", "target", "targetseq", "targetsequence", "seq",
         "sequence")  # fmt: skip
LABEL = ("label", "class", "efficient", "active", "y", "islabel", "efficacy", "target", "binarylabel")
EFFICACY = ("efficacy", "normalizedefficacy", "normalisedefficacy", "indel", "indels", "indelfrequency",
            "efficiency", "activity", "score")  # fmt: skip
"""No fold changes: in a drop-out screen active means negative, and the sign is the author's to say."""
OTHER_ROLES = {
    "context": ("context", "30mer", "extendedsequence"),
    "chrom": ("chrom", "chr", "chromosome", "seqname", "seqnames"),
    "start": ("start", "chromstart", "position", "pos"),
    "end": ("end", "chromend", "stop"),
    "strand": ("strand", "direction"),
    "raw_value": ("rawvalue",),
    "dataset": ("dataset",),
}
GENE = ("gene", "genesymbol", "genename", "targetgene", "symbol")
SPLIT = ("split",)
PAIR = (("seq1", "seq2"), ("sequence1", "sequence2"), ("on", "off"))
SEQUENCE = ("sequence", "seq", "dna", "promoter")
GROUPS = ("gene", "genesymbol", "group", "simgroup", "locuscluster", "patient", "donor")
DNA = re.compile(r"[ACGTUNacgtun]+")


def read_path(path: Path, kind: Kind | None, wanted: Wanted) -> Dataset:
    """Read a file that no catalogue describes.

    Parameters
    ----------
    kind
        What to read it as; None takes what it looks like.

    Raises
    ------
    UsageError
        If it is no file: a folder of data sets or a run is answered with what to do instead (exit 2).
    InputError
        If the content is nothing that can be read, or lacks a column (exit 3).
    """
    if path.is_dir():
        raise _directory(path)
    entry = sniff(path, kind)
    return readers.read(entry, {"data": path}, replace(wanted, strict_classes=True))


def _directory(path: Path) -> UsageError:
    if (path / "catalogue.toml").is_file():
        hint = f"name one of its sets: --data-dir {path} and the name; `genotool data list --data-dir {path}`"
        return UsageError(f"{path} is a folder of data sets, one is needed", hint=hint)
    if (path / "run.json").is_file():
        return UsageError(f"{path} is a run folder, a data set is needed", hint=f"its rows: {path}/predictions.tsv")
    return UsageError(f"{path} is a directory, a file is needed")


def name_of(path: Path) -> str:
    """Return a name for the data set in a file: the stem, in the letters that names may have."""
    stem = path.name.split(".")[0]
    word = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-_") or "data"
    return word if NAME.fullmatch(word) else "data"


def sniff(path: Path, kind: Kind | None = None) -> Entry:
    """Return the entry that describes a file, its path as given.

    Raises
    ------
    UsageError
        No such file.
    InputError
        The content is nothing known.
    """
    entry = Entry(name_of(path), kind or Kind.MATRIX, "anndata", {"data": FileSpec(str(path))})
    if _starts_with(path, HDF5):
        return _checked(entry, kind, (Kind.MATRIX,))
    with open_bytes(path) as handle:
        is_fasta = handle.read(1) == b">"
    if is_fasta:
        entry = replace(entry, kind=kind or Kind.SEQUENCES, reader="fasta")
        return _checked(entry, kind, (Kind.SEQUENCES, Kind.GUIDES))
    return _table(entry, kind, path)


def complete(entry: Entry, path: Path) -> Entry:
    """Return an entry of guides that names no columns with the roles that the header suggests."""
    found = _guides(_sample(path), entry)
    if entry.target:
        found = replace(found, target=entry.target, classes=entry.classes)
    return replace(found, groups=entry.groups or found.groups, split=entry.split or found.split)


def _starts_with(path: Path, magic: bytes) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as handle:
        return handle.read(len(magic)) == magic


def _checked(entry: Entry, kind: Kind | None, possible: tuple[Kind, ...]) -> Entry:
    if kind is not None and kind not in possible:
        raise UsageError(f"{entry.files['data'].path} holds {' or '.join(possible)}, {kind} are needed")
    return entry


def _table(entry: Entry, kind: Kind | None, path: Path) -> Entry:
    with open_rows(path) as rows:
        header = next(rows)[1]
    if len(header) > WIDE:
        return _checked(replace(entry, kind=Kind.MATRIX, reader="matrix"), kind, (Kind.MATRIX,))
    table = _sample(path)
    for possible, make in ((Kind.PAIRS, _pairs), (Kind.GUIDES, _guides), (Kind.SEQUENCES, _sequences)):
        if kind in (None, possible) and (kind is not None or _looks_like(table, possible)):
            return make(table, entry)
    if kind is Kind.MATRIX or (kind is None and _is_matrix(table)):
        return replace(entry, kind=Kind.MATRIX, reader="matrix")
    raise _nothing(table, kind)


def _nothing(table: Table, kind: Kind | None) -> InputError:
    what = kind or "guides, sequences, pairs or a matrix"
    first = next(iter(table.columns))
    if DNA.fullmatch(first) and len(first) >= 17:
        hint = f"the first line, {first[:30]}, looks like a row: a header row is needed"
    else:
        hint = f"the columns are {', '.join(list(table.columns)[:12])}; name one guide or sequence"
    return InputError(f"no column that holds {what} was found", file=table.path, hint=hint)


def _sample(path: Path) -> Table:
    """The first rows; the reader itself reads and checks all of them later."""
    return read_table(path, limit=SAMPLE)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", name.casefold())


def _named(table: Table, words: tuple[str, ...]) -> Iterator[str]:
    """Yield the columns that bear one of the words, in the order of the words."""
    by_word: dict[str, list[str]] = {}
    for name in table.columns:
        by_word.setdefault(_plain(name), []).append(name)
    for word in words:
        yield from by_word.get(word, [])


@dataclass(frozen=True, slots=True)
class _Content:
    """What the filled cells of a column look like."""

    filled: tuple[str, ...]

    @property
    def is_dna(self) -> bool:
        return bool(self.filled) and all(DNA.fullmatch(cell) for cell in self.filled)

    @property
    def is_guide(self) -> bool:
        return self.is_dna and sum(len(cell) in LENGTHS for cell in self.filled) > 0.5 * len(self.filled)

    @property
    def is_number(self) -> bool:
        return bool(self.filled) and sum(map(_is_number, self.filled)) > 0.9 * len(self.filled)

    @property
    def is_class(self) -> bool:
        whole = [cell.split(".")[0] if re.fullmatch(r"-?\d+\.0+", cell) else cell for cell in self.filled]
        return bool(whole) and len(set(whole)) <= 10 and not any("." in cell and _is_number(cell) for cell in whole)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _content(table: Table, column: str) -> _Content:
    return _Content(tuple(cell for cell in table[column].tolist() if cell))


def _guide_column(table: Table) -> str | None:
    """A column named like a guide: the first whose cells are guides, else the first telling name."""
    names = list(_named(table, GUIDE))
    fitting = [name for name in names if _content(table, name).is_guide]
    telling = [name for name in names if _plain(name) in GUIDE[: GUIDE.index("target")]]
    return next(iter([*fitting, *telling]), None)


def _looks_like(table: Table, kind: Kind) -> bool:
    if kind is Kind.PAIRS:
        return _pair(table) is not None
    if kind is Kind.GUIDES:
        return _guide_column(table) is not None
    return any(_content(table, name).is_dna for name in _named(table, SEQUENCE))


def _pair(table: Table) -> tuple[str, str] | None:
    for left, right in PAIR:
        found = next(_named(table, (left,)), None), next(_named(table, (right,)), None)
        if found[0] and found[1]:
            return found[0], found[1]
    return None


def _is_matrix(table: Table) -> bool:
    names = list(table.columns)
    numeric = sum(_content(table, name).is_number for name in names[1:])
    return len(names) >= 3 and numeric >= max(2, len(names) - 3)


def _guides(table: Table, entry: Entry) -> Entry:
    guide = _guide_column(table) or next(_named(table, GUIDE), None)
    if guide is None:
        raise _nothing(table, Kind.GUIDES)
    columns = {"guide": guide}
    label, efficacy = _label_and_efficacy(table, taken=guide)
    if label:
        columns["label"] = label
    if efficacy:
        columns["efficacy"] = efficacy
    for role, words in OTHER_ROLES.items():
        name = next(_named(table, words), None)
        if name and name not in columns.values():
            columns[role] = name
    target = "label" if label else "efficacy" if efficacy else ""
    found = replace(entry, kind=Kind.GUIDES, reader="table", columns=columns, target=target)
    classes = ("0", "1") if label and _are_zero_and_one(table, label) else ()
    return replace(found, classes=classes, groups=_filled(table, GENE), split=_filled(table, SPLIT))


def _label_and_efficacy(table: Table, taken: str) -> tuple[str, str]:
    """Tell classes from numbers by the cells: CNN-XG calls the classes `Efficacy`, others the numbers."""
    labels = [n for n in _named(table, LABEL) if n != taken and _content(table, n).is_class]
    label = labels[0] if labels else ""
    numbers = [n for n in _named(table, EFFICACY) if n not in (taken, label) and _content(table, n).is_number]
    return label, (numbers[0] if numbers else "")


def _are_zero_and_one(table: Table, label: str) -> bool:
    return {cell.split(".")[0] for cell in _content(table, label).filled} & {"0", "1"} != set()


def _filled(table: Table, words: tuple[str, ...]) -> str:
    return next((name for name in _named(table, words) if _content(table, name).filled), "")


def _pairs(table: Table, entry: Entry) -> Entry:
    pair = _pair(table)
    if pair is None:
        raise _nothing(table, Kind.PAIRS)
    return _labelled(table, replace(entry, kind=Kind.PAIRS), {"seq1": pair[0], "seq2": pair[1]})


def _sequences(table: Table, entry: Entry) -> Entry:
    column = next((name for name in _named(table, (*SEQUENCE, *GUIDE)) if _content(table, name).is_dna), None)
    if column is None:
        raise _nothing(table, Kind.SEQUENCES)
    return _labelled(table, replace(entry, kind=Kind.SEQUENCES), {"sequence": column})


def _labelled(table: Table, entry: Entry, columns: dict[str, str]) -> Entry:
    label = next((n for n in _named(table, LABEL) if n not in columns.values() and _content(table, n).filled), "")
    label = label or next((n for n in _named(table, EFFICACY) if _content(table, n).is_number), "")
    classes = _classes(table, label) if label else ()
    groups, split = _filled(table, GROUPS), _filled(table, SPLIT)
    return replace(entry, reader="table", columns=columns, target=label, classes=classes, groups=groups, split=split)


def _classes(table: Table, label: str) -> tuple[str, ...]:
    """Return the whole numbers that a column uses as classes, in all rows; () for words and measures."""
    content = _content(table, label)
    if not content.is_class or not content.is_number:
        return ()
    if set(content.filled) <= {"0", "1"}:
        return ("0", "1")
    found = {cell.split(".")[0] for cell in read_table(table.path)[label].tolist() if cell}
    return tuple(sorted(found, key=lambda name: (len(name), name))) if len(found) > 1 else ()
