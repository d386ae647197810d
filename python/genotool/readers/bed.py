"""Sequences as windows of a genome: a FASTA file and the features of a BED or GFF3 file, with labels or without.

The entry's ``window`` says what is cut out, such as ``{ upstream = 500, downstream = 100, feature = "gene" }``; see
`genotool.windows`.
"""

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
from genotool.readers.sequences import join
from genotool.readers.table import Table, read_table
from genotool.windows import Features, Genome, read_features, windows

__all__ = ["read_windows"]


def read_windows(entry: Entry, files: Mapping[str, Path], wanted: Wanted) -> Dataset:
    """Cut the windows of ``files.data`` (BED, GFF3) out of ``files.genome``; the labels join on the features' names.

    Columns beside the sequence: ``contig``, ``strand``, and those of the labels.

    Raises
    ------
    InputError
        No genome; what `genotool.windows` refuses; labels that do not join.
    """
    if "genome" not in files:
        raise InputError(f"[{entry.name}]: the reader bed needs files.genome", hint='genome = { path = "genome.fa" }')
    asked: dict[str, Any] = dict(entry.window)
    features = read_features(files["data"], feature=str(asked.pop("feature", "gene")))
    made = windows(Genome(files["genome"]), features, **asked)
    table, lost = _table(features, made.rows), dict(made.dropped)
    if "labels" in files:
        table, unjoined = join(table, "name", read_table(files["labels"]), entry.id or "name", entry)
        lost |= unjoined

    def columns(rows: Table) -> Mapping[str, Column]:
        named = {role: rows.text(column) for role, column in entry.columns.items() if role != "sequence"}
        return {"sequence": made.sequences.take(rows.numbers - 1), **named}

    return assemble(entry, table, wanted, columns, ids="name", source=files["data"], left_out=lost)


def _table(features: Features, rows: NDArray[np.int64]) -> Table:
    """Return features as a table whose row numbers are those of their windows."""
    columns = {
        "name": features.ids[rows].astype(object),
        "contig": features.contigs[rows].astype(object),
        "strand": np.where(features.minus[rows], "-", "+").astype(object),
    }
    return Table(features.path, columns, features.lines[rows], np.arange(1, len(rows) + 1, dtype=np.int64))
