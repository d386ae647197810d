"""Figures of gene sets: the null distribution with the sets that were tested, and every score beside random sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from genotool.figures.style import INK, MUTED, PALETTE, draw, short
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["null_figure", "score_figure"]


def null_figure(
    nulls: Sequence[tuple[str, NDArray[np.float64], Mapping[str, float]]], *, label: str, simulated: bool = False
) -> str:
    """Return ``Fig_t``: for each size of set the scores of random sets, and a line where each tested set lies.

    Parameters
    ----------
    nulls
        Title, (draws,) scores, and the scores of the sets of that size.
    """

    def paint(*axes: Axes) -> None:
        for part, (title, scores, sets) in zip(axes, nulls, strict=True):
            part.hist(scores, bins=min(30, max(5, len(scores) // 5)), color=MUTED, alpha=0.45, linewidth=0)
            part.axvline(
                float(np.quantile(scores, 0.95)), color=MUTED, linewidth=1, linestyle=(0, (1, 2)), label="95 %"
            )
            for number, (name, score) in enumerate(sets.items()):
                style = "-" if number < len(PALETTE) else "--"
                shorter = 1 - 0.1 * (number % 6)  # scores that are nearly equal: the top of each line is seen
                colour = PALETTE[number % len(PALETTE)]
                part.axvline(score, 0, shorter, color=colour, linewidth=1.6, linestyle=style, label=short(name))
            part.set(title=title, ylabel="random sets")
            part.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        axes[-1].set_xlabel(label)

    return draw(paint, size=(6.0, 0.6 + 2.3 * len(nulls)), rows=len(nulls), simulated=simulated)


def score_figure(
    scores: Mapping[str, Sequence[float]], random: Mapping[str, NDArray[Any]], names: Sequence[str], *,
    title: str = "", simulated: bool = False,
) -> str:  # fmt: skip
    """Return a row of points for each score: the sets as points, random sets of a size as a band from 5 to 95 %.

    Parameters
    ----------
    scores
        Set to its scores, in the order of `names`.
    random
        Set to the (draws, scores) of random sets of its size.
    """

    def paint(*axes: Axes) -> None:
        for at, (part, name) in enumerate(zip(axes, names, strict=True)):
            for row, (method, values) in enumerate(scores.items()):
                if method in random:
                    low, high = np.quantile(random[method][:, at], [0.05, 0.95])
                    part.plot([low, high], [row, row], color=MUTED, alpha=0.45, linewidth=7, solid_capstyle="butt")
                part.plot(values[at], row, "o", color=PALETTE[at % len(PALETTE)], markersize=5)
            part.set_yticks(range(len(scores)), [short(method) for method in scores])
            part.invert_yaxis()
            part.set_title(name.replace("_", " "))
            part.tick_params(axis="y", labelcolor=INK)
        axes[-1].set_xlabel(title)

    height = 0.45 + 0.2 * len(scores)
    return draw(paint, size=(4.6, height * len(names) + 0.5), rows=len(names), simulated=simulated)
