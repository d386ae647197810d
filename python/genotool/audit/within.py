"""Rows that meet within one set: duplicates, PAM-distal variants, both strands of a site, neighbours."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from genotool.audit.alike import copies_within
from genotool.audit.findings import Finding, shown
from genotool.audit.keys import ModelKeys, keys_of
from genotool.audit.levels import severity_of
from genotool.audit.relations import codes, match, near_within
from genotool.audit.shifted import MOST_BASES, shifted_within
from genotool.audit.words import among, nouns
from genotool.dataset import Dataset, Kind

__all__ = ["within"]

Index = NDArray[np.int64]
Mask = NDArray[np.bool_]


def within(dataset: Dataset) -> Iterator[Finding]:
    """Look for rows of one set that meet each other."""
    keys = keys_of(dataset)
    equal, earlier = _repeats(codes(keys, "exact"))
    if equal.any():
        said = among(equal.sum(), dataset, ("occurs", "occur")) + " in it before"
        yield _finding("duplicates", equal, earlier, dataset, said, "keep each once, or all of them in one part")
    alike = equal
    if dataset.kind is Kind.GUIDES:
        variant, earlier = _repeats(codes(keys, "variant"))
        alike, variant = variant | equal, variant & ~equal
        if variant.any():
            said = among(variant.sum(), dataset, ("equals", "equal"))
            said += " an earlier one in bases 3-23 (augmentation, or one site twice)"
            yield _finding("variants", variant, earlier, dataset, said, "keep guides equal in bases 3-23 in one part")
    yield from _both_strands(dataset, keys)
    yield from _swapped(dataset, keys)
    yield from copies_within(dataset)
    yield from _neighbours(dataset, keys, alike)


def _both_strands(dataset: Dataset, keys: ModelKeys) -> Iterator[Finding]:
    partner = match(keys, keys, "reverse_complement")
    met = partner >= 0
    if not met.any():
        return
    own = int((partner == np.arange(len(dataset))).sum())
    said = among(met.sum(), dataset, ("is", "are")) + f" the reverse complement of one of its {nouns(dataset.kind)}"
    said += f" ({own} of {own if own == 1 else 'them'} its own)" if own else ""
    count, total = int(met.sum()), len(dataset)
    yield Finding(
        "reverse-complements", "note", count, total, said, "keep both strands of a site in one part",
        shown(dataset.ids[met]), data=(dataset.name,), partners=shown(dataset.ids[partner[met]]),
    )  # fmt: skip


def _swapped(dataset: Dataset, keys: ModelKeys) -> Iterator[Finding]:
    partner = match(keys, keys, "swapped")
    met = np.asarray((partner >= 0) & (partner != np.arange(len(dataset))))
    if met.any():
        said = among(met.sum(), dataset, ("is", "are")) + " another of its pairs with the two sequences swapped"
        count, total = int(met.sum()), len(dataset)
        yield Finding(
            "swapped-pairs", "note", count, total, said, "keep both orders of a pair in one part",
            shown(dataset.ids[met]), data=(dataset.name,), partners=shown(dataset.ids[partner[met]]),
        )  # fmt: skip


def _neighbours(dataset: Dataset, keys: ModelKeys, alike: Mask) -> Iterator[Finding]:
    """Look for guides a base apart, or beside each other on the genome, that no group keeps together."""
    if dataset.kind is not Kind.GUIDES:
        return
    partner = near_within(keys)
    close = _apart(dataset, partner) & ~alike
    remedy = "give them one group, or split so that they stay together"
    if close.any():
        said = among(close.sum(), dataset, ("differs", "differ"))
        said += f" in one base from a guide {_grouped(dataset)}"
        yield _finding("near-within", close, partner, dataset, said, remedy)
    found = shifted_within(keys)
    beside = _apart(dataset, found.reference) & ~alike & ~close
    if beside.any():
        said = among(beside.sum(), dataset, ("lies", "lie"))
        said += f" 1 to {MOST_BASES} bases beside a guide {_grouped(dataset)}, on either strand"
        yield _finding("shifted-within", beside, found.reference, dataset, said, remedy)


def _apart(dataset: Dataset, partner: Index) -> Mask:
    """Return which rows have a partner that is not known to be of their group."""
    met = np.asarray(partner >= 0)
    if dataset.groups is None:
        return met
    return np.asarray(met & ((dataset.groups != dataset.groups[partner]) | (dataset.groups == "")))


def _grouped(dataset: Dataset) -> str:
    known = dataset.groups is not None and any(dataset.groups.tolist())
    return "of another group" if known else "of the set, and it has no groups"


def _finding(code: str, mask: Mask, partner: Index, dataset: Dataset, said: str, remedy: str) -> Finding:
    count, total = int(mask.sum()), len(dataset)
    return Finding(
        code, severity_of(code, count, total), count, total, said, remedy,
        shown(dataset.ids[mask]), data=(dataset.name,), partners=shown(dataset.ids[partner[mask]]),
    )  # fmt: skip


def _repeats(digests: NDArray[np.uint64]) -> tuple[Mask, Index]:
    """Return which rows occur before, and the first row like each."""
    _, first, inverse = np.unique(digests, return_index=True, return_inverse=True)
    earlier = first[inverse].astype(np.int64)
    return np.asarray(earlier < np.arange(len(digests))), earlier
