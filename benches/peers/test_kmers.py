"""DNABERT tokens against memcpy, NumPy, biotite and Hugging Face tokenizers."""

from itertools import product

import numpy as np
import pytest
from genotool.sequences import Sequences
from side_by_side import goal, race

ROWS, WIDTH, K = 20_000, 512, 6
CODES = np.zeros(256, np.int64)
CODES[np.frombuffer(b"ATCG", np.uint8)] = np.arange(4)


def packed(rows: int, alphabet: bytes = b"ACGT") -> Sequences:
    letters = np.frombuffer(alphabet, np.uint8)
    chosen = letters[np.random.default_rng(0).integers(0, len(letters), (rows, WIDTH))]
    return Sequences(chosen.reshape(-1), np.arange(rows + 1) * WIDTH)


def by_numpy(sequences: Sequences) -> np.ndarray:
    codes = CODES[sequences.data].reshape(len(sequences), WIDTH)
    ids = np.zeros((len(sequences), WIDTH - K + 3), np.int64)
    ids[:, 0], ids[:, -1] = 2, 3
    for place in range(K):
        ids[:, 1:-1] += codes[:, place : WIDTH - K + 1 + place] << 2 * (K - 1 - place)
    ids[:, 1:-1] += 5
    return ids


def test_against_the_memory_and_numpy():
    sequences, with_n = packed(ROWS), packed(ROWS, b"ACGT" * 40 + b"N")
    out = np.empty((ROWS, WIDTH - K + 3), np.int64)
    target, source = np.empty_like(out), np.ones_like(out)
    np.testing.assert_array_equal(sequences.kmers(K, out=out), by_numpy(sequences))
    took = race(
        f"{K}-mer tokens, {ROWS} x {WIDTH}, int64",
        {
            "memset": lambda: target.fill(0),
            "memcpy": lambda: np.copyto(target, source),
            "genotool": lambda: sequences.kmers(K, out=out),
            "genotool, with N": lambda: with_n.kmers(K, out=out),
            "NumPy": lambda: by_numpy(sequences),
        },
    )
    goal("tokens / memcpy", took["genotool"] / took["memcpy"], 1.3)
    goal("tokens with N / memcpy", took["genotool, with N"] / took["memcpy"], 1.8)
    goal("NumPy / genotool", took["NumPy"] / took["genotool"], 10, at_least=True)


def test_biotite():
    alphabets = pytest.importorskip("biotite.sequence.align", reason="a peer; see benches/requirements.txt")
    from biotite.sequence import LetterAlphabet

    sequences = packed(ROWS)
    kmers = alphabets.KmerAlphabet(LetterAlphabet("ATCG"), K)
    codes = CODES[sequences.data].astype(np.uint8).reshape(ROWS, WIDTH)
    out = np.empty((ROWS, WIDTH - K + 1), np.int64)
    ours = sequences.kmers(K, special_tokens=False, out=out)
    np.testing.assert_array_equal(kmers.create_kmers(codes[0]) + 5, ours[0])
    took = race(
        "6-mer tokens",
        {
            "genotool": lambda: sequences.kmers(K, special_tokens=False, out=out),
            "biotite": lambda: [kmers.create_kmers(row) for row in codes],
        },
    )
    goal("biotite / genotool", took["biotite"] / took["genotool"], 10, at_least=True)


def test_hugging_face():
    tokenizers = pytest.importorskip("tokenizers", reason="a peer; see benches/requirements.txt")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *map("".join, product("ATCG", repeat=K))]
    model = tokenizers.models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]")
    fast = tokenizers.Tokenizer(model)
    fast.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    sequences = packed(200)
    texts = list(sequences)

    def by_hugging_face() -> list[list[int]]:
        spaced = [" ".join(text[i : i + K] for i in range(WIDTH - K + 1)) for text in texts]
        return [encoded.ids for encoded in fast.encode_batch(spaced)]

    out = np.empty((200, WIDTH - K + 1), np.int64)
    assert by_hugging_face() == sequences.kmers(K, special_tokens=False, out=out).tolist()
    took = race(
        "6-mer tokens, 200 x 512",
        {
            "genotool x 100": lambda: [sequences.kmers(K, special_tokens=False, out=out) for _ in range(100)],
            "Hugging Face fast": by_hugging_face,
        },
    )
    goal(
        "Hugging Face / genotool",
        100 * took["Hugging Face fast"] / took["genotool x 100"],
        2_000,
        at_least=True,
    )
