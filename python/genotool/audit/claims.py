"""What metrics.json claims of a run's floors and verdict, against its own predictions and the floors' scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from genotool.metrics import HEADLINE, compute
from genotool.predictions import TestRows
from genotool.verdict import LEVEL, Verdict, judge

__all__ = ["false_claims"]

CLOSE = 2e-3
"""How far a value, or the end of an interval, may lie from that of scores with six digits."""
BORDER = (LEVEL / 2, 2 * LEVEL)
"""Holm's p between which six digits may turn a word."""


def false_claims(rows: TestRows, test: Mapping[str, Any], threshold: float, seed: int) -> Iterator[str]:
    """Yield in words what the test part of metrics.json says of floors and verdict that the scores do not give.

    Parameters
    ----------
    test
        The ``test`` part of metrics.json.
    seed
        Of the run: the bootstrap draws the same groups again.
    """
    metric = HEADLINE[rows.task]
    for name, score in rows.floors.items():
        told = ((test.get("floors") or {}).get(name) or {}).get(metric) or {}
        found = compute(rows.task, rows.target, score)[metric]
        if told.get("value") is not None and _differs(told["value"], found):
            yield f"the floor {name} reaches {metric} {told['value']:.4f}, its scores give {_said(found)}"
    if rows.floors and "verdict" in test:
        yield from _verdict(_again(rows, test, threshold, seed), test)


def _again(rows: TestRows, test: Mapping[str, Any], threshold: float, seed: int) -> Verdict:
    return judge(
        rows.task, rows.target, rows.score, rows.floors, groups=rows.groups, margin=float(test.get("margin", 0.01)),
        threshold=threshold, seed=seed,
    )  # fmt: skip


def _verdict(found: Verdict, test: Mapping[str, Any]) -> Iterator[str]:
    told = {str(item["against"]): item for item in test.get("comparisons") or []}
    for item in found.each:
        difference = (told.get(item.against) or {}).get("difference") or {}
        for name in ("value", "low", "high"):
            mine = getattr(item.difference, name)
            if _differs(difference.get(name), mine):
                yield f"the difference to {item.against} has {name} {_said(difference.get(name))}, not {_said(mine)}"
                break
    word, doubted = str(test["verdict"]), bool(test.get("doubts"))
    at_border = found.p_holm is not None and BORDER[0] < found.p_holm < BORDER[1]
    if word != found.word and not at_border and not (doubted and (word, found.word) == ("undecided", "above")):
        yield f"the verdict is {word}, the scores give {found.word}"
    if word not in str(test.get("sentence")).casefold() and "no verdict" not in str(test.get("sentence")).casefold():
        yield f"the verdict is {word}, its sentence says otherwise"


def _differs(told: Any, found: float | None) -> bool:
    if told is None or found is None:
        return told is not found
    return not abs(float(told) - found) <= CLOSE


def _said(value: Any) -> str:
    return "none" if value is None else f"{float(value):.4f}"
