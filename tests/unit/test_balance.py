"""Balancing: inside training rows only, counted, and the trap of resampling before the split."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from genotool.balance import prior_correction, resample
from genotool.dataset import Dataset, Kind
from genotool.encoding import Batch, EncodedView
from genotool.errors import InputError, UsageError
from genotool.sequences import Sequences


class OneHot:
    def fit(self, _batches: Iterable[Dataset]) -> OneHot:
        return self

    def encode(self, batch: Dataset) -> Batch:
        return {"bases": batch.columns["guide"].one_hot("float32", "nlc", length=23)}

    def save(self, directory: Path) -> None: ...

    def load(self, _directory: Path) -> OneHot:
        return self


def view(counts: tuple[int, int], seed: int = 0) -> EncodedView:
    rng = np.random.default_rng(seed)
    n = sum(counts)
    guides = Sequences.from_strings(["".join(rng.choice(list("ACGT"), 21)) + "GG" for _ in range(n)])
    target = np.repeat([0, 1], counts)
    return EncodedView(
        Dataset("x", Kind.GUIDES, np.arange(n).astype(str), {"guide": guides}, target, ("0", "1")), OneHot()
    )


def test_none_changes_nothing() -> None:
    before = view((30, 10))
    after, report = resample(before, "none", 0)
    assert after is before
    assert not report.changes_prior
    assert report.prior_record() is None


def test_under_draws_real_rows_of_each_class() -> None:
    before = view((30, 10))
    after, report = resample(before, "under", 0)
    assert report.after == (10, 10)
    assert set(after.dataset.ids) <= set(before.dataset.ids)
    assert len(set(after.dataset.ids)) == 20
    assert (resample(before, "under", 0)[0].dataset.ids == after.dataset.ids).all()


def test_weights_sum_to_the_same_for_each_class() -> None:
    after, report = resample(view((30, 10)), "weights", 0)
    assert after.weight[:30].sum() == pytest.approx(20)
    assert after.weight[30:].sum() == pytest.approx(20)
    assert report.changes_prior


def test_smote_rows_are_extra_and_mostly_no_dna() -> None:
    before = view((60, 20))
    after, report = resample(before, "smote", 0)
    assert report.synthetic == 40
    assert len(after) == 120
    assert after.dataset is before.dataset
    assert (after.extra.target == 1).all()
    assert after.extra.inputs["bases"].shape == (40, 23, 4)
    fractions = ~np.isin(after.extra.inputs["bases"], (0, 1)).all(axis=(1, 2))
    assert report.not_dna == pytest.approx(fractions.mean())
    assert report.not_dna > 0.9
    assert "no DNA" in report.to_json()["sentence"]


def test_smoten_takes_values_that_occur() -> None:
    after, report = resample(view((40, 12)), "smoten", 0)
    assert report.synthetic == 28
    assert np.isin(after.extra.inputs["bases"], (0, 1)).all()


@pytest.mark.parametrize(("method", "counts", "error"), [
    ("smote", (20, 1), InputError), ("under", (20, 0), InputError), ("smoot", (5, 5), UsageError),
])  # fmt: skip
def test_what_cannot_be_balanced(method: str, counts: tuple[int, int], error: type[Exception]) -> None:
    with pytest.raises(error):
        resample(view(counts), method, 0)


def test_a_number_has_no_classes_to_balance() -> None:
    rows = view((5, 5)).dataset
    numbers = Dataset("x", Kind.GUIDES, rows.ids, rows.columns, np.linspace(0, 1, 10))
    with pytest.raises(UsageError, match="no classes"):
        resample(EncodedView(numbers, OneHot()), "smote", 0)


def test_prior_correction_by_hand_and_there_and_back() -> None:
    # at equal priors odds 3:1; with one positive in ten, odds 3 * (1/9) = 1/3
    assert prior_correction(np.array([0.75]), (0.5, 0.5), (0.9, 0.1)) == pytest.approx([0.25])
    wide = np.array([[0.2, 0.3, 0.5]])
    there = prior_correction(wide, (0.2, 0.3, 0.5), (0.6, 0.2, 0.2))
    assert prior_correction(there, (0.6, 0.2, 0.2), (0.2, 0.3, 0.5)) == pytest.approx(wide)
    assert prior_correction(np.array([0.0, 1.0]), (0.5, 0.5), (0.9, 0.1)) == pytest.approx([0, 1])


def test_smote_before_the_split_makes_noise_look_learnable() -> None:
    """The trap: rows interpolated from rows on the other side of the split. Inside the training rows:
    chance.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import roc_auc_score

    rng, noise = np.random.default_rng(0), view((540, 60))
    test = rng.random(600) < 0.3

    def auc(fitted: EncodedView, rows: np.ndarray, x: np.ndarray, y: np.ndarray) -> float:
        every = fitted.arrays()
        model = RandomForestClassifier(100, random_state=0)
        model.fit(every.inputs["bases"].reshape(len(every.target), -1)[rows], every.target[rows])
        return float(roc_auc_score(y, model.predict_proba(x.reshape(len(x), -1))[:, 1]))

    wrong, _ = resample(noise, "smote", 0)
    held, every = rng.random(len(wrong)) < 0.3, wrong.arrays()
    assert auc(wrong, ~held, every.inputs["bases"][held], every.target[held]) > 0.9
    train, tested = (EncodedView(noise.dataset.take(np.flatnonzero(part)), OneHot()) for part in (~test, test))
    right, _ = resample(train, "smote", 0)
    x, y, _ = tested.arrays()
    assert 0.35 < auc(right, np.ones(len(right), bool), x["bases"], y) < 0.65
