"""Commands in processes of their own: a recipe's steps one by one, folds several at once.

Each is a `genotool` command that writes a run folder, so what has finished is told from what has not by its ``DONE``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import IO

from genotool.errors import GenotoolError, StoppedError, UsageError

__all__ = [
    "INPUT_REFUSED", "PART", "StepError", "check_ended", "check_name", "end_with_parent", "resumed", "run_all",
    "run_one",
]  # fmt: skip

INPUT_REFUSED = (2, 3, 4)
STOPPED = (75, 130)
PART = "GENOTOOL_PART"
"""Set for the commands that are started here: what stops them stops us, and only we say so."""
PATIENCE = 20
"""Seconds that a command gets to end after it was told to."""


class StepError(GenotoolError):
    """A command failed; carries its exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message, hint="mend the cause; go on with --resume where a step had finished")
        self.exit_code = exit_code


def check_name(words: Iterable[str], out: Path) -> None:
    """Check that no command takes the folder `out`, in which it will run, for the data set that it is called like."""
    for word in words:
        if Path(word).name == word and Path(word).resolve() == out.resolve():
            raise UsageError(f"-o {out}: a step would take this folder for {word!r}", hint=f"such as -o runs/{word}")


def resumed(words: Sequence[str], folder: Path) -> list[str]:
    """Return the command that makes a run folder: `words`, or going on with it where it was begun."""
    return [words[0], "--resume", str(folder)] if (folder / "run.json").is_file() else list(words)


def check_ended(code: int, words: Sequence[str], folder: Path, whole: Path) -> None:
    """Raise StoppedError or StepError for an exit code that says so; `whole` is the run to go on with."""
    if code in STOPPED or code < 0:
        hint = f"go on with --resume {whole}"
        raise StoppedError(f"{folder.name} was stopped", exit_code=code if code > 0 else 75, hint=hint)
    if code:
        raise StepError(f"{folder.name} failed (exit code {code}): genotool {' '.join(words)}", code)


def run_one(words: Sequence[str]) -> int:
    """Run one command and return its exit code; its stdout goes to our stderr, signals are passed on to it."""
    process = _start(words, sys.stderr)
    try:
        return process.wait()
    finally:
        _stop([process])


def run_all(commands: Sequence[Sequence[str]], *, workers: int) -> Generator[tuple[int, int], None, None]:
    """Run commands, so many at once; yield (number, exit code) of each as it ends. What runs at the end is stopped."""
    waiting, running = deque(enumerate(commands)), dict[int, subprocess.Popen[bytes]]()
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                number, words = waiting.popleft()
                running[number] = _start(words, subprocess.DEVNULL)
            ended = [number for number, process in running.items() if process.poll() is not None]
            for number in ended:
                yield number, running.pop(number).returncode
            if not ended:
                time.sleep(0.05)
    finally:
        _stop(running.values())


def _start(words: Sequence[str], stdout: int | IO[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "genotool", *words],  # -P: no module from the working folder
        stdout=stdout,
        env={**os.environ, PART: "1"},
        preexec_fn=end_with_parent if sys.platform == "linux" else None,
    )


def _stop(processes: Iterable[subprocess.Popen[bytes]]) -> None:
    """Tell those that still run to stop, and end those that do not."""
    alive = [process for process in processes if process.poll() is None]
    for process in alive:
        process.send_signal(signal.SIGTERM)
    for process in alive:
        try:
            process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()


def end_with_parent() -> None:
    """Have the kernel end this process when the one that started it is killed: it would work on, or hold its folder."""
    import ctypes

    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
