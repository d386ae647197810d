"""A target that one plain number predicts: depth, detected genes, GC, length. No leak, but a floor for every model."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.audit.findings import SEVERITIES, Finding
from genotool.audit.held_out import as_scores, out_of_fold, sampled, without_target
from genotool.audit.levels import severity_of_skill
from genotool.audit.words import metric_name, nouns
from genotool.dataset import KEY_COLUMNS, Dataset, Kind, Task
from genotool.sequences import Sequences
from genotool.statistics.intervals import bootstrap, group_codes

__all__ = ["plain_numbers", "predicted_by_a_number"]

Index: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

MOST_ROWS = 5_000
DRAWS = 300
FEWEST_ROWS = 20
FEWEST_GROUPS = 10
"""Folds by fewer groups say more of these groups than of others: then folds and interval are by row."""
MOST_VALUES = 2**21
"""Values of a matrix that are looked at at once."""
SHARED = 6
LARGEST_LOG = 50
"""No logarithm of a count, to whatever base, comes as high."""
METRIC = {Task.BINARY: "roc_auc", Task.MULTICLASS: "accuracy", Task.REGRESSION: "spearman"}


def predicted_by_a_number(dataset: Dataset, *, seed: int = 0) -> Iterator[Finding]:
    """Look for single numbers of a row that predict the target out of sample, with an interval by group."""
    if without_target(dataset) or len(dataset) < FEWEST_ROWS:
        return
    some, on = sampled(dataset, MOST_ROWS, seed)
    assert some.task is not None
    metric, chance = METRIC[some.task], _chance(some)
    effect: dict[str, dict[str, float | str | None]] = {}
    severities = []
    for name, values in plain_numbers(some):
        value, low, high = _reached(some, values, metric, seed)
        if low is None or low <= chance:
            continue
        severity = severity_of_skill((value - chance) / (1 - chance), (low - chance) / (1 - chance))
        if severity:
            effect[name] = {"metric": metric, "value": value, "low": low, "high": high, "chance": chance}
            severities.append(severity)
    if not effect:
        return
    said = "; ".join(
        f"{name}: {metric_name(metric)} {item['value']:.3f} [{item['low']:.3f}, {item['high']:.3f}]"
        for name, item in effect.items()
    )
    said += f" (the commonest class: {chance:.3f})" if metric == "accuracy" else ""
    yield Finding(
        "plain-number", max(severities, key=SEVERITIES.index), len(dataset), len(dataset),
        f"one plain number alone predicts the target of {dataset.name} ({len(dataset)} "
        f"{nouns(dataset.kind, len(dataset))}) out of sample{on}: {said}",
        "no leak, but a floor: a model has to beat it, or the number be matched between the classes",
        effect=effect, data=(dataset.name,),
    )  # fmt: skip


def _chance(dataset: Dataset) -> float:
    """Return what a number without any information reaches."""
    if dataset.task is Task.MULTICLASS:
        return float(np.bincount(np.asarray(dataset.target)).max() / len(dataset))
    return 0.5 if dataset.task is Task.BINARY else 0.0


def _reached(dataset: Dataset, values: Floats, metric: str, seed: int) -> tuple[float, float | None, float | None]:
    """Return the metric of a model of the number and its square, and the interval; no interval: None."""
    if not np.isfinite(values).all() or np.ptp(values) == 0:
        return 0.0, None, None
    codes, task = group_codes(dataset.groups), dataset.task
    assert task is not None
    by_group = codes is not None and codes[1] >= FEWEST_GROUPS
    scaled = (values - values.mean()) / values.std()
    found = out_of_fold(dataset, _fit(dataset, np.stack([scaled, scaled**2], axis=1)), seed, by_group=by_group)
    if found is None:
        return 0.0, None, None
    rows, score = found
    groups = dataset.groups[rows] if by_group and dataset.groups is not None else None
    if codes is not None and codes[1] < 2 * FEWEST_GROUPS:
        groups = None
    target = np.asarray(dataset.target)[rows]
    if task is not Task.MULTICLASS:
        estimate = bootstrap(task, target, score, groups=groups, draws=DRAWS, seed=seed, raw=True)[metric]
    else:
        estimate = bootstrap(task, target, score, groups=groups, draws=DRAWS, seed=seed)[metric]
    return float(estimate.value or 0.0), estimate.low, estimate.high


def _fit(dataset: Dataset, features: Floats) -> Any:
    from sklearn.linear_model import LinearRegression, LogisticRegression

    target, task = np.asarray(dataset.target), dataset.task

    def fit(fitted: Index, held: Index) -> Floats:
        assert task is not None
        if task is Task.REGRESSION:
            return np.asarray(LinearRegression().fit(features[fitted], target[fitted]).predict(features[held]))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The number of unique classes")  # two or three rows a tissue are classes
            model = LogisticRegression().fit(features[fitted], target[fitted])
        full = np.zeros((len(held), len(dataset.classes)))
        full[:, model.classes_] = model.predict_proba(features[held])
        return as_scores(task, full)

    return fit


def plain_numbers(dataset: Dataset) -> Iterator[tuple[str, Floats]]:
    """Yield the plain numbers of a row by name, (n,) each."""
    for role in KEY_COLUMNS[dataset.kind]:
        column: Any = dataset.columns[role]
        of = f" of {role}" if dataset.kind is Kind.PAIRS else ""
        if isinstance(column, Sequences):
            yield f"GC{of}", _share(column, b"GC")
            yield f"length{of}", column.lengths.astype(np.float64)
            yield f"N{of}", _share(column, b"N")
        elif hasattr(column, "shape"):
            yield from _of_matrix(column)
    if dataset.kind is Kind.PAIRS:
        yield f"{SHARED}-mers that both share", _shared(*dataset.keys)


def _share(sequences: Sequences, letters: bytes) -> Floats:
    among = np.isin(sequences.data, np.frombuffer(letters, np.uint8)).astype(np.int64)
    ends = np.concatenate([[0], np.cumsum(among)])[sequences.offsets]
    return np.asarray(np.diff(ends) / np.maximum(sequences.lengths, 1))


def _of_matrix(column: Any) -> Iterator[tuple[str, Floats]]:
    if hasattr(column, "indptr"):
        yield _sum_name([column.data]), np.asarray(column.sum(axis=1), np.float64).reshape(-1)
        yield "detected genes", np.diff(column.indptr).astype(np.float64)
        return
    step = max(1, MOST_VALUES // max(column.shape[1], 1))
    starts = range(0, column.shape[0], step)

    def summed(of: Callable[[NDArray[Any]], Any]) -> Floats:  # a block at a time: no copy of a large matrix
        parts = [np.asarray(of(column[start : start + step]), np.float64) for start in starts]
        return np.concatenate([np.zeros(0), *parts])

    yield (
        _sum_name(block[~np.isnan(block)] for block in (column[start : start + step] for start in starts)),
        summed(lambda block: np.nansum(block, axis=1, dtype=np.float64)),
    )
    yield "detected genes", summed(lambda block: ((block != 0) & ~np.isnan(block)).sum(axis=1))
    yield "missing values", summed(lambda block: np.isnan(block).sum(axis=1))


def _sum_name(blocks: Iterable[NDArray[Any]]) -> str:
    """Return what the sum of a row is: depth where the values are counts, or as large as no logarithm of one."""
    whole, high = True, -np.inf
    for values in blocks:
        if len(values) and float(values.min()) < 0:
            return "the sum of a row"
        high = max(high, float(values.max(initial=-np.inf)))
        whole = whole and bool(np.array_equal(values, np.floor(values)))
    return "depth (the sum of a row)" if high > LARGEST_LOG or (whole and high > -np.inf) else "the sum of a row"


def _shared(one: Any, other: Any) -> Floats:
    from genotool.features import kmer_features

    here, there = (kmer_features(part, SHARED).astype(bool).astype(np.float32) for part in (one, other))
    both = np.asarray(here.multiply(there).sum(axis=1), np.float64).reshape(-1)
    fewer = np.minimum(*(np.asarray(part.sum(axis=1)).reshape(-1) for part in (here, there)))
    return np.asarray(both / np.maximum(fewer, 1))
