from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from genotool.dataset import Dataset, Kind, Task
from genotool.errors import InputError, UsageError
from genotool.folds import folds_from_file, kfold, leave_one_out, make_folds
from genotool.split import Part, hash_fraction
from genotool.testing import toy_dataset
from hypothesis import given, settings
from hypothesis import strategies as st

METHODS = ["row", "stratified", "group", "by:plate", "chromosome"]


def toy(rows: int = 160, groups: list[str] | None = None, seed: int = 0) -> Dataset:
    made = toy_dataset(Kind.SEQUENCES, Task.BINARY, rows=rows, seed=seed)
    more = {
        "plate": np.array([f"p{n % 12}" for n in range(rows)]),
        "chrom": np.array([f"chr{n % 9}" for n in range(rows)]),
    }
    groups = [f"group-{n % 20}" for n in range(rows)] if groups is None else groups
    return dataclasses.replace(made, columns={**made.columns, **more}, groups=np.array(groups))


@pytest.mark.parametrize("method", METHODS)
def test_every_row_tests_once_a_repeat_and_units_stay_whole(method: str) -> None:
    rows = toy()
    folds = kfold(rows, method, 4, seed=3, repeats=3)
    assert folds.numbers.shape == (160, 3)
    units = {"group": rows.groups, "by:plate": rows.columns["plate"], "chromosome": rows.columns["chrom"]}.get(method)
    tested = np.zeros((160, 3), int)
    for (repeat, _), split in folds.splits(rows, 0.15):
        tested[split.rows(Part.TEST), repeat - 1] += 1
        assert min(len(split.rows(part)) for part in (Part.TRAIN, Part.VALID, Part.TEST)) > 0
        if units is not None:
            held = [set(units[split.parts == part].tolist()) for part in (Part.TRAIN, Part.VALID, Part.TEST)]
            assert not held[0] & held[1]
            assert not (held[0] | held[1]) & held[2]
    assert (tested == 1).all()
    assert len({column.tobytes() for column in folds.numbers.T}) == 3  # each repeat deals anew


def test_equal_rows_share_a_fold() -> None:
    rows = toy(60)
    twice = rows.take(np.repeat(np.arange(60), 2))
    twice = dataclasses.replace(twice, ids=np.arange(120).astype(str))
    numbers = kfold(twice, "row", 5, seed=0).numbers[:, 0]
    assert (numbers[0::2] == numbers[1::2]).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**40), st.permutations(range(80)))
def test_a_row_has_its_fold_whatever_the_order(seed: int, order: list[int]) -> None:
    rows = toy(80)
    for method in ("group", "stratified"):
        straight = kfold(rows, method, 3, seed=seed).numbers
        assert kfold(rows.take(np.array(order)), method, 3, seed=seed).numbers.tolist() == straight[order].tolist()


def test_folds_of_few_groups_are_of_equal_size_and_class() -> None:
    sizes = [30, 20, 20, 10, 10, 10, *[5] * 12]
    groups = [f"g{at}" for at, size in enumerate(sizes) for _ in range(size)]
    rows = toy(160, groups)
    folds = kfold(rows, "group", 4, seed=1)
    counts = np.array([np.bincount(rows.target[folds.numbers[:, 0] == fold], minlength=2) for fold in range(1, 5)])
    assert counts.sum(axis=1).max() - counts.sum(axis=1).min() <= 10
    assert (np.abs(counts[:, 0] / counts.sum(axis=1) - (rows.target == 0).mean()) < 0.12).all()


def test_of_many_groups_the_hash_alone_decides_for_all_data_sets() -> None:
    names = [f"gene{n}" for n in range(1200)]
    one, other = toy(1200, names), toy(1100, names[100:], seed=5)
    first, second = (kfold(rows, "group", 5, seed=2).numbers[:, 0] for rows in (one, other))
    assert first[100:].tolist() == second.tolist()
    assert first.tolist() == [int(f * 5) + 1 for f in hash_fraction(2, [name.upper() for name in names])]


def test_each_group_is_left_out_once() -> None:
    groups = ["a", "b", "c", "d"] * 5 + [""] * 4
    rows = toy(24, groups)
    folds = leave_one_out(rows, "group", seed=0)
    assert folds.names == ("A", "B", "C", "D", "(no group)")
    splits = dict(folds.splits(rows, 0.15))
    for fold, name in enumerate("abcd", start=1):
        split = splits[1, fold]
        assert set(rows.groups[split.rows(Part.TEST)].tolist()) == {name}
        assert f"{name.upper()} tests" in split.leaves_open
    assert splits[1, 5].rows(Part.TEST).tolist() == [20, 21, 22, 23]


