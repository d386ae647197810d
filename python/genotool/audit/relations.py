"""How rows of two sets can be the same: equal, reverse complement, PAM-distal variant, swapped, one base apart.

Guides are compared at their PAM end: a 23-nt guide and a spacer of 17 to 20 nt on the bases that both have.
A variant
is equal from base 3 on: the two PAM-distal bases hardly matter to the enzyme, and sets are augmented by
varying them. Two pairs of sequences are the same if one is the other swapped, seq2 first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.audit.keys import Digests, ModelKeys, keys_of
from genotool.dataset import Dataset, Kind
from genotool.errors import UsageError
from genotool.sequences import Sequences

__all__ = [
    "RELATIONS",
    "codes",
    "lookup",
    "match",
    "near",
    "near_within",
    "overlap_mask",
    "overlap_with_keys",
    "slices",
]

Index: TypeAlias = NDArray[np.int64]

RELATIONS: tuple[str, ...] = ("exact", "reverse_complement", "variant", "swapped")
PAM = 3
SEED_BASES = 18
"""Bases of a 20-nt spacer that a variant shares, from the PAM end."""
LONGEST_NEAR = 64


def overlap_mask(
    query: Dataset,
    reference: Dataset | ModelKeys,
    *,
    relations: Sequence[str] = RELATIONS,
    mismatches: int = 0,
) -> NDArray[np.bool_]:
    """Return (n,) whether each row of `query` meets a row of `reference`.

    Parameters
    ----------
    relations
        Which of `RELATIONS` count.
    mismatches
        1: also sequences of one length, up to 64 nt, that differ in one base, on either strand.
    """
    unknown = set(relations) - set(RELATIONS)
    if unknown or mismatches not in (0, 1):
        raise UsageError(f"rows are compared by {', '.join(RELATIONS)} and at most one mismatch")
    left, right = keys_of(query), _keys(reference)
    mask = np.zeros(len(query), np.bool_)
    for relation in relations:
        mask |= match(left, right, relation) >= 0
    return mask | (near(left, right) >= 0) if mismatches else mask


def overlap_with_keys(dataset: Dataset, keys: ModelKeys) -> dict[str, NDArray[np.bool_]]:
    """Return by relation (n,) whether each row meets a row that a model was trained on."""
    left = keys_of(dataset)
    return {relation: match(left, keys, relation) >= 0 for relation in RELATIONS}


def _keys(reference: Dataset | ModelKeys) -> ModelKeys:
    return keys_of(reference) if isinstance(reference, Dataset) else reference


def match(query: ModelKeys, reference: ModelKeys, relation: str) -> Index:
    """Return (n,) for each row of `query` the first row of `reference` that it meets, -1 for none."""
    found = np.full(len(query), -1, np.int64)
    if not len(reference) or not len(query) or query.kind != reference.kind:
        return found
    if query.digests is not None and reference.digests is not None:
        return lookup(query.digests, reference.digests) if relation == "exact" else found
    if relation == "reverse_complement":
        turned = [column.reverse_complement() for column in query.columns]
        return lookup(_joined(turned), _joined(reference.columns))
    if relation == "swapped":
        return _match_swapped(query.columns, reference.columns) if query.kind is Kind.PAIRS else found
    if query.kind is not Kind.GUIDES:
        return lookup(_joined(query.columns), _joined(reference.columns)) if relation == "exact" else found
    return _match_guides(query.columns[0], reference.columns[0], relation)


def _match_swapped(query: Sequence[Sequences], reference: Sequence[Sequences]) -> Index:
    """Return (n,) the first pair that is a pair of `query` the other way round, on either strand, -1 for none."""
    there = _joined(reference)
    forward = lookup(_joined(query[::-1]), there)
    return np.where(forward >= 0, forward, lookup(_joined([q.reverse_complement() for q in query[::-1]]), there))


def codes(keys: ModelKeys, relation: str) -> NDArray[np.uint64]:
    """Return (n,) digests that are equal where two rows of the set meet by the relation (exact or
    variant).
    """
    if keys.digests is not None:
        return keys.digests
    if keys.kind is not Kind.GUIDES or relation == "exact":
        return _joined(keys.columns)
    guides = keys.columns[0]
    result = np.empty(len(guides), np.uint64)
    for length in np.unique(guides.lengths):
        rows = np.flatnonzero(guides.lengths == length)
        start, stop = _window(int(length), int(length), relation)[0]
        result[rows] = _slice(guides, rows, start, stop).row_digests()
    return result


def lookup(query: Digests, reference: Digests) -> Index:
    """Return (n,) for each query digest the first place of it in `reference`, -1 for none."""
    order = np.argsort(reference, kind="stable")
    place = np.minimum(np.searchsorted(reference[order], query), len(reference) - 1)
    return np.where(reference[order][place] == query, order[place], -1).astype(np.int64)


def _joined(columns: Sequence[Sequences]) -> Digests:
    """Return one digest a row of all key columns; the order of the columns counts."""
    digest = columns[0].row_digests()
    for column in columns[1:]:
        digest = (digest * np.uint64(0x9E3779B97F4A7C15)) ^ column.row_digests()
    return digest


def _match_guides(query: Sequences, reference: Sequences, relation: str) -> Index:
    found = np.full(len(query), -1, np.int64)
    for length in np.unique(query.lengths):
        rows = np.flatnonzero(query.lengths == length)
        for other in np.unique(reference.lengths):
            others = np.flatnonzero(reference.lengths == other)
            here, there = _window(int(length), int(other), relation)
            hit = lookup(_slice(query, rows, *here).row_digests(), _slice(reference, others, *there).row_digests())
            found[rows] = np.where((found[rows] < 0) & (hit >= 0), others[hit], found[rows])
    return found


def _window(length: int, other: int, relation: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return which bases of two guides are compared, as (start, stop) of each."""
    spacer, other_spacer = (size - PAM if size >= 20 + PAM else size for size in (length, other))
    bases = min(spacer, other_spacer, SEED_BASES if relation == "variant" else spacer)
    if length == other:
        return ((spacer - bases, length),) * 2
    return (spacer - bases, spacer), (other_spacer - bases, other_spacer)


