"""Methods: the ways to split a data set, by units that stay together, by class, or as published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genotool.dataset import Dataset, Kind
from genotool.errors import InputError, UsageError
from genotool.sequences import Sequences
from genotool.split.files import from_file
from genotool.split.parts import Fractions, Part, Split, hash_fraction
from genotool.split.units import BY, UNITS, Units, is_by_units, units_of

__all__ = ["METHODS", "by_group", "by_row", "by_units", "choose", "default_method", "published", "stratified"]

FEW_UNITS = 10
SOME_UNITS = 30
"""Below this a part may stay empty by chance; from here on the hash alone decides, for all data sets."""
FROM_FILE = " (parts as a split file has them)"
LONGEST = 40
"""Letters of a unit's name that are shown; a homology cluster's is a sequence."""
LONG_SEQUENCE = 100
"""Bases from which half of the sequences must be to be clustered by homology unasked."""


def by_units(dataset: Dataset, method: str, seed: int, fractions: Fractions) -> Split:
    """Split by units that stay together, each sent to its part by the hash of its name.

    Under ten units one tests and one validates; under thirty, a part that no unit fell into gets one.
    """
    units = units_of(dataset, method)
    known = units.known
    if len(known) < FEW_UNITS and 2 * units.named.sum() > len(dataset):
        return _leave_one_out(units, known, method, seed)
    part_of = dict(zip(units.names, fractions.part(hash_fraction(seed, units.names)).tolist(), strict=True))
    if len(known) < SOME_UNITS:
        _fill_empty_parts(part_of, known, seed, fractions)
    parts = np.array([part_of[name] for name in units.names], np.int8)
    return Split(parts, method, seed, units.leaves_open)


def by_row(dataset: Dataset, seed: int, fractions: Fractions) -> Split:
    """Split single rows; equal rows stay together, also across data sets."""
    return by_units(dataset, "row", seed, fractions)


def by_group(dataset: Dataset, seed: int, fractions: Fractions) -> Split:
    """Split by the group column, whatever its case; rows without a group are their own."""
    return by_units(dataset, "group", seed, fractions)


def _fill_empty_parts(part_of: dict[str, int], known: list[str], seed: int, fractions: Fractions) -> None:
    """Give a part that no unit fell into, by the chance of few units, the training unit of lowest hash."""
    order = [known[at] for at in np.argsort(hash_fraction(seed, known), kind="stable")]
    for part, share in ((Part.TEST, fractions.test), (Part.VALID, fractions.valid)):
        training = [unit for unit in order if part_of[unit] == Part.TRAIN]
        if share and part not in (part_of[unit] for unit in known) and len(training) > 1:
            part_of[training[0]] = part


def _leave_one_out(units: Units, known: list[str], method: str, seed: int) -> Split:
    if len(known) < 3:
        said = f"a split by {method} needs at least 3 {units.word}, there are {len(known)}"
        raise InputError(said, hint="use --split row")
    order = [known[i] for i in np.argsort(hash_fraction(seed, known), kind="stable")]
    part_of = {order[0]: Part.TEST, order[1]: Part.VALID}
    parts = np.array([part_of.get(name, Part.TRAIN) for name in units.names], np.int8)
    test, valid = (name if len(name) <= LONGEST else f"{name[:LONGEST]}…" for name in order[:2])
    said = f"only {len(known)} {units.word}: {test} tests, {valid} validates; one says little about others"
    return Split(parts, "leave-one-group-out" if method == "group" else method, seed, said)


def stratified(dataset: Dataset, seed: int, fractions: Fractions) -> Split:
    """Split rows in equal shares of each class (regression: of all rows), in the order of their hash."""
    said = "rows of one gene, donor or locus may straddle the parts"
    return Split(fractions.part(class_rank(dataset, seed)), "stratified", seed, said)


def class_rank(dataset: Dataset, seed: int) -> NDArray[np.float64]:
    """Return (n,) the place of each row in its class, by hash, in (0, 1): a share of it is that share of each class."""
    position = hash_fraction(seed, [str(row) for row in dataset.ids.tolist()])
    target = dataset.target if dataset.classes and dataset.target is not None else np.zeros(len(dataset), np.int64)
    rank = np.empty(len(dataset), np.float64)
    for value in np.unique(target):
        rows = np.flatnonzero(target == value)
        order = np.argsort(position[rows], kind="stable")
        rank[rows[order]] = (np.arange(len(rows)) + 0.5) / len(rows)  # half: no share hangs on a rounding
    return rank


def published(dataset: Dataset, seed: int, fractions: Fractions) -> Split:
    """Take the split column. Without a test part its ``valid`` tests, and validation is carved from train."""
    if "split" not in dataset.columns:
        raise UsageError(f"{dataset.name} has no published split", hint="use --split group or --split row")
    words = np.char.lower(np.asarray(dataset.columns["split"], dtype=np.str_))
    known = {
        "train": Part.TRAIN,
        "valid": Part.VALID,
        "val": Part.VALID,
        "validation": Part.VALID,
        "test": Part.TEST,
    }
    unknown = sorted(set(words.tolist()) - set(known))
    if unknown:
        raise InputError(
            f"{dataset.name}: the split column holds other words than train, valid, test", value=unknown[0]
        )
    parts = np.array([known[word] for word in words.tolist()], np.int8)
    said = "what the published split leaves open"
    if not (parts == Part.TEST).any():
        parts[parts == Part.VALID] = Part.TEST
        said += "; it has no test part: its valid rows test here, validation is carved from train"
    if not (parts == Part.VALID).any():
        carve = Fractions(valid=fractions.valid or 0.15, test=0.0)
        rows = np.flatnonzero(parts == Part.TRAIN).astype(np.int64)
        train = dataset.take(rows)
        many = train.groups is not None and len(set(train.groups.tolist()) - {""}) >= 3
        inner = (by_group if many else by_row)(train, seed, carve).parts
        parts[rows[inner == Part.VALID]] = Part.VALID
    return Split(parts, "published", seed, said)


OTHERS: dict[str, Callable[[Dataset, int, Fractions], Split]] = {"stratified": stratified, "published": published}
METHODS = (*UNITS, *OTHERS)
"""The words that ``--split`` takes, beside ``by:COLUMN`` and the path of a split file."""


def choose(dataset: Dataset, method: str | None, seed: int, fractions: Fractions | None = None) -> Split:
    """Make the split that was asked for, or else the safest one that the data set allows.

    Parameters
    ----------
    method
        A name in `METHODS`, ``by:COLUMN``, a path to a split file, or None: see `default_method`.

    Raises
    ------
    UsageError
        If the method is unknown or the data set lacks what it needs.
    """
    fractions, method = fractions or Fractions(), method or default_method(dataset)
    if is_by_units(method):
        return by_units(dataset, method, seed, fractions)
    if method in OTHERS:
        return OTHERS[method](dataset, seed, fractions)
    if "/" in method or "." in method:
        split = from_file(Path(method), dataset)
        return replace(split, leaves_open=f"{split.leaves_open.removesuffix(FROM_FILE)}{FROM_FILE}")
    hint = f"one of {', '.join(METHODS)}, {BY}COLUMN, or the path of a split file"
    raise UsageError(f"unknown split {method!r}", hint=hint)


def default_method(dataset: Dataset) -> str:
    """Return the name of the safest split that the data set allows.

    The published column, groups, positions, homology clusters where sequences are long; then rows, of guides by what
    they are, else in equal shares of each class.
    """
    if "split" in dataset.columns:
        return "published"
    if dataset.groups is not None and any(dataset.groups.tolist()):
        return "group"
    if "chrom" in dataset.columns and "start" in dataset.columns:
        return "neighbourhood"
    if dataset.kind is Kind.GUIDES:
        return "row"
    keys = [column for column in dataset.keys if isinstance(column, Sequences)]
    long = all(np.median(column.lengths) >= LONG_SEQUENCE for column in keys) if len(dataset) else False
    return "homology" if keys and long else "stratified"
