"""Processes that carry out jobs, one at a time each: spawned, so that each holds a framework of its own."""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Any, Generic, NamedTuple, Self, TypeVar

from genotool.progress import Bar
from genotool.spawned import end_with_parent

__all__ = ["Died", "Workers"]

J = TypeVar("J")
R = TypeVar("R")


class Died(NamedTuple):
    """What comes of a job whose process ended: why, in words."""

    why: str


class Workers(Generic[J, R]):
    """So many processes at most, started when there is a job for them and ended with the block.

    A process does many jobs: importing a framework takes longer than some of them. One that dies concerns its own job
    only; another is started in its place.

    Parameters
    ----------
    work
        Turns a job into its outcome; sent to each process once.
    """

    def __init__(self, work: Callable[[J], R], count: int) -> None:
        self._work, self._count = work, count
        self._running: dict[Connection, SpawnProcess] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._running.values():
            process.kill()  # a job under way is lost, whatever it is at
        for process in self._running.values():
            process.join()

    def outcomes(self, jobs: Sequence[J]) -> Iterator[tuple[J, R | Died]]:
        """Yield each job with its outcome, as they end."""
        waiting, idle = deque(jobs), deque(self._running)
        busy: dict[Any, J] = {}
        while waiting or busy:
            while waiting and len(busy) < self._count:
                pipe = idle.popleft() if idle else self._start()
                pipe.send(waiting[0])
                busy[pipe] = waiting.popleft()
            for ended in wait(list(busy)):
                assert isinstance(ended, Connection)
                outcome = self._received(ended)
                if not isinstance(outcome, Died):
                    idle.append(ended)
                yield busy.pop(ended), outcome

    def _start(self) -> Connection:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_carry_out, args=(theirs, self._work), daemon=True)
        process.start()
        theirs.close()  # so that its end is told from its silence
        self._running[ours] = process
        return ours

    def _received(self, pipe: Connection) -> R | Died:
        try:
            outcome: R = pipe.recv()
        except (EOFError, ConnectionError):
            process = self._running.pop(pipe)
            process.join()
            code = process.exitcode or 0
            killed = f"killed by {signal.Signals(-code).name}: out of memory?" if code < 0 else f"exit code {code}"
            return Died(f"its process ended ({killed})")
        return outcome


def _carry_out(pipe: Connection, work: Callable[[Any], Any]) -> None:
    """Do jobs until there are no more; a signal to stop is the parent's to answer."""
    if sys.platform == "linux":
        end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Bar.quiet = True
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        pipe.send(work(job))
