from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pytest
from genotool.dataset import Dataset, Kind, Task
from genotool.errors import InputError, UsageError
from genotool.folds import kfold
from genotool.sequences import Sequences
from genotool.split import Fractions, Part, choose, from_file, hash_fraction
from genotool.testing import toy_dataset
from hypothesis import given, settings
from hypothesis import strategies as st


def guides(count: int, groups: list[str] | None, seed: int = 0, name: str = "set") -> Dataset:
    toy = toy_dataset(Kind.GUIDES, Task.BINARY, rows=count, seed=seed)
    return dataclasses.replace(toy, name=name, groups=None if groups is None else np.array(groups))


def with_column(rows: Dataset, **columns: list[object]) -> Dataset:
    more = {name: np.array(values) for name, values in columns.items()}
    return dataclasses.replace(rows, columns={**rows.columns, **more})


def groups_of(rows: Dataset, parts: np.ndarray, part: Part) -> set[str]:
    return set(rows.groups[parts == part].tolist())


def test_the_hash_is_blake2b_of_seed_and_word() -> None:
    for seed, word in ((0, "TP53"), (7, "TP53"), (0, "")):
        digest = hashlib.blake2b(f"{seed}\x1f{word}".encode(), digest_size=8).hexdigest()
        expected = int(digest, 16) // 2**11 / 2**53
        assert hash_fraction(seed, [word]).tolist() == [expected]


def test_the_hash_never_changes() -> None:
    # computed once with coreutils: printf '0\x1fTP53' | b2sum -l 64
    assert hash_fraction(0, ["TP53"]).tolist() == [0xA09D8CDF9CC9D60A // 2**11 / 2**53]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 60), min_size=30, max_size=60, unique=True), min_size=2, max_size=4),
    st.integers(0, 2**32),
    st.randoms(use_true_random=False),
)
def test_no_gene_trains_in_one_set_and_tests_in_another(genes: list[list[int]], seed: int, shuffled) -> None:
    sets = [guides(2 * len(own), [f"gene{g}" for g in own * 2], seed=i) for i, own in enumerate(genes)]
    shuffled.shuffle(sets)
    part_of: dict[str, int] = {}
    for rows in sets:
        order = np.array(shuffled.sample(range(len(rows)), len(rows)))
        rows = rows.take(order)
        for gene, part in zip(rows.groups.tolist(), choose(rows, "group", seed).parts.tolist(), strict=True):
            assert part_of.setdefault(gene, part) == part


def test_guides_that_differ_in_the_first_two_bases_stay_together() -> None:
    whole = guides(200, None)
    texts = ["AC" + text[2:] for text in whole.columns["guide"]]
    variants = dataclasses.replace(whole, columns={"guide": Sequences.from_strings(texts)})
    assert choose(whole, "row", 3).parts.tolist() == choose(variants, "row", 3).parts.tolist()


def test_shares_are_about_what_was_asked() -> None:
    rows = guides(2000, [f"gene{number}" for number in range(2000)])
    split = choose(rows, "group", 0, Fractions(valid=0.1, test=0.2))
    assert abs(len(split.rows(Part.TEST)) - 400) < 75
    assert abs(len(split.rows(Part.VALID)) - 200) < 60
    wider = choose(rows, "group", 0, Fractions(valid=0.3, test=0.2))
    assert split.rows(Part.TEST).tolist() == wider.rows(Part.TEST).tolist()  # the test does not move with valid
    with pytest.raises(UsageError, match="leave no training rows"):
        Fractions(0.5, 0.5)


def test_rows_without_a_group_are_their_own() -> None:
    rows = guides(400, [""] * 400)
    split = choose(rows, "group", 0)
    assert 0 < len(split.rows(Part.TEST)) < 200
    assert split.parts.tolist() == choose(rows.take(np.arange(400)[::-1]), "group", 0).parts.tolist()[::-1]


def test_few_groups_leave_one_out() -> None:
    rows = guides(30, [f"gene{number % 4}" for number in range(30)])
    split = choose(rows, "group", 0)
    assert split.method == "leave-one-group-out"
    assert "only 4 groups" in split.leaves_open
    assert [len(groups_of(rows, split.parts, part)) for part in list(Part)[1:]] == [2, 1, 1]
    with pytest.raises(InputError, match="at least 3 groups, there are 2") as error:
        choose(guides(4, ["a", "b", "a", "b"]), "group", 0)
    assert "--split row" in str(error.value)


