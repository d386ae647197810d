"""Feeding: batches that are made in a background thread while a training step runs.

`Batches` is a sequence of batches in an order set by seed and epoch, for any loop: NumPy code iterates over it, Keras
wraps it (`genotool.frameworks.keras`), torch takes it as ``DataLoader(batches, batch_size=None)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from genotool.errors import UsageError

__all__ = ["Batches"]

T = TypeVar("T")


class Batches(Generic[T]):
    """The batches of one epoch after the other.

    Parameters
    ----------
    make
        (rows, epoch) to a batch, called in another thread; what it raises is raised where the batch is asked for. Its
        result must follow from its arguments alone: then the batches are the same however they are asked for.
    count
        The number of rows.
    size
        Rows a batch; the last one of an epoch may have fewer.
    seed
        Sets the order of the rows in each epoch; None: in their order.
    ahead
        Batches that are prepared before they are asked for; 0: no thread.

    Attributes
    ----------
    epoch
        The pass over the rows, from 0; `next_epoch` and `go_to` go on to another.
    """

    def __init__(
        self, make: Callable[[NDArray[np.int64], int], T], count: int, size: int, *, seed: int | None, ahead: int = 2
    ) -> None:
        if size < 1 or ahead < 0:
            raise UsageError(f"a batch has at least one row and none is made later than asked: {size}, {ahead}")
        self._make, self._count, self._size, self._seed, self._ahead = make, count, size, seed, ahead
        self._worker: ThreadPoolExecutor | None = None
        self._waiting: dict[tuple[int, int], Future[T]] = {}
        self._orders: dict[int, NDArray[np.int64]] = {}
        self.epoch = 0

    def _order(self, epoch: int) -> NDArray[np.int64]:
        """Return the order of the rows in this epoch, or in the next."""
        if epoch not in self._orders:
            self._orders = {known: order for known, order in self._orders.items() if known in (self.epoch, epoch)}
            rng = np.random.default_rng([self._seed or 0, epoch])
            rows = np.arange(self._count, dtype=np.int64)
            self._orders[epoch] = rows if self._seed is None else rng.permutation(self._count)
        return self._orders[epoch]

    def __len__(self) -> int:
        return math.ceil(self._count / self._size)

    def __getitem__(self, number: int) -> T:
        """Return a batch of this epoch, and have the next ones made, behind the last one those of the next epoch."""
        if not 0 <= number < len(self):
            raise IndexError(f"batch {number} of {len(self)}")
        if not self._ahead:
            return self._make(self._rows(self.epoch, number), self.epoch)
        places = (divmod(number + more, len(self)) for more in range(self._ahead + 1))
        wanted = [(self.epoch + epochs, other) for epochs, other in places]
        for place in [place for place in self._waiting if place not in wanted]:
            self._waiting.pop(place).cancel()
        if self._worker is None:
            self._worker = ThreadPoolExecutor(1, thread_name_prefix="batches")
        for epoch, other in wanted:
            if (epoch, other) not in self._waiting:
                rows = self._rows(epoch, other)
                self._waiting[epoch, other] = self._worker.submit(self._make, rows, epoch)
        return self._waiting.pop(wanted[0]).result()

    def _rows(self, epoch: int, number: int) -> NDArray[np.int64]:
        return self._order(epoch)[number * self._size : (number + 1) * self._size]

    def __iter__(self) -> Iterator[T]:
        return (self[number] for number in range(len(self)))

    def next_epoch(self) -> None:
        """Go on to the next pass, in an order of its own."""
        self.go_to(self.epoch + 1)

    def go_to(self, epoch: int) -> None:
        """Go on to a pass, in its own order."""
        self.epoch = epoch

    def close(self) -> None:
        """End the thread; batches not yet asked for are dropped. A later batch starts another."""
        self._waiting.clear()
        if self._worker is not None:
            self._worker.shutdown(wait=True, cancel_futures=True)
            self._worker = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
