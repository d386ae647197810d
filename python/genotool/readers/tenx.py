"""10x Genomics matrices: a folder of matrix.mtx, features.tsv (genes.tsv) and barcodes.tsv, or Cell Ranger's .h5."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genotool.catalogue import Entry
from genotool.dataset import Column, Dataset
from genotool.errors import InputError
from genotool.readers.assemble import Wanted, assemble
from genotool.readers.matrix import with_meta
from genotool.readers.table import HDF5, Table, check_is_file, open_bytes

__all__ = ["MATRICES", "is_tenx_h5", "matrix_file", "read_tenx"]

MATRICES = ("matrix.mtx.gz", "matrix.mtx")
FEATURES = ("features.tsv.gz", "features.tsv", "genes.tsv.gz", "genes.tsv")
BARCODES = ("barcodes.tsv.gz", "barcodes.tsv")
GENE_EXPRESSION = "Gene Expression"
DAMAGED = "copy or download it again"


def matrix_file(folder: Path) -> Path | None:
    """Return the matrix of a 10x folder; None where a folder is none."""
    return next((folder / name for name in MATRICES if (folder / name).is_file()), None)


def is_tenx_h5(path: Path) -> bool:
    """Return whether an HDF5 file is one of Cell Ranger's: it says so by what its group holds."""
    import h5py

    try:
        with h5py.File(path) as content:
            return _group(content) is not None
    except OSError:
        return False


def read_tenx(entry: Entry, files: Mapping[str, Path], wanted: Wanted) -> Dataset:
    """Read cells by genes as a sparse matrix (CSR, float32); the table of cells (``meta``) joins on the barcode.

    ``files.data`` is the folder's matrix.mtx, or the .h5 file. Of several feature types only genes' is taken.

    Raises
    ------
    InputError
        If a file is missing or damaged, a gene or a barcode occurs twice, or sizes differ.
    """
    path = files["data"]
    check_is_file(path)
    with path.open("rb") as handle:
        is_h5 = handle.read(8) == HDF5
    matrix, genes, kinds, barcodes = _from_h5(path) if is_h5 else _from_folder(path)
    if matrix.shape != (len(barcodes), len(genes)):
        said = f"{matrix.shape[0]} cells x {matrix.shape[1]} genes, {len(barcodes)} barcodes and {len(genes)} features"
        raise InputError(f"the matrix has {said}", file=path, hint="are the three files of one run?")
    expression = np.flatnonzero(kinds == GENE_EXPRESSION)
    if len(expression) < len(genes):
        matrix, genes = matrix[:, expression], genes[expression]
    for what, names in (("gene", genes), ("barcode", barcodes)):
        found, counts = np.unique(names, return_counts=True)
        if (counts > 1).any():
            twice = str(found[counts > 1][0])
            raise InputError(f"a {what} occurs twice", file=path, value=twice, hint="make its names unique")
    order = np.arange(1, len(barcodes) + 1, dtype=np.int64)
    own = Table(path, {"barcode": barcodes.astype(object)}, order, order)
    table, ids, lost = with_meta(entry, own, files)

    def columns(rows: Table) -> Mapping[str, Column]:
        named = {role: rows.text(column) for role, column in entry.columns.items()}
        return {**named, "expression": matrix[rows.numbers - 1]}

    return assemble(entry, table, wanted, columns, ids=ids, source=path, left_out=lost, features=genes)


def _from_folder(path: Path) -> tuple[Any, NDArray[np.str_], NDArray[np.str_], NDArray[np.str_]]:
    from scipy import sparse
    from scipy.io import mmread

    features, barcodes = _lines(path, FEATURES), _lines(path, BARCODES)
    try:
        with open_bytes(path) as handle:
            by_gene: Any = mmread(handle)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"no Matrix Market file: {error}", file=path, hint=DAMAGED) from error
    csr: Any = sparse.csr_array
    genes = np.array([cells[0] for cells in features], np.str_)
    kinds = np.array([cells[2] if len(cells) > 2 else GENE_EXPRESSION for cells in features], np.str_)
    return csr(by_gene.T, dtype=np.float32), genes, kinds, np.array([cells[0] for cells in barcodes], np.str_)


def _lines(matrix: Path, names: tuple[str, ...]) -> list[list[str]]:
    """Return the rows of the file beside a matrix; these files have no header."""
    file = next((matrix.parent / name for name in names if (matrix.parent / name).is_file()), None)
    if file is None:
        raise InputError(f"there is no {names[1]} beside the matrix", file=matrix, hint="a 10x folder has three files")
    with open_bytes(file) as handle:
        try:
            return [line.split("\t") for line in handle.read().decode("utf-8").splitlines() if line.strip()]
        except UnicodeDecodeError as error:
            raise InputError("the file is not UTF-8 text", file=file, hint="save it as UTF-8") from error


def _group(content: Any) -> Any:
    """Return the group that holds the matrix: ``matrix``, or the one genome of Cell Ranger 2."""
    needed = {"barcodes", "data", "indices", "indptr", "shape"}
    groups = [item for item in content.values() if hasattr(item, "keys") and needed <= set(item.keys())]
    return groups[0] if len(groups) == 1 else None


def _from_h5(path: Path) -> tuple[Any, NDArray[np.str_], NDArray[np.str_], NDArray[np.str_]]:
    import h5py
    from scipy import sparse

    try:
        with h5py.File(path) as content:
            group = _group(content)
            if group is None:
                raise InputError("the file holds no 10x matrix, or several", file=path, hint=DAMAGED)
            parts = group["data"][:].astype(np.float32), group["indices"][:], group["indptr"][:]
            genes, barcodes = _words(group["features/id"] if "features" in group else group["genes"]), group["barcodes"]
            kinds = _words(group["features/feature_type"]) if "features/feature_type" in group else np.empty(0, np.str_)
            csr: Any = sparse.csr_array
            matrix = csr(parts, shape=tuple(map(int, group["shape"][:]))[::-1])
            matrix.check_format()
            return matrix, genes, kinds if len(kinds) else np.full(len(genes), GENE_EXPRESSION), _words(barcodes)
    except (OSError, KeyError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"the 10x file cannot be read: {reason}", file=path, hint=DAMAGED) from error


def _words(data: Any) -> NDArray[np.str_]:
    return np.array([word.decode() if isinstance(word, bytes) else str(word) for word in data[:]], np.str_)
