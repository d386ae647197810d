"""What differs between the results of two run folders: bytes first, then numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["FileDifference", "differences", "result_files"]

RESULTS = ("*.tsv", "metrics.json", "fitted.json", "audit.json", "summary.json", "leaderboard.json", "pooled.json",
           "comparison.json", "explanation.json", "training_keys.bin")  # fmt: skip
TIMED = ("seconds", "minutes", "started", "finished")
"""Columns and keys whose numbers are timings."""


@dataclass(frozen=True, slots=True)
class FileDifference:
    """How one file of two folders compares.

    Attributes
    ----------
    word
        ``same`` (equal bytes), ``numbers`` (equal but for numbers), ``content`` (other text or shape), ``missing``.
    largest
        The largest absolute difference of two numbers; None unless `word` is ``numbers``.
    where
        Where that is, or what else differs first.
    """

    file: str
    word: str
    largest: float | None = None
    where: str = ""


def result_files(folder: Path) -> list[str]:
    """Return the files that hold results, of the folder and of a recipe's steps, relative to it."""
    found = {file for pattern in RESULTS for file in folder.rglob(pattern) if file.is_file()}
    relative = (file.relative_to(folder) for file in found)
    return sorted(
        str(file) for file in relative if not any(part.startswith(".") or part == "search" for part in file.parts)
    )


def differences(first: Path, second: Path) -> list[FileDifference]:
    """Compare every result of `first` with that of `second`; timings are left out."""
    names = sorted({*result_files(first), *result_files(second)})
    return [_compared(name, first / name, second / name) for name in names]


def _compared(name: str, first: Path, second: Path) -> FileDifference:
    for file in (first, second):
        if not file.is_file():
            return FileDifference(name, "missing", where=f"not in {file.parent}")
    if first.read_bytes() == second.read_bytes():
        return FileDifference(name, "same")
    if first.suffix == ".bin":
        return FileDifference(name, "content", where="other bytes")
    largest, where = 0.0, ""
    pairs = zip(_cells(first), _cells(second), strict=False)
    for (place, one), (other_place, other) in pairs:
        if place != other_place:
            return FileDifference(name, "content", where=f"{place} against {other_place}")
        if place.rpartition("/")[2] in TIMED or one == other:
            continue
        apart = _apart(one, other)
        if apart is None:
            return FileDifference(name, "content", where=f"{place}: {one!r} against {other!r}")
        if apart > largest:
            largest, where = apart, place
    if sum(1 for _ in _cells(first)) != sum(1 for _ in _cells(second)):
        return FileDifference(name, "content", where="one is longer")
    return FileDifference(name, "numbers", largest, where) if where else FileDifference(name, "same")


def _apart(one: Any, other: Any) -> float | None:
    """Return how far apart two numbers are; None if one is no number."""
    try:
        apart = abs(float(one) - float(other))
    except (TypeError, ValueError):
        return None
    return apart if math.isfinite(apart) else None


def _cells(file: Path) -> Iterator[tuple[str, Any]]:
    """Yield each value of a table or of JSON, with its place."""
    if file.suffix == ".json":
        yield from _leaves("", json.loads(file.read_text(encoding="utf-8")))
        return
    with file.open(encoding="utf-8") as handle:
        header = next(handle, "").rstrip("\n").split("\t")
        for number, line in enumerate(handle, start=2):
            cells = line.rstrip("\n").split("\t")
            yield from ((f"row {number}/{name}", cell) for name, cell in zip(header, cells, strict=False))


def _leaves(place: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key in sorted(value):
            yield from _leaves(f"{place}/{key}", value[key])
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _leaves(f"{place}/{number}", item)
    else:
        yield place, value
