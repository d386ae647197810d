"""What stands beside a verdict: other tests of the model against each floor, and the coverage of its conformal sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genotool.report.blocks import Block, Grid, Notice, Text
from genotool.report.collect import Step
from genotool.report.numbers import count, estimate_or_reason, p_value, real

__all__ = ["covered", "other_tests"]


def other_tests(label: str, step: Step) -> list[Block]:
    """Return the p-values of DeLong's and McNemar's tests beside the bootstrap's; nothing where there are none."""
    judged = step.content["metrics"]["test"].get("comparisons") or []
    held = [item for item in judged if item.get("delong_p") is not None or item.get("mcnemar_p") is not None]
    rows = [
        [str(item.get("against")).replace("_", " "), _drawn(item.get("difference") or {}),
         p_value(item.get("delong_p")), p_value(item.get("mcnemar_p"))]
        for item in held
    ]  # fmt: skip
    title = f"{label}: other tests against each floor, uncorrected; the verdict is the bootstrap's"
    head = ["floor", "bootstrap", "DeLong (ROC-AUC)", "McNemar (decided classes)"]
    return [Grid(head, rows, numeric=frozenset({1, 2, 3}), title=title, folded=True)] if rows else []


def _drawn(difference: Mapping[str, Any]) -> str:
    return p_value(difference.get("p"), difference)


def covered(label: str, step: Step) -> list[Block]:
    """Return how many test rows the conformal sets or intervals hold; nothing where none were made."""
    found = step.content["metrics"]["test"].get("conformal") or {}
    if not found.get("methods"):
        return [Notice(f"{label}: no conformal sets: {found['reason']}.", "plain")] if found.get("reason") else []
    text = str(found.get("sentence") or "")
    said: Block = Notice(text) if "UNDER-COVERAGE" in text or "Under-coverage" in text else Text(text)
    rows = [_row(name, held, used=name == found.get("used")) for name, held in found["methods"].items()]
    head = ["method", "coverage of rows [95 %]", "of groups, each counted the same", "of each class", "size"]
    level, calibrated = found.get("level"), count(found.get("calibrated_rows"))
    title = f"{label}: conformal prediction at {level}, calibrated on {calibrated} validation rows"
    return [Text("", title=title), said, Grid(head, rows, numeric=frozenset({1, 2, 3, 4}), title="", folded=False)]


def _row(name: str, held: Mapping[str, Any], *, used: bool) -> list[str]:
    by_class = [estimate_or_reason(item) for item in held.get("coverage_of_classes") or []]
    groups = held.get("coverage_of_groups")
    size = real((held.get("size") or {}).get("value"))
    return [
        f"{name} (what predict writes)" if used else name,
        estimate_or_reason(held.get("coverage") or {}),
        estimate_or_reason(groups) if groups else "–",
        "; ".join(by_class) or "–",
        "–" if size is None else f"{size:.3g}",
    ]
