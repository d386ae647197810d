"""What sets of guides are compared on: GC, melting temperature, bases by position, ranked efficacy."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from genotool.dataset import Dataset
from genotool.errors import InputError
from genotool.sequences import Sequences
from numpy.typing import NDArray

from genotool_sgrna.encoder import SPACER, one_hot_guides

__all__ = [
    "BASES",
    "efficacy",
    "gc_fraction",
    "melting_temperature",
    "percentiles",
    "position_bases",
    "spacers",
]

BASES = "ACGT"
ABSENT = -1
"""The code of a base that a spacer of under 20 nt does not have."""

Floats = NDArray[np.float64]


def spacers(dataset: Dataset) -> list[str]:
    """Return the bases before the PAM of every guide, 17 to 20 of them, as text.

    Raises
    ------
    InputError
        If the rows are no guides.
    """
    guides = dataset.columns.get("guide")
    if not isinstance(guides, Sequences):
        raise InputError(f"{dataset.name} holds no guides", hint="compare works on sets of guides")
    return [text[:SPACER] for text in guides]


def gc_fraction(dataset: Dataset) -> Floats:
    """Return (n,) the share of G and C in the spacer."""
    return np.array([(text.count("G") + text.count("C")) / len(text) for text in spacers(dataset)])


def melting_temperature(dataset: Dataset) -> Floats:
    """Return (n,) degrees Celsius of the spacer against its DNA complement, by nearest neighbours.

    Notes
    -----
    Biopython's ``Tm_NN`` at its defaults: the table of Allawi and SantaLucia (1997, Biochemistry 36:10581),
    50 mM Na+, 25 nM of each strand. NaN for a spacer that holds a letter other than A, C, G, T.
    """
    return np.array([_melting_temperature(text) for text in spacers(dataset)])


@lru_cache(maxsize=1 << 20)
def _melting_temperature(spacer: str) -> float:
    from Bio.SeqUtils import MeltingTemp

    if set(spacer) - set(BASES):
        return float("nan")
    return float(MeltingTemp.Tm_NN(spacer, check=False))  # type: ignore[no-untyped-call]


def position_bases(dataset: Dataset) -> NDArray[np.int8]:
    """Return (n, 20) base codes 0 to 3 for A C G T, aligned at the PAM; -1 where there is no base or an N."""
    guides = dataset.columns["guide"]
    if not isinstance(guides, Sequences):
        raise InputError(f"{dataset.name} holds no guides")
    encoded = one_hot_guides(guides)[:, :SPACER]
    return np.where(encoded.any(axis=2), encoded.argmax(axis=2), ABSENT).astype(np.int8)


def efficacy(dataset: Dataset) -> Floats | None:
    """Return (n,) the measured efficacy in the set's own unit, NaN where unknown; None without the column."""
    values = dataset.columns.get("efficacy")
    if values is None:
        return None if dataset.classes or dataset.target is None else np.asarray(dataset.target, np.float64)
    return np.asarray(values, np.float64)


def percentiles(values: Floats) -> Floats:
    """Return each value's rank in its set as a number in (0, 1), ties sharing the mean; NaN stays NaN."""
    from scipy.stats import rankdata

    held = np.isfinite(values)
    ranks = np.full(len(values), np.nan)
    if held.any():
        ranks[held] = (rankdata(values[held]) - 0.5) / held.sum()
    return ranks
