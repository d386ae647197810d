"""What attributions start from: training rows, shuffles of the explained rows, or rows of a data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from genotool.controls import shuffled_sequences
from genotool.dataset import Dataset
from genotool.encoding import EncodedView
from genotool.errors import UsageError
from genotool.family import Controls
from genotool.sequences import Sequences

__all__ = ["COUNT", "SHUFFLED", "TRAINING", "Background", "References", "drawn", "shuffles"]

TRAINING, SHUFFLED = "training", "shuffled"
"""The words of ``--background``; any other names a data set."""
COUNT = 100
CONTROL = "dinucleotide shuffle"
"""What families call the artefact control that says how their rows are shuffled."""


@dataclass(frozen=True, slots=True, eq=False)
class Background(EncodedView):
    """Encoded rows that attributions start from.

    Attributes
    ----------
    per_row
        How many of them, one explained row after the other, are each row's own; 0: all are every row's.
    """

    per_row: int = 0


class References(NamedTuple):
    """Rows that attributions start from, how many are each explained row's own (0: all), and what they are."""

    rows: Dataset
    per_row: int
    said: str


def drawn(dataset: Dataset, count: int, seed: int) -> Dataset:
    """Return at most so many rows, drawn by `seed`, in their order."""
    if len(dataset) <= count:
        return dataset
    return dataset.take(np.sort(np.random.default_rng(seed).choice(len(dataset), count, replace=False)))


def shuffles(family: Any, config: Any, rows: Dataset, count: int, seed: int) -> References:
    """Return so many shuffles of each row, every dinucleotide kept: its composition, and nothing that it says.

    A family whose artefact control is the dinucleotide shuffle has its rows shuffled as there.

    Raises
    ------
    UsageError
        If the rows hold no sequence.
    """
    if not any(isinstance(column, Sequences) for column in rows.columns.values()):
        raise UsageError(f"{rows.name} holds no sequences to shuffle", hint="--background training")
    controls = family.controls(config, rows.kind) if isinstance(family, Controls) else {}
    own = controls[CONTROL].rows if CONTROL in controls else None
    repeated = rows.take(np.repeat(np.arange(len(rows)), count))
    said = f"{count} dinucleotide shuffles of each row"
    return References((own or shuffled_sequences)(repeated, seed), count, said)
