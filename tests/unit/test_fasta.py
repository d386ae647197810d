"""FASTA: what is read, and what is refused by name."""

import gzip
import struct
import zlib

import numpy as np
import pytest
from genotool.errors import InputError, UsageError
from genotool.readers.fasta import read_fasta
from genotool.sequences import Sequences
from hypothesis import given
from hypothesis import strategies as st


def bgzip(text: bytes, size: int = 100) -> bytes:
    """Compress in blocks as bgzip does, its empty last block included."""
    out = b""
    for block in [*(text[i : i + size] for i in range(0, len(text), size)), b""]:
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        body = packer.compress(block) + packer.flush()
        extra = b"BC" + struct.pack("<HH", 2, len(body) + 25)
        head = b"\x1f\x8b\x08\x04" + bytes(4) + b"\x00\xff" + struct.pack("<H", 6) + extra
        out += head + body + struct.pack("<II", zlib.crc32(block), len(block))
    return out


@pytest.fixture
def write(tmp_path):
    def write(content, name="some.fa"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


EXAMPLE = ">chr1 the first\nacgtN\nRY\n>chr2\n\nUUU\n"


class TestContent:
    @pytest.mark.parametrize(
        "content",
        [
            EXAMPLE, EXAMPLE.replace("\n", "\r\n"), EXAMPLE.rstrip(), "\ufeff" + EXAMPLE, "\n\n" + EXAMPLE,
            gzip.compress(EXAMPLE.encode()), bgzip(EXAMPLE.encode(), 7),
            gzip.compress(EXAMPLE[:20].encode()) + gzip.compress(EXAMPLE[20:].encode()),
        ],
    )  # fmt: skip
    def test_lines_case_and_compression_do_not_matter(self, write, content):
        records = read_fasta(write(content, "no_matter_what.txt"))
        assert records.names == ["chr1", "chr2"]
        assert records.descriptions == ["the first", ""]
        assert list(records.sequences) == ["ACGTNRY", "TTT"]

    @given(st.lists(st.text("ACGTN", min_size=1, max_size=200), min_size=1, max_size=10), st.integers(1, 90))
    def test_what_is_written_is_read(self, tmp_path_factory, rows, width):
        path = tmp_path_factory.mktemp("fasta") / "rows.fa"
        lines = [
            [f">r{i} of {len(rows)}", *(r[j : j + width] for j in range(0, len(r), width))] for i, r in enumerate(rows)
        ]
        path.write_text("\n".join(line for record in lines for line in record))
        assert list(Sequences.from_fasta(path)) == rows

    def test_pyfaidx_reads_the_same(self, write):
        pyfaidx = pytest.importorskip("pyfaidx", reason="pyfaidx is a peer, not a dependency")
        rng = np.random.default_rng(3)
        rows = ["".join(rng.choice(list("ACGTacgtN"), size)) for size in (1, 59, 60, 61, 1_000)]
        parts = [f">s{i} x\n" + "".join(f"{r[j : j + 60]}\n" for j in range(0, len(r), 60)) for i, r in enumerate(rows)]
        path = write("".join(parts))
        records = read_fasta(path)
        with pyfaidx.Fasta(str(path), sequence_always_upper=True) as peer:
            assert records.names == list(peer.keys())
            assert list(records.sequences) == [str(peer[name]) for name in peer.keys()]  # noqa: SIM118 - no dict

    def test_duplicates_and_empty_records_are_kept_on_request(self, write):
        records = read_fasta(write(">a\nAC\n>b\n>a\nG\n"), duplicates="keep", empty="keep")
        assert (records.names, list(records.sequences)) == (["a", "b", "a"], ["AC", "", "G"])


class TestRefusals:
    @pytest.mark.parametrize(
        ("content", "message", "row"),
        [
            ("", "empty", None),
            ("\n \n", "empty", None),
            ("ACGT\n", "text before the first '>'", None),
            (" x\n>a\nAC\n", "text before the first '>'", None),
            (" >a\nAC\n", "text before the first '>'", None),
            (">a\nAC\n>b\nGG\n>a\nT\n", "records 1 and 3 are both called 'a'", 3),
            (">a\nAC\n>b\n>c\nG\n", "record 'b' has no sequence", 2),
            (">a\nAC\n>\nG\n", "no name", 2),
            (">a\nAC\n>b\nACG\nAXT\n", "record 'b': 'X' at position 5", 2),
            (">a\nA*\n", "record 'a': '*' at position 2", 1),
            (b">a\nAC\x00GT\n", "binary", None),
            (b"\x89PNG\r\n\x1a\n", "binary", None),
            (b"\x28\xb5\x2f\xfd1234", "zstd", None),
            (gzip.compress(EXAMPLE.encode())[:-9], "truncated", None),
            (gzip.compress(EXAMPLE.encode())[:11], "truncated", None),
            (bgzip(EXAMPLE.encode(), 7)[:-28], "truncated", None),
            (gzip.compress(EXAMPLE.encode())[:-8] + bytes(8), "damaged", None),
        ],
    )
    def test_what_is_wrong_is_named(self, write, content, message, row):
        path = write(content)
        with pytest.raises(InputError) as caught:
            read_fasta(path)
        assert message in str(caught.value)
        assert caught.value.file == str(path)
        assert caught.value.row == row
        assert caught.value.hint

    def test_paths_that_cannot_be_read(self, tmp_path):
        with pytest.raises(UsageError, match="folder"):
            read_fasta(tmp_path)
        with pytest.raises(UsageError, match="no such file"):
            read_fasta(tmp_path / "absent.fa")
        with pytest.raises(UsageError, match="unknown empty 'drop'"):
            read_fasta(tmp_path, empty="drop")  # type: ignore[arg-type]
