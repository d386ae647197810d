"""What the cells of a column look like: DNA, a guide, a number, a class. For a file that nobody described."""

from __future__ import annotations

import re
from dataclasses import dataclass

from genotool.readers.table import Table

__all__ = ["DNA", "Content", "content", "is_number"]

DNA = re.compile(r"[ACGTUNacgtun]+")
SHORTEST, LONGEST = 17, 23
"""What is as long as a guide; 21 and 22 nt are none, and the reader says so with the row."""


@dataclass(frozen=True, slots=True)
class Content:
    """What the filled cells of a column look like."""

    filled: tuple[str, ...]

    @property
    def is_dna(self) -> bool:
        """Whether every cell is letters of DNA."""
        return bool(self.filled) and all(DNA.fullmatch(cell) for cell in self.filled)

    @property
    def is_guide(self) -> bool:
        """Whether nearly every cell is DNA as long as a guide: one in ten may be a slip, which the reader names."""
        hits = sum(SHORTEST <= len(cell) <= LONGEST and bool(DNA.fullmatch(cell)) for cell in self.filled)
        misses = len(self.filled) - hits
        return hits > misses and misses <= max(1, len(self.filled) // 10)

    @property
    def is_number(self) -> bool:
        """Whether nearly every cell is a number."""
        return bool(self.filled) and sum(map(is_number, self.filled)) > 0.9 * len(self.filled)

    @property
    def is_class(self) -> bool:
        """Whether the cells are few different words or whole numbers."""
        words = self.words
        return bool(words) and len(words) <= 10 and not any("." in word and is_number(word) for word in words)

    @property
    def is_zero_and_one(self) -> bool:
        """Whether the cells are 0 and 1, both of them, and nothing else."""
        return self.words == {"0", "1"}

    @property
    def words(self) -> set[str]:
        """The different cells; a whole number that a spreadsheet wrote as ``1.0`` is ``1``."""
        return {cell.split(".")[0] if re.fullmatch(r"-?\d+\.0+", cell) else cell for cell in self.filled}


def is_number(cell: str) -> bool:
    """Whether a cell reads as a number."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def content(table: Table, column: str) -> Content:
    """Return what the filled cells of a column look like."""
    return Content(tuple(cell for cell in table[column].tolist() if cell))
