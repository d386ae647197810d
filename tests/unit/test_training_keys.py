"""What a model was trained on: the file of its keys comes back, is compared, and is refused when it is damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from genotool.audit import Audit, audit_datasets, overlap_mask, overlap_with_keys, read_keys, write_keys
from genotool.dataset import Dataset, Kind
from genotool.errors import InputError
from genotool.sequences import Sequences


def text(rng: np.random.Generator, length: int = 21) -> str:
    return "".join(rng.choice(list("ACGT"), length))


def guides(texts: list[str], target: np.ndarray | None = None, name: str = "x", **more: object) -> Dataset:
    target = np.arange(len(texts)) % 2 if target is None else target
    ids = np.array([f"{name}{i}" for i in range(len(texts))])
    columns = {"guide": Sequences.from_strings(texts), **more.pop("columns", {})}  # type: ignore[dict-item]
    return Dataset(name, Kind.GUIDES, ids, columns, target, ("0", "1"), **more)  # type: ignore[arg-type]


def some(name: str, seed: int, n: int) -> Dataset:
    rng = np.random.default_rng(seed)
    return guides([text(rng) + "GG" for _ in range(n)], name=name)


def codes(audit: Audit) -> dict[str, str]:
    return {finding.code: finding.severity for finding in audit.findings}


def test_keys_come_back_and_know_what_was_seen(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    texts = [text(rng) + "GG" for _ in range(50)] + ["ACGTNACGTACGTACGTACGTGG"]
    file, rows = tmp_path / "keys.bin", guides(texts + texts[:5])
    write_keys(file, rows)
    keys = read_keys(file)
    assert list(keys.columns[0]) == sorted(texts)
    seen = overlap_with_keys(guides(["TT" + texts[0][2:], text(rng) + "GG"]), keys)
    assert seen["variant"].tolist() == [True, False]
    assert not seen["exact"].any()
    found = audit_datasets([rows], keys=[keys])
    assert codes(found)["seen-by-model"] == "severe"
    plain = tmp_path / "plain.bin"
    write_keys(plain, guides(texts[:50]))
    assert plain.stat().st_size < 500 + 50 * 23 // 4


def test_keys_of_pairs_spacers_and_matrices(tmp_path: Path) -> None:
    pair = Dataset("p", Kind.PAIRS, np.array(["a", "b"]), {
        "seq1": Sequences.from_strings(["ACG", "TTTT"]), "seq2": Sequences.from_strings(["GG", "C"]),
    })  # fmt: skip
    matrix = Dataset("m", Kind.MATRIX, np.array(["a", "b"]), {"expression": np.array([[1.0, 0, 2], [0, 3, 0]])})
    spacers = guides(["ACGTTGCAAGCTTCGATCGA", "GTTGCAAGCTTCGATCG"])
    for number, rows in enumerate((pair, matrix, spacers)):
        write_keys(tmp_path / str(number), rows)
        keys = read_keys(tmp_path / str(number))
        assert keys.kind is rows.kind
        assert overlap_mask(rows, keys).all()
        assert overlap_mask(rows.take(np.array([1])), keys, relations=("exact",)).tolist() == [True]


@pytest.mark.parametrize(
    "damage", ["cut", "flip", "magic", "header", "infinite", "deep", "kind", "letters", "nothing", "unsorted"]
)
def test_damaged_keys_are_refused(tmp_path: Path, damage: str) -> None:
    import hashlib
    import json

    file = tmp_path / "keys.bin"
    write_keys(file, guides(["ACGTNACGTACGTACGTACGTGG", "CCGTNACGTACGTACGTACGTGG"]))
    content = file.read_bytes()
    magic, head, body = content.split(b"\n", 2)

    def with_body(body: bytes) -> bytes:
        return json.dumps(json.loads(head) | {"sha256": hashlib.sha256(body).hexdigest()}).encode() + b"\n" + body

    changed = {
        "cut": content[:-5],
        "flip": content[:-1] + b"A",
        "magic": b"X" + content[1:],
        "header": magic + b"\n{}\n" + body,
        "infinite": content.replace(b'"n": 2', b'"n": Infinity'),
        "deep": magic + b"\n" + b"[" * 100_000 + b"\n" + body,
        "kind": content.replace(b'"kind": "guides"', b'"kind": "sequences"'),
        "letters": magic + b"\n" + with_body(body[:45] + b"!"),
        "nothing": b"",
        "unsorted": magic + b"\n" + with_body(body[23:] + body[:23]),
    }[damage]
    assert changed != content
    file.write_bytes(changed)
    with pytest.raises(InputError, match=r"keys\.bin") as caught:
        read_keys(file)
    assert caught.value.exit_code == 3
    assert "copy the model's folder again" in str(caught.value.hint)


def test_sets_of_two_kinds_are_not_passed_in_silence(tmp_path: Path) -> None:
    pair = Dataset("p", Kind.PAIRS, np.array(["a"]), {
        "seq1": Sequences.from_strings(["ACG"]), "seq2": Sequences.from_strings(["GG"]),
    })  # fmt: skip
    one = guides([text(np.random.default_rng(0), 23)])
    assert codes(audit_datasets([one, pair]))["not-compared"] == "warning"
    write_keys(tmp_path / "keys.bin", pair)
    assert codes(audit_datasets([one], keys=[read_keys(tmp_path / "keys.bin")]))["not-compared"] == "warning"
    with pytest.raises(InputError, match=r"keys\.bin: these training keys are of pairs, the model takes guides"):
        read_keys(tmp_path / "keys.bin", {Kind.GUIDES})


def test_what_a_parent_has_seen_has_been_seen(tmp_path: Path) -> None:
    parent, child = some("benchmark", 1, 40), some("line", 2, 30)
    write_keys(tmp_path / "parent.bin", parent)
    write_keys(tmp_path / "child.bin", child, read_keys(tmp_path / "parent.bin"))
    seen = read_keys(tmp_path / "child.bin")
    assert overlap_mask(parent, seen).all()
    assert overlap_mask(child, seen).all()
    assert seen.name == "line, benchmark"
