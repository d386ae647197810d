"""What moved the predictions of rows too long for one logo: a profile of the whole, the strongest part as letters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genotool.figures.logo import WIDE, letters, positions
from genotool.figures.style import FIRST, GRID, MUTED, SECOND, draw, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LONG", "profiles", "strongest"]

LONG = 80
"""Rows longer than this are drawn as profiles: their letters would be too narrow to read."""
WINDOW = 50


def strongest(profile: NDArray[np.floating[Any]], width: int = WINDOW) -> int:
    """Return where the window begins that holds most of a profile's absolute height, from 0."""
    held = np.convolve(np.abs(np.nan_to_num(profile)), np.ones(min(width, len(profile))), "valid")
    return int(held.argmax())


def profiles(
    heights: Sequence[NDArray[np.floating[Any]]],
    titles: Sequence[str],
    alphabet: Sequence[str],
    *,
    along: Sequence[NDArray[np.floating[Any]]] | None = None,
    simulated: bool = False,
) -> str:
    """Return for each item a profile of the whole length and, below it, its strongest window as letters.

    Parameters
    ----------
    heights
        (length, channels) each: how high the letters are; NaN: not drawn.
    along
        (length,) each: the profile; None: the sum of an item's letters.
    """
    curves = [np.nansum(item, axis=1) for item in heights] if along is None else along
    places = [strongest(curve) for curve in curves]
    parts = [np.nan_to_num(item[place : place + WINDOW]) for item, place in zip(heights, places, strict=True)]
    whole = max((float(np.abs(curve).max()) for curve in curves), default=0.0) * 1.08 or 1.0
    limit = max((_stacked(part) for part in parts), default=0.0) * 1.08 or 1.0

    def paint(*panels: Axes) -> None:
        pairs = zip(panels[::2], panels[1::2], curves, parts, places, titles, strict=True)
        for over, under, curve, part, place, title in pairs:
            _profile(over, curve, place, whole)
            over.set_title(short(title, 60), fontsize=9)
            letters(under, part, alphabet, first=place + 1)
            under.set(ylim=(-limit, limit))
        panels[-1].set(xlabel="position")

    size = (WIDE[0], 0.4 + 1.9 * len(heights))
    return draw(paint, size=size, rows=2 * len(heights), heights=[0.8, 1.0] * len(heights), simulated=simulated)


def _stacked(part: NDArray[np.floating[Any]]) -> float:
    """Return how high the highest pile of letters is, above the line or below."""
    return max(float((sign * part).clip(min=0).sum(axis=1).max()) for sign in (1, -1))


def _profile(axes: Axes, curve: NDArray[np.floating[Any]], place: int, limit: float) -> None:
    x = np.arange(1, len(curve) + 1)
    axes.axvspan(place + 0.5, place + min(WINDOW, len(curve)) + 0.5, color=GRID, linewidth=0, zorder=-1)
    for sign, colour in ((1, SECOND), (-1, FIRST)):
        part = np.where(sign * curve > 0, curve, 0.0)
        axes.fill_between(x, part, step="mid", color=colour, linewidth=0.3)
    axes.axhline(0, color=MUTED, linewidth=0.5)
    axes.grid(False)
    axes.set(xlim=(0.5, len(curve) + 0.5), ylim=(-limit, limit))
    positions(axes, len(curve))
