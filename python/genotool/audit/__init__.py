"""The leak audit: is a data set, a split, or a model's test what it seems? One check a file.

`audit_datasets` looks within sets, between them, and at what finished models have seen; `audit_split` at the
parts of
one; `audit_sign` at labels that run against every reference. Each gives findings with a severity, a count,
examples, an
effect on the metric and a remedy; `Audit` collects them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from genotool.audit.batch import explained_by_columns
from genotool.audit.findings import SEVERITIES, Audit, Finding
from genotool.audit.homology import cluster_table, related
from genotool.audit.keys import ModelKeys, read_keys, write_keys
from genotool.audit.labels import class_shares, conflicts
from genotool.audit.nuisance import predicted_by_a_number
from genotool.audit.overlap import between, seen_by
from genotool.audit.parts import NAMES, meetings, missing, spelled_apart, straddling
from genotool.audit.relations import RELATIONS, overlap_mask, overlap_with_keys
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
    found: list[Finding] = list(between(datasets))
    for dataset in datasets:
        for seen in keys:
            found += seen_by(dataset, seen)
        found += [*within(dataset), *related(dataset), *conflicts(dataset)]
        found += explained_by_columns(dataset, batches, seed=seed)
        found += predicted_by_a_number(dataset, seed=seed)
    return Audit.of(found, [dataset.name for dataset in datasets])


def audit_split(dataset: Dataset, split: Split) -> Audit:
    """Audit the parts of a split: groups and rows on both sides, classes that are missing or unequally
    shared.
    """
    found = [
        *straddling(dataset, split),
        *spelled_apart(dataset, split),
        *missing(dataset, split),
        *meetings(dataset, split),
        *class_shares(dataset, split.parts, NAMES),
    ]
    return Audit.of(found, [dataset.name])
