"""Coverage on test rows: by hand, resampled by group, and under-coverage told in words."""

from __future__ import annotations

import json

import numpy as np
import pytest
from genotool.dataset import Task
from genotool.statistics.conformal import calibrate
from genotool.statistics.covered import coverage


def test_by_hand() -> None:
    made = calibrate(Task.REGRESSION, np.zeros(99), np.arange(1.0, 100))  # the limit is 90
    found = coverage(made, np.array([0.0, 80, 100, -91]), np.zeros(4), seed=0)
    assert found["methods"]["absolute residual"]["coverage"]["value"] == 0.5
    assert found["methods"]["absolute residual"]["size"]["value"] == 180
    assert found["methods"]["absolute residual"]["coverage"]["low"] is None
    assert "cannot be said" in found["sentence"]
    grouped = coverage(made, np.array([0.0, 80, 100, -91]), np.zeros(4), np.array(list("aaab")), seed=0)
    assert grouped["methods"]["absolute residual"]["coverage_of_groups"]["value"] == pytest.approx((2 / 3 + 0) / 2)


def test_both_methods_of_two_classes_and_each_class() -> None:
    rng = np.random.default_rng(0)
    target = (rng.random(1200) < 0.2).astype(int)
    score = 1 / (1 + np.exp(-(rng.normal(size=1200) + 2 * target - 2)))
    groups = (np.arange(1200) % 80).astype(str)
    made = calibrate(Task.BINARY, target[:600], score[:600], groups[:600])
    found = coverage(made, target[600:], score[600:], groups[600:], refit=True, seed=0)
    assert (found["used"], set(found["methods"])) == ("class-conditional", {"class-conditional", "lac"})
    used = found["methods"]["class-conditional"]
    assert used["coverage"]["low"] < used["coverage"]["value"] < used["coverage"]["high"]
    assert [each["value"] for each in used["coverage_of_classes"]] == pytest.approx([0.9, 0.9], abs=0.07)
    assert found["methods"]["lac"]["coverage_of_classes"][1]["value"] < 0.8
    assert "before its final fit" in found["sentence"]
    assert "As promised" in found["sentence"]
    json.dumps(found, allow_nan=False)
    assert found == coverage(made, target[600:], score[600:], groups[600:], refit=True, seed=0)


def test_under_coverage_is_told() -> None:
    rng = np.random.default_rng(0)
    made = calibrate(Task.REGRESSION, rng.normal(size=300), np.zeros(300))
    found = coverage(made, 2 * rng.normal(size=300), np.zeros(300), seed=0)
    assert "UNDER-COVERAGE" in found["sentence"]
    wide = coverage(made, 0.1 * rng.normal(size=300), np.zeros(300), seed=0)
    assert "More than promised" in wide["sentence"]


def test_too_few_validation_rows_give_a_reason_and_nothing_else() -> None:
    found = coverage(calibrate(Task.REGRESSION, np.zeros(8), np.ones(8)), np.zeros(50), np.zeros(50), seed=0)
    assert set(found) == {"level", "reason"}
    assert "at least 9" in found["reason"]


def test_one_verdict_where_a_class_alone_is_under_covered() -> None:
    rng = np.random.default_rng(0)
    target = (rng.random(2000) < 0.1).astype(int)
    score = 1 / (1 + np.exp(-(rng.normal(size=2000) + 3 * target - 1.5)))
    made = calibrate(Task.BINARY, target, score)
    worse = np.where(target == 1, score * 0.6, score * 0.8)  # the rarer class looks like the other one
    sentence = coverage(made, target, worse, seed=0)["sentence"]
    assert "UNDER-COVERAGE of class 1: fewer of it than promised" in sentence
    assert "promised, as far" not in sentence
    assert "More than promised" not in sentence
    assert "say little" not in sentence


def test_sets_that_hold_both_classes_are_said_to_say_little() -> None:
    rng = np.random.default_rng(0)
    target, score = rng.integers(0, 2, 600), rng.random(600)
    found = coverage(calibrate(Task.BINARY, target[:300], score[:300]), target[300:], score[300:], seed=0)
    assert found["methods"]["class-conditional"]["size"]["value"] > 1.6
    assert found["sentence"].endswith("Most sets hold both classes and say little.")
