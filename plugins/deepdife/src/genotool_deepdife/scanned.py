"""Rows as what a bank of fixed motifs finds in them: scanned once, not once an epoch.

Where nothing but the bank reads a sequence, what is trained begins behind it. Rows that are augmented are scanned in
some versions, through which the epochs go in turn.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from genotool.dataset import Dataset
from genotool.encoding import Batch, EncodedView, Encoder
from genotool.frameworks.keras import IN_MEMORY, Augment, rows_at_once
from numpy.typing import NDArray

from genotool_deepdife.encoder import INPUT

__all__ = ["Scan", "scanned", "scanned_augmentation"]

VERSIONS = 4
"""Augmented versions of the training rows that are scanned."""


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """An encoder that gives what a bank finds in the rows that another one encodes.

    Attributes
    ----------
    bank
        (n, length, 4) to (n, stretches, motifs).
    name
        Of the array.
    """

    encoder: Encoder
    bank: Any
    name: str

    def __call__(self, bases: NDArray[Any]) -> NDArray[np.float32]:
        """Return (n, stretches, motifs) of (n, length, 4)."""
        step = rows_at_once(self.bank)
        starts = range(0, max(len(bases), 1), step)
        found = [self.bank(np.asarray(bases[start : start + step], np.float32), training=False) for start in starts]
        return np.concatenate([np.asarray(each, np.float32) for each in found])

    def fit(self, batches: Iterable[Dataset]) -> Self:
        """There is nothing to learn; return self."""
        return self

    def encode(self, batch: Dataset) -> Batch:
        """Return what the bank finds in some rows."""
        return {self.name: self(self.encoder.encode(batch)[INPUT])}

    def save(self, directory: Path) -> None:
        """Write the state of the encoder of the sequences."""
        self.encoder.save(directory)

    def load(self, directory: Path) -> Self:
        """Read what `save` wrote."""
        return dataclasses.replace(self, encoder=self.encoder.load(directory))


def scanned(view: EncodedView, scan: Scan) -> EncodedView:
    """Return a view of what a bank finds in its rows."""
    extra = view.extra
    if extra is not None:
        extra = extra._replace(inputs={scan.name: scan(extra.inputs[INPUT])})
    return dataclasses.replace(view, encoder=scan, extra=extra)


def scanned_augmentation(augment: Augment, view: EncodedView, scan: Scan) -> Augment:
    """Return what gives training rows augmented and scanned, in place of `augment`, which gives sequences.

    Parameters
    ----------
    view
        The training rows, encoded as sequences.
    """
    bases = view.arrays().inputs[INPUT]
    stretches, motifs = scan.bank.output.shape[1:]
    versions = VERSIONS if 4 * VERSIONS * len(bases) * stretches * motifs <= IN_MEMORY else 0
    kept: dict[int, NDArray[np.float32]] = {}

    def version(rows: NDArray[np.int64], epoch: int) -> NDArray[np.float32]:
        return scan(augment(bases[rows].astype(np.float32), rows, epoch))

    def augmented(_: Any, rows: NDArray[np.int64], epoch: int) -> NDArray[np.float32]:
        if not versions:
            return version(rows, epoch)
        number = epoch % versions
        if number not in kept:
            kept[number] = version(np.arange(len(bases)), number)
        return kept[number][rows]

    return augmented
