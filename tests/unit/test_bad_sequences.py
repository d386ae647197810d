"""Sequences that are not what they should be: each is answered with file, row and remedy, or read and said."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from genotool.companions import Companions
from genotool.dataset import Dataset
from genotool.errors import GenotoolError, InputError, UsageError
from genotool.registry import load
from genotool.run import Run
from genotool.split import Part, Split
from genotool.stages.crossvalidate import _say_one_class
from genotool.stages.rows import RowsRequest, select

PROTEIN = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ"


def fasta(tmp_path: Path, *texts: str) -> Path:
    file = tmp_path / "a.fa"
    file.write_text("".join(f">r{number}\n{text}\n" for number, text in enumerate(texts)))
    return file


def labelled(tmp_path: Path, names: list[str]) -> Dataset:
    table = tmp_path / "labels.tsv"
    table.write_text("gene\tlabel\n" + "".join(f"{name}\t{number % 2}\n" for number, name in enumerate(names)))
    return load(fasta(tmp_path, *(["ACGTACGTAA"] * 10)), companions=Companions(table))


def test_ids_that_do_not_join_are_counted_named_and_stop_below_half(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        made = labelled(tmp_path, [f"r{n}" for n in range(5)] + [f"R{n}" for n in range(5, 10)])
    assert made.ids.tolist() == [f"r{n}" for n in range(5)]
    assert sorted(made.about.left_out.values()) == [5, 5]
    assert "5 ids of a.fa are not in labels.tsv: r5, r6" in caplog.text
    with pytest.raises(InputError, match=r"6 of 10 ids are not in labels.tsv \('r4', 'r5', 'r6', …\)") as refused:
        labelled(tmp_path, [f"r{n}" for n in range(4)] + [f"R{n}" for n in range(4, 10)])
    assert "written the same way" in str(refused.value)
    assert refused.value.exit_code == 3
    assert len(labelled(tmp_path, ["r1", "r2"])) == 2, "few labels of many records are no slip"
    with pytest.raises(InputError, match=r"no id of a\.fa"):
        labelled(tmp_path, ["x", "y"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (">a\nACGT\n>a\nACGA\n", "a"),
        (">a\nACGT\n>b\n>c\nACGT\n", "b"),
        (f">p\n{PROTEIN}\n", "'Q'|'E'|'I'|'F'|'L'|'P'"),
        ("", "empty"),
    ],
)
def test_a_fasta_file_that_is_none_of_dna_is_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "a.fa"
    file.write_text(text)
    with pytest.raises(InputError, match=said) as refused:
        load(file)
    assert "a.fa" in str(refused.value)


def test_lower_case_and_iupac_letters_are_read(tmp_path: Path) -> None:
    made = load(fasta(tmp_path, "acgtN", "RYacu"))
    assert list(made.columns["sequence"]) == ["ACGTN", "RYACT"]  # type: ignore[arg-type]
    encoded = made.columns["sequence"].one_hot("uint8")  # type: ignore[union-attr]
    np.testing.assert_array_equal(encoded.sum(axis=2), [[1, 1, 1, 1, 0], [0, 0, 1, 1, 1]])


def test_a_set_of_one_row_is_refused_with_words(tmp_path: Path) -> None:
    table = tmp_path / "a.tsv"
    table.write_text(f"sequence\tlabel\n{'ACGTTGCATTGACCAGTA' * 2}\t1\n")
    with pytest.raises(GenotoolError, match=r"part|class"):
        select(RowsRequest(str(table)))


def test_a_fold_of_one_class_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = labelled(tmp_path, [f"r{n}" for n in range(10)])
    run = Run.create(tmp_path / "run", verb="train", family="none", data=[])
    for fold, rows in (("1-1", [0, 1]), ("1-2", [1, 3])):
        parts = np.full(len(made), Part.TRAIN, np.int8)
        parts[rows] = Part.TEST
        _say_one_class(run, made, Split(parts, "row", 0, ""), fold)
    assert [record.getMessage() for record in caplog.records if "fold" in record.getMessage()] == [
        "fold 1-2 tests on rows of the class 1 alone"
    ]
    assert "absent there" in run.file("log.txt").read_text()


def test_orthologs_without_labels_are_told_where_they_go(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    texts = ["".join(rng.choice(list("ACGT"), 30)) for _ in range(40)]
    main = tmp_path / "main.tsv"
    main.write_text("sequence\tlabel\tgroup\n" + "".join(f"{t}\t{n % 2}\tg{n}\n" for n, t in enumerate(texts)))
    kin = fasta(tmp_path, *texts[:5])
    with pytest.raises(InputError, match=r"no label.*\n.*--ortholog-fasta"):
        select(RowsRequest(str(main), together=(f"{kin}:all",)))


def test_a_companion_that_nothing_takes_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "a.tsv"
    table.write_text("sequence\tlabel\nACGTACGTACGTACGTACGTACGTACGTACGT\t1\n")
    with pytest.raises(UsageError, match="--labels goes with"):
        select(RowsRequest(str(table), companions=Companions(table)))


@pytest.mark.parametrize(
    ("content", "said"), [(None, "no such file"), (b"", "is empty"), (b"\x00\x01\xff" * 50, "binary file")]
)
def test_what_is_wrong_with_a_file_is_said_before_what_does_not_go_with_it(
    content: bytes | None, said: str, tmp_path: Path
) -> None:
    file, table = tmp_path / "a.fa", tmp_path / "labels.tsv"
    table.write_text("id\tlabel\nr0\t1\n")
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(GenotoolError, match=said):
        select(RowsRequest(str(file), companions=Companions(table)))


def test_a_folder_in_place_of_a_fasta_file_is_said(tmp_path: Path) -> None:
    table = tmp_path / "labels.tsv"
    table.write_text("id\tlabel\nr0\t1\n")
    with pytest.raises(UsageError, match="is a directory"):
        select(RowsRequest(str(tmp_path), companions=Companions(table)))


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"\n\r\n"])
def test_a_byte_order_mark_and_empty_lines_before_a_fasta_file_are_read_over(before: bytes, tmp_path: Path) -> None:
    file, table = tmp_path / "a.fa", tmp_path / "labels.tsv"
    file.write_bytes(before + b">r0\r\nACGT\r\n>r1\r\nACGA\r\n")
    table.write_bytes(b"\xef\xbb\xbfgene\tlabel\r\nr0\t1\r\nr1\t0\r\n")
    assert load(file, companions=Companions(table)).ids.tolist() == ["r0", "r1"]


@pytest.mark.parametrize("word", ["NaN", "NA", "null"])
@pytest.mark.parametrize("labels", ["01", "ab"])
def test_a_word_for_no_value_is_no_class(word: str, labels: str, tmp_path: Path) -> None:
    table = tmp_path / "labels.tsv"
    lines = [f"r{number}\t{word if number == 3 else labels[number % 2]}\n" for number in range(10)]
    table.write_text("gene\tlabel\n" + "".join(lines))
    with pytest.raises(InputError, match=rf"row 5: .* reads as no value \(found '{word}'\)"):
        load(fasta(tmp_path, *(["ACGTACGTAA"] * 10)), companions=Companions(table))


@pytest.mark.parametrize(("prefix", "warned"), [("g", False), ("OG", True)])
def test_relatives_whose_groups_are_called_otherwise_are_warned_of(
    prefix: str, warned: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rng = np.random.default_rng(1)
    for name, word in (("main", "g"), ("kin", prefix)):
        texts = ["".join(rng.choice(list("ACGT"), 40)) for _ in range(40)]
        lines = "".join(f"{text}\t{number % 2}\t{word}{number // 2}\n" for number, text in enumerate(texts))
        (tmp_path / f"{name}.tsv").write_text("sequence\tlabel\tgroup\n" + lines)
    with caplog.at_level(logging.WARNING):
        select(RowsRequest(str(tmp_path / "main.tsv"), together=(f"{tmp_path / 'kin.tsv'}:all",)))
    assert ("main and kin share no group" in caplog.text) is warned


def test_a_sequence_of_n_alone_is_left_out_counted_and_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = load(fasta(tmp_path, "ACGT", "NNnN", "NNAN"))
    assert made.ids.tolist() == ["r0", "r2"]
    assert made.about.left_out == {"sequences of N alone (r1)": 1}
    assert "1 records left out: N alone: r1" in caplog.text
    with pytest.raises(InputError, match="every sequence is N alone"):
        load(fasta(tmp_path, "NN"))


def test_names_of_features_that_do_not_join_are_told_of_another_attribute(tmp_path: Path) -> None:
    for name, content in (
        ("g.fa", ">1\n" + "ACGT" * 100 + "\n"),
        ("genes.gff3", "1\t.\tgene\t101\t200\t.\t+\t.\tID=gene:AT1;gene_id=AT1\n"),
        ("labels.tsv", "id\tlabel\nAT1\t1\n"),
    ):
        (tmp_path / name).write_text(content)
    beside = Companions(tmp_path / "labels.tsv", tmp_path / "g.fa")
    with pytest.raises(InputError, match=r"'gene:AT1'.*'AT1'; --attribute gene_id or Name"):
        load(tmp_path / "genes.gff3", companions=beside)
