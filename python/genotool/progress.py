"""Progress on stderr: a bar on a terminal; elsewhere, such as in a log, a plain line every now and then."""

from __future__ import annotations

import sys
import time

__all__ = ["Bar"]

EVERY = 30.0
"""Seconds between plain lines: what takes less says nothing."""


class Bar:
    """A progress bar of `total` steps; where stderr is no terminal a line of text instead, every half a minute."""

    quiet = False

    def __init__(self, what: str, total: int) -> None:
        self._progress = None
        self._what, self._total, self._done, self._said = what, total, 0, time.monotonic()
        self._open = not Bar.quiet
        if self._open and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress

            self._progress = Progress(console=Console(stderr=True), transient=True)
            self._progress.start()
            self._task = self._progress.add_task(what, total=total)

    def advance(self, note: str = "") -> None:
        """Go on by one step and show a note."""
        self._done += 1
        if self._progress is not None:
            self._progress.update(self._task, advance=1, description=f"{self._what} {note}".strip())
        elif self._open and time.monotonic() - self._said >= EVERY:
            self._said = time.monotonic()
            print(f"{self._what}: {self._done} of {self._total} {note}".strip(), file=sys.stderr, flush=True)

    def close(self) -> None:
        """Take the bar away."""
        self._open = False
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
