"""The errors that a user sees: one line that names the value, the file and the row, then a hint.

Every error carries the exit code that `genotool` leaves with (see ``docs/errors.md``).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

__all__ = [
    "AuditFindingError",
    "GenotoolError",
    "InputError",
    "StoppedError",
    "TrainingError",
    "UnavailableError",
    "UnsupportedStageError",
    "UsageError",
    "nearest",
]


LONGEST = 2000
"""Characters of a message: a path fits, what a hostile file holds does not."""
MANY = 40


def _one_line(text: str) -> str:
    """Return text for one line of a terminal: whatever a file name or a cell holds, its control characters shown."""
    shown = text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"


class GenotoolError(Exception):
    """Root of all errors that genotool raises on purpose; exit code 1."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        message = _one_line(message)
        super().__init__(message)
        self.message = message
        self.hint = None if hint is None else _one_line(hint)

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\nhint: {self.hint}"


class UsageError(GenotoolError):
    """A bad flag, value or path; an unknown name; an output that exists. Exit code 2."""

    exit_code = 2


class UnsupportedStageError(UsageError):
    """A family was asked for a stage that it does not offer. Exit code 2."""


class InputError(GenotoolError):
    """The content of an input is not what it should be: data, catalogue, config, model, run folder.

    Exit code 3. `file`, `row` (1-based line or record number) and `value` become part of the message.
    """

    exit_code = 3

    def __init__(
        self,
        message: str,
        *,
        file: str | Path | None = None,
        row: int | str | None = None,
        value: object = None,
        hint: str | None = None,
    ) -> None:
        place = "" if file is None else str(file)
        if row is not None:
            place += f", row {row}" if place else f"row {row}"
        text = f"{place}: {message}" if place else message
        if value is not None:
            shown = repr(value)
            text += f" (found {shown if len(shown) <= 60 else shown[:57] + '...'})"
        super().__init__(text, hint=hint)
        self.file = None if file is None else str(file)
        self.row = row
        self.value = value


class UnavailableError(GenotoolError):
    """A known data set not at hand, an extra not installed, a device asked for but absent. Exit code 4."""

    exit_code = 4


class AuditFindingError(GenotoolError):
    """The audit found what `--fail-on` names. Exit code 5."""

    exit_code = 5


class TrainingError(GenotoolError):
    """Training diverged or could not start. Exit code 1."""


class StoppedError(GenotoolError):
    """A signal stopped the run, which can be resumed. Exit code 75 (SIGTERM, SIGUSR1) or 130 (SIGINT)."""

    def __init__(self, message: str, *, exit_code: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = exit_code


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the ending of an error about an unknown word: the nearest name, then all known ones.

    Parameters
    ----------
    word
        What the user wrote.
    known
        The names that would have been right.
    """
    names = sorted(known)
    by_case = {name.casefold(): name for name in names}
    close = difflib.get_close_matches(word.casefold(), list(by_case), n=1, cutoff=0.6)
    guess = f"did you mean {by_case[close[0]]!r}? " if close else ""
    more = f", … ({len(names)} in all)" if len(names) > MANY else ""
    return f"{guess}known: {', '.join(names[:MANY]) if names else 'none'}{more}"
