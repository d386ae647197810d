"""Architecture search with AutoKeras: limited, seeded, resumable; what it finds is a plain Keras network."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from genotool.dataset import Task
from genotool.encoding import EncodedView
from genotool.errors import GenotoolError, InputError, TrainingError
from genotool.family import Trial, Tuned
from genotool.frameworks.keras import KerasModel, TargetScale, Training, start
from genotool.run import Run
from numpy.typing import NDArray

from genotool_sgrna.adapted import in_front, in_own_unit
from genotool_sgrna.architecture import CHANNELS, Architecture
from genotool_sgrna.encoder import GUIDE
from genotool_sgrna.search_record import OBJECTIVE, Record
from genotool_sgrna.settings import GuideConfig
from genotool_sgrna.training import scale_of, towers

__all__ = ["export_h5", "search"]


def search(config: GuideConfig, task: Task, train: EncodedView, valid: EncodedView, run: Run) -> Tuned:
    """Search an architecture on `train`, scored on `valid`; go on from what the run holds already.

    The first trial is the configured network. The order of trials, their weights and their scores depend on
    the seed only. ``trials.tsv`` is the table. With ``search.finish`` the best architecture is trained again
    as `fit` trains the configured one, with the learning rate and the weight decay that were found, and the
    better of the two on the validation rows is kept.

    Raises
    ------
    TrainingError
        If no trial succeeded: with the message of the first one.
    """
    job = _Job(config, task, train, valid, run, scale_of(task, train))
    record = Record(run.folder("search") / "trials.json", config.search.trials, run)
    try:
        with run.timed("search"), _silence():
            _run_trials(job, record)
    except GenotoolError:
        raise
    except Exception as error:  # the engine gives up after three failures in a row, with a type of its own
        if not record.successes:
            raise TrainingError(f"the search failed: {record.first_failure or error}") from error
        run.log(f"the search ended early: {str(error).strip().splitlines()[0]}")
    finally:
        record.close()
    if not record.successes:
        raise TrainingError(f"no architecture could be trained: {record.first_failure}")
    best = record.successes[0]
    model = _found(job, best, record.weights(best))
    model = _finished(job, best, model) if config.search.finish else model
    return Tuned(model, tuple(record.trials), OBJECTIVE, f"AutoKeras {version('autokeras')}, greedy")


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """What is searched: settings, rows, and the unit in which a number is learned."""

    config: GuideConfig
    task: Task
    train: EncodedView
    valid: EncodedView
    run: Run
    scale: TargetScale


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep the engine's printing and its warnings about its own files and tensors off the terminal."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _run_trials(job: _Job, record: Record) -> None:
    """Let AutoKeras run its trials, one by one, in the folder ``search`` of the run."""
    keras = start(job.config.seed)
    import autokeras

    from genotool_sgrna import search_space as space

    limits, training, folder = job.config.search, job.config.training, job.run.folder("search")
    guide = autokeras.Input(name="guide_input")
    engine = space.GuideModel(
        guide,
        space.output_head(job.task is Task.BINARY)(space.GuideBlock(name=space.BLOCK)(guide)),
        directory=str(folder),
        project_name="engine",
        overwrite=True,
        max_trials=limits.trials,
        objective=OBJECTIVE,
        tuner=space.GuideTuner,
        seed=job.config.seed,
        first=space.first_values(job.config),
        largest=space.LARGEST // job.config.towers,
        record=record,
        expired=lambda: _expired(limits.minutes, record),
    )
    steps = math.ceil(len(job.train) / training.batch_size)
    engine.tuner.hypermodel.training = dataclasses.replace(training, epochs=limits.epochs)
    engine.tuner.hypermodel.steps = steps
    averaging = [keras.callbacks.SwapEMAWeights(swap_on_epoch=True)] if training.ema > 0 else []
    stopping = [keras.callbacks.EarlyStopping(patience=limits.patience), keras.callbacks.TerminateOnNaN()]
    inputs, values, weight = _arrays(job.train, job.scale)
    engine.fit(
        inputs,
        values,
        sample_weight=weight,
        validation_data=_arrays(job.valid, job.scale)[:2],
        epochs=limits.epochs,
        batch_size=training.batch_size,
        callbacks=[*averaging, *stopping],
        verbose=0,
    )


def _expired(minutes: float | None, record: Record) -> bool:
    """Whether the time for trials is over; the first trial always runs."""
    return minutes is not None and bool(record.trials) and record.seconds > minutes * 60


def _arrays(
    view: EncodedView, scale: TargetScale
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return (n, 23, 4) inputs, (n, 1) targets as they are learned, and (n,) weights."""
    rows = view.arrays()
    values = scale.learn(rows.target).astype(np.float32)
    return rows.inputs["guide"].astype(np.float32), values[:, None], rows.weight


def _found(job: _Job, trial: Trial, weights: Path) -> KerasModel:
    """Return a trial's network as it was at its best epoch, without AutoKeras' own layers."""
    network = Architecture.of(trial.values).network(start(job.config.seed), job.task)
    network.load_weights(weights)
    return KerasModel(network, job.task, job.scale)


def _finished(job: _Job, trial: Trial, found: KerasModel) -> KerasModel:
    """Train the trial's architecture again, in full; return what is better on the validation rows."""
    shape = Architecture.of(trial.values)
    config = dataclasses.replace(job.config, training=_found_training(job.config.training, trial))
    with job.run.timed("finish"):
        again = towers(lambda keras: shape.network(keras, job.task), config, job.task, job.train, job.valid, job.run)
    before, after = _loss(found, job.valid), _loss(again, job.valid)
    kept = "second" if after < before else "first"
    losses = f"validation loss {after:.5f} after {before:.5f}"
    job.run.log(f"trial {trial.number + 1} trained again: {losses}; the {kept} is kept")
    return again if after < before else found


def _found_training(training: Training, trial: Trial) -> Training:
    """Return the settings with a trial's learning rate and optimiser; Adam is AdamW without decay."""
    decay = training.weight_decay if trial.values["optimizer"] == "adamw" else 0.0
    return dataclasses.replace(training, learning_rate=trial.values["learning_rate"], weight_decay=decay)


def _loss(model: KerasModel, valid: EncodedView) -> float:
    """Return the loss on the validation rows: squared error in the unit that is learned, or cross-entropy."""
    rows = valid.arrays()
    predicted = model.predict(rows.inputs)
    truth = np.asarray(rows.target, np.float64)
    if model.task is Task.REGRESSION:
        return float(np.mean((model.scale.learn(predicted) - model.scale.learn(truth)) ** 2))
    chance = np.clip(np.where(truth == 1, predicted, 1 - predicted), 1e-7, 1.0)
    return float(-np.mean(np.log(chance)))


def export_h5(model: KerasModel, file: Path) -> None:
    """Write a network as ``best_autokeras_model.h5`` is known: its input is the one-hot flattened to 92.

    Its output is in the target's own unit.

    Raises
    ------
    InputError
        If the network takes more than a guide.
    """
    keras, network = start(0), model.network
    if len(network.inputs) != 1 or network.inputs[0].shape[1:] != (GUIDE, CHANNELS):
        raise InputError("only a network that takes one guide can be exported", value=network.input_shape)
    network = in_own_unit(keras, network, model.scale)
    flat = keras.layers.Input((GUIDE * CHANNELS,), name="one_hot")
    temporary = file.with_name(f".{file.stem}.part.h5")
    with contextlib.redirect_stdout(io.StringIO()):
        in_front(keras, network, flat, [keras.layers.Reshape((GUIDE, CHANNELS))]).save(temporary)
    temporary.replace(file)
