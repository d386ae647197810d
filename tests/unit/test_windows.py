"""Windows of a genome: against plain Python on random features, the index, and what is refused."""

import os
import pickle

import numpy as np
import pytest
from genotool.errors import InputError, UsageError
from genotool.sequences import Sequences
from genotool.windows import Genome, read_features, windows
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

PAIRS = str.maketrans("ACGTNRY", "TGCANYR")
CONTIGS = {"chr1": "ACGTNacgtRYn" * 40, "2": "GATTACA", "scaffold_3": "TTTAAACCCGGG" * 10}


@pytest.fixture
def genome(tmp_path):
    return fasta(tmp_path / "genome.fa", CONTIGS)


def fasta(path, contigs, width=17, end="\n"):
    lines = []
    for name, text in contigs.items():
        lines += [f">{name} a description with > in it", *(text[i : i + width] for i in range(0, len(text), width))]
    path.write_bytes((end.join(lines) + end).encode())
    return path


def plain(contig, start, end, minus):
    text = "".join(contig[i].upper() if 0 <= i < len(contig) else "N" for i in range(start, end))
    return text.translate(PAIRS)[::-1] if minus else text


def written(path, text):
    path.write_text(text)
    return path


asked = st.lists(st.tuples(st.sampled_from(list(CONTIGS)), st.integers(0, 600), st.integers(1, 80), st.booleans()))


@limits(deadline=None, max_examples=50)
@given(asked=asked, upstream=st.integers(0, 90), downstream=st.integers(1, 90), width=st.integers(1, 80))
def test_windows_are_those_of_plain_python(tmp_path_factory, asked, upstream, downstream, width):
    folder = tmp_path_factory.mktemp("w")
    genome = Genome(fasta(folder / "g.fa", CONTIGS, width, "\r\n" if width % 2 else "\n"))
    rows = [(name, start % len(CONTIGS[name]), size, minus) for name, start, size, minus in asked]
    rows = [(name, start, min(start + size, len(CONTIGS[name])), minus) for name, start, size, minus in rows]
    lines = "".join(f"{name}\t{start}\t{end}\tx\t0\t{'+-'[minus]}\n" for name, start, end, minus in rows)
    if not rows:
        return
    features = read_features(written(folder / "f.bed", lines))
    expected = [plain(CONTIGS[name], start, end, minus) for name, start, end, minus in rows]
    assert list(windows(genome, features).sequences) == expected
    first = [end - downstream if minus else start - upstream for _, start, end, minus in rows]
    expected = [
        plain(CONTIGS[name], at, at + upstream + downstream, minus)
        for (name, _, _, minus), at in zip(rows, first, strict=True)
    ]
    made = windows(genome, features, upstream=upstream, downstream=downstream, threads=2)
    assert list(made.sequences) == expected
    assert made.unknown.tolist() == [text.count("N") for text in expected]
    contig = [genome.number(name) for name, *_ in rows]
    ends, minus = np.array(first) + upstream + downstream, [row[3] for row in rows]
    for layout in ("nlc", "ncl"):
        x = genome.one_hot(contig, first, ends, minus, layout=layout)
        np.testing.assert_array_equal(x, Sequences.from_strings(expected).one_hot(layout=layout))


def test_pyfaidx_agrees(genome):
    pyfaidx = pytest.importorskip("pyfaidx", reason="a peer; see benches/requirements.txt")
    rng, ours, theirs = np.random.default_rng(1), Genome(genome), pyfaidx.Fasta(str(genome), sequence_always_upper=True)
    contig = rng.integers(0, 3, 300)
    names = list(CONTIGS)
    ends = np.array([rng.integers(1, len(CONTIGS[names[i]]) + 1) for i in contig])
    starts, minus = rng.integers(0, ends), rng.integers(0, 2, 300).astype(bool)
    expected = [
        str((-theirs[names[i]][s:e]) if m else theirs[names[i]][s:e])
        for i, s, e, m in zip(contig, starts, ends, minus, strict=True)
    ]
    assert list(ours.fetch(contig, starts, ends, minus)) == expected
    index = [line.split("\t") for line in (genome.parent / "genome.fa.fai").read_text().splitlines()]
    assert [int(line[1]) for line in index] == [len(theirs[name]) for name in names]


