"""Progress on a terminal: a bar on stderr, and nothing at all where stderr is no terminal."""

from __future__ import annotations

import sys

__all__ = ["Bar"]


class Bar:
    """A progress bar of `total` steps; silent unless stderr is a terminal."""

    quiet = False

    def __init__(self, what: str, total: int) -> None:
        self._progress = None
        if sys.stderr.isatty() and not Bar.quiet:
            from rich.console import Console
            from rich.progress import Progress

            self._progress = Progress(console=Console(stderr=True), transient=True)
            self._progress.start()
            self._what = what
            self._task = self._progress.add_task(what, total=total)

    def advance(self, note: str = "") -> None:
        """Go on by one step and show a note."""
        if self._progress is not None:
            self._progress.update(self._task, advance=1, description=f"{self._what} {note}".strip())

    def close(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
