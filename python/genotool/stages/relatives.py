"""Relatives that are learned along: sets of the same genes elsewhere, and files of orthologs."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genotool.dataset import Dataset
from genotool.errors import UsageError
from genotool.ortholog_files import PARENT, RECORD, OrthologFiles
from genotool.split import Part, Split

__all__ = ["beside_parents", "check_groups", "groups_named", "whole", "with_orthologs"]

log = logging.getLogger(__name__)


def check_groups(main: Dataset, other: Dataset) -> None:
    """Raise UsageError if either set has no groups: nothing would say which rows are relatives of held-out ones."""
    for dataset in (main, other):
        if dataset.groups is None:
            hint = "name a group column in the catalogue, or leave out `:all`: the set is then split as it is"
            raise UsageError(f"{dataset.name} has no groups, which --with {other.name}:all needs", hint=hint)


def whole(main: Dataset, split: Split, other: Dataset) -> Split:
    """Return a split of another set whose rows all train, but those of no group or one that the main set holds out.

    UsageError as `check_groups` says.
    """
    check_groups(main, other)
    made = Split(
        np.full(len(other), Part.TRAIN, np.int8), f"every row trains, but of groups that {main.name} holds out", 0, ""
    )
    if not groups_named(main, np.arange(len(main))) & groups_named(other, np.arange(len(other))):
        said = (
            "%s and %s share no group: if their rows are relatives, nothing keeps those of held-out rows from training"
        )
        log.warning(said, main.name, other.name)
    held = groups_named(main, np.concatenate([split.rows(Part.VALID), split.rows(Part.TEST)]))
    met = np.isin(np.char.upper(np.asarray(other.groups, np.str_)), ["", *sorted(held)])
    return made.moved(np.flatnonzero(met), Part.LEFT_OUT, "rows of no group, or one held out in another set: left out")


def with_orthologs(
    files: OrthologFiles, main: Dataset, others: Mapping[str, Dataset]
) -> tuple[Dataset, dict[str, Dataset]]:
    """Return the rows as a swap needs them, and the data sets of their orthologs' files; UsageError at a name twice."""
    if not files:
        return main, {}
    main, made = files.beside(main)
    for one in made:
        if one.name in (main.name, *others):
            hint = f"call the species another name: --ortholog-fasta SPECIES={one.about.path}"
            raise UsageError(f"{one.name!r} is a data set and a species of orthologs", hint=hint)
    return main, {one.name: one for one in made}


def beside_parents(main: Dataset, split: Split, other: Dataset, own: Split | None = None) -> Split:
    """Return a split of orthologs by which one trains if every row that it belongs to does, and is left out else."""
    if own is None:
        own = Split(np.full(len(other), Part.TRAIN, np.int8), "orthologs train where their rows do", 0, "")
    training = np.isin(np.asarray(other.columns[PARENT]), main.ids[split.parts == Part.TRAIN])
    records = np.asarray(other.columns[RECORD])
    held = np.isin(records, records[~training]) & (own.parts != Part.LEFT_OUT)
    return own.moved(np.flatnonzero(held), Part.LEFT_OUT, "orthologs of rows that do not train: left out")


def groups_named(dataset: Dataset, rows: NDArray[Any]) -> set[str]:
    """Return the groups of some rows, in capitals."""
    if dataset.groups is None:
        return set()
    return set(np.char.upper(dataset.groups[rows]).tolist()) - {""}
