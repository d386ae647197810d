"""Simulated rows of every kind, small enough for a test: what the conformance suite trains on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from genotool.dataset import KEY_COLUMNS, About, Dataset, Kind, Task
from genotool.sequences import Sequences

__all__ = ["toy_dataset"]

MOTIFS = ("GATTACA", "CCGGTTA", "TTGACGC")


def toy_dataset(kind: Kind, task: Task, *, rows: int = 160, seed: int = 0) -> Dataset:
    """Return a small simulated data set with something to learn and twenty groups, for tests of families.

    Parameters
    ----------
    kind
        Guides have 23 nt with their PAM, sequences 60, pairs 30 each; a matrix is sparse with 30 features.
    task
        The classes differ in a motif (a matrix: in which features are high); a number grows with it.
    """
    rng = np.random.default_rng(seed)
    state = rng.integers(0, 3 if task is Task.MULTICLASS else 2, rows)
    target = state.astype(np.int64) if task is not Task.REGRESSION else state + rng.normal(0, 0.1, rows)
    classes = () if task is Task.REGRESSION else tuple("abc"[: 3 if task is Task.MULTICLASS else 2])
    return Dataset(
        name=f"toy-{kind}-{task}",
        kind=kind,
        ids=np.array([f"row-{number:03d}" for number in range(rows)]),
        columns=_toy_columns(kind, state, rng),
        target=target,
        classes=classes,
        groups=np.array([f"group-{number % 20}" for number in range(rows)]),
        features=np.array([f"gene-{number}" for number in range(30)]) if kind is Kind.MATRIX else None,
        about=About(simulated=True),
    )


def _toy_columns(kind: Kind, state: NDArray[np.int64], rng: np.random.Generator) -> dict[str, Any]:
    if kind is Kind.MATRIX:
        from scipy.sparse import csr_array

        rate = np.where(np.arange(30) % 3 == state[:, None], 3.0, 0.3)
        return {"expression": csr_array(rng.poisson(rate).astype(np.float32))}
    if kind is Kind.GUIDES:
        spacers = _toy_sequences(state, 20, rng)
        return {
            "guide": Sequences.from_strings(
                spacer + base + "GG" for spacer, base in zip(spacers, _letters(rng, len(state)), strict=True)
            )
        }
    if kind is Kind.PAIRS:
        return {role: Sequences.from_strings(_toy_sequences(state, 30, rng)) for role in KEY_COLUMNS[kind]}
    return {"sequence": Sequences.from_strings(_toy_sequences(state, 60, rng))}


def _letters(rng: np.random.Generator, count: int) -> str:
    return "".join(rng.choice(list("ACGT"), count))


def _toy_sequences(state: NDArray[np.int64], length: int, rng: np.random.Generator) -> list[str]:
    """Return random sequences, each with the motif of its state at a random place."""
    made = []
    for which in state.tolist():
        motif = MOTIFS[which]
        place = int(rng.integers(0, length - len(motif)))
        made.append(_letters(rng, place) + motif + _letters(rng, length - len(motif) - place))
    return made