@pytest.mark.parametrize("count", [10, 11, 12])
def test_no_part_stays_empty_by_the_chance_of_few_groups(count: int) -> None:
    rows = guides(240, [f"g{i % count}" for i in range(240)])
    for seed in range(40):
        split = choose(rows, "group", seed)
        assert all(len(split.rows(part)) for part in (Part.TRAIN, Part.VALID, Part.TEST)), seed
        parts = [groups_of(rows, split.parts, part) for part in (Part.TRAIN, Part.VALID, Part.TEST)]
        assert not parts[0] & parts[1]
        assert not (parts[0] | parts[1]) & parts[2]


def test_one_gene_under_two_spellings_is_one_group() -> None:
    names = [f"Gene{i // 2}" if i % 2 else f"GENE{i // 2}" for i in range(100)]
    split = choose(guides(100, names), "group", 3)
    assert (split.parts[0::2] == split.parts[1::2]).all()


def test_rows_without_a_gene_do_not_hide_that_there_are_few() -> None:
    rows = guides(100, [f"g{i % 4}" if i < 90 else "" for i in range(100)])
    split = choose(rows, "group", 0)
    assert "only 4 groups" in split.leaves_open
    assert len(groups_of(rows, split.parts, Part.TEST) - {""}) == 1


def test_stratified_shares_are_exact_in_each_class() -> None:
    rows = dataclasses.replace(guides(400, None), target=np.repeat([0, 1], [300, 100]))
    split = choose(rows, "stratified", 5, Fractions(valid=0.2, test=0.1))
    for part, share in ((Part.TEST, 0.1), (Part.VALID, 0.2)):
        assert np.bincount(rows.target[split.parts == part]).tolist() == [
            round(300 * share),
            round(100 * share),
        ]


def test_a_published_split_without_a_test_part() -> None:
    words = ["train"] * 80 + ["Valid"] * 20
    rows = with_column(guides(100, [f"gene{number % 50}" for number in range(100)]), split=words)
    split = choose(rows, None, 0)
    assert split.method == "published"
    assert split.rows(Part.TEST).tolist() == list(range(80, 100))
    assert 0 < len(split.rows(Part.VALID)) < 40
    assert "its valid rows test here" in split.leaves_open
    assert not groups_of(rows, split.parts, Part.TRAIN) & groups_of(rows, split.parts, Part.VALID)


def test_validation_is_carved_from_the_groups_that_train() -> None:
    groups = ["a", "b", "c", "d"] * 5 + ["e"] * 20 + ["f"] * 20
    words = ["train"] * 20 + ["valid"] * 20 + ["test"] * 20
    kept = choose(with_column(guides(60, groups), split=words), None, 0)
    assert np.bincount(kept.parts).tolist() == [20, 20, 20]  # all three published: nothing is carved
    words = ["train"] * 20 + ["test"] * 40
    for seed in range(5):
        carved = choose(with_column(guides(60, groups), split=words), None, seed)
        assert len(carved.rows(Part.VALID)) == 5  # one of a, b, c, d


def test_a_published_split_with_other_words() -> None:
    with pytest.raises(InputError, match="other words than train, valid, test") as error:
        choose(with_column(guides(2, None), split=["train", "holdout"]), "published", 0)
    assert "'holdout'" in str(error.value)
    with pytest.raises(UsageError, match="no published split"):
        choose(guides(2, None), "published", 0)


