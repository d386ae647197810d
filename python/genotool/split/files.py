"""Split files: ``id<TAB>part`` (or ``id<TAB>fold``) a row, after comment lines that say how the split was made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genotool.dataset import Dataset, are_row_numbers
from genotool.errors import InputError, UsageError
from genotool.run import escaped
from genotool.split.parts import Part, Split

__all__ = ["Sheet", "from_file", "read_sheet"]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A split file: its comment lines, the names of its columns after ``id``, and each id's cells.

    Attributes
    ----------
    header
        Without ``id``; empty where the file has no header.
    lines
        (number in the file, cells) of each row.
    """

    file: Path
    comments: list[list[str]]
    header: list[str]
    lines: list[tuple[int, list[str]]]

    def said(self, name: str, default: str) -> str:
        """Return what a comment line says."""
        return next((cells[1] for cells in self.comments if cells[0] == f"# {name}"), default)

    @property
    def seed(self) -> int:
        """The seed that the split was made with; 0 where the file names none."""
        text = self.said("seed", "0")
        return int(text) if text.lstrip("-").isdigit() else 0

    def rows(self, dataset: Dataset) -> list[list[str]]:
        """Return the cells of each row of a data set, in its order.

        Raises
        ------
        InputError
            If a row is not in the file, is there twice and differs, or rows are numbered in it that are those of
            other data.
        """
        self._check_source(dataset)
        known: dict[str, list[str]] = {}
        for number, cells in self.lines:
            if known.setdefault(cells[0], cells[1:]) != cells[1:]:
                hint = "a row has one part: leave one of its lines"
                raise InputError(
                    "an id stands here twice, with two parts", file=self.file, row=number, value=cells[0], hint=hint
                )
        ids = [escaped(row) for row in dataset.ids.tolist()]
        missing = [row for row in ids if row not in known]
        if missing:
            said = f"{len(missing)} rows of {dataset.name} are not in the split file"
            hint = f"it names {len(known)} ids, such as {next(iter(known), 'none')!r}: are they those of the id column?"
            raise InputError(said, file=self.file, value=missing[0], hint=hint)
        return [known[row] for row in ids]

    def _check_source(self, dataset: Dataset) -> None:
        made_of = next((cells[1:3] for cells in self.comments if cells[0] == "# data" and len(cells) == 3), None)
        most = len(dataset) + sum(dataset.about.left_out.values())
        if made_of is None or not are_row_numbers(dataset.ids.tolist(), most) or dataset.source[1] == made_of[1]:
            return
        said = f"the ids of this split file are row numbers of other data than {dataset.name}"
        hint = "a row number names no row of another file: give both an id column, or split this one anew"
        raise InputError(said, file=self.file, value=f"split of {made_of[0]}", hint=hint)


def read_sheet(file: Path) -> Sheet:
    """Read the table of a split file, whatever its columns.

    Raises
    ------
    UsageError, InputError
        If there is no such file, or it is no text.
    """
    if not file.is_file():
        raise UsageError(f"{file}: no such split file")
    try:
        text = file.read_text(encoding="utf-8-sig").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError as error:
        raise InputError("a split file is UTF-8 text", file=file) from error
    table = [line.split("\t") for line in text]
    at = next((at for at, cells in enumerate(table) if cells[0] == "id" and len(cells) > 1), -1)
    comments = [cells for cells in table[: max(at, 0)] if cells[0].startswith("# ") and len(cells) > 1]
    lines = [(number, cells) for number, cells in enumerate(table[at + 1 :], start=at + 2) if cells != [""]]
    return Sheet(file, comments, table[at][1:] if at >= 0 else [], lines)


def from_file(file: Path, dataset: Dataset) -> Split:
    """Read a split that `Split.save` wrote, or any table with the columns ``id`` and ``part``.

    Raises
    ------
    InputError
        If the file is no such table, names an unknown part, or lacks an id of the data set.
    """
    sheet = read_sheet(file)
    if any(name.startswith("fold") for name in sheet.header):
        raise InputError("this split file holds folds", file=file, hint="give --folds with it to cross-validate")
    names = {part.name.lower(): part.value for part in Part}
    for number, cells in sheet.lines:
        if len(cells) < 2 or cells[1] not in names:
            said = "a split file has two columns, id and part"
            raise InputError(said, file=file, row=number, value="\t".join(cells))
    counts = {cells[1]: int(cells[2]) for cells in sheet.comments
              if cells[0] == "# count" and len(cells) == 3 and cells[2].isdigit()}  # fmt: skip
    parts = np.array([names[cells[0]] for cells in sheet.rows(dataset)], np.int8)
    said = sheet.said("leaves_open", "what the file's author left open")
    return Split(parts, sheet.said("method", "file"), sheet.seed, said, counts)
