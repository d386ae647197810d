"""Class balancing, inside the training rows only: under-sampling, SMOTE, SMOTEN, class weights, or none.

Resampling before the split copies test rows into training (ROC-AUC .97 on pure noise); here it takes an
`EncodedView`, which holds training rows and nothing else. SMOTE (Chawla 2002 J Artif Intell Res 16:321)
interpolates:
between one-hot rows its output is mostly no DNA, and the report says how much.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from genotool.encoding import Batch, EncodedBatch, EncodedView
from genotool.errors import InputError, UsageError, nearest

__all__ = ["METHODS", "BalanceReport", "Method", "prior_correction", "resample", "under_sampled"]

Method: TypeAlias = Literal["none", "under", "smote", "smoten", "weights"]
METHODS: tuple[str, ...] = get_args(Method)

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BalanceReport:
    """What balancing did to the training rows.

    Attributes
    ----------
    before, after
        Rows of each class; for weights `after` is the sum of weights.
    synthetic
        Rows that SMOTE or SMOTEN made.
    not_dna
        The share of synthetic rows that are no sequence: a position without exactly one 1. None where no
        input is
        one-hot.
    """

    method: str
    before: tuple[float, ...]
    after: tuple[float, ...]
    synthetic: int = 0
    not_dna: float | None = None

    @property
    def true_prior(self) -> tuple[float, ...]:
        """The share of each class among the training rows."""
        return tuple(count / sum(self.before) for count in self.before) if self.before else ()

    @property
    def trained_prior(self) -> tuple[float, ...]:
        """The share of each class that the model was trained on."""
        return tuple(count / sum(self.after) for count in self.after) if self.after else ()

    @property
    def changes_prior(self) -> bool:
        """Whether probabilities need `prior_correction`."""
        return bool(self.before) and not np.allclose(self.true_prior, self.trained_prior)

    def prior_record(self) -> dict[str, list[float]] | None:
        """Return both priors as ``run.json`` keeps them; None where they are the same."""
        return {"trained": list(self.trained_prior), "true": list(self.true_prior)} if self.changes_prior else None

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON holds them, with a sentence about synthetic rows."""
        share = "" if self.not_dna is None else f", {self.not_dna:.1%} of them no DNA"
        said = f"{self.synthetic} synthetic rows{share}" if self.synthetic else ""
        return {**dataclasses.asdict(self), "sentence": said}


def resample(view: EncodedView, method: str = "none", seed: int = 0) -> tuple[EncodedView, BalanceReport]:
    """Balance the classes of training rows.

    Parameters
    ----------
    view
        Training rows. Never a whole data set, never validation rows.
    method
        ``under`` draws as many rows of each class as the rarest has; ``smote`` and ``smoten`` add rows to
        the rarer
        classes as `EncodedView.extra` (SMOTEN: values that occur, neighbours' commonest); ``weights`` gives
        each
        class the same sum of weights.

    Raises
    ------
    UsageError
        An unknown method, or a data set without classes.
    InputError
        Fewer than two classes, or too few rows of one to interpolate between.
    """
    if method not in METHODS:
        raise UsageError(f"unknown balance {method!r}", hint=nearest(method, METHODS))
    dataset = view.dataset
    if method == "none":
        counts = _counts(dataset.target, len(dataset.classes)) if dataset.classes else ()
        return view, BalanceReport(method, counts, counts)
    if not dataset.classes or dataset.target is None:
        raise UsageError(f"{dataset.name} has no classes to balance", hint="--balance none")
    before = _counts(dataset.target, len(dataset.classes))
    if sum(count > 0 for count in before) < 2:
        raise InputError(f"the training rows of {dataset.name} hold one class only")
    if method == "under":
        return _under(view, before, seed)
    return _weights(view, before) if method == "weights" else _smote(view, before, method, seed)


def _counts(target: NDArray[Any] | None, classes: int) -> tuple[float, ...]:
    return tuple(float(count) for count in np.bincount(np.asarray(target, np.int64), minlength=classes))


def _under(view: EncodedView, before: tuple[float, ...], seed: int) -> tuple[EncodedView, BalanceReport]:
    rows = under_sampled(np.asarray(view.dataset.target), seed)
    weight = None if view.weight is None else view.weight[rows]
    smaller = dataclasses.replace(view, dataset=view.dataset.take(rows), weight=weight)
    return smaller, BalanceReport("under", before, _counts(smaller.dataset.target, len(before)))


