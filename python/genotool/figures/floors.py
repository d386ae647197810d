"""The figure that says whether a result is real: a model beside each floor, with 95 % intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genotool.figures.style import FIRST, INK, MUTED, SECOND, draw, number, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Point", "dot", "floors", "named_rows"]


@dataclass(frozen=True, slots=True)
class Point:
    """One value with its 95 % interval, where there is one."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None


def floors(
    model: Point, below: Sequence[Point], *, metric: str, chance: float | None = None, simulated: bool = False
) -> str:
    """Return a dot plot of the model above its floors.

    Parameters
    ----------
    model, below
        The model and what a cheat or a simple model reaches, on the same rows.
    metric
        The metric's name in words.
    chance
        What a constant score reaches, drawn as a dashed line.
    """
    points = [model, *sorted(below, key=lambda point: -point.value)]

    def paint(axes: Axes) -> None:
        if model.low is not None and model.high is not None:
            axes.axvspan(model.low, model.high, color=FIRST, alpha=0.1, linewidth=0)
        if chance is not None:
            axes.axvline(chance, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        for place, point in enumerate(points):
            colour, marker = (FIRST, "D") if place == 0 else (SECOND, "o")
            dot(axes, place, point, colour=colour, marker=marker)
        named_rows(axes, [point.label for point in points])
        axes.get_yticklabels()[0].set_fontweight("bold")
        axes.set_xlabel(f"{metric}, 95 % interval")

    return draw(paint, size=(4.6, 0.85 + 0.44 * len(points)), simulated=simulated)


def named_rows(axes: Axes, labels: Sequence[str]) -> None:
    """Give each row of dots its name, the first on top, with room for the number above each dot."""
    axes.set_yticks(range(len(labels)), [short(label) for label in labels])
    axes.set_ylim(len(labels) - 0.4, -0.75)
    axes.margins(x=0.08)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)


def dot(axes: Axes, place: int, point: Point, *, colour: str, marker: str) -> None:
    """Draw a value in the row `place`: its 95 % interval as a line where there is one, its number above it."""
    if point.low is not None and point.high is not None:
        axes.plot([point.low, point.high], [place, place], color=colour, linewidth=2, solid_capstyle="round")
    axes.plot([point.value], [place], marker, color=colour, markersize=6)
    axes.annotate(
        number(point.value), (point.value, place), textcoords="offset points", xytext=(0, 6), ha="center",
        fontsize=8.5, color=INK,
    )  # fmt: skip