def test_neighbours_on_a_chromosome_stay_together() -> None:
    start = np.random.default_rng(0).integers(0, 40_000_000, 500)
    rows = with_column(guides(500, None), chrom=["chr1"] * 500, start=start.tolist())
    split = choose(rows, None, 0)
    assert split.method == "neighbourhood"
    windows = {int(window): set(split.parts[start // 1_000_000 == window].tolist()) for window in start // 1_000_000}
    assert all(len(parts) == 1 for parts in windows.values())
    assert len(split.rows(Part.TEST)) > 0


def test_the_safest_split_is_the_default() -> None:
    rows = guides(20, [f"g{n}" for n in range(20)])
    assert choose(rows, None, 0).method == "group"
    assert choose(guides(20, [""] * 20), None, 0).method == "row"
    assert choose(guides(20, None), None, 0).method == "row"
    assert choose(with_column(rows, split=["train", "test"] * 10), None, 0).method == "published"


def test_a_file_gives_back_the_split(tmp_path: Path) -> None:
    rows = guides(40, [f"g{n}" for n in range(40)])
    split = choose(rows, None, 9).moved(np.array([3, 5]), Part.LEFT_OUT, "met: left out")
    split.save(tmp_path / "split.tsv", rows.ids)
    again = choose(rows, str(tmp_path / "split.tsv"), seed=0)
    assert again.parts.tolist() == split.parts.tolist()
    said = f"{split.leaves_open} (parts as a split file has them)"
    assert (again.method, again.seed, again.leaves_open) == ("group", 9, said)
    again.save(tmp_path / "again.tsv", rows.ids)
    assert choose(rows, str(tmp_path / "again.tsv"), seed=0).leaves_open == said
    assert again.counts == {"met: left out": 2}
    shuffled = rows.take(np.arange(40)[::-1])
    assert from_file(tmp_path / "split.tsv", shuffled).parts.tolist() == split.parts.tolist()[::-1]


def test_row_numbers_of_other_data_are_no_ids(tmp_path: Path) -> None:
    rows, other = (numbered(guides(40, None, seed=seed), name) for seed, name in ((0, "one"), (1, "two")))
    file = tmp_path / "split.tsv"
    split = choose(rows, "row", 0)
    split.save(file, rows.ids, source=rows.source)
    assert f"# data\tone\t{rows.source[1]}" in file.read_text().splitlines()
    relabelled = dataclasses.replace(rows, name="renamed", target=1 - rows.target, groups=rows.ids)
    assert choose(relabelled, str(file), 0).parts.tolist() == split.parts.tolist()
    said = r"row numbers of other data than two .found 'split of one'.*\nhint: .*id column"
    with pytest.raises(InputError, match=said):
        choose(other, str(file), 0)
    split.save(file, rows.ids)  # as older versions wrote it
    assert choose(other, str(file), 0).parts.tolist() == split.parts.tolist()


@pytest.mark.parametrize("name", ["TP{}", "{}a", "10{}", "0{}"])
def test_a_split_by_names_is_handed_on_to_other_data(name: str, tmp_path: Path) -> None:
    ids = np.array([name.format(n) for n in range(10, 50)])
    rows, other = (dataclasses.replace(guides(40, None, seed=seed), ids=ids) for seed in (0, 1))
    split = choose(rows, "row", 0)
    split.save(tmp_path / "split.tsv", ids, source=rows.source)
    assert choose(other, str(tmp_path / "split.tsv"), 0).parts.tolist() == split.parts.tolist()


def numbered(rows: Dataset, name: str) -> Dataset:
    return dataclasses.replace(rows, name=name, ids=np.arange(1, len(rows) + 1).astype(np.str_))


def test_any_id_comes_back(tmp_path: Path) -> None:
    rows = guides(8, None)
    ids = np.array(["#1", "# seed", "a\x85q", "\u2028c", "b\x0b", "t\tx", "n\nx", "r\rx"])
    rows = dataclasses.replace(rows, ids=ids)
    split = choose(rows, "row", 3)
    split.save(tmp_path / "split.tsv", rows.ids)
    assert from_file(tmp_path / "split.tsv", rows).parts.tolist() == split.parts.tolist()


def test_ids_may_begin_with_a_hash_sign(tmp_path: Path) -> None:
    rows = dataclasses.replace(guides(3, None), ids=np.array(["a", "#1", "# b"]))
    split = choose(rows, "row", 0)
    split.save(tmp_path / "split.tsv", rows.ids)
    assert from_file(tmp_path / "split.tsv", rows).parts.tolist() == split.parts.tolist()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"id\tpart\nrow-000\ttrain\nrow-001\tvalidation\n", "row 3"),
        (b"row-000\n", "two columns, id and part"),
        (b"row-000\ttrain\n", "2 rows of set are not in the split file"),
        (b"\xff\xfe\x00", "UTF-8"),
    ],
)
def test_a_file_that_is_no_split_file(text: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "split.tsv"
    file.write_bytes(text)
    with pytest.raises(InputError, match=said):
        from_file(file, guides(3, None))


def test_unknown_methods_and_missing_files() -> None:
    with pytest.raises(UsageError, match="unknown split 'gruop'"):
        choose(guides(3, None), "gruop", 0)
    with pytest.raises(UsageError, match="no such split file"):
        choose(guides(3, None), "missing/split.tsv", 0)
    with pytest.raises(UsageError, match="no groups to split by"):
        choose(guides(3, None), "group", 0)
    with pytest.raises(UsageError, match="no positions"):
        choose(guides(3, None), "neighbourhood", 0)


@pytest.mark.parametrize(
    ("method", "columns"),
    [
        ("chromosome", {"chrom": [f"{'chr' * (n % 2)}{n % 23}" for n in range(400)]}),
        ("donor", {"donor": [f"D{n % 40}" for n in range(400)]}),
        ("by:plate.1", {"plate.1": [f"p{n % 7}" for n in range(400)]}),
    ],
)
def test_rows_with_one_word_in_a_column_stay_together(method: str, columns: dict[str, list[object]]) -> None:
    rows = with_column(guides(400, None), **columns)
    split = choose(rows, method, 1)
    assert split.method == method
    assert all(len(split.rows(part)) for part in (Part.TRAIN, Part.VALID, Part.TEST))
    words = np.array([str(word).removeprefix("chr") for word in next(iter(columns.values()))])
    assert all(len(set(split.parts[words == word].tolist())) == 1 for word in set(words.tolist()))


def test_a_column_splits_every_data_set_alike() -> None:
    donors = [f"d{n}" for n in range(60)]
    one, other = (with_column(guides(60, None, seed=s), donor=donors) for s in (0, 1))
    assert choose(one, "donor", 4).parts.tolist() == choose(other, "by:donor", 4).parts.tolist()


def test_rows_without_a_word_are_their_own() -> None:
    rows = with_column(guides(400, None), plate=[""] * 390 + ["a"] * 10)
    parts = choose(rows, "by:plate", 0).parts
    assert len(set(parts[:390].tolist())) == 3
    assert len(set(parts[390:].tolist())) == 1


def test_a_column_that_is_not_there() -> None:
    rows = with_column(guides(3, None), plate=["a", "b", "c"])
    with pytest.raises(UsageError, match="no column 'plat' to split by") as error:
        choose(rows, "by:plat", 0)
    assert "plate" in str(error.value)
    with pytest.raises(UsageError, match="no chromosomes"):
        choose(rows, "chromosome", 0)
    with pytest.raises(UsageError, match="no column 'guide'"):
        choose(rows, "by:guide", 0)  # sequences are no groups


def test_the_default_without_groups_is_stratified_where_rows_are_no_guides() -> None:
    cells = dataclasses.replace(toy_dataset(Kind.MATRIX, Task.BINARY), groups=None)
    words = dataclasses.replace(toy_dataset(Kind.SEQUENCES, Task.BINARY), groups=None)
    assert [choose(rows, None, 0).method for rows in (cells, words)] == ["stratified", "stratified"]
    with pytest.raises(UsageError, match="holds no sequences"):
        choose(cells, "homology", 0)


def test_a_file_of_folds_is_no_split(tmp_path: Path) -> None:
    (tmp_path / "split.tsv").write_text("id\tfold\nrow-000\t1\nrow-001\t2\n")
    with pytest.raises(InputError, match="holds folds") as error:
        from_file(tmp_path / "split.tsv", guides(2, None))
    assert "--folds" in str(error.value)


def families_of_sequences() -> tuple[Dataset, np.ndarray]:
    """Return 40 unrelated sequences of 150 bases, each with two near copies; and whose they are."""
    rng = np.random.default_rng(0)
    base = rng.integers(0, 4, (40, 150))
    copies = np.repeat(base, 3, axis=0)
    for row in np.flatnonzero(np.arange(120) % 3):
        places = rng.choice(150, 4, replace=False)
        copies[row, places] = (copies[row, places] + 1) % 4
    order = rng.permutation(120)
    texts = ["".join("ACGT"[base] for base in row) for row in copies[order]]
    toy = toy_dataset(Kind.SEQUENCES, Task.BINARY, rows=120)
    sequences = {"sequence": Sequences.from_strings(texts)}
    return dataclasses.replace(toy, groups=None, columns=sequences), np.repeat(np.arange(40), 3)[order]


def test_homologs_stay_together_whatever_the_order() -> None:
    rows, family = families_of_sequences()
    split = choose(rows, None, 0)  # long sequences without groups: by homology, unasked
    assert split.method == "homology"
    assert all(len(set(split.parts[family == one].tolist())) == 1 for one in range(40))
    assert all(len(split.rows(part)) for part in (Part.TRAIN, Part.VALID, Part.TEST))
    order = np.random.default_rng(1).permutation(120)
    assert choose(rows.take(order), "homology", 0).parts.tolist() == split.parts[order].tolist()
    folds = kfold(rows, "homology", 4, seed=0).numbers[:, 0]
    assert all(len(set(folds[family == one].tolist())) == 1 for one in range(40))
    assert np.bincount(folds)[1:].min() >= 27


def test_a_row_that_a_split_file_names_twice_with_two_parts_is_refused(tmp_path: Path) -> None:
    """The last line would win in silence, and test rows would train."""
    rows, file = guides(6, None), tmp_path / "split.tsv"
    listed = [f"{row}\t{'test' if at < 2 else 'train'}" for at, row in enumerate(rows.ids.tolist())]
    file.write_text("\n".join(["\ufeffid\tpart", *listed, listed[0]]) + "\n", encoding="utf-8")
    assert from_file(file, rows).rows(Part.TEST).tolist() == [0, 1]
    file.write_text("\n".join(["id\tpart", *listed, f"{rows.ids[1]}\ttrain"]) + "\n")
    with pytest.raises(InputError, match="twice, with two parts") as caught:
        from_file(file, rows)
    assert caught.value.row == 8
