"""The leak audit: is a data set, a split, or a model's test what it seems? One check a file.

`audit_datasets` looks within sets, between them, and at what finished models have seen; `audit_split` at the
parts of
one; `audit_sign` at labels that run against every reference. Each gives findings with a severity, a count,
examples, an
effect on the metric and a remedy; `Audit` collects them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import combinations

from genotool.audit.alike import copies_across_parts, copies_between
from genotool.audit.batch import explained_by_columns
from genotool.audit.findings import SEVERITIES, Audit, Finding
from genotool.audit.gene_names import damaged_names, names_that_do_not_meet
from genotool.audit.homology import cluster_table, related
from genotool.audit.interpolated import interpolated_across_parts
from genotool.audit.keys import ModelKeys, read_keys, write_keys
from genotool.audit.labels import class_shares, conflicts
from genotool.audit.nuisance import predicted_by_a_number
from genotool.audit.overlap import between, seen_by
from genotool.audit.parents import families_across_parts, families_across_sets
from genotool.audit.parts import NAMES, meetings, missing, spelled_apart, straddling
from genotool.audit.relations import RELATIONS, overlap_mask, overlap_with_keys
from genotool.audit.scaled import scaled_with_test_rows
from genotool.audit.shared_names import shared_by_name
from genotool.audit.sign import audit_sign
from genotool.audit.within import within
from genotool.dataset import Dataset
from genotool.split import Split

__all__ = [
    "RELATIONS",
    "SEVERITIES",
    "Audit",
    "Finding",
    "ModelKeys",
    "audit_datasets",
    "audit_pair",
    "audit_sign",
    "audit_split",
    "cluster_table",
    "overlap_mask",
    "overlap_with_keys",
    "read_keys",
    "write_keys",
]


def audit_datasets(
    datasets: Sequence[Dataset], *, keys: Sequence[ModelKeys] = (), batches: Collection[str] = (), seed: int = 0
) -> Audit:
    """Audit each set on its own, each pair of them, and each against what models were trained on.

    Parameters
    ----------
    batches
        Columns that are looked at as batches whatever they are called.
    seed
        For the folds of what is measured out of sample, and for samples of large sets.
    """
    found = _across(datasets)
    for one, other in combinations(datasets, 2):
        found += names_that_do_not_meet(one, other)
    for dataset in datasets:
        for seen in keys:
            found += seen_by(dataset, seen)
        found += [
            *within(dataset),
            *related(dataset),
            *conflicts(dataset),
            *explained_by_columns(dataset, batches, seed=seed),
        ]
        found += [*predicted_by_a_number(dataset, seed=seed), *damaged_names(dataset)]
    return Audit.of(found, [dataset.name for dataset in datasets])


def audit_pair(held: Dataset, learned: Dataset) -> Audit:
    """Audit rows that are held out against rows of another set that are learned: all that they share is a leak."""
    return Audit.of(_across([held, learned]), [])


def _across(datasets: Sequence[Dataset]) -> list[Finding]:
    """Return what pairs of sets share."""
    found = [*between(datasets), *copies_between(datasets), *families_across_sets(datasets)]
    for one, other in combinations(datasets, 2):
        found += shared_by_name(one, other)
    return found


def audit_split(dataset: Dataset, split: Split, *, seed: int = 0) -> Audit:
    """Audit the parts of a split: groups and rows on both sides, classes that are missing or unequally
    shared.
    """
    found = [
        *straddling(dataset, split, seed=seed),
        *spelled_apart(dataset, split),
        *missing(dataset, split),
        *meetings(dataset, split),
        *copies_across_parts(dataset, split),
        *families_across_parts(dataset, split),
        *interpolated_across_parts(dataset, split, seed=seed),
        *scaled_with_test_rows(dataset, split, seed=seed),
        *class_shares(dataset, split.parts, NAMES),
    ]
    return Audit.of(found, [dataset.name])
