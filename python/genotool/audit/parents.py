"""Augmented rows and their parents: copies of one row that stand in different parts or sets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.audit.batch import text_columns
from genotool.audit.findings import Finding, shown
from genotool.audit.levels import severity_of
from genotool.audit.words import among, nouns
from genotool.dataset import Dataset
from genotool.split import Part, Split

__all__ = ["families_across_parts", "families_across_sets", "families_of"]

Words: TypeAlias = NDArray[np.str_]

PARENTS = frozenset({"parent", "parentid", "augmentedfrom", "sourceid", "sourcerow", "originalid", "derivedfrom"})
STEM = re.compile(
    r"(?P<stem>.+?)(?:[_|.:#-](?:aug(?:mented)?|rc|revcomp|mut(?:ant|ated)?|shift(?:ed)?|flip(?:ped)?|copy|dup|syn(?:thetic)?"
    r"|smote|mix(?:up)?|noise|jitter|crop)[_.-]?\d*)+",
    re.IGNORECASE,
)  # fmt: skip
"""An id that ends in what was done to a row: ``id_aug1``, ``id_rc``, ``id|mut3``."""
NUMBERED = re.compile(r"\d+")


def families_of(dataset: Dataset) -> Words | None:
    """Return (n,) the row that each row comes from, itself where it is none's child; None without any child.

    From a column such as ``parent`` or ``augmented_from``, else from ids with a common stem.
    """
    ids = dataset.ids.tolist()
    for name, column in text_columns(dataset):
        if re.sub(r"[^a-z]", "", name.casefold()) in PARENTS:
            parent = {own: above for own, above in zip(ids, column.tolist(), strict=True) if above and above != own}
            return np.array([_root(own, parent) for own in ids], np.str_) if parent else None
    stems = [match["stem"] if (match := STEM.fullmatch(own)) else own for own in ids]
    _, inverse, count = np.unique(stems, return_inverse=True, return_counts=True)
    children = np.array([stem != own for stem, own in zip(stems, ids, strict=True)])
    return np.array(stems, np.str_) if bool((children & (count[inverse] > 1)).any()) else None


def _root(own: str, parent: dict[str, str]) -> str:
    """Follow the parents up; a circle ends where it closes."""
    seen = {own}
    while own in parent and parent[own] not in seen:
        own = parent[own]
        seen.add(own)
    return own


def families_across_parts(dataset: Dataset, split: Split) -> Iterator[Finding]:
    """Look for held-out rows that share their parent with a row that was fitted on, or are its parent or child."""
    families = families_of(dataset)
    if families is None:
        return
    fitted = np.isin(split.parts, (Part.TRAIN, Part.VALID))
    test = split.parts == Part.TEST
    met = test & np.isin(families, families[fitted])
    if not met.any():
        return
    count, total = int(met.sum()), int(test.sum())
    held = dataset.take(np.flatnonzero(test).astype(np.int64))
    said = among(count, held, ("comes", "come"), part="test ")
    yield Finding(
        "parents-across-parts", severity_of("parents-across-parts", count, total), count, total,
        f"{said} from the same row as {nouns(dataset.kind)} that were fitted on (augmentation before the split)",
        "split first, and augment the training rows only; or make the parent the groups of the set",
        shown(dataset.ids[met]), data=(dataset.name,), partners=_first(dataset, families, met, fitted),
    )  # fmt: skip


def _first(dataset: Dataset, families: Words, met: NDArray[np.bool_], other: NDArray[np.bool_]) -> tuple[str, ...]:
    known = dict(zip(families[other][::-1].tolist(), dataset.ids[other][::-1].tolist(), strict=True))
    return shown([known[family] for family in families[met].tolist()])


def families_across_sets(datasets: Sequence[Dataset]) -> Iterator[Finding]:
    """Look for rows of one set whose parent is that of rows of another; bare row numbers say nothing across sets."""
    known = [(dataset, families_of(dataset)) for dataset in datasets]
    for (one, here), (other, there) in combinations(known, 2):
        if here is None and there is None:
            continue
        mine, others = (one.ids if here is None else here), (other.ids if there is None else there)
        met = np.isin(mine, others) & ~np.array([bool(NUMBERED.fullmatch(word)) for word in mine.tolist()])
        count, total = int(met.sum()), len(one)
        if count:
            partner = dict(zip(others[::-1].tolist(), other.ids[::-1].tolist(), strict=True))
            yield Finding(
                "parents-across-sets", severity_of("parents-across-sets", count, total), count, total,
                f"{among(count, one, ('comes', 'come'))} from the same row as one of {other.name}",
                "augment each set after they were told apart, or leave the copies out of the test",
                shown(one.ids[met]), data=(one.name, other.name),
                partners=shown([partner[family] for family in mine[met].tolist()]),
            )  # fmt: skip
