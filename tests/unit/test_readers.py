"""Readers: what files are read, and which line of a bad one is named."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
import zstandard
from genotool import registry
from genotool.dataset import Kind, Task
from genotool.errors import GenotoolError, InputError, UsageError

A, B, C = "ACGTACGTACGTACGTACGTAGG", "TTGCATTGCATTGCATTGCATGG", "GGGCCCGGGCCCGGGCCCGGTGG"


def write(tmp_path: Path, text: str | bytes, name: str = "some.tsv") -> Path:
    file = tmp_path / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def load(tmp_path: Path, text: str | bytes, name: str = "some.tsv", **asked):
    return registry.load(write(tmp_path, text, name), **asked)


# -- layouts ------------------------------------------------------------------------------------------------

CNNXG = f"""chr,start,end,direction,seq,ctcf,dnase,h3k4me3,rrbs,Normalized efficacy,Efficacy
chr17,100,122,-,{A},{"A" * 23},{"A" * 23},{"A" * 23},{"N" * 23},0.25,1
chr4,200,222,+,{B},{"A" * 23},{"A" * 23},{"A" * 23},{"N" * 23},-0.5,0
"""


def test_the_layout_of_cnn_xg(tmp_path: Path) -> None:
    data = load(tmp_path, CNNXG, "HCT116.csv")
    assert data.name == "HCT116"
    assert data.kind is Kind.GUIDES
    assert data.task is Task.BINARY
    assert list(data.columns["guide"]) == [A, B]
    assert data.target.tolist() == [1, 0]
    assert data.columns["efficacy"].tolist() == [0.25, -0.5]
    assert data.columns["chrom"].tolist() == ["chr17", "chr4"]
    assert data.columns["start"].tolist() == [100, 200]
    assert data.columns["strand"].tolist() == ["-", "+"]
    assert data.ids.tolist() == ["1", "2"]


def test_the_layout_of_deephf(tmp_path: Path) -> None:
    data = load(tmp_path, f"sgRNA,indel\n{A},0.16\n{B},0.9\n")
    assert data.task is Task.REGRESSION
    assert data.target.tolist() == [0.16, 0.9]
    assert data.columns["efficacy"].tolist() == [0.16, 0.9]


def test_the_layout_of_rnas_sgrna(tmp_path: Path) -> None:
    data = load(tmp_path, f"sgRNA,label\n{A},1\n{B},0\n")
    assert data.classes == ("0", "1")
    assert data.target.tolist() == [1, 0]


def test_efficacy_alone_is_a_class_or_a_number_by_its_cells(tmp_path: Path) -> None:
    assert load(tmp_path, f"guide\tefficacy\n{A}\t1\n{B}\t0\n").task is Task.BINARY
    assert load(tmp_path, f"guide\tefficacy\n{A}\t1.5\n{B}\t0\n").task is Task.REGRESSION


def test_the_other_column_can_be_asked_for(tmp_path: Path) -> None:
    data = load(tmp_path, CNNXG, target="efficacy")
    assert data.task is Task.REGRESSION
    assert data.target.tolist() == [0.25, -0.5]
    assert load(tmp_path, CNNXG, labelled=False).target is None


@pytest.mark.parametrize("delimiter", ["\t", ",", ";"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("packed", [bytes, gzip.compress, zstandard.compress])
def test_delimiters_line_ends_bom_and_compression_are_told_by_content(
    tmp_path: Path, delimiter, end, bom, packed
) -> None:
    rows = [["guide", "label", "gene"], [A.lower(), "1.0", "G1"], [B, "0.0", "G 2"]]
    text = end.join(delimiter.join(row) for row in rows) + end
    data = load(tmp_path, packed(bom + text.encode()), "wrong.ending")
    assert list(data.columns["guide"]) == [A, B]
    assert data.target.tolist() == [1, 0]
    assert data.groups.tolist() == ["G1", "G 2"]


def test_a_long_file_and_quoted_cells(tmp_path: Path) -> None:
    rows = [f'{A},"a ""quoted"", name {i}",{i % 2}' for i in range(5000)]
    data = load(tmp_path, "\n".join(["guide,gene,label", *rows]))
    assert len(data) == 5000
    assert data.groups[4999] == 'a "quoted", name 4999'
    assert data.ids[4999] == "5000"


def test_spacers_without_pam_and_blank_lines(tmp_path: Path) -> None:
    data = load(tmp_path, f"guide\tefficacy\n{A[:17]}\t1.5\n\n{B[:20]}\t-2\n")
    assert [len(guide) for guide in data.columns["guide"]] == [17, 20]


def test_a_role_of_ones_own_comes_along_as_text(tmp_path: Path) -> None:
    entry = """kind = "guides"
