"""Keras 3: one process set-up, one training loop and one model class for every family that trains with Keras."""

from __future__ import annotations

import math
import os
import random
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from genotool.config import Field
from genotool.dataset import Task, take_rows
from genotool.encoding import Batch, EncodedView
from genotool.errors import GenotoolError, TrainingError
from genotool.persist import load_json, load_network, save_json, save_network
from genotool.run import Run

__all__ = ["KerasModel", "Training", "start", "train"]

PREDICT_ROWS = 8192


@dataclass(frozen=True, slots=True)
class Training:
    """How a Keras network is trained; a family nests this in its config."""

    epochs: Annotated[int, Field("passes over the training rows, at most", ge=1)] = 60
    batch_size: Annotated[int, Field("rows a step", ge=1)] = 256
    learning_rate: Annotated[float, Field("AdamW's peak learning rate", gt=0, le=1)] = 1e-3
    weight_decay: Annotated[float, Field("AdamW's weight decay", ge=0)] = 1e-4
    patience: Annotated[int, Field("epochs without a better validation loss before stopping", ge=1)] = 12
    ema: Annotated[float, Field("momentum of the running average of the weights; 0: none", ge=0, lt=1)] = 0.0
    cosine: Annotated[bool, Field("let the learning rate fall on a cosine over all epochs")] = True


def start(seed: int) -> Any:
    """Import Keras on the backend of this process, seeded and deterministic; return the module.

    Raises
    ------
    GenotoolError
        If another framework than the chosen backend is already in this process.
    """
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    others = {"tensorflow", "torch", "jax"} - {backend}
    loaded = sorted(name for name in others if name in sys.modules)
    if loaded and "keras" not in sys.modules:
        raise GenotoolError(
            f"this process has loaded {loaded[0]} and cannot also run Keras on {backend}",
            hint="one framework per process: run the steps as separate commands",
        )
    import keras

    if keras.backend.backend() != backend:
        raise GenotoolError(f"Keras runs on {keras.backend.backend()} in this process, not on {backend}")
    if backend == "tensorflow":
        _limit_tensorflow()
    keras.utils.set_random_seed(seed % 2**32)
    random.seed(seed)
    return keras


def _limit_tensorflow() -> None:
    import tensorflow as tf

    threads = int(os.environ.get("GENOTOOL_THREADS", "0"))
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        pass  # already initialised in this process, with the same environment
    tf.config.experimental.enable_op_determinism()


