"""Sequences: packing, one-hot, tokens, complement, sites and digests, against plain Python."""

import hashlib
import pickle
from itertools import product

import numpy as np
import pytest
from genotool.errors import InputError, UsageError
from genotool.sequences import Sequences
from hypothesis import given
from hypothesis import strategies as st

IUPAC = "ACGTRYSWKMBDHVN"
letters = st.text(IUPAC, max_size=90)
texts = st.lists(letters, max_size=8)
threads = pytest.mark.parametrize("threads", [1, 2, 3])


@pytest.mark.parametrize(("align", "plainly"), [("left", slice(None, 4)), ("right", slice(-4, None))])
def test_rows_are_trimmed_at_the_end_that_is_not_aligned(align: str, plainly: slice) -> None:
    texts = ["ACGTACG", "", "ACG", "TTTTA", "GATTACA"]
    assert list(Sequences.from_strings(texts).trimmed(4, align)) == [text[plainly] for text in texts]
    assert list(Sequences.from_strings(texts).trimmed(7, align)) == texts


def one_hot_plainly(rows: list[str], length: int, layout: str, align: str) -> np.ndarray:
    out = np.zeros((len(rows), length, 4))
    for encoded, text in zip(out, rows, strict=True):
        shown = text[:length] if align == "left" else text[max(len(text) - length, 0) :]
        start = 0 if align == "left" else length - len(shown)
        for place, letter in enumerate(shown):
            if letter in "ACGT":
                encoded[start + place, "ACGT".index(letter)] = 1
    return out if layout == "nlc" else out.transpose(0, 2, 1)


def vocabulary(k: int) -> dict[str, int]:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *map("".join, product("ATCG", repeat=k))]
    return {word: number for number, word in enumerate(words)}


def tokens_plainly(rows: list[str], k: int, length: int, special: bool) -> np.ndarray:
    ids = vocabulary(k)
    out = np.zeros((len(rows), length), np.int64)
    for encoded, text in zip(out, rows, strict=True):
        words = [ids.get(text[i : i + k], ids["[UNK]"]) for i in range(len(text) - k + 1)]
        if special:
            words = [ids["[CLS]"], *words[: length - 2], ids["[SEP]"]]
        encoded[: len(words[:length])] = words[:length]
    return out


class TestPacking:
    @given(texts)
    def test_rows_come_back(self, rows):
        packed = Sequences.from_strings(rows)
        assert list(packed) == rows
        assert [packed[i] for i in range(-len(rows), len(rows))] == rows * 2
        assert packed.lengths.tolist() == [len(row) for row in rows]
        assert packed.nbytes == sum(map(len, rows))

    def test_case_and_u_are_made_one(self):
        assert list(Sequences.from_strings(["acgu", "nrY"])) == ["ACGT", "NRY"]
        assert list(Sequences(np.frombuffer(b"acgU", np.uint8), [0, 1, 4])) == ["A", "CGT"]

    def test_arrays_of_text_and_columns_are_taken(self):
        import pandas as pd

        for strings in (
            np.array(["AC", "G"]),
            np.array(["AC", "G"], object),
            pd.Series(["AC", "G"]),
            iter(["AC", "G"]),
        ):
            assert list(Sequences.from_strings(strings)) == ["AC", "G"]

    @pytest.mark.parametrize(
        ("rows", "row", "value"),
        [
            (["AC", "AXC"], 2, "X"),
            (["A-"], 1, "-"),
            (["AC", "", None], 3, None),
            ([float("nan")], 1, None),
            (["É"], 1, None),
        ],
    )
    def test_what_is_no_sequence_is_named(self, rows, row, value):
        with pytest.raises(InputError) as caught:
            Sequences.from_strings(rows)
        assert caught.value.row == row
        assert value is None or caught.value.value == value
        assert caught.value.hint

    @pytest.mark.parametrize("offsets", [[], [1, 4], [0, 5], [0, 3, 2, 4], [0, 3]])
    def test_offsets_that_do_not_fit_are_refused(self, offsets):
        with pytest.raises(InputError, match="offsets"):
            Sequences(np.frombuffer(b"ACGT", np.uint8), offsets)

    def test_nobody_can_change_the_letters(self):
        source = np.frombuffer(b"ACGT", np.uint8).copy()
        packed = Sequences(source, [0, 4])
        source[:] = ord("T")
        assert packed[0] == "ACGT"
        with pytest.raises(ValueError, match="read-only"):
            packed.data[0] = 0

    @given(texts, st.data())
    def test_take_is_indexing(self, rows, data):
        packed = Sequences.from_strings(rows)
        index = data.draw(st.lists(st.integers(-len(rows), len(rows) - 1), max_size=12) if rows else st.just([]))
        assert list(packed.take(index)) == [rows[i] for i in index]
        mask = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
        kept = [row for row, keep in zip(rows, mask, strict=True) if keep]
        assert list(packed.take(np.array(mask, bool))) == kept

    @pytest.mark.parametrize("index", [[3], [-4], [0, 99]])
    def test_take_of_a_row_that_is_not_there(self, index):
        with pytest.raises(IndexError):
            Sequences.from_strings(["A", "C", "G"]).take(index)
        with pytest.raises(IndexError):
            Sequences.from_strings(["A", "C", "G"])[index[-1]]
        with pytest.raises(IndexError):
            Sequences.from_strings(["A"]).take(np.array([True, False]))

    @given(st.lists(texts, max_size=4))
    def test_concat_and_pickle(self, parts):
        joined = Sequences.concat([Sequences.from_strings(part) for part in parts])
        rows = [row for part in parts for row in part]
        assert list(pickle.loads(pickle.dumps(joined))) == rows

    def test_validate_names_the_place(self):
        packed = Sequences.from_strings(["ACGTN", "ACR"])
        packed.validate("ACGTNR")
        with pytest.raises(InputError, match="position 3") as caught:
            packed.validate()
        assert (caught.value.row, caught.value.value) == (2, "R")


