"""Units: what goes to one part, or one fold, together, by the method that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genotool.dataset import Dataset
from genotool.errors import UsageError, nearest
from genotool.sequences import Sequences

__all__ = ["BY", "UNITS", "Units", "is_by_units", "units_of"]

NEIGHBOURHOOD_BP = 1_000_000
BY = "by:"
"""What stands before the name of a column to split by."""


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """The unit of each row.

    Attributes
    ----------
    names
        n texts; rows of one name are never parted. The name alone decides, so it means the same in every data set.
    named
        (n,) whether the row has such a unit; the others are their own, equal ones together.
    word
        What the units are called, in the plural.
    leaves_open
        What a split by them does not guard against.
    """

    names: list[str]
    named: NDArray[np.bool_]
    word: str
    leaves_open: str

    @property
    def known(self) -> list[str]:
        """The units with a name, each once, sorted."""
        return sorted({name for name, named in zip(self.names, self.named.tolist(), strict=True) if named})

    def take(self, rows: NDArray[np.int64]) -> Units:
        """Return the units of some rows, in that order."""
        return Units([self.names[row] for row in rows.tolist()], self.named[rows], self.word, self.leaves_open)


def row_keys(dataset: Dataset) -> list[str]:
    """Return what a row is, as text: equal rows go to one part. Of guides, bases 1 and 2 do not count."""
    if not all(isinstance(column, Sequences) for column in dataset.keys):
        return [str(row) for row in dataset.ids.tolist()]
    offset = 2 if dataset.kind == "guides" else 0
    columns = [[text[offset:] for text in column] for column in dataset.keys if isinstance(column, Sequences)]
    return ["|".join(parts) for parts in zip(*columns, strict=True)]


def _rows(dataset: Dataset) -> Units:
    open_ = "rows of one gene, donor or locus, and near-identical rows, may straddle the parts"
    return Units(row_keys(dataset), np.zeros(len(dataset), np.bool_), "rows", open_)


def _by_text(dataset: Dataset, texts: list[str], word: str, leaves_open: str) -> Units:
    """Return units by text, whatever its case; rows without any are their own."""
    upper = [text.upper() for text in texts]
    named = np.array([bool(text) for text in upper], np.bool_)
    if not named.all():
        upper = [text or f"row:{key}" for text, key in zip(upper, row_keys(dataset), strict=True)]
    return Units(upper, named, word, leaves_open)


def _groups(dataset: Dataset) -> Units:
    if dataset.groups is None:
        raise UsageError(
            f"{dataset.name} has no groups to split by",
            hint="use --split row or --split by:COLUMN, or name a groups column in the catalogue",
        )
    open_ = "near-identical rows of different groups, unless the audit drops them"
    return _by_text(dataset, dataset.groups.tolist(), "groups", open_)


def _neighbourhoods(dataset: Dataset) -> Units:
    """Return windows of a megabase on each chromosome, for rows of which only positions are known."""
    if "chrom" not in dataset.columns or "start" not in dataset.columns:
        raise UsageError(f"{dataset.name} has no positions", hint="a neighbourhood split needs chrom and start columns")
    chrom, start = np.asarray(dataset.columns["chrom"]), np.asarray(dataset.columns["start"], np.int64)
    windows = [f"{name}:{at // NEIGHBOURHOOD_BP}" for name, at in zip(chrom.tolist(), start.tolist(), strict=True)]
    open_ = "a gene that crosses a megabase boundary, and paralogs, may straddle the parts"
    return Units(windows, np.ones(len(dataset), np.bool_), "windows", open_)


def _chromosomes(dataset: Dataset) -> Units:
    """Return whole chromosomes; ``chr1`` and ``1`` are one."""
    if "chrom" not in dataset.columns:
        hint = "a chromosome split needs a column chrom; --split by:COLUMN takes any other"
        raise UsageError(f"{dataset.name} has no chromosomes", hint=hint)
    names = [str(name).casefold().removeprefix("chr") for name in np.asarray(dataset.columns["chrom"]).tolist()]
    return _by_text(dataset, names, "chromosomes", "paralogs and repeats on different chromosomes")


def _homology(dataset: Dataset) -> Units:
    """Return clusters of rows that share k-mers, see `genotool.homology`; each is named by its first row by content."""
    if not all(isinstance(column, Sequences) for column in dataset.keys):
        raise UsageError(f"{dataset.name} holds no sequences: nothing to cluster", hint="use --split group or row")
    from genotool.homology import cluster_names

    least: dict[str, str] = {}
    clusters, keys = cluster_names(dataset).tolist(), row_keys(dataset)
    for cluster, key in zip(clusters, keys, strict=True):
        least[cluster] = min(key, least.get(cluster, key))
    names = [least[cluster] for cluster in clusters]  # by content: clusters are numbered in the order of the rows
    open_ = "homologs too far apart to share k-mers, and what rows share beside their sequence (a donor, a batch)"
    return Units(names, np.ones(len(dataset), np.bool_), "homology clusters", open_)


def _column(dataset: Dataset, name: str) -> Units:
    column = dataset.columns.get(name)
    if not isinstance(column, np.ndarray) or column.ndim != 1:
        texts = [role for role, held in dataset.columns.items() if isinstance(held, np.ndarray) and held.ndim == 1]
        raise UsageError(f"{dataset.name} has no column {name!r} to split by", hint=nearest(name, texts))
    open_ = f"whatever rows of different {name} share, such as near-identical rows"
    return _by_text(dataset, [str(cell) for cell in column.tolist()], f"values of {name}", open_)


UNITS: dict[str, Callable[[Dataset], Units]] = {
    "row": _rows,
    "group": _groups,
    "chromosome": _chromosomes,
    "neighbourhood": _neighbourhoods,
    "homology": _homology,
    "donor": lambda dataset: _column(dataset, "donor"),
}
"""The methods that keep units together, beside ``by:COLUMN``."""


def is_by_units(method: str) -> bool:
    """Return whether a word names a method that keeps units together."""
    return method in UNITS or method.startswith(BY)


def units_of(dataset: Dataset, method: str) -> Units:
    """Return the unit of each row.

    Parameters
    ----------
    method
        A name in `UNITS`, or ``by:COLUMN``.

    Raises
    ------
    UsageError
        If the data set lacks what the method needs.
    """
    if method.startswith(BY):
        return _column(dataset, method.removeprefix(BY))
    return UNITS[method](dataset)
