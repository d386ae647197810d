"""Distributions: scores by class, and a feature by data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genotool.figures.style import INK, PALETTE, draw, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["histograms", "scores"]

BINS = 30
RARE = 0.005
"""Values that fewer rows than this share have do not tell whether a feature comes in steps."""


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
        bins = _edges(np.concatenate(list(held.values()))) if held else BINS
        for number, (name, array) in enumerate(held.items()):
            colour = PALETTE[number % len(PALETTE)]
            fill = {"fill": True, "alpha": 0.18} if len(held) <= 2 else {"fill": False}
            sns.histplot(
                x=array, bins=bins, stat="density", element="step", linewidth=1.6, color=colour, **fill,
                linestyle="-" if number < len(PALETTE) else "--", label=f"{short(name)} ({len(array):,})", ax=axes,
            )  # fmt: skip
        if line is not None:
            text = f"{line_label} {line:.2f}"
            axes.axvline(line, color=INK, linewidth=1, linestyle=(0, (4, 3)), label=text)
        axes.set(xlabel=label, ylabel="density")
        if held:
            axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)

    return draw(paint, size=(4.4, 3.4), simulated=simulated)


def _edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the edges of the bins: one a step where values come in steps, as GC of 20 bases does, else `BINS`.

    Bins narrower than the steps would draw gaps that are not in the data.
    """
    found, rows = np.unique(np.round(values, 9), return_counts=True)
    common = found[rows >= RARE * len(values)]
    if 2 <= len(common) <= BINS and rows[rows >= RARE * len(values)].sum() > (1 - 20 * RARE) * len(values):
        step = float(np.median(np.diff(common)))
        first, last = np.floor((values.min() - common[0]) / step), np.ceil((values.max() - common[0]) / step)
        if last - first <= 3 * BINS:
            return np.asarray(common[0] + step * (np.arange(first, last + 2) - 0.5), np.float64)
    return np.asarray(np.histogram_bin_edges(values, bins=BINS), np.float64)