def _slice(sequences: Sequences, rows: Index, start: int, stop: int) -> Sequences:
    """Return bases `start` to `stop` of rows that have one length."""
    return slices(sequences.take(rows).data.reshape(len(rows), -1), start, stop)


def slices(letters: NDArray[np.uint8], start: int, stop: int) -> Sequences:
    """Return columns `start` to `stop` of (n, length) letters as sequences."""
    return Sequences(letters[:, start:stop].reshape(-1), np.arange(len(letters) + 1, dtype=np.int64) * (stop - start))


def near(query: ModelKeys, reference: ModelKeys) -> Index:
    """Return (n,) for each row of `query` a row of `reference` one base apart or none, -1 for none.

    Only single sequences of one length, up to 64 nt, on either strand.
    """
    found = np.full(len(query), -1, np.int64)
    if len(query.columns) != 1 or len(reference.columns) != 1 or query.kind != reference.kind:
        return found
    here, there = query.columns[0], reference.columns[0]
    rows, others = (np.flatnonzero(column.lengths <= LONGEST_NEAR) for column in (here, there))
    met = here.take(rows).overlaps(there.take(others), mismatches=1, best=True)
    found[rows[met.query]] = others[met.reference]
    return found


def near_within(keys: ModelKeys) -> Index:
    """Return (n,) for each row another row of the same set one base apart, -1 for none; as `near`."""
    found = np.full(len(keys), -1, np.int64)
    if len(keys.columns) != 1:
        return found
    distinct, rows = _distinct(keys.columns[0])
    met = distinct.overlaps(mismatches=1, reverse_complement=False, best=True)
    found[rows[met.query]] = rows[met.reference]
    return found


def _distinct(sequences: Sequences) -> tuple[Sequences, Index]:
    """Return each sequence of up to 64 nt once, and the rows where they first stand."""
    rows = np.flatnonzero(sequences.lengths <= LONGEST_NEAR)
    _, first = np.unique(sequences.take(rows).row_digests(), return_index=True)
    rows = rows[np.sort(first)].astype(np.int64)
    return sequences.take(rows), rows
