"""K-means from many starts is scikit-learn's, start for start, for any number of threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from genotool import kmeans as module
from genotool.errors import UsageError
from genotool.kmeans import kmeans
from numpy.typing import NDArray
from sklearn.cluster import KMeans


def heaps(rows: int, width: int, centres: int, seed: int, spread: float = 1.0) -> NDArray[Any]:
    rng = np.random.default_rng(seed)
    middle = rng.normal(size=(centres, width)) * 2
    return middle[rng.integers(0, centres, rows)] + spread * rng.normal(size=(rows, width))


@pytest.mark.parametrize(
    ("rows", "width", "clusters", "seed"),
    [(120, 9, 8, 0), (60, 40, 26, 1), (90, 2, 1, 2), (30, 5, 30, 3), (200, 1, 12, 4)],
)
def test_labels_and_inertia_are_those_of_scikit_learn(rows: int, width: int, clusters: int, seed: int) -> None:
    values = heaps(rows, width, 10, seed)
    other = KMeans(clusters, n_init=12, random_state=seed).fit(values)
    found = kmeans(values, clusters, starts=12, seed=seed)
    np.testing.assert_array_equal(found.labels, other.labels_)
    assert found.inertia == pytest.approx(other.inertia_, rel=1e-9, abs=1e-9)


def test_every_start_is_scikit_learns_from_the_same_centres() -> None:
    from sklearn.cluster import kmeans_plusplus

    values = heaps(80, 6, 5, 7, spread=3.0)
    for seed in range(8):
        centres, _ = kmeans_plusplus(values - values.mean(axis=0), 9, random_state=seed)
        other = KMeans(9, init=centres + values.mean(axis=0), n_init=1).fit(values)
        found = kmeans(values, 9, starts=1, seed=seed)
        np.testing.assert_array_equal(found.labels, other.labels_)
        assert found.inertia == pytest.approx(other.inertia_, rel=1e-9)


def test_the_same_for_any_number_of_threads() -> None:
    values = heaps(100, 20, 12, 5, spread=2.0)
    one, three = (kmeans(values, 12, starts=25, seed=3, threads=threads) for threads in (1, 3))
    np.testing.assert_array_equal(one.labels, three.labels)
    assert one.inertia == three.inertia


def test_more_rows_than_are_held_are_scikit_learns_own(monkeypatch: pytest.MonkeyPatch) -> None:
    values = heaps(70, 3, 4, 6)
    held = kmeans(values, 4, starts=3, seed=1)
    monkeypatch.setattr(module, "MOST", 50)
    assert (kmeans(values, 4, starts=3, seed=1).labels == held.labels).all()


def test_equal_rows_make_no_more_clusters_than_they_are() -> None:
    found = kmeans(np.repeat([[0.0, 1.0], [5.0, 5.0]], 4, axis=0), 3, starts=2, seed=0)
    assert len(set(found.labels.tolist())) == 2
    assert found.inertia == 0


@pytest.mark.parametrize(
    ("clusters", "starts", "value", "said"),
    [
        (9, 1, 0.0, "9 clusters of 8 rows"),
        (0, 1, 0.0, "0 clusters"),
        (2, 0, 0.0, "at least one start"),
        (2, 1, np.nan, "finite"),
    ],
)
def test_what_cannot_be_clustered(clusters: int, starts: int, value: float, said: str) -> None:
    values = np.arange(16.0).reshape(8, 2)
    values[3, 1] += value
    with pytest.raises(UsageError, match=said):
        kmeans(values, clusters, starts=starts, seed=0)
