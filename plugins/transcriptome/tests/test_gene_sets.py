"""Gene lists, their clusters and what random sets say of them: planted genes are found, chance is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from genotool.errors import InputError, UsageError
from genotool.kmeans import kmeans
from genotool_transcriptome import random_sets
from genotool_transcriptome.clustering import Clustering, check_rows, projected, scored, v_measure
from genotool_transcriptome.gene_lists import METHODS, GeneList, TrainingRows, fit_list, read_list
from genotool_transcriptome.random_sets import ClusterRows, Null, draw, gaussian, null, permutation_p, t_test
from genotool_transcriptome.ranking import Shap, by_rule, medians, ranks_of_samples, ranks_of_tissues, shap_lists
from numpy.typing import NDArray

TISSUES = ("leaf", "root", "seed", "ear")
MARKERS = 8
WIDTH = 60
QUICK = Clustering(starts=10)


def planted(each: int = 12, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Rows of four tissues: the first eight genes tell them apart, the others are noise, the last is constant."""
    rng = np.random.default_rng(seed)
    target = np.repeat(np.arange(4), each)
    table = rng.normal(size=(len(target), WIDTH)).astype(np.float32)
    for gene in range(MARKERS):
        table[:, gene] += 3.0 * (target == gene % 4)
    table[:, -1] = 0
    return table, target


def training(each: int = 12, seed: int = 0) -> TrainingRows:
    table, target = planted(each, seed)
    genes = np.array([f"g{number}" for number in range(WIDTH)])
    return TrainingRows(table, genes, target, np.arange(len(target)).astype(np.str_), TISSUES, seed)


def folds() -> list[ClusterRows]:
    return [ClusterRows(*planted(seed=seed), level=np.arange(WIDTH)) for seed in (1, 2)]


PLANTED = [np.arange(MARKERS)] * 2


@pytest.mark.parametrize("method", METHODS)
def test_planted_genes_come_first_and_constant_ones_last(method: str) -> None:
    found = fit_list(method, training())
    assert set(found.top(MARKERS).genes.tolist()) == {f"g{number}" for number in range(MARKERS)}
    assert (np.diff(found.scores) <= 0).all()
    assert found.scores[found.genes == f"g{WIDTH - 1}"] == 0
    assert len(found) == len(set(found.genes.tolist())) == WIDTH
    again = fit_list(method, training())
    assert again.genes.tolist() == found.genes.tolist()


def test_a_tissue_with_one_training_sample_is_named() -> None:
    rows = training()
    keep = np.flatnonzero((rows.target != 2) | (np.arange(len(rows.target)) == 24))
    with pytest.raises(InputError, match="one training sample: seed"):
        TrainingRows(rows.table[keep], rows.genes, rows.target[keep], rows.ids[keep], TISSUES)
    with pytest.raises(UsageError, match="unknown method"):
        fit_list("oracle", rows)


