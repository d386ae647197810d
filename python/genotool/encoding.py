"""Encoders and the view of a data set that a family's `fit` sees.

An `Encoder` holds all fitted state (scaler, vocabulary, components); it is fitted on training rows, saved with the
model and travels with it. An `EncodedView` holds training or validation rows and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from genotool.dataset import Dataset

__all__ = ["Batch", "EncodedBatch", "EncodedView", "Encoder"]

Batch = Mapping[str, NDArray[Any]]
"""Input name to array, first axis the rows."""


@runtime_checkable
class Encoder(Protocol):
    """Turns rows into the arrays that a model takes."""

    def fit(self, batches: Iterable[Dataset]) -> Self:
        """Learn whatever state is needed from training rows, batch by batch; return self."""
        ...

    def encode(self, batch: Dataset) -> Batch:
        """Return the arrays of a batch of rows; never changes the state."""
        ...

    def save(self, directory: Path) -> None:
        """Write the state into an existing, empty directory. No pickle."""
        ...

    def load(self, directory: Path) -> Self:
        """Read the state that `save` wrote; return self."""
        ...


class EncodedBatch(NamedTuple):
    """One batch: inputs by name, target (n,) and sample weight (n,) float32."""

    inputs: Batch
    target: NDArray[Any]
    weight: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class EncodedView:
    """Rows of one part of a split, encoded when asked for.

    Attributes
    ----------
    dataset
        The rows of this part only: what is not here cannot reach `fit`.
    encoder
        A fitted encoder.
    weight
        (n,) float32 sample weights; ones where no balancing was asked for.
    extra
        Encoded rows that balancing made (SMOTE) and that are no rows of the data set, or None. They come after
        the real rows.
    """

    dataset: Dataset
    encoder: Encoder
    weight: NDArray[np.float32] | None = None
    extra: EncodedBatch | None = None

    def __len__(self) -> int:
        return len(self.dataset) + (0 if self.extra is None else len(self.extra.target))

    @property
    def target(self) -> NDArray[Any]:
        """(n,) the target of every row, balancing's rows last."""
        if self.dataset.target is None:
            raise ValueError(f"{self.dataset.name} has no target")
        if self.extra is None:
            return self.dataset.target
        return np.concatenate([self.dataset.target, self.extra.target])

    def batches(self, size: int) -> Iterator[EncodedBatch]:
        """Yield encoded rows in order, at most `size` at a time."""
        weight = np.ones(len(self.dataset), np.float32) if self.weight is None else self.weight
        for start, rows in zip(range(0, len(self.dataset), size), self.dataset.batches(size), strict=True):
            if rows.target is None:
                raise ValueError(f"{self.dataset.name} has no target")
            yield EncodedBatch(self.encoder.encode(rows), rows.target, weight[start : start + size])
        if self.extra is not None:
            yield self.extra

    def arrays(self) -> EncodedBatch:
        """Return all rows encoded at once: for data that fit in memory many times over, such as guides."""
        parts = list(self.batches(65_536))
        names = parts[0].inputs
        return EncodedBatch(
            {name: np.concatenate([part.inputs[name] for part in parts]) for name in names},
            np.concatenate([part.target for part in parts]),
            np.concatenate([part.weight for part in parts]),
        )
