"""Leaks planted in sets, as files, and found by `genotool audit`: each with its count, and nothing in a clean pair."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from genotool import registry
from genotool.audit import Audit, Finding, audit_datasets, audit_split, write_keys
from genotool.dataset import Dataset, Kind
from genotool.errors import InputError
from genotool.sequences import Sequences
from genotool.split import Fractions, Split, by_group
from genotool.stages.audit import AuditRequest, audit

PAIRED = str.maketrans("ACGT", "TGCA")
OTHER = str.maketrans("ACGT", "CGTA")
Row = tuple[str, str, str]


def turned(guide: str) -> str:
    return guide.translate(PAIRED)[::-1]


def changed(guide: str, place: int) -> str:
    return guide[:place] + guide[place].translate(OTHER) + guide[place + 1 :]


PLANTED: dict[str, tuple[Callable[[str], str], str]] = {
    "equal": (lambda guide: guide, "shared-rows"),
    "reverse complement": (turned, "shared-rows"),
    "PAM-distal variant": (lambda guide: changed(changed(guide, 0), 1), "shared-rows"),
    "spacer": (lambda guide: guide[:20], "shared-rows"),
    "short spacer": (lambda guide: guide[3:20], "shared-rows"),
    "one base": (lambda guide: changed(guide, 9), "near-rows"),
    "one base, turned": (lambda guide: turned(changed(guide, 9)), "near-rows"),
    "moved down": (lambda guide: guide[1:] + "T", "shifted-rows"),
    "moved up": (lambda guide: "A" + guide[:-1], "shifted-rows"),
    "moved by three, turned": (lambda guide: turned(guide[3:] + "CAT"), "shifted-rows"),
    "spacer, turned": (lambda guide: turned(guide[:20]), "shifted-rows"),
}


def write(file: Path, rows: list[Row], *, split: list[str] | None = None, line: str = "\n") -> str:
    with file.open("w", newline="") as handle:
        table = csv.writer(handle, delimiter="\t", lineterminator=line)
        table.writerow(["guide", "label", "gene", *(["split"] if split else [])])
        table.writerows([*row, *([split[i]] if split else [])] for i, row in enumerate(rows))
    return str(file)


def random_rows(seed: int, n: int, genes: int = 40) -> list[Row]:
    rng = np.random.default_rng(seed)
    letters = rng.choice(list("ACGT"), (n, 21))
    return [("".join(word) + "GG", str(rng.integers(2)), f"s{seed}g{i % genes}") for i, word in enumerate(letters)]


def findings(*operands: str | Path) -> dict[str, Finding]:
    return {finding.code: finding for finding in audit(AuditRequest(tuple(map(str, operands))))[0].findings}


@pytest.mark.parametrize("way", PLANTED)
def test_a_planted_leak_is_found_with_its_count(way: str, tmp_path: Path) -> None:
    plant, code = PLANTED[way]
    one, other = random_rows(1, 200), random_rows(2, 170)
    other += [(plant(guide), label, f"new{i}") for i, (guide, label, _) in enumerate(one[:30])]
    found = findings(write(tmp_path / "one.tsv", one), write(tmp_path / "other.tsv", other))
    leak = found.pop(code)
    assert (leak.count, leak.total) == (30, 200)
    assert leak.severity == ("severe" if code == "shared-rows" else "warning")
    assert all(finding.severity == "note" for finding in found.values()), found


@pytest.mark.parametrize(
    ("form", "line"),
    [
        (str.lower, "\n"),
        (lambda guide: guide[:9].lower() + guide[9:], "\n"),
        (lambda guide: f"  {guide} ", "\n"),
        (str.upper, "\r\n"),
    ],
    ids=["lower case", "mixed case", "spaces", "CRLF"],
)
def test_the_form_of_a_file_hides_nothing(form: Callable[[str], str], line: str, tmp_path: Path) -> None:
    rows = random_rows(1, 100)
    again = [(form(guide), label, gene) for guide, label, gene in rows]
    found = findings(write(tmp_path / "one.tsv", rows), write(tmp_path / "again.tsv", again, line=line))
    assert found["shared-rows"].count == 100


def test_rna_letters_are_refused_with_their_row(tmp_path: Path) -> None:
    rows = [(guide.replace("T", "U"), *rest) for guide, *rest in random_rows(1, 50)]
    with pytest.raises(InputError, match="'U' in the column 'guide' is no base") as caught:
        findings(write(tmp_path / "rna.tsv", rows))  # type: ignore[arg-type]
    assert "write T for U" in str(caught.value.hint)


def test_labels_that_contradict_each_other(tmp_path: Path) -> None:
    rows = random_rows(1, 100)
    rows += [(guide, "1" if label == "0" else "0", gene) for guide, label, gene in rows[:20]]
    found = findings(write(tmp_path / "one.tsv", rows))
    assert (found["conflicting-labels"].count, found["conflicting-labels"].severity) == (40, "warning")
    assert found["duplicates"].count == 20


def test_a_published_split_is_looked_at_across_its_parts(tmp_path: Path) -> None:
    rows = random_rows(1, 200)
    by_gene = ["test" if int(gene[3:]) % 4 == 0 else "train" for _, _, gene in rows]
    clean = findings(write(tmp_path / "clean.tsv", rows, split=by_gene))
    assert {finding.severity for finding in clean.values()} <= {"note"}
    by_row = ["test" if i % 3 == 0 else "train" for i in range(200)]
    straddling = findings(write(tmp_path / "row.tsv", rows, split=by_row))["straddling-groups"]
    assert (straddling.count, straddling.total, straddling.severity) == (40, 40, "warning")
    again = [(turned(guide), label, "x") for guide, label, _ in rows[:30]]
    leak = findings(write(tmp_path / "leak.tsv", rows + again, split=["train"] * 200 + ["test"] * 30))
    assert (leak["rows-across-parts"].count, leak["rows-across-parts"].severity) == (30, "severe")
    folds = findings(write(tmp_path / "folds.tsv", rows, split=[str(i % 5) for i in range(200)]))
    assert folds["split-not-read"].severity == "note"


def test_two_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    files = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        files.append(write(tmp_path / folder / "guides.tsv", random_rows(1, 50)))
    assert findings(*files)["shared-rows"].data == tuple(files)


def grouped(names: list[str]) -> Dataset:
    rows = random_rows(3, len(names))
    target = np.arange(len(names)) // 10 % 2
    columns = {"guide": Sequences.from_strings([row[0] for row in rows])}
    return Dataset("x", Kind.GUIDES, np.arange(len(names)).astype(str), columns, target, ("0", "1"), np.array(names))


def test_a_gene_under_two_spellings_is_seen_on_both_sides() -> None:
    rows = grouped([["TP53", "tp53", "MYC", "HLA-A", "HLA A"][i % 5] for i in range(50)])
    parts = np.tile([0, 2, 0, 0, 2], 10).astype(np.int8)
    found = {finding.code: finding for finding in audit_split(rows, Split(parts, "group", 0, "")).findings}
    assert (found["groups-spelled-apart"].count, found["groups-spelled-apart"].total) == (2, 2)
    assert found["groups-spelled-apart"].examples == ("HLA A", "tp53")
    assert found["groups-spelled-apart"].partners == ("HLA-A", "TP53")
    assert "straddling-groups" not in found


def test_a_test_part_without_rows_is_said() -> None:
    rows = grouped([f"g{i % 10}" for i in range(50)])
    parts = np.where(np.arange(50) % 10 == 0, 1, 0).astype(np.int8)
    (finding,) = audit_split(rows, Split(parts, "group", 0, "")).findings
    assert (finding.code, finding.severity) == ("empty-part", "warning")
    assert "0 of 50 guides of x are in the test part" in finding.message


@pytest.fixture
def line(tmp_path: Path) -> str:
    return write(tmp_path / "line.tsv", random_rows(4, 60))


@pytest.mark.parametrize("damage", ["pairs", "cut", "text"])
def test_the_command_refuses_keys_that_are_none(damage: str, line: str, tmp_path: Path, monkeypatch) -> None:
    import shutil

    from genotool.cli.main import main
    from genotool.family import ShipsModel
    from genotool.plugins import family

    shipped = family("sgrna")
    assert isinstance(shipped, ShipsModel)
    run = tmp_path / "run"
    shutil.copytree(shipped.shipped_model(), run)
    keys = run / "training_keys.bin"
    if damage == "pairs":
        columns = {"seq1": Sequences.from_strings(["ACGT"]), "seq2": Sequences.from_strings(["GG"])}
        write_keys(keys, Dataset("p", Kind.PAIRS, np.array(["a"]), columns))
    else:
        keys.write_bytes(keys.read_bytes()[:-9] if damage == "cut" else b"guide\tlabel\n")
    with pytest.raises(InputError, match=r"training_keys\.bin") as caught:
        findings(run, line)
    assert caught.value.hint
    assert caught.value.exit_code == 3
    monkeypatch.setattr("sys.argv", ["genotool", "audit", str(run), line])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 3


@pytest.mark.data
def test_parts_of_a_real_line_by_gene_are_clean_until_something_is_planted(tmp_path: Path) -> None:
    def found(*files: Path) -> dict[str, Finding]:
        return {item.code: item for item in audit_datasets([registry.load(file) for file in files]).findings}

    line = registry.load("hl60")
    split = by_group(line, 0, Fractions(0.0, 0.4))
    halves = [line.take(np.flatnonzero(split.parts == part)) for part in (0, 2)]
    rows = [
        list(zip(half.columns["guide"], half.target.astype(str), half.groups, strict=True))  # type: ignore[union-attr]
        for half in halves
    ]
    one, other = tmp_path / "one.tsv", tmp_path / "other.tsv"
    write(one, rows[0])
    write(other, rows[1])
    clean = found(one, other)
    assert not [finding for finding in clean.values() if finding.severity != "note"]
    for way, (plant, code) in PLANTED.items():
        planted = [(plant(guide), label, f"new{i}") for i, (guide, label, _) in enumerate(rows[0][:60])]
        write(other, rows[1] + planted)
        by_nature = clean[code].count if code in clean else 0
        assert 60 <= found(one, other)[code].count <= 60 + by_nature <= 65, way


def test_what_an_older_version_wrote_is_read() -> None:
    finding = {"code": "a", "severity": "note", "count": 1, "total": 2, "message": "m", "remedy": "r"}
    old = finding | {"examples": ["1"], "effect": {"x looked up in y": {"metric": "roc_auc", "with": None}}, "data": []}
    read = Audit.from_json(json.loads(json.dumps({"format": 1, "findings": [old], "data": ["x"]})))
    assert read.findings[0].partners == ()
    assert "None" not in read.table()


def test_like_findings_of_folds_are_one_with_their_counts() -> None:
    def met(count: int, where: str = "test", severity: str = "note") -> Finding:
        message = f"{count} of 50 {where} rows are near"
        return Finding("near-rows-across-parts", severity, count, 50, message, "", data=("one",))

    batches = [Finding("batch-explains-label", "warning", 9, 9, f"{name} explains", "", data=("one",)) for name in "ab"]
    held = [met(3)], [met(9, severity="warning"), met(2, "valid")], []
    folds = [Audit.of([*own, *batches], ["one"]) for own in held]
    near, *others = sorted(Audit.of_parts(folds, "folds").findings, key=lambda item: -len(item.message))
    said = "9 of 50 test rows are near (the worst of 3 such findings, of 2 to 9, in 2 of 3 folds)"
    assert (near.message, near.severity, near.count) == (said, "warning", 9)
    assert sorted(item.message for item in others) == ["a explains", "b explains"]
