"""Rows that meet: within a set, between two sets, and between a set and what a model was trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from genotool.audit.findings import Effect, Finding, percent, shown
from genotool.audit.keys import ModelKeys, keys_of
from genotool.audit.relations import RELATIONS, codes, match, near
from genotool.dataset import Dataset, Kind, Task
from genotool.metrics import HEADLINE, compute

__all__ = ["between", "lookup_effect", "seen_by", "severity_of", "within", "words_of"]

Index = NDArray[np.int64]

SEVERE_SHARE = 0.01
MOST_COMPARISONS = 2_000_000_000
"""Pairs of rows that the nearest-neighbour effect is worth."""
REMEDY_SHARED = "drop the shared rows from training, or move them there before the split (--overlap drop)"


def severity_of(count: int, total: int, *, low: str = "warning", high: str = "severe") -> str:
    """Return `high` where one row in a hundred is concerned, else `low`."""
    return high if count >= SEVERE_SHARE * total else low


def words_of(kind: Kind) -> str:
    """Return what the rows of a kind are called."""
    return {Kind.GUIDES: "guides", Kind.SEQUENCES: "sequences", Kind.PAIRS: "pairs"}.get(kind, "rows")


def within(dataset: Dataset) -> Iterator[Finding]:
    """Look for rows of one set that meet: duplicates, PAM-distal variants, reverse complements."""
    keys, total = keys_of(dataset), len(dataset)
    what, data = words_of(dataset.kind), (dataset.name,)
    duplicate = _repeats(codes(keys, "exact"))
    if duplicate.any():
        yield _within("duplicates", duplicate, dataset, f"occur before in {dataset.name}", "keep each once")
    if dataset.kind is Kind.GUIDES:
        variant = _repeats(codes(keys, "variant")) & ~duplicate
        if variant.any():
            said = f"equal an earlier guide of {dataset.name} in bases 3-23 (augmentation, or one site twice)"
            yield _within(
                "variants",
                variant,
                dataset,
                said,
                "split by what they share: rows equal in bases 3-23 are one",
            )
    turned = match(keys, keys, "reverse_complement")
    met = turned >= 0
    if met.any():
        own = int((turned == np.arange(total)).sum())
        yield Finding(
            "reverse-complements", "note", int(met.sum()), total,
            f"{int(met.sum())} of {total} {what} of {dataset.name} ({percent(int(met.sum()), total)}) are "
            "the reverse "
            f"complement of one of its {what}, {own} of themselves",
            "keep both strands of a site in one part", shown(dataset.ids[met]), data=data,
        )  # fmt: skip


def _within(code: str, mask: NDArray[np.bool_], dataset: Dataset, said: str, remedy: str) -> Finding:
    count, total = int(mask.sum()), len(dataset)
    message = f"{count} of {total} {words_of(dataset.kind)} ({percent(count, total)}) {said}"
    severity = severity_of(count, total, low="note", high="warning")
    return Finding(code, severity, count, total, message, remedy, shown(dataset.ids[mask]), data=(dataset.name,))


def _repeats(digests: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return which rows occur before."""
    _, first = np.unique(digests, return_index=True)
    repeat = np.ones(len(digests), np.bool_)
    repeat[first] = False
    return repeat


def between(datasets: Sequence[Dataset]) -> Iterator[Finding]:
    """Look for rows that two sets share, each pair of sets."""
    for one, other in combinations(datasets, 2):
        if one.kind == other.kind and len(one) and len(other):
            small, large = sorted((one, other), key=len)
            yield from _pair(small, large)


def _pair(small: Dataset, large: Dataset) -> Iterator[Finding]:
    here, there = keys_of(small), keys_of(large)
    met = {relation: match(here, there, relation) for relation in RELATIONS}
    back = np.zeros(len(large), np.bool_)
    for relation in RELATIONS:
        back |= match(there, here, relation) >= 0
    partner = _first(list(met.values()))
    mask = partner >= 0
    if mask.any():
        yield _shared(small, large, mask, partner, back, _counted(met))
    close = (near(here, there) >= 0) & ~mask
    if close.any():
        count, total = int(close.sum()), len(small)
        yield Finding(
            "near-rows", severity_of(count, total, low="note", high="warning"), count, total,
            f"{count} of {total} {words_of(small.kind)} of {small.name} ({percent(count, total)}) differ "
            "in one base from "
            f"one of {large.name}", "treat them as one when splitting",
            shown(small.ids[close]), data=(small.name, large.name),
        )  # fmt: skip


