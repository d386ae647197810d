"""AnnData files (``.h5ad``): a matrix, sparse or dense, with the table of its rows inside."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from genotool.catalogue import Entry
from genotool.dataset import Column, Dataset
from genotool.errors import InputError
from genotool.readers.assemble import Wanted, assemble
from genotool.readers.matrix import with_meta
from genotool.readers.table import HDF5, Table, check_is_file

__all__ = ["read_anndata"]


def read_anndata(entry: Entry, files: Mapping[str, Path], wanted: Wanted) -> Dataset:
    """Read an ``.h5ad`` file; a sparse matrix stays sparse (CSR, float32), the columns of ``obs`` come along
    as text.

    Raises
    ------
    InputError
        If the file is no HDF5 or no AnnData, a gene or a cell occurs twice, or a value is not finite.
    """
    path = files["data"]
    content = _open(path)
    for what, index in (("gene", content.var_names), ("cell", content.obs_names)):
        twice = index[index.duplicated()]
        if len(twice):
            raise InputError(f"a {what} occurs twice", file=path, value=str(twice[0]), hint="make its names unique")
    matrix = _matrix(path, content.X)
    table, ids, lost = with_meta(entry, _obs(path, content), files)

    def columns(rows: Table) -> Mapping[str, Column]:
        named = {role: rows.text(column) for role, column in entry.columns.items()}
        return {**named, "expression": matrix[rows.numbers - 1]}

    features = np.array(content.var_names, dtype=np.str_)
    return assemble(entry, table, wanted, columns, ids=ids, source=path, left_out=lost, features=features)


def _open(path: Path) -> Any:
    import anndata

    check_is_file(path)
    with path.open("rb") as handle:
        if handle.read(8) != HDF5:
            raise InputError("this is no HDF5 file, so no .h5ad", file=path, hint="a text matrix: reader = 'matrix'")
    try:
        return anndata.read_h5ad(path)
    except Exception as error:  # h5py and anndata raise many kinds for a damaged file
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        hint = "copy or download it again; of HDF5 only AnnData's .h5ad is read"
        raise InputError(f"the .h5ad file cannot be read: {first}", file=path, hint=hint) from error


def _matrix(path: Path, values: Any) -> Any:
    from scipy import sparse

    if values is None:
        raise InputError("the file holds no matrix X", file=path, hint="write the matrix into X")
    matrix: Any
    if sparse.issparse(values):
        csr: Any = sparse.csr_array
        matrix = csr(values, dtype=np.float32)
        numbers = matrix.data
    else:
        matrix = numbers = np.asarray(values, np.float32)
    if np.isinf(numbers).any():
        raise InputError("the matrix X holds infinity", file=path, hint="write NaN where a value is unknown")
    return matrix


def _obs(path: Path, content: Any) -> Table:
    names = np.array([str(name) for name in content.obs_names], dtype=object)
    columns = {"obs_names": names}
    for name in content.obs.columns:
        cells = content.obs[name]
        texts = ["" if missing else str(cell) for cell, missing in zip(cells, cells.isna(), strict=True)]
        columns[str(name)] = np.array(texts, dtype=object)
    order = np.arange(1, len(names) + 1, dtype=np.int64)
    return Table(path, columns, order, order)