def test_the_index_is_written_used_and_refused_when_stale(genome):
    Genome(genome)
    index = genome.parent / "genome.fa.fai"
    first = index.read_text()
    assert first.splitlines()[1].split("\t")[:2] == ["2", "7"]
    os.utime(index, (1e9, 1e9))
    with pytest.raises(InputError, match="older than"):
        Genome(genome)
    for wrong in (
        first.replace("chr1", "chr9"), first.replace("\t7\t", "\t6\t"), first.replace("\t17\t", "\t16\t"),
        first.replace("480", "x"), "", first.replace("\t7\t", "\t70000\t"),
    ):  # fmt: skip
        written(index, wrong)
        with pytest.raises(InputError) as error:
            Genome(genome)
        assert "remove the index" in str(error.value)
    index.unlink()
    assert Genome(genome, write_index=False).lengths == {name: len(text) for name, text in CONTIGS.items()}
    assert not index.exists()


@pytest.mark.parametrize(
    ("text", "index"),
    [
        (">a\nAAAA\nAA\n>b\nCCCC\nCC\n>c\nGG\n", "a\t6\t3\t4\t5\na\t6\t3\t4\t5\nb\t6\t14\t4\t5\nc\t2\t25\t2\t3\n"),
        (">a\n" + "ACGTACG\n" * 10, "a\t70\t3\t6\t7\n"),
        (">a\nAAAA\n>b\nCCCC\n>c\nGG\n", "a\t12\t3\t13\t14\n"),
        (">a\nAAAA\n>b\nCCCC\n>c\nGG\n", "a\t8\t3\t4\t8\n"),
        (">a\nACGT\nAC\n", "a\t7\t3\t4\t5\n"),
        (">a\nACGT\nAC\n", "a\t5\t3\t4\t5\n"),
    ],
    ids=["twice", "narrow", "over headers", "gaps over headers", "one more", "one less"],
)
def test_an_index_that_lies_is_refused(tmp_path, text, index):
    file = written(tmp_path / "g.fa", text)
    written(tmp_path / "g.fa.fai", index)
    with pytest.raises(InputError, match=r"g\.fa\.fai, row .*(holds this name twice|does not fit g\.fa)"):
        Genome(file)


@pytest.mark.parametrize(
    "text",
    [
        ">a\nACGT\n>b",
        ">a\u00a0x y\nAC\n",
        ">a\u2028b\nAC\n",
        ">a\x1cb\nAC\n",
        ">a\nACGT  \nAC \n\n\n",
        ">a\r\n\r\n>b\r\nA\r\n",
    ],
)
def test_an_index_that_was_made_here_is_taken_again(tmp_path, text):
    file = tmp_path / "g.fa"
    file.write_bytes(text.encode())
    made, again = Genome(file), Genome(file)
    assert (tmp_path / "g.fa.fai").is_file()
    assert again.lengths == made.lengths


def test_what_is_no_window_is_refused(genome):
    known = Genome(genome)
    for wrong, said in {
        (("0",), (0,), (4,), (False,)): "contig must be whole numbers",
        ((0,), (0.5,), (4,), (False,)): "start must be whole numbers",
        ((0,), (0,), (2**63,), (False,)): "end must be whole numbers",
        ((0,), (0,), (4,), ("+",)): "minus must be bool",
        ((0, 0), (0,), (4,), (False,)): "of one length",
        ((0,), (4,), (0,), (False,)): "window 0 ends at 0, before it starts",
        ((-1,), (0,), (4,), (False,)): "has contigs 0 to",
    }.items():
        for take in (known.fetch, known.one_hot):
            with pytest.raises(UsageError, match=said):
                take(*map(list, wrong))
    for count in (0, -1, 10**9):
        with pytest.raises(UsageError, match="threads are 1 to 1024"):
            known.fetch([0], [0], [4], [False], threads=count)


