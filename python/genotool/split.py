"""Split: which part of a data set each row belongs to, how that was decided, and what it leaves open.

A group (gene, donor, locus) goes to a part by ``hash(seed, group)`` alone, so one assignment holds for all
data sets: a gene never trains in one cell line and tests in another, whatever order the sets come in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genotool.dataset import Dataset
from genotool.errors import InputError, UsageError
from genotool.run import escaped, write_atomically
from genotool.sequences import Sequences

__all__ = ["METHODS", "Fractions", "Part", "Split", "choose", "from_file", "hash_fraction"]

FEW_GROUPS = 10
SOME_GROUPS = 30
"""Below this a part may stay empty by chance; from here on the hash alone decides, for all data sets."""
NEIGHBOURHOOD_BP = 1_000_000


class Part(IntEnum):
    """The part of a row; LEFT_OUT rows (unlabelled, overlapping) are in none."""

    LEFT_OUT = -1
    TRAIN = 0
    VALID = 1
    TEST = 2


@dataclass(frozen=True, slots=True)
class Fractions:
    """The share of groups (or rows) that go to validation and test; training takes the rest."""

    valid: float = 0.15
    test: float = 0.15

    def __post_init__(self) -> None:
        if not (0 <= self.valid < 1 and 0 <= self.test < 1 and self.valid + self.test < 1):
            raise UsageError(f"validation {self.valid} and test {self.test} leave no training rows")

    def part(self, position: NDArray[np.float64]) -> NDArray[np.int8]:
        """Return the part of each position in [0, 1): test first, so that it does not move with `valid`."""
        parts = np.full(position.shape, Part.TRAIN, np.int8)
        parts[position < self.test + self.valid] = Part.VALID
        parts[position < self.test] = Part.TEST
        return parts


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """The part of each row.

    Attributes
    ----------
    parts
        (n,) int8 of `Part`.
    method, seed
        How the parts were made.
    leaves_open
        What this split does not guard against, in words for the report.
    counts
        Rows moved or left out after the split was made, by reason.
    """

    parts: NDArray[np.int8]
    method: str
    seed: int
    leaves_open: str
    counts: dict[str, int] = field(default_factory=dict)

    def rows(self, part: Part) -> NDArray[np.int64]:
        """Return the row numbers of a part, ascending."""
        return np.flatnonzero(self.parts == part).astype(np.int64)

    def moved(self, rows: NDArray[np.int64], part: Part, reason: str) -> Split:
        """Return a split with the given rows in another part, counted under `reason`."""
        parts = self.parts.copy()
        parts[rows] = part
        counts = {**self.counts, reason: self.counts.get(reason, 0) + len(rows)}
        return Split(parts, self.method, self.seed, self.leaves_open, counts)

    def save(self, file: Path, ids: NDArray[np.str_], *, simulated: bool = False) -> None:
        """Write ``id<TAB>part`` a row, after comment lines that say how the split was made."""
        lines = [f"# method\t{self.method}", f"# seed\t{self.seed}", f"# leaves_open\t{self.leaves_open}"]
        lines += [f"# count\t{reason}\t{count}" for reason, count in self.counts.items()]
        header, mark = ("id\tpart\tsimulated", "\tyes") if simulated else ("id\tpart", "")
        lines.append(header)
        names = {part.value: part.name.lower() for part in Part}
        rows = zip(map(escaped, ids.tolist()), self.parts.tolist(), strict=True)
        lines += [f"{row}\t{names[part]}{mark}" for row, part in rows]
        write_atomically(file, "\n".join(lines) + "\n")


def hash_fraction(seed: int, words: Iterable[str]) -> NDArray[np.float64]:
    """Return a number in [0, 1) a word that depends on seed and word alone (BLAKE2b, 53 bits)."""

    def one(word: str) -> float:
        digest = hashlib.blake2b(f"{seed}\x1f{word}".encode(), digest_size=8).digest()
        return (int.from_bytes(digest, "big") >> 11) / 2**53

    known: dict[str, float] = {}
    values = [known[word] if word in known else known.setdefault(word, one(word)) for word in words]
    return np.array(values, dtype=np.float64)


def row_keys(dataset: Dataset) -> list[str]:
    """Return what a row is, as text: equal rows go to one part. Of guides, bases 1 and 2 do not count."""
    if not all(isinstance(column, Sequences) for column in dataset.keys):
        return [str(row) for row in dataset.ids.tolist()]
    offset = 2 if dataset.kind == "guides" else 0
    columns = [[text[offset:] for text in column] for column in dataset.keys if isinstance(column, Sequences)]
    return ["|".join(parts) for parts in zip(*columns, strict=True)]


def by_row(dataset: Dataset, seed: int, fractions: Fractions) -> Split:
    """Split single rows; equal rows stay together, also across data sets."""
    parts = fractions.part(hash_fraction(seed, row_keys(dataset)))
    return Split(
        parts,
        "row",
        seed,
        "rows of one gene, donor or locus, and near-identical rows, may straddle the parts",
    )


def stratified(dataset: Dataset, seed: int, fractions: Fractions) -> Split:
    """Split rows in equal shares of each class (regression: of all rows), in the order of their hash."""
    position = hash_fraction(seed, [str(row) for row in dataset.ids.tolist()])
    target = dataset.target if dataset.classes and dataset.target is not None else np.zeros(len(dataset), np.int64)
    rank = np.empty(len(dataset), np.float64)
    for value in np.unique(target):
        rows = np.flatnonzero(target == value)
        order = np.argsort(position[rows], kind="stable")
        rank[rows[order]] = (np.arange(len(rows)) + 0.5) / len(rows)  # half: no share hangs on a rounding
    return Split(fractions.part(rank), "stratified", seed, "rows of one gene, donor or locus may straddle the parts")


def by_group(dataset: Dataset, seed: int, fractions: Fractions) -> Split:
    """Split by the group column, whatever its case; rows without a group are their own.

    Under ten groups one tests and one validates; under thirty, a part that no group fell into gets one.
    """
    if dataset.groups is None:
        raise UsageError(
            f"{dataset.name} has no groups to split by",
            hint="use --split row, or name a groups column in the catalogue",
        )
    keys, named = row_keys(dataset), [group.upper() for group in dataset.groups.tolist()]
    groups = [group or f"row:{key}" for group, key in zip(named, keys, strict=True)]
    known = sorted(set(named) - {""})
    if len(known) < FEW_GROUPS and 2 * sum(map(bool, named)) > len(named):
        return _leave_one_group_out(groups, known, seed)
    part_of = dict(zip(known, fractions.part(hash_fraction(seed, known)).tolist(), strict=True))
    if len(known) < SOME_GROUPS:
        _fill_empty_parts(part_of, known, seed, fractions)
    single = [group for group in groups if group not in part_of]
    part_of |= dict(zip(single, fractions.part(hash_fraction(seed, single)).tolist(), strict=True))
    parts = np.array([part_of[group] for group in groups], np.int8)
    return Split(parts, "group", seed, "near-identical rows of different groups, unless the audit drops them")


def _fill_empty_parts(part_of: dict[str, int], known: list[str], seed: int, fractions: Fractions) -> None:
    """Give a part that no group fell into, by the chance of few groups, the training group of lowest hash."""
    order = [known[at] for at in np.argsort(hash_fraction(seed, known), kind="stable")]
    for part, share in ((Part.TEST, fractions.test), (Part.VALID, fractions.valid)):
        training = [group for group in order if part_of[group] == Part.TRAIN]
        if share and part not in part_of.values() and len(training) > 1:
            part_of[training[0]] = part


def _leave_one_group_out(groups: list[str], distinct: list[str], seed: int) -> Split:
    if len(distinct) < 3:
        raise InputError(f"a split by group needs at least 3 groups, there are {len(distinct)}", hint="use --split row")
    order = [distinct[i] for i in np.argsort(hash_fraction(seed, distinct), kind="stable")]
    part_of = {order[0]: Part.TEST, order[1]: Part.VALID}
    parts = np.array([part_of.get(group, Part.TRAIN) for group in groups], np.int8)
    said = f"only {len(distinct)} groups: {order[0]} tests, {order[1]} validates; one says little about others"
    return Split(parts, "leave-one-group-out", seed, said)


def by_neighbourhood(dataset: Dataset, seed: int, fractions: Fractions) -> Split:
    """Split by fixed windows of a megabase on each chromosome, where only positions are known."""
    if "chrom" not in dataset.columns or "start" not in dataset.columns:
        raise UsageError(f"{dataset.name} has no positions", hint="a neighbourhood split needs chrom and start columns")
    chrom, start = np.asarray(dataset.columns["chrom"]), np.asarray(dataset.columns["start"], np.int64)
    windows = [
        f"{name}:{place // NEIGHBOURHOOD_BP}" for name, place in zip(chrom.tolist(), start.tolist(), strict=True)
    ]
    parts = fractions.part(hash_fraction(seed, windows))
    return Split(
        parts,
        "neighbourhood",
        seed,
        "a gene that crosses a megabase boundary, and paralogs, may straddle the parts",
    )


def published(dataset: Dataset, seed: int, fractions: Fractions) -> Split:
    """Take the split column. Without a test part its ``valid`` tests, and validation is carved from train."""
    if "split" not in dataset.columns:
        raise UsageError(f"{dataset.name} has no published split", hint="use --split group or --split row")
    words = np.char.lower(np.asarray(dataset.columns["split"], dtype=np.str_))
    known = {
        "train": Part.TRAIN,
        "valid": Part.VALID,
        "val": Part.VALID,
        "validation": Part.VALID,
        "test": Part.TEST,
    }
    unknown = sorted(set(words.tolist()) - set(known))
    if unknown:
        raise InputError(
            f"{dataset.name}: the split column holds other words than train, valid, test", value=unknown[0]
        )
    parts = np.array([known[word] for word in words.tolist()], np.int8)
    said = "what the published split leaves open"
    if not (parts == Part.TEST).any():
        parts[parts == Part.VALID] = Part.TEST
        said += "; it has no test part: its valid rows test here, validation is carved from train"
    if not (parts == Part.VALID).any():
        carve = Fractions(valid=fractions.valid or 0.15, test=0.0)
        rows = np.flatnonzero(parts == Part.TRAIN).astype(np.int64)
        train = dataset.take(rows)
        many = train.groups is not None and len(set(train.groups.tolist()) - {""}) >= 3
        inner = (by_group if many else by_row)(train, seed, carve).parts
        parts[rows[inner == Part.VALID]] = Part.VALID
    return Split(parts, "published", seed, said)


def from_file(file: Path, dataset: Dataset) -> Split:
    """Read a split that `Split.save` wrote, or any table with the columns ``id`` and ``part``.

    Raises
    ------
    InputError
        If the file is no such table, names an unknown part, or lacks an id of the data set.
    """
    if not file.is_file():
        raise UsageError(f"{file}: no such split file")
    names = {part.name.lower(): part.value for part in Part}
    known: dict[str, int] = {}
    head: dict[str, str] = {}
    counts: dict[str, int] = {}
    lines = _lines(file)
    header = next((at for at, line in enumerate(lines) if line.split("\t")[:2] == ["id", "part"]), -1)
    for line in lines[: max(header, 0)]:
        cells = line.split("\t")
        if cells[0] == "# count" and len(cells) == 3 and cells[2].isdigit():
            counts[cells[1]] = int(cells[2])
        elif line.startswith("# ") and len(cells) >= 2:
            head[cells[0][2:]] = cells[1]
    for number, line in enumerate(lines[header + 1 :], start=header + 2):
        cells = line.split("\t")
        if line and (len(cells) < 2 or cells[1] not in names):
            raise InputError("a split file has two columns, id and part", file=file, row=number, value=line)
        if line:
            known[cells[0]] = names[cells[1]]
    ids = [escaped(row) for row in dataset.ids.tolist()]
    missing = [row for row in ids if row not in known]
    if missing:
        raise InputError(
            f"{len(missing)} rows of {dataset.name} are not in the split file", file=file, value=missing[0]
        )
    parts = np.array([known[row] for row in ids], np.int8)
    seed = int(head["seed"]) if head.get("seed", "").lstrip("-").isdigit() else 0
    said = head.get("leaves_open", "what the file's author left open")
    return Split(parts, head.get("method", "file"), seed, said, counts)


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError as error:
        raise InputError("a split file is UTF-8 text", file=file) from error


METHODS: dict[str, Callable[[Dataset, int, Fractions], Split]] = {
    "row": by_row,
    "stratified": stratified,
    "group": by_group,
    "neighbourhood": by_neighbourhood,
    "published": published,
}


def choose(dataset: Dataset, method: str | None, seed: int, fractions: Fractions | None = None) -> Split:
    """Make the split that was asked for, or else the safest one that the data set allows.

    Parameters
    ----------
    method
        A name in `METHODS`, a path to a split file, or None: the published column, groups, positions, rows.

    Raises
    ------
    UsageError
        If the method is unknown or the data set lacks what it needs.
    """
    fractions = fractions or Fractions()
    if method is not None and method not in METHODS:
        if "/" in method or "." in method:
            return from_file(Path(method), dataset)
        raise UsageError(f"unknown split {method!r}", hint=f"one of {', '.join(METHODS)}, or the path of a split file")
    return METHODS[method or default_method(dataset)](dataset, seed, fractions)


def default_method(dataset: Dataset) -> str:
    """Return the name of the safest split that the data set allows."""
    columns: Any = dataset.columns
    if "split" in columns:
        return "published"
    if dataset.groups is not None and any(dataset.groups.tolist()):
        return "group"
    return "neighbourhood" if "chrom" in columns and "start" in columns else "row"
