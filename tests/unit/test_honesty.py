"""The checks of honesty catch what they are there for: a family that looks at test rows or test labels."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
from genotool.dataset import Dataset, Kind, Task
from genotool.testing import check_honest, toy_dataset

pytestmark = pytest.mark.usefixtures("nearest_family")


def whole(name: str) -> Dataset:
    """Return the data set that a caller holds: what no honest family can reach."""
    frame = sys._getframe(1)
    while name not in frame.f_locals or not isinstance(frame.f_locals[name], Dataset):
        assert frame.f_back is not None
        frame = frame.f_back
    return frame.f_locals[name]


def rows(kind: Kind = Kind.SEQUENCES, task: Task = Task.BINARY) -> Dataset:
    return dataclasses.replace(toy_dataset(kind, task, rows=200), groups=None)


def test_an_honest_family_passes(tmp_path: Path) -> None:
    from genotool_nearest.family import Nearest

    check_honest(Nearest(), tmp_path, rows(), seeds=1)


def test_a_model_of_test_labels_is_caught(tmp_path: Path) -> None:
    from genotool_nearest.family import Model, Nearest

    class Cheat(Nearest):
        def fit(self, config, task, train, valid, run):
            every = whole("dataset")
            counts = train.encoder.encode(Dataset.take(every, np.arange(len(every))))["counts"]
            return Model(task.value, np.array(1), counts, every.target)

    with pytest.raises(AssertionError, match=r"with turned test labels it is not the same: model\.npz"):
        check_honest(Cheat(), tmp_path, rows(), seeds=1)


def test_an_encoder_that_counts_all_rows_is_caught(tmp_path: Path) -> None:
    from genotool_nearest.family import Encoder, Nearest

    class Counting(Encoder):
        def fit(self, batches):
            self.count = len(whole("dataset"))
            return self

        def save(self, directory):
            (directory / "count.txt").write_text(str(self.count))

    class Cheat(Nearest):
        def encoder(self, config, task):
            return Counting()

    with pytest.raises(AssertionError, match=r"with more test rows it is not the same: encoder/count\.txt"):
        check_honest(Cheat(), tmp_path, rows(), seeds=1)


def test_a_read_of_test_rows_is_caught(tmp_path: Path) -> None:
    from genotool_nearest.family import Nearest

    class Cheat(Nearest):
        def fit(self, config, task, train, valid, run):
            whole("spied").take(np.arange(200))
            return super().fit(config, task, train, valid, run)

    with pytest.raises(AssertionError, match=r"fit saw \d+ test rows"):
        check_honest(Cheat(), tmp_path, rows(), seeds=1)


def test_a_model_of_the_permuted_test_labels_is_caught(tmp_path: Path) -> None:
    """Its saved weights are those of an honest model; only its predictions know the answer."""
    from genotool_nearest.family import Model, Nearest

    class Knowing(Model):
        def predict(self, batch):
            return self.answer if len(batch["counts"]) == len(self.answer) else super().predict(batch)

    class Cheat(Nearest):
        def fit(self, config, task, train, valid, run):
            model = Knowing(task.value, np.array(5), train.arrays().inputs["counts"], train.target)
            every = whole("dataset")
            model.answer = every.target[~np.isin(every.ids, [*train.dataset.ids, *valid.dataset.ids])] * 0.5
            return model

    with pytest.raises(AssertionError, match=r"with permuted labels \(seed 0\) the verdict is above"):
        check_honest(Cheat(), tmp_path, rows(), seeds=1)