def test_a_genome_goes_to_another_process_and_is_not_read_when_rewritten(genome):
    known = Genome(genome)
    asked = ([0], [0], [4], [False])
    assert list(pickle.loads(pickle.dumps(known)).fetch(*asked)) == list(known.fetch(*asked)) == [CONTIGS["chr1"][:4]]
    other = genome.with_name("other.fa")
    other.write_bytes(genome.read_bytes().replace(b"A", b"C"))
    other.replace(genome)
    assert list(known.fetch(*asked)) == [CONTIGS["chr1"][:4]], "another file at its path: the first one is still read"
    known = Genome(written(genome.with_name("again.fa"), ">a\nACGT\n"))
    written(genome.with_name("again.fa"), ">a\nTTTT\n")
    os.utime(genome.with_name("again.fa"), (2e9, 2e9))
    with pytest.raises(InputError, match="changed since it was opened"):
        known.fetch(*asked)


def test_gff3_features_are_those_of_the_type(genome, tmp_path):
    text = (
        "##gff-version 3\nchr1\tx\tgene\t11\t20\t.\t-\t.\tID=g1;Name=a\nchr1\tx\tmRNA\t12\t20\t.\t-\t.\tID=m1\n"
        "2\tx\tgene\t1\t7\t.\t+\t.\tName=b\n"
    )
    file = written(tmp_path / "a.gff3", text)
    genes = read_features(file)
    assert genes.ids.tolist() == ["g1", "2:1-7"]
    assert genes.lines.tolist() == [2, 4]
    assert list(windows(Genome(genome), genes).sequences) == [plain(CONTIGS["chr1"], 10, 20, True), "GATTACA"]
    made = windows(Genome(genome), read_features(file, feature="mRNA"), upstream=2, downstream=3)
    assert list(made.sequences) == [plain(CONTIGS["chr1"], 17, 22, True)]
    with pytest.raises(InputError, match="no feature 'exon'"):
        read_features(file, feature="exon")


def test_features_outside_the_genome_are_named_or_counted(genome, tmp_path):
    file = written(tmp_path / "f.bed", "chr1\t0\t5\nchr2\t0\t5\n2\t3\t9\n")
    known, features = Genome(genome), read_features(file)
    with pytest.raises(InputError, match=r"f.bed, row 2: .*no contig.*'chr2'"):
        windows(known, features)
    made = windows(known, features, outside="drop")
    assert made.rows.tolist() == [0]
    assert sum(made.dropped.values()) == 2
    with pytest.raises(InputError, match=r"f.bed, row 1: .*beyond its contig of 7 letters.*9"):
        windows(known, read_features(written(file, "2\t3\t9\n")))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("chr1\t5", "at least contig"),
        ("chr1\t5\tx", "whole number"),
        ("chr1\t-5\t7", "whole number"),
        ("chr1\t5\t5", "not behind the start"),
        ("chr1\t5\t9\tn\t0\t*", "strand"),
        ("# nothing", "no line of BED"),
    ],
)
def test_a_line_that_is_no_feature_is_named(tmp_path, line, message):
    with pytest.raises(InputError, match=message):
        read_features(written(tmp_path / "f.bed", line + "\n"))


