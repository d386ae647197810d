"""How well each motif fits anywhere in a sequence: the best log-odds score of both strands, window by window."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from collections.abc import Sequence as Listed
from itertools import pairwise

import numpy as np
from genotool.sequences import Sequences
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from genotool_deepdife.jaspar import Motif

__all__ = ["best_scores"]

STEP = 2**-13
"""Log-odds are rounded to this many bits: sums below 1024 bits are then exact in float32, in any order of adding."""
MOST_VALUES = 2_000_000
"""Scores, or letters of all places, held at a time."""

Floats = NDArray[np.float32]


def best_scores(sequences: Sequences, motifs: Listed[Motif], windows: int = 3) -> Floats:
    """Return the best log-odds score of each motif, of both strands, in equal windows of each sequence.

    Parameters
    ----------
    sequences
        Any lengths; the windows are shares of a sequence's own length. A letter other than A C G T scores 0.
    motifs
        Scored in bits against even bases, rounded to `STEP`.
    windows
        A site is in the window that holds its middle.

    Returns
    -------
    (n, motifs x windows) float32, the windows of the first motif first; 0 in a window that no site's middle can be in,
    such as in a sequence shorter than the motif.
    """
    if windows < 1:
        raise ValueError(f"there is one window at least, not {windows}")
    best = np.zeros((len(sequences), len(motifs), windows), np.float32)
    by_width: dict[int, list[int]] = defaultdict(list)
    for number, motif in enumerate(motifs):
        by_width[len(motif.counts)].append(number)
    weights = {width: _weights([motifs[number] for number in numbers]) for width, numbers in by_width.items()}
    most = max((sum(weight.shape) for weight in weights.values()), default=1)
    for rows, length in _blocks(sequences.lengths, most):
        bases = sequences.take(rows).one_hot(np.float32, "nlc", length=length)
        for width, numbers in by_width.items():
            if width <= length:
                best[np.ix_(rows, np.array(numbers))] = _best(bases, weights[width], width, windows)
    return best.reshape(len(sequences), len(motifs) * windows)


def _weights(motifs: list[Motif]) -> Floats:
    """Return (4 width, 2 motifs) log-odds: of the motifs, then of their reverse complements."""
    forward = np.stack([motif.log_odds() for motif in motifs])
    both = np.concatenate([forward, forward[:, ::-1, ::-1]])
    return np.ascontiguousarray((np.round(both / STEP) * STEP).reshape(len(both), -1).T, np.float32)


def _blocks(lengths: NDArray[np.int64], most: int) -> Iterator[tuple[NDArray[np.int64], int]]:
    """Yield rows of one length, as many as `MOST_VALUES` allow, and that length.

    Parameters
    ----------
    most
        Values at each place of a sequence: letters, and scores of the motifs of one width.
    """
    for length in np.unique(lengths[lengths > 0]).tolist():
        rows = np.flatnonzero(lengths == length).astype(np.int64)
        step = max(1, MOST_VALUES // (length * most))
        for start in range(0, len(rows), step):
            yield rows[start : start + step], length


def _best(bases: Floats, weights: Floats, width: int, windows: int) -> Floats:
    """Return (rows, motifs, windows) the best scores of the motifs of one width in (rows, length, 4) bases."""
    count, length, _ = bases.shape
    places = length - width + 1
    letters = sliding_window_view(bases.reshape(count, -1), 4 * width, axis=1)[:, ::4]
    scores = (np.ascontiguousarray(letters).reshape(count * places, -1) @ weights).reshape(count, places, -1)
    window = (np.arange(places) * 2 + width) * windows // (2 * length)
    ends = np.searchsorted(window, np.arange(windows + 1))
    best = np.zeros((count, weights.shape[1] // 2, windows), np.float32)
    for number, (start, end) in enumerate(pairwise(ends.tolist())):
        if start < end:
            best[:, :, number] = scores[:, start:end].max(axis=1).reshape(count, 2, -1).max(axis=1)
    return best
