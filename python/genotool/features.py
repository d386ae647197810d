"""Simple features of rows, without fitted state: what floors are fitted on where a family brings none of
its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.dataset import KEY_COLUMNS, ORIGIN, Dataset, Kind
from genotool.row_view import below, read
from genotool.sequences import Sequences

__all__ = [
    "FeatureTable", "Features", "FittedTable", "beside", "default_features", "fitted_tables", "kmer_features",
    "most_varying", "positional_features", "stacked",
]  # fmt: skip

Features: TypeAlias = Callable[[Dataset], Any]
"""Rows to (n, m) features, dense or sparse, or name to `FeatureTable`; no fitted state."""
SIMPLE = "the simple features"
"""What features are called that bring no words of their own."""

LONGEST_POSITIONAL = 64
KMER = 6
BLOCK = 4096
MOST_VALUES = 50_000_000
"""Values other than 0 (of a dense table all) from which on simple models get fewer features."""
MOST_FEATURES = 2_000
VARIANCE_VALUES = 2**22
"""Values that a variance is computed of at a time: 64 MiB with their squares."""


@dataclass(frozen=True, slots=True, eq=False)
class FeatureTable:
    """Features of some rows, and what they are.

    Attributes
    ----------
    values
        (n, m), dense or sparse.
    words
        As a report names them behind "LightGBM on", such as "6-mer counts".
    """

    values: Any
    words: str = SIMPLE


class FittedTable(NamedTuple):
    """One table of features of the rows to fit on, `x`, and of those to score, `test`, and what was left out."""

    x: Any
    test: Any
    words: str
    said: str


def fitted_tables(features: Features, parts: Sequence[Dataset], test: Dataset) -> dict[str, FittedTable]:
    """Return each table of features by its name; features that are one table have the name "".

    Where `parts`, the rows to fit on, were joined from several data sets, each table says which of them a row is from.
    """
    *seen, unseen = (_by_name(features(part)) for part in (*parts, test))
    origin, made = _origin_columns(parts[0]), {}
    for name, table in unseen.items():
        fitted = stacked([beside([one[name].values, *origin(part)]) for one, part in zip(seen, parts, strict=True)])
        x, x_test, said = most_varying(fitted, beside([table.values, *origin(test)]))
        made[name] = FittedTable(x, x_test, table.words, said)
    return made


def _by_name(found: Any) -> Mapping[str, FeatureTable]:
    return found if isinstance(found, Mapping) else {"": FeatureTable(found)}


def positional_features(
    sequences: Sequences, length: int = 23, align: Literal["left", "right"] = "right"
) -> NDArray[np.float32]:
    """Return (n, 4 length + 16 (length - 1)) one-hot bases and position-wise dinucleotides; guides by
    default.

    Longer rows are trimmed and shorter ones padded with zeros on the side that `align` does not name.
    """
    bases = sequences.one_hot("float32", "nlc", length=length, align=align)
    pairs = bases[:, :-1, :, None] * bases[:, 1:, None, :]
    n = len(bases)
    return np.concatenate([bases.reshape(n, -1), pairs.reshape(n, -1)], axis=1)


def kmer_features(sequences: Sequences, k: int = KMER) -> Any:
    """Return a sparse CSR (n, 4**k) float32 of k-mer counts, one strand; k-mers with other letters than
    ACGT left out.
    """
    from scipy import sparse

    parts = []
    for start in range(0, len(sequences), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(sequences)), dtype=np.int64)
        some = sequences.take(rows)
        parts.append(_kmer_counts(some.one_hot("uint8", "nlc", length=int(some.lengths.max())), k))
    return sparse.vstack(parts, format="csr") if parts else sparse.csr_array((0, 4**k), dtype=np.float32)


def _kmer_counts(bases: NDArray[np.uint8], k: int) -> Any:
    from scipy import sparse

    n, length, _ = bases.shape
    known, code = np.asarray(bases.any(axis=2)), bases.argmax(axis=2).astype(np.int64)
    places = max(length - k + 1, 0)
    number, whole = np.zeros((n, places), np.int64), np.ones((n, places), np.bool_)
    for offset in range(k):
        number = number * 4 + code[:, offset : offset + places]
        whole &= known[:, offset : offset + places]
    row, place = np.nonzero(whole)
    ones = np.ones(len(row), np.float32)
    return sparse.coo_array((ones, (row, number[row, place])), shape=(n, 4**k)).tocsr()


def default_features(datasets: Sequence[Dataset], *, dinucleotides: bool = True) -> Features:
    """Return the features for a family that brings none, one choice for all of the given sets.

    Guides and short sequences of one length: `positional_features`, guides aligned at the PAM end. Other
    sequences:
    `kmer_features`. Pairs: both sides beside each other. A matrix: itself, sparse if it is.

    Parameters
    ----------
    dinucleotides
        False: one-hot bases alone, so that squared distance is twice the Hamming distance.
    """
    kind = datasets[0].kind
    makers = {
        role: _maker([dataset.columns[role] for dataset in datasets], kind, dinucleotides) for role in KEY_COLUMNS[kind]
    }

    def features(dataset: Dataset) -> Any:
        return beside([make(dataset.columns[role]) for role, make in makers.items()])

    return features


def _maker(columns: Sequence[Any], kind: Kind, dinucleotides: bool) -> Callable[[Any], Any]:
    if not all(isinstance(column, Sequences) for column in columns):
        return lambda column: column if hasattr(column, "shape") else column.take(np.arange(len(column)))
    lengths = np.unique(np.concatenate([column.lengths for column in columns]))
    length: int
    align: Literal["left", "right"]
    length, align = (23, "right") if kind is Kind.GUIDES else (int(lengths[0]), "left")
    if kind is not Kind.GUIDES and (len(lengths) > 1 or length > LONGEST_POSITIONAL):
        return kmer_features
    if dinucleotides:
        return lambda column: positional_features(column, length, align)
    return lambda column: column.one_hot("float32", "nlc", length=length, align=align).reshape(len(column), -1)


def _origin_columns(joined: Dataset) -> Callable[[Dataset], list[NDArray[np.float32]]]:
    """Return what gives, where rows of several data sets were joined, the columns of which of them a row is from.

    A network that learns sets jointly has a head for each; so this is what a simple model needs to be its equal. Rows
    of no known set count as the first one's, whose head such a network would use.
    """
    names = list(dict.fromkeys(np.asarray(joined.columns[ORIGIN]).tolist())) if ORIGIN in joined.columns else []

    def known(dataset: Dataset) -> list[NDArray[np.float32]]:
        if not names:
            return []
        origin = np.full(len(dataset), names[0])
        if ORIGIN in dataset.columns:
            origin = np.asarray(dataset.columns[ORIGIN])
        return [(origin[:, None] == np.array(names)).astype(np.float32)]

    return known


def stacked(parts: Sequence[Any]) -> Any:
    """Return features of several parts below each other; sparse if the first is."""
    from scipy import sparse

    return sparse.csr_array(sparse.vstack(parts)) if sparse.issparse(parts[0]) else below(parts)


def beside(parts: Sequence[Any]) -> Any:
    """Return features side by side; sparse if one of them is."""
    from scipy import sparse

    if len(parts) == 1:
        return parts[0]
    if any(sparse.issparse(part) for part in parts):
        return sparse.csr_array(sparse.hstack(parts, format="csr"))
    return np.concatenate(parts, axis=1)


def most_varying(seen: Any, unseen: Any) -> tuple[Any, Any, str]:
    """Return features to fit on and to score, of too many only those that vary most, and what was left out in words.

    The variance is that of the rows to fit on; rows to score are not looked at. A table of `MOST_VALUES` or fewer, or
    of `MOST_FEATURES` columns or fewer, stays as it is.
    """
    many = seen.nnz if hasattr(seen, "indptr") else seen.size
    count = seen.shape[1]
    if many <= MOST_VALUES or count <= MOST_FEATURES:
        return read(seen), read(unseen), ""
    kept = np.sort(np.argsort(-_variance(seen), kind="stable")[:MOST_FEATURES])
    return seen[:, kept], unseen[:, kept], f", on the {MOST_FEATURES} of {count} features that vary most"


def _variance(table: Any) -> NDArray[np.float64]:
    """Return (m,) the variance of each column, a block of rows at a time."""
    total, squares = np.zeros(table.shape[1]), np.zeros(table.shape[1])
    step = max(1, min(BLOCK, VARIANCE_VALUES // max(table.shape[1], 1)))
    for start in range(0, table.shape[0], step):
        block: Any = table[start : start + step].astype(np.float64)
        total += np.asarray(block.sum(axis=0)).reshape(-1)
        squares += np.asarray(
            (block.multiply(block) if hasattr(block, "indptr") else block * block).sum(axis=0)
        ).reshape(-1)
    mean = total / table.shape[0]
    return np.asarray(squares / table.shape[0] - mean**2, np.float64)
