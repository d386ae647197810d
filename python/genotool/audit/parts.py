"""The parts of a split: groups that straddle them, rows that meet across them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from genotool.audit.effects import LookUp, unmeasured
from genotool.audit.findings import Effect, Finding, shown
from genotool.audit.keys import keys_of
from genotool.audit.levels import severity_of
from genotool.audit.memorised import FALLS_FAR, fall_of
from genotool.audit.overlap import MEET, Meeting, counted, looked_up_at, meetings_of
from genotool.audit.words import among, nouns, percent, some
from genotool.dataset import Dataset
from genotool.split import Part, Split

__all__ = ["meetings", "missing", "spelled_apart", "straddling"]

NAMES = {Part.TRAIN.value: "training", Part.VALID.value: "validation", Part.TEST.value: "test"}
BY_GROUP = frozenset({"group", "leave-one-group-out"})
REMEDIES = {
    "same": "--overlap drop, or a split that keeps them together",
    "near": "a split that keeps them together, such as --split group",
    "shifted": "a split that keeps them together, such as --split group",
    "homologous": "a split that keeps them together: --split homology",
}


def straddling(dataset: Dataset, split: Split, *, seed: int = 0) -> Iterator[Finding]:
    """Look for groups with rows in training (or validation) and in the test part, and what they are worth."""
    if dataset.groups is None or not np.any(split.parts == Part.TEST):
        return
    fitted = np.isin(split.parts, (Part.TRAIN, Part.VALID))
    test = split.parts == Part.TEST
    both = sorted((set(dataset.groups[fitted].tolist()) & set(dataset.groups[test].tolist())) - {""})
    if not both:
        return
    rows = np.isin(dataset.groups, both) & test
    total = len(set(dataset.groups[test].tolist()) - {""})
    fall = fall_of(dataset, seed=seed)
    far = fall is not None and fall.by_row - fall.by_group >= FALLS_FAR
    said = f"; {fall.said}" if fall else ""
    yield Finding(
        "straddling-groups", "severe" if far or split.method in BY_GROUP else "warning", len(both), total,
        f"{len(both)} of {some(total, 'group')} in the test part of {dataset.name} ({percent(len(both), total)}) "
        f"{'has' if len(both) == 1 else 'have'} rows in training or validation too: "
        f"{percent(int(rows.sum()), int(test.sum()))} of its test rows (split: {split.method}){said}",
        "--split group", shown(both), fall.effect if fall else None, data=(dataset.name,),
    )  # fmt: skip


def missing(dataset: Dataset, split: Split) -> Iterator[Finding]:
    """Look for a validation or test part without rows: with few groups a hash can send none there."""
    total = len(dataset)
    for part in (Part.VALID, Part.TEST):
        if total and not np.any(split.parts == part):
            yield Finding(
                "empty-part", "warning", 0, total,
                f"0 of {total} {nouns(dataset.kind, total)} of {dataset.name} are in the {NAMES[part.value]} part "
                f"(split: {split.method})", "another --seed or --split, or more groups", data=(dataset.name,),
            )  # fmt: skip


def spelled_apart(dataset: Dataset, split: Split) -> Iterator[Finding]:
    """Look for groups of the test part whose name in training or validation differs in case or punctuation alone."""
    if dataset.groups is None or not np.any(split.parts == Part.TEST):
        return
    fitted = _by_letters(dataset.groups[np.isin(split.parts, (Part.TRAIN, Part.VALID))])
    test = _by_letters(dataset.groups[split.parts == Part.TEST])
    pairs = [(test[plain], fitted[plain]) for plain in sorted(test.keys() & fitted.keys()) if plain]
    apart = [(sorted(one - other), sorted(other)) for one, other in pairs if one - other]
    if apart:
        count, total = len(apart), len(test.keys() - {""})
        yield Finding(
            "groups-spelled-apart", "warning", count, total,
            f"{count} of {some(total, 'group')} in the test part of {dataset.name} ({percent(count, total)}) "
            f"{'is' if count == 1 else 'are'} in training or validation under another spelling",
            "write each group in one way, and split again", shown([one[0] for one, _ in apart]), data=(dataset.name,),
            partners=shown([other[0] for _, other in apart]),
        )  # fmt: skip


def _by_letters(groups: NDArray[np.str_]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for group in set(groups.tolist()):
        plain = "".join(letter for letter in group.casefold() if letter.isalnum())
        found.setdefault(plain, set()).add(group)
    return found


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
    look_up = LookUp(held, fitted)
    for way, meeting in meetings_of(here, there).items():
        if meeting.met.any():
            how = f": {counted(here, there)}" if way == "same" else ""
            yield _crossing(way, meeting, look_up, part, how)


def _crossing(way: str, meeting: Meeting, look_up: LookUp, part: Part, how: str) -> Finding:
    held, met = look_up.query, meeting.met
    count, total = int(met.sum()), len(held)
    code = "rows-across-parts" if way == "same" else f"{way}-rows-across-parts"
    verbs, said = MEET[way]
    fitted = f"{nouns(held.kind)} that were fitted on"
    reason = unmeasured(held, look_up.reference, met)
    effect: Effect = {}
    if part is Part.TEST and not reason:
        found = look_up.effect(met, meeting.reference_met, looked_up_at(way, meeting, held.kind))
        effect = {f"looking up {held.name}'s test part in the others": item for item in found.values()}
    return Finding(
        code, severity_of(code, count, total), count, total,
        f"{among(count, held, verbs, part=f'{NAMES[part.value]} ')} {said.format(fitted)}{how}",
        REMEDIES[way], shown(held.ids[met]), effect or None, (held.name,),
        shown(look_up.reference.ids[meeting.partner[met]]), reason if part is Part.TEST else "",
    )  # fmt: skip
