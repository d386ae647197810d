"""Keras 3: one process set-up, one training loop and one model class for every family that trains with Keras."""

from __future__ import annotations

import math
import os
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray

from genotool.config import Field
from genotool.dataset import Task
from genotool.encoding import Batch, EncodedView
from genotool.errors import GenotoolError, InputError, TrainingError, UsageError
from genotool.frameworks.keras_feeding import IN_MEMORY, Augment, Feed, fed
from genotool.frameworks.scale import TargetScale
from genotool.persist import load_json, load_network, save_json, save_network
from genotool.run import DAMAGED, Run

__all__ = [
    "IN_MEMORY",
    "Augment",
    "KerasModel",
    "TargetScale",
    "Training",
    "adamw",
    "rows_at_once",
    "start",
    "tower_seed",
    "train",
]

MOST_ROWS = 8192
MOST_VALUES = 2**24
"""Numbers in the largest layer's output, over the rows that are predicted at once."""


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
    warmup: Annotated[float, Field("share of the steps in which the rate rises to its peak", ge=0, lt=1)] = 0.05
    plateau: Annotated[
        float, Field("times the rate where the validation loss stays; 0: never; without `cosine`", ge=0, lt=1)
    ] = 0.0
    plateau_patience: Annotated[int, Field("epochs without a better validation loss before `plateau` acts", ge=1)] = 5


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
    with _quiet_stderr():
        import keras
    if keras.backend.backend() != backend:
        raise GenotoolError(f"Keras runs on {keras.backend.backend()} in this process, not on {backend}")
    if backend == "tensorflow":
        _limit_tensorflow()
    keras.utils.set_random_seed(seed % 2**32)
    random.seed(seed)
    return keras


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Keep what TensorFlow's C++ writes while it is imported off the terminal; errors are raised as ever."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _limit_tensorflow() -> None:
    with _quiet_stderr():
        import tensorflow as tf

    tf.get_logger().setLevel("ERROR")  # several networks in one run are no fault, as its warnings would have it
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
    scale
        Turns what a regression network gives into the target's own unit.
    """

    network: Any
    task: Task
    scale: TargetScale = field(default_factory=lambda: TargetScale())

    def predict(self, batch: Batch) -> NDArray[np.float64]:
        """Return (n,) probabilities or numbers, or (n, classes) probabilities."""
        inputs = [np.asarray(batch[name], np.float32) for name in input_names(self.network)]
        step = rows_at_once(self.network)
        starts = range(0, max(len(inputs[0]), 1), step)
        parts = [self._predict([array[start : start + step] for array in inputs]) for start in starts]
        output = np.concatenate(parts).astype(np.float64)
        output = output if self.task is Task.MULTICLASS else output.reshape(-1)
        return self.scale.restore(output)

    def _predict(self, inputs: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        import keras

        output = self.network(inputs if len(inputs) > 1 else inputs[0], training=False)
        return np.asarray(keras.ops.convert_to_numpy(output), np.float32)

    def save(self, directory: Path) -> None:
        """Write ``model.keras``, without the optimizer's state, and ``model.json``."""
        import keras

        inputs = self.network.inputs
        bare = keras.Model(inputs if len(inputs) > 1 else inputs[0], self.network.outputs[0], name=self.network.name)
        save_network(bare, directory / "model.keras")
        save_json(directory / "model.json", {"task": self.task.value, "scale": self.scale.to_json()})

    @classmethod
    def load(cls, directory: Path, custom_objects: Mapping[str, Any] | None = None) -> Self:
        """Read what `save` wrote; InputError if it is damaged."""
        start(0)
        about = load_json(directory / "model.json")
        if not isinstance(about, dict) or about.get("task") not in set(Task):
            raise InputError("model.json names no known task", file=directory / "model.json", hint=DAMAGED)
        network = load_network(directory / "model.keras", custom_objects)
        return cls(network, Task(about["task"]), TargetScale.from_json(about["scale"], directory))


def input_names(network: Any) -> list[str]:
    """Return the names of a network's inputs, in its order: the names of the arrays that it takes."""
    return [tensor.name for tensor in network.inputs]