def test_a_list_of_the_user(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("G3\ng1.2\nnowhere\ng3\n\ng5\textra\n")
    found, absent = read_list(file, [f"g{number}" for number in range(9)])
    assert (found.method, found.genes.tolist(), absent) == ("mine", ["g3", "g5"], ["g1.2", "nowhere"])
    for content, said in (
        ("\n \n", "empty"),
        ("what\nelse\n", "none of these genes"),
        ("x" * 600, "longer than any name"),
    ):
        file.write_text(content)
        with pytest.raises(InputError, match=said):
            read_list(file, ["g1", "g2"])
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not readable as text"):
        read_list(file, ["g1"])
    with pytest.raises(UsageError, match="no such file"):
        read_list(tmp_path / "absent.txt", ["g1"])


# -- the original's rule ----------------------------------------------------------------------------------------


def plain_rule(order: NDArray[Any]) -> set[int]:
    """The original's loop, gene by gene."""
    collected: list[int] = []
    for rank in range(order.shape[1]):
        collected += order[:, rank].tolist()
        if len(set(collected)) / len(collected) <= 0.5:
            return set(order[:, :rank].ravel().tolist())
    return set(order.ravel().tolist())


@pytest.mark.parametrize("seed", range(5))
def test_the_rule_is_the_originals_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    order = np.stack([rng.permutation(40) for _ in range(int(rng.integers(2, 9)))])
    assert set(by_rule(order).tolist()) == plain_rule(order)


def test_the_rule_where_tissues_agree_or_never_do() -> None:
    same = np.tile(np.arange(5), (2, 1))
    assert by_rule(same).tolist() == [0]  # half are different at the first rank: its genes, there is no rank before
    apart = np.array([[0, 1, 2], [3, 4, 5]])
    assert by_rule(apart).tolist() == [0, 1, 2, 3, 4, 5]


def shap(values: NDArray[Any], target: NDArray[Any]) -> Shap:
    genes = np.array([f"g{number}" for number in range(values.shape[1])])
    ids = np.arange(len(target)).astype(np.str_)
    return Shap(values.astype(np.float32), genes, ids, target, TISSUES, (), ())


def test_ranks_within_samples_and_tissues() -> None:
    values = np.array([[0.1, 0.5, -1.0], [0.3, 0.4, 0.2], [9.0, 0.0, 1.0]], np.float32)
    assert ranks_of_samples(values).tolist() == [[2, 1, 3], [2, 1, 3], [1, 3, 2]]
    held, median = medians(values, np.array([0, 0, 3]), 4)
    assert held.tolist() == [0, 3]
    np.testing.assert_allclose(median, [[0.2, 0.45, 0.6], [9.0, 0.0, 1.0]], atol=1e-6)
    assert ranks_of_tissues(median).tolist() == [[2, 1, 0], [0, 2, 1]]


def test_no_tissue_is_left_without_its_genes() -> None:
    table, target = planted()
    values = np.maximum(table, 0) * 0.01
    values[target == 1] *= 0.001  # a tissue that the network is never sure of
    whole, rule = shap_lists(shap(values, target), np.array(["a", "b"]))
    assert set(whole.top(MARKERS).genes.tolist()) == {f"g{number}" for number in range(MARKERS)}
    shares = [np.abs(values[target == code]).mean(axis=0) for code in range(4)]
    expected = np.mean([share / share.sum() for share in shares], axis=0)
    np.testing.assert_allclose(whole.scores, np.sort(expected)[::-1], rtol=1e-5)
    assert set(rule.genes.tolist()) < set(whole.genes.tolist())
    assert whole.fitted_on.tolist() == ["a", "b"]


# -- clusters ---------------------------------------------------------------------------------------------------


def test_planted_genes_cluster_and_noise_does_not() -> None:
    table, target = planted()
    good, poor = scored(table[:, :MARKERS], target, QUICK), scored(table[:, MARKERS:-1], target, QUICK)
    assert good.v_measure > 0.9 > 0.4 > poor.v_measure
    assert good.adjusted_rand > 0.9
    assert good.silhouette > 0.3 > poor.silhouette
    assert v_measure(table[:, :MARKERS], target, QUICK) == good.v_measure


def test_scores_are_scikit_learns() -> None:
    from sklearn import metrics

    table, target = planted(seed=3)
    labels = kmeans(table[:, 5:20], 4, starts=10, seed=0).labels
    found = scored(table[:, 5:20], target, QUICK)
    assert found.v_measure == metrics.v_measure_score(target, labels)
    assert found.homogeneity == metrics.homogeneity_score(target, labels)
    assert found.completeness == metrics.completeness_score(target, labels)
    assert found.adjusted_rand == metrics.adjusted_rand_score(target, labels)


def test_pca_is_a_projection_and_small_sets_are_left_as_they_are() -> None:
    table, _ = planted()
    how = Clustering(space="pca", components=3)
    points = projected(table, how)
    assert points.shape == (48, 3)
    assert (np.diff(points.var(axis=0)) <= 0).all()
    assert projected(table[:, :2], how).shape == (48, 2)
    with pytest.raises(UsageError, match="no genes"):
        projected(table[:, :0], how)
    with pytest.raises(UsageError, match="unknown space"):
        Clustering(space="moon")
    with pytest.raises(UsageError, match="unknown scale"):
        Clustering(scale="inches")  # type: ignore[arg-type]


def test_standardised_genes_count_alike_and_one_that_never_varies_says_nothing() -> None:
    table, target = planted()
    units = np.geomspace(1e-3, 1e3, WIDTH, dtype=np.float32)
    rows = ClusterRows(table * units + 5 * units, target, np.arange(WIDTH)).standardised()
    expected = (table - table.mean(axis=0)) / np.where(table.std(axis=0) > 0, table.std(axis=0), 1)
    np.testing.assert_allclose(rows.table[:, :-1], expected[:, :-1], atol=1e-4)
    np.testing.assert_allclose(rows.table[:, -1], 0, atol=1e-6)
    assert rows.table.dtype == np.float32


def test_umap_brings_no_framework_in() -> None:
    code = (
        "import sys, numpy as np\n"
        "from genotool_transcriptome.clustering import Clustering, projected\n"
        "points = projected(np.random.default_rng(0).normal(size=(8, 6)), Clustering(space='umap'))\n"
        "assert points.shape == (8, 2) and np.isfinite(points).all()\n"
        "found = {'tensorflow', 'torch', 'jax', 'keras'} & set(sys.modules)\n"
        "assert not found, found\n"
        "assert 'umap.parametric_umap' not in sys.modules\n"
    )
    uncompiled = {**os.environ, "NUMBA_DISABLE_JIT": "1"}  # compiling takes 14 s, eight points none
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=uncompiled)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("target", "said"), [(np.arange(6), "6 clusters of 6 rows"), (np.zeros(5, np.int64), "of one tissue")]
)
def test_rows_that_cannot_be_clustered(target: NDArray[np.int64], said: str) -> None:
    with pytest.raises(InputError, match=said):
        check_rows(target)


