"""Which rows train: no gene and no guide trains in one cell line and tests in another; what a model saw trains."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from genotool import registry
from genotool.audit import ModelKeys, overlap_mask, read_keys, write_keys
from genotool.dataset import ORIGIN, Dataset
from genotool.errors import AuditFindingError
from genotool.sequences import Sequences
from genotool.split import Fractions, Part
from genotool.stages.rows import Rows, RowsRequest, select

LINES = ("hct116", "hela", "hl60", "hek293")


def chosen(line: str, seed: int, data_dir: Path | None, seen: ModelKeys | None = None) -> Rows:
    others = tuple(other for other in LINES if other != line)
    sound = tuple(other for other in others if other != "hek293")
    return select(RowsRequest(line, data_dir=data_dir, seed=seed, together=sound, beside=others), seen)


def cores(rows: Dataset) -> set[str]:
    """Bases 3-23: guides equal there are one guide."""
    guides = rows.columns["guide"]
    assert isinstance(guides, Sequences)
    return {text[2:] for text in guides}


def genes(rows: Dataset) -> set[str]:
    assert rows.groups is not None
    return set(rows.groups.tolist()) - {""}


def check_kept_apart(data_dir: Path | None, seed: int, seen: ModelKeys | None = None) -> None:
    parts = {line: chosen(line, seed, data_dir, seen) for line in LINES}
    for line, rows in parts.items():
        for other, elsewhere in parts.items():
            assert not genes(rows.refit) & genes(elsewhere.test), f"{line} trains genes that test in {other}"
            assert not cores(rows.refit) & cores(elsewhere.test), f"{line} trains guides that test in {other}"
            assert not genes(rows.train) & genes(elsewhere.valid)
        assert len(rows.test) > 0.04 * len(rows.dataset), f"{line} keeps rows to test on"


@pytest.mark.parametrize("seed", range(4))
def test_no_gene_and_no_guide_trains_in_one_line_and_tests_in_another(demo: Path, seed: int) -> None:
    check_kept_apart(demo, seed)


def test_nor_when_a_finished_model_has_moved_rows_to_training(demo: Path, tmp_path: Path) -> None:
    """The gene of a guide that the model has seen trains in every line, whichever line holds the guide."""
    benchmark = registry.load("deephf-wt", data_dir=demo)
    write_keys(tmp_path / "keys.bin", benchmark)
    seen = read_keys(tmp_path / "keys.bin")
    check_kept_apart(demo, 0, seen)
    for line in LINES[:3]:  # the simulated HEK293 shares no guide with the benchmark
        rows = chosen(line, 0, demo, seen)
        assert len(rows.met)
        known = overlap_mask(rows.dataset, seen, relations=("exact", "reverse_complement", "variant"))
        assert (rows.split.parts[known] == Part.TRAIN).all()


@pytest.mark.data
@pytest.mark.parametrize("seed", range(3))
def test_nor_on_the_real_lines(seed: int) -> None:
    check_kept_apart(None, seed)


def test_benchmark_rows_that_meet_held_out_rows_of_a_line_do_not_train(demo: Path) -> None:
    """With ``:all`` those that meet any row. Bases 1 and 2 do not count: PAM-distal variants meet."""
    request = RowsRequest("deephf-wt", data_dir=demo, split="row", fractions=Fractions(0.15, 0.085))
    open_door = select(request)
    careful = select(dataclasses.replace(request, avoid=LINES))
    strict = select(dataclasses.replace(request, avoid=("hct116:all",)))
    line = chosen("hct116", 0, demo)
    held_out = cores(line.test) | cores(line.valid)
    assert cores(open_door.train) & held_out, "the demo has guides to drop, or the test says nothing"
    assert not cores(careful.train) & held_out
    assert not cores(strict.train) & cores(line.dataset)
    assert len(open_door.train) > len(careful.train) > len(strict.train)


def test_rows_that_meet_are_an_error_where_that_is_asked_for(demo: Path) -> None:
    request = RowsRequest("deephf-wt", data_dir=demo, split="row", avoid=("hct116:all",), overlap="error")
    with pytest.raises(AuditFindingError, match="meet held-out rows"):
        select(request)


def test_refit_rows_are_training_and_validation_and_keep_their_line(demo: Path) -> None:
    rows = chosen("hct116", 0, demo)
    assert len(rows.refit) == len(rows.train) + len(rows.valid)
    assert set(rows.refit.ids.tolist()) == set(rows.train.ids.tolist()) | set(rows.valid.ids.tolist())
    assert set(np.asarray(rows.refit.columns[ORIGIN]).tolist()) == {"hct116", "hela", "hl60"}


def test_a_gene_that_tests_in_a_set_of_few_genes_trains_nowhere(tmp_path: Path) -> None:
    """A set of few genes and one with a published split do not go by the hash that others go by."""
    rng = np.random.default_rng(0)

    def written(name: str, genes: list[str], *, split: bool = False) -> str:
        guides = ["".join(rng.choice(list("ACGT"), 21)) + "GG" for _ in range(len(genes))]
        cells = [
            f"{guide}\t{number % 2}\t{gene}" for number, (guide, gene) in enumerate(zip(guides, genes, strict=True))
        ]
        ends = ["\ttest" if split and gene == "G1" else "\ttrain" if split else "" for gene in genes]
        head = "guide\tlabel\tgene" + ("\tsplit" if split else "")
        file = tmp_path / f"{name}.tsv"
        file.write_text("\n".join([head, *map("".join, zip(cells, ends, strict=True))]) + "\n")
        return str(file)

    sets = {
        "few": written("few", [f"G{i % 5}" for i in range(100)]),
        "many": written("many", [f"g{i % 40}" for i in range(400)]),
        "published": written("published", [f"G{i % 20}" for i in range(200)], split=True),
    }
    for seed in range(6):
        for name, path in sets.items():
            others = tuple(other for key, other in sets.items() if key != name)
            rows = select(RowsRequest(path, seed=seed, together=others))
            tested = {gene.upper() for gene in genes(rows.test)}
            assert tested
            assert not tested & {gene.upper() for gene in genes(rows.refit)}


def test_a_split_file_that_keeps_genes_together_counts_as_one_by_gene(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)

    def written(name: str) -> str:
        guides = ["".join(rng.choice(list("ACGT"), 21)) + "GG" for _ in range(400)]
        lines = [f"{guide}\t{number % 2}\tgene{number % 40}" for number, guide in enumerate(guides)]
        (tmp_path / name).write_text("guide\tlabel\tgene\n" + "\n".join(lines) + "\n")
        return str(tmp_path / name)

    first, second = written("first.tsv"), written("second.tsv")
    part = {0: "test", 1: "valid"}
    lines = [f"{row}\t{part.get(number % 40 % 5, 'train')}" for number, row in enumerate(registry.load(first).ids)]
    (tmp_path / "split.tsv").write_text("id\tpart\n" + "\n".join(lines) + "\n")
    rows = select(RowsRequest(first, split=str(tmp_path / "split.tsv"), together=(second,)))
    assert genes(rows.test) == {f"gene{number}" for number in range(0, 40, 5)}
    assert not genes(rows.test) & genes(rows.refit)


def test_genes_that_the_parent_trained_on_do_not_test_whatever_the_seed(tmp_path: Path, demo: Path) -> None:
    keys = tmp_path / "keys.bin"
    line = chosen("hct116", 0, demo)
    write_keys(keys, line.refit)
    known = {gene.upper() for gene in genes(line.refit)}
    rows = select(RowsRequest("hela", data_dir=demo, seed=1), read_keys(keys), known)
    assert len(rows.test)
    assert not {gene.upper() for gene in genes(rows.test)} & known