def rows_at_once(network: Any) -> int:
    """Return how many rows a network takes at once, so that the output of none of its layers outgrows the memory."""
    return max(1, min(MOST_ROWS, MOST_VALUES // max(_widest(network), 1)))


def _widest(network: Any) -> int:
    """Return the numbers a row in the largest output of a layer, or an eighth of all: branches stand side by side.

    Those inside nested networks count too.
    """
    inner = [_widest(layer) for layer in network.layers if hasattr(layer, "layers")]
    outputs = [output for layer in network.layers for output in _tensors(layer.output)]
    sizes = [math.prod(size or 1 for size in output.shape[1:]) for output in outputs]
    return int(max([*inner, *sizes, sum(sizes) // 8]))


def _tensors(output: Any) -> list[Any]:
    return list(output) if isinstance(output, list | tuple) else [output]


def tower_seed(seed: int, number: int) -> int:
    """Return the seed of one of several networks that are trained and averaged; the first has the run's own."""
    return seed if number == 0 else int(np.random.SeedSequence([seed, number]).generate_state(1)[0] % 2**31)


def train(
    network: Any,
    training: Training,
    loss: Any,
    rows: EncodedView,
    valid: EncodedView,
    run: Run,
    *,
    seed: int,
    scale: TargetScale | None = None,
    history: str = "history.tsv",
    augment: Augment | None = None,
    optimizer: Callable[[Any, Training, int], Any] | None = None,
    metrics: Sequence[str] = (),
    callbacks: Sequence[Any] = (),
    in_memory: int = IN_MEMORY,
) -> None:
    """Fit `network` in place on `rows`, keeping the weights of the best validation loss.

    Parameters
    ----------
    loss
        A Keras loss or its name.
    scale
        How a number is learned; None: as it is.
    history
        The file of the run that gets the losses, one row an epoch.
    augment
        What training rows become, anew in every epoch; validation rows stay as they are. None: nothing.
    optimizer
        Makes the optimizer from Keras, the settings and the steps of an epoch; None: `adamw`.
    metrics
        Keras metrics that are written to the history beside the loss, such as ``accuracy``.
    callbacks
        Keras callbacks that look on, such as a search's.
    in_memory
        Encoded bytes up to which all rows are held; more are encoded batch by batch.

    Raises
    ------
    TrainingError
        If the loss stops being a number.
    """
    keras = start(seed)
    names, scale, held_rows = input_names(network), scale or TargetScale(), rows_at_once(network)
    steps = math.ceil(len(rows) / training.batch_size)
    network.compile(optimizer=(optimizer or adamw)(keras, training, steps), loss=loss, metrics=list(metrics) or None)
    called = [_history(keras, run, history), *_averaging(keras, training), *_plateau(keras, training), *callbacks]
    called += [
        keras.callbacks.EarlyStopping(patience=training.patience, restore_best_weights=True),
        keras.callbacks.TerminateOnNaN(),
    ]
    with ExitStack() as ending:
        learned = fed(keras, Feed(rows, names, scale, training.batch_size, seed, augment), ending, in_memory)
        held = fed(keras, Feed(valid, names, scale, held_rows), ending, in_memory)
        whole = isinstance(held.get("y"), np.ndarray)
        called += [*learned.pop("callbacks", []), *held.pop("callbacks", [])]
        network.fit(
            **learned,
            validation_data=(held["x"], held["y"], held["sample_weight"]) if whole else held["x"],
            validation_batch_size=held_rows if whole else None,
            epochs=training.epochs,
            verbose=0,
            callbacks=called,
        )
    if not all(np.isfinite(weight).all() for weight in network.get_weights()):
        raise TrainingError("training diverged: the loss is no number", hint="try a smaller learning rate")


def adamw(keras: Any, training: Training, steps: int) -> Any:
    """Return AdamW for `steps` steps an epoch, its rate rising over the warm-up, then falling on a cosine."""
    rate: Any = training.learning_rate
    if training.cosine:
        total = steps * training.epochs
        rising = int(training.warmup * total)
        rate = keras.optimizers.schedules.CosineDecay(
            rate / 20 if rising else rate,
            max(total - rising, 1),
            alpha=0.01,
            warmup_target=rate if rising else None,
            warmup_steps=rising,
        )
    return keras.optimizers.AdamW(
        rate,
        weight_decay=training.weight_decay,
        clipnorm=1.0,
        use_ema=training.ema > 0,
        ema_momentum=training.ema or 0.99,
    )


def _averaging(keras: Any, training: Training) -> list[Any]:
    """Return the callback that evaluates and keeps the averaged weights, where an average is asked for."""
    return [keras.callbacks.SwapEMAWeights(swap_on_epoch=True)] if training.ema > 0 else []


def _plateau(keras: Any, training: Training) -> list[Any]:
    """Return the callback that lowers a constant rate where nothing gets better; UsageError with a falling one."""
    if training.plateau and training.cosine:
        raise UsageError("the learning rate falls on a cosine or on a plateau, not both", hint="set cosine to false")
    lower = keras.callbacks.ReduceLROnPlateau(factor=training.plateau, patience=training.plateau_patience)
    return [lower] if training.plateau else []


def _history(keras: Any, run: Run, file: str) -> Any:
    """Return a callback that writes the losses after every epoch and shows a bar on a terminal."""
    from genotool.progress import Bar

    class History(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_begin(self, logs: Any = None) -> None:
            self.rows: list[list[object]] = []
            self.bar = Bar("epochs", self.params["epochs"])

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            values = {name: float(value) for name, value in (logs or {}).items()}
            self.rows.append([epoch + 1, *values.values()])
            run.write_table(file, ["epoch", *values], self.rows)
            self.bar.advance(f"loss {values.get('loss', math.nan):.4f}")

        def on_train_end(self, logs: Any = None) -> None:
            self.bar.close()

    return History()
