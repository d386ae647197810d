"""The two toy families as a plugin, and a folder of data sets for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from genotool import plugins
from genotool.dataset import KEY_COLUMNS, Dataset, Kind, Task
from genotool.testing import toy_dataset

HERE = Path(__file__).parent


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Register the toy families in this process."""
    monkeypatch.syspath_prepend(str(HERE))
    import genotool_toys

    manager = plugins.manager()
    manager.register(genotool_toys, name="toys")
    plugins.specs.cache_clear()
    yield
    manager.unregister(name="toys")
    plugins.specs.cache_clear()


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """Return a data folder with a catalogue of three sets: sequences, pairs, and a sparse matrix."""
    return write_data(tmp_path / "data")


@pytest.fixture(scope="session")
def shared_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same folder, for many tests that only read it."""
    return write_data(tmp_path_factory.mktemp("shared") / "data")


@pytest.fixture(scope="session")
def toys_installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for PYTHONPATH in which the toy families are installed, for processes that a test starts."""
    site = tmp_path_factory.mktemp("site")
    about = site / "toys-0.1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: toys\nVersion: 0.1\n")
    (about / "entry_points.txt").write_text("[genotool]\ntoys = genotool_toys\n")
    (site / "genotool_toys").symlink_to(HERE / "genotool_toys")
    return site


def write_data(folder: Path) -> Path:
    """Write the data sets and their catalogue; return the folder."""
    folder.mkdir()
    pairs, words = (toy_dataset(kind, Task.BINARY) for kind in (Kind.PAIRS, Kind.SEQUENCES))
    write_table(folder / "pairs.tsv", pairs)
    write_table(folder / "words.tsv", words)
    write_table(folder / "more-pairs.tsv", toy_dataset(Kind.PAIRS, Task.BINARY, seed=7))
    write_anndata(folder / "cells.h5ad", toy_dataset(Kind.MATRIX, Task.MULTICLASS))
    (folder / "catalogue.toml").write_text(CATALOGUE)
    return folder


CATALOGUE = """
format = 1
[toy-words]
kind = "sequences"
reader = "table"
files = { data = { path = "words.tsv" } }
columns = { sequence = "sequence" }
id = "id"
target = "label"
classes = ["a", "b"]
groups = "group"
simulated = true
[toy-couples]
kind = "pairs"
reader = "table"
files = { data = { path = "pairs.tsv" } }
columns = { seq1 = "seq1", seq2 = "seq2" }
id = "id"
target = "label"
classes = ["a", "b"]
groups = "group"
simulated = true
[toy-couples-again]
kind = "pairs"
reader = "table"
files = { data = { path = "more-pairs.tsv" } }
columns = { seq1 = "seq1", seq2 = "seq2" }
id = "id"
target = "label"
classes = ["a", "b"]
groups = "group"
simulated = true
[toy-cells]
kind = "matrix"
reader = "anndata"
files = { data = { path = "cells.h5ad" } }
target = "label"
classes = ["a", "b", "c"]
groups = "donor"
simulated = true
"""


def write_table(file: Path, dataset: Dataset) -> None:
    """Write rows of text as TSV: id, key columns, label, group."""
    keys = KEY_COLUMNS[dataset.kind]
    columns = [dataset.ids.tolist(), *(list(dataset.columns[key]) for key in keys)]
    columns += [[dataset.classes[code] for code in dataset.target], dataset.groups.tolist()]
    lines = ["\t".join(["id", *keys, "label", "group"]), *map("\t".join, zip(*columns, strict=True))]
    file.write_text("\n".join(lines) + "\n")


def write_anndata(file: Path, dataset: Dataset) -> None:
    """Write a matrix as h5ad, with label and donor of each row."""
    import anndata
    import pandas as pd
    from scipy.sparse import csr_matrix

    label = [dataset.classes[code] for code in dataset.target]
    about = pd.DataFrame({"label": label, "donor": dataset.groups}, index=dataset.ids)
    features = pd.DataFrame(index=dataset.features)
    anndata.AnnData(csr_matrix(dataset.columns["expression"]), about, features).write_h5ad(file)
