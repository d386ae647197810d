"""Windows of a genome, and labels of a file apart, on the command line of every verb that takes data."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import time
import tomllib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from genotool import plugins, registry
from genotool.companions import Companions
from genotool.stages.begun import FitRequest
from genotool.stages.crossvalidate import fold_command
from genotool.stages.rows import RowsRequest

pytestmark = pytest.mark.usefixtures("nearest_family")

PAIRS = str.maketrans("ACGT", "TGCA")
WINDOW = ("--upstream", 20, "--downstream", 10)


class Files(NamedTuple):
    """A genome of one long and one short contig, its genes, their labels, and what each window must hold."""

    genome: Path
    genes: Path
    labels: Path
    promoters: dict[str, str]

    @property
    def words(self) -> tuple[object, ...]:
        return self.genes, "--genome", self.genome, *WINDOW


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Write 60 genes, every other one on the minus strand; those of class 1 have GATTACA before their start."""
    rng = np.random.default_rng(5)
    letters = rng.choice(list("ACGT"), 60 * 100)
    lines, labels, starts = ["##gff-version 3"], [], {}
    for number in range(60):
        at, minus, up = 100 * number + 50, number % 2 == 1, number % 4 < 2
        if up:
            place = slice(at + 2, at + 9) if minus else slice(at - 9, at - 2)
            letters[place] = list("GATTACA".translate(PAIRS)[::-1] if minus else "GATTACA")
        first, last = (at - 40, at) if minus else (at, at + 40)
        lines.append(
            f"chr1\tx\tgene\t{first + 1}\t{last}\t.\t{'-' if minus else '+'}\t.\tID=gene:g{number};Name=g{number}"
        )
        labels.append(f"g{number}\t{int(up)}\tf{number // 2}\n")
        starts[f"g{number}"] = (at, minus)
    text = "".join(letters)
    promoters = {
        name: text[at - 10 : at + 20].translate(PAIRS)[::-1] if minus else text[at - 20 : at + 10]
        for name, (at, minus) in starts.items()
    }
    (tmp_path / "genome.fa").write_text(f">chr1 long\n{text}\n>chrM\nACGT\n")
    (tmp_path / "genes.gff3").write_text("\n".join(lines) + "\n")
    (tmp_path / "labels.tsv").write_text("gene_id\tresponds\tfamily\n" + "".join(labels))
    return Files(*(tmp_path / name for name in ("genome.fa", "genes.gff3", "labels.tsv")), promoters)


def test_a_genome_goes_from_training_to_every_other_verb(genotool, files: Files, tmp_path: Path) -> None:
    labels = ("--labels", files.labels, "--attribute", "Name", "--target", "responds")
    run = tmp_path / "run"
    done = genotool("train", "nearest", *files.words, *labels, "--no-floors", "-o", run)
    assert done.returncode == 0, done.stderr
    record = json.loads((run / "run.json").read_text())
    assert record["split"]["method"] == "group", "the column of families is found"
    assert record["data"][0]["rows"] == 60

    written = tmp_path / "scores.tsv"
    done = genotool("predict", run, *files.words, "--attribute", "Name", "-o", written)
    assert done.returncode == 0, done.stderr
    rows = [line.split("\t") for line in written.read_text().splitlines()]
    place = rows[0].index("sequence")
    assert {row[0]: row[place] for row in rows[1:]} == files.promoters
    assert "learned from" not in done.stderr
    turned = ("--genome", files.genome, "--upstream", 10, "--downstream", 20, "--attribute", "Name")
    for words, what in ((turned, "10 before each start and 20 from it on"), (turned[:2], "the features themselves")):
        done = genotool("predict", run, files.genes, *words)
        said = f"the windows are {what}; the model learned from 20 before each start and 10 from it on"
        assert said in " ".join(done.stderr.split()), done.stderr

    for words in (["evaluate", run], ["evaluate", run, *files.words, *labels], ["audit", run, *files.words, *labels]):
        out = () if words[0] == "audit" else ("-o", tmp_path / f"{words[0]}{len(words)}")
        done = genotool(*words, *out, *(("--fail-on", "none") if words[0] == "audit" else ()))
        assert done.returncode == 0, done.stderr


