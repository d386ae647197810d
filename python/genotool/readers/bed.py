"""Sequences as windows of a genome: a FASTA file and the features of a BED or GFF3 file, with labels or without.

The entry's ``window`` says what is cut out, such as ``{ upstream = 500, downstream = 100, feature = "gene" }``; see
`genotool.windows`.
"""

from __future__ import annotations

import dataclasses
import logging
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
from genotool.windows import Features, Genome, Windows, read_features, windows

__all__ = ["features_asked", "read_windows"]

log = logging.getLogger(__name__)

NAMING = ("feature", "attribute")
UNKNOWN = "windows of N alone"


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
    features = read_features(files["data"], **features_asked(entry.window))
    table = _table(features)
    lost: dict[str, int] = {}
    if "labels" in files:
        table, lost = join(table, "name", read_table(files["labels"]), entry.id or "name", entry)
        features = features.take(table.numbers - 1)
    cut: dict[str, Any] = {key: value for key, value in entry.window.items() if key not in NAMING}
    made = windows(Genome(files["genome"]), features, **cut)
    known = np.flatnonzero(made.unknown < made.sequences.lengths)
    _say(features, made, known, around="upstream" in cut)
    lost |= {**made.dropped, UNKNOWN: len(made.rows) - len(known)}
    table = dataclasses.replace(table.take(made.rows[known]), numbers=known + 1)

    def columns(rows: Table) -> Mapping[str, Column]:
        named = {role: rows.text(column) for role, column in entry.columns.items() if role != "sequence"}
        return {"sequence": made.sequences.take(rows.numbers - 1), **named}

    return assemble(entry, table, wanted, columns, ids="name", source=files["data"], left_out=lost)


def features_asked(window: Mapping[str, int | str]) -> dict[str, str]:
    """Return what an entry's ``window`` says of which features are read, and of their names."""
    return {key: str(window[key]) for key in NAMING if key in window}


def _say(features: Features, made: Windows, known: NDArray[np.int64], *, around: bool) -> None:
    """Say what a reader of the result would not guess: features without a strand, windows with N, those left out."""
    name = features.path.name
    if bare := int((~features.stranded[made.rows]).sum()):
        start = ", and their start is taken for that of transcription" if around else ""
        log.warning("%s: %d of %d features have no strand: read as +%s", name, bare, len(made.rows), start)
    if partly := int((made.unknown[known] > 0).sum()):
        letters = int(made.unknown[known].sum())
        log.warning("%s: %d windows hold N, %d in all: in the genome, or beyond a contig's end", name, partly, letters)
    for why, count in {**made.dropped, UNKNOWN: len(made.rows) - len(known)}.items():
        if count:
            log.warning("%s: %d features left out: %s", name, count, why)


def _table(features: Features) -> Table:
    columns = {
        "name": features.ids.astype(object),
        "contig": features.contigs.astype(object),
        "strand": np.where(features.minus, "-", "+").astype(object),
    }
    return Table(features.path, columns, features.lines, np.arange(1, len(features) + 1, dtype=np.int64))
