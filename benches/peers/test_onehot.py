"""One-hot encoding against memset, memcpy, a NumPy table, seqpro and tangermeme."""

import numpy as np
import pytest
from genotool.sequences import Sequences
from side_by_side import goal, race

TABLE = np.zeros((256, 4), np.uint8)
TABLE[np.frombuffer(b"ACGT", np.uint8), np.arange(4)] = 1


def packed(rows: int, width: int) -> Sequences:
    letters = np.frombuffer(b"ACGT", np.uint8)[np.random.default_rng(0).integers(0, 4, (rows, width))]
    return Sequences(letters.reshape(-1), np.arange(rows + 1) * width)


@pytest.mark.parametrize(("rows", "width"), [(4_000, 2_048), (400_000, 23), (16, 524_288)])
def test_layouts_against_the_memory(rows, width):
    sequences = packed(rows, width)
    letters = sequences.data.reshape(rows, width)
    last, first = np.empty((rows, width, 4), np.uint8), np.empty((rows, 4, width), np.uint8)
    target, source = np.empty_like(last), np.ones_like(last)
    np.testing.assert_array_equal(sequences.one_hot(out=last), TABLE[letters])
    np.testing.assert_array_equal(sequences.one_hot(layout="ncl", out=first), TABLE[letters].transpose(0, 2, 1))
    took = race(
        f"one-hot, {rows} x {width}, uint8",
        {
            "memset": lambda: target.fill(0),
            "memcpy": lambda: np.copyto(target, source),
            "genotool nlc": lambda: sequences.one_hot(out=last),
            "genotool ncl": lambda: sequences.one_hot(layout="ncl", out=first),
            "NumPy table": lambda: np.take(TABLE, letters, axis=0, out=target),
        },
    )
    if width == 23:
        goal("nlc / memcpy", took["genotool nlc"] / took["memcpy"], 2)
        goal("ncl / memcpy", took["genotool ncl"] / took["memcpy"], 2)
    else:
        goal("nlc / memset", took["genotool nlc"] / took["memset"], 1.3 if width == 2_048 else 1.4)
        goal("ncl / memset", took["genotool ncl"] / took["memset"], 1.5)


def test_from_strings():
    sequences = packed(400_000, 23)
    strings = list(sequences)
    out, source = np.empty((400_000, 23, 4), np.uint8), np.ones((400_000, 23, 4), np.uint8)
    target = np.empty_like(source)
    took = race(
        "one-hot, 400000 x 23, from a list of str",
        {
            "memcpy": lambda: np.copyto(target, source),
            "genotool": lambda: Sequences.from_strings(strings).one_hot(out=out),
        },
    )
    goal("from str / memcpy", took["genotool"] / took["memcpy"], 2.5)


@pytest.mark.parametrize(("rows", "width", "limit"), [(4_000, 2_048, 30), (400_000, 23, 20)])
def test_seqpro(rows, width, limit):
    seqpro = pytest.importorskip("seqpro", reason="a peer; see benches/requirements.txt")
    sequences = packed(rows, width)
    letters = sequences.data.reshape(rows, width).view("S1")
    out = np.empty((rows, width, 4), np.uint8)
    np.testing.assert_array_equal(seqpro.DNA.ohe(letters), sequences.one_hot(out=out))
    took = race(
        f"one-hot, {rows} x {width}",
        {"genotool": lambda: sequences.one_hot(out=out), "seqpro": lambda: seqpro.DNA.ohe(letters)},
    )
    goal("seqpro / genotool", took["seqpro"] / took["genotool"], limit, at_least=True)


def test_tangermeme():
    utils = pytest.importorskip("tangermeme.utils", reason="a peer that needs torch")
    sequences = packed(4_000, 2_048)
    strings, out = list(sequences), np.empty((4_000, 4, 2_048), np.uint8)
    np.testing.assert_array_equal(utils.one_hot_encode(strings[0]), sequences.one_hot(layout="ncl", out=out)[0])
    took = race(
        "one-hot, 4000 x 2048, from a list of str",
        {
            "genotool": lambda: Sequences.from_strings(strings).one_hot(layout="ncl", out=out),
            "tangermeme": lambda: [utils.one_hot_encode(text) for text in strings],
        },
    )
    goal("tangermeme / genotool", took["tangermeme"] / took["genotool"], 20, at_least=True)
