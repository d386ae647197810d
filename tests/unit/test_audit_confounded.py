"""Labels that a batch, a donor or a plain number explains; what a split by row would flatter; genes that meet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from genotool import registry
from genotool.audit import Finding, audit_datasets, audit_split
from genotool.audit.batch import explained_by_columns
from genotool.audit.gene_names import damaged_names, id_type, names_that_do_not_meet
from genotool.audit.memorised import fall_of, groups_matter
from genotool.audit.nuisance import plain_numbers, predicted_by_a_number
from genotool.audit.shared_names import shared_by_name
from genotool.dataset import Dataset, Kind
from genotool.errors import UsageError
from genotool.sequences import Sequences
from genotool.split import Fractions, by_row
from genotool.stages.audit import AuditRequest, audit


def matrix(
    target: np.ndarray, columns: dict[str, np.ndarray] | None = None, genes: list[str] | None = None, **more: object
) -> Dataset:
    rng = np.random.default_rng(len(target))
    genes = genes or [f"ENSG{i:011d}" for i in range(40)]
    values = rng.poisson(3.0, (len(target), len(genes))).astype(np.float32)
    ids = np.array([f"cell{i}" for i in range(len(target))])
    classes = () if target.dtype.kind == "f" else tuple(map(str, range(int(target.max()) + 1)))
    given = {"name": "m", "groups": None, **more}
    return Dataset(
        str(given["name"]), Kind.MATRIX, ids, {"expression": values, **(columns or {})}, target, classes,
        groups=given["groups"], features=np.array(genes),  # type: ignore[arg-type]
    )  # fmt: skip


def only(found: list[Finding]) -> Finding:
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(("rows", "values"), [(60, 2), (400, 6)])
def test_a_label_that_equals_its_batch_is_severe(rows: int, values: int) -> None:
    target = np.arange(rows) % 2
    file = np.array([f"file{label + 2 * (i // 2 % (values // 2))}" for i, label in enumerate(target)])
    found = only(list(explained_by_columns(matrix(target, {"file": file}))))
    assert (found.code, found.severity) == ("batch-explains-label", "severe")
    assert found.effect["file"]["cramers_v"] == pytest.approx(1.0, abs=0.01)
    assert found.effect["file"]["roc_auc"] == pytest.approx(1.0)
    assert found.effect["file"]["majority"] == pytest.approx(0.5)


def test_batches_that_hold_all_labels_alike_give_nothing() -> None:
    target = np.arange(400) % 2
    assert not list(explained_by_columns(matrix(target, {"batch": np.array([f"b{i // 2 % 4}" for i in range(400)])})))


def test_a_batch_that_was_asked_for_is_answered_whatever_it_explains() -> None:
    target, plate = np.arange(400) % 2, np.array([f"p{i // 2 % 4}" for i in range(400)])
    columns = {"plate": plate, "alone": np.array([f"x{i}" for i in range(400)])}
    little, alone = explained_by_columns(matrix(target, columns), ["plate", "alone"])
    assert (little.code, little.severity) == ("batch-explains-little", "note")
    assert "plate (4 values, in 400 rows) explains little of the target of m: Cramér's V 0.00, p 1" in little.message
    assert "it alone scores ROC-AUC 0." in little.message
    assert "cannot be judged: it has 400 values in 400 rows, 2 to 200 can be judged" in alone.message
    number = matrix(np.random.default_rng(0).normal(size=400), columns)
    assert "eta squared 0.0" in only(list(explained_by_columns(number, ["plate"]))).message


def test_severity_goes_with_how_much_a_batch_explains() -> None:
    rng = np.random.default_rng(3)
    target = np.arange(2000) % 2
    severities = []
    for share in (0.5, 0.62, 0.8, 0.99):
        batch = np.where(rng.random(2000) < share, target, 1 - target).astype(np.str_)
        severities += [item.severity for item in explained_by_columns(matrix(target, {"plate": batch}))] or ["none"]
    assert severities == ["none", "note", "warning", "severe"]


def test_a_column_that_nobody_calls_a_batch_is_one_when_asked() -> None:
    target = np.arange(100) % 2
    treated = matrix(target, {"treatment": np.where(target == 1, "drug", "vehicle")})
    found = only(list(explained_by_columns(treated)))
    assert (found.code, found.severity) == ("column-is-label", "note")
    assert "drug is 1, vehicle is 0" in found.message
    assert only(list(explained_by_columns(treated, ["treatment"]))).severity == "severe"


def test_the_column_of_the_label_itself_is_no_finding() -> None:
    target = np.arange(100) % 2
    assert not list(explained_by_columns(matrix(target, {"aba_label": target.astype(np.str_)})))


@pytest.mark.parametrize(
    ("units", "own", "severity"), [(2, False, "severe"), (20, False, "warning"), (20, True, "note")]
)
def test_donors_with_one_label_each(units: int, own: bool, severity: str) -> None:
    target = np.arange(200) % 2
    donor = np.array([f"d{2 * (i // 2 % (units // 2)) + label}" for i, label in enumerate(target)])
    found = only(list(explained_by_columns(matrix(target, {"donor": donor}, groups=donor if own else None))))
    assert found.severity == severity


def test_a_number_that_a_batch_explains() -> None:
    rng = np.random.default_rng(0)
    batch = rng.choice(["a", "b", "c"], 500)
    target = (batch == "a") * 3.0 + rng.normal(size=500)
    found = only(list(explained_by_columns(matrix(target, {"batch": batch}))))
    between = np.var([target[batch == b].mean() for b in batch])  # by rows, so weighted by size
    assert found.effect["batch"]["eta_squared"] == pytest.approx(between / target.var())
    assert found.severity == "warning"
    assert not list(explained_by_columns(matrix(rng.normal(size=500), {"batch": batch})))


def test_batch_and_target_from_files_and_flags(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lines = ["cell," + ",".join(f"g{i}" for i in range(5)) + ",batch,tissue,dose"]
    for i in range(60):
        row = ",".join(map(str, rng.integers(0, 9, 5)))
        lines.append(f"c{i},{row},{1 + i % 2},{'ab'[i % 2]},{'xy'[i // 2 % 2]}")
    file = tmp_path / "m.csv"
    file.write_text("\n".join(lines) + "\n")
    assert len(registry.load(str(file)).features) == 5
    found, _ = audit(AuditRequest((str(file),), target="tissue", batches=("batch",)))
    assert found.worst == "severe"
    found, _ = audit(AuditRequest((str(file),), target="dose"))
    assert found.worst == "none", found.table()
    with pytest.raises(UsageError, match="no column 'plat'"):
        audit(AuditRequest((str(file),), batches=("plat",)))


def test_the_columns_of_an_h5ad_file_are_batches_too(tmp_path: Path) -> None:
    import anndata
    import pandas as pd

    target = np.arange(60) % 2
    obs = pd.DataFrame({"label": target.astype(str), "plate": target + 1}, index=[f"c{i}" for i in range(60)])
    values = np.random.default_rng(0).poisson(2, (60, 9)).astype(np.float32)
    anndata.AnnData(values, obs=obs).write_h5ad(tmp_path / "m.h5ad")
    found, _ = audit(AuditRequest((str(tmp_path / "m.h5ad"),), target="label"))
    assert [item.severity for item in found.findings if item.code == "batch-explains-label"] == ["severe"]


def sequences(texts: list[str], target: np.ndarray, **more: object) -> Dataset:
    ids = more.pop("ids", np.array([f"s{i}" for i in range(len(texts))]))
    columns = {"sequence": Sequences.from_strings(texts), **more.pop("columns", {})}  # type: ignore[dict-item]
    return Dataset(str(more.pop("name", "s")), Kind.SEQUENCES, ids, columns, target, ("0", "1"), **more)  # type: ignore[arg-type]


def test_gc_alone_is_a_floor_by_group_and_not_more_than_it_is() -> None:
    rng = np.random.default_rng(0)
    target = np.arange(300) % 2
    texts = ["".join(rng.choice(list("ACGT"), 80, p=[0.2, 0.3, 0.3, 0.2] if t else [0.25] * 4)) for t in target]
    groups = np.array([f"g{i % 60}" for i in range(300)])
    found = only(list(predicted_by_a_number(sequences(texts, target, groups=groups))))
    assert found.severity == "warning"
    assert set(found.effect) == {"GC"}
    assert not list(predicted_by_a_number(sequences(texts, rng.permutation(target), groups=groups)))


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda values: values, "depth (the sum of a row)"),
        (lambda values: values * 17.3, "depth (the sum of a row)"),
        (np.log1p, "the sum of a row"),
        (lambda values: values - 2, "the sum of a row"),
    ],
)
def test_the_sum_of_a_row_is_depth_of_counts_alone(change, name: str) -> None:
    from scipy import sparse

    values = change(np.random.default_rng(0).poisson(3.0, (40, 50)).astype(np.float64))
    for column in (values, sparse.csr_array(values)):
        made = Dataset("m", Kind.MATRIX, np.arange(40).astype(np.str_), {"expression": column}, None, ())
        assert next(iter(plain_numbers(made)))[0] == name


def test_depth_that_only_a_few_donors_explain_is_not_trusted() -> None:
    """A depth that differs by donor looks like a signal by row; by donor it is chance."""
    rng = np.random.default_rng(1)
    donor = np.arange(400) % 40
    label = rng.permutation(np.arange(40) % 2)[donor]
    values = rng.poisson(rng.gamma(4, 1, 40)[donor][:, None], (400, 30)).astype(np.float32)
    made = Dataset("m", Kind.MATRIX, np.arange(400).astype(np.str_), {"expression": values}, label, ("0", "1"),
                   groups=donor.astype(np.str_))  # fmt: skip
    assert all(item.severity == "note" for item in predicted_by_a_number(made))


def test_what_a_split_by_row_would_flatter() -> None:
    """Groups with a word and a label of their own: known again by row, nothing by group."""
    rng = np.random.default_rng(0)
    words = ["".join(word) for word in rng.choice(list("ACGT"), (40, 30))]
    label = rng.permutation(np.arange(40) % 2)
    rows = np.arange(800) % 40
    texts = [words[row] + "".join(rng.choice(list("ACGT"), 30)) for row in rows]
    made = sequences(texts, label[rows], groups=rows.astype(np.str_))
    fall = fall_of(made)
    assert fall is not None
    assert fall.by_row > 0.9
    assert abs(fall.by_group - 0.5) < 0.2
    assert only(list(groups_matter(made))).severity == "warning"
    straddling = next(i for i in audit_split(made, by_row(made, 0, Fractions())).findings if "straddling" in i.code)
    assert straddling.severity == "severe"
    assert f"{fall.by_row:.3f} by row" in straddling.message


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["ENSG00000105954", "ENSG00000270816"], "Ensembl human gene ids"),
        (["ENSG00000105954.3", "ENSG00000270816.11"], "Ensembl human gene ids with a version"),
        (["ENSMUSG00000051951", "ENSMUSG00000025900"], "Ensembl mouse gene ids"),
        (["TP53", "A2M", "C1orf112", "HLA-A"], "symbols written as in human (TP53)"),
        (["Trp53", "Actb", "H2-K1"], "symbols written as in mouse (Trp53)"),
        (["7157", "2", "entrez_9496"], "Entrez gene numbers"),
        (["AT1G01225", "at2g01020"], "Arabidopsis thaliana locus ids (TAIR)"),
        (["Zm00001d027230", "Zm00001d027231"], "maize gene ids (B73 v4, v5)"),
        (["GRMZM2G059865", "AC148152.3_FG005"], "maize gene ids (B73 v3 and before)"),
        (["1007_s_at", "1053_at", "117_at"], "Affymetrix probe ids"),
        (["?", "!"], "names of no known kind"),
    ],
)
def test_kinds_of_gene_ids(names: list[str], said: str) -> None:
    assert id_type(names) == said


def test_gene_names_that_do_not_meet() -> None:
    target = np.arange(30) % 2
    plain = [f"ENSG{i:011d}" for i in range(100)]
    versions = [f"{name}.{i % 7}" for i, name in enumerate(plain)]
    symbols = [f"GENE{i}" for i in range(100)]
    one = matrix(target, genes=plain, name="one")
    found = only(list(names_that_do_not_meet(one, matrix(target, genes=versions, name="other"))))
    assert (found.severity, found.count, found.total) == ("severe", 100, 100)
    assert "without versions, prefixes and case 100 (100.0 %) meet" in found.message
    assert "version" in found.remedy
    found = only(list(names_that_do_not_meet(one, matrix(target, genes=symbols, name="other"))))
    assert found.remedy.startswith("map ")
    half = only(list(names_that_do_not_meet(one, matrix(target, genes=plain[:30] + symbols[:70], name="other"))))
    assert (half.severity, half.count) == ("warning", 70)
    assert not list(names_that_do_not_meet(one, matrix(target, genes=plain[5:], name="other")))
    dates = only(list(damaged_names(matrix(target, genes=["1-Mar", "2-Sep", "Dec-1", *symbols[:30]]))))
    assert dates.count == 3


def test_genes_shared_by_name_though_no_sequence_matches() -> None:
    rng = np.random.default_rng(0)
    texts = ["".join(word) for word in rng.choice(list("ACGT"), (120, 60))]
    target = np.arange(60) % 2
    genes = np.array([f"AT{1 + i % 5}G{i:05d}" for i in range(60)])
    ath = sequences(texts[:60], target, ids=genes, name="ath")
    lyrata = sequences(texts[60:], target, columns={"ortholog": np.char.add(genes, ".1")}, name="aly")
    found = only([i for i in audit_datasets([ath, lyrata]).findings if i.code == "shared-names"])
    assert (found.severity, found.count) == ("severe", 60)
    assert "id here, ortholog there" in found.message
    other = sequences(texts[60:], rng.permutation(target), columns={"ortholog": genes}, name="aly")
    assert only(list(shared_by_name(ath, other))).severity == "note"
    assert not list(shared_by_name(ath, sequences(texts[60:], target, name="aly")))


@pytest.mark.data
def test_real_sets() -> None:
    epd, aly = registry.load("aba-epd"), registry.load("aba-aly")
    assert only(list(shared_by_name(epd, aly))).count == 421
    nutlin, letrozole = registry.load("ngp-nutlin"), registry.load("gse20181")
    assert only(list(names_that_do_not_meet(nutlin, letrozole))).severity == "severe"


@pytest.mark.data
def test_cd33_by_row_and_by_locus() -> None:
    fall = fall_of(registry.load("cd33-pairs"))
    assert fall is not None
    assert fall.by_row == pytest.approx(0.86, abs=0.03)
    assert fall.by_group < 0.65
