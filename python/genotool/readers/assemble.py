"""From a table of text to a Dataset: which rows belong to it, their target, groups, split and ids.

Every reader ends here, so that the rules on targets are the same for guides, sequences, pairs and matrices.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genotool.catalogue import Entry
from genotool.dataset import About, Column, Dataset, Task
from genotool.errors import InputError, UsageError
from genotool.readers.table import Table, numbers

__all__ = ["Wanted", "assemble", "choose_rows", "unique_ids"]

log = logging.getLogger(__name__)

WHOLE = re.compile(r"[+-]?\d+\.0+")
FEW = 50
"""More distinct words than this in a target without declared classes are no classes."""
ABSENT = {"nan", "na", "n/a", "#n/a", "<na>", "null"}
"""What other programs write where there is no value: no class, unless a catalogue says so."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the caller asks of a data set, beyond what its entry says.

    Attributes
    ----------
    target
        Another column (or role) than the entry's target.
    task
        The task that the target has to serve.
    labelled
        False keeps every row and gives no target: for prediction.
    strict_classes
        Whether a value that is none of the classes is an error; else the row is left out and counted, as
        catalogues have it.
    """

    target: str | None = None
    task: Task | None = None
    labelled: bool = True
    strict_classes: bool = False


@dataclass(frozen=True, slots=True)
class _Target:
    values: NDArray[np.int64] | NDArray[np.float64] | None
    classes: tuple[str, ...]
    keep: NDArray[np.bool_]
    left_out: Mapping[str, int] = field(default_factory=dict)
    column: str = ""


def assemble(
    entry: Entry,
    table: Table,
    wanted: Wanted,
    key_columns: Callable[[Table], Mapping[str, Column]],
    *,
    source: Path,
    ids: str = "",
    left_out: Mapping[str, int] | None = None,
    features: NDArray[np.str_] | None = None,
) -> Dataset:
    """Choose the rows, read target and groups, and make the data set.

    Parameters
    ----------
    key_columns
        Makes the columns of the kind from the rows that were kept (their `numbers` say which).
    source
        The file of the data itself, where `table` may be that of the labels.
    ids
        The column of ids; "" takes the row numbers.
    left_out
        Rows that were lost before, by reason.
    features
        The column names of a matrix.

    Raises
    ------
    InputError
        If a column is missing, a target is no such value, or no row is left.
    """
    rows, lost = choose_rows(entry, table)
    target = _target(entry, rows, wanted) if len(rows) else _Target(None, (), np.ones(0, bool))
    kept = rows.take(target.keep)
    counts = {reason: n for reason, n in {**(left_out or {}), **lost, **target.left_out}.items() if n}
    if len(kept) == 0:
        said = "; ".join(f"{n} rows: {reason}" for reason, n in counts.items())
        hint = "another --target, or `where` and `classes` of the catalogue"
        raise InputError(f"no row is left ({said})", file=table.path, hint=hint)
    columns = dict(_other_columns(entry, kept)) | dict(key_columns(kept))
    if entry.split:
        columns["split"] = kept.text(entry.split)
    return Dataset(
        name=entry.name,
        kind=entry.kind,
        ids=unique_ids(kept.text(ids)) if ids else kept.numbers.astype(np.str_),
        columns=columns,
        target=None if target.values is None else target.values[target.keep],
        classes=target.classes,
        groups=kept.text(entry.groups) if entry.groups else None,
        features=features,
        about=_about(entry, source, counts, {"target": target.column, "id": ids}),
    )


def _about(entry: Entry, path: Path, left_out: Mapping[str, int], roles: Mapping[str, str]) -> About:
    roles = {**roles, "groups": entry.groups, "split": entry.split}
    return About(
        cite=entry.cite,
        licence=entry.licence,
        warning=entry.warning,
        cell=entry.cell,
        path=str(path),
        simulated=entry.simulated,
        left_out=dict(left_out),
        roles={role: column for role, column in roles.items() if column},
        window=_window(entry),
    )


def _window(entry: Entry) -> str:
    if entry.reader != "bed":
        return ""
    asked = entry.window
    if "upstream" not in asked:
        return "the features themselves"
    return f"{asked['upstream']} before each start and {asked['downstream']} from it on"


def choose_rows(entry: Entry, table: Table) -> tuple[Table, dict[str, int]]:
    """Return the rows that `where` asks for, and how many each rule left out."""
    lost = {}
    for column, values in entry.where.items():
        keep = np.isin(table.text(column), values)
        lost[f"{column} is not {' or '.join(values)}"] = int((~keep).sum())
        table = table.take(keep)
    return table, lost


def _other_columns(entry: Entry, table: Table) -> Mapping[str, Column]:
    """Return every column of the file that no role took, as text under its own name.

    A column called `split` comes along only where the entry declares it: its presence decides how rows are
    split.
    """
    taken = {*entry.columns.values(), "split"}
    free = [name for name in table.columns if name and name not in taken]
    needed = (entry.groups, entry.id, entry.split)
    long = [name for name in free if name not in needed and table.too_long(name) is not None]
    if long:
        log.warning("%s: columns of very long cells are left out: %s", table.path.name, ", ".join(map(repr, long)))
    return {name: table.text(name) for name in free if name not in long}


def _target(entry: Entry, table: Table, wanted: Wanted) -> _Target:
    asked = wanted.target if wanted.target is not None else entry.target
    if not asked or not wanted.labelled:
        return _Target(None, (), np.ones(len(table), bool))
    column = entry.columns.get(asked, asked)
    return replace(_values(entry, table, wanted, column), column=column)


def _values(entry: Entry, table: Table, wanted: Wanted, column: str) -> _Target:
    own = column == entry.columns.get(entry.target, entry.target)
    task = wanted.task
    if task is None and own and entry.classes:
        return _classes(table, column, entry.classes, strict=wanted.strict_classes)
    if task is None and set(class_names(table[column]).tolist()) - {""} == {"0", "1"}:
        return _classes(table, column, ("0", "1"), strict=True)
    if task is Task.REGRESSION or (task is None and _is_number(table, column)):
        values = numbers(table, column, is_target=True)
        known = ~np.isnan(values)
        return _Target(values, (), known, {f"no {column}": int((~known).sum())})
    if own and entry.classes:
        _check_count(entry.name, entry.classes, task)
        return _classes(table, column, entry.classes, strict=wanted.strict_classes)
    return _classes(table, column, _found_classes(table, column, task), strict=True)


def _check_count(name: str, classes: tuple[str, ...], task: Task | None) -> None:
    if (task is Task.BINARY) != (len(classes) == 2):
        hint = "--target names another column; `classes` of the catalogue says which classes count"
        raise UsageError(f"{name} has {len(classes)} classes, which is no {task} task", hint=hint)


def class_names(cells: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return cells as class names: what a spreadsheet wrote as ``1.0`` is the class ``1``."""
    words = {cell: cell.split(".")[0] if WHOLE.fullmatch(cell) else cell for cell in set(cells.tolist())}
    return np.array([words[cell] for cell in cells.tolist()], dtype=object)


