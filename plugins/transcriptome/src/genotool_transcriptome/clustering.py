"""How well k-means, with as many clusters as tissues, finds the tissues again from a set of genes."""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from genotool.errors import InputError, UsageError
from genotool.kmeans import kmeans
from numpy.typing import NDArray

__all__ = ["SCORES", "Clustering", "Scores", "check_rows", "projected", "scored", "v_measure"]

Floats: TypeAlias = NDArray[np.floating[Any]]
Codes: TypeAlias = NDArray[np.int64]

PARAMETRIC = "umap.parametric_umap"


@dataclass(frozen=True, slots=True)
class Clustering:
    """How sets of genes are clustered.

    Attributes
    ----------
    space
        ``genes``: the values themselves; ``pca``; ``umap``: two dimensions, as in the original.
    scale
        ``zscore``: each gene counts alike; ``model``: as the network was given them.
    components
        Of the PCA.
    starts
        K-means starts, of which the one of least inertia counts.
    """

    space: Literal["genes", "pca", "umap"] = "genes"
    scale: Literal["zscore", "model"] = "zscore"
    components: int = 20
    starts: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        if self.space not in ("genes", "pca", "umap"):
            raise UsageError(f"unknown space {self.space!r}", hint="one of genes, pca, umap")
        if self.scale not in ("zscore", "model"):
            raise UsageError(f"unknown scale {self.scale!r}", hint="zscore or model")


class Scores(NamedTuple):
    """What a clustering is worth: four comparisons with the tissues, and how far these lie apart in the space."""

    v_measure: float
    homogeneity: float
    completeness: float
    adjusted_rand: float
    silhouette: float


SCORES = Scores._fields


def check_rows(target: Codes) -> None:
    """Check that rows can be clustered, in as many clusters as tissues.

    Raises
    ------
    InputError
        If there are fewer than two tissues, or no tissue has two rows: then every row is a cluster, for any genes.
    """
    found = len(np.unique(target))
    if found < 2:
        raise InputError("the rows to cluster are of one tissue", hint="other folds, or more rows")
    if found >= len(target):
        raise InputError(
            f"{found} clusters of {len(target)} rows: each row its own cluster, whatever the genes",
            hint="folds that leave more rows of each tissue to cluster, or another --target such as the organ",
        )


def scored(values: Floats, target: Codes, how: Clustering, *, threads: int | None = 1) -> Scores:
    """Cluster rows by the given genes and compare the clusters with the tissues.

    Parameters
    ----------
    values
        (n, genes of the set) scaled values.
    target
        (n,) codes of tissues.

    Returns
    -------
    Scores
        V-measure, homogeneity and completeness (Rosenberg and Hirschberg 2007 EMNLP 410), adjusted Rand index (Hubert
        and Arabie 1985) of clusters against tissues; silhouette (Rousseeuw 1987) of the tissues themselves.
    """
    from sklearn import metrics

    points = projected(values, how)
    labels = kmeans(points, len(np.unique(target)), starts=how.starts, seed=how.seed, threads=threads).labels
    homogeneity, completeness, both = metrics.homogeneity_completeness_v_measure(target, labels)
    rand = metrics.adjusted_rand_score(target, labels)
    apart = metrics.silhouette_score(points, target)
    return Scores(float(both), float(homogeneity), float(completeness), float(rand), float(apart))


def v_measure(values: Floats, target: Codes, how: Clustering) -> float:
    """Return the V-measure alone, by one thread."""
    from sklearn.metrics import v_measure_score

    points = projected(values, how)
    labels = kmeans(points, len(np.unique(target)), starts=how.starts, seed=how.seed).labels
    return float(v_measure_score(target, labels))


def projected(values: Floats, how: Clustering) -> NDArray[np.float64]:
    """Return (n, dimensions) the points that are clustered.

    Raises
    ------
    UsageError
        If the set holds no gene.
    """
    if values.shape[1] == 0:
        raise UsageError("a set of no genes cannot be clustered")
    points = np.asarray(values, np.float64)
    if how.space == "genes" or (how.space == "pca" and min(points.shape) <= how.components):
        return points
    return _pca(points, how) if how.space == "pca" else _umap(points, how.seed)


def _pca(points: NDArray[np.float64], how: Clustering) -> NDArray[np.float64]:
    from sklearn.decomposition import PCA

    return np.asarray(PCA(how.components, svd_solver="full").fit_transform(points), np.float64)


def _umap(points: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """McInnes 2018, arXiv 1802.03426; 15 neighbours, or all others where rows are fewer."""
    made = _umap_class()(n_components=2, n_neighbors=min(15, len(points) - 1), random_state=seed, n_jobs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(made.fit_transform(points), np.float64)


def _umap_class() -> Any:
    """Import UMAP without the network that its package tries to import: that would bring TensorFlow in."""
    if "umap" in sys.modules:
        from umap.umap_ import UMAP

        return UMAP
    sys.modules[PARAMETRIC] = None  # type: ignore[assignment]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from umap.umap_ import UMAP
    finally:
        del sys.modules[PARAMETRIC]
    return UMAP
