"""A search: the score of each trial with the best so far, and how much each value mattered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from genotool.figures.style import FIRST, MUTED, SECOND, draw, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from genotool.family import Trial

__all__ = ["history", "importance"]

ROW = 0.32
"""Inches a bar."""
LOWEST_PLACE = 0.04
"""Where trials without a score stand, as a share of the height of the axes."""


def history(trials: Sequence[Trial], objective: str, *, simulated: bool = False) -> str:
    """Return the score of each trial in the order tried, and the best up to there; higher is better.

    A trial without a score stands at the lower edge: a ring where it was stopped, a cross where it failed.
    """
    from matplotlib.ticker import MaxNLocator

    scored = [(trial.number, trial.score) for trial in trials if trial.score is not None]
    stopped = [trial.number for trial in trials if trial.score is None and not trial.failure]
    failed = [trial.number for trial in trials if trial.failure]

    def paint(axes: Axes) -> None:
        if scored:
            numbers, scores = np.array(scored, np.float64).T
            axes.plot(numbers, np.maximum.accumulate(scores), color=FIRST, drawstyle="steps-post", label="best so far")
            axes.plot(numbers, scores, "o", color=FIRST, markersize=5, linestyle="none", label="trial")
            best = int(scores.argmax())
            axes.plot(numbers[best], scores[best], "o", mfc="none", color=SECOND, markersize=10, linestyle="none",
                      label=f"best: trial {numbers[best]:.0f}")  # fmt: skip
            axes.margins(y=0.2)
        low: Any = {"transform": axes.get_xaxis_transform(), "linestyle": "none", "color": MUTED, "clip_on": False}
        for places, marker, label in ((stopped, "o", "stopped early"), (failed, "x", "failed")):
            if places:
                height = np.full(len(places), LOWEST_PLACE)
                axes.plot(places, height, marker, markersize=5, mfc="none", label=label, **low)
        axes.set(xlabel="trial; 0: as configured", ylabel=short(objective, 40))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3, handletextpad=0.3, columnspacing=1.2)

    return draw(paint, size=(4.4, 3.4), simulated=simulated)


def importance(shares: Mapping[str, float], *, simulated: bool = False) -> str:
    """Return bars of how much each value explains of the trials' scores, the largest on top."""
    ordered = sorted(shares.items(), key=lambda item: item[1])

    def paint(axes: Axes) -> None:
        places = np.arange(len(ordered))
        axes.barh(places, [share for _, share in ordered], color=FIRST, height=0.6)
        axes.set_yticks(places, [short(name.replace("_", " ")) for name, _ in ordered])
        axes.set(xlabel="share of the variance between trials", xlim=(0, None))
        axes.grid(False, axis="y")
        axes.tick_params(axis="y", length=0)

    return draw(paint, size=(4.4, 0.9 + ROW * len(ordered)), simulated=simulated)