# -- chance -----------------------------------------------------------------------------------------------------


def test_planted_genes_beat_random_sets_and_a_random_one_does_not() -> None:
    made = null(folds(), PLANTED, QUICK, draws=60)
    score = np.mean([v_measure(rows.table[:, :MARKERS], rows.target, QUICK) for rows in folds()])
    luck = float(np.quantile(made.scores, 0.8))
    rows = random_sets.tested([("planted", float(score), made), ("luck", luck, made)])
    assert [row.verdict for row in rows] == ["above", "within"]
    assert rows[0].p == 1 / 61
    assert rows[0].holm == 2 / 61
    assert rows[1].t_p < 1e-6 < 0.05 < rows[1].p, "the t-test calls luck a finding, the permutation does not"


def test_the_same_bytes_for_any_number_of_workers() -> None:
    one, three = (null(folds(), PLANTED, QUICK, draws=12, threads=threads) for threads in (1, 3))
    assert one.scores.tobytes() == three.scores.tobytes()
    assert len(set(one.scores.tolist())) > 6, "draws are not copies of one another"
    longer = null(folds(), PLANTED, QUICK, draws=15)
    assert longer.scores[:12].tobytes() == one.scores.tobytes()


def test_the_null_is_the_plain_loop_over_scikit_learn() -> None:
    from sklearn.cluster import KMeans
    from sklearn.metrics import v_measure_score

    expected = []
    for number in range(5):
        scores = []
        for at, rows in enumerate(folds()):
            rng = np.random.default_rng(np.random.SeedSequence(0, spawn_key=(at, MARKERS, number)))
            places = np.sort(rng.choice(WIDTH, MARKERS, replace=False))
            labels = KMeans(4, n_init=10, random_state=0).fit(rows.table[:, places].astype(np.float64)).labels_
            scores.append(v_measure_score(rows.target, labels))
        expected.append(np.mean(scores))
    np.testing.assert_array_equal(null(folds(), PLANTED, QUICK, draws=5).scores, expected)


def test_matched_sets_have_the_sets_expression() -> None:
    level = np.random.default_rng(0).permutation(WIDTH).astype(float)
    chosen = np.flatnonzero(level >= WIDTH - 6)  # the highest tenth
    for number in range(20):
        drawn = draw(np.random.default_rng(number), WIDTH, chosen[:4], level)
        assert len(set(drawn.tolist())) == 4
        assert (level[drawn] >= WIDTH - 6).all()
    free = np.concatenate([draw(np.random.default_rng(n), WIDTH, chosen[:4], None) for n in range(20)])
    assert (level[free] < WIDTH - 6).any()


def test_p_and_t_against_hand_counts() -> None:
    from scipy.stats import t as student

    scores = np.array([0.1, 0.2, 0.3, 0.4])
    assert permutation_p(scores, 0.3) == 3 / 5
    assert permutation_p(scores, 0.9) == 1 / 5
    statistic = (scores.mean() - 0.9) / (scores.std(ddof=1) / 2)
    assert t_test(scores, 0.9) == pytest.approx((statistic, student.cdf(statistic, 3)))
    assert np.isnan(t_test(np.full(3, 0.5), 0.5)).all()


def test_rand_gauss_has_the_deviation_of_random_sets() -> None:
    found = gaussian(Null((4,), np.array([0.2, 0.4, 0.6])), 1)
    assert (len(found), round(found.mean(), 1), round(found.std(), 1)) == (10_000, 0.4, 0.2)


def test_an_empty_set_has_no_null() -> None:
    with pytest.raises(UsageError, match="no gene"):
        null(folds(), [np.empty(0, np.int64)] * 2, QUICK, draws=2)
    assert len(GeneList("x", np.array(["a"]), np.ones(1), np.array([])).top(5)) == 1
