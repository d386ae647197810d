"""Where each gene lies in the square image: what a convolution can see beside what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from genotool.errors import InputError
from genotool.readers.table import open_bytes, open_rows
from numpy.typing import NDArray

from genotool_transcriptome.expression import Floats

__all__ = ["EXACT", "Layout", "by_correlation", "by_position", "read_positions"]

Layout: TypeAlias = Literal["column", "position", "correlation"]
Order: TypeAlias = NDArray[np.int64]
Place: TypeAlias = tuple[tuple[int, str], int]

EXACT = 1_500
"""Genes that are ordered by one tree; of more, clusters are ordered, then the genes in each."""
COMPONENTS = 50
GENE_IDS = ("ID", "gene_id", "Name", "gene_name", "gene")


def by_position(genes: NDArray[np.str_], positions: Mapping[str, Place]) -> tuple[Order, int]:
    """Return the order of genes by chromosome and start, those without a place last, and how many these are."""
    nowhere: Place = ((2**31, ""), 0)
    places = [positions.get(_bare(gene), nowhere) for gene in genes.tolist()]
    order = sorted(range(len(genes)), key=lambda number: (places[number], number))
    return np.array(order, np.int64), sum(place == nowhere for place in places)


def read_positions(file: Path) -> dict[str, Place]:
    """Read where genes lie: a GFF3 file, or a table of the columns gene, chromosome and start.

    Raises
    ------
    InputError
        If the file has no such columns, or a start that is no number.
    """
    name = file.name.casefold().removesuffix(".gz")
    found = dict(_from_gff(file) if name.endswith((".gff", ".gff3", ".gtf")) else _from_table(file))
    if not found:
        raise InputError("the file gives no gene a place", file=file, hint="columns gene, chromosome, start; or a GFF3")
    return found


def _from_gff(file: Path) -> Iterator[tuple[str, Place]]:
    with open_bytes(file) as lines:
        for number, raw in enumerate(lines, start=1):
            line = raw.decode("utf-8", "replace")
            cells = line.rstrip("\n").split("\t")
            if line.startswith("#") or len(cells) < 9 or cells[2] not in ("gene", "pseudogene", "ncRNA_gene"):
                continue
            start = _number(file, number, cells[3])
            for key, value in re.findall(r'(\w+)[= ]"?([^";]+)', cells[8]):
                if key in GENE_IDS:
                    yield _bare(value), (_chromosome(cells[0]), start)


def _from_table(file: Path) -> Iterator[tuple[str, Place]]:
    with open_rows(file) as rows:
        header = [name.casefold() for name in next(rows)[1]]
        words = (("gene", "gene_id", "id"), ("chromosome", "chrom", "chr", "seqname"), ("start", "position", "pos"))
        at = [next((header.index(word) for word in some if word in header), -1) for some in words]
        if min(at) < 0:
            hint = "name three columns gene, chromosome and start"
            raise InputError("the table does not say where genes lie", file=file, value=", ".join(header), hint=hint)
        for line, cells in rows:
            yield _bare(cells[at[0]]), (_chromosome(cells[at[1]]), _number(file, line, cells[at[2]]))


def _number(file: Path, line: int, cell: str) -> int:
    if not cell.isdecimal():
        raise InputError("a start is a whole number", file=file, row=line, value=cell)
    return int(cell)


def _chromosome(name: str) -> tuple[int, str]:
    """Return what sorts chromosomes as people do: 2 before 10, X after both."""
    word = re.sub(r"^chr(omosome)?_?", "", name, flags=re.IGNORECASE)
    return (int(word), "") if word.isdecimal() else (2**30, word)


def _bare(gene: str) -> str:
    return gene.removeprefix("gene:").strip()


def by_correlation(values: Floats, seed: int) -> Order:
    """Return an order of genes in which neighbours are correlated, and the image's rows too.

    Up to `EXACT` genes: average linkage on 1 - r, its leaves ordered so that neighbours are alike (Bar-Joseph 2001).
    Of more genes k-means first makes clusters of about a hundred on their principal components (the tree's cost grows
    with the square of the genes, its ordering faster); the same tree orders the clusters, and the genes within each.

    Parameters
    ----------
    values
        (samples, genes) of training rows, no gene constant.
    """
    genes = _standardized(values.T)
    if len(genes) <= EXACT:
        return _leaves(genes)
    from sklearn.cluster import MiniBatchKMeans
    from sklearn.decomposition import TruncatedSVD
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        components = min(COMPONENTS, min(genes.shape) - 1)
        reduced = TruncatedSVD(components, random_state=seed % 2**32).fit_transform(genes)
        count = min(len(genes) // 100, EXACT)
        clusters = MiniBatchKMeans(count, random_state=seed % 2**32, n_init=1, batch_size=4096).fit(reduced)
        labels = clusters.labels_
    used = np.unique(labels)
    centres = np.stack([reduced[labels == label].mean(axis=0) for label in used])
    return np.concatenate([_within(reduced, np.flatnonzero(labels == used[at])) for at in _leaves(centres)])


def _within(reduced: NDArray[Any], members: Order) -> Order:
    """Return the members of a cluster in order; of a huge one by the first component of its own."""
    if len(members) <= EXACT:
        return members[_leaves(reduced[members])]
    centred = reduced[members] - reduced[members].mean(axis=0)
    axis = np.linalg.svd(centred, full_matrices=False)[2][0]
    return members[np.argsort(centred @ axis, kind="stable")]


def _leaves(points: NDArray[Any]) -> Order:
    from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
    from scipy.spatial.distance import pdist

    if len(points) < 3:
        return np.arange(len(points), dtype=np.int64)
    distance = pdist(np.asarray(points, np.float64), "correlation" if points.shape[1] > 2 else "euclidean")
    distance = np.clip(np.nan_to_num(distance, nan=1.0), 0.0, None)
    return np.asarray(leaves_list(optimal_leaf_ordering(linkage(distance, "average"), distance)), np.int64)


def _standardized(genes: NDArray[Any]) -> NDArray[np.float32]:
    centred = genes - genes.mean(axis=1, keepdims=True)
    length = np.sqrt((centred**2).sum(axis=1, keepdims=True))
    return np.asarray(centred / np.where(length > 0, length, 1), np.float32)
