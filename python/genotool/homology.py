"""Homology: sequences that share many k-mers, and the clusters that they make, without an aligner.

Two sequences are homologous when they share `shared` distinct canonical k-mers (of a k-mer and its reverse complement
the smaller one, so that strands do not matter). 40 shared 16-mers are a common stretch of 55 letters, or several
shorter ones. Where a sequence has fewer than twice as many k-mers (less than 95 letters), half of the shorter one's
k-mers must be shared, four at least: two guides of 23 nt that have 19 letters in a row in common. Sequences with fewer
than four k-mers are compared for equality alone, and counted. N and the other IUPAC letters break k-mers.

Candidates are found through a sample of the k-mers (FracMinHash [1]_; with the defaults one in six, and all k-mers of
short sequences) and each is counted in full: what is listed is true, and of pairs with just enough k-mers in common at
most 1 % are missed (fewer of closer ones). K-mers that more than 33 sequences share are capped, and counted: they
compare each sequence with the next 32 that have them, so that a large family is one cluster, not all of its pairs
listed.

The result is the same for any thread count. Time grows linearly with the letters, and with the pairs; memory is 1.5
bytes a letter beside the sequences, up to 3 where all have relatives, and one more between two sets.

References
----------
.. [1] Irber et al. (2022), bioRxiv 2022.01.11.475838. doi:10.1101/2022.01.11.475838
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool import _native
from genotool.dataset import Dataset
from genotool.errors import UsageError
from genotool.kernels import kernel_errors, natural
from genotool.sequences import Sequences

__all__ = ["Homology", "cluster_names", "homologous_between", "homologous_within", "row_clusters"]

Rows: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Homology:
    """Pairs of homologous rows, in order of both rows, and clusters.

    Attributes
    ----------
    query, reference
        (m,) int64: the rows of each pair; within a set, query < reference.
    shared
        (m,) int64: the distinct canonical k-mers that both have.
    cluster
        (n,) int64: the cluster of each row, from 0 in order of their first rows; a row without relatives is one of its
        own. Equal rows and reverse complements are of one cluster, however short. Between two sets: the rows of the
        first, then those of the second, as joined by pairs across.
    capped
        K-mers of the sample that many rows have.
    short
        Rows with fewer than four k-mers.
    """

    query: Rows
    reference: Rows
    shared: Rows
    cluster: Rows
    capped: int
    short: int


def homologous_within(sequences: Sequences, *, k: int = 16, shared: int = 40, threads: int | None = None) -> Homology:
    """Find the homologous rows of a set.

    Parameters
    ----------
    k
        Letters of a k-mer, 8 to 32. Short ones are shared by chance: 16 letters are one in four billion.
    shared
        The k-mers that two rows must share, at least 1.

    Raises
    ------
    UsageError
        A `k` or `shared` that cannot be.
    """
    return _found(sequences, None, k, shared, threads)


def homologous_between(
    sequences: Sequences, others: Sequences, *, k: int = 16, shared: int = 40, threads: int | None = None
) -> Homology:
    """Find the rows of `others` that are homologous to rows of `sequences`; as `homologous_within`."""
    return _found(sequences, others, k, shared, threads)


def _found(sequences: Sequences, others: Sequences | None, k: int, shared: int, threads: int | None) -> Homology:
    second = None if others is None else (others.data, others.offsets)
    least = min(natural("shared", shared), np.iinfo(np.uint32).max)
    with kernel_errors():
        return Homology(
            *_native.homologs(sequences.data, sequences.offsets, second, natural("k", k), int(least), threads)
        )


def row_clusters(cluster: Rows, rows: Rows) -> Rows:
    """Return the cluster of each row, where a row has several sequences: two rows meet in any of them.

    Parameters
    ----------
    cluster
        (m,) the cluster of each sequence.
    rows
        (m,) the row of each sequence; every row from 0 has one at least.

    Returns
    -------
    (n,) int64
        From 0 in order of their first rows.
    """
    count = int(rows.max(initial=-1)) + 1
    if count == len(rows):
        return _in_order(cluster[np.argsort(rows)])
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size = count + int(cluster.max()) + 1
    graph = coo_array((np.ones(len(rows), np.int8), (rows, count + cluster)), shape=(size, size))
    return _in_order(connected_components(graph, directed=False)[1][:count])


def _in_order(labels: NDArray[Any]) -> Rows:
    """Return labels numbered from 0 in order of their first rows."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].astype(np.int64)


def cluster_names(dataset: Dataset, *, threads: int | None = None) -> NDArray[np.str_]:
    """Return the homology cluster of each row by name: ``homology:000123``, what must stay in one part of a split.

    Of pairs both sequences count: rows of which either sequence is homologous to either of the other are one cluster.

    Raises
    ------
    UsageError
        Rows that are no sequences, such as those of a matrix.
    """
    columns = tuple(column for column in dataset.keys if isinstance(column, Sequences))
    if len(columns) < len(dataset.keys):
        raise UsageError(
            f"{dataset.name} holds no sequences: homology is unknown",
            hint="name what belongs together in a group column",
        )
    found = homologous_within(Sequences.concat(columns), threads=threads)
    clusters = row_clusters(found.cluster, np.tile(np.arange(len(dataset)), len(columns)))
    names: NDArray[np.str_] = np.char.mod("homology:%06d", clusters)
    return names
