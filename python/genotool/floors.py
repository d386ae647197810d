"""Floors: what a cheat or a simple model reaches on the same rows. No metric is printed without them.

Every floor is fitted on the rows that the model saw, training and validation together, and scores the same test
rows: majority (or mean), a linear model of shuffled labels (the median of several shuffles), a nearest-neighbour
memoriser, logistic or ridge regression, LightGBM, and LightGBM with a pretraining model's score as one more feature.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.dataset import ORIGIN, Dataset, Task
from genotool.errors import InputError
from genotool.features import (
    Features,
    beside,
    default_features,
    fitted_tables,
    kmer_features,
    most_varying,
    positional_features,
    stacked,
)
from genotool.metrics import HEADLINE, compute
from genotool.row_view import read
from genotool.statistics.intervals import Estimate, bootstrap

__all__ = [
    "Features",
    "Floor",
    "default_features",
    "fit_floors",
    "kmer_features",
    "nearest_targets",
    "positional_features",
]

Floats: TypeAlias = NDArray[np.float64]

MOST_ROUNDS = 1000
PATIENCE = 50
MANY_ROWS = 20_000
"""From here on LightGBM gets larger trees and a larger learning rate: fewer rounds."""
SHUFFLES = 9
"""How often labels are shuffled: one draw alone can lie .05 from chance."""
SHUFFLED_ROWS = 5_000
"""Rows that a model of shuffled labels is fitted to: more teach it nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Floor:
    """One floor on the test rows.

    Attributes
    ----------
    name, summary
        A key such as ``lightgbm``, and what it is in words.
    scores
        As `genotool.family.Model.predict` returns them.
    estimates
        Every metric with its interval.
    luck
        The headline metric that the luckiest of several shuffles reached, where labels were shuffled: no model shows
        more by coming as high.
    """

    name: str
    summary: str
    scores: Floats
    estimates: Mapping[str, Estimate]
    luck: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Features and target of the rows that floors are fitted on, those to score, and how to fit.

    `near` and `near_test` are what the memoriser measures distance on; `measured` and `target` what the test rows are
    scored by; `words` is what the features are; `said` and `near_said` say which were left out.
    """

    x: Any
    y: NDArray[Any]
    validation: NDArray[np.bool_]
    test: Any
    near: Any
    near_test: Any
    target: NDArray[Any]
    measured: Task
    task: Task
    classes: int
    seed: int
    threads: int
    words: str
    said: str = ""
    near_said: str = ""

    def with_column(self, seen: Floats, test: Floats) -> _Rows:
        """Return the same rows with one more feature."""

        def columns(score: Floats) -> NDArray[np.float32]:
            return np.asarray(score, np.float32).reshape(len(score), -1)

        return dataclasses.replace(self, x=beside([self.x, columns(seen)]), test=beside([self.test, columns(test)]))

    def only(self, kept: NDArray[np.bool_]) -> _Rows:
        """Return some of the rows to fit on, in their order."""
        rows = np.flatnonzero(kept)
        return dataclasses.replace(
            self, x=self.x[rows], y=self.y[rows], validation=self.validation[rows], near=self.near[rows]
        )


def fit_floors(
    train: Dataset,
    valid: Dataset,
    test: Dataset,
    *,
    task: Task,
    features: Features | None = None,
    extra_scores: Mapping[str, tuple[Floats, Floats]] | None = None,
    seed: int,
    threads: int,
    score_task: Task | None = None,
    draws: int = 1000,
) -> list[Floor]:
    """Fit every floor on the training and validation rows together and score the test rows.

    Parameters
    ----------
    features
        The family's natural features; None: `default_features`. Of several tables by name all floors are fitted on the
        first, and LightGBM on each other: ``lightgbm_NAME``.
    extra_scores
        Name to a pretraining model's scores of (training then validation rows, test rows). Each gives two more
        floors: LightGBM with that score as a feature, and the score as it is, of which only the order counts.
    threads
        For LightGBM; the result does not depend on it.
    score_task
        What the target of the test rows is, where it is not `task`: a number for a floor that learned
        classes. Then
        only the order of the scores counts.

    Raises
    ------
    InputError
        If the rows to fit on have no target, or one class only.
    """
    every = _rows(train, valid, test, Task(task), Task(score_task or task), features, seed, threads)
    rows, *_ = every.values()
    left_out = {"memoriser": rows.near_said, "linear": rows.said, "lightgbm": rows.said}
    fitted = [
        (name, summary.format(features=rows.words) + left_out.get(name, ""), fit(rows))
        for name, summary, fit in _FLOORS
    ]
    for name, other in list(every.items())[1:]:
        fitted.append((f"lightgbm_{name}", f"LightGBM on {other.words}{other.said}", _lightgbm(other)))
    of_shuffled, scores_of_shuffled, luck = _shuffled(rows)
    fitted.insert(1, ("shuffled", of_shuffled, scores_of_shuffled))
    if (own := _of_the_first_set(train, valid)) is not None and len(np.unique(rows.y[own])) > 1:
        fitted.append(("lightgbm-alone", "LightGBM on the rows of this data set alone", _lightgbm(rows.only(own))))
    for name, (seen, unseen) in (extra_scores or {}).items():
        key = "lightgbm+pretrained" if name == "pretrained" else f"lightgbm+{name}"
        summary = f"LightGBM on {rows.words} and the score of the {name} model"
        fitted.append((key, summary, _lightgbm(rows.with_column(seen, unseen))))
        fitted.append((name, f"the score of the {name} model as it is", np.asarray(unseen, np.float64)))
    raw = rows.measured is not rows.task
    return [
        Floor(
            name, summary, scores,
            bootstrap(
                rows.measured, rows.target, scores, groups=test.groups, seed=seed, draws=draws,
                raw=raw or name in (extra_scores or {}),
            ),
            luck if name == "shuffled" else None,
        )
        for name, summary, scores in fitted
    ]  # fmt: skip


def _of_the_first_set(train: Dataset, valid: Dataset) -> NDArray[np.bool_] | None:
    """Return which rows to fit on are of the set that tests, where several were joined; None elsewhere."""
    if ORIGIN not in train.columns:
        return None
    parts = [np.asarray(part.columns[ORIGIN]) if ORIGIN in part.columns else np.full(len(part), train.name)
             for part in (train, valid) if len(part)]  # fmt: skip
    origin = np.concatenate(parts)
    return np.asarray(origin == origin[0])


def _rows(
    train: Dataset,
    valid: Dataset,
    test: Dataset,
    task: Task,
    measured: Task,
    features: Features | None,
    seed: int,
    threads: int,
) -> dict[str, _Rows]:
    """Return the rows with each table of features, by its name; they differ in nothing else."""
    if any(part.target is None for part in (train, valid, test)):
        raise InputError(f"{train.name} has no target to fit floors to")
    parts = [part for part in (train, valid) if len(part)]
    y = np.concatenate([part.target for part in parts if part.target is not None])
    if task is not Task.REGRESSION and len(np.unique(y)) < 2:
        raise InputError(f"the training rows of {train.name} hold one class only", value=int(y[0]))
    near = default_features([*parts, test], dinucleotides=False)
    close, close_test, near_said = most_varying(stacked([near(part) for part in parts]), near(test))
    rows = _Rows(
        x=None,
        y=y,
        validation=np.arange(len(y)) >= len(train),
        test=None,
        near=close,
        near_test=close_test,
        target=np.asarray(test.target),
        measured=measured,
        task=task,
        classes=len(train.classes),
        seed=seed,
        threads=threads,
        words="",
        near_said=near_said,
    )
    tables = fitted_tables(features or default_features([*parts, test]), parts, test)
    return {name: dataclasses.replace(rows, **table._asdict()) for name, table in tables.items()}


def _labels(rows: _Rows, y: NDArray[Any]) -> Floats:
    """Return the target as what a mean of is a score: a number, or one column a class."""
    return np.eye(rows.classes)[y] if rows.task is Task.MULTICLASS else y.astype(np.float64)


def _majority(rows: _Rows) -> Floats:
    mean = _labels(rows, rows.y).mean(axis=0)
    return np.broadcast_to(mean, (rows.test.shape[0], *np.shape(mean))).copy()


def _shuffled(rows: _Rows) -> tuple[str, Floats, float]:
    """Return what the floor is, the scores of that shuffle whose headline metric is the median of all, and the highest.

    A mean of scores would again be one model of chance, as far from it as each; the median shuffle is near chance,
    and a score like any other.
    """
    rng = np.random.default_rng(rows.seed)
    some = _subset(rows, rng)
    shuffles = np.stack([rng.permutation(some.y) for _ in range(SHUFFLES)], axis=1)
    if rows.task is Task.REGRESSION:  # one decomposition of the features serves all
        scores = list(_linear(dataclasses.replace(some, y=shuffles)).T)
    else:
        scores = [_linear(dataclasses.replace(some, y=y)) for y in shuffles.T]
    name, raw = HEADLINE[rows.measured], rows.measured is not rows.task
    reached = [compute(rows.measured, rows.target, score, raw=raw)[name] or 0.0 for score in scores]
    order = np.argsort(reached, kind="stable")
    spread = f"{name} {reached[order[0]]:.3f} to {reached[order[-1]]:.3f}"
    summary = f"a linear model fitted to shuffled labels: the median of {SHUFFLES} shuffles ({spread})"
    return summary, np.ascontiguousarray(scores[order[SHUFFLES // 2]]), float(reached[order[-1]])


def _subset(rows: _Rows, rng: np.random.Generator) -> _Rows:
    """Return `SHUFFLED_ROWS` of the rows to fit on at random, and one of each class."""
    count = len(rows.y)
    chosen = rng.choice(count, min(count, SHUFFLED_ROWS), replace=False)
    if rows.task is not Task.REGRESSION:
        chosen = np.union1d(chosen, np.unique(rows.y, return_index=True)[1])
    chosen = np.sort(chosen)
    return dataclasses.replace(rows, x=rows.x[chosen], y=rows.y[chosen], validation=rows.validation[chosen])


def _memoriser(rows: _Rows) -> Floats:
    return _nearest(rows.near, _labels(rows, rows.y), rows.near_test)


def nearest_targets(seen: Dataset, unseen: Dataset) -> Floats:
    """Return the target of the row of `seen` nearest to each row of `unseen`, ties averaged: a memoriser's
    score.

    Nearest by Hamming distance of guides and short sequences, by 6-mer counts of others, by expression.
    """
    near = default_features([seen, unseen], dinucleotides=False)
    return _nearest(read(near(seen)), np.asarray(seen.target, np.float64), read(near(unseen)))


def _nearest(seen: Any, labels: Floats, unseen: Any) -> Floats:
    """Mean label of the nearest rows. Squared distances of whole numbers are exact in float32, so ties are
    ties.
    """
    from scipy import sparse

    sparse_rows, count = sparse.issparse(seen), len(labels)
    whole = sparse_rows or np.asarray(seen).dtype == np.float32
    seen, unseen = (part.astype(np.float32 if whole else np.float64) for part in (seen, unseen))
    square = np.asarray((seen.multiply(seen) if sparse_rows else seen * seen).sum(axis=1)).reshape(-1)
    scores = [np.zeros((0, *labels.shape[1:]))]
    step = max(1, 20_000_000 // max(count, 1))
    for start in range(0, unseen.shape[0], step):
        product = unseen[start : start + step] @ seen.T
        distance = product.toarray() if sparse_rows else product
        distance *= -2  # in place: these are the largest arrays of all floors
        distance += square
        nearest = np.flatnonzero(distance <= distance.min(axis=1, keepdims=True))
        counted = np.bincount(nearest // count, minlength=len(distance))
        ends = np.concatenate([[0], np.cumsum(counted)])
        found = sparse.csr_array((np.ones(len(nearest)), nearest % count, ends), shape=distance.shape)
        scores.append((found @ labels) / counted.reshape(-1, *[1] * (labels.ndim - 1)))
    return np.concatenate(scores)


def _linear(rows: _Rows) -> Floats:
    """Logistic or ridge regression on features scaled by their training spread, centred only if dense.

    Of several columns of numbers each is fitted with a penalty of its own, and gives a column.
    """
    from scipy import sparse
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    scaler = StandardScaler(with_mean=not sparse.issparse(rows.x))
    penalties = np.logspace(0, 5, 6)
    ridge = RidgeCV(penalties, alpha_per_target=rows.y.ndim == 2)
    model = ridge if rows.task is Task.REGRESSION else LogisticRegression(C=0.01, max_iter=500)
    with threadpool_limits(limits=1):  # more threads add in another order: other bytes
        pipeline = make_pipeline(scaler, model).fit(rows.x, rows.y)
        if rows.task is Task.REGRESSION:
            return np.asarray(pipeline.predict(rows.test), np.float64)
        return _by_class(rows, pipeline.predict_proba(rows.test), pipeline.classes_)


def _by_class(rows: _Rows, probability: Floats, present: NDArray[Any]) -> Floats:
    """Return (n,) of class 1, or (n, classes) with zeros for classes that no row to fit on had."""
    full = np.zeros((len(probability), max(rows.classes, 2)))
    full[:, present] = probability
    return full if rows.task is Task.MULTICLASS else full[:, 1]


def _lightgbm(rows: _Rows) -> Floats:
    """Choose the number of rounds on the validation rows, then fit all rows with it."""
    import lightgbm

    y, present = rows.y, None
    if rows.task is not Task.REGRESSION:
        present, y = np.unique(rows.y, return_inverse=True)
    settings = _lightgbm_settings(rows, 0 if present is None else len(present))
    rounds = _rounds(rows, y, settings)
    booster = lightgbm.train(settings, lightgbm.Dataset(_for_lightgbm(rows.x), y, params=settings), rounds)
    score = np.asarray(booster.predict(_for_lightgbm(rows.test), num_threads=rows.threads), np.float64)
    if present is None:
        return score
    return _by_class(rows, np.stack([1 - score, score], axis=1) if score.ndim == 1 else score, present)


def _for_lightgbm(features: Any) -> Any:
    """Return sparse features as the older class, the only one that LightGBM knows."""
    from scipy.sparse import csr_matrix

    return csr_matrix(features) if hasattr(features, "indptr") else features


def _lightgbm_settings(rows: _Rows, classes: int) -> dict[str, Any]:
    objective = {0: "regression", 2: "binary"}.get(classes, "multiclass")
    many = len(rows.y) > MANY_ROWS
    settings = {
        "objective": objective, "learning_rate": 0.1 if many else 0.03, "num_leaves": 63 if many else 15,
        "min_data_in_leaf": 20, "feature_fraction": 0.3, "bagging_fraction": 0.8,
        "bagging_freq": 1, "lambda_l2": 1.0, "seed": rows.seed % 2**31, "num_threads": rows.threads,
        "deterministic": True, "force_col_wise": True,
        "verbosity": -1,
    }  # fmt: skip
    return settings | ({"num_class": classes} if objective == "multiclass" else {})


def _rounds(rows: _Rows, y: NDArray[Any], settings: dict[str, Any]) -> int:
    import lightgbm

    held = rows.validation
    classes = rows.task is not Task.REGRESSION
    if held.sum() < 2 or (classes and len(np.unique(y[~held])) < len(np.unique(y))):
        return MOST_ROUNDS // 5
    fitted, kept = (_for_lightgbm(rows.x[np.flatnonzero(part)]) for part in (~held, held))
    seen = lightgbm.Dataset(fitted, y[~held], params=settings)
    unseen = lightgbm.Dataset(kept, y[held], reference=seen, params=settings)
    stop = lightgbm.early_stopping(PATIENCE, verbose=False)
    return max(1, lightgbm.train(settings, seen, MOST_ROUNDS, [unseen], callbacks=[stop]).best_iteration)


_FLOORS: tuple[tuple[str, str, Callable[[_Rows], Floats]], ...] = (
    ("majority", "the commonest class or the mean of the training rows, for every row", _majority),
    ("memoriser", "the label of the nearest training row, ties averaged", _memoriser),
    ("linear", "logistic (for numbers: ridge) regression on {features}", _linear),
    ("lightgbm", "gradient-boosted trees (LightGBM) on {features}", _lightgbm),
)