class FakeArrow:
    """An Arrow array as pyarrow shows it: validity, offsets, letters."""

    def __init__(self, rows, kind="string", skip=0, valid=None):
        width = np.int64 if kind.startswith("large") else np.int32
        self.type, self.offset, self.size = kind, skip, len(rows) - skip
        self.ends = np.cumsum([0, *(len(row) for row in rows)]).astype(width).tobytes()
        self.letters = "".join(rows).encode()
        self.bits = None if valid is None else np.packbits(valid, bitorder="little").tobytes()
        self.null_count = 0 if valid is None else valid[skip:].count(False)

    def __len__(self):
        return self.size

    def buffers(self):
        return [self.bits, self.ends, self.letters]


class TestArrow:
    @pytest.mark.parametrize("kind", ["string", "large_string"])
    def test_buffers_are_read_from_the_offset(self, kind):
        assert list(Sequences.from_arrow(FakeArrow(["AC", "", "gtu", "N"], kind, skip=1))) == ["", "GTT", "N"]

    def test_chunks_are_joined(self):
        class Chunked:
            chunks = (FakeArrow(["AC"]), FakeArrow(["G", "T"]))

        assert list(Sequences.from_arrow(Chunked())) == ["AC", "G", "T"]

    def test_nulls_and_other_types_are_refused(self):
        with pytest.raises(InputError, match="missing") as caught:
            Sequences.from_arrow(FakeArrow(["A", "C", "G"], skip=1, valid=[True, True, False]))
        assert caught.value.row == 2
        with pytest.raises(InputError, match="int64"):
            Sequences.from_arrow(FakeArrow(["A"], "int64"))

    def test_pyarrow(self):
        pyarrow = pytest.importorskip("pyarrow", reason="no dependency of genotool")
        array = pyarrow.chunked_array([["AC", "GT"], ["N"]])
        assert list(Sequences.from_arrow(array.slice(1))) == ["GT", "N"]


