"""Metrics: golden values by hand, what cannot be measured, weighted metrics against scikit-learn on copied
rows.
"""

from __future__ import annotations

import numpy as np
import pytest
from genotool.dataset import Task
from genotool.errors import InputError
from genotool.metrics import NAMES, compute, curves, missing
from genotool.statistics.weighted import metric_draws
from sklearn.metrics import brier_score_loss


def rows(task: Task, n: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    if task is Task.REGRESSION:
        target = np.round(rng.normal(size=n), 1)
        return target, np.round(target + rng.normal(size=n), 1)
    if task is Task.BINARY:
        target = rng.integers(0, 2, n)
        return target, np.round(0.3 * target + 0.7 * rng.random(n), 2)
    target = rng.integers(0, 4, n)
    score = rng.dirichlet(np.ones(4), n)
    score[np.arange(n), target] += 0.3
    return target, score / score.sum(axis=1, keepdims=True)


def test_binary_values_by_hand() -> None:
    found = compute("binary", np.array([0, 0, 1, 1]), np.array([0.1, 0.6, 0.4, 0.9]))
    # pairs (positive, negative) won: 3 of 4; tp 1, fp 1, fn 1, tn 1
    assert found["roc_auc"] == pytest.approx(0.75)
    assert found["pr_auc"] == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert found["accuracy"] == found["precision"] == found["recall"] == found["f1"] == 0.5
    assert found["mcc"] == 0
    assert found["brier"] == pytest.approx((0.01 + 0.36 + 0.36 + 0.01) / 4)
    assert found["ece"] == pytest.approx((0.1 + 0.6 + 0.6 + 0.1) / 4)


def test_regression_values_by_hand() -> None:
    found = compute("regression", np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0]))
    assert found == pytest.approx({"spearman": 0.5, "pearson": 0.5, "mae": 2 / 3, "r2": 0.0})


def test_calibration_of_many_classes_by_hand_and_as_scikit_learn_has_it() -> None:
    """Brier over all classes; the calibration error of the class that is predicted."""
    score = np.array([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.25, 0.5, 0.25]])
    found = compute("multiclass", np.array([0, 1, 1]), score)
    assert found["brier"] == pytest.approx(((0.09 + 0.04 + 0.01) + (0.36 + 0.49 + 0.01) + (0.0625 + 0.25 + 0.0625)) / 3)
    assert found["ece"] == pytest.approx((abs(0.7 - 1) + abs(0.6 - 0) + abs(0.5 - 1)) / 3)
    target, score = rows(Task.MULTICLASS)
    assert compute("multiclass", target, score)["brier"] == pytest.approx(brier_score_loss(target, score))
    drawn = curves("multiclass", target, score)
    assert drawn["calibration_n"].sum() == len(target)
    assert drawn["calibration_rate"] @ drawn["calibration_n"] == pytest.approx((score.argmax(1) == target).sum())


def test_one_class_gives_none_with_a_reason() -> None:
    target, score = np.ones(5, int), np.linspace(0.1, 0.9, 5)
    found = compute("binary", target, score)
    assert found["roc_auc"] is None
    assert found["mcc"] is None
    assert found["accuracy"] == pytest.approx(0.6)
    assert missing("binary", target, score)["roc_auc"] == "the rows hold one class only"


def test_a_raw_score_has_only_metrics_of_order() -> None:
    target = np.array([0, 1, 0, 1])
    found = compute("binary", target, np.array([-3.0, 8.0, 1.0, 2.0]), raw=True)
    assert {name for name, value in found.items() if value is not None} == {"roc_auc", "pr_auc"}
    numbers = compute("regression", np.array([1.0, 5.0, 2.0]), np.array([0.1, 0.9, 0.2]), raw=True)
    assert numbers["spearman"] == pytest.approx(1)
    assert numbers["mae"] is None


@pytest.mark.parametrize("bad", [np.array([0.1, np.nan, 0.3]), np.array([0.1, np.inf, 0.3])])
def test_a_score_that_is_not_finite_names_its_row(bad: np.ndarray) -> None:
    with pytest.raises(InputError, match="row 2"):
        compute("binary", np.array([0, 1, 1]), bad)


def test_a_score_of_another_shape_is_refused() -> None:
    with pytest.raises(InputError, match="shape"):
        compute("multiclass", np.array([0, 1, 2]), np.array([0.1, 0.2, 0.3]))


@pytest.mark.parametrize("task", list(Task))
def test_weights_equal_copied_rows(task: Task) -> None:
    """The independent value: scikit-learn and scipy on rows that are really copied."""
    target, score = rows(task)
    rng = np.random.default_rng(1)
    drawn = np.stack([np.bincount(rng.integers(0, len(target), len(target)), minlength=len(target)) for _ in range(3)])
    found = metric_draws(task, NAMES[task], target, score, drawn.astype(float))
    for draw, weights in enumerate(drawn):
        copied = np.repeat(np.arange(len(target)), weights)
        expected = compute(task, target[copied], score[copied])
        for name, value in expected.items():
            assert found[name][draw] == pytest.approx(value, abs=1e-12), name


def test_a_draw_without_a_class_is_not_a_number() -> None:
    target, score = np.array([0, 1, 1]), np.array([0.2, 0.7, 0.4])
    found = metric_draws(Task.BINARY, NAMES[Task.BINARY], target, score, np.array([[0.0, 2.0, 1.0]]))
    assert np.isnan(found["roc_auc"][0])
    assert found["accuracy"][0] == pytest.approx(2 / 3)


def test_flipped_labels_mirror_the_metrics() -> None:
    target, score = rows(Task.BINARY)
    straight, turned = compute("binary", target, score), compute("binary", 1 - target, score)
    assert turned["roc_auc"] == pytest.approx(1 - straight["roc_auc"])
    assert turned["mcc"] == pytest.approx(-straight["mcc"])


def test_curves_hold_every_row() -> None:
    target, score = rows(Task.BINARY)
    found = curves("binary", target, score)
    assert found["confusion"].sum() == found["calibration_n"].sum() == len(target)
    assert found["confusion"][1].sum() == target.sum()
    area = np.trapezoid(found["roc_tpr"], found["roc_fpr"])
    assert area == pytest.approx(compute("binary", target, score)["roc_auc"])
    assert curves("regression", *rows(Task.REGRESSION)) == {}
    assert set(curves("binary", np.ones(3, int), np.array([0.1, 0.2, 0.9]))) & {"roc_fpr"} == set()
