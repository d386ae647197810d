"""The one style of all figures, and the way from axes to SVG text."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["BASES", "FIRST", "GRID", "INK", "MUTED", "PALETTE", "SECOND", "draw", "number", "short"]

INK = "#20262d"
MUTED = "#66707b"
GRID = "#dfe3e7"
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito's colours (2008), told apart by readers with any common form of colour blindness."""
FIRST, SECOND = PALETTE[0], PALETTE[1]
BASES = {"A": "#009e73", "C": "#0072b2", "G": "#e69f00", "T": "#d55e00"}

FORBIDDEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")

SETTINGS: Any = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 9.5,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "sans-serif"],
    "font.size": 9.5,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "svg.fonttype": "none",
    "svg.hashsalt": "genotool",
    "text.parse_math": False,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
}


def draw(
    paint: Callable[..., None],
    *,
    size: tuple[float, float] = (4.4, 3.4),
    rows: int = 1,
    heights: Sequence[float] | None = None,
    simulated: bool = False,
) -> str:
    """Return the SVG of a figure whose axes, `rows` of them below each other, `paint` draws on.

    Parameters
    ----------
    size
        Width and height in inches; 4.4 inches are read on a phone without zooming.
    heights
        How high the axes are to each other; None: all the same.
    simulated
        Whether to write "simulated" above and behind the picture.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(SETTINGS), warnings.catch_warnings():
        # the reader's own fonts draw the text: what the font here lacks concerns nobody
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        warnings.filterwarnings("ignore", message="Attempting to set identical low and high")  # nothing to draw
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(rows, 1, squeeze=False, height_ratios=heights)[:, 0]
        if simulated:
            figure.suptitle("SIMULATED DATA", fontsize=8.5, fontweight="bold", color=SECOND, ha="left", x=0.02)
            for part in axes:
                _mark_simulated(part)
        paint(*axes)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def _mark_simulated(axes: Axes) -> None:
    axes.text(
        0.5, 0.5, "simulated", transform=axes.transAxes, ha="center", va="center", rotation=18, fontsize=26,
        color=SECOND, alpha=0.22, zorder=-0.5,
    )  # fmt: skip


def number(value: float | None, digits: int = 3) -> str:
    """Return a number as figures and tables write it: fixed digits, a true minus sign, a dash for None."""
    if value is None:
        return "–"
    return f"{value:.{digits}f}".replace("-", "−")


def short(name: object, most: int = 28) -> str:
    """Return a name from the data as a figure can hold it: one line, cut in the middle, nothing that XML forbids."""
    text = " ".join(FORBIDDEN.sub("\ufffd", str(name)).split())
    return text if len(text) <= most else f"{text[: most // 2]}…{text[-(most // 2 - 1) :]}"
