"""Expression matrices as Parquet: a column of ids, one of numbers a gene, columns of words; see `readers.matrix`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genotool.catalogue import Entry
from genotool.dataset import Dataset
from genotool.errors import InputError, UnavailableError
from genotool.readers.assemble import Wanted
from genotool.readers.matrix import Matrix, assemble_matrix, layout_of
from genotool.readers.table import Table, check_is_file

__all__ = ["MAGIC", "header_of", "read_parquet"]

MAGIC = b"PAR1"
ROWS = 256


def read_parquet(entry: Entry, files: Mapping[str, Path], wanted: Wanted) -> Dataset:
    """Read a Parquet file as `readers.matrix.read_matrix` reads text: which columns are genes goes by the same rules.

    The id is the index that pandas stored, else the first column. Numbers go straight into one float32 array.

    Raises
    ------
    UnavailableError
        If pyarrow is not installed.
    InputError
        If the file is damaged, a sample occurs twice, or a value is infinite.
    """
    path = files["data"]
    check_is_file(path)
    opened = _open(path)
    header = _header(opened)
    types = {field.name: _is_number(field.type) for field in opened.schema_arrow}
    layout = layout_of(path, header, ["1" if types[name] else "word" for name in header], entry, wanted.target)
    names = [header[at] for at in (0, *layout.texts)]
    genes = [header[at] for at in layout.at]
    count = opened.metadata.num_rows
    values, texts = np.empty((count, len(genes)), np.float32), {name: np.empty(count, object) for name in names}
    start = 0
    for batch in opened.iter_batches(batch_size=ROWS, columns=[*names, *genes]):
        place = slice(start, start + batch.num_rows)
        for number, gene in enumerate(genes):
            values[place, number] = batch.column(gene).to_numpy(zero_copy_only=False).astype(np.float32)
        for name in names:
            texts[name][place] = ["" if cell is None else str(cell) for cell in batch.column(name).to_pylist()]
        start += batch.num_rows
    _check_finite(path, values, texts[names[0]], genes)
    order = np.arange(1, count + 1, dtype=np.int64)
    return assemble_matrix(entry, files, wanted, Matrix(Table(path, texts, order, order), values, tuple(genes)))


def header_of(path: Path) -> list[str]:
    """Return the names of the columns, the id's first."""
    return _header(_open(path))


def _open(path: Path) -> Any:
    try:
        from pyarrow import ArrowException  # type: ignore[import-not-found, import-untyped, unused-ignore]
        from pyarrow.parquet import ParquetFile  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError as error:
        hint = "`pip install 'genotool[parquet]'`, or save the table as TSV"
        raise UnavailableError(
            f"{path} is a Parquet file, which pyarrow reads, and it is not installed", hint=hint
        ) from (error)
    try:
        return ParquetFile(path)
    except (ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"the Parquet file cannot be read: {reason}", file=path, hint="write it again") from error


def _header(opened: Any) -> list[str]:
    names = [str(name) for name in opened.schema_arrow.names]
    stored = json.loads((opened.schema_arrow.metadata or {}).get(b"pandas", b"{}"))
    index = next((name for name in stored.get("index_columns", ()) if name in names), names[0])
    return [index, *(name for name in names if name != index)]


def _is_number(kind: Any) -> bool:
    from pyarrow import types  # type: ignore[import-not-found, import-untyped, unused-ignore]

    return bool(types.is_floating(kind) or types.is_integer(kind))


def _check_finite(path: Path, values: NDArray[np.float32], ids: NDArray[np.object_], genes: list[str]) -> None:
    for row, vector in enumerate(values):
        if np.isinf(vector).any():
            gene = genes[int(np.flatnonzero(np.isinf(vector))[0])]
            raise InputError(f"infinite or too large in the column {gene!r}", file=path, value=ids[row])