reader = "table"
files = { data = { path = "d" } }
columns = { guide = "g", plate = "p" }
"""
    data = registry.load("it", data_dir=catalogue(tmp_path, entry, d=f"g\tp\tq\n{A}\t7\tx\n"))
    assert data.columns["plate"].tolist() == ["7"]
    assert data.columns["q"].tolist() == ["x"]
    assert data.task is None


def test_a_fasta_file_of_guides(tmp_path: Path) -> None:
    data = load(tmp_path, f">one\n{A}\n>two x\n{B}\n", kind="guides")
    assert data.ids.tolist() == ["one", "two"]
    assert list(data.columns["guide"]) == [A, B]
    assert load(tmp_path, f">one\n{A}\n").kind is Kind.SEQUENCES
    with pytest.raises(InputError, match="30 nt cannot be a guide"):
        load(tmp_path, f">one\n{'A' * 30}\n", kind="guides")


# -- a file that nobody described ----------------------------------------------------------------------------

NUMBERS = "".join(f"{guide},{n},0.{n},{n / 3:.2f}\n" for n, guide in enumerate((A, B, C[:20], A[:17])))


@pytest.mark.parametrize("header", ["seq", "Target", "x", "Oligo 1", "sequence", "dna"])
def test_guides_are_known_by_their_cells_under_any_header(tmp_path: Path, header: str) -> None:
    data = load(tmp_path, f"{header},a,b,c\n{NUMBERS}", "some.csv")
    assert data.kind is Kind.GUIDES
    assert list(data.columns["guide"]) == [A, B, C[:20], A[:17]]
    assert data.task is None
    assert load(tmp_path, f"{header},a,b,c\n{NUMBERS}", "some.csv", target="b").target.tolist() == [0, 0.1, 0.2, 0.3]


def test_a_slip_in_a_column_of_guides_is_an_error_and_makes_no_matrix(tmp_path: Path) -> None:
    for slip, said in ((A[:21], "row 3: 21 nt cannot be a guide"), (f"X{A[1:]}", "row 3: 'X' in the column 'x'")):
        with pytest.raises(InputError, match=said):
            load(tmp_path, f"x,a,b,c\n{NUMBERS}".replace(B, slip), "some.csv")


def test_two_columns_of_guides_are_asked_about(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the columns 'x' and 'y' could be the guides\nhint: .*`guide`.*--column"):
        load(tmp_path, f"x\ty\tscore\n{A}\t{B}\t0.5\n{B}\t{C}\t1.5\n")
    named = load(tmp_path, f"x\tgRNA\tscore\n{A}\t{B}\t0.5\n{B}\t{C}\t1.5\n")
    assert list(named.columns["guide"]) == [B, C]


def test_a_primer_beside_a_sequence_makes_no_guides(tmp_path: Path) -> None:
    assert load(tmp_path, f"primer\tsequence\n{A}\t{'ACGT' * 30}\n{B}\t{'GGTA' * 30}\n").kind is Kind.SEQUENCES


def test_many_numbers_beside_guides_are_no_matrix_in_silence(tmp_path: Path) -> None:
    head = ",".join(["barcode", *(f"g{n}" for n in range(300))])
    rows = "".join(f"{guide}{',1.5' * 300}\n" for guide in (A, B, C))
    with pytest.raises(InputError, match=r"301 columns, .*'barcode' read as guides\nhint: .*--kind matrix"):
        load(tmp_path, head + "\n" + rows, "some.csv")
    assert load(tmp_path, head + "\n" + rows, "some.csv", kind="matrix").features.tolist()[-1] == "g299"
    assert load(tmp_path, (head + "\n" + rows).replace(A, "AAACCTGAGAAACCAT-1"), "some.csv", kind="matrix")


def test_the_whole_file_says_whether_efficacy_is_a_class(tmp_path: Path) -> None:
    rows = "".join(f"{A}\t0\n" for _ in range(300)) + f"{B}\t0.25\n"
    assert load(tmp_path, "guide\tefficacy\n" + rows).task is Task.REGRESSION


def test_zeros_and_ones_are_classes_under_any_name(tmp_path: Path) -> None:
    data = load(tmp_path, f"guide\thit\n{A}\t1.0\n{B}\t0\n{C}\t\n", target="hit")
    assert data.classes == ("0", "1")
    assert data.target.tolist() == [1, 0]
    assert data.about.left_out == {"no hit": 1}


# -- bad content --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"guide\tlabel\n{A}\t1\nACGTX{B[5:]}\t0\n", "row 3: 'X' in the column 'guide'"),
        (f"guide\tlabel\n{A}\t1\n{B.replace('T', 'U')}\t0\n", "write T for U"),
        (f"guide\tlabel\n{A}\t1\n{B[:21]}\t0\n", "row 3: 21 nt cannot be a guide"),
        (f"guide\tlabel\n{A}\t1\n\t0\n", "row 3: 0 nt cannot be a guide"),
        (f"guide\tlabel\n{A}\t1\n{B}\t0\n{C}\t2\n", "row 4: the column 'label' may hold 0 or 1 only"),
        (f"guide\tefficacy\n{A}\t0.5\n{B}\tnan\n", "row 3: the column 'efficacy' holds NaN"),
        (f"guide\tefficacy\n{A}\tinf\n{B}\t0.5\n", "row 2: the column 'efficacy' holds NaN or infinity"),
        (f"guide\tefficacy\n{A}\t0.5\n{B}\t-1e308\n", "row 3: the column 'efficacy' holds a number beyond 1e+18"),
        (
            f"guide\tefficacy\n{A}\t0.5\n{B}\thigh\n{C}\t1.5\n" + f"{A}\t.1\n" * 40,
            "row 3: the column 'efficacy' needs",
        ),
        (f"guide\tstart\n{A}\tfar\n", "row 2: the column 'start' needs a number"),
        (f"guide\tlabel\n{A}\t1\t7\n", "row 2: 3 cells where the header has 2"),
        (f"guide\tlabel\tgene\n{A}\t1\tx\n{B}\t0\n", "row 3: 2 cells where the header has 3"),
        (f"guide\tguide\n{A}\t1\n", "two columns have the same name (found 'guide')"),
        ("guide\tlabel\n", "no data row"),
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        (b"guide\tlabel\n\xff\xfe\t1\n", "not UTF-8"),
        (b"\x00\x01\x02binary", "binary file"),
        (f"guide\tgene\n{A}\tG\n".encode() * 3000 + b"\0\0\t1\n", "row 6001: this is a binary file"),
        (f"guide\tlabel\n{A}\t1\n".encode("utf-16"), "this is UTF-16 text"),
        (f'guide\tgene\n{A}\tG\n{B}\t"open\n{C}\tG\n', "row 3: a quote is opened and never closed"),
        (f"guide\tgene\n{A}\t{'G' * 40_000}\n{B}\tG\n", "row 2: a cell of 40000 characters in the column 'gene'"),
        ("A" * 10_000_001, "row 1: a cell of more than 10000000 characters"),
        (b"PK\x03\x04rest", "Excel"),
        (gzip.compress(b"guide\tlabel\n" + f"{A}\t1\n".encode() * 9999)[:-200], "damaged or cut off"),
        (b"\x1f\x8bnot gzip at all", "damaged or cut off"),
        (b"\x28\xb5\x2f\xfdnot zstandard at all", "damaged or cut off"),
        ("name\tvalue\nx\t1\n", "no column that holds guides, sequences, pairs or a matrix"),
        (f"{A}\t1\n{B}\t0\n", "a header row is needed"),
        (f"guide\tlabel\n{A}\t\n{B}\t\n", "no column"),
    ],
)
def test_bad_content_is_an_input_error_that_names_the_row(tmp_path: Path, text, said: str) -> None:
    asked = {"target": "label"} if said == "no column" else {}
    with pytest.raises(InputError) as caught:
        load(tmp_path, text, **asked)
    if said != "no column":
        assert said in str(caught.value)
    assert "some.tsv" in caught.value.message
    assert caught.value.hint
    assert caught.value.exit_code == 3


def test_a_column_of_very_long_cells_that_nobody_needs_is_left_out(tmp_path: Path, caplog) -> None:
    data = load(tmp_path, f"guide\ttranscript\n{A}\t{'G' * 40_000}\n{B}\tG\n")
    assert sorted(data.columns) == ["guide"]
    assert "left out: 'transcript'" in caplog.text


def test_an_empty_target_is_left_out_and_counted(tmp_path: Path) -> None:
    data = load(tmp_path, f"guide\tefficacy\n{A}\t0.5\n{B}\t\n{C}\t0.25\n")
    assert data.target.tolist() == [0.5, 0.25]
    assert data.ids.tolist() == ["1", "3"]
    assert data.about.left_out == {"no efficacy": 1}
    assert len(registry.load(data.about.path, labelled=False)) == 3


def test_three_words_where_two_classes_are_asked(tmp_path: Path) -> None:
    text = "sequence\tlabel\nACGT\tlow\nACGA\thigh\nACGC\tlow\nACGG\thigh\nACGT\tmid\n"
    assert load(tmp_path, text).classes == ("high", "low", "mid")
    with pytest.raises(InputError, match=r"row 6: the column 'label' has 3 values where two .*'mid'"):
        load(tmp_path, text, task="binary")


def test_one_class_only_is_said_before_training(tmp_path: Path) -> None:
    data = load(tmp_path, f"guide\tlabel\n{A}\t1\n{B}\t1\n")
    with pytest.raises(InputError, match=r"2 rows of one class only .*'1'"):
        registry.require_two_classes(data)


@pytest.mark.parametrize("make", ["catalogue.toml", "run.json", None])
def test_a_directory_says_what_to_do(tmp_path: Path, make: str | None) -> None:
    if make:
        (tmp_path / make).write_text("{}")
    with pytest.raises(UsageError) as caught:
        registry.load(tmp_path)
    expected = {"catalogue.toml": "--data-dir", "run.json": "run folder", None: "is a directory"}[make]
    assert expected in str(caught.value)


def test_no_such_file(tmp_path: Path) -> None:
    (tmp_path / "link.tsv").symlink_to("nothing.tsv")
    os.mkfifo(tmp_path / "pipe.tsv")  # opened for reading it would wait for ever
    for name, said in (("nothing", "no such file"), ("link", "a link to nothing"), ("pipe", "is a pipe")):
        with pytest.raises(UsageError, match=said) as caught:
            registry.load(tmp_path / f"{name}.tsv")
        assert caught.value.hint


def test_the_kind_that_is_asked_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(GenotoolError, match="pairs"):
        load(tmp_path, f"guide\tlabel\n{A}\t1\n", kind="pairs")


# -- pairs, sequences, joins --------------------------------------------------------------------------------


def test_pairs_with_a_published_split(tmp_path: Path) -> None:
    data = load(tmp_path, "seq1\tseq2\tlabel\tsplit\nACGT\tAC\t1\ttrain\nRYN\tGG\t0\ttest\n")
    assert data.kind is Kind.PAIRS
    assert list(data.columns["seq1"]) == ["ACGT", "RYN"]
    assert data.columns["split"].tolist() == ["train", "test"]
    assert data.task is Task.BINARY


def catalogue(tmp_path: Path, entry: str, **files: str) -> Path:
    for name, text in files.items():
        write(tmp_path, text, name)
    write(tmp_path, "format = 1\n[it]\n" + entry, "catalogue.toml")
    return tmp_path


JOINED = """
kind = "sequences"
reader = "fasta"
files = { data = { path = "seq" }, labels = { path = "labels" } }
id = "gene_id"
target = "label"
classes = ["0", "1"]
columns = { ortholog = "other" }
where = { species = "aly" }
groups = "other"
"""
LABELS = "gene_id\tspecies\tlabel\tother\nb\taly\t0\tB\na\taly\t1\tA\nz\taly\t1\tZ\nq\tcru\t1\tQ\nd\tcru\t1\tD\n"


def test_a_join_keeps_the_order_and_says_what_it_lost(tmp_path: Path) -> None:
    folder = catalogue(tmp_path, JOINED, seq=">a\nACGT\n>c\nAAAA\n>b\nTTTT\n>d\nGGGG\n", labels=LABELS)
    data = registry.load("it", data_dir=folder)
    assert data.ids.tolist() == ["a", "b"]
    assert list(data.columns["sequence"]) == ["ACGT", "TTTT"]
    assert data.target.tolist() == [1, 0]
    assert data.columns["ortholog"].tolist() == ["A", "B"]
    assert data.about.path == str(folder / "seq")
    assert data.about.left_out == {
        "in seq without a row in labels (c)": 1,
        "in labels without a row in seq (z)": 1,
        "species is not aly": 1,
    }


def test_a_join_without_a_common_id_shows_both_sides(tmp_path: Path) -> None:
    folder = catalogue(tmp_path, JOINED, seq=">a.1\nACGT\n", labels=LABELS)
    with pytest.raises(InputError, match=r"no id of seq is in the column 'gene_id'\nhint: .*'a.1'.*'b'"):
        registry.load("it", data_dir=folder)


def test_an_id_twice_in_the_labels(tmp_path: Path) -> None:
    folder = catalogue(tmp_path, JOINED, seq=">a\nACGT\n", labels=LABELS + "a\taly\t0\tA\n")
    with pytest.raises(InputError, match=r"labels, row 7: the id occurs twice .*'a'"):
        registry.load("it", data_dir=folder)


def test_values_that_are_no_declared_class_are_left_out(tmp_path: Path) -> None:
    entry = """kind = "guides"
