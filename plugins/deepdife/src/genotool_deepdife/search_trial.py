"""One trial of a search: train a network, score it on rows that it has not learned, give up where it falls behind.

This runs in a process of its own, which gets training and validation rows and nothing else.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import optuna
from genotool.dataset import ORIGIN, Task
from genotool.encoding import EncodedView
from genotool.errors import TrainingError
from genotool.frameworks.keras import KerasModel, start
from genotool.metrics import compute, missing
from genotool.run import Run
from numpy.typing import NDArray

from genotool_deepdife.settings import PromoterConfig
from genotool_deepdife.training import fitted, scale_of

__all__ = ["METRIC", "Job", "Outcome", "Trainer"]

METRIC = {Task.BINARY: "roc_auc", Task.MULTICLASS: "roc_auc", Task.REGRESSION: "r2"}
"""What a trial is scored by. Of classes not the loss: on a thousand rows an overfitted network's says how sure it is
of a few, and the verdict stands on the order of the rows. Of numbers the loss itself, on a scale that can be read."""
ENOUGH = 4
"""Finished trials before one is stopped for being worse than their median."""
WARM_UP = 5
"""Epochs in which none is stopped."""

Steps: TypeAlias = Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Job:
    """What a trial is to do.

    Attributes
    ----------
    config
        The network and its training.
    earlier
        Score and values by step of the finished trials of earlier batches: a trial is compared with no others, so it
        does not matter what runs beside it.
    """

    number: int
    config: PromoterConfig
    earlier: tuple[tuple[float, Steps], ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a trial.

    Attributes
    ----------
    score
        None where it failed or was stopped.
    steps
        The score after each epoch, from 0; with inner folds the mean after each fold.
    pruned
        After which step it was stopped, in words.
    failure
        The first line of its error.
    """

    score: float | None = None
    steps: Steps = field(default_factory=dict)
    parameters: int = 0
    seconds: float = 0.0
    pruned: str = ""
    failure: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Trainer:
    """Carries out trials.

    Attributes
    ----------
    folds
        (n,) the inner fold of each training row, from 1, which is scored by a network that learned the other folds and
        stopped early on the validation rows; None: the validation rows are scored too.
    folder
        Gets a folder a trial, with its losses by epoch.
    """

    task: Task
    train: EncodedView
    valid: EncodedView
    folds: NDArray[np.int64] | None
    folder: Path
    simulated: bool = False

    def __call__(self, job: Job) -> Outcome:
        """Return what came of a trial; a failure is an outcome too."""
        began, watch = time.monotonic(), _Watch(job.earlier, 0 if self.folds is not None else WARM_UP)
        score, pruned, failure = None, "", ""
        try:
            score = self._by_folds(job, watch) if self.folds is not None else self._by_epochs(job, watch)
        except optuna.TrialPruned:
            pruned = f"{'epoch' if self.folds is None else 'fold'} {len(watch.steps)} ({watch.last:.4f})"
        except Exception as error:  # of many types: whatever a framework raises for a network that cannot be trained
            failure = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
        return Outcome(score, watch.steps, watch.parameters, round(time.monotonic() - began, 3), pruned, failure)

    def _by_epochs(self, job: Job, watch: _Watch) -> float:
        keras = start(job.config.seed)
        inputs, target, scale = self.valid.arrays().inputs, self.valid.target, scale_of(self.task, self.train)

        def look(*_: Any) -> None:
            model = KerasModel(looking.model, self.task, scale)
            watch.saw(model)
            watch.report(self._measured(model.predict(inputs), target))

        looking = keras.callbacks.LambdaCallback(on_epoch_end=look)
        model = self._trained(job, self.train, "", [looking])
        return self._measured(model.predict(inputs), target)

    def _by_folds(self, job: Job, watch: _Watch) -> float:
        assert self.folds is not None
        scores: list[float] = []
        for fold in range(1, int(self.folds.max()) + 1):
            model = self._trained(job, _taken(self.train, np.flatnonzero(self.folds != fold)), f"-{fold}", [])
            held = self._own(np.flatnonzero(self.folds == fold))
            scores.append(self._measured(model.predict(held.arrays().inputs), held.target))
            watch.saw(model)
            watch.report(float(np.mean(scores)))
        return float(np.mean(scores))

    def _trained(self, job: Job, rows: EncodedView, name: str, callbacks: list[Any]) -> KerasModel:
        start(job.config.seed).backend.clear_session()
        place = self.folder / f"trial-{job.number:03d}{name}"
        place.mkdir(parents=True, exist_ok=True)
        side = Run(place, {"simulated": self.simulated, "timings": {}})
        limits = job.config.search
        training = dataclasses.replace(job.config.training, epochs=limits.epochs, patience=limits.patience)
        config = dataclasses.replace(job.config, training=training)
        return fitted(config, self.task, rows, self.valid, side, callbacks=callbacks)

    def _own(self, rows: NDArray[np.int64]) -> EncodedView:
        """Return the given training rows but for those of sets that are learned along: none of these is scored."""
        dataset = self.train.dataset
        if ORIGIN in dataset.columns:
            rows = rows[np.asarray(dataset.columns[ORIGIN])[rows] == dataset.name]
        return _taken(self.train, rows)

    def _measured(self, score: NDArray[np.float64], target: NDArray[Any]) -> float:
        name = METRIC[self.task]
        value = compute(self.task, target, score)[name]
        if value is None:
            raise TrainingError(f"no {name} of the rows that score: {missing(self.task, target, score).get(name)}")
        return value


class _Watch:
    """The scores of a trial, step by step, beside those of earlier trials (Optuna's median pruner)."""

    def __init__(self, earlier: tuple[tuple[float, Steps], ...], warm_up: int) -> None:
        pruner = optuna.pruners.MedianPruner(n_startup_trials=ENOUGH, n_warmup_steps=warm_up)
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.create_study(direction="maximize", pruner=pruner)
        study.add_trials(
            [optuna.trial.create_trial(value=score, intermediate_values=dict(steps)) for score, steps in earlier]
        )
        self._trial = study.ask()
        self.steps: dict[int, float] = {}
        self.parameters = 0
        self.last = float("nan")

    def saw(self, model: KerasModel) -> None:
        """Note the size of the network."""
        self.parameters = model.network.count_params()

    def report(self, value: float) -> None:
        """Note the score after a step; TrialPruned where no score so far reaches the median of the others' there."""
        step, self.last = len(self.steps), value
        self.steps[step] = value
        self._trial.report(value, step)
        if self._trial.should_prune():
            raise optuna.TrialPruned


def _taken(view: EncodedView, rows: NDArray[np.int64]) -> EncodedView:
    weight = None if view.weight is None else view.weight[rows]
    return dataclasses.replace(view, dataset=view.dataset.take(rows), weight=weight)
