"""Files of orthologs: whose each record is, what it inherits, how near it is, and that none crosses a split."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from genotool.dataset import ORIGIN, Dataset
from genotool.errors import InputError, UsageError
from genotool.folds import make_folds
from genotool.ortholog_files import OrthologFiles
from genotool.orthologs import Orthologs
from genotool.registry import load
from genotool.split import Part
from genotool.stages.rows import Rows, RowsRequest, select

HEAD = "id\tortholog_id\tspecies\tdistance\n"
LENGTH = 40


def dna(seed: int) -> str:
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), LENGTH))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write 60 rows, each with an ortholog in two species; every tenth is the ortholog of its neighbour too."""
    rows = "".join(f"g{n}\t{dna(n)}\t{n % 2}\tf{n // 3}\n" for n in range(60))
    (tmp_path / "main.tsv").write_text("id\tsequence\tlabel\tfamily\n" + rows)
    for start, species in ((1000, "chi"), (2000, "cru")):
        (tmp_path / f"{species}.fa").write_text("".join(f">o{n}\n{dna(start + n)}\n" for n in range(60)))
    pairs = [(n, n, species, n / 60) for species in ("chi", "cru") for n in range(60)]
    pairs += [(n, n + 1, "cru", 0.5) for n in range(0, 59, 10)]
    (tmp_path / "table.tsv").write_text(HEAD + "".join(f"g{n}\to{o}\t{s}\t{d}\n" for n, o, s, d in pairs))
    return tmp_path


def files(folder: Path, **changed: object) -> OrthologFiles:
    fastas = {species: folder / f"{species}.fa" for species in ("chi", "cru")}
    return dataclasses.replace(OrthologFiles(fastas, folder / "table.tsv"), **changed)  # type: ignore[arg-type]


def chosen(folder: Path, split: str | None, **changed: object) -> Rows:
    request = RowsRequest(str(folder / "main.tsv"), split=split, orthologs=files(folder, **changed))
    return select(request)


def of_orthologs(rows: Dataset) -> set[int]:
    """Return the numbers of the records among some rows, 1000 and more for chi, 2000 and more for cru."""
    by_text = {dna(start + n): start + n for start in (1000, 2000) for n in range(60)}
    return {by_text[text] for text in rows.columns["sequence"] if text in by_text}


def numbers(main: Dataset, keep: np.ndarray) -> set[int]:
    return {int(name[1:]) for name in main.ids[keep]}


def permitted(held: set[int]) -> set[int]:
    """Return, by the table as it was written, which records have no held-out row."""
    wrong = {start + n for start in (1000, 2000) for n in held} | {2001 + n for n in held if n % 10 == 0 and n < 59}
    return {start + n for start in (1000, 2000) for n in range(60)} - wrong


def check(rows: Rows) -> None:
    held = numbers(rows.dataset, rows.split.parts != Part.TRAIN)
    assert of_orthologs(rows.train) == permitted(held), "every ortholog of training rows alone, and no other"
    assert not of_orthologs(rows.valid)
    assert not of_orthologs(rows.test)
    origin = np.asarray(rows.train.columns[ORIGIN])
    for name in ("chi", "cru"):
        mine = rows.train.take(np.flatnonzero(origin == name))
        parents = [name.split(":")[1] for name in mine.ids]
        assert mine.target.tolist() == [int(parent[1:]) % 2 for parent in parents], "the label of its row"
        assert mine.groups.tolist() == [f"f{int(parent[1:]) // 3}" for parent in parents], "and the group"


@pytest.mark.parametrize("split", [None, "row"])
def test_an_ortholog_trains_where_its_row_does(folder: Path, split: str | None) -> None:
    check(chosen(folder, split))


@pytest.mark.parametrize("fold", range(3))
def test_and_in_every_fold(folder: Path, fold: int) -> None:
    main = load(folder / "main.tsv")
    _, split = list(make_folds(main, "3", None, seed=1, repeats=1).splits(main, 0.15))[fold]
    split.save(folder / "split.tsv", main.ids)
    check(chosen(folder, str(folder / "split.tsv")))


def test_a_swap_draws_from_the_same_orthologs(folder: Path) -> None:
    rows = chosen(folder, None)
    origin = np.asarray(rows.train.columns[ORIGIN])
    own, *others = (
        dataclasses.replace(rows.train.take(np.flatnonzero(origin == name)), name=name)
        for name in ("main", "chi", "cru")
    )
    partners = Orthologs.from_datasets(own, others).of(own, held_out=rows.valid)
    assert partners.missing == 0
    held = numbers(rows.dataset, rows.split.parts != Part.TRAIN)
    drawn = {text for epoch in range(20) for text in partners.pool.take(partners.choose(
        np.arange(len(own)), 1.0, seed=1, epoch=epoch))}  # fmt: skip
    assert drawn <= {dna(number) for number in permitted(held)}