reader = "table"
files = { data = { path = "d" } }
columns = { guide = "g" }
id = "name"
target = "label"
classes = ["0", "1"]
"""
    text = f"g\tname\tlabel\n{A}\tx\t1\n{B}\tx\t-1\n{C}\tx\t0\n{A}\ty\t\n"
    data = registry.load("it", data_dir=catalogue(tmp_path, entry, d=text))
    assert data.ids.tolist() == ["x", "x~2"]
    assert data.target.tolist() == [1, 0]
    assert data.about.left_out == {"label is not 0 or 1": 1, "no label": 1}


def test_rules_that_leave_no_row_are_named(tmp_path: Path) -> None:
    entry = """kind = "guides"
reader = "table"
files = { data = { path = "d" } }
columns = { guide = "guide" }
target = "label"
where = { gene = "TP53" }
"""
    with pytest.raises(InputError, match=r"no row is left \(1 rows: gene is not TP53\)"):
        registry.load("it", data_dir=catalogue(tmp_path, entry, d=f"guide\tlabel\tgene\n{A}\t1\tG\n"))


def test_a_missing_column_is_named_with_the_nearest(tmp_path: Path) -> None:
    entry = """kind = "guides"
reader = "table"
files = { data = { path = "d" } }
columns = { guide = "guid" }
"""
    with pytest.raises(InputError, match=r"no column 'guid'\nhint: did you mean 'guide'"):
        registry.load("it", data_dir=catalogue(tmp_path, entry, d=f"guide\n{A}\n"))


# -- matrices -----------------------------------------------------------------------------------------------

MATRIX = "sample,g1,g2,g3,tissue\ns1,1,2.5,0,leaf\ns2,,1e3,NA,root\ns3,4,5,6,leaf\n"


def test_a_matrix_with_its_label(tmp_path: Path) -> None:
    data = load(tmp_path, MATRIX)
    assert data.kind is Kind.MATRIX
    assert data.features.tolist() == ["g1", "g2", "g3"]
    assert data.columns["expression"].dtype == np.float32
    expected = [[1, 2.5, 0], [np.nan, 1000, np.nan], [4, 5, 6]]
    np.testing.assert_array_equal(data.columns["expression"], np.array(expected, np.float32))
    assert data.classes == ("leaf", "root")
    assert data.ids.tolist() == ["s1", "s2", "s3"]


@pytest.mark.parametrize(
    ("header", "row", "target", "split"),
    [
        ("id,g1,g2,label,split", "{},1,2,{label},{split}", "label", "split"),
        ("id,g1,g2,Split,Label", "{},1,2,{split},{label}", "Label", "Split"),
        ("id,label,g1,g2", "{},{label},1,2", "label", ""),
        ("id,g1,split,g2,y,plate", "{},1,{split},2,{label},{n}", "y", "split"),
        ("id,g1,g2,celltype,batch", "{},1,2,{label},b{n}", "celltype", ""),
        ("id,g1,g2,label,split,batch,donor", "{},1,2,{label},{split},b{n},d{n}", "label", "split"),
        ("id,g1,g2,donor", "{},1,2,d{n}", "", ""),
        ("id,g1,g2,batch,split", "{},1,2,b{n},{split}", "", "split"),
    ],
)
@pytest.mark.parametrize("wide", [0, 250])
def test_the_columns_of_a_bare_matrix_are_told_by_their_names(
    wide: int, header: str, row: str, target: str, split: str, tmp_path: Path
) -> None:
    words = [("one", "train"), ("two", "val"), ("one", "test"), ("two", "train")]
    rows = [row.format(f"s{n}", n=n, label=label, split=part) for n, (label, part) in enumerate(words)]
    more = ["".join(f",{a}{n}" for n in range(wide)) for a in ("h", "")]
    text = header.replace("g1", f"g1{more[0]}") + "\n"
    text += "".join(line.replace(",1", f",1{more[1]}", 1) + "\n" for line in rows)
    data = load(tmp_path, text, "some.csv")
    assert data.features.tolist() == ["g1", *(f"h{n}" for n in range(wide)), "g2"]
    assert data.columns["expression"][:, [0, -1]].tolist() == [[1, 2]] * 4
    assert data.classes == (("one", "two") if target else ())
    roles = {"id": "id", "target": target, "split": split}
    assert data.about.roles == {role: column for role, column in roles.items() if column}
    assert ("split" in data.columns) is bool(split)
    if split:
        assert data.columns["split"].tolist() == [part for _, part in words]


def test_an_x_and_a_y_are_genes_beside_the_label(tmp_path: Path) -> None:
    data = load(tmp_path, "id,x,y,z,tissue\na,1,2,3,leaf\nb,4,5,6,root\n", "some.csv")
    assert (data.features.tolist(), data.classes) == (["x", "y", "z"], ("leaf", "root"))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"guide,label,split\n{A},0,train\n{B},1,test\n", Kind.GUIDES),
        (f"seq1,seq2,label,split\n{A},{B},0,train\n{B},{C},1,test\n", Kind.PAIRS),
        (f"sequence,label,split\n{'ACGT' * 30},0,train\n{'GGTA' * 30},1,test\n", Kind.SEQUENCES),
    ],
)
def test_a_column_called_split_is_the_split_of_a_bare_table(text: str, kind: Kind, tmp_path: Path) -> None:
    data = load(tmp_path, text, "some.csv")
    assert (data.kind, data.columns["split"].tolist()) == (kind, ["train", "test"])
    assert data.about.roles["split"] == "split"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("g2", "g1", "two columns have the same name (found 'g1')"),
        ("s3", "s1", "row 4: a sample occurs twice (found 's1')"),
        ("2.5", "two", "row 2: no number in the column 'g2' (found 'two')"),
        ("1e3", "1e99", "row 3: infinite or too large in the column 'g2'"),
    ],
)
def test_a_bad_matrix(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        load(tmp_path, MATRIX.replace(old, new), kind="matrix")
    assert said in str(caught.value)


def test_a_matrix_is_joined_with_its_samples(tmp_path: Path) -> None:
    entry = """kind = "matrix"