def test_folds_get_the_windows_too(genotool, files: Files, tmp_path: Path) -> None:
    beside = Companions(files.labels, files.genome, {"upstream": 20, "downstream": 10, "outside": "drop"})
    assert Companions.from_json(json.loads(json.dumps(beside.to_json()))) == beside
    rows = RowsRequest(str(files.genes), companions=beside)
    words = fold_command(FitRequest(rows, plugins.family("nearest"), None, tmp_path), rows, tmp_path, tmp_path, "train")
    (tmp_path / "config.toml").touch()
    done = genotool(*words, "--print-config")
    assert done.returncode == 0, done.stderr
    flags = dict(itertools.pairwise(words))
    assert (flags["--genome"], flags["--labels"]) == (str(files.genome), str(files.labels))
    assert (flags["--upstream"], flags["--downstream"], flags["--outside"]) == ("20", "10", "drop")


def test_data_add_writes_the_window_down(genotool, files: Files, tmp_path: Path) -> None:
    words = ("data", "add", *files.words, "--labels", files.labels, "--attribute", "Name", "--target", "responds")
    done = genotool(*words, "--name", "mine", "--data-dir", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "20 before each start and 10 from it on" in done.stdout
    entry = tomllib.loads((tmp_path / "catalogue.toml").read_text())["mine"]
    assert entry["window"] == {"upstream": 20, "downstream": 10, "attribute": "Name"}
    assert (entry["reader"], entry["id"], entry["target"], entry["groups"]) == ("bed", "gene_id", "responds", "family")
    assert {role: spec["path"] for role, spec in entry["files"].items()} == {
        "data": "genes.gff3", "genome": "genome.fa", "labels": "labels.tsv",
    }  # fmt: skip
    made = registry.load("mine", data_dir=tmp_path)
    assert dict(zip(made.ids.tolist(), made.columns["sequence"], strict=True)) == files.promoters
    assert genotool("data", "verify", "mine", "--data-dir", tmp_path).returncode == 0


def test_a_labelled_window_of_n_alone_is_left_out_once(genotool, files: Files, tmp_path: Path) -> None:
    text = files.genome.read_text()
    files.genome.write_text(text.replace(files.promoters["g0"], "N" * 30))
    words = ("--labels", files.labels, "--attribute", "Name", "--target", "responds")
    labels = files.labels.read_text().splitlines(keepends=True)
    files.labels.write_text("".join(labels[:-1]))
    done = genotool("train", "nearest", *files.words, *words, "--no-floors", "-o", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    left = json.loads((tmp_path / "run/run.json").read_text())["data"][0]["left_out"]
    found = {why: count for why, count in left.items() if count}
    assert found == {"windows of N alone": 1, "in genes.gff3 without a row in labels.tsv (g59)": 1}


def test_a_fasta_file_takes_labels(genotool, files: Files, tmp_path: Path) -> None:
    fasta = tmp_path / "promoters.fa"
    fasta.write_text("".join(f">{name}\n{text.lower()}\n" for name, text in files.promoters.items()))
    done = genotool("train", "nearest", fasta, "--labels", files.labels, "--target", "responds", "-o", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    without = genotool("train", "nearest", fasta, "-o", tmp_path / "none")
    assert without.returncode == 3
    assert "--labels names the table" in without.stderr


def predicted(genotool, files: Files, tmp_path: Path, *words: object) -> tuple[object, list[str]]:
    """Return what `predict` says and the ids that it scores, by a model of 30 letters."""
    if not (tmp_path / "run").exists():
        labels = ("--labels", files.labels, "--attribute", "Name", "--target", "responds")
        assert not genotool("train", "nearest", *files.words, *labels, "--no-floors", "-o", tmp_path / "run").returncode
    done = genotool("predict", tmp_path / "run", *words)
    return done, [line.split("\t")[0] for line in done.stdout.splitlines()[1:]]


def test_what_a_window_lacks_is_said(genotool, files: Files, tmp_path: Path) -> None:
    bed = tmp_path / "a.bed"
    bed.write_text("chr1\t100\t130\na strand\n".replace("a strand", "chr1\t5\t9\tedge\t0\t+") + "chrM\t0\t2\tm\t0\t+\n")
    done, ids = predicted(genotool, files, tmp_path, bed, "--genome", files.genome, *WINDOW)
    assert ids == ["chr1:101-130", "edge", "m"]
    assert "1 of 3 features have no strand: read as +" in done.stderr
    assert "2 windows hold N, 41 in all" in done.stderr, "15 before the contig; 20 before the short one and 6 behind it"
    text = files.genome.read_text()
    files.genome.write_text(text.replace(">chrM\nACGT", ">chrM\nNNNN"))
    (tmp_path / "genome.fa.fai").unlink()
    done, ids = predicted(genotool, files, tmp_path, bed, "--genome", files.genome, *WINDOW)
    assert ids == ["chr1:101-130", "edge"]
    assert "1 features left out: windows of N alone" in done.stderr


@pytest.mark.parametrize(
    ("make", "words", "code", "said"),
    [
        (lambda f: f.genes, (), 2, "--genome FASTA, and"),
        (lambda f: f.labels, ("--genome", "GENOME"), 2, "--genome goes with a BED or GFF3 file"),
        (lambda f: f.genes, ("--genome", "GENOME", "--upstream", 5), 2, "--upstream and --downstream go together"),
        (lambda f: f.genes, ("--genome", "GENOME", "--feature", "genes"), 3, "did you mean 'gene'"),
        (lambda f: f.genes, ("--genome", "GENOME", "--attribute", "name"), 3, "did you mean 'Name'"),
        (lambda f: f.genes, ("--genome", "none.fa"), 2, "no such file"),
        (lambda f: f.genes, ("--genome", "GENOME", "--outside", "keep"), 2, "unknown outside"),
        (lambda f: f.genes.rename(f.genes.with_suffix(".gtf")), ("--genome", "GENOME"), 3, "gffread"),
    ],
)
def test_a_slip_is_answered_with_the_remedy(
    genotool, files: Files, tmp_path: Path, make, words: tuple[object, ...], code: int, said: str
) -> None:
    predicted(genotool, files, tmp_path, files.genome)
    words = tuple(files.genome if word == "GENOME" else word for word in words)
    done, _ = predicted(genotool, files, tmp_path, make(files), *words)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr


def test_a_feature_outside_the_genome_is_refused_or_left_out(genotool, files: Files, tmp_path: Path) -> None:
    bed = tmp_path / "a.bed"
    bed.write_text("chr1\t100\t130\tin\t0\t+\nchr1\t5990\t6001\tbeyond\t0\t+\nChr2\t0\t4\tnowhere\t0\t-\n")
    words = (bed, "--genome", files.genome)
    done, _ = predicted(genotool, files, tmp_path, *words)
    assert done.returncode == 3
    assert "row 3" in done.stderr
    assert "--outside drop leaves the 1 such features out" in done.stderr
    done, ids = predicted(genotool, files, tmp_path, *words, "--outside", "drop")
    assert ids == ["in"]
    assert "1 features left out: beyond the end of their contig" in done.stderr


def test_an_index_older_than_its_genome_and_a_packed_genome_are_refused(genotool, files: Files, tmp_path: Path) -> None:
    assert predicted(genotool, files, tmp_path, *files.words)[0].returncode == 0
    later = time.time() + 10
    os.utime(files.genome, (later, later))
    done, _ = predicted(genotool, files, tmp_path, *files.words)
    assert done.returncode == 3
    assert "the index is older" in done.stderr
    assert "remove the index" in done.stderr
    packed = tmp_path / "g.fa.gz"
    packed.write_bytes(gzip.compress(files.genome.read_bytes()))
    done, _ = predicted(genotool, files, tmp_path, files.genes, "--genome", packed)
    assert done.returncode == 3
    assert "bgzip -d" in done.stderr


def test_features_may_be_compressed_and_end_in_their_own_fasta(genotool, files: Files, tmp_path: Path) -> None:
    text = files.genes.read_text().replace("ID=gene:g0", "ID=gene%3Bg0") + "##FASTA\n>chr1\nACGT\n"
    packed = tmp_path / "genes.gff3.gz"
    packed.write_bytes(gzip.compress(text.encode()))
    done, ids = predicted(genotool, files, tmp_path, packed, "--genome", files.genome, *WINDOW)
    assert done.returncode == 0, done.stderr
    assert len(ids) == 60
    assert ids[0] == "gene;g0"