def test_a_planted_copy_of_a_held_out_row_is_left_out_too(folder: Path) -> None:
    rows = chosen(folder, None)
    held, train = (rows.dataset.ids[np.isin(rows.split.parts, part)][0] for part in (Part.TEST, Part.TRAIN))
    fasta = folder / "chi.fa"
    fasta.write_text(fasta.read_text().replace(dna(1000 + int(train[1:])), dna(int(held[1:]))))
    again = chosen(folder, None)
    assert dna(int(held[1:])) not in set(again.train.columns["sequence"])
    assert 1000 + int(train[1:]) not in of_orthologs(again.train)


def test_a_distance_limits_what_is_learned(folder: Path) -> None:
    near = chosen(folder, None, distance=0.25)
    assert of_orthologs(near.train)
    assert all(number % 1000 <= 15 for number in of_orthologs(near.train))
    with pytest.raises(InputError, match="no ortholog is as near"):
        chosen(folder, None, distance=-1.0)
    with pytest.raises(UsageError, match="needs distances"):
        files(folder, table=None, distance=0.5)
    with pytest.raises(UsageError, match="--ortholog-table goes with --ortholog-fasta"):
        OrthologFiles(table=folder / "table.tsv")


def test_without_a_table_a_record_is_called_as_its_row(folder: Path) -> None:
    fasta = folder / "chi.fa"
    fasta.write_text(fasta.read_text().replace(">o", ">g"))
    rows = chosen(folder, None, table=None, fastas={"chi": fasta})
    held = numbers(rows.dataset, rows.split.parts != Part.TRAIN)
    assert of_orthologs(rows.train) == {1000 + n for n in range(60) if n not in held}
    fasta.write_text(fasta.read_text().replace(">g", ">x"))
    with pytest.raises(InputError, match=r"no id is that of a row of main.*'x0'.*\nhint: rows are called 'g0'"):
        chosen(folder, None, table=None, fastas={"chi": fasta})


def test_a_reference_gene_may_name_the_row(folder: Path) -> None:
    table = folder / "main.tsv"
    lines = table.read_text().splitlines()
    named = [f"{line}\tAT{n - 1}" if n else f"{line}\tortholog" for n, line in enumerate(lines)]
    table.write_text("\n".join(named) + "\n")
    pairs = (folder / "table.tsv").read_text()
    (folder / "table.tsv").write_text(pairs.replace("\ng", "\nAT"))
    check(chosen(folder, None))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("\tcru\t", "\trubella\t"), "no ortholog of this species"),
        (lambda text: text + "g1\to1\tchi\t0\n", "twice"),
        (
            lambda text: re.sub(r"\to([1-5])", r"\tp\1", text),
            "are not in chi.fa, the first 'p1'",
        ),
        (lambda text: text.replace("\ng", "\nh"), "no id is that of a row"),
        (lambda text: text.replace("\t0.5\n", "\tfar\n"), "far"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(folder: Path, change: Callable[[str], str], said: str) -> None:
    table = folder / "table.tsv"
    table.write_text(change(table.read_text()))
    with pytest.raises(InputError, match=said):
        chosen(folder, None, distance=0.9)


def test_some_missing_records_are_counted_and_not_minded(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    fasta = folder / "chi.fa"
    fasta.write_text("\n".join(fasta.read_text().splitlines()[:80]) + "\n")
    rows = chosen(folder, None)
    assert max(number for number in of_orthologs(rows.train) if number < 2000) < 1040
    assert "20 of 60 orthologs of table.tsv are not in chi.fa, the first 'o40'" in caplog.text


def test_a_species_called_as_a_data_set_is_refused(folder: Path) -> None:
    (folder / "main.fa").write_text(f">g1\n{dna(1001)}\n")
    with pytest.raises(UsageError, match="'main' is a data set and a species"):
        chosen(folder, None, fastas={"main": folder / "main.fa"}, table=None)


def test_flags_and_records_say_the_same(folder: Path) -> None:
    made = OrthologFiles.of([f"chi={folder / 'chi.fa'}", str(folder / "cru.fa")], folder / "table.tsv", 0.5)
    assert made == files(folder, distance=0.5)
    assert OrthologFiles.from_json(made.to_json()) == made
    assert made.words()[-2:] == ["--ortholog-distance", "0.5"]
    with pytest.raises(UsageError, match="two FASTA files"):
        OrthologFiles.of([str(folder / "cru.fa"), str(folder / "cru.fa.gz")], None, None)