def _classes(table: Table, column: str, classes: tuple[str, ...], *, strict: bool) -> _Target:
    cells = class_names(table[column])
    codes = np.full(len(table), -1, np.int64)
    for code, name in enumerate(classes):
        codes[cells == name] = code
    empty = cells == ""
    other = (codes < 0) & ~empty
    absent = next((name for name in classes if name.casefold() in ABSENT), None) if strict else None
    if absent is not None:
        hint = "leave the cell empty to leave the row out; rename it if it is a class"
        raise table.error(
            f"the column {column!r} holds what reads as no value", int(np.argmax(cells == absent)), absent, hint
        )
    if strict and other.any():
        row = int(np.flatnonzero(other)[0])
        hint = "leave the cell empty to leave the row out; --target names another column"
        raise table.error(f"the column {column!r} may hold {' or '.join(classes)} only", row, cells[row], hint)
    reasons = {f"no {column}": int(empty.sum()), f"{column} is not {' or '.join(classes)}": int(other.sum())}
    return _Target(codes, classes, codes >= 0, reasons)


def _found_classes(table: Table, column: str, task: Task | None) -> tuple[str, ...]:
    """Return the distinct values, sorted; a binary task takes two, the first row with a third is named."""
    cells = class_names(table[column])
    order = {cell: row for row, cell in reversed(list(enumerate(cells.tolist()))) if cell}
    if task is Task.BINARY and len(order) > 2:
        counts = {cell: int((cells == cell).sum()) for cell in order} if len(order) <= FEW else dict.fromkeys(order, 0)
        usual = {"0", "1"} if {"0", "1"} <= set(order) else set(sorted(order, key=lambda c: (-counts[c], c))[:2])
        third = min((cell for cell in order if cell not in usual), key=lambda cell: order[cell])
        message = f"the column {column!r} has {len(order)} values where two classes are asked"
        raise table.error(message, order[third], third, "leave the cells of the others empty, or --target another")
    if len(order) > max(FEW, len(table) // 2):
        message, hint = f"the column {column!r} has {len(order)} different words: no classes", "--target names another"
        raise table.error(message, 0, cells[0], hint)
    if not order:
        hint = "--target names another column"
        raise InputError(f"the column {column!r} is empty in every row", file=table.path, hint=hint)
    return tuple(sorted(order))


def _is_number(table: Table, column: str) -> bool:
    """Whether the filled cells are numbers: all, or so many that another one is a slip to be reported."""
    try:
        np.where(table[column] == "", "nan", table[column]).astype(np.float64)
    except ValueError:
        return _mostly_numbers(table[column])
    return bool((table[column] != "").any())


def _mostly_numbers(cells: NDArray[np.object_]) -> bool:
    def is_one(cell: str) -> bool:
        try:
            float(cell)
        except ValueError:
            return False
        return True

    filled = [cell for cell in cells.tolist() if cell]
    return sum(map(is_one, filled)) > 0.9 * len(filled)


def unique_ids(ids: NDArray[np.str_]) -> NDArray[np.str_]:
    """Return ids made unique: the second ``x`` becomes ``x~2``."""
    if len(np.unique(ids)) == len(ids):
        return ids
    seen: dict[str, int] = {}
    taken = set(ids.tolist())
    unique = []
    for name in ids.tolist():
        count = seen.get(name, 0) + 1
        new = name
        while count > 1 and (new := f"{name}~{count}") in taken:
            count += 1
        seen[name] = count
        taken.add(new)
        unique.append(new)
    return np.array(unique, dtype=np.str_)
