"""Genes, donors or samples that two sets share by name, though no row of one is a row of the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.audit.batch import text_columns
from genotool.audit.effects import FEWEST_SCORED
from genotool.audit.findings import Effect, Finding, shown
from genotool.audit.gene_names import is_locus, locus
from genotool.audit.words import among, metric_name
from genotool.dataset import Dataset, Task
from genotool.metrics import HEADLINE, compute

__all__ = ["names_of", "shared_by_name"]

Words: TypeAlias = NDArray[np.str_]

SOME = 200
MOSTLY = 0.8
TELLS = 0.7
"""The ROC-AUC from which the label of the same name in the other set is an answer known by heart."""
ONE_ROW = 1.5
"""Up to so many rows a name on average, a name is that of a row; above, that of a group of rows."""


def shared_by_name(one: Dataset, other: Dataset) -> Iterator[Finding]:
    """Look for names (ids, groups, columns of gene ids) that two sets share, and what the label by name tells."""
    small, large = sorted((one, other), key=len)
    best = _most_in_common(small, large)
    if best is None:
        return
    role, other_role, met = best
    here, there = names_of(small)[role], names_of(large)[other_role]
    names = list(dict.fromkeys(here[met].tolist()))
    count, total = int(met.sum()), len(small)
    value, effect = _by_name(small, large, here, there, met)
    of_rows = all(len(words) <= ONE_ROW * len(set(words.tolist())) for words in (here[here != ""], there[there != ""]))
    tells = value is not None and value >= TELLS and count >= 0.01 * total
    severity = ("severe" if of_rows else "warning") if tells else "note"
    said = f"{among(count, small, ('has a name', 'have names'))} that {large.name} has too ({len(names)} names: {role} "
    said += f"here, {other_role} there)"
    if value is not None and small.task is not None:
        said += f"; the label of the same name in {large.name} scores {metric_name(HEADLINE[small.task])} {value:.3f}"
    yield Finding(
        "shared-names", severity, count, total, said,
        "if the names mean the same: split both sets by them, in one assignment, and let no name train in one and test "
        "in the other",
        shown(names), effect, (small.name, large.name),
    )  # fmt: skip


def names_of(dataset: Dataset) -> Mapping[str, Words]:
    """Return the columns that name what a row is of, by role: ids that are no numbers, groups, columns of gene ids.

    Gene ids are compared without version and in capitals.
    """
    found: dict[str, Words] = {}
    if not all(name.replace("~", "").isdigit() for name in dataset.ids[:SOME].tolist()):
        found["id"] = dataset.ids
    if dataset.groups is not None and not np.char.isdigit(dataset.groups[dataset.groups != ""][:SOME]).all():
        found["group"] = dataset.groups
    found |= {name: column for name, column in text_columns(dataset) if _are_loci(column)}
    return {role: _plain(column) if _are_loci(column) else column for role, column in found.items()}


def _are_loci(column: Words) -> bool:
    some = [cell for cell in column[:SOME].tolist() if cell]
    return bool(some) and sum(map(is_locus, some)) >= MOSTLY * len(some)


def _plain(column: Words) -> Words:
    known = {cell: locus(cell) if is_locus(cell) else cell for cell in set(column.tolist())}
    return np.array([known[cell] for cell in column.tolist()], np.str_)


def _most_in_common(small: Dataset, large: Dataset) -> tuple[str, str, NDArray[np.bool_]] | None:
    """Return the two roles by which most rows meet, and those rows; None where none do."""
    found = None
    for role, here in names_of(small).items():
        for other_role, there in names_of(large).items():
            met = np.isin(here, there[there != ""])
            if met.any() and (found is None or met.sum() > found[2].sum()):
                found = role, other_role, met
    return found


def _by_name(
    small: Dataset, large: Dataset, here: Words, there: Words, met: NDArray[np.bool_]
) -> tuple[float | None, Effect | None]:
    """Return what the mean target of the same name in the other set scores on the rows that meet."""
    task = small.task
    if task in (None, Task.MULTICLASS) or large.task in (None, Task.MULTICLASS) or met.sum() < FEWEST_SCORED:
        return None, None
    assert task is not None
    names, codes = np.unique(there, return_inverse=True)
    means = np.bincount(codes, np.asarray(large.target, np.float64)) / np.bincount(codes)
    scores = means[np.searchsorted(names, here[met])]
    value = compute(task, np.asarray(small.target)[met], scores, raw=True)[HEADLINE[task]]
    if value is None:
        return None, None
    return value, {f"{small.name} by name in {large.name}": {"metric": HEADLINE[task], "value": value}}
