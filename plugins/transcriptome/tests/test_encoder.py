"""From a matrix to images: units, genes, scales, layouts, and matrices that are not built like the training rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from genotool.dataset import Dataset, Kind
from genotool.elsewhere import in_classes, unmet_classes
from genotool.errors import InputError, UsageError
from genotool_transcriptome.encoder import IMAGE, ExpressionEncoder
from genotool_transcriptome.expression import unit_of
from genotool_transcriptome.family import ExpressionFamily
from genotool_transcriptome.genes import bare, kinds_in_words, matched, read_map
from genotool_transcriptome.layout import EXACT, by_correlation, read_positions
from genotool_transcriptome.scaled import ScaledRows
from genotool_transcriptome.settings import ExpressionConfig

RNG = np.random.default_rng(5)
LOGS = RNG.normal(6, 2, (30, 12)).clip(0.5).astype(np.float32)


def matrix(values: Any, genes: list[str] | None = None, **more: Any) -> Dataset:
    values = np.asarray(values, np.float32)
    names = genes or [f"g{number}" for number in range(values.shape[1])]
    ids = np.array([f"s{number}" for number in range(len(values))])
    return Dataset("rows", Kind.MATRIX, ids, {"expression": values}, features=np.array(names), **more)


def fitted(rows: Dataset, **settings: Any) -> ExpressionEncoder:
    return ExpressionEncoder(**settings).fit([rows])


@pytest.mark.parametrize(
    ("values", "unit", "used"),
    [
        ([[0, 3, 900], [2, 0, 41]], "counts", "cpm"),
        ([[0.2, 3.5, 900.25], [2, 0, 41]], "fpkm", "log2"),
        ([[0.5, 999_999, 0.5], [250_000.5, 250_000, 499_999.5]], "tpm", "log2"),
        ([[0.5, 11.2, 3], [2, 0, 4.1]], "log", "none"),
        ([[-0.5, 11.2, 3], [2, 0, 4.1]], "log", "none"),
        ([[-1.5, 1.5, 0.1], [1.4, -1.6, -0.1]], "centred", "none"),
        ([[-41.5, 1.5, 0.1], [41.4, -1.6, -0.1]], "centred", "none"),
    ],
)
def test_the_unit_is_told_by_the_values_and_said(values: Any, unit: str, used: str) -> None:
    rows = matrix(values)
    assert unit_of(rows).name == unit
    encoder = fitted(rows)
    assert encoder.used == used
    assert unit in encoder.said[0]


def test_linear_values_with_one_below_0_are_not_taken_for_centred_ones() -> None:
    with pytest.raises(InputError, match=r"no value below 0: gene g1 in s1") as raised:
        fitted(matrix([[0, 3, 900], [2, -1, 41], [5, 2, 20]]))
    assert "--normalize none" in (raised.value.hint or "")


def test_ids_of_several_kinds_are_said() -> None:
    (text,) = kinds_in_words(["ENSG00000141510.18", "TP53", "MYC", "7157"])
    assert text.startswith("gene ids are of several kinds: 1 Ensembl ids such as ENSG00000141510.18, 2 names such as")
    assert kinds_in_words(["Zm00001d000001", "Zm00001d000002.1"]) == []
    assert kinds_in_words([f"TP{number}" for number in range(98)] + ["7157"]) == [], "one odd probe is no kind"


def test_the_published_normalisation() -> None:
    encoder = fitted(matrix([[0, 1, 7], [3, 1, 0]]), normalize="published", scaling="none")
    table = encoder.table(matrix([[0, 1, 7]]))
    assert encoder.genes.tolist() == ["g0", "g2"], "g1 is constant"
    assert np.allclose(table, np.log2(np.array([[0, 7]]) + 0.001) + 10, atol=1e-5)


def test_a_negative_value_under_a_logarithm_is_named() -> None:
    with pytest.raises(InputError, match="below 0: gene g1 in s1"):
        fitted(matrix([[1, 2], [3, -4]]), normalize="log2")


def test_genes_without_variation_are_dropped_by_name() -> None:
    values = LOGS.copy()
    values[:, 3], values[:, 5], values[:, 7] = 0, 4.5, np.nan
    encoder = fitted(matrix(values), missing="mean")
    assert encoder.dropped == {
        "g3": "0 in every training row",
        "g5": "constant in the training rows",
        "g7": "no value in any training row",
    }
    assert encoder.side == 3
    with pytest.raises(InputError, match="no gene of rows is left"):
        fitted(matrix(np.zeros((4, 3))))


@pytest.mark.parametrize("how", ["mean", "median"])
def test_missing_values_are_filled_from_training_rows(how: Any) -> None:
    values = np.array([[1.5, 2], [2.5, 4], [9.5, 9], [np.nan, 3]])
    encoder = fitted(matrix(values), missing=how, scaling="none")
    expected = {"mean": 4.5, "median": 2.5}[how]
    assert encoder.table(matrix([[np.nan, 1]]))[0, 0] == pytest.approx(expected)


def test_a_missing_value_is_an_error_by_default() -> None:
    with pytest.raises(InputError, match="gene g0 has no value in s3"):
        fitted(matrix([[1.5, 2], [2.5, 4], [9.5, 9], [np.nan, 3]]))


def test_z_scores_are_those_of_training_rows() -> None:
    encoder = fitted(matrix(LOGS), scaling="zscore")
    assert np.allclose(encoder.table(matrix(LOGS)), (LOGS - LOGS.mean(0)) / LOGS.std(0), atol=1e-4)
    damped = fitted(matrix(LOGS), scaling="damped").table(matrix(LOGS))
    spread = LOGS.std(0) + np.median(LOGS.std(0))
    assert np.allclose(damped, (LOGS - LOGS.mean(0)) / spread, atol=1e-4)


def test_ranks_do_not_change_with_the_scale_of_a_sample() -> None:
    encoder = fitted(matrix(LOGS), scaling="rank")
    bent = np.exp(LOGS * RNG.uniform(0.3, 0.6, (30, 1))) * 100
    assert np.allclose(encoder.table(matrix(bent)), encoder.table(matrix(LOGS)), atol=1e-5)


def test_a_matrix_of_other_genes_is_read_by_name() -> None:
    encoder = fitted(matrix(LOGS, [f"ENSG{number:08d}.3" for number in range(12)]))
    order = RNG.permutation(12)
    other = matrix(
        np.hstack([LOGS[:, order], RNG.normal(size=(30, 2))]), [*(f"ENSG{i:08d}.11" for i in order), "x", "y"]
    )
    assert np.array_equal(encoder.encode(other)[IMAGE], encoder.encode(matrix(LOGS, encoder.genes.tolist()))[IMAGE])
    fewer = matrix(LOGS[:, :10], encoder.genes.tolist()[:10])
    table = encoder.table(fewer)
    assert np.allclose(table[:, 10:], 0), "genes that are not there stand at their mean"
    ranks = fitted(matrix(LOGS), scaling="rank").table(matrix(LOGS[:, :10]))
    assert np.allclose(ranks[:, 10:], 0)
    assert np.abs(ranks[:, :10]).max() > 0.5
    with pytest.raises(InputError, match="none of the model's 12 genes"):
        encoder.encode(matrix(LOGS))


def test_a_map_makes_symbols_and_ids_meet(tmp_path: Path) -> None:
    file = tmp_path / "map.tsv"
    file.write_text("symbol\tid\nTP53\tENSG00000141510\nMYC\tENSG00000136997\nTWO\tENSG1\nTWO\tENSG2\n")
    mapping = read_map(file)
    assert matched(["TP53", "myc", "two"], ["ENSG00000136997.7", "ENSG00000141510.18", "ENSG1"], mapping).tolist() == [
        1, 0, -1,
    ]  # fmt: skip
    assert matched(["ENSG00000141510.1"], ["tp53"], mapping).tolist() == [0], "in either direction"
    versions = ["ENSG00000141510.1", "ENSG00000141510.2"]
    assert matched(versions, versions).tolist() == [0, 1], "the same name before one without version"
    assert bare("HLA.A.1") == "HLA.A.1", "no version of an Ensembl id"
    assert bare("gene:AT1G01010.2") == "AT1G01010"


def test_another_matrix_is_scaled_by_the_training_rows_or_by_itself() -> None:
    family, shifted = ExpressionFamily(), matrix(LOGS[:, :9] + 3)
    encoder = fitted(matrix(LOGS), scaling="zscore")
    training = family.adapt(encoder, ExpressionConfig(), shifted)
    own = family.adapt(encoder, ExpressionConfig(elsewhere="set"), shifted)
    assert isinstance(own.encoder, ExpressionEncoder)
    assert np.allclose(own.encoder.table(shifted)[:, :9].mean(axis=0), 0, atol=1e-5)
    assert isinstance(training.encoder, ExpressionEncoder)
    assert (training.encoder.table(shifted)[:, :9].mean(axis=0) > 0.5).all()
    assert own.said["genes_shared"] == 9
    assert own.said["genes_missing"] == ["g9", "g10", "g11"]
    assert "the set itself" in own.sentence
    assert "9 of the model's 12 genes" in own.sentence
    terms = family.in_terms(encoder, shifted)
    assert terms.features is not None
    assert terms.features.tolist() == encoder.genes.tolist()


def test_values_for_the_floors_of_a_large_matrix_are_computed_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = matrix(LOGS)
    encoder = fitted(rows, scaling="rank")
    table = ExpressionFamily().in_terms(encoder, rows).columns["expression"]
    assert isinstance(table, np.ndarray)
    monkeypatch.setattr("genotool_transcriptome.scaled.LARGE", 4 * 12 * 7)  # seven rows
    lazy = ExpressionFamily().in_terms(encoder, rows).columns["expression"]
    assert isinstance(lazy, ScaledRows)
    assert lazy.shape == table.shape
    np.testing.assert_array_equal(np.asarray(lazy), table)
    np.testing.assert_array_equal(lazy.take(np.array([29, 3])), table[[29, 3]])
    np.testing.assert_array_equal(lazy[5:25, np.array([7, 1])], table[5:25, [7, 1]])


def test_only_shared_genes_are_learned() -> None:
    encoder = fitted(matrix(LOGS), only=("g2", "G5", "other"))
    assert encoder.genes.tolist() == ["g2", "g5"]
    assert encoder.dropped["g0"] == "not in the matrix that genes are shared with"


def test_attributions_find_their_way_back_to_genes() -> None:
    encoder = fitted(matrix(LOGS), layout="correlation", scaling="none")
    image = encoder.encode(matrix(LOGS))[IMAGE]
    assert image.shape == (30, 4, 4, 1)
    assert np.array_equal(encoder.by_gene(image), LOGS)
    flat = image.reshape(30, -1)
    assert np.array_equal(flat[:, encoder.places()], LOGS)


def test_what_is_saved_encodes_the_same(tmp_path: Path) -> None:
    encoder = fitted(matrix(LOGS), layout="correlation", scaling="rank", mapping={"A": "B"})
    encoder.save(tmp_path)
    again = ExpressionEncoder().load(tmp_path)
    assert np.array_equal(again.encode(matrix(LOGS))[IMAGE], encoder.encode(matrix(LOGS))[IMAGE])
    assert again.mapping == {"A": "B"}


@pytest.mark.parametrize("genes", [120, EXACT + 300])
def test_a_layout_by_correlation_puts_alike_genes_side_by_side(genes: int) -> None:
    programmes = RNG.normal(size=(25, 6))
    member = RNG.permutation(np.arange(genes) % 6)
    values = (programmes[:, member] + 0.2 * RNG.normal(size=(25, genes))).astype(np.float32)
    order = by_correlation(values, seed=0)
    assert sorted(order.tolist()) == list(range(genes))
    alike = float((np.diff(member[order]) == 0).mean())
    assert alike > 0.9
    assert np.array_equal(order, by_correlation(values, seed=0))


def test_genes_lie_along_chromosomes(tmp_path: Path) -> None:
    table, gff = tmp_path / "genes.tsv", tmp_path / "genes.gff3"
    places = {"g0": ("chr10", 5), "g1": ("chr2", 900), "g2": ("chrX", 1), "g3": ("chr2", 30)}
    table.write_text("gene\tchromosome\tstart\n" + "".join(f"{g}\t{c}\t{s}\n" for g, (c, s) in places.items()))
    lines = [f"{c}\t.\tgene\t{s}\t{s + 9}\t.\t+\t.\tID=gene:{g};Name=n" for g, (c, s) in places.items()]
    gff.write_text("##gff-version 3\n" + "\n".join([*lines, "chr2\t.\tmRNA\t1\t9\t.\t+\t.\tID=t1"]) + "\n")
    for file in (table, gff):
        encoder = fitted(matrix(LOGS[:, :5]), layout="position", positions=read_positions(file))
        assert encoder.genes[encoder.order].tolist() == ["g3", "g1", "g0", "g2", "g4"], file.name
        assert "1 of 5 genes have no known position" in encoder.said[1]
    table.write_text("gene\twhere\n")
    with pytest.raises(InputError, match="does not say where genes lie"):
        read_positions(table)
    with pytest.raises(UsageError, match="--positions"):
        ExpressionFamily().encoder(ExpressionConfig(layout="position"), None)  # type: ignore[arg-type]


def test_classes_meet_by_name_and_others_are_counted() -> None:
    rows = matrix(LOGS[:4], target=np.array([0, 1, 2, 2]), classes=("Brain_Cortex", "kidney", "tassel"))
    met, said = in_classes(rows, ("Liver", "brain cortex", "Kidney"))
    unmet = "unknown to the model, and left out: tassel (2 rows); known to the model, and not in the set: Liver"
    assert unmet_classes(said) == f"classes {unmet}"
    assert unmet_classes({}) == ""
    assert met.ids.tolist() == ["s0", "s1"]
    assert met.target is not None
    assert met.target.tolist() == [1, 2]
    assert said == {"classes_unknown": {"tassel": 2}, "classes_absent": ["Liver"]}
    assert met.about.left_out == {"tassel: no class of the model": 2}
    with pytest.raises(InputError, match="no row of rows has a class"):
        in_classes(rows, ("a", "b", "c"))