def test_a_file_gives_the_folds_back_to_another_run(tmp_path: Path) -> None:
    rows = toy(80)
    for folds in (kfold(rows, "group", 4, seed=7, repeats=2), leave_one_out(rows, "group", seed=7)):
        folds.save(tmp_path / "split.tsv", rows.ids, simulated=True)
        again = folds_from_file(tmp_path / "split.tsv", rows)
        assert again.numbers.tolist() == folds.numbers.tolist()
        assert dataclasses.astuple(again)[1:] == dataclasses.astuple(folds)[1:]
        both = zip(again.splits(rows, 0.15), folds.splits(rows, 0.15), strict=True)
        assert all(one[1].parts.tolist() == other[1].parts.tolist() for one, other in both)
    asked = make_folds(rows, "20", str(tmp_path / "split.tsv"), seed=0)
    assert asked.names == again.names
    with pytest.raises(UsageError, match="holds 20 folds, repeated 1 times"):
        make_folds(rows, "5", str(tmp_path / "split.tsv"), seed=0)


def test_folds_of_row_numbers_are_not_those_of_other_data(tmp_path: Path) -> None:
    numbers = np.arange(1, 81).astype(np.str_)
    rows, other = (dataclasses.replace(toy(80, seed=seed), ids=numbers) for seed in (0, 1))
    folds = kfold(rows, "row", 4, seed=7)
    folds.save(tmp_path / "split.tsv", numbers, source=rows.source)
    assert folds_from_file(tmp_path / "split.tsv", rows).numbers.tolist() == folds.numbers.tolist()
    with pytest.raises(InputError, match="row numbers of other data"):
        folds_from_file(tmp_path / "split.tsv", other)


def test_a_file_by_hand(tmp_path: Path) -> None:
    rows = toy(20, [f"g{n}" for n in range(20)])
    file = tmp_path / "by-hand.tsv"
    file.write_text("id\tfold\n" + "".join(f"{name}\t{n % 2 + 1}\n" for n, name in enumerate(rows.ids.tolist())))
    folds = make_folds(rows, "2", str(file), seed=0)
    assert (folds.method, folds.k, folds.repeats) == ("file", 2, 1)
    assert dict(folds.splits(rows, 0.15))[1, 1].rows(Part.TEST).tolist() == list(range(0, 20, 2))


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ("1 1 1", "not 1 to k"),
        ("0 1 2", "not 1 to k"),
        ("1 2 x", "row 4"),
        ("1 3 1", "not 1 to k"),
        ("1 2", "1 rows of"),
    ],
)
def test_a_file_that_holds_no_folds(cells: str, said: str, tmp_path: Path) -> None:
    rows = toy(3, ["a", "b", "c"])
    file = tmp_path / "folds.tsv"
    pairs = zip(rows.ids.tolist(), cells.split(), strict=False)
    file.write_text("id\tfold\n" + "".join(f"{row}\t{cell}\n" for row, cell in pairs))
    with pytest.raises(InputError, match=said):
        folds_from_file(file, rows)


@pytest.mark.parametrize(
    ("asked", "method", "repeats", "said"),
    [
        ("1", None, 1, "a number from 2 on"),
        ("five", None, 1, "a number from 2 on"),
        ("5", None, 0, "--repeats is at least 1"),
        ("groups", None, 2, "the same every time"),
        ("groups", "row", 1, "no groups in a split by row"),
        ("groups", "stratified", 1, "no groups in a split by stratified"),
        ("5", "published", 1, "--split published gives no folds"),
        ("5", "by:missing", 1, "no column 'missing'"),
    ],
)
def test_what_cannot_be_asked_for(asked: str, method: str | None, repeats: int, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        make_folds(toy(), asked, method, seed=0, repeats=repeats)


def test_too_few_units() -> None:
    rows = toy(20, ["a", "b"] * 10)
    with pytest.raises(InputError, match="has 2 groups where 5 are needed"):
        kfold(rows, "group", 5, seed=0)
    with pytest.raises(InputError, match="3 to 100 groups, there are 2"):
        leave_one_out(rows, "group", seed=0)
    with pytest.raises(InputError, match="has 1 groups where 2 are needed"):
        list(kfold(rows, "group", 2, seed=0).splits(rows, 0.15))
