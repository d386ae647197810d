"""Several models on the same rows: each with its interval, the floors in grey, and how far each is behind the best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from genotool.figures.floors import Point, dot, named_rows
from genotool.figures.style import FIRST, MUTED, SECOND, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["forest"]

ROW = 0.44
"""Inches a row; a panel needs as much as two more for its axis."""


def forest(
    runs: Sequence[Point],
    behind: Sequence[Point],
    floors: Sequence[Point],
    *,
    metric: str,
    margin: float,
    simulated: bool = False,
) -> str:
    """Return values with 95 % intervals, and below them the paired differences to the best.

    Below, not at the side: that is how a phone can show both.

    Parameters
    ----------
    runs
        The models, best first.
    behind
        Of each model but the best the paired difference, best less this.
    floors
        What cheats and simple models reach on the same rows.
    metric
        The metric's name in words.
    margin
        Differences inside ± this count as none: drawn as a band.
    """
    heights = [len(runs) + len(floors) + 0.5, len(behind) + 0.5]

    def paint(values: Axes, differences: Axes) -> None:
        for place, point in enumerate([*runs, *floors]):
            dot(values, place, point, colour=FIRST if place < len(runs) else MUTED, marker="D" if place == 0 else "o")
        named_rows(values, [point.label for point in (*runs, *floors)])
        values.get_yticklabels()[0].set_fontweight("bold")
        values.set_xlabel(f"{metric}, 95 % interval")
        differences.axvspan(-margin, margin, color=MUTED, alpha=0.15, linewidth=0)
        differences.axvline(0, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        for place, point in enumerate(behind):
            dot(differences, place, point, colour=SECOND, marker="o")
        named_rows(differences, [point.label for point in behind])
        differences.set_xlabel("best minus this, 95 % interval")

    return draw(paint, size=(4.6, ROW * sum(heights) + 1.4), rows=2, heights=heights, simulated=simulated)
