"""A label that a batch explains: a plate, file, donor or another column that says which rows were made together."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.audit.findings import Finding
from genotool.audit.held_out import as_scores, out_of_fold, sampled, without_target
from genotool.audit.levels import severity_of_strength
from genotool.audit.words import metric_name, nouns, percent
from genotool.column_names import BATCHES, UNITS, plain
from genotool.dataset import KEY_COLUMNS, Dataset
from genotool.metrics import compute
from genotool.statistics.tables import contingency, cramers_v

__all__ = ["explained_by_columns", "text_columns"]

Words: TypeAlias = NDArray[np.str_]
Index: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

NO_BATCH = frozenset({"split", "part", "label", "target", "class"})
MOST_VALUES = 1000
MOST_ROWS = 20_000
FEWEST_ROWS = 20
FEWEST_UNITS = 3
BY_CHANCE = 1e-3
"""The p-value of a column above which what it explains may be chance."""


@dataclass(frozen=True, slots=True)
class _Column:
    """The rows of a data set in which a column is known, and its values there."""

    dataset: Dataset
    name: str
    values: Words
    batch: bool

    @property
    def named(self) -> str:
        count = len(np.unique(self.values))
        return f"{self.name} ({count} values, in {len(self.values)} {nouns(self.dataset.kind, len(self.values))})"


def explained_by_columns(dataset: Dataset, asked: Collection[str] = (), *, seed: int = 0) -> Iterator[Finding]:
    """Look for text columns that explain the target.

    Parameters
    ----------
    asked
        Roles that are batches whatever they are called; besides them those that are named like one
        (`BATCHES`, `UNITS`). Other columns may describe what the rows are, so that less is said of them.
    """
    if without_target(dataset) and not asked:
        return
    for name, column in text_columns(dataset):
        known = np.flatnonzero(column != "").astype(np.int64)
        is_batch = name in asked or plain(name) in BATCHES | UNITS
        rows = dataset if len(known) == len(dataset) else dataset.take(known)
        held = _Column(rows, name, column[known], is_batch)
        why = _unfit(held)
        found = [] if why else list(_classes(held, seed) if dataset.classes else _number(held, seed))
        if name in asked and not found:
            found = [_little(held, why, seed)]
        yield from found


def _unfit(column: _Column) -> str:
    """Return in words why nothing can be said of a column; "" where something can."""
    rows = len(column.values)
    values = len(np.unique(column.values))
    if without_target(column.dataset):
        return "those rows have no target that varies"
    if rows < FEWEST_ROWS:
        return f"{rows} rows have a value, at least {FEWEST_ROWS} are needed"
    most = min(MOST_VALUES, rows // 2)
    return "" if 2 <= values <= most else f"it has {values} values in {rows} rows, 2 to {most} can be judged"


def _explained(column: _Column, seed: int) -> str:
    """Return how much of the target a column explains, in numbers."""
    from scipy.stats import chi2_contingency, f_oneway

    target = np.asarray(column.dataset.target)
    reached, _, on = _batch_only(column, seed)
    name, score = next(iter(reached.items()))
    if column.dataset.classes:
        table = contingency(column.values, target)
        p = float(chi2_contingency(table, correction=False).pvalue)
        strength = f"Cramér's V {cramers_v(table):.2f}"
    else:
        p = float(f_oneway(*(target[column.values == value] for value in np.unique(column.values))).pvalue)
        strength = f"eta squared {_eta_squared(column.values, target):.3f}"
    return f"{strength}, p {p:.2g}; it alone scores {metric_name(name)} {score:.3f} out of sample{on}"


def _little(column: _Column, unfit: str, seed: int) -> Finding:
    """Return the answer to a question about a column that explains too little for a finding, or cannot be judged."""
    total, name = len(column.values), column.dataset.name
    said = f"cannot be judged: {unfit}"
    if not unfit:
        said = f"explains little of the target of {name}: {_explained(column, seed)}"
    return Finding("batch-explains-little", "note", total, total, f"{column.named} {said}", "nothing", data=(name,))


def text_columns(dataset: Dataset) -> Iterator[tuple[str, Words]]:
    """Yield the columns of text that are neither what a row is, nor the target, a label or a split."""
    for name, column in dataset.columns.items():
        is_text = isinstance(column, np.ndarray) and column.dtype.kind in "UO" and column.ndim == 1
        known = name in KEY_COLUMNS[dataset.kind] or name in NO_BATCH or name == dataset.about.roles.get("target")
        if is_text and not known:
            yield name, np.asarray(column, np.str_)


def _classes(column: _Column, seed: int) -> Iterator[Finding]:
    from scipy.stats import chi2_contingency

    dataset, target = column.dataset, np.asarray(column.dataset.target)
    table = contingency(column.values, target)
    if _is_label(column, table):
        yield from _the_label(column)
        return
    strength = cramers_v(table)
    if float(chi2_contingency(table, correction=False).pvalue) > BY_CHANCE:
        return
    if plain(column.name) in UNITS and _one_class_each(table):
        yield _one_label_a_unit(column, table)
        return
    reached, effect, on = _batch_only(column, seed)
    severity = severity_of_strength("batch" if column.batch else "column", strength, reached["roc_auc"])
    if severity:
        task = dataset.task
        assert task is not None
        majority = float(np.bincount(target).max() / len(target))
        said = f"{column.named} explains the label of {dataset.name}: Cramér's V {strength:.2f}"
        if reached["accuracy"]:
            said += f"; it alone scores {metric_name('roc_auc')} {reached['roc_auc']:.3f} and accuracy "
            said += f"{reached['accuracy']:.3f} out of sample (the commonest class {majority:.3f}){on}"
        effect |= {"cramers_v": strength, "majority": majority}
        yield _finding(column, severity, said, {column.name: effect})


def _batch_only(column: _Column, seed: int) -> tuple[dict[str, float], dict[str, float | str | None], str]:
    """Return the metrics of the classes' shares in each value, learned on other rows."""
    some, on = sampled(column.dataset, MOST_ROWS, seed)
    if on:
        rows = np.sort(np.random.default_rng(seed).choice(len(column.values), MOST_ROWS, replace=False))
        values = column.values[rows]
    else:
        values = column.values
    _, codes = np.unique(values, return_inverse=True)
    task = some.task
    assert task is not None
    labels = np.eye(len(some.classes))[np.asarray(some.target)] if some.classes else np.asarray(some.target)[:, None]

    def fit(fitted: Index, held: Index) -> Floats:
        sums = np.zeros((int(codes.max()) + 1, labels.shape[1]))
        np.add.at(sums, codes[fitted], labels[fitted])
        count = np.bincount(codes[fitted], minlength=len(sums))[:, None]
        means = (sums + labels[fitted].mean(axis=0)) / (count + 1)
        return np.asarray(means[codes[held]])

    found = out_of_fold(some, fit, seed, by_group=False)
    wanted = ("roc_auc", "accuracy") if some.classes else ("r2",)
    if found is None:
        return dict.fromkeys(wanted, 0.0), {"metric": wanted[0]}, ""
    rows, score = found
    score = as_scores(task, score) if some.classes else score[:, 0]
    values_of = compute(task, np.asarray(some.target)[rows], score)
    reached = {name: float(values_of[name] or 0.0) for name in wanted}
    return reached, {"metric": wanted[0], "value": reached[wanted[0]], **reached}, on


