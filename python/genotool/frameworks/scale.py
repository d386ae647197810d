"""The unit in which a number is learned, and the way back to the target's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genotool.errors import InputError
from genotool.run import DAMAGED

__all__ = ["TargetScale"]


@dataclass(frozen=True, slots=True)
class TargetScale:
    """A rising, piecewise linear map between a target's own unit and the unit in which it is learned.

    Attributes
    ----------
    values, learned
        Knots in the target's unit and what they are learned as; beyond the ends the last pieces go on.
    """

    values: tuple[float, ...] = (0.0, 1.0)
    learned: tuple[float, ...] = (0.0, 1.0)

    @classmethod
    def standard(cls, target: NDArray[Any]) -> TargetScale:
        """Return the map that makes mean 0 and standard deviation 1."""
        mean, deviation = float(np.mean(target)), float(np.std(target)) or 1.0
        return cls((mean, mean + deviation), (0.0, 1.0))

    @classmethod
    def ranks(cls, target: NDArray[Any], knots: int = 101) -> TargetScale:
        """Return the map that makes the target's ranks, from 0 to 1: for what is scored by its order."""
        grid = np.linspace(0.0, 1.0, knots)
        values, first = np.unique(np.quantile(target, grid), return_index=True)
        if len(values) < 2:
            return cls.standard(target)
        last = np.r_[first[1:] - 1, knots - 1]  # where the target has ties, the middle of their ranks
        return cls(tuple(values.tolist()), tuple(((grid[first] + grid[last]) / 2).tolist()))

    def learn(self, target: NDArray[Any]) -> NDArray[np.float64]:
        """Return (n,) the target as it is learned."""
        return _piecewise(np.asarray(target, np.float64), self.values, self.learned)

    def restore(self, output: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n,) a network's output in the target's own unit."""
        if self.values == self.learned:
            return output
        return _piecewise(output, self.learned, self.values)

    def to_json(self) -> dict[str, list[float]]:
        """Return the knots."""
        return {"values": list(self.values), "learned": list(self.learned)}

    @classmethod
    def from_json(cls, content: Any, directory: Path) -> TargetScale:
        """Read the knots; InputError if they do not rise."""
        try:
            values, learned = (tuple(map(float, content[name])) for name in ("values", "learned"))
        except (TypeError, KeyError, ValueError) as error:
            message = f"model.json has no scale: {error}"
            raise InputError(message, file=directory / "model.json", hint=DAMAGED) from error
        rises = all(np.all(np.diff(knots) > 0) and len(knots) >= 2 for knots in (values, learned))
        if not rises or len(values) != len(learned):
            raise InputError("the scale's knots do not rise", file=directory / "model.json", hint=DAMAGED)
        return cls(values, learned)


def _piecewise(x: NDArray[np.float64], knots: tuple[float, ...], heights: tuple[float, ...]) -> NDArray[np.float64]:
    """Return the piecewise linear function through the knots, its first and last piece going on for ever."""
    at, up = np.asarray(knots), np.asarray(heights)
    piece = np.clip(np.searchsorted(at, x, side="right") - 1, 0, len(at) - 2)
    slope = (up[1:] - up[:-1]) / (at[1:] - at[:-1])
    return np.asarray(up[piece] + (x - at[piece]) * slope[piece], np.float64)
