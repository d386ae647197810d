from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from genotool.assessment import NO_FLOORS, assess, best_threshold, scored_task
from genotool.dataset import Dataset, Kind, Task
from genotool.testing import toy_dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import matthews_corrcoef, roc_auc_score


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=2, max_size=30))
def test_the_threshold_is_the_best_of_all(rows: list[tuple[bool, int]]) -> None:
    target = np.array([label for label, _ in rows], np.int64)
    probability = np.array([level / 8 for _, level in rows])
    threshold = best_threshold(target, probability)
    if len(set(target.tolist())) < 2:
        assert threshold == 0.5
        return
    tried = [*(np.unique(probability) - 1e-9), 2.0]
    best = max(matthews_corrcoef(target, probability >= value) for value in tried)
    assert matthews_corrcoef(target, probability >= threshold) == pytest.approx(best, abs=1e-12)


def test_a_threshold_lies_half_way_between_two_rows() -> None:
    assert best_threshold(np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.6, 0.9])) == pytest.approx(0.4)


def scored(groups: int | None, rows: int = 120) -> tuple[Dataset, np.ndarray]:
    toy = toy_dataset(Kind.SEQUENCES, Task.BINARY, rows=rows)
    names = None if groups is None else np.array([f"g{number % groups}" for number in range(rows)])
    score = np.clip(toy.target * 0.3 + np.random.default_rng(1).random(rows) * 0.7, 0, 1)
    return dataclasses.replace(toy, groups=names), score


def test_metrics_come_with_n_and_an_interval() -> None:
    rows, score = scored(groups=40)
    found = assess(Task.BINARY, rows, score)
    auc = found["metrics"]["roc_auc"]
    assert auc["value"] == pytest.approx(roc_auc_score(rows.target, score), abs=1e-12)
    assert auc["low"] < auc["value"] < auc["high"]
    assert (found["n"], found["groups"], found["headline"], auc["n"]) == (120, 40, "roc_auc", 120)
    assert "by_group" not in found
    assert "verdict" not in found  # no floors, no verdict
    assert "sentence" not in found  # nor were any asked for
    assert assess(Task.BINARY, rows, score, floors=[]) == found | {"sentence": NO_FLOORS}


def test_few_groups_get_values_by_group() -> None:
    rows, score = scored(groups=4)
    found = assess(Task.BINARY, rows, score)
    assert set(found["by_group"]) == {"g0", "g1", "g2", "g3"}


def test_assessing_twice_gives_the_same() -> None:
    rows, score = scored(groups=40)
    assert assess(Task.BINARY, rows, score, seed=3) == assess(Task.BINARY, rows, score, seed=3)


def test_a_probability_is_ranked_against_a_number() -> None:
    numbers = toy_dataset(Kind.SEQUENCES, Task.REGRESSION)
    assert scored_task(Task.BINARY, numbers) is Task.REGRESSION
    assert scored_task(Task.REGRESSION, toy_dataset(Kind.SEQUENCES, Task.BINARY)) is Task.BINARY
    assert scored_task(Task.BINARY, dataclasses.replace(numbers, target=None)) is Task.BINARY


def test_rows_without_a_target_cannot_be_assessed() -> None:
    rows, score = scored(None)
    with pytest.raises(ValueError, match="has no target"):
        assess(Task.BINARY, dataclasses.replace(rows, target=None), score)