def test_what_is_no_genome_is_refused(tmp_path, genome):
    import gzip

    packed = tmp_path / "g.fa.gz"
    packed.write_bytes(gzip.compress(genome.read_bytes()))
    with pytest.raises(InputError, match=r"compressed.*\n.*bgzip -d"):
        Genome(packed)
    with pytest.raises(InputError, match="different length"):
        Genome(written(tmp_path / "h.fa", ">a\nACGT\nAC\nACGT\n"))
    with pytest.raises(UsageError, match="no such file"):
        Genome(tmp_path / "none.fa")
    with pytest.raises(InputError, match=r"e\.fa: the file is empty"):
        Genome(written(tmp_path / "e.fa", ""))
    cut = Genome(written(tmp_path / "c.fa", ">a\nACGT\n"))
    os.truncate(tmp_path / "c.fa", 5)
    with pytest.raises(InputError, match="changed since it was opened"):
        cut.fetch([0], [0], [4], [False])
    damaged = Genome(written(tmp_path / "d.fa", ">a\nAC*T\n"))
    with pytest.raises(InputError, match=r"d.fa, row 1.*position 3"):
        damaged.fetch([0], [0], [4], [False])
    with pytest.raises(UsageError):
        damaged.fetch([1], [0], [4], [False])
    with pytest.raises(UsageError, match="--upstream and --downstream go together"):
        windows(Genome(genome), read_features(written(tmp_path / "f.bed", "2\t1\t2\n")), upstream=4)
    with pytest.raises(UsageError, match=r"at most 1,000,000,000"):
        windows(Genome(genome), read_features(tmp_path / "f.bed"), upstream=2**63, downstream=0)
    for line in (f"2\t1\t{10**20}\n", f"2\t1\t{'9' * 5000}\n"):
        with pytest.raises(InputError, match=r"f\.bed, row 1: a start or end is a whole number"):
            read_features(written(tmp_path / "f.bed", line))
    with pytest.raises(InputError, match="no contig of this name"):
        windows(Genome(genome), read_features(written(tmp_path / "f.bed", "track1\t1\t2\n")))
    two = Genome(written(tmp_path / "two.fa", ">a\nACGT\n>b\nAC!T\n"))
    with pytest.raises(InputError, match=r"two\.fa, row 2: '!' at position 3"):
        two.fetch([0, 0, 0, 1], [0, 0, 0, 0], [4, 4, 4, 4], [False] * 4)
    (tmp_path / "two.fa.fai").unlink()
    (tmp_path / "two.fa.fai").mkdir()
    with pytest.raises(InputError, match="the index is no file"):
        Genome(tmp_path / "two.fa")


@pytest.mark.usefixtures("genome")
def test_a_catalogue_entry_may_be_windows(tmp_path):
    from genotool.registry import load

    (tmp_path / "genes.bed").write_text(
        "chr1\t30\t40\tg1\t0\t-\n2\t3\t5\tg2\t0\t+\nchrX\t1\t2\tg3\t0\t+\n2\t0\t1\tg4\n"
    )
    (tmp_path / "labels.tsv").write_text("gene\tup\ng2\t1\ng1\t0\ng9\t1\ng3\t1\n")
    entry = """format = 1
[promoters]
kind = "sequences"
reader = "bed"
files = { data = { path = "genes.bed" }, genome = { path = "genome.fa" }, labels = { path = "labels.tsv" } }
window = { upstream = 4, downstream = 3, outside = "drop" }
id = "gene"
target = "up"
classes = ["0", "1"]
groups = "contig"
"""
    catalogue = written(tmp_path / "catalogue.toml", entry)
    made = load("promoters", data_dir=tmp_path)
    assert made.ids.tolist() == ["g1", "g2"]
    assert made.target.tolist() == [0, 1]
    assert made.groups.tolist() == ["chr1", "2"]
    assert list(made.columns["sequence"]) == [plain(CONTIGS["chr1"], 37, 44, True), "NGATTAC"]
    assert made.about.left_out["on contigs that the genome does not have"] == 1
    written(catalogue, entry.replace("upstream = 4", 'upstream = "4"'))
    with pytest.raises(InputError, match=r"window.upstream.*whole number"):
        load("promoters", data_dir=tmp_path)
    written(catalogue, entry.replace("outside = ", "outsid = "))
    with pytest.raises(InputError, match="unknown key 'outsid'"):
        load("promoters", data_dir=tmp_path)
    written(catalogue, entry.replace('genome = { path = "genome.fa" }, ', ""))
    with pytest.raises(InputError, match=r"files.genome"):
        load("promoters", data_dir=tmp_path)
