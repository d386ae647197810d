"""The corrected resampled t-test: the published example, its rate of false alarms, and what it cannot say."""

from __future__ import annotations

import numpy as np
import pytest
from genotool.statistics.resampled import corrected_t
from scipy.stats import binomtest


def test_the_published_example_of_scikit_learn() -> None:
    """`Statistical comparison of models using grid search`: corrected t .750, one-sided p .227."""
    from sklearn.datasets import make_moons
    from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
    from sklearn.svm import SVC

    rows, target = make_moons(noise=0.352, random_state=1, n_samples=100)
    folds = RepeatedStratifiedKFold(n_splits=10, n_repeats=10, random_state=0)
    a, b = (
        cross_val_score(SVC(kernel=kernel, random_state=0), rows, target, scoring="roc_auc", cv=folds)
        for kernel in ("rbf", "linear")
    )
    found = corrected_t(a - b, train_rows=90, test_rows=10)
    assert found.t == pytest.approx(0.750, abs=5e-4)
    assert found.p is not None
    assert found.p / 2 == pytest.approx(0.227, abs=5e-4)
    assert found.n == 100


def test_by_hand() -> None:
    found = corrected_t(np.array([0.1, 0.2, 0.3]), train_rows=80, test_rows=20)
    # s² = .01, error = sqrt((1/3 + 1/4) .01) = .0763763; t(.975, 2) = 4.302653
    assert found.t == pytest.approx(0.2 / 0.0763763, rel=1e-5)
    assert found.low == pytest.approx(0.2 - 4.302653 * 0.0763763, rel=1e-4)
    assert found.high == pytest.approx(0.2 + 4.302653 * 0.0763763, rel=1e-4)


def test_two_models_that_are_noise_differ_as_often_as_the_level_says() -> None:
    """Repeats of a random split over 100 rows: the plain t-test is wrong far more often than one time in twenty."""
    from scipy.stats import ttest_1samp

    rng, sets, corrected, plain = np.random.default_rng(5), 400, 0, 0
    for _ in range(sets):
        gain = rng.normal(size=100)  # by how much model A is righter than model B on each row
        repeats = np.array([_repeat(gain, rng.permutation(100)) for _ in range(10)])
        corrected += (corrected_t(repeats, train_rows=80, test_rows=20).p or 0.0) < 0.05
        plain += ttest_1samp(repeats, 0).pvalue < 0.05
    assert binomtest(corrected, sets, 0.05, alternative="greater").pvalue > 0.01
    assert plain > 2 * corrected


def _repeat(gain: np.ndarray, order: np.ndarray) -> float:
    """Return a repeat's mean difference: it stands on its test rows alone, which the repeats share."""
    return float(gain[order[:20]].mean())


def test_what_repeats_cannot_give_is_none() -> None:
    assert corrected_t(np.array([0.1]), train_rows=8, test_rows=2).p is None
    same = corrected_t(np.array([0.1, 0.1]), train_rows=8, test_rows=2)
    assert (same.mean, same.low, same.t, same.p) == (0.1, None, None, None)


@pytest.mark.parametrize("differences", [[], [0.1, np.nan], [[0.1, 0.2]]])
def test_numbers_that_are_no_differences_are_refused(differences: list[float]) -> None:
    with pytest.raises(ValueError, match="finite numbers"):
        corrected_t(np.array(differences), train_rows=8, test_rows=2)
    with pytest.raises(ValueError, match="training and test rows"):
        corrected_t(np.array([0.1, 0.2]), train_rows=0, test_rows=2)
