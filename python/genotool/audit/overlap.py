"""Rows that meet: between two sets, and between a set and what a model was trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from genotool.audit.effects import LookUp, unmeasured
from genotool.audit.findings import Effect, Finding, shown
from genotool.audit.homology import SHARED, homologs
from genotool.audit.keys import ModelKeys, keys_of
from genotool.audit.levels import severity_of
from genotool.audit.relations import RELATIONS, match, near
from genotool.audit.shifted import MOST_BASES, shifted
from genotool.audit.words import among, nouns, percent
from genotool.dataset import Dataset, Kind

__all__ = ["MEET", "Meeting", "between", "counted", "looked_up_at", "meetings_of", "seen_by"]

Index = NDArray[np.int64]
Mask = NDArray[np.bool_]

REMEDY_SHARED = "drop the shared rows from training, or move them there before the split (--overlap drop)"
REMEDY_CLOSE = "keep them in one part: split both sets by gene (--split group), or leave them out of the test"
REMEDY_HOMOLOGOUS = (
    "write one cluster over both sets with --clusters FILE, add it to each table as a column and split by it "
    "(--split by:cluster), or leave these rows out of the test"
)
REMEDIES = {"same": REMEDY_SHARED, "homologous": REMEDY_HOMOLOGOUS}
RELATION_WORDS = {
    "exact": "equal",
    "reverse_complement": "reverse complements",
    "variant": "variants in the two PAM-distal bases",
    "swapped": "swapped pairs",
}
MEET = {
    "same": (("is", "are"), "the same as {}"),
    "near": (("differs", "differ"), "in one base from {}"),
    "shifted": (("lies", "lie"), f"1 to {MOST_BASES} bases beside {{}}, on either strand"),
    "homologous": (("shares", "share"), SHARED),
}
"""How rows are said to meet others: verbs, and what follows them."""


@dataclass(frozen=True, slots=True, eq=False)
class Meeting:
    """The rows of a query that meet one of a reference in one way: the first row that each meets, -1 for none."""

    partner: Index
    back: Index

    @property
    def met(self) -> Mask:
        """(n,) whether each row of the query meets one."""
        return np.asarray(self.partner >= 0)

    @property
    def reference_met(self) -> Mask:
        """(m,) whether each row of the reference is met."""
        return np.asarray(self.back >= 0)


def looked_up_at(way: str, meeting: Meeting, kind: Kind) -> Index | None:
    """Return the rows whose targets those that meet take, where being nearest does not find them; None where it does.

    A homolog is seldom the row with the nearest 6-mer counts. A pair has many: there, the nearest says more.
    """
    moved = way == "shifted" or (way == "homologous" and kind is Kind.SEQUENCES)
    return meeting.partner if moved else None


def meetings_of(query: ModelKeys, reference: ModelKeys) -> dict[str, Meeting]:
    """Return how rows meet, each row under the first that holds: ``same`` (any of `RELATIONS`), near,
    shifted, homologous."""
    found: dict[str, Meeting] = {}
    ways: dict[str, Callable[[ModelKeys, ModelKeys], Index]] = {"same": _same, "near": near, "shifted": _beside}
    taken, back_taken = np.zeros(len(query), np.bool_), np.zeros(len(reference), np.bool_)
    for name, way in ways.items():
        partner, back = np.where(taken, -1, way(query, reference)), np.where(back_taken, -1, way(reference, query))
        found[name] = Meeting(partner, back)
        taken, back_taken = taken | (partner >= 0), back_taken | (back >= 0)
    partner, back = homologs(query, reference)
    found["homologous"] = Meeting(np.where(taken, -1, partner), np.where(back_taken, -1, back))
    return found


def _same(query: ModelKeys, reference: ModelKeys) -> Index:
    return _first([match(query, reference, relation) for relation in RELATIONS])


def _beside(query: ModelKeys, reference: ModelKeys) -> Index:
    return shifted(query, reference).reference


def _first(indices: Sequence[Index]) -> Index:
    found = indices[0].copy()
    for index in indices[1:]:
        found = np.where(found < 0, index, found)
    return found


def between(datasets: Sequence[Dataset]) -> Iterator[Finding]:
    """Look for rows that two sets share, each pair of sets."""
    for one, other in combinations(datasets, 2):
        if one.kind != other.kind:
            yield _not_compared(one, other.name, nouns(other.kind))
        elif len(one) and len(other):
            small, large = sorted((one, other), key=len)
            yield from _pair(small, large)


def _not_compared(dataset: Dataset, other: str, kind: str) -> Finding:
    return Finding(
        "not-compared", "warning", len(dataset), len(dataset),
        f"{dataset.name} holds {nouns(dataset.kind)}, {other} {kind}: what they share is unknown",
        "give both in one form", data=(dataset.name, other),
    )  # fmt: skip


def _pair(small: Dataset, large: Dataset) -> Iterator[Finding]:
    here, there = keys_of(small), keys_of(large)
    there_up, here_up = LookUp(small, large), LookUp(large, small)
    for way, meeting in meetings_of(here, there).items():
        if not meeting.met.any():
            continue
        count, total = int(meeting.met.sum()), len(small)
        code = "shared-rows" if way == "same" else f"{way}-rows"
        reason = unmeasured(small, large, meeting.met)
        effect = None if reason else _both_ways(there_up, here_up, meeting, way)
        severity = severity_of(code, count, total)
        if small.target is None or large.target is None:
            severity = min(severity, "warning", key=("note", "warning", "severe").index)
        yield Finding(
            code, severity, count, total,
            _shared(small, large, meeting, here, there) if way == "same" else _close(way, small, large, count),
            REMEDIES.get(way, REMEDY_CLOSE), shown(small.ids[meeting.met]), effect or None,
            (small.name, large.name), shown(large.ids[meeting.partner[meeting.met]]), reason,
        )  # fmt: skip


def _both_ways(there_up: LookUp, here_up: LookUp, meeting: Meeting, way: str) -> Effect:
    """Return the look-up of each set in the other."""
    kind, turned = there_up.query.kind, Meeting(meeting.back, meeting.partner)
    return {
        **there_up.effect(meeting.met, turned.met, looked_up_at(way, meeting, kind)),
        **here_up.effect(turned.met, meeting.met, looked_up_at(way, turned, kind)),
    }


def _shared(small: Dataset, large: Dataset, meeting: Meeting, here: ModelKeys, there: ModelKeys) -> str:
    count = int(meeting.met.sum())
    said = among(count, small, ("is", "are")) + f" in {large.name} too"
    said += f" ({percent(int(meeting.reference_met.sum()), len(large))} of {large.name}): {counted(here, there)}"
    if small.target is None or large.target is None or not small.classes or small.classes != large.classes:
        return said
    same = int((small.target[meeting.met] == large.target[meeting.partner[meeting.met]]).sum())
    return f"{said}; {same} of {count} have the same label ({percent(same, count)})"


def _close(way: str, small: Dataset, large: Dataset, count: int) -> str:
    verbs, how = MEET[way]
    return f"{among(count, small, verbs)} {how.format(f'one of {large.name}')}"


def counted(query: ModelKeys, reference: ModelKeys) -> str:
    """Return how many rows meet by each relation, each row under the first that holds."""
    taken, parts = np.zeros(len(query), np.bool_), []
    for relation in RELATIONS:
        new = (match(query, reference, relation) >= 0) & ~taken
        taken |= new
        if new.any():
            parts.append(f"{int(new.sum())} {RELATION_WORDS[relation]}")
    return ", ".join(parts)


def seen_by(dataset: Dataset, keys: ModelKeys) -> Iterator[Finding]:
    """Look for rows that a finished model was trained on, or that lie next to one."""
    if keys.kind != dataset.kind:
        yield _not_compared(dataset, f"the training rows of the model ({keys.name})", nouns(keys.kind))
        return
    here = keys_of(dataset)
    for way, meeting in meetings_of(here, keys).items():
        count, total = int(meeting.met.sum()), len(dataset)
        if not count:
            continue
        code = "seen-by-model" if way == "same" else f"{way}-seen-by-model"
        rows = f"{nouns(keys.kind)} that the model was trained on ({keys.name})"
        if way == "same":
            said = f"{among(count, dataset, ('is', 'are'))} among the {rows}: {counted(here, keys)}"
        else:
            verbs, how = MEET[way]
            said = f"{among(count, dataset, verbs)} {how.format(f'one of the {rows}')}"
        yield Finding(
            code, severity_of(code, count, total), count, total, said,
            "leave them out of every test, or move them to the training part", shown(dataset.ids[meeting.met]),
            data=(dataset.name, keys.name), unmeasured="a model keeps its training rows, not their labels",
        )  # fmt: skip
