"""Labels that contradict each other, or that something else than the sequence explains: GC, length, depth,
a column.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genotool.audit.findings import Finding, shown
from genotool.audit.keys import keys_of
from genotool.audit.levels import severity_of
from genotool.audit.relations import codes
from genotool.audit.words import among, metric_name, nouns, percent
from genotool.dataset import KEY_COLUMNS, Dataset, Kind
from genotool.metrics import compute
from genotool.sequences import Sequences
from genotool.stats import contingency, cramers_v

__all__ = ["class_shares", "conflicts", "explained"]

ALONE = 0.6
"""ROC-AUC from which one plain number is said to predict the label."""
ALONE_CORRELATION = 0.3
EXPLAINS, NEARLY_IS = 0.5, 0.9
MOST_VALUES = 100
FEWEST_ROWS = 20
NO_BATCH = frozenset({"split", "part", "label", "target", "class"})


def conflicts(dataset: Dataset) -> Iterator[Finding]:
    """Look for rows that are the same (guides: in bases 3-23) and have different classes."""
    if not dataset.classes or dataset.target is None or not len(dataset):
        return
    _, group = np.unique(codes(keys_of(dataset), "variant"), return_inverse=True)
    size = int(group.max()) + 1
    low, high = np.full(size, np.iinfo(np.int64).max), np.full(size, -1)
    np.minimum.at(low, group, dataset.target)
    np.maximum.at(high, group, dataset.target)
    mask = (low < high)[group]
    count, total = int(mask.sum()), len(dataset)
    if count:
        where = "in bases 3-23 to another" if dataset.kind is Kind.GUIDES else "to another"
        yield Finding(
            "conflicting-labels", severity_of("conflicting-labels", count, total), count, total,
            f"{among(count, dataset, ('is equal', 'are equal'))} {where} with another label",
            "measure them again, or leave them out", shown(dataset.ids[mask]), data=(dataset.name,),
        )  # fmt: skip


def explained(dataset: Dataset) -> Iterator[Finding]:
    """Look for labels that GC, length or depth alone predicts, and for text columns that explain the
    classes.
    """
    if dataset.target is None or len(dataset) < FEWEST_ROWS:
        return
    for name, values in _plain_numbers(dataset):
        yield from _alone(dataset, name, values)
    if dataset.classes:
        for name, column in dataset.columns.items():
            if name not in KEY_COLUMNS[dataset.kind] and name not in NO_BATCH:
                yield from _column(dataset, name, column)


def _plain_numbers(dataset: Dataset) -> Iterator[tuple[str, NDArray[np.float64]]]:
    for role in KEY_COLUMNS[dataset.kind]:
        column: Any = dataset.columns[role]
        of = f" of {role}" if dataset.kind is Kind.PAIRS else ""
        if isinstance(column, Sequences):
            yield f"GC{of}", _gc(column)
            yield f"length{of}", column.lengths.astype(np.float64)
        elif hasattr(column, "shape"):
            yield "depth (the sum of a row)", np.asarray(column.sum(axis=1), np.float64).reshape(-1)


def _gc(sequences: Sequences) -> NDArray[np.float64]:
    strong = np.isin(sequences.data, np.frombuffer(b"GC", np.uint8)).astype(np.int64)
    ends = np.concatenate([[0], np.cumsum(strong)])[sequences.offsets]
    return np.diff(ends) / np.maximum(sequences.lengths, 1)


def _alone(dataset: Dataset, name: str, values: NDArray[np.float64]) -> Iterator[Finding]:
    task, total = dataset.task, len(dataset)
    if task is None or len(dataset.classes) > 2 or not np.isfinite(values).all() or np.ptp(values) == 0:
        return
    metric = "roc_auc" if dataset.classes else "spearman"
    value = compute(task, np.asarray(dataset.target), values, raw=True)[metric]
    if value is None:
        return
    strength = max(value, 1 - value) if dataset.classes else abs(value)
    # by chance alone a small set strays: three standard errors of a set without any signal come on top
    counts = np.bincount(dataset.target) if dataset.classes else np.array([total, total])  # type: ignore[arg-type]
    error = np.sqrt((total + 1) / (12 * counts.prod())) if dataset.classes else 1 / np.sqrt(total - 1)
    if (
        strength > (ALONE if dataset.classes else ALONE_CORRELATION)
        and strength > (0.5 if dataset.classes else 0) + 3 * error
    ):
        yield Finding(
            "plain-number", "note", total, total,
            f"{name} alone predicts the target of {dataset.name} ({total} {nouns(dataset.kind)}): "
            f"{metric_name(metric)} {value:.3f}",
            "compare with a floor on this number, or match it between the classes",
            effect={name: {"metric": metric, "value": value}}, data=(dataset.name,),
        )  # fmt: skip


def _column(dataset: Dataset, name: str, column: Any) -> Iterator[Finding]:
    if not isinstance(column, np.ndarray) or column.dtype.kind not in "UO" or column.ndim != 1:
        return
    words = column.astype(np.str_)
    known = np.flatnonzero(words != "")
    values = len(np.unique(words[known]))
    if not 2 <= values <= min(MOST_VALUES, len(known) // 2) or len(known) < FEWEST_ROWS:
        return
    strength = cramers_v(contingency(words[known], np.asarray(dataset.target)[known]))
    if strength > EXPLAINS:
        severity = "severe" if strength > NEARLY_IS else "warning"
        yield Finding(
            "column-explains-label", severity, len(known), len(dataset),
            f"the column {name} ({values} values, in {len(known)} of {len(dataset)} {nouns(dataset.kind)}) explains "
            f"the label of {dataset.name}: Cramér's V {strength:.2f}",
            f"a model may learn {name} instead: split by it, or use rows in which both classes have each "
            "value",
            effect={name: {"metric": "cramers_v", "value": strength}}, data=(dataset.name,),
        )  # fmt: skip


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
