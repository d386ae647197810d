"""What the name of a column says it holds: a batch or a unit that rows were made in, the target, the split."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["BATCHES", "SPLIT", "TARGETS", "UNITS", "named_split", "named_target", "plain", "tells_no_target"]

BATCHES = frozenset({
    "batch", "plate", "file", "filename", "sourcefile", "source", "origin", "run", "lane", "flowcell", "centre",
    "center", "site", "lab", "laboratory", "library", "experiment", "dataset", "study", "cohort", "series", "chip",
    "array", "platform", "technology", "date", "operator", "technician", "replicate", "rep", "sequencer", "instrument",
    "pool",
})  # fmt: skip
UNITS = frozenset({
    "donor", "patient", "subject", "individual", "participant", "animal", "mouse", "sample", "specimen",
})  # fmt: skip
TARGETS = ("label", "target", "class", "y")
"""The names of a matrix's target, the most telling first."""
SPLIT = "split"
PARTS = frozenset({SPLIT, "part", "fold"})


def plain(name: str) -> str:
    """Return the letters of a name, small, without an ending such as ``_id``."""
    return re.sub(r"[^a-z]", "", re.sub(r"[_. ](id|name|no|number|nr)$", "", name.casefold()))


def tells_no_target(name: str) -> bool:
    """Return whether a column says how rows were made or dealt out, and so is nothing to predict unasked."""
    return plain(name) in BATCHES | UNITS | PARTS


def named_target(names: Iterable[str]) -> str:
    """Return the column that is called as a target is, or ""; a ``y`` beside an ``x`` is a place."""
    by_word: dict[str, str] = {}
    for name in names:
        by_word.setdefault(name.strip().casefold(), name)
    words = TARGETS[:-1] if "x" in by_word else TARGETS
    return next((by_word[word] for word in words if word in by_word), "")


def named_split(names: Iterable[str]) -> str:
    """Return the column that is called ``split``, or ""."""
    return next((name for name in names if name.strip().casefold() == SPLIT), "")
