"""Expression values: what unit a matrix is in, and how it is brought to a logarithm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from genotool.dataset import Dataset
from genotool.errors import InputError
from numpy.typing import NDArray

__all__ = ["NORMALIZE", "VALUES", "Floats", "Normalize", "Unit", "dense", "normalized", "unit_of"]

Floats: TypeAlias = NDArray[np.float32]
Normalize: TypeAlias = Literal["auto", "none", "log2", "log1p", "cpm", "published"]
NORMALIZE: tuple[str, ...] = get_args(Normalize)

LARGEST_LOG = 30.0
"""No logarithm of an expression is larger: 2 to the 30th reads of one gene."""
MILLION, TOLERANCE = 1e6, 0.02
VALUES = 2**21
"""Values that are worked on at a time: temporary arrays stay small beside the matrix."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What the numbers of a matrix look like.

    Attributes
    ----------
    name
        ``counts``, ``tpm`` (every row sums to a million), ``fpkm`` (or another linear unit), ``log`` or ``centred``.
    reason
        What it was told by, in words.
    """

    name: Literal["counts", "tpm", "fpkm", "log", "centred"]
    reason: str

    @property
    def normalize(self) -> Normalize:
        """How ``auto`` brings this unit to a logarithm."""
        chosen: dict[str, Normalize] = {"counts": "cpm", "tpm": "log2", "fpkm": "log2"}
        return chosen.get(self.name, "none")


def dense(column: Any, rows: slice | NDArray[Any] = slice(None)) -> Floats:
    """Return rows of an expression column, sparse or not, as a float32 array."""
    part = column[rows] if hasattr(column, "shape") else column.take(np.arange(len(column))[rows])
    return np.asarray(part.toarray() if hasattr(part, "toarray") else part, np.float32)


def blocks(rows: Dataset) -> Iterator[tuple[slice, Floats]]:
    """Yield the matrix of some rows, about `VALUES` values of them at a time, with their place."""
    column = rows.columns["expression"]
    step = max(1, VALUES // max(dense(column, slice(0, 1)).shape[1], 1))
    for start in range(0, len(rows), step):
        place = slice(start, min(start + step, len(rows)))
        yield place, dense(column, place)


def unit_of(rows: Dataset) -> Unit:
    """Return the unit of a matrix, told by its values alone; missing values do not count."""
    whole, low, high, known, sums = True, np.inf, -np.inf, 0, []
    for _, values in blocks(rows):
        filled = np.where(np.isnan(values), 0, values)
        known += filled.size
        low, high = min(low, float(filled.min(initial=0))), max(high, float(filled.max(initial=0)))
        whole = whole and bool((filled == np.floor(filled)).all())
        sums.append(filled.sum(axis=1, dtype=np.float64))
    total = np.concatenate(sums) if sums else np.zeros(1)
    if low < 0:
        said = f"values from {low:.3g} to {high:.3g}, some below 0"
        if high > LARGEST_LOG and abs(total.sum() / max(known, 1)) > 1:
            return Unit("fpkm", said)  # linear values with a mistake: the logarithm names the first value below 0
        return Unit("log" if high <= LARGEST_LOG and abs(total.mean()) > abs(low) else "centred", said)
    if whole:
        return Unit("counts", f"whole numbers up to {high:.0f}")
    if high <= LARGEST_LOG:
        return Unit("log", f"no value above {high:.3g}")
    if np.abs(total / MILLION - 1).max() < TOLERANCE:
        return Unit("tpm", "every sample sums to a million")
    return Unit("fpkm", f"fractions up to {high:.4g}, samples sum to {total.min():.4g} to {total.max():.4g}")


def normalized(values: Floats, how: Normalize, rows: Dataset, first: int = 0) -> Floats:
    """Return values brought to a logarithm; NaN stays.

    ``log2`` is log2(x + 1), ``log1p`` log(x + 1), ``cpm`` log2 of counts a million + 1, ``published`` log2(x + .001) +
    10 (CNN-for-transcriptome), ``none`` the values as they are.

    Parameters
    ----------
    values
        (n, genes), rows `first` to `first` + n of `rows`, which an error names.

    Raises
    ------
    InputError
        At a value below 0, of which there is no logarithm.
    """
    if how in ("none", "auto"):
        return values
    if (values < 0).any():
        row, gene = np.argwhere(values < 0)[0].tolist()
        raise InputError(
            f"--normalize {how} takes no value below 0: gene {_name(rows, gene)} in {rows.ids[first + row]}",
            file=rows.about.path or None,
            value=float(values[row, gene]),
            hint="values that are logarithms already go with --normalize none",
        )  # fmt: skip
    if how == "log1p":
        return np.asarray(np.log1p(values), np.float32)
    if how == "published":
        return np.asarray(np.log2(values + np.float32(0.001)) + np.float32(10), np.float32)
    if how == "cpm":
        depth = np.nansum(values, axis=1, keepdims=True, dtype=np.float64)
        values = values * (MILLION / np.where(depth > 0, depth, 1)).astype(np.float32)
    return np.asarray(np.log2(values + np.float32(1)), np.float32)


def _name(rows: Dataset, gene: int) -> str:
    return str(gene + 1) if rows.features is None else str(rows.features[gene])
