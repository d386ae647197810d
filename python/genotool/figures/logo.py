"""What moved the predictions: logo and heat map of attributions by position and base, rows as logos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genotool.figures.style import BASES, GRID, INK, MUTED, draw, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["WIDE", "Regions", "heatmap", "letters", "logo", "positions", "rows_as_logos"]

Regions = Mapping[str, tuple[int, int]]
"""Name to first and last position, counted from 1: the parts of a row that a figure marks."""

WIDE = (4.7, 2.3)
STEPS = (5, 10, 20, 50, 100, 200, 500, 1000)


def logo(
    mean: NDArray[np.float64],
    alphabet: Sequence[str],
    *,
    regions: Regions | None = None,
    title: str = "",
    simulated: bool = False,
) -> str:
    """Return a logo whose letters are as high as the mean attribution of rows that have that base there.

    Parameters
    ----------
    mean
        (length, channels); NaN where too few rows have the base.
    """

    def paint(axes: Axes) -> None:
        letters(axes, mean, alphabet)
        low, high = axes.get_ylim()
        axes.set_ylim(low, high + 0.14 * (high - low))  # room for the names of the regions
        _mark(axes, regions or {}, names=True)
        axes.set(title=title, ylabel="mean attribution", xlabel="position")

    return draw(paint, size=WIDE, simulated=simulated)


def heatmap(
    mean: NDArray[np.float64],
    alphabet: Sequence[str],
    *,
    regions: Regions | None = None,
    simulated: bool = False,
) -> str:
    """Return the same means as colours: orange raises the prediction, purple lowers it, blank is too rare."""
    limit = float(np.nanmax(np.abs(mean))) if np.isfinite(mean).any() else 1.0

    def paint(axes: Axes) -> None:
        picture = axes.imshow(mean.T, cmap="PuOr_r", vmin=-limit or -1, vmax=limit or 1, aspect="auto")
        axes.set_yticks(range(len(alphabet)), alphabet)
        positions(axes, len(mean), shift=-1)
        axes.set(xlabel="position")
        axes.grid(False)
        axes.spines[:].set_visible(False)
        for first, last in (regions or {}).values():
            axes.axvspan(first - 1.5, last - 0.5, facecolor="none", edgecolor=INK, linewidth=0.9)
        bar = axes.figure.colorbar(picture, ax=axes, fraction=0.046, pad=0.02)
        bar.set_label("mean\nattribution")
        bar.outline.set_visible(False)

    return draw(paint, size=(WIDE[0], 2.0), simulated=simulated)


def rows_as_logos(
    values: NDArray[np.floating[Any]],
    inputs: NDArray[np.uint8],
    titles: Sequence[str],
    alphabet: Sequence[str],
    *,
    regions: Regions | None = None,
    simulated: bool = False,
) -> str:
    """Return single rows below each other, each base as high as its position's attribution.

    Parameters
    ----------
    values, inputs
        (n, length, channels): a few rows only.
    """
    heights = values.sum(axis=2, keepdims=True) * inputs
    limit = float(np.abs(heights).max()) * 1.08 or 1.0

    def paint(*panels: Axes) -> None:
        for axes, row, title in zip(panels, heights, titles, strict=True):
            letters(axes, row, alphabet)
            _mark(axes, regions or {}, names=False)
            axes.set(ylim=(-limit, limit))
            axes.set_title(short(title, 60), fontsize=9)
            axes.label_outer()

    return draw(paint, size=(WIDE[0], 0.4 + 1.15 * len(titles)), rows=len(titles), simulated=simulated)


def letters(axes: Axes, heights: NDArray[Any], alphabet: Sequence[str], *, first: int = 1) -> None:
    """Draw letters (length, channels) as high as given, the first of them at position `first`."""
    import logomaker
    import pandas as pd

    places = np.arange(first, first + len(heights))
    frame = pd.DataFrame(np.nan_to_num(heights), columns=list(alphabet), index=places)
    colours = {letter: BASES.get(letter, MUTED) for letter in alphabet}
    logomaker.Logo(
        frame, ax=axes, color_scheme=colours, font_name="DejaVu Sans", font_weight="bold", vpad=0.02,
        baseline_width=0.0, show_spines=False, flip_below=False,
    )  # fmt: skip
    axes.axhline(0, color=MUTED, linewidth=0.7)
    axes.spines["left"].set(visible=True, color=MUTED, linewidth=0.7)
    axes.grid(False)
    positions(axes, len(heights), first=first)


def positions(axes: Axes, length: int, *, first: int = 1, shift: int = 0) -> None:
    """Mark positions from `first` on at round numbers, few enough to be read; `shift`: where on the axis they are."""
    step = next((step for step in STEPS if length <= 15 * step), length)
    shown = [place for place in range(first, first + length) if place % step == 0 or place == 1 or length <= 12]
    axes.set_xticks([place + shift for place in shown], [str(place) for place in shown])


def _mark(axes: Axes, regions: Regions, *, names: bool) -> None:
    for name, (first, last) in regions.items():
        axes.axvspan(first - 0.46, last + 0.46, color=GRID, alpha=0.6, linewidth=0, zorder=-1)
        if names:
            axes.annotate(
                name, ((first + last) / 2, 1), xycoords=("data", "axes fraction"), xytext=(0, -2),
                textcoords="offset points", ha="center", va="top", fontsize=8.5, color=MUTED,
            )  # fmt: skip
