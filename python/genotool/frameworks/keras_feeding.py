"""What Keras is fed: arrays where all rows fit in memory as they are, else batches that are made while a step runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.dataset import take_rows
from genotool.encoding import EncodedView
from genotool.feeding import Batches
from genotool.frameworks.scale import TargetScale

__all__ = ["IN_MEMORY", "Augment", "Feed", "fed"]

IN_MEMORY = 2**30
"""Encoded bytes up to which training holds all rows at once."""
AT_ONCE = 2**24
"""Encoded bytes up to which several batches are made at once."""

Rows: TypeAlias = NDArray[np.int64]
Augment: TypeAlias = Callable[[Any, Rows, int], Any]
"""Inputs of some rows (an array, or a tuple of them where the network has several), their numbers in the view, the
epoch from 1, to the inputs that are learned instead, each row by its number and the epoch alone. Called in a background
thread."""


@dataclass(frozen=True, slots=True, eq=False)
class Feed:
    """Rows as a network gets them.

    Attributes
    ----------
    names
        Its inputs.
    size
        Rows a batch.
    seed
        Sets their order in each epoch; None: as they are.
    augment
        What they become, anew in every epoch; None: nothing.
    """

    view: EncodedView
    names: list[str]
    scale: TargetScale
    size: int
    seed: int | None = None
    augment: Augment | None = None

    @property
    def bytes_a_row(self) -> int:
        """Bytes of a row, encoded."""
        first = self.view.encoder.encode(self.view.dataset.take(np.zeros(1, np.int64)))
        return sum(4 * first[name].size for name in self.names)

    def encoded(self, rows: Rows) -> tuple[NDArray[Any], ...]:
        """Return some rows encoded, one array an input; balancing's rows come from `extra`."""
        view = self.view
        real = rows[rows < len(view.dataset)]
        batch = view.encoder.encode(view.dataset.take(real))
        if view.extra is None:
            return tuple(batch[name] for name in self.names)
        made = rows[rows >= len(view.dataset)] - len(view.dataset)
        order = np.argsort(np.r_[np.flatnonzero(rows < len(view.dataset)), np.flatnonzero(rows >= len(view.dataset))])
        extra = view.extra.inputs
        return tuple(np.concatenate([batch[name], take_rows(extra[name], made)])[order] for name in self.names)

    def learned(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the target as it is learned, and the sample weights, of every row."""
        view, values = self.view, self.scale.learn(self.view.target).astype(np.float32)
        weights = np.ones(len(view), np.float32)
        if view.weight is not None:
            weights[: len(view.dataset)] = view.weight
        if view.extra is not None:
            weights[len(view.dataset) :] = view.extra.weight
        return values, weights


def fed(keras: Any, feed: Feed, ending: ExitStack, in_memory: int = IN_MEMORY) -> dict[str, Any]:
    """Return what `fit` is given: arrays where all rows fit in memory encoded (faster a step), else a stream.

    Rows that are augmented are a stream too, whose thread ends with `ending`; `callbacks` tell it the epoch.
    """
    row = feed.bytes_a_row
    encode = feed.encoded
    if len(feed.view) * row <= in_memory:
        every = encode(np.arange(len(feed.view), dtype=np.int64))
        inputs = tuple(array.astype(np.float32, copy=False) for array in every)
        if feed.augment is None:
            values, weights = feed.learned()
            order = {} if feed.seed is None else {"shuffle": True, "batch_size": feed.size}
            return {"x": list(inputs) if len(inputs) > 1 else inputs[0], "y": values, "sample_weight": weights, **order}

        def encode(rows: Rows) -> tuple[NDArray[Any], ...]:
            return tuple(array[rows] for array in inputs)

    return _streamed(keras, feed, encode, ending, many=max(1, AT_ONCE // max(1, row * feed.size)))


def _streamed(
    keras: Any, feed: Feed, encode: Callable[[Rows], tuple[NDArray[Any], ...]], ending: ExitStack, many: int
) -> dict[str, Any]:
    """Return a stream of batches in an order set by seed and epoch; in TensorFlow `many` of them are made at once."""
    values, weights = feed.learned()

    def make(rows: Rows, epoch: int) -> tuple[Any, ...]:
        arrays = encode(rows)
        inputs = arrays if len(arrays) > 1 else arrays[0]
        return (inputs if feed.augment is None else feed.augment(inputs, rows, epoch), values[rows], weights[rows])

    in_tensorflow = keras.backend.backend() == "tensorflow"
    size = feed.size * many if in_tensorflow else feed.size
    ahead = 1 if in_tensorflow else 2
    batches = ending.enter_context(Batches(make, len(feed.view), size, seed=feed.seed, ahead=ahead))
    batches.go_to(1)
    stream = _tensorflow_stream(batches, feed) if in_tensorflow else _keras_stream(keras, batches)
    epochs = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, _: batches.go_to(epoch + 1))
    return {"x": stream, "shuffle": False, "callbacks": [epochs]}


def _tensorflow_stream(pieces: Batches[tuple[Any, ...]], feed: Feed) -> Any:
    """Return a data set of batches, cut from larger pieces.

    A piece costs a call of Python, in which TensorFlow's deterministic mode lets every step wait: so a few an epoch. A
    batch is a slice of it, which is no copy.
    """
    import tensorflow as tf

    first = pieces[0]
    signature = tf.nest.map_structure(lambda array: tf.TensorSpec((None, *array.shape[1:]), array.dtype), first)
    rows = len(feed.view)
    count = math.ceil(rows / feed.size)
    length = feed.size if rows % feed.size == 0 else None  # of every batch; None: the last one has fewer rows

    def given() -> Iterator[tuple[Any, ...]]:
        yield from pieces

    def cut(*piece: Any) -> Any:
        def batch(number: Any) -> tuple[Any, ...]:
            start = number * feed.size
            return tuple(
                tf.nest.map_structure(
                    lambda part: tf.ensure_shape(part[start : start + feed.size], (length, *part.shape[1:])), piece
                )
            )

        inside = (tf.shape(piece[1], tf.int64)[0] + feed.size - 1) // feed.size
        return tf.data.Dataset.range(inside).map(batch)

    made = tf.data.Dataset.from_generator(given, output_signature=signature).flat_map(cut)
    return made.apply(tf.data.experimental.assert_cardinality(count))


def _keras_stream(keras: Any, batches: Batches[tuple[Any, ...]]) -> Any:
    """Return a data set of batches for any backend."""

    class Stream(keras.utils.PyDataset):  # type: ignore[misc]
        def __len__(self) -> int:
            return len(batches)

        def __getitem__(self, number: int) -> tuple[Any, ...]:
            return batches[number]

    return Stream()