reader = "matrix"
files = { data = { path = "m" }, meta = { path = "meta" } }
id = "cell"
target = "label"
classes = ["0", "1"]
groups = "donor"
"""
    meta = "cell\tlabel\tdonor\ns3\t1\tD\ns1\t0\tE\ns2\t-1\tF\n"
    matrix = "\n".join(line.rpartition(",")[0] for line in MATRIX.splitlines())
    data = registry.load("it", data_dir=catalogue(tmp_path, entry, m=matrix, meta=meta))
    assert data.ids.tolist() == ["s1", "s3"]
    assert data.columns["expression"][:, 1].tolist() == [2.5, 5]
    assert data.groups.tolist() == ["E", "D"]
    assert data.about.left_out == {"label is not 0 or 1": 1}


def test_anndata_stays_sparse(tmp_path: Path) -> None:
    import anndata
    import pandas as pd
    from scipy import sparse

    counts = np.array([[0, 2, 0], [1, 0, 0], [0, 0, 3]], np.float64)
    obs = pd.DataFrame({"label": ["1", "0", "1"], "split": ["train", "test", "train"]}, index=["c1", "c2", "c3"])
    var = pd.DataFrame(index=["g1", "g2", "g3"])
    file = tmp_path / "cells.h5ad"
    anndata.AnnData(sparse.csr_matrix(counts), obs=obs, var=var).write_h5ad(file)
    data = registry.load(file, target="label", task="binary")
    expression = data.columns["expression"]
    assert sparse.issparse(expression)
    assert expression.dtype == np.float32
    np.testing.assert_array_equal(expression.toarray(), counts)
    assert data.features.tolist() == ["g1", "g2", "g3"]
    assert data.ids.tolist() == ["c1", "c2", "c3"]
    assert data.columns["split"].tolist() == ["train", "test", "train"]
    assert data.take(np.array([2])).columns["expression"].toarray().tolist() == [[0, 0, 3]]
    cut = write(tmp_path, file.read_bytes()[:2000], "cut.h5ad")
    with pytest.raises(InputError, match="h5ad file cannot be read"):
        registry.load(cut)


def test_the_ids_of_a_table_are_its_own(tmp_path: Path) -> None:
    """Copies are known by ids such as x_aug1, and split files name them: row numbers lose both."""
    guides = ["".join("ACGT"[(row * 7 + place * row) % 4] for place in range(21)) + "GG" for row in range(4)]
    rows = [f"s{row}\t{guide}\t{row % 2}" for row, guide in enumerate(guides)]
    (tmp_path / "own.tsv").write_text("\n".join(["ID\tguide\tlabel", *rows]) + "\n")
    assert registry.load(tmp_path / "own.tsv").ids.tolist() == ["s0", "s1", "s2", "s3"]
    (tmp_path / "twice.tsv").write_text("\n".join(["ID\tguide\tlabel", *rows[:3], rows[0]]) + "\n")
    assert registry.load(tmp_path / "twice.tsv").ids.tolist() == ["1", "2", "3", "4"]
