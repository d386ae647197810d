"""What a split by row would hide: a cheap model that can memorise, measured by row and by group.

Rows of one gene, donor or locus resemble each other. A model that knows a group again scores by row what it does not
score in a new group; the fall between both is what straddling groups are worth.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.audit.effects import FEWEST_SCORED
from genotool.audit.findings import Effect, Finding
from genotool.audit.held_out import as_scores, folds, is_table, sampled, without_target
from genotool.audit.words import metric_name
from genotool.dataset import Dataset, Kind, Task
from genotool.metrics import HEADLINE, compute
from genotool.sequences import Sequences
from genotool.statistics.intervals import group_codes

__all__ = ["FALLS_FAR", "Fall", "cheaply", "fall_of", "groups_matter"]

Index: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

MOST_ROWS = 10_000
FOLDS = 3
FEWEST_ROWS, FEWEST_GROUPS = 100, 6
K_SHORT, K_LONG, LONG = 5, 4, 64
"""Words that a long sequence holds many of say as much in fewer columns."""
MOST_GENES = 500
ROUNDS, RATE = 40, 0.25
"""A hundred rounds at .1 find the same within .01 on real pairs, at twice the cost."""
FALLS = 0.03
"""The fall from which it is said: the scatter of three folds of a few thousand rows."""
FALLS_FAR = 0.1


class Fall:
    """A metric by row and by group, each the mean of the folds."""

    def __init__(self, metric: str, model: str, by_row: float, by_group: float, groups: int, on: str) -> None:
        self.metric, self.model, self.by_row, self.by_group = metric, model, by_row, by_group
        self.groups, self.on = groups, on

    @property
    def said(self) -> str:
        """The fall in words."""
        name = metric_name(self.metric)
        said = f"{self.model} reach {name} {self.by_row:.3f} by row and {self.by_group:.3f} by group"
        return f"{said} ({self.groups} groups, mean of {FOLDS} folds{self.on})"

    @property
    def effect(self) -> Effect:
        """The fall as a finding holds it."""
        return {self.model: {"metric": self.metric, "by row": self.by_row, "by group": self.by_group}}


def groups_matter(dataset: Dataset, *, seed: int = 0) -> Iterator[Finding]:
    """Say what a split by row would show of a set with groups, and what is left of it by group."""
    fall = fall_of(dataset, seed=seed)
    if fall is None or fall.by_row - fall.by_group < FALLS:
        return
    yield Finding(
        "groups-matter", "warning" if fall.by_row - fall.by_group >= FALLS_FAR else "note", len(dataset), len(dataset),
        f"a split of {dataset.name} by row would flatter: {fall.said}",
        "split by group, as genotool does by itself; be wary of a published number that comes from a split by row",
        effect=fall.effect, data=(dataset.name,),
    )  # fmt: skip


def fall_of(dataset: Dataset, *, seed: int = 0) -> Fall | None:
    """Measure a cheap model by row and by group; None where the set is too small, or has too few groups."""
    codes = group_codes(dataset.groups)
    if without_target(dataset) or len(dataset) < FEWEST_ROWS or codes is None or codes[1] < FEWEST_GROUPS:
        return None
    if codes[1] == len(dataset) or not (is_table(dataset) or dataset.kind is not Kind.MATRIX):  # a group a row; lazy
        return None
    some, on = sampled(dataset, MOST_ROWS, seed)
    model, features = _features(some, seed)
    values = [_mean_of_folds(some, features, seed, by_group=by_group) for by_group in (False, True)]
    if values[0] is None or values[1] is None or some.task is None:
        return None
    on = on.replace(", measured on", ", on")
    return Fall(HEADLINE[some.task], model, values[0], values[1], codes[1], on)


def cheaply(dataset: Dataset, fitted: Index, held: Index, *, seed: int = 0) -> tuple[str, float] | None:
    """Return the headline metric of the cheap model on `held`, and its name; None where it cannot be measured."""
    rows = [index[: MOST_ROWS // 2] for index in (fitted, held)]
    target, task = np.asarray(dataset.target), dataset.task
    if task is None or min(map(len, rows)) < FEWEST_SCORED:
        return None
    if any(len(np.unique(target[index])) < max(2, len(dataset.classes)) for index in rows):
        return None
    scores = _trees(dataset, _features(dataset, seed)[1], *rows)
    value = compute(task, target[rows[1]], scores)[HEADLINE[task]]
    return None if value is None else (HEADLINE[task], value)


def _features(dataset: Dataset, seed: int) -> tuple[str, Any]:
    """Return what the model sees, in words, and as rows: without positions where that makes it a memoriser."""
    from genotool.features import beside, default_features

    if dataset.kind is Kind.MATRIX:
        (column,) = dataset.keys
        width = column.shape[1]  # type: ignore[union-attr]
        if width > MOST_GENES:
            genes = np.sort(np.random.default_rng(seed).choice(width, MOST_GENES, replace=False))
            return f"trees on {MOST_GENES} random genes", column[:, genes]  # type: ignore[index]
        return "trees on the genes", column
    if dataset.kind is Kind.GUIDES:
        return "trees on the bases of the guide", default_features([dataset], dinucleotides=False)(dataset)
    columns = [column for column in dataset.keys if isinstance(column, Sequences)]
    k = K_SHORT if max(int(column.lengths.max()) for column in columns) <= LONG else K_LONG
    parts = [_mean_kmers(column, k) for column in columns]
    if dataset.kind is not Kind.PAIRS:
        return f"trees on the mean {k}-mers", parts[0]
    one, other = parts
    return f"trees on the mean {k}-mers of both sequences", beside([one, other, one - other, one.multiply(other)])


def _mean_kmers(sequences: Sequences, k: int) -> Any:
    """Return a sparse (n, 4**k) of the share of each k-mer."""
    from scipy import sparse

    from genotool.features import kmer_features

    counts = kmer_features(sequences, k)
    each = np.maximum(np.asarray(counts.sum(axis=1), np.float64).reshape(-1), 1)
    return sparse.csr_array(sparse.diags_array(1 / each) @ counts)


def _mean_of_folds(dataset: Dataset, features: Any, seed: int, *, by_group: bool) -> float | None:
    task = dataset.task
    assert task is not None
    target, values = np.asarray(dataset.target), []
    for fitted, held in folds(dataset, seed, by_group=by_group, count=FOLDS):
        value = compute(task, target[held], _trees(dataset, features, fitted, held))[HEADLINE[task]]
        values += [] if value is None else [value]
    return float(np.mean(values)) if len(values) == FOLDS else None


def _trees(dataset: Dataset, features: Any, fitted: Index, held: Index) -> Floats:
    import lightgbm
    from scipy.sparse import csr_matrix

    def rows(index: Index) -> Any:
        taken = features[index]
        return csr_matrix(taken) if hasattr(taken, "indptr") else np.asarray(taken, np.float32)

    task, target = dataset.task, np.asarray(dataset.target)
    objective = {Task.BINARY: "binary", Task.MULTICLASS: "multiclass", Task.REGRESSION: "regression"}
    assert task is not None
    settings: dict[str, Any] = {
        "objective": objective[task], "learning_rate": RATE, "num_leaves": 31, "feature_fraction": 0.2, "max_bin": 15,
        "min_data_in_leaf": 5, "seed": 0, "deterministic": True, "force_col_wise": True, "num_threads": 1,
        "verbosity": -1,
    }  # fmt: skip
    if task is Task.MULTICLASS:
        settings["num_class"] = len(dataset.classes)
    rounds = ROUNDS if task is not Task.MULTICLASS else max(10, ROUNDS // len(dataset.classes))
    booster = lightgbm.train(settings, lightgbm.Dataset(rows(fitted), target[fitted], params=settings), rounds)
    score = np.asarray(booster.predict(rows(held), num_threads=1), np.float64)
    return as_scores(task, score) if task is Task.MULTICLASS else score
