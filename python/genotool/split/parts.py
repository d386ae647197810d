"""Parts: which part of a data set each row belongs to, and the hash that decides it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genotool.errors import UsageError
from genotool.run import escaped, write_atomically

__all__ = ["Fractions", "Part", "Split", "hash_fraction", "source_line"]


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

    def save(
        self, file: Path, ids: NDArray[np.str_], *, simulated: bool = False, source: tuple[str, str] | None = None
    ) -> None:
        """Write ``id<TAB>part`` a row, after comment lines that say how the split was made, and of what (`source`)."""
        lines = [f"# method\t{self.method}", f"# seed\t{self.seed}", f"# leaves_open\t{self.leaves_open}"]
        lines += source_line(source)
        lines += [f"# count\t{reason}\t{count}" for reason, count in self.counts.items()]
        header, mark = ("id\tpart\tsimulated", "\tyes") if simulated else ("id\tpart", "")
        lines.append(header)
        names = {part.value: part.name.lower() for part in Part}
        rows = zip(map(escaped, ids.tolist()), self.parts.tolist(), strict=True)
        lines += [f"{row}\t{names[part]}{mark}" for row, part in rows]
        write_atomically(file, "\n".join(lines) + "\n")


def source_line(source: tuple[str, str] | None) -> list[str]:
    """Return the comment line of a split file that says of which rows it is: `Dataset.source`."""
    return [] if source is None else [f"# data\t{escaped(source[0])}\t{source[1]}"]


def hash_fraction(seed: int, words: Iterable[str]) -> NDArray[np.float64]:
    """Return a number in [0, 1) a word that depends on seed and word alone (BLAKE2b, 53 bits)."""

    def one(word: str) -> float:
        digest = hashlib.blake2b(f"{seed}\x1f{word}".encode(), digest_size=8).digest()
        return (int.from_bytes(digest, "big") >> 11) / 2**53

    known: dict[str, float] = {}
    values = [known[word] if word in known else known.setdefault(word, one(word)) for word in words]
    return np.array(values, dtype=np.float64)
