"""Several runs judged as one, or ranked: shared groups are no new evidence, other test rows no contest."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
from genotool.dataset import Task
from genotool.errors import InputError
from genotool.leaderboard import rank
from genotool.pooled import pool
from genotool.predictions import TestRows
from sklearn.metrics import roc_auc_score


def simulated(seed: int, noise: float, *, genes: Sequence[int], name: str = "run") -> TestRows:
    """Ten rows a gene; the floor sees the label through noise of 2."""
    rng = np.random.default_rng(seed)
    groups = np.repeat([f"gene{gene}" for gene in genes], 10)
    target = rng.integers(0, 2, len(groups))
    ids = np.array([f"{name}-{number}" for number in range(len(groups))])
    score = target + noise * rng.normal(size=len(groups))
    return TestRows(name, Task.BINARY, ids, groups, target, score, {"floor": target + 2 * rng.normal(size=len(groups))})


def test_the_pooled_difference_is_the_mean_over_runs() -> None:
    runs = [simulated(seed, 1.0, genes=range(40), name=f"r{seed}") for seed in range(3)]
    found = pool(runs, seed=0).verdict
    by_hand = np.mean([roc_auc_score(r.target, r.score) - roc_auc_score(r.target, r.floors["floor"]) for r in runs])
    assert found.difference == pytest.approx(by_hand, abs=1e-12)
    assert found.low < by_hand < found.high
    assert found.word == "above"
    whole = pool(runs, seed=0)
    assert whole.model.value == pytest.approx(np.mean([roc_auc_score(r.target, r.score) for r in runs]))
    assert whole.model.low < whole.model.value < whole.model.high


def test_the_interval_is_that_of_drawing_genes_by_hand() -> None:
    runs = [simulated(0, 1.6, genes=range(30), name="a"), simulated(1, 1.6, genes=range(15, 45), name="b")]
    found = pool(runs, seed=0, draws=2000).verdict
    rng = np.random.default_rng(99)
    drawn = []
    for _ in range(600):
        genes = [f"gene{number}" for number in rng.integers(0, 45, 45)]
        differences = []
        for run in runs:
            rows = np.concatenate([np.flatnonzero(run.groups == gene) for gene in genes])
            parts = run.target[rows], run.score[rows], run.floors["floor"][rows]
            differences.append(roc_auc_score(parts[0], parts[1]) - roc_auc_score(parts[0], parts[2]))
        drawn.append(np.mean(differences))
    low, high = np.percentile(drawn, [2.5, 97.5])
    width = high - low
    assert found.low == pytest.approx(low, abs=0.12 * width)
    assert found.high == pytest.approx(high, abs=0.12 * width)


def test_the_same_run_five_times_is_no_more_evidence_than_once() -> None:
    once = simulated(3, 1.7, genes=range(40))
    alone, often = pool([once], seed=0).verdict, pool([once] * 5, seed=0).verdict
    assert (often.low, often.high) == pytest.approx((alone.low, alone.high), abs=1e-12)


def test_one_gene_under_two_spellings_is_no_more_evidence() -> None:
    once = simulated(3, 1.7, genes=range(40))
    small = dataclasses.replace(once, groups=np.char.upper(once.groups))
    alone, both = pool([once], seed=0).verdict, pool([once, small], seed=0).verdict
    assert (both.low, both.high) == pytest.approx((alone.low, alone.high), abs=1e-12)


def test_other_genes_are_more_evidence() -> None:
    alone = pool([simulated(3, 1.7, genes=range(40))], seed=0).verdict
    more = pool([simulated(s, 1.7, genes=range(100 * s, 100 * s + 40)) for s in range(5)], seed=0).verdict
    assert more.high - more.low < 0.6 * (alone.high - alone.low)


def test_noise_is_seldom_above() -> None:
    words = [
        pool(
            [simulated(10 * trial + s, 2.0, genes=range(30 * s, 30 * s + 30)) for s in range(2)], seed=0, draws=300
        ).verdict.word
        for trial in range(60)
    ]
    assert words.count("above") <= 6  # 2.5 % expected: 1.5 of 60


def test_few_groups_give_no_verdict_and_no_shared_floor_is_an_error() -> None:
    found = pool([simulated(s, 0.5, genes=range(12)) for s in range(2)], seed=0)
    assert (found.verdict.low, found.model.low) == (None, None)
    bare = TestRows(*(getattr(simulated(0, 1.0, genes=range(30)), f) for f in
                      ("name", "task", "ids", "groups", "target", "score")), {})  # fmt: skip
    with pytest.raises(InputError, match="no floor in common"):
        pool([simulated(0, 1.0, genes=range(30)), bare], seed=0)


def test_the_leaderboard_puts_the_best_first_and_tests_the_rest_against_it() -> None:
    base = simulated(0, 1.0, genes=range(60))
    rng = np.random.default_rng(5)
    others = {"worse": 3.0, "worst": 12.0}
    runs = [
        TestRows(name, base.task, base.ids, base.groups, base.target, base.target + noise * rng.normal(size=600), {})
        for name, noise in others.items()
    ]
    places = rank([runs[1], base, runs[0]], seed=0)
    assert [place.name for place in places] == ["run", "worse", "worst"]
    assert places[0].behind is None
    by_hand = roc_auc_score(base.target, base.score) - roc_auc_score(base.target, runs[0].score)
    assert places[1].behind.difference.value == pytest.approx(by_hand)
    assert places[1].behind.difference.low > 0
    assert places[1].behind.p_holm <= 0.05


def test_other_test_rows_are_no_contest() -> None:
    first, second = simulated(0, 1.0, genes=range(30), name="a"), simulated(0, 1.0, genes=range(30), name="b")
    with pytest.raises(InputError, match="test on other rows: 300 and 300, 0 shared") as raised:
        rank([first, second], seed=0)
    assert "--pooled" in raised.value.hint
