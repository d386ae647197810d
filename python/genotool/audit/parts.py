"""The parts of a split: groups that straddle them, rows that meet across them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from genotool.audit.findings import Finding, percent, shown
from genotool.audit.keys import keys_of
from genotool.audit.overlap import lookup_effect, severity_of, words_of
from genotool.audit.relations import RELATIONS, match, near
from genotool.dataset import Dataset
from genotool.split import Part, Split

__all__ = ["meetings", "straddling"]

NAMES = {Part.TRAIN.value: "training", Part.VALID.value: "validation", Part.TEST.value: "test"}
BY_GROUP = frozenset({"group", "leave-one-group-out"})


def straddling(dataset: Dataset, split: Split) -> Iterator[Finding]:
    """Look for groups with rows in training (or validation) and in the test part."""
    if dataset.groups is None or not np.any(split.parts == Part.TEST):
        return
    fitted = np.isin(split.parts, (Part.TRAIN, Part.VALID))
    test = split.parts == Part.TEST
    both = sorted((set(dataset.groups[fitted].tolist()) & set(dataset.groups[test].tolist())) - {""})
    if not both:
        return
    rows = np.isin(dataset.groups, both) & test
    total = len(set(dataset.groups[test].tolist()))
    yield Finding(
        "straddling-groups", "severe" if split.method in BY_GROUP else "warning", len(both), total,
        f"{len(both)} of the {total} groups in the test part of {dataset.name} have rows in training or "
        "validation too "
        f"({percent(int(rows.sum()), int(test.sum()))} of its test rows; split by {split.method})",
        "--split group", shown(both), data=(dataset.name,),
    )  # fmt: skip


def meetings(dataset: Dataset, split: Split) -> Iterator[Finding]:
    """Look for held-out rows that meet a row of an earlier part: test in training or validation,
    validation in training.
    """
    for held, earlier in ((Part.TEST, (Part.TRAIN, Part.VALID)), (Part.VALID, (Part.TRAIN,))):
        rows, fitted = split.rows(held), np.flatnonzero(np.isin(split.parts, earlier)).astype(np.int64)
        if len(rows) and len(fitted):
            yield from _meeting(dataset.take(rows), dataset.take(fitted), held)


def _meeting(held: Dataset, fitted: Dataset, part: Part) -> Iterator[Finding]:
    here, there = keys_of(held), keys_of(fitted)
    mask, back = np.zeros(len(held), np.bool_), np.zeros(len(fitted), np.bool_)
    for relation in RELATIONS:
        mask |= match(here, there, relation) >= 0
        back |= match(there, here, relation) >= 0
    if mask.any():
        effect = lookup_effect(held, fitted, mask, back) if part is Part.TEST else None
        how = "meet (equal, reverse complement, or for guides equal in bases 3-23)"
        yield _crossing("rows-across-parts", mask, held, part, how, ("warning", "severe"), effect)
    close = (near(here, there) >= 0) & ~mask
    if close.any():
        yield _crossing(
            "near-rows-across-parts", close, held, part, "differ in one base from", ("note", "warning"), None
        )


def _crossing(
    code: str,
    mask: NDArray[np.bool_],
    held: Dataset,
    part: Part,
    how: str,
    severities: tuple[str, str],
    effect: object,
) -> Finding:
    count, total = int(mask.sum()), len(held)
    return Finding(
        code, severity_of(count, total, low=severities[0], high=severities[1]), count, total,
        f"{count} of {total} {NAMES[part.value]} {words_of(held.kind)} of {held.name} "
        f"({percent(count, total)}) {how} a row "
        "that was fitted on", "--overlap drop, or a split that keeps them together",
        shown(held.ids[mask]), effect or None, (held.name,),  # type: ignore[arg-type]
    )  # fmt: skip
