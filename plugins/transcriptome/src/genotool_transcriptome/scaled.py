"""The values of an encoder's genes, for simple models; of a large matrix computed when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from genotool.dataset import Dataset
from genotool.row_view import LARGE
from numpy.typing import NDArray

from genotool_transcriptome.encoder import ExpressionEncoder
from genotool_transcriptome.expression import VALUES, Floats

__all__ = ["ScaledRows", "scaled"]


@dataclass(frozen=True, slots=True, eq=False)
class ScaledRows:
    """(n, genes) float32, normalised and scaled; a `LazyColumn` that holds no second matrix."""

    encoder: ExpressionEncoder
    rows: Dataset

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and genes."""
        return len(self.rows), len(self.encoder.genes)

    @property
    def size(self) -> int:
        """Values."""
        return self.shape[0] * self.shape[1]

    def __getitem__(self, item: Any) -> Floats:
        rows, columns = item if isinstance(item, tuple) else (item, slice(None))
        numbers = np.arange(len(self))[rows]
        found = np.empty((len(numbers), len(np.arange(self.shape[1])[columns])), np.float32)
        step = max(1, VALUES // self.shape[1])
        for start in range(0, len(numbers), step):
            part = self.rows.take(numbers[start : start + step])
            found[start : start + step] = self.encoder.table(part)[:, columns]
        return found

    def take(self, rows: NDArray[np.int64]) -> Floats:
        """Return the given rows, in that order."""
        return self[rows]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype)


def scaled(encoder: ExpressionEncoder, rows: Dataset) -> Floats | ScaledRows:
    """Return the values of the genes of some rows: an array, or what computes them where that would be large."""
    lazy = ScaledRows(encoder, rows)
    return lazy if 4 * lazy.size > LARGE else encoder.table(rows)
