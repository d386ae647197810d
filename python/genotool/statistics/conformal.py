"""Split conformal prediction: sets of classes, or intervals, that hold the truth for a stated share of new rows.

Validation rows say how wrong the model is; the limit is the quantile ceil((n + 1) level) / n of their errors (Lei 2018
J Am Stat Assoc 113:1094). A class is in the set if its probability is near enough to 1 (LAC; Sadinle 2019 J Am Stat
Assoc 114:223); of two classes each has a limit of its own (class-conditional, or Mondrian; Vovk 2012 ACML), so that the
rarer one is covered too. An interval is the prediction, less and plus the limit.

Rows of one group are not exchangeable, groups are: where groups exist each weighs the same, whatever its rows, and one
new group counts as infinitely wrong (Lee, Barber and Willett 2023, arXiv 2306.06342). With one row a group that is the
quantile above. What is promised is then the coverage of a row of a new group.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.dataset import Task
from genotool.errors import InputError, UsageError
from genotool.persist import load_arrays, save_arrays
from genotool.run import DAMAGED
from genotool.statistics.intervals import group_codes

__all__ = ["FILE", "LEVEL", "Calibration", "Conformal", "calibrate", "read_calibration"]

Floats: TypeAlias = NDArray[np.float64]

FILE = "conformal.npz"
LEVEL = 0.9
ROUNDING = 1e-9
"""A share of groups this near to the level reaches it: nine of ten groups are .9, whatever the last bit says."""


@dataclass(frozen=True, slots=True, eq=False)
class Conformal:
    """Limits of the error at one level.

    Attributes
    ----------
    method
        ``lac``, ``class-conditional`` or ``absolute residual``.
    limits
        One number, or with the class-conditional method one a class.
    """

    method: str
    level: float
    limits: Floats

    def sets(self, score: Floats) -> NDArray[np.bool_]:
        """Return (n, classes): which classes are in the set of each row; a set can be empty."""
        return np.asarray(1 - _by_class(score) <= self.limits, np.bool_)

    def interval(self, score: Floats) -> tuple[Floats, Floats]:
        """Return the (n,) lower and upper ends of each row's interval."""
        return score - self.limits[0], score + self.limits[0]


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """How wrong a model was on rows that it was not fitted to.

    Attributes
    ----------
    error
        (n,) one less the probability of the true class, or the absolute residual.
    code
        (n,) the true class; 0 for numbers.
    group
        (n,) a code a group; each row its own where there are no groups.
    """

    task: Task
    error: Floats
    code: NDArray[np.int64]
    group: NDArray[np.int64]

    @property
    def groups(self) -> int:
        """How many groups the rows nest in."""
        return len(np.unique(self.group))

    def at(self, level: float = LEVEL, *, by_class: bool = True) -> Conformal:
        """Return the limits for a share of rows to be covered.

        Parameters
        ----------
        by_class
            Whether of two classes each has its own limit.

        Raises
        ------
        UsageError
            If the level is no share, or too high for so few groups.
        """
        if not 0 < level < 1:
            raise UsageError(f"--coverage is a share between 0 and 1, not {level:g}", hint="such as --coverage 0.9")
        by_class = by_class and self.task is Task.BINARY
        parts = [self.code == code for code in (0, 1)] if by_class else [slice(None)]
        limits = np.array([_limit(self.error[part], self.group[part], level) for part in parts])
        method = "class-conditional" if by_class else "lac"
        return Conformal("absolute residual" if self.task is Task.REGRESSION else method, level, limits)

    def save(self, file: Path) -> None:
        """Write the errors, from which limits at any level follow."""
        save_arrays(file, {"error": self.error, "code": self.code, "group": self.group})


def calibrate(
    task: Task, target: NDArray[Any], score: NDArray[Any], groups: NDArray[np.str_] | None = None
) -> Calibration:
    """Return a model's errors on rows that it was neither fitted to nor is tested on.

    Parameters
    ----------
    target, score
        As in `genotool.metrics.compute`.
    groups
        (n,) text; "" is a group of its own row. None: the rows are exchangeable.
    """
    clusters = group_codes(groups)
    group = np.arange(len(target)) if clusters is None else clusters[0]
    score = np.asarray(score, np.float64)
    if task is Task.REGRESSION:
        return Calibration(task, np.abs(np.asarray(target, np.float64) - score), np.zeros(len(target), np.int64), group)
    code = np.asarray(target, np.int64)
    return Calibration(task, 1 - _by_class(score)[np.arange(len(code)), code], code, group)


def read_calibration(file: Path, task: Task) -> Calibration:
    """Read what `Calibration.save` wrote.

    Raises
    ------
    UsageError
        If the model has no such file.
    InputError
        If it is damaged.
    """
    if not file.is_file():
        hint = "models trained with validation rows and a target have one: train it again"
        raise UsageError(f"{file.parent} has no {file.name}: nothing says how wrong the model is", hint=hint)
    held = load_arrays(file)
    error, code, group = (held.get(name, np.empty(0)) for name in ("error", "code", "group"))
    whole = all(part.ndim == 1 and part.dtype.kind == "i" for part in (code, group)) and error.dtype.kind == "f"
    if not whole or not len(error) == len(code) == len(group) or not np.isfinite(error).all() or (code < 0).any():
        raise InputError("no errors of validation rows", file=file, hint=DAMAGED)
    return Calibration(task, error.astype(np.float64), code.astype(np.int64), group.astype(np.int64))


def _by_class(score: Floats) -> Floats:
    return score if score.ndim == 2 else np.stack([1 - score, score], axis=1)


def _limit(error: Floats, group: NDArray[np.int64], level: float) -> float:
    """Return the smallest error that reaches the level, each group of weight 1 / (groups + 1)."""
    _, code, rows = np.unique(group, return_inverse=True, return_counts=True)
    count = len(rows)
    order = np.argsort(error, kind="stable")
    reached = np.cumsum(1 / rows[code[order]])
    place = int(np.searchsorted(reached, level * (count + 1) - ROUNDING))
    if place == len(reached):
        least = int(np.ceil(level / (1 - level) - ROUNDING))
        raise UsageError(
            f"{count} groups or rows of validation are too few for a coverage of {level:g} (at least {least})",
            hint="ask for less --coverage",
        )
    return float(error[order[place]])
