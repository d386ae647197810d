"""Numbers as a report prints them: the same digits everywhere, with the interval and the n that exist."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from genotool.figures.style import number
from genotool.metrics import TITLES

__all__ = [
    "count",
    "estimate",
    "estimate_or_reason",
    "named",
    "number",
    "p_value",
    "real",
    "seconds",
    "tidy",
    "title_of",
]

IN_TEXT = ("roc_auc", "pr_auc", "spearman", "pearson")
"""Keys that no other word in a sentence looks like."""
ID = re.compile(rf"(?<![\w-])(?:{'|'.join(IN_TEXT)})(?![\w-])")
THIN = "\u202f"
NO_BREAK = "\u00a0"


def title_of(metric: object) -> str:
    """Return what a metric is called in this report, whatever stands behind its key."""
    key, space, rest = str(metric).partition(" ")
    return TITLES.get(key, key) + space + rest


def named(text: str) -> str:
    """Return a sentence that another module wrote with the display names of metrics in the place of their keys."""
    return ID.sub(lambda match: TITLES[match[0]], text)


def real(value: Any) -> float | None:
    """Return a number that JSON or a table held, or None for what is none."""
    try:
        found = float(value) if not isinstance(value, bool) else None
    except (TypeError, ValueError, OverflowError):
        return None
    if found is None:
        return None
    return found if found == found and abs(found) != float("inf") else None


def count(value: Any) -> str:
    """Return an integer with a thin space between thousands; a dash for none."""
    found = real(value)
    return "–" if found is None else f"{int(found):,}".replace(",", THIN)


def estimate_or_reason(item: Mapping[str, Any], digits: int = 3) -> str:
    """Return the estimate, and where it has no interval the reason for that."""
    reason = str(item.get("reason") or "")
    return f"{estimate(item, digits)} ({reason})" if reason else estimate(item, digits)


def estimate(item: Mapping[str, Any], digits: int = 3) -> str:
    """Return ``0.742 [0.715, 0.768]``, or the number alone where no interval exists; unbroken."""
    low, high = real(item.get("low")), real(item.get("high"))
    value = number(real(item.get("value")), digits)
    if low is None or high is None:
        return value
    return f"{value}{NO_BREAK}[{number(low, digits)},{NO_BREAK}{number(high, digits)}]"


def p_value(value: Any, drawn: Mapping[str, Any] | None = None) -> str:
    """Return a p-value of three digits, ``< 0.001`` below them.

    Parameters
    ----------
    drawn
        The difference whose bootstrap gave the value, corrected or not: the least that its draws can give is a bound.
    """
    found = real(value)
    if found is None:
        return "–"
    least = None if drawn is None else real(drawn.get("least_p"))
    bound = "≤ " if least is not None and real((drawn or {}).get("p")) == least else ""
    return "< 0.001" if found < 0.001 else f"{bound}{found:.3f}"


def seconds(value: Any) -> str:
    """Return a duration as people say it."""
    found = real(value)
    if found is None:
        return "–"
    if found < 60:
        return f"{found:.1f} s"
    minutes = int(found // 60)
    return f"{minutes} min {found - 60 * minutes:.0f} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def tidy(cell: str) -> str:
    """Return a cell of a table: a long decimal fraction at four significant digits, all else as it is."""
    found = real(cell)
    if found is None or ("." not in cell and "e" not in cell.lower()):
        return cell
    return f"{found:.4g}".replace("-", "−")
