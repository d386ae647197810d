"""Distributions: scores by class, and a feature by data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genotool.figures.style import INK, PALETTE, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["histograms", "scores"]

BINS = 30


def scores(
    score: NDArray[np.float64],
    target: NDArray[np.int64],
    classes: Sequence[str],
    *,
    threshold: float | None = None,
    simulated: bool = False,
) -> str:
    """Return the distribution of the score in each true class; the line is the threshold."""
    held = {f"class {name}": score[target == code] for code, name in enumerate(classes)}
    return histograms(held, label="score", line=threshold, line_label="threshold", simulated=simulated)


def histograms(
    values: Mapping[str, NDArray[Any]],
    *,
    label: str,
    line: float | None = None,
    line_label: str = "",
    simulated: bool = False,
) -> str:
    """Return one outline of density a set, all on the same bins; the legend has each set's rows.

    Parameters
    ----------
    values
        Set name to (n,) numbers; NaN and empty sets are left out.
    line
        Where to draw a marked line.
    """
    import seaborn as sns

    held = {name: np.asarray(array, np.float64) for name, array in values.items()}
    held = {name: array[np.isfinite(array)] for name, array in held.items()}
    held = {name: array for name, array in held.items() if len(array)}

    def paint(axes: Axes) -> None:
        bins = np.histogram_bin_edges(np.concatenate(list(held.values())), bins=BINS) if held else BINS
        for number, (name, array) in enumerate(held.items()):
            colour = PALETTE[number % len(PALETTE)]
            fill = {"fill": True, "alpha": 0.18} if len(held) <= 2 else {"fill": False}
            sns.histplot(
                x=array, bins=bins, stat="density", element="step", linewidth=1.6, color=colour, **fill,
                linestyle="-" if number < len(PALETTE) else "--", label=f"{name} ({len(array):,})", ax=axes,
            )  # fmt: skip
        if line is not None:
            text = f"{line_label} {line:.2f}"
            axes.axvline(line, color=INK, linewidth=1, linestyle=(0, (4, 3)), label=text)
        axes.set(xlabel=label, ylabel="density")
        if held:
            axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)

    return draw(paint, size=(4.4, 3.4), simulated=simulated)
