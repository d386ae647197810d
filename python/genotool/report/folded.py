"""A cross-validation: each fold's numbers, their mean, and its test; beside what was pooled over all rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genotool.report.blocks import Block, Grid, Text
from genotool.report.collect import Step
from genotool.report.numbers import count, estimate, number, p_value, real, title_of

__all__ = ["folds_of"]


def folds_of(label: str, step: Step) -> list[Block]:
    """Return the tables of a cross-validation's folds; nothing for a run with a single split."""
    found = step.content["metrics"].get("cross_validation")
    if not isinstance(found, Mapping) or not found.get("folds"):
        return []
    metric, floors = str(found.get("headline")), list(found.get("floors_mean_of_folds") or {})
    rows = [_fold(item, metric, floors) for item in found["folds"]]
    means = {"": (found.get("mean_of_folds") or {}).get(metric), **(found.get("floors_mean_of_folds") or {})}
    rows.append(["mean of folds (sd)", "", *(_mean(means.get(name) or {}) for name in ("", *floors))])
    head = ["fold", "n", f"the model, {title_of(metric)}", *(name.replace("_", " ") for name in floors)]
    numeric = frozenset(range(1, len(head)))
    return [
        Text(str(found.get("sentence") or ""), title=f"{label}: pooled, and the mean of folds"),
        Grid(head, rows, numeric=numeric, title=f"{label}: {title_of(metric)} within each fold"),
        _tests(found.get("t_tests") or {}),
    ]


def _fold(item: Mapping[str, Any], metric: str, floors: list[str]) -> list[str]:
    name = f"{item.get('fold')}: {item['tests']}" if item.get("tests") else str(item.get("fold"))
    reached = item.get("floors") or {}
    values = [(item.get("metrics") or {}).get(metric), *(reached.get(floor) for floor in floors)]
    return [name, count(item.get("n")), *(number(real(value)) for value in values)]


def _mean(spread: Mapping[str, Any]) -> str:
    sd = real(spread.get("sd"))
    return number(real(spread.get("value"))) + ("" if sd is None else f" ({number(sd)})")


def _tests(tests: Mapping[str, Any]) -> Grid:
    rows = [
        [name.replace("_", " "), estimate({**test, "value": test.get("mean")}), p_value(test.get("p_holm"))]
        for name, test in tests.items()
    ]
    head = ["floor", "model minus floor, mean of folds [95 %]", "p (Holm)"]
    title = "Corrected resampled t-test (Nadeau and Bengio 2003): folds share training rows"
    return Grid(head, rows, numeric=frozenset({1, 2}), title=title)