def under_sampled(target: NDArray[Any], seed: int) -> NDArray[np.int64]:
    """Return the rows that ``under`` keeps of these class codes: as many of each class, ascending."""
    from imblearn.under_sampling import RandomUnderSampler

    sampler = RandomUnderSampler(random_state=seed % 2**32)
    sampler.fit_resample(np.arange(len(target))[:, None], target)
    return np.sort(sampler.sample_indices_).astype(np.int64)


def _weights(view: EncodedView, before: tuple[float, ...]) -> tuple[EncodedView, BalanceReport]:
    counts, target = np.asarray(before), np.asarray(view.dataset.target, np.int64)
    each = np.divide(len(target) / (counts > 0).sum(), counts, out=np.zeros(len(counts)), where=counts > 0)
    weight = each[target].astype(np.float32) * (1 if view.weight is None else view.weight)
    after = tuple(float(weight[target == code].sum()) for code in range(len(counts)))
    return dataclasses.replace(view, weight=weight), BalanceReport("weights", before, after)


def _smote(view: EncodedView, before: tuple[float, ...], method: str, seed: int) -> tuple[EncodedView, BalanceReport]:
    from imblearn.over_sampling import SMOTE, SMOTEN

    fewest = int(min(count for count in before if count))
    if fewest < 2:
        raise InputError(f"{method} needs at least 2 rows of each class, one has {fewest}", hint="--balance weights")
    arrays = view.arrays()
    flat = np.concatenate([np.asarray(part).reshape(len(part), -1) for part in arrays.inputs.values()], axis=1)
    maker = (SMOTE if method == "smote" else SMOTEN)(k_neighbors=min(5, fewest - 1), random_state=seed % 2**32)
    rows, target = maker.fit_resample(flat.astype(np.float32), arrays.target)
    made = _unflatten(np.asarray(rows[len(flat) :], np.float32), arrays.inputs)
    labels = np.asarray(target[len(flat) :], dtype=arrays.target.dtype)
    extra = EncodedBatch(made, labels, np.ones(len(labels), np.float32))
    after = _counts(target, len(before))
    report = BalanceReport(method, before, after, len(labels), _share_not_dna(arrays.inputs, made, len(labels)))
    return dataclasses.replace(view, extra=extra if len(labels) else None), report


def _unflatten(flat: NDArray[np.float32], like: Batch) -> dict[str, NDArray[Any]]:
    widths = [int(np.prod(part.shape[1:])) for part in like.values()]
    pieces = np.split(flat, np.cumsum(widths)[:-1], axis=1)
    return {
        name: piece.reshape(len(piece), *part.shape[1:])
        for (name, part), piece in zip(like.items(), pieces, strict=True)
    }


def _share_not_dna(real: Batch, made: Batch, count: int) -> float | None:
    """Return the share of made rows with a position that no real row could have; None without one-hot
    inputs.
    """
    names = [name for name, part in real.items() if part.ndim == 3 and part.shape[2] == 4 and _one_hot(part).all()]
    if not names or not count:
        return None
    good = np.ones(count, np.bool_)
    for name in names:
        good &= _one_hot(made[name])
    return float(1 - good.mean())


def _one_hot(part: NDArray[Any]) -> NDArray[np.bool_]:
    """Return (n,) whether every position has at most one 1 and nothing between 0 and 1 (padding and N have
    none).
    """
    whole = np.isin(part, (0, 1)).all(axis=(1, 2)) & (part.sum(axis=2) <= 1).all(axis=1)
    return np.asarray(whole, np.bool_)


def prior_correction(probability: NDArray[Any], trained_prior: Any, true_prior: Any) -> Floats:
    """Return probabilities as they would be with the true class shares (Saerens 2002 Neural Comput 14:21).

    Parameters
    ----------
    probability
        (n,) of class 1, or (n, classes).
    trained_prior, true_prior
        The share of each class in training, and in truth.
    """
    probability = np.asarray(probability, np.float64)
    binary = probability.ndim == 1
    wide = np.stack([1 - probability, probability], axis=1) if binary else probability
    trained, true = np.asarray(trained_prior, np.float64), np.asarray(true_prior, np.float64)
    odds = wide * np.divide(true, trained, out=np.zeros_like(true), where=trained > 0)
    total = odds.sum(axis=1, keepdims=True)
    corrected: Floats = np.divide(odds, total, out=wide.copy(), where=total > 0)
    return corrected[:, 1] if binary else corrected
