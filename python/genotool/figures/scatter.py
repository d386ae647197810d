"""Measured against predicted: points, or a hexagonal count where points would cover each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from genotool.figures.style import FIRST, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["MANY", "scatter"]

MANY = 5000
HEAVY = 400
"""Points beyond this many are stored as one picture inside the SVG, which would else be megabytes."""


def scatter(
    predicted: NDArray[Any],
    measured: NDArray[Any],
    *,
    label: str = "",
    x: str = "predicted",
    y: str = "measured",
    simulated: bool = False,
) -> str:
    """Return measured values over predictions; `label` (correlation, n) is the title.

    Parameters
    ----------
    predicted, measured
        (n,) finite numbers.
    """
    count = len(predicted)

    def paint(axes: Axes) -> None:
        if count > MANY:
            axes.hexbin(predicted, measured, gridsize=38, mincnt=1, cmap="Blues", bins="log", linewidths=0.1)
        else:
            size, alpha = (14, 0.7) if count <= HEAVY else (7, 0.4)
            axes.scatter(predicted, measured, s=size, alpha=alpha, color=FIRST, linewidths=0, rasterized=count > HEAVY)
        axes.set(xlabel=x, ylabel=y, title=label)

    return draw(paint, size=(4.2, 3.7), simulated=simulated)
