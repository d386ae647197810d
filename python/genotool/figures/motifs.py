"""Motifs: logos of one motif below each other, position under position, and where in the rows it lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genotool.figures.logo import letters
from genotool.figures.style import PALETTE, draw, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Panel", "aligned_logos", "places"]

BINS = 30


class Panel(NamedTuple):
    """One logo: (width, 4) heights, what it is, and the unit of its letters' heights."""

    heights: NDArray[np.floating[Any]]
    title: str
    unit: str


def aligned_logos(panels: Sequence[Panel], *, simulated: bool = False) -> str:
    """Return logos of the same width below each other."""

    def paint(*all_axes: Axes) -> None:
        for axes, panel in zip(all_axes, panels, strict=True):
            letters(axes, panel.heights, "ACGT")
            axes.set_title(short(panel.title, 64), fontsize=9)
            axes.set_ylabel(panel.unit)
            axes.label_outer()

    return draw(paint, size=(4.7, 0.4 + 1.3 * len(panels)), rows=len(panels), simulated=simulated)


def places(held: Mapping[str, NDArray[Any]], length: int, *, simulated: bool = False) -> str:
    """Return how many sites lie where in rows of a length: one outline a set, all over the whole length.

    Parameters
    ----------
    held
        Set name to (m,) positions from 1.
    """

    def paint(axes: Axes) -> None:
        edges = np.linspace(0.5, length + 0.5, min(BINS, length) + 1)
        for number, (name, positions) in enumerate(held.items()):
            counts, _ = np.histogram(positions, edges)
            label = f"{short(name)} ({len(positions):,})"
            axes.stairs(counts, edges, color=PALETTE[number % len(PALETTE)], linewidth=1.6, label=label)
        axes.set(xlabel="position in the row", ylabel="sites", xlim=(0, length + 1))
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)

    return draw(paint, size=(4.4, 2.6), simulated=simulated)