class TestOneHot:
    @given(
        texts, st.integers(0, 100), st.sampled_from(["nlc", "ncl"]), st.sampled_from(["left", "right"]),
        st.sampled_from(["uint8", "float32"]), st.integers(1, 3),
    )  # fmt: skip
    def test_it_is_the_plain_encoding(self, rows, length, layout, align, dtype, threads):
        packed = Sequences.from_strings(rows)
        found = packed.one_hot(dtype, layout, length=length, align=align, threads=threads)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, one_hot_plainly(rows, length, layout, align))

    @threads
    @pytest.mark.parametrize("layout", ["nlc", "ncl"])
    def test_many_rows_of_one_length(self, layout, threads):
        rows = ["".join(row) for row in np.random.default_rng(1).choice(list("ACGTN"), (30_000, 23))]
        found = Sequences.from_strings(rows).one_hot(layout=layout, threads=threads)
        np.testing.assert_array_equal(found, one_hot_plainly(rows, 23, layout, "left"))

    @threads
    @pytest.mark.parametrize(("rows", "width"), [(200_000, 23), (3_000, 1_500), (2, 2_500_001)])
    def test_outputs_too_large_for_the_caches(self, rows, width, threads):
        codes = np.random.default_rng(4).integers(0, 5, (rows, width))
        packed = Sequences(np.frombuffer(b"ACGTN", np.uint8)[codes].reshape(-1), np.arange(rows + 1) * width)
        expected = np.vstack([np.eye(4, dtype=np.uint8), np.zeros((1, 4), np.uint8)])[codes]
        assert expected.nbytes > 1 << 24
        np.testing.assert_array_equal(packed.one_hot(threads=threads), expected)
        padded = packed.one_hot("float32", "ncl", length=width + 3, align="right", threads=threads)
        np.testing.assert_array_equal(padded[:, :, 3:], expected.transpose(0, 2, 1))
        assert not padded[:, :, :3].any()

    def test_without_length_rows_must_have_one(self):
        assert Sequences.from_strings(["AC", "GT"]).one_hot().shape == (2, 2, 4)
        assert Sequences.from_strings([]).one_hot().shape == (0, 0, 4)
        with pytest.raises(InputError, match="3 nt, those before it have 2") as caught:
            Sequences.from_strings(["AC", "GT", "ACG", "A"]).one_hot()
        assert caught.value.row == 3

    def test_ambiguous_letters_can_be_refused(self):
        packed = Sequences.from_strings(["ACGT", "ACNR"])
        with pytest.raises(InputError, match="position 3") as caught:
            packed.one_hot(ambiguous="error")
        assert (caught.value.row, caught.value.value) == (2, "N")
        assert packed.one_hot(ambiguous="error", length=2).sum() == 4
        with pytest.raises(InputError, match="position 4"):
            packed.one_hot(ambiguous="error", length=1, align="right")

    def test_out_is_written_and_returned(self):
        packed = Sequences.from_strings(["ACGT", "NNNN"])
        out = np.full((2, 4, 4), 7, np.uint8)
        assert packed.one_hot(out=out) is out
        np.testing.assert_array_equal(out, [np.eye(4), np.zeros((4, 4))])

    @pytest.mark.parametrize(
        "out",
        [
            np.zeros((2, 4, 3), np.uint8), np.zeros((2, 4, 4), np.int8), np.zeros(32, np.uint8), [0] * 32,
            np.zeros((4, 4, 4), np.uint8)[::2], np.zeros((2, 4, 4), np.uint8).transpose(0, 2, 1),
            np.broadcast_to(np.uint8(0), (2, 4, 4)), np.frombuffer(bytes(32), np.uint8).reshape(2, 4, 4),
        ],
    )  # fmt: skip
    def test_an_out_that_does_not_fit_is_refused(self, out):
        with pytest.raises(UsageError, match="out must be"):
            Sequences.from_strings(["ACGT", "NNNN"]).one_hot(out=out)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"dtype": "int8"},
            {"layout": "lnc"},
            {"align": "top"},
            {"ambiguous": "n"},
            {"length": -1},
            {"length": 2.5},
        ],
    )
    def test_unknown_words_are_refused(self, wrong):
        with pytest.raises(UsageError):
            Sequences.from_strings(["ACGT"]).one_hot(**wrong)


class TestTokens:
    @given(
        texts,
        st.integers(3, 6),
        st.integers(2, 70),
        st.booleans(),
        st.sampled_from(["int64", "int32", "uint16"]),
    )
    def test_they_are_those_of_the_vocabulary(self, rows, k, length, special, dtype):
        found = Sequences.from_strings(rows).kmers(k, dtype=dtype, length=length, truncate=True, special_tokens=special)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, tokens_plainly(rows, k, length, special))

    @pytest.mark.parametrize("k", [3, 4, 5, 6])
    def test_every_kmer_has_its_number(self, k):
        words = ["".join(word) for word in product("ATCG", repeat=k)]
        found = Sequences.from_strings(words).kmers(k, special_tokens=False)
        assert found[:, 0].tolist() == list(range(5, 4**k + 5))

    @threads
    def test_many_long_rows(self, threads):
        rows = ["".join(row) for row in np.random.default_rng(2).choice(list("ACGTACGTACGTN"), (300, 1_400))]
        found = Sequences.from_strings(rows).kmers(6, threads=threads)
        np.testing.assert_array_equal(found, tokens_plainly(rows, 6, 1_397, True))

    @threads
    def test_outputs_too_large_for_the_caches(self, threads):
        text = "".join(np.random.default_rng(6).choice(list("ACGTACGTACGTN"), 1_003))
        found = Sequences.from_strings([text] * 2_500).kmers(6, threads=threads)
        assert found.nbytes > 1 << 24
        assert (found == tokens_plainly([text], 6, 1_000, True)).all()

    def test_golden(self):
        # vocab.txt of DNABERT-6: AAAAAA is its line 6, hence id 5; GGGGGG the last of 4,101.
        found = Sequences.from_strings(["AAAAAAT", "GGGGGG", "aaaaan"]).kmers(6)
        assert found.tolist() == [[2, 5, 6, 3], [2, 4100, 3, 0], [2, 1, 3, 0]]

    def test_truncation_is_asked_for(self):
        packed = Sequences.from_strings(["ACGT", "ACGTACGT"])
        with pytest.raises(InputError, match="8 tokens, there is room for 5") as caught:
            packed.kmers(3, length=5)
        assert caught.value.row == 2
        assert packed.kmers(3, length=5, truncate=True)[1].tolist() == [*packed.kmers(3)[1][:4].tolist(), 3]

    @pytest.mark.parametrize(("k", "length"), [(2, None), (7, None), (3, 1), (3, 0), (-1, None), ("3", None)])
    def test_what_cannot_be_is_refused(self, k, length):
        with pytest.raises(UsageError):
            Sequences.from_strings(["ACGT"]).kmers(k, length=length, truncate=True)


