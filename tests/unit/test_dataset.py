from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from genotool import row_view
from genotool.dataset import ORIGIN, About, Dataset, Kind, Task, concatenate, take_rows
from genotool.errors import UsageError
from genotool.sequences import Sequences
from genotool.testing import toy_dataset
from scipy.sparse import issparse


class Lazy:
    """A column that notes which rows were fetched."""

    digest = "lazy"

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.fetched = values, []

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: np.ndarray) -> np.ndarray:
        self.fetched += rows.tolist()
        return self.values[rows]


def rows_of(kind: Kind = Kind.SEQUENCES, task: Task = Task.BINARY, rows: int = 7, seed: int = 0) -> Dataset:
    return toy_dataset(kind, task, rows=rows, seed=seed)


def test_take_keeps_rows_together_and_in_the_order_asked() -> None:
    whole = rows_of()
    part = whole.take(np.array([5, 0]))
    assert part.ids.tolist() == ["row-005", "row-000"]
    assert list(part.columns["sequence"]) == [whole.columns["sequence"][5], whole.columns["sequence"][0]]
    assert part.target.tolist() == [whole.target[5], whole.target[0]]
    assert part.groups.tolist() == ["group-5", "group-0"]
    assert (part.name, part.classes) == (whole.name, whole.classes)


def test_batches_cover_every_row_once_in_order() -> None:
    whole = rows_of(rows=7)
    assert [len(batch) for batch in whole.batches(3)] == [3, 3, 1]
    assert [row for batch in whole.batches(3) for row in batch.ids.tolist()] == whole.ids.tolist()
    with pytest.raises(UsageError, match="at least one row"):
        next(whole.batches(0))


def test_a_lazy_column_fetches_only_the_rows_of_the_batch() -> None:
    column = Lazy(np.arange(10.0))
    rows = dataclasses.replace(rows_of(rows=10), columns={**rows_of(rows=10).columns, "embedding": column})
    first = next(rows.batches(4))
    assert column.fetched == [0, 1, 2, 3]
    assert first.columns["embedding"].tolist() == [0.0, 1.0, 2.0, 3.0]


def test_rows_of_a_large_table_are_not_copied_until_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, order = rows_of(Kind.MATRIX, rows=9), np.array([8, 0, 3, 3])
    values = np.arange(90, dtype=np.float32).reshape(9, 10)
    whole = dataclasses.replace(rows, columns={**rows.columns, "expression": values})
    copied = whole.take(order)
    monkeypatch.setattr(row_view, "LARGE", 2 * 40)  # two rows
    part = whole.take(order)
    assert part.columns["expression"].matrix is values
    assert part.digest == copied.digest
    assert part.source == copied.source
    np.testing.assert_array_equal(np.asarray(part.columns["expression"]), copied.columns["expression"])
    view = part.columns["expression"]
    assert view.shape == (4, 10)
    for item in (0, slice(1, 3), np.array([2, 0]), (slice(None), 4), (1, slice(2, 5)), (slice(0, 2), np.array([7, 1]))):
        np.testing.assert_array_equal(view[item], copied.columns["expression"][item])
    again = part.take(np.array([3, 1, 0]))
    assert again.columns["expression"].matrix is values
    np.testing.assert_array_equal(np.asarray(again.columns["expression"]), values[[3, 0, 8]])
    few = part.take(np.array([0]))
    assert isinstance(few.columns["expression"], np.ndarray), "few rows are an array, as ever"
    joined = concatenate([part, part], "twice")
    assert joined.columns["expression"].shape == (8, 10)


def test_tables_below_each_other_are_read_as_one() -> None:
    values = np.arange(90, dtype=np.float32).reshape(9, 10)
    parts = [row_view.RowView(values, np.array([8, 1, 4])), values[:2], row_view.RowView(values + 1, np.array([3, 0]))]
    one, copied = row_view.below(parts), np.concatenate([np.asarray(part) for part in parts])
    assert isinstance(one, row_view.Stacked), "no copy before it is read"
    assert (one.shape, one.size) == ((7, 10), 70)
    for item in (slice(2, 6), slice(0, 3), slice(5, 99), (slice(None), np.array([7, 1])), (slice(4, 5), slice(2))):
        np.testing.assert_array_equal(one[item], copied[item])
    assert one[7:9].shape == (0, 10)
    np.testing.assert_array_equal(row_view.read(one), copied)


