"""In-silico mutagenesis: what the network says of a row with each of its bases changed to each other one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["mutagenesis"]

PLACES = 2**20
"""Positions that are predicted at once."""


def mutagenesis(
    predict: Callable[[NDArray[np.float32]], NDArray[np.float64]], inputs: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return what each base at each position adds to the output, over the mean of the four bases there.

    Parameters
    ----------
    predict
        Rows (m, length, 4) to (m,).
    inputs
        (n, length, 4) one-hot.

    Returns
    -------
    ndarray
        (n, length, 4); zero where a row has no base. Mean-centred, as TF-MoDISco takes it. It does not add up: two
        changes at once may do more, or less, than both alone.
    """
    return np.stack([_of_row(predict, row) for row in inputs]) if len(inputs) else np.zeros(inputs.shape)


def _of_row(predict: Callable[[NDArray[np.float32]], NDArray[Any]], row: NDArray[np.float32]) -> NDArray[np.float64]:
    known = np.flatnonzero(row.any(axis=1))
    place, base = (part.reshape(-1) for part in np.meshgrid(known, np.arange(4), indexing="ij"))
    changed = row[place, base] == 0
    scores = np.zeros(row.shape)
    scores[known] = float(predict(row[None])[0])
    place, base = place[changed], base[changed]
    size = max(1, PLACES // len(row))
    for first in range(0, len(place), size):
        at, to = place[first : first + size], base[first : first + size]
        mutants = np.repeat(row[None], len(at), axis=0)
        mutants[np.arange(len(at)), at] = np.eye(4, dtype=np.float32)[to]
        scores[at, to] = predict(mutants)
    return np.asarray(scores - scores.mean(axis=1, keepdims=True))
