"""Expression matrices in the formats that people have them in, and what is wrong with some of them."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from genotool import registry
from genotool.catalogue import Entry, FileSpec
from genotool.dataset import Dataset, Kind
from genotool.errors import GenotoolError, InputError
from genotool.readers import Wanted, read
from scipy import sparse
from scipy.io import mmwrite

GENES = ("ENSG01", "ENSG02", "ENSG03")
CELLS = ("AAA-1", "CCC-1", "GGG-1", "TTT-1")
COUNTS = np.array([[0, 2, 1], [5, 0, 0], [0, 0, 7], [1, 1, 1]], np.float32)


def folder(place: Path, features: str, *, counts: np.ndarray = COUNTS, packed: bool = True) -> Path:
    place.mkdir()
    mmwrite(place / "matrix.mtx", sparse.coo_array(counts.T.astype(int)))
    texts = {"features.tsv": features, "barcodes.tsv": "\n".join(CELLS) + "\n"}
    for name, text in texts.items():
        (place / name).write_text(text)
    if packed:
        for name in ("matrix.mtx", *texts):
            (place / f"{name}.gz").write_bytes(gzip.compress((place / name).read_bytes()))
            (place / name).unlink()
    return place


def tenx_h5(file: Path) -> Path:
    import h5py

    csr = sparse.csr_array(COUNTS)
    with h5py.File(file, "w") as content:
        group = content.create_group("matrix")
        for name, values in {"data": csr.data.astype(int), "indices": csr.indices, "indptr": csr.indptr}.items():
            group[name] = values
        group["shape"], group["barcodes"] = [3, 4], np.array(CELLS, "S")
        group["features/id"] = np.array(GENES, "S")
        group["features/feature_type"] = np.array(["Gene Expression"] * 3, "S")
    return file


def check_counts(rows: Dataset) -> None:
    assert rows.ids.tolist() == list(CELLS)
    assert rows.features is not None
    assert rows.features.tolist() == list(GENES)
    column = rows.columns["expression"]
    assert sparse.issparse(column)
    assert column.dtype == np.float32
    assert np.array_equal(column.toarray(), COUNTS)


def test_a_10x_folder_and_a_10x_h5_are_sparse_matrices(tmp_path: Path) -> None:
    features = "".join(f"{gene}\tsymbol\tGene Expression\n" for gene in GENES)
    check_counts(registry.load(folder(tmp_path / "run", features)))
    check_counts(registry.load(tenx_h5(tmp_path / "run.h5")))


def test_the_cells_of_a_10x_folder_get_their_labels_from_a_table(tmp_path: Path) -> None:
    folder(tmp_path / "run", "".join(f"{gene}\n" for gene in GENES))
    (tmp_path / "cells.tsv").write_text("cell\ttype\nAAA-1\tT\nCCC-1\tB\nGGG-1\tT\nXXX-1\tB\n")
    files = {"data": tmp_path / "run/matrix.mtx.gz", "meta": tmp_path / "cells.tsv"}
    entry = Entry("run", Kind.MATRIX, "10x", {k: FileSpec(str(v)) for k, v in files.items()}, id="cell", target="type")
    rows = read(entry, files, Wanted())
    assert rows.ids.tolist() == ["AAA-1", "CCC-1", "GGG-1"]
    assert rows.classes == ("B", "T")
    assert rows.target is not None
    assert rows.target.tolist() == [1, 0, 1]
    assert np.array_equal(rows.columns["expression"].toarray(), COUNTS[:3])  # type: ignore[union-attr]


def test_features_that_are_no_genes_are_left_out(tmp_path: Path) -> None:
    features = "ENSG01\ta\tGene Expression\nADT\tb\tAntibody Capture\nENSG03\tc\tGene Expression\n"
    rows = registry.load(folder(tmp_path / "run", features))
    assert rows.features is not None
    assert rows.features.tolist() == ["ENSG01", "ENSG03"]
    assert np.array_equal(rows.columns["expression"].toarray(), COUNTS[:, [0, 2]])  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("features", "said"), [("ENSG01\nENSG01\nENSG02\n", "occurs twice"), ("ENSG01\nENSG02\n", "4 barcodes and 2")]
)
def test_a_10x_folder_that_does_not_fit_is_refused(tmp_path: Path, features: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        registry.load(folder(tmp_path / "run", features, packed=False))


def test_a_10x_folder_without_its_features_is_refused(tmp_path: Path) -> None:
    place = folder(tmp_path / "run", "", packed=False)
    (place / "features.tsv").unlink()
    with pytest.raises(InputError, match=r"no features.tsv beside"):
        registry.load(place)


def test_a_damaged_h5_is_refused_in_a_line(tmp_path: Path) -> None:
    import h5py

    file = tenx_h5(tmp_path / "run.h5")
    with h5py.File(file, "a") as content:
        content["matrix/indices"][...] = 99
    with pytest.raises(InputError, match="cannot be read"):
        registry.load(file)


def test_parquet_goes_by_the_rules_of_text(tmp_path: Path) -> None:
    pandas, _ = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    table = pandas.DataFrame(COUNTS, columns=list(GENES)).assign(sample=list(CELLS), tissue=["a", "b", "a", "b"])
    table.loc[0, "ENSG02"] = np.nan
    expected = COUNTS.copy()
    expected[0, 1] = np.nan
    table[["tissue", "sample", *GENES]].set_index("sample").to_parquet(tmp_path / "indexed.parquet")
    table[["sample", "ENSG01", "tissue", "ENSG02", "ENSG03"]].to_parquet(tmp_path / "middle.parquet", index=False)
    table.to_csv(tmp_path / "text.csv", index=False, columns=["sample", "ENSG01", "tissue", "ENSG02", "ENSG03"])
    for name in ("indexed.parquet", "middle.parquet", "text.csv"):
        rows = registry.load(tmp_path / name)
        assert rows.ids.tolist() == list(CELLS), name
        assert rows.classes == ("a", "b"), name
        assert rows.features is not None
        assert rows.features.tolist() == list(GENES), name
        assert np.array_equal(rows.columns["expression"], expected, equal_nan=True), name  # type: ignore[arg-type]


def test_a_parquet_file_that_is_none_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match="cannot be read"):
        registry.load(tmp_path / "a.parquet")


BAD = {
    "two columns have the same name": "id,g1,g1,tissue\na,1,2,x\nb,2,1,y\n",
    "a sample occurs twice": "id,g1,g2,tissue\na,1,2,x\na,2,1,y\n",
    "no number in the column 'g2'": "id,g1,g2,g3,tissue\na,1,high,2,x\nb,2,low,1,y\n",
    "infinite or too large in the column 'g1'": "id,g1,g2,tissue\na,inf,2,x\nb,2,1,y\n",
    "cells where the header has": "id,g1,g2,tissue\na,1,2\nb,2,1,y\n",
}


@pytest.mark.parametrize("said", BAD)
def test_a_matrix_with_a_fault_is_refused_by_name(tmp_path: Path, said: str) -> None:
    (tmp_path / "bad.csv").write_text(BAD[said])
    with pytest.raises(GenotoolError, match=said):
        registry.load(tmp_path / "bad.csv", kind=Kind.MATRIX)


def test_seventy_thousand_genes_and_ids_of_mixed_kinds(tmp_path: Path) -> None:
    genes = [*map(str, range(69_999)), "ENSG00000141510.18"]
    rows = "".join(f"{name}{',1.5' * 70_000},{tissue}\n" for name, tissue in (("7", "a"), ("s8", "b"), ("9.0", "a")))
    (tmp_path / "wide.csv").write_text(f"id,{','.join(genes)},tissue\n{rows}")
    found = registry.load(tmp_path / "wide.csv")
    assert found.ids.tolist() == ["7", "s8", "9.0"]
    assert found.columns["expression"].shape == (3, 70_000)  # type: ignore[union-attr]


def test_a_matrix_in_which_nothing_was_measured_is_named(tmp_path: Path) -> None:
    file = tmp_path / "empty.csv"
    file.write_text("id,g1,g2,tissue\na,0,0.0,leaf\nb,0,0,root\n")
    with pytest.raises(InputError, match=r"empty\.csv: every value of every gene is 0"):
        registry.load(str(file))
