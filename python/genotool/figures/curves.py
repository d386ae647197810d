"""Curves of a classifier and of a training: ROC, precision and recall, calibration, confusion, history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genotool.figures.style import FIRST, MUTED, SECOND, draw, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["calibration", "confusion", "history", "precision_recall", "roc"]

Curves = Mapping[str, NDArray[Any]]
"""What `genotool.metrics.curves` returns."""

SQUARE = (3.9, 3.7)


def roc(found: Curves, *, label: str = "", simulated: bool = False) -> str:
    """Return the ROC curve, the diagonal of chance beside it; `label` names the area and its interval."""

    def paint(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        axes.plot(found["roc_fpr"], found["roc_tpr"], color=FIRST)
        axes.set(xlabel="false positive rate", ylabel="true positive rate", title=label)
        _unit_square(axes)

    return draw(paint, size=SQUARE, simulated=simulated)


def precision_recall(found: Curves, *, prevalence: float, label: str = "", simulated: bool = False) -> str:
    """Return precision against recall; dashed: the share of positives, a constant score's."""

    def paint(axes: Axes) -> None:
        axes.axhline(prevalence, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        axes.plot(found["pr_recall"], found["pr_precision"], color=FIRST, drawstyle="steps-post")
        axes.set(xlabel="recall", ylabel="precision", title=label)
        _unit_square(axes)

    return draw(paint, size=SQUARE, simulated=simulated)


def calibration(found: Curves, *, many: bool = False, simulated: bool = False) -> str:
    """Return the share of positives in each bin of the predicted probability, the rows of the bin beside its point.

    Parameters
    ----------
    many
        Whether the probability is that of the predicted class, out of many classes: then the share that is right.
    """

    def paint(axes: Axes) -> None:
        score, rate, rows = (found[f"calibration_{name}"] for name in ("score", "rate", "n"))
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        axes.plot(score, rate, color=FIRST, linewidth=1.2)
        axes.scatter(score, rate, s=12 + 90 * rows / rows.max(), color=FIRST, zorder=3, clip_on=False)
        for x, y, n in zip(score, rate, rows, strict=True):
            high = y > 0.08  # else the number would stand on the axis
            axes.annotate(
                f"{n:,}", (x, y), textcoords="offset points", xytext=(8, -4 if high else 4), fontsize=7.5, color=MUTED,
                va="top" if high else "bottom", annotation_clip=False,
            )  # fmt: skip
        words = ("mean probability of the predicted class", "share that is right")
        names = words if many else ("mean predicted probability", "share of positives")
        axes.set(xlabel=names[0], ylabel=names[1])
        _unit_square(axes)

    return draw(paint, size=SQUARE, simulated=simulated)


def _unit_square(axes: Axes) -> None:
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axes.set_xticks(np.linspace(0, 1, 6))
    axes.set_yticks(np.linspace(0, 1, 6))


def confusion(matrix: NDArray[np.int64], classes: Sequence[str], *, simulated: bool = False) -> str:
    """Return the confusion matrix, true class down; a cell has its count and its share of the true class."""
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)

    def paint(axes: Axes) -> None:
        axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto", alpha=0.9)
        for (row, column), count in np.ndenumerate(matrix):
            colour = "#ffffff" if share[row, column] > 0.7 else "#1b1f24"
            text = f"{count:,}\n{share[row, column]:.0%}"
            axes.text(column, row, text, ha="center", va="center", color=colour)
        names = [short(name, 14) for name in classes]
        axes.set_xticks(range(len(classes)), names)
        axes.set_yticks(range(len(classes)), names)
        axes.set(xlabel="predicted", ylabel="true")
        axes.grid(False)
        axes.spines[:].set_visible(False)

    side = max(2.4, 0.8 * len(classes) + 1)
    return draw(paint, size=(min(4.4, side + 0.9), min(4.4, side + 0.3)), simulated=simulated)


def history(columns: Mapping[str, NDArray[np.float64]], *, simulated: bool = False) -> str:
    """Return the loss of each epoch, training and validation; the ring is the lowest validation loss.

    Parameters
    ----------
    columns
        ``epoch``, ``loss`` and, where rows were held back, ``val_loss``.
    """
    from matplotlib.ticker import MaxNLocator

    epoch = columns.get("epoch", np.arange(1, len(columns["loss"]) + 1))

    def paint(axes: Axes) -> None:
        for name, text, colour in (("loss", "training", MUTED), ("val_loss", "validation", FIRST)):
            if name in columns:
                axes.plot(epoch, columns[name], color=colour, label=text)
        if "val_loss" in columns and np.isfinite(columns["val_loss"]).any():
            best = int(np.nanargmin(columns["val_loss"]))
            lowest = f"lowest: epoch {epoch[best]:.0f}"
            axes.plot(epoch[best], columns["val_loss"][best], "o", mfc="none", color=SECOND, label=lowest)
        axes.set(xlabel="epoch", ylabel="loss")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend()

    return draw(paint, size=(4.4, 3.1), simulated=simulated)
