"""What attributions start from: training rows, shuffles of the explained rows, or rows of a data set."""

from __future__ import annotations

from dataclasses import dataclass

from genotool.encoding import EncodedView

__all__ = ["Background"]


@dataclass(frozen=True, slots=True, eq=False)
class Background(EncodedView):
    """Rows that attributions start from.

    Attributes
    ----------
    per_row
        How many of them, one explained row after the other, are each row's own; 0: all are every row's.
    """

    per_row: int = 0
