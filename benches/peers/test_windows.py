"""Windows of a genome against pyfaidx and pysam: 100,000 of 1 kb, both strands, from a FASTA file of 100 MB."""

import numpy as np
import pytest
from genotool.windows import Genome
from side_by_side import goal, race

CONTIGS, LENGTH, WINDOWS, WIDTH = 10, 10_000_000, 100_000, 1_000


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    path, rng = tmp_path_factory.mktemp("genome") / "genome.fa", np.random.default_rng(0)
    with path.open("wb") as file:
        for number in range(CONTIGS):
            letters = np.frombuffer(b"ACGT", np.uint8)[rng.integers(0, 4, (LENGTH // 100, 100), np.uint8)]
            lines = np.concatenate([letters, np.full((len(letters), 1), ord("\n"), np.uint8)], axis=1)
            file.write(f">chr{number}\n".encode() + lines.tobytes())
    contig, start = rng.integers(0, CONTIGS, WINDOWS), rng.integers(0, LENGTH - WIDTH, WINDOWS)
    return path, contig, start, rng.integers(0, 2, WINDOWS).astype(bool)


def few(asked, count):
    _, contig, start, minus = asked
    return [(f"chr{c}", s, m) for c, s, m in zip(contig[:count], start[:count].tolist(), minus[:count], strict=True)]


def test_pyfaidx_and_pysam(asked):
    pyfaidx = pytest.importorskip("pyfaidx", reason="a peer; see benches/requirements.txt")
    pysam = pytest.importorskip("pysam", reason="a peer; see benches/requirements.txt")
    path, contig, start, minus = asked
    genome = Genome(path)
    theirs, samtools = pyfaidx.Fasta(str(path), as_raw=True), pysam.FastaFile(str(path))
    whole = pyfaidx.Fasta(str(path))
    pairs = str.maketrans("ACGT", "TGCA")
    expected = [
        theirs[name][at : at + WIDTH].translate(pairs)[::-1] if turned else theirs[name][at : at + WIDTH]
        for name, at, turned in few(asked, 2_000)
    ]
    assert list(genome.fetch(contig[:2_000], start[:2_000], start[:2_000] + WIDTH, minus[:2_000])) == expected
    every, plus = few(asked, WINDOWS), np.zeros(WINDOWS, bool)
    out = np.empty((WINDOWS, WIDTH, 4), np.uint8)
    # Apart, not in turns: what a peer frees and the kernel takes back would be paid for by the next.
    ours = race(
        f"{WINDOWS} windows of {WIDTH}",
        {
            "genotool, + only": lambda: genome.fetch(contig, start, start + WIDTH, plus),
            "genotool, both strands": lambda: genome.fetch(contig, start, start + WIDTH, minus),
            "genotool to one-hot": lambda: genome.one_hot(contig, start, start + WIDTH, minus, out=out),
        },
    )
    peers = race(
        "the same windows",
        {
            "pyfaidx, both strands": lambda: [
                str(-whole[name][at : at + WIDTH] if turned else whole[name][at : at + WIDTH])
                for name, at, turned in every
            ],
            "pyfaidx, + only, raw": lambda: [theirs[name][at : at + WIDTH] for name, at, _ in every],
            "pysam, + only": lambda: [samtools.fetch(name, at, at + WIDTH) for name, at, _ in every],
        },
        rounds=5,
    )
    took = ours | peers
    for strands, names in {
        "+ only": ("pyfaidx, + only, raw", "pysam, + only"),
        "both strands": ("pyfaidx, both strands",),
    }.items():
        for peer in names:
            goal(f"{peer} / genotool", took[peer] / took[f"genotool, {strands}"], 12, at_least=True)
