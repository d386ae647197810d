"""Guides as arrays: 20 bases and the PAM, aligned at the PAM end."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Self

import numpy as np
from genotool.dataset import ORIGIN, Dataset
from genotool.encoding import Batch, EncodedView
from genotool.persist import load_json, save_json
from genotool.sequences import Sequences
from numpy.typing import NDArray

__all__ = ["GUIDE", "SPACER", "GuideEncoder", "lines_of", "one_hot_guides"]

SPACER = 20
GUIDE = 23


def one_hot_guides(guides: Sequences) -> NDArray[np.uint8]:
    """Return (n, 23, 4) uint8, channels A C G T; a spacer without PAM fills the 20 bases next to where the PAM is.

    Notes
    -----
    Spacers of 17 to 20 nt are aligned at the PAM end; the missing distal bases and the PAM are zeros.
    """
    encoded = np.zeros((len(guides), GUIDE, 4), np.uint8)
    whole = guides.lengths == GUIDE
    for rows, width in ((np.flatnonzero(whole), GUIDE), (np.flatnonzero(~whole), SPACER)):
        if len(rows):
            encoded[rows, :width] = guides.take(rows.astype(np.int64)).one_hot(length=width, align="right")
    return encoded


class GuideEncoder:
    """One-hot guides; in a joint transfer also which cell line's head a row belongs to.

    Attributes
    ----------
    lines
        The data sets seen in training, in order of first appearance; the first is the one that is kept.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []

    def fit(self, batches: Iterable[Dataset]) -> Self:
        """Note the data sets that the rows come from."""
        for batch in batches:
            if ORIGIN in batch.columns:
                names = dict.fromkeys(np.asarray(batch.columns[ORIGIN]).tolist())
                self.lines += [str(name) for name in names if str(name) not in self.lines]
        return self

    def encode(self, batch: Dataset) -> Batch:
        """Return ``guide`` (n, 23, 4) uint8 and, with several lines, ``line`` (n, lines) uint8."""
        guides = batch.columns["guide"]
        if not isinstance(guides, Sequences):
            raise TypeError("the guide column holds no sequences")
        inputs = {"guide": one_hot_guides(guides)}
        if len(self.lines) > 1:
            inputs["line"] = self._line_of(batch)
        return inputs

    def _line_of(self, batch: Dataset) -> NDArray[np.uint8]:
        names = np.asarray(batch.columns[ORIGIN]) if ORIGIN in batch.columns else None
        one_hot = np.zeros((len(batch), len(self.lines)), np.uint8)
        for number, line in enumerate(self.lines):
            one_hot[:, number] = number == 0 if names is None else names == line
        return one_hot

    def save(self, directory: Path) -> None:
        """Write ``encoder.json``."""
        save_json(directory / "encoder.json", {"lines": self.lines})

    def load(self, directory: Path) -> Self:
        """Read ``encoder.json``."""
        self.lines = [str(line) for line in load_json(directory / "encoder.json")["lines"]]
        return self


def lines_of(rows: EncodedView) -> int:
    """Return how many data sets the rows are learned from, each with a head of its own."""
    encoder = rows.encoder
    return max(1, len(encoder.lines)) if isinstance(encoder, GuideEncoder) else 1