@dataclass(frozen=True, slots=True, eq=False)
class KerasModel:
    """A Keras network with a task.

    Attributes
    ----------
    network
        Takes the inputs that it names, gives (n, 1) or (n, classes): probabilities, or a standardised number.
    mean, scale
        A regression output times `scale` plus `mean` is in the target's own unit.
    """

    network: Any
    task: Task
    mean: float = 0.0
    scale: float = 1.0

    def predict(self, batch: Batch) -> NDArray[np.float64]:
        """Return (n,) probabilities or numbers, or (n, classes) probabilities."""
        inputs = [np.asarray(batch[name], np.float32) for name in self.network.input_names]
        parts = [self._predict([array[i : i + PREDICT_ROWS] for array in inputs]) for i in _starts(len(inputs[0]))]
        output = np.concatenate(parts).astype(np.float64)
        output = output if self.task is Task.MULTICLASS else output.reshape(-1)
        return output * self.scale + self.mean

    def _predict(self, inputs: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        import keras

        output = self.network(inputs if len(inputs) > 1 else inputs[0], training=False)
        return np.asarray(keras.ops.convert_to_numpy(output), np.float32)

    def save(self, directory: Path) -> None:
        """Write ``model.keras`` and ``model.json``."""
        save_network(self.network, directory / "model.keras")
        save_json(directory / "model.json", {"task": self.task.value, "mean": self.mean, "scale": self.scale})

    @classmethod
    def load(cls, directory: Path, custom_objects: Mapping[str, Any] | None = None) -> KerasModel:
        """Read what `save` wrote; InputError if it is damaged."""
        start(0)
        about = load_json(directory / "model.json")
        network = load_network(directory / "model.keras", custom_objects)
        return cls(network, Task(about["task"]), float(about["mean"]), float(about["scale"]))


def _starts(count: int) -> range:
    return range(0, max(count, 1), PREDICT_ROWS)


def train(
    network: Any,
    training: Training,
    loss: Any,
    rows: EncodedView,
    valid: EncodedView,
    run: Run,
    *,
    seed: int,
    target: tuple[float, float] = (0.0, 1.0),
) -> None:
    """Fit `network` in place on `rows`, keeping the weights of the best validation loss.

    Parameters
    ----------
    loss
        A Keras loss or its name.
    target
        (mean, scale): what is subtracted from a number, and then divided by, before it is learned.

    Raises
    ------
    TrainingError
        If the loss stops being a number.
    """
    keras = start(seed)
    steps = math.ceil(len(rows) / training.batch_size)
    rate: Any = training.learning_rate
    if training.cosine:
        rate = keras.optimizers.schedules.CosineDecay(rate, steps * training.epochs, alpha=0.01)
    optimizer = keras.optimizers.AdamW(
        rate,
        weight_decay=training.weight_decay,
        use_ema=training.ema > 0,
        ema_momentum=training.ema or 0.99,
    )
    network.compile(optimizer=optimizer, loss=loss)
    validation = _stream(keras, valid, PREDICT_ROWS, network.input_names, target, None)
    callbacks = [_history(keras, run), *_averaging(keras, training)]
    callbacks += [
        keras.callbacks.EarlyStopping(patience=training.patience, restore_best_weights=True),
        keras.callbacks.TerminateOnNaN(),
    ]
    network.fit(
        _stream(keras, rows, training.batch_size, network.input_names, target, seed),
        validation_data=validation,
        epochs=training.epochs,
        verbose=0,
        callbacks=callbacks,
    )
    if not all(np.isfinite(weight).all() for weight in network.get_weights()):
        raise TrainingError("training diverged: the loss is no number", hint="try a smaller learning rate")


def _averaging(keras: Any, training: Training) -> list[Any]:
    """Return the callback that evaluates and keeps the averaged weights, where an average is asked for."""
    return [keras.callbacks.SwapEMAWeights(swap_on_epoch=True)] if training.ema > 0 else []


def _stream(
    keras: Any,
    view: EncodedView,
    size: int,
    names: list[str],
    target: tuple[float, float],
    seed: int | None,
) -> Any:
    """Return a Keras data set that encodes each batch when it is asked for, in an order set by seed and epoch."""
    mean, scale = target
    values = ((np.asarray(view.target, np.float64) - mean) / scale).astype(np.float32)
    weights = np.ones(len(view), np.float32)
    if view.weight is not None:
        weights[: len(view.dataset)] = view.weight

    class Stream(keras.utils.PyDataset):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.epoch = 0
            self.order = self._shuffled()

        def _shuffled(self) -> NDArray[np.int64]:
            if seed is None:
                return np.arange(len(view), dtype=np.int64)
            return np.random.default_rng([seed, self.epoch]).permutation(len(view))

        def __len__(self) -> int:
            return math.ceil(len(view) / size)

        def __getitem__(self, number: int) -> tuple[Any, ...]:
            rows = self.order[number * size : (number + 1) * size]
            inputs = encoded_rows(view, rows, names)
            return (inputs if len(names) > 1 else inputs[0], values[rows], weights[rows])

        def on_epoch_end(self) -> None:
            self.epoch += 1
            self.order = self._shuffled()

    return Stream()


def encoded_rows(view: EncodedView, rows: NDArray[np.int64], names: list[str]) -> tuple[NDArray[Any], ...]:
    """Return the given rows of a view, encoded, one array an input name; balancing's rows come from `extra`."""
    real = rows[rows < len(view.dataset)]
    batch = view.encoder.encode(view.dataset.take(real))
    if view.extra is None:
        return tuple(batch[name] for name in names)
    made = rows[rows >= len(view.dataset)] - len(view.dataset)
    order = np.argsort(np.r_[np.flatnonzero(rows < len(view.dataset)), np.flatnonzero(rows >= len(view.dataset))])
    return tuple(
        np.concatenate([batch[name], take_rows(view.extra.inputs[name], made)])[order] for name in names
    )


def _history(keras: Any, run: Run) -> Any:
    """Return a callback that writes ``history.tsv`` after every epoch and shows a bar on a terminal."""
    from genotool.progress import Bar

    class History(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_begin(self, logs: Any = None) -> None:
            self.rows: list[list[object]] = []
            self.bar = Bar("epochs", self.params["epochs"])

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            values = {name: float(value) for name, value in (logs or {}).items()}
            self.rows.append([epoch + 1, *values.values()])
            run.write_table("history.tsv", ["epoch", *values], self.rows)
            self.bar.advance(f"loss {values.get('loss', math.nan):.4f}")

        def on_train_end(self, logs: Any = None) -> None:
            self.bar.close()

    return History()