def test_sparse_stays_sparse() -> None:
    cells = rows_of(Kind.MATRIX, rows=6)
    part = cells.take(np.array([4, 1]))
    assert issparse(part.columns["expression"])
    dense = cells.columns["expression"].toarray()
    np.testing.assert_array_equal(part.columns["expression"].toarray(), dense[[4, 1]])
    np.testing.assert_array_equal(take_rows(dense, np.array([4, 1])), dense[[4, 1]])


@pytest.mark.parametrize("kind", list(Kind))
def test_the_digest_follows_the_content(kind: Kind) -> None:
    rows = rows_of(kind, rows=9)
    assert rows.digest == rows_of(kind, rows=9).digest
    assert rows.digest == dataclasses.replace(rows, name="another", about=About(cite="x")).digest
    assert rows.digest != rows.take(np.arange(9)[::-1]).digest
    assert rows.digest != rows_of(kind, rows=9, seed=1).digest
    other = rows.target.copy()
    other[0] = 1 - other[0]
    assert rows.digest != dataclasses.replace(rows, target=other).digest
    assert rows.digest != dataclasses.replace(rows, groups=np.char.upper(rows.groups)).digest


def test_the_task_follows_from_the_target() -> None:
    for task in Task:
        assert rows_of(task=task).task is task
    assert dataclasses.replace(rows_of(), target=None).task is None


def test_another_column_as_a_number_to_learn() -> None:
    rows = dataclasses.replace(
        rows_of(rows=3), columns={**rows_of(rows=3).columns, "efficacy": np.array(["1", "2.5", "-3"])}
    )
    number = rows.with_target("efficacy")
    assert number.target.tolist() == [1.0, 2.5, -3.0]
    assert number.task is Task.REGRESSION


def test_concatenate_says_where_each_row_came_from() -> None:
    left, right = (dataclasses.replace(rows_of(rows=3, seed=seed), name=f"set{seed}") for seed in (0, 1))
    right = dataclasses.replace(right, columns={**right.columns, "extra": np.array(["x", "y", "z"])})
    both = concatenate([left, right], "both")
    assert both.ids.tolist()[::3] == ["set0:row-000", "set1:row-000"]
    assert both.columns[ORIGIN].tolist() == ["set0"] * 3 + ["set1"] * 3
    assert list(both.columns["sequence"]) == [*left.columns["sequence"], *right.columns["sequence"]]
    assert set(both.columns) == {"sequence", ORIGIN}
    assert both.target.tolist() == [*left.target.tolist(), *right.target.tolist()]
    assert both.about.simulated


def test_concatenate_refuses_what_does_not_fit() -> None:
    with pytest.raises(UsageError, match="cannot be joined"):
        concatenate([rows_of(), rows_of(Kind.PAIRS)], "x")
    with pytest.raises(UsageError, match="cannot be joined"):
        concatenate([rows_of(), rows_of(task=Task.MULTICLASS)], "x")


def test_columns_of_another_length_are_refused() -> None:
    rows = rows_of(rows=3)
    short = {"sequence": Sequences.from_strings(["ACGT"])}
    with pytest.raises(ValueError, match="sequence"):
        dataclasses.replace(rows, columns=short)


def test_a_wide_matrix_is_encoded_in_smaller_batches() -> None:
    wide = Dataset(
        "wide", Kind.MATRIX, np.array(["a"]), {"expression": np.zeros((1, 30_000), np.float32)},
        features=np.arange(30_000).astype(np.str_),
    )  # fmt: skip
    assert wide.rows_at_once(65_536) * 30_000 * 4 <= 2**28
    assert dataclasses.replace(wide, features=None).rows_at_once(65_536) == 65_536