def _first(indices: Sequence[Index]) -> Index:
    found = indices[0].copy()
    for index in indices[1:]:
        found = np.where(found < 0, index, found)
    return found


def _counted(met: dict[str, Index]) -> str:
    """Return how many rows meet by each relation, each row under the first that holds."""
    names = {
        "exact": "equal",
        "reverse_complement": "reverse complements",
        "variant": "variants in the two PAM-distal bases",
    }
    taken, parts = np.zeros(len(met["exact"]), np.bool_), []
    for relation, index in met.items():
        new = (index >= 0) & ~taken
        taken |= new
        if new.any():
            parts.append(f"{int(new.sum())} {names[relation]}")
    return ", ".join(parts)


def _shared(
    small: Dataset,
    large: Dataset,
    mask: NDArray[np.bool_],
    partner: Index,
    back: NDArray[np.bool_],
    counted: str,
) -> Finding:
    count, total, what = int(mask.sum()), len(small), words_of(small.kind)
    both = small.target is not None and large.target is not None
    message = (
        f"{percent(count, total)} of {small.name}'s {what} ({count} of {total}: {counted}) are in "
        f"{large.name}, which makes "
        f"{percent(int(back.sum()), len(large))} of {large.name}"
    )
    if both and small.classes and small.classes == large.classes:
        same = small.target[mask] == large.target[partner[mask]]  # type: ignore[index]
        message += f"; {percent(int(same.sum()), count)} of them have the same label"
    effect = {**lookup_effect(small, large, mask, back), **lookup_effect(large, small, back, mask)} if both else None
    severity = severity_of(count, total) if both else "warning"
    names = (small.name, large.name)
    return Finding(
        "shared-rows",
        severity,
        count,
        total,
        message,
        REMEDY_SHARED,
        shown(small.ids[mask]),
        effect or None,
        names,
    )


def lookup_effect(
    query: Dataset, reference: Dataset, query_met: NDArray[np.bool_], reference_met: NDArray[np.bool_]
) -> Effect:
    """Return what looking up the nearest reference row's target scores, by name of the two sets.

    ``with``: every query row in every reference row; ``shared``: the query rows that meet one; ``without``:
    every query
    row, in the reference rows that meet none.
    """
    from genotool.floors import nearest_targets

    task = query.task
    if len(query) * len(reference) > MOST_COMPARISONS or task in (None, Task.MULTICLASS):
        return {}
    assert task is not None
    assert query.target is not None
    metric, everything = HEADLINE[task], nearest_targets(reference, query)
    rest = reference.take(np.flatnonzero(~reference_met).astype(np.int64))
    measured: dict[str, float | str | None] = {
        "metric": metric,
        "with": compute(task, query.target, everything, raw=True)[metric],
        "shared": compute(task, query.target[query_met], everything[query_met], raw=True)[metric],
        "without": compute(task, query.target, nearest_targets(rest, query), raw=True)[metric] if len(rest) else None,
    }
    return {f"{query.name} looked up in {reference.name}": measured}


def seen_by(dataset: Dataset, keys: ModelKeys) -> Iterator[Finding]:
    """Look for rows that a finished model was trained on."""
    if keys.kind != dataset.kind or not len(keys):
        return
    here = keys_of(dataset)
    met = {relation: match(here, keys, relation) for relation in RELATIONS}
    mask = _first(list(met.values())) >= 0
    count, total = int(mask.sum()), len(dataset)
    if count:
        message = (
            f"{percent(count, total)} of {dataset.name}'s {words_of(dataset.kind)} ({count} of {total}: "
            f"{_counted(met)}) are "
            f"among those that the model was trained on ({keys.name})"
        )
        severity, remedy = (
            severity_of(count, total),
            "leave them out of every test, or move them to the training part",
        )
        yield Finding(
            "seen-by-model",
            severity,
            count,
            total,
            message,
            remedy,
            shown(dataset.ids[mask]),
            data=(dataset.name, keys.name),
        )
