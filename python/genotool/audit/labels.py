"""Labels that contradict each other, or that the parts of a split share unequally."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from genotool.audit.findings import Finding, shown
from genotool.audit.keys import ModelKeys, keys_of
from genotool.audit.levels import severity_of
from genotool.audit.relations import codes
from genotool.audit.words import among, nouns, percent
from genotool.dataset import Dataset, Kind
from genotool.statistics.tables import contingency, cramers_v

__all__ = ["class_shares", "conflicts"]


def conflicts(dataset: Dataset) -> Iterator[Finding]:
    """Look for rows that are the same (guides: in bases 3-23; pairs: in either order) and have different classes."""
    if not dataset.classes or dataset.target is None or not len(dataset):
        return
    _, group = np.unique(_alike(keys_of(dataset)), return_inverse=True)
    size = int(group.max()) + 1
    low, high = np.full(size, np.iinfo(np.int64).max), np.full(size, -1)
    np.minimum.at(low, group, dataset.target)
    np.maximum.at(high, group, dataset.target)
    mask = (low < high)[group]
    count, total = int(mask.sum()), len(dataset)
    if count:
        where = {Kind.GUIDES: "in bases 3-23 ", Kind.PAIRS: "in either order "}.get(dataset.kind, "")
        yield Finding(
            "conflicting-labels", severity_of("conflicting-labels", count, total), count, total,
            f"{among(count, dataset, ('is equal', 'are equal'))} {where}to another with another label",
            "measure them again, or leave them out", shown(dataset.ids[mask]), data=(dataset.name,),
        )  # fmt: skip


def _alike(keys: ModelKeys) -> NDArray[np.uint64]:
    """Return (n,) digests that are equal where two rows should have one label."""
    found = codes(keys, "variant")
    if keys.kind is not Kind.PAIRS:
        return found
    return np.minimum(found, codes(dataclasses.replace(keys, columns=keys.columns[::-1]), "variant"))


def class_shares(dataset: Dataset, parts: NDArray[np.int8], names: dict[int, str]) -> Iterator[Finding]:
    """Look for parts of a split that lack a class, or whose shares of classes differ much."""
    if not dataset.classes or dataset.target is None:
        return
    held = np.flatnonzero(parts >= 0)
    present = {code: np.unique(dataset.target[parts == code]) for code in np.unique(parts[held]).tolist()}
    for code, classes in present.items():
        if len(classes) < min(2, len(np.unique(dataset.target[held]))):
            count = int((parts == code).sum())
            yield Finding(
                "one-class", "warning", count, len(dataset),
                f"the {names[code]} part of {dataset.name} ({count} of {len(dataset)} {nouns(dataset.kind)}) holds one "
                "class only",
                "another seed or split", data=(dataset.name,),
            )  # fmt: skip
    strength = cramers_v(contingency(parts[held], dataset.target[held])) if len(held) and len(present) > 1 else 0.0
    if strength > 0.1:
        shares = ", ".join(f"{names[code]} {_shares(dataset, parts == code)}" for code in present)
        yield Finding(
            "class-shares", "note", len(held), len(dataset),
            f"the classes of {dataset.name} are shared unequally: {shares}",
            "a threshold chosen on one part may not suit another", data=(dataset.name,),
        )  # fmt: skip


def _shares(dataset: Dataset, rows: NDArray[np.bool_]) -> str:
    counts = np.bincount(np.asarray(dataset.target)[rows], minlength=len(dataset.classes))
    return " / ".join(percent(int(count), int(rows.sum())) for count in counts)
