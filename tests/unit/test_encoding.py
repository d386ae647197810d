from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from genotool.dataset import Dataset, Kind, Task
from genotool.encoding import EncodedBatch, EncodedView
from genotool.testing import toy_dataset


class Lengths:
    """Encodes a row as its length and notes how many rows it was asked for at once."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def fit(self, batches):
        return self

    def encode(self, batch: Dataset):
        self.asked.append(len(batch))
        return {"length": batch.columns["sequence"].lengths[:, None]}

    def save(self, directory): ...

    def load(self, directory):
        return self


def rows(count: int = 5) -> Dataset:
    return toy_dataset(Kind.SEQUENCES, Task.BINARY, rows=count)


def made(count: int) -> EncodedBatch:
    """What balancing adds: rows that are in no data set."""
    return EncodedBatch({"length": np.full((count, 1), -1)}, np.ones(count, np.int64), np.full(count, 0.5, np.float32))


def test_rows_are_encoded_batch_by_batch() -> None:
    encoder = Lengths()
    view = EncodedView(rows(5), encoder)
    sizes = [len(batch.target) for batch in view.batches(2)]
    assert sizes == encoder.asked == [2, 2, 1]
    assert view.arrays().inputs["length"].shape == (5, 1)
    assert view.arrays().weight.tolist() == [1.0] * 5


def test_weights_go_with_their_rows() -> None:
    weight = np.arange(5, dtype=np.float32)
    batches = list(EncodedView(rows(5), Lengths(), weight).batches(2))
    assert [batch.weight.tolist() for batch in batches] == [[0.0, 1.0], [2.0, 3.0], [4.0]]


def test_rows_that_balancing_made_come_last() -> None:
    view = EncodedView(rows(5), Lengths(), extra=made(3))
    assert len(view) == 8
    assert view.target.tolist() == [*rows(5).target.tolist(), 1, 1, 1]
    whole = view.arrays()
    assert whole.inputs["length"][:, 0].tolist() == [60] * 5 + [-1] * 3
    assert whole.target.tolist() == view.target.tolist()
    assert whole.weight.tolist() == [1.0] * 5 + [0.5] * 3


def test_without_a_target_there_is_nothing_to_learn() -> None:
    view = EncodedView(dataclasses.replace(rows(), target=None), Lengths())
    with pytest.raises(ValueError, match="has no target"):
        _ = view.target
    with pytest.raises(ValueError, match="has no target"):
        next(view.batches(2))
