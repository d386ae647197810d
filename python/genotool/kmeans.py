"""K-means from many starts: what `sklearn.cluster.KMeans` finds, start for start, from distances that all starts share.

A null distribution of a clustering score takes 100,000 starts over matrices of a few hundred rows; there scikit-learn
computes every distance anew for every start. The test compares labels and inertia with it.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool import _native
from genotool.errors import UsageError
from genotool.kernels import kernel_errors

__all__ = ["MOST", "Clusters", "kmeans"]

Floats: TypeAlias = NDArray[np.float64]

MOST = 4096
"""Rows up to which all inner products are held, 16 bytes a pair (256 MiB); beyond, scikit-learn's own runs."""
TOLERANCE = 1e-4
ITERATIONS = 300
"""scikit-learn's defaults."""


class Clusters(NamedTuple):
    """(n,) the cluster of each row in the best start, and its sum of squared distances to the centres."""

    labels: NDArray[np.int64]
    inertia: float


def kmeans(values: NDArray[Any], clusters: int, *, starts: int, seed: int, threads: int | None = 1) -> Clusters:
    """Return the best of many k-means, as ``KMeans(clusters, n_init=starts, random_state=seed)`` does.

    Parameters
    ----------
    values
        (n, width) finite numbers.
    starts
        K-means++ starts; the one of least inertia is returned.
    threads
        Threads over the starts; None: ``GENOTOOL_THREADS``. The result is the same for any number.

    Raises
    ------
    UsageError
        If there are no starts, or more clusters than rows, or a number is not finite.
    """
    if not 1 <= clusters <= len(values):
        hint = "fewer clusters, or more rows"
        raise UsageError(f"{clusters} clusters of {len(values)} rows cannot be", hint=hint)
    if starts < 1:
        raise UsageError(f"k-means needs at least one start, not {starts}")
    if len(values) > MOST:
        return _sklearn(values, clusters, starts, seed)
    points = np.ascontiguousarray(values, np.float64)
    points = np.ascontiguousarray(points - points.mean(axis=0))
    # one stream, read as scikit-learn reads it: one number for the first centre, then one a candidate
    draws = np.random.RandomState(seed).random_sample((starts, 1 + (clusters - 1) * (2 + int(np.log(clusters)))))
    tolerance = float(points.var(axis=0).mean()) * TOLERANCE
    with kernel_errors():
        labels, inertia = _native.kmeans(points, draws, clusters, tolerance, ITERATIONS, threads)
    return Clusters(labels, float(inertia.min()))


def _sklearn(values: NDArray[Any], clusters: int, starts: int, seed: int) -> Clusters:
    from sklearn.cluster import KMeans

    found = KMeans(clusters, n_init=starts, random_state=seed).fit(np.asarray(values, np.float64))
    return Clusters(found.labels_.astype(np.int64), float(found.inertia_))