def _is_label(column: _Column, table: NDArray[np.int64]) -> bool:
    """Return whether a column that is no batch says the label in other words: one value a class."""
    pure = bool(((table > 0).sum(axis=0) <= 1).all() and ((table > 0).sum(axis=1) <= 1).all())
    return pure and not column.batch


def _the_label(column: _Column) -> Iterator[Finding]:
    """Say which column is the label in other words; nothing of the label's own column."""
    dataset = column.dataset
    written = np.array(dataset.classes)[np.asarray(dataset.target)]
    plain = {cell: cell.split(".")[0] if re.fullmatch(r"-?\d+\.0+", cell) else cell for cell in set(column.values)}
    if [plain[cell] for cell in column.values.tolist()] == written.tolist():
        return
    pairs = sorted(set(zip(column.values.tolist(), written.tolist(), strict=True)))
    yield Finding(
        "column-is-label", "note", len(column.values), len(column.values),
        f"{column.named} says the label of {dataset.name} in other words: "
        f"{', '.join(f'{value} is {label}' for value, label in pairs[:4])}{', …' if len(pairs) > 4 else ''}",
        f"nothing, where {column.name} is what the label means; where it says how the rows were made, "
        f"`--batch {column.name}`: then the label cannot be told from it",
        data=(dataset.name,),
    )  # fmt: skip


