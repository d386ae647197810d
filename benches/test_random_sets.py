"""100 random sets x 100 k-means starts on 520 samples of 26 tissues, as large as GTEx: against plain scikit-learn.

`GENOTOOL_DATA` set: on GTEx itself. Both loops use two cores.
"""

from __future__ import annotations

import os
import time

import numpy as np
import pytest
from genotool_transcriptome.clustering import Clustering
from genotool_transcriptome.random_sets import ClusterRows, null
from sklearn.cluster import KMeans
from sklearn.metrics import v_measure_score

DRAWS, STARTS, SIZE = 100, 100, 100
PLAIN = 10
"""Random sets that the plain loop is timed on; it takes ten times as long for all."""
THREADS = 2


def rows() -> ClusterRows:
    if os.environ.get("GENOTOOL_DATA"):
        from genotool import registry

        dataset = registry.load("gtex-tf")
        table, target = np.asarray(dataset.columns["expression"]), np.asarray(dataset.target)
        table = table[:, np.ptp(table, axis=0) > 0]
    else:
        rng = np.random.default_rng(0)
        target = np.repeat(np.arange(26), 20)
        table = rng.normal(size=(26, 460))[target] + 1.5 * rng.normal(size=(520, 460))
    scaled = ((table - table.mean(axis=0)) / table.std(axis=0)).astype(np.float32)
    return ClusterRows(scaled, target, np.zeros(scaled.shape[1]))


@pytest.mark.filterwarnings("ignore")
def test_random_sets() -> None:
    held, how = rows(), Clustering(starts=STARTS)
    began = time.perf_counter()
    found = null([held], [np.arange(SIZE)], how, draws=DRAWS, threads=THREADS).scores
    ours = time.perf_counter() - began
    began, plain = time.perf_counter(), []
    for number in range(PLAIN):
        rng = np.random.default_rng(np.random.SeedSequence(0, spawn_key=(0, SIZE, number)))
        places = np.sort(rng.choice(held.table.shape[1], SIZE, replace=False))
        labels = KMeans(26, n_init=STARTS, random_state=0).fit(held.table[:, places].astype(np.float64)).labels_
        plain.append(v_measure_score(held.target, labels))
    theirs = (time.perf_counter() - began) * DRAWS / PLAIN
    np.testing.assert_array_equal(found[:PLAIN], plain)
    print(f"\n{DRAWS} sets x {STARTS} starts: {ours:.1f} s, scikit-learn {theirs:.1f} s, {theirs / ours:.1f} x")
    assert theirs > 5 * ours
