"""Rows that share many k-mers: within a set, between sets, across the parts of a split; and the table of clusters."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from genotool.audit.findings import EXAMPLES, Finding, shown
from genotool.audit.keys import ModelKeys, keys_of
from genotool.audit.levels import severity_of
from genotool.audit.relations import codes
from genotool.audit.words import among, some
from genotool.dataset import Dataset, Kind
from genotool.errors import UsageError
from genotool.homology import Homology, homologous_between, homologous_within, row_clusters
from genotool.sequences import Sequences

__all__ = ["SHARED", "cluster_table", "homologs", "related"]

Index = NDArray[np.int64]
Mask = NDArray[np.bool_]

KINDS = (Kind.SEQUENCES, Kind.PAIRS)
"""Guides have relations of their own: half of the k-mers of 23 letters is a site that overlaps."""
SHARED = "40 or more 16-mers (of short ones half) with {}"


def homologs(query: ModelKeys, reference: ModelKeys) -> tuple[Index, Index]:
    """Return (n,) for each row of `query` the row of `reference` that it shares most k-mers with, and (m,) the reverse.

    -1 for none. Of pairs either sequence counts. Rows that are neither sequences nor pairs have none.
    """
    partner, back = np.full(len(query), -1, np.int64), np.full(len(reference), -1, np.int64)
    if query.kind != reference.kind or query.kind not in KINDS or not len(query) or not len(reference):
        return partner, back
    rows, others, shared = _row_pairs(query, reference)
    # The last assignment stays: that of the most k-mers, and of those the first row.
    order = np.lexsort((-others, shared))
    partner[rows[order]] = others[order]
    order = np.lexsort((-rows, shared))
    back[others[order]] = rows[order]
    return partner, back


def _row_pairs(query: ModelKeys, reference: ModelKeys) -> tuple[Index, Index, Index]:
    """Return pairs of homologous rows, and the k-mers that their sequences share, summed over pairs of sequences."""
    found = homologous_between(Sequences.concat(query.columns), Sequences.concat(reference.columns))
    numbers = found.query % len(query) * len(reference) + found.reference % len(reference)
    pairs, place = np.unique(numbers, return_inverse=True)
    shared = np.bincount(place, found.shared, len(pairs)).astype(np.int64)
    return pairs // len(reference), pairs % len(reference), shared


def related(dataset: Dataset) -> Iterator[Finding]:
    """Look for homologous rows of one set, not the same, that no common group keeps together."""
    if dataset.kind not in KINDS or not len(dataset):
        return
    keys = keys_of(dataset)
    found = homologous_within(Sequences.concat(keys.columns))
    cluster = row_clusters(found.cluster, np.tile(np.arange(len(dataset)), len(keys.columns)))
    apart = _distinct(cluster, _either_strand(keys)) & _ungrouped(cluster, dataset)
    if not apart.any():
        return
    count, total = int(apart.sum()), len(dataset)
    known = dataset.groups is not None and any(dataset.groups.tolist())
    others = "one of another group" if known else "another, and the set has no groups"
    said = f"{among(count, dataset, ('shares', 'share'))} {SHARED.format(others)}: {_sizes(cluster[apart])}"
    said += f"; {found.capped} k-mers are in many rows and were compared with some of them only" if found.capped else ""
    one, other = _examples(found, cluster, apart)
    yield Finding(
        "homologous-within", severity_of("homologous-within", count, total), count, total, said,
        "split so that they stay together: --split homology", shown(dataset.ids[one]), data=(dataset.name,),
        partners=shown(dataset.ids[other]),
    )  # fmt: skip


def _sizes(clusters: Index) -> str:
    _, sizes = np.unique(clusters, return_counts=True)
    return f"{some(len(sizes), 'cluster')}, the largest of {sizes.max()}"


def _either_strand(keys: ModelKeys) -> NDArray[np.uint64]:
    """Return (n,) digests that are equal where rows are, or are each other's reverse complement."""
    turned = dataclasses.replace(keys, columns=tuple(column.reverse_complement() for column in keys.columns))
    return np.minimum(codes(keys, "exact"), codes(turned, "exact"))


def _distinct(cluster: Index, values: NDArray[np.generic]) -> Mask:
    """Return (n,) whether the cluster of each row holds more than one value."""
    _, numbers = np.unique(values, return_inverse=True)
    least, most = np.full(int(cluster.max()) + 1, len(numbers)), np.full(int(cluster.max()) + 1, -1)
    np.minimum.at(least, cluster, numbers)
    np.maximum.at(most, cluster, numbers)
    return np.asarray((least < most)[cluster])


def _ungrouped(cluster: Index, dataset: Dataset) -> Mask:
    """Return (n,) whether the cluster of each row is not of one known group."""
    if dataset.groups is None:
        return np.ones(len(cluster), np.bool_)
    unknown = np.zeros(int(cluster.max()) + 1, np.bool_)
    unknown[cluster[dataset.groups == ""]] = True
    return np.asarray(_distinct(cluster, dataset.groups) | unknown[cluster])


def _examples(found: Homology, cluster: Index, apart: Mask) -> tuple[Index, Index]:
    """Return a pair of rows that share k-mers from each of the largest clusters."""
    one, other = found.query % len(cluster), found.reference % len(cluster)
    counted = apart[one] & (one != other)
    clusters, first = np.unique(cluster[one[counted]], return_index=True)
    largest = np.argsort(-np.bincount(cluster)[clusters], kind="stable")[:EXAMPLES]
    pairs = np.flatnonzero(counted)[first[largest]]
    return one[pairs], other[pairs]


def cluster_table(datasets: Sequence[Dataset]) -> str:
    """Return the homology cluster of each row as tab-separated text: id, cluster, size; clusters are joint.

    With several sets a column `data` names the set of each row; with simulated rows a column `simulated` says which.

    Raises
    ------
    UsageError
        No set, or one whose rows are no sequences.
    """
    if not datasets:
        raise UsageError("a cluster table is of data sets, and none is named", hint="name the data beside the run")
    for dataset in datasets:
        if not all(isinstance(column, Sequences) for column in dataset.keys):
            raise UsageError(f"{dataset.name} holds no sequences: it has no homology clusters")
    cluster = _joint(datasets)
    table = {
        "id": [name for dataset in datasets for name in dataset.ids.tolist()],
        "cluster": [f"homology:{number:06d}" for number in cluster.tolist()],
        "size": np.bincount(cluster)[cluster].tolist() if len(cluster) else [],
    }
    if len(datasets) > 1:
        table = {"data": [dataset.name for dataset in datasets for _ in range(len(dataset))], **table}
    if any(dataset.about.simulated for dataset in datasets):
        table["simulated"] = [str(dataset.about.simulated).lower() for dataset in datasets for _ in range(len(dataset))]
    lines = ["\t".join(table), *("\t".join(map(str, row)) for row in zip(*table.values(), strict=True))]
    return "\n".join(lines) + "\n"


def _joint(datasets: Sequence[Dataset]) -> Index:
    """Return the cluster of each row of the sets, one after the other."""
    columns, rows, start = [], [], 0
    for dataset in datasets:
        for column in dataset.keys:
            assert isinstance(column, Sequences)
            columns.append(column)
            rows.append(np.arange(start, start + len(dataset)))
        start += len(dataset)
    return row_clusters(homologous_within(Sequences.concat(columns)).cluster, np.concatenate(rows))