def _one_class_each(table: NDArray[np.int64]) -> bool:
    """Return whether nearly all rows are of units that have one class."""
    return bool(table.max(axis=1).sum() >= 0.95 * table.sum())


def _one_label_a_unit(column: _Column, table: NDArray[np.int64]) -> Finding:
    """Donors that are cases or controls: the design, as long as there are several and none straddles a split."""
    dataset = column.dataset
    units = np.bincount(table.argmax(axis=1), minlength=table.shape[1])
    known = units[table.sum(axis=0) > 0]
    own = dataset.groups is not None and bool(np.array_equal(dataset.groups, column.values))
    few = int(known.min()) < FEWEST_UNITS
    said = f"each value of {column.named} has one label of {dataset.name}: {' / '.join(map(str, known))} by class"
    said += f"; with so few a class, the label cannot be told from the {column.name}" if few else ""
    remedy = "more of them for each class" if few else f"nothing: the groups of the set are its {column.name}s"
    if not few and not own:
        remedy = f"make {column.name} the groups of the set and split by group: by row a model may know the "
        remedy += f"{column.name} again"
    return Finding(
        "batch-explains-label", "severe" if few else "note" if own else "warning", len(column.values),
        len(column.values), said, remedy, data=(dataset.name,),
    )  # fmt: skip


def _eta_squared(values: Words, target: NDArray[Any]) -> float:
    """Return the share of the target's variance that lies between the values."""
    _, codes = np.unique(values, return_inverse=True)
    size, mean = np.bincount(codes), np.bincount(codes, target) / np.bincount(codes)
    return float(size @ (mean - target.mean()) ** 2 / ((target - target.mean()) ** 2).sum())


def _number(column: _Column, seed: int) -> Iterator[Finding]:
    from scipy.stats import f_oneway

    dataset, target = column.dataset, np.asarray(column.dataset.target, np.float64)
    parts = [target[column.values == value] for value in np.unique(column.values)]
    if not float(f_oneway(*parts).pvalue) <= BY_CHANCE:
        return
    eta = _eta_squared(column.values, target)
    reached, effect, on = _batch_only(column, seed)
    severity = severity_of_strength("batch" if column.batch else "column", float(np.sqrt(max(0, reached["r2"]))))
    if severity:
        said = f"{column.named} explains {percent(round(1000 * eta), 1000)} of the variance of the target of "
        said += f"{dataset.name} (eta squared); it alone scores R2 {reached['r2']:.3f} out of sample{on}"
        yield _finding(column, severity, said, {column.name: effect | {"eta_squared": eta}})


def _finding(column: _Column, severity: str, said: str, effect: Any) -> Finding:
    name, total = column.name, len(column.values)
    remedy = f"a model may learn {name} instead: split by it, or use rows in which each value has all labels"
    if not column.batch:
        remedy = (
            f"nothing, where {name} belongs to what is predicted; if it says how the rows were made, `--batch {name}`"
        )
    return Finding(
        "batch-explains-label" if column.batch else "column-explains-label", severity, total, total, said, remedy,
        effect=effect, data=(column.dataset.name,),
    )  # fmt: skip
