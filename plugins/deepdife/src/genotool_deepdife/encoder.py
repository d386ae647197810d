"""Promoters as arrays: one-hot bases of one length."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, Self

import numpy as np
from genotool.dataset import Dataset
from genotool.encoding import Batch
from genotool.errors import InputError
from genotool.persist import load_json, save_json
from genotool.run import DAMAGED
from genotool.sequences import Sequences

__all__ = ["INPUT", "PromoterEncoder", "promoters"]

INPUT = "sequence"
"""The name of the array, and of the network's input."""
LONGEST = 2**31 - 1


def promoters(rows: Dataset) -> Sequences:
    """Return the sequences of some rows."""
    sequences = rows.columns["sequence"]
    if not isinstance(sequences, Sequences):
        raise TypeError("the sequence column holds no sequences")
    return sequences


class PromoterEncoder:
    """One-hot bases (n, length, 4): shorter rows are padded with zeros, longer ones trimmed, at the end not aligned.

    Attributes
    ----------
    length
        Positions; None: those of the longest training row, learned in `fit`.
    align
        The end that all rows have in common.
    """

    def __init__(self, length: int | None = None, align: Literal["left", "right"] = "right") -> None:
        self.length = length
        self.align = align

    def fit(self, batches: Iterable[Dataset]) -> Self:
        """Learn the length from training rows, where none was set."""
        if self.length is None:
            self.length = max(int(promoters(batch).lengths.max(initial=1)) for batch in batches)
        return self

    def encode(self, batch: Dataset) -> Batch:
        """Return ``sequence`` (n, length, 4) uint8, channels A C G T; a letter other than these has no channel set."""
        if self.length is None:
            raise ValueError("the encoder is not fitted")
        return {INPUT: promoters(batch).one_hot(np.uint8, "nlc", length=self.length, align=self.align)}

    def save(self, directory: Path) -> None:
        """Write ``encoder.json``."""
        save_json(directory / "encoder.json", {"length": self.length, "align": self.align})

    def load(self, directory: Path) -> Self:
        """Read ``encoder.json``; InputError for a length or an end that cannot be."""
        file = directory / "encoder.json"
        content = load_json(file)
        length, align = (content.get(name) if isinstance(content, dict) else None for name in ("length", "align"))
        if type(length) is not int or not 1 <= length <= LONGEST or align not in ("left", "right"):
            raise InputError("no length and end of rows", file=file, value=content, hint=DAMAGED)
        self.length, self.align = length, "left" if align == "left" else "right"
        return self