class TestStrands:
    @given(texts, st.integers(1, 3))
    def test_reverse_complement(self, rows, threads):
        pairs = str.maketrans("ACGTRYSWKMBDHVN", "TGCAYRSWMKVHDBN")
        packed = Sequences.from_strings(rows)
        assert list(packed.reverse_complement(threads=threads)) == [row.translate(pairs)[::-1] for row in rows]

    def test_biopython_agrees(self):
        seq = pytest.importorskip("Bio.Seq", reason="biopython is a peer, not a dependency")
        assert Sequences.from_strings([IUPAC]).reverse_complement()[0] == str(seq.Seq(IUPAC).reverse_complement())

    @given(st.lists(st.text("ACGGTN", max_size=60), max_size=4), st.integers(0, 20), st.integers(1, 3))
    def test_sites_are_all_windows_with_a_pam(self, rows, spacer, threads):
        found = Sequences.from_strings(rows).sites("NGG", spacer, threads=threads)
        expected, ambiguous, width = [], 0, spacer + 3
        for record, text in enumerate(rows):
            for start in range(len(text) - width + 1):
                window = text[start : start + width]
                flipped = window.translate(str.maketrans("ACGT", "TGCA"))[::-1]
                for minus, guide in ((False, window), (True, flipped)):
                    if all(letter in "GN" for letter in guide[-2:]):
                        ambiguous += "N" in guide
                        if "N" not in guide:
                            expected.append((record, start, minus, guide))
        columns = (found.record.tolist(), found.start.tolist(), found.minus.tolist(), list(found.guides))
        assert list(zip(*columns, strict=True)) == expected
        assert found.ambiguous == ambiguous

    @pytest.mark.parametrize("pam", ["", "N-G", "é"])
    def test_a_pam_of_other_letters_is_refused(self, pam):
        with pytest.raises(UsageError, match="PAM"):
            Sequences.from_strings(["ACGT"]).sites(pam)


class TestDigests:
    def test_digest_is_of_lengths_and_letters(self):
        found = Sequences.from_strings(["ACG", "T"]).digest()
        lengths = (3).to_bytes(8, "little") + (1).to_bytes(8, "little")
        assert found == hashlib.sha256(b"genotool sequences 1\n" + lengths + b"ACGT").hexdigest()
        assert found == Sequences.from_strings(["A", "acg", "t"]).take([1, 2]).digest()
        assert found != Sequences.from_strings(["AC", "GT"]).digest()

    def test_row_digests_are_frozen(self):
        found = Sequences.from_strings(["", "A", "ACGTACGTACGTACGTACGTNGG"]).row_digests()
        assert found.tolist() == [1032406490710539983, 14048702495305768713, 15510121957061526597]

    @given(texts, st.integers(1, 3))
    def test_equal_rows_and_only_they_have_equal_digests(self, rows, threads):
        found = Sequences.from_strings(rows).row_digests(threads=threads)
        assert len(set(found.tolist())) == len(set(rows))


class TestThreads:
    def test_the_variable_is_read(self, monkeypatch):
        packed = Sequences.from_strings(["ACGT"])
        for value in ("none", "0"):
            monkeypatch.setenv("GENOTOOL_THREADS", value)
            with pytest.raises(UsageError):
                packed.one_hot()
        monkeypatch.setenv("GENOTOOL_THREADS", "2")
        assert packed.one_hot().sum() == 4
        with pytest.raises(UsageError):
            packed.one_hot(threads=0)
