"""Readers: one file format each. `read` finds the reader of an entry and runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path

from genotool import plugins
from genotool.catalogue import Entry
from genotool.dataset import Dataset, Kind
from genotool.errors import InputError
from genotool.readers.assemble import Wanted

__all__ = ["Reader", "Wanted", "read"]

Reader = Callable[[Entry, Mapping[str, Path], Wanted], Dataset]
"""What a reader is, a plugin's too: (entry, file role to path, what is asked) to the data set."""

BUILT_IN: Mapping[tuple[str, Kind], str] = {
    ("table", Kind.GUIDES): "guides:read_guides",
    ("fasta", Kind.GUIDES): "guides:read_guides_fasta",
    ("table", Kind.SEQUENCES): "sequences:read_sequence_table",
    ("fasta", Kind.SEQUENCES): "sequences:read_fasta_sequences",
    ("bed", Kind.SEQUENCES): "bed:read_windows",
    ("table", Kind.PAIRS): "sequences:read_sequence_table",
    ("matrix", Kind.MATRIX): "matrix:read_matrix",
    ("anndata", Kind.MATRIX): "anndata:read_anndata",
    ("parquet", Kind.MATRIX): "parquet:read_parquet",
    ("10x", Kind.MATRIX): "tenx:read_tenx",
}


def read(entry: Entry, files: Mapping[str, Path], wanted: Wanted) -> Dataset:
    """Read an entry's files into a data set.

    Raises
    ------
    InputError
        If no reader of that name makes that kind, or the content is wrong.
    """
    return _reader(entry)(entry, files, wanted)


def _reader(entry: Entry) -> Reader:
    place = BUILT_IN.get((entry.reader, entry.kind))
    if place is not None:
        module, _, function = place.partition(":")
        found: Reader = getattr(import_module(f"genotool.readers.{module}"), function)
        return found
    for _, spec in plugins.specs("reader"):
        if spec.name == entry.reader:
            resolved: Reader = plugins.resolve(spec)
            return resolved
    kinds = ", ".join(kind for reader, kind in BUILT_IN if reader == entry.reader)
    message = f"[{entry.name}]: the reader {entry.reader!r} makes {kinds}, not {entry.kind}"
    raise InputError(message, hint="change `kind` or `reader` of the entry")
