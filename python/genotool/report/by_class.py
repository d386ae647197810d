"""How well a model of many classes finds each of them: the mean over classes hides the ones that it cannot tell."""

from __future__ import annotations

from collections import Counter

import numpy as np

from genotool.dataset import Task
from genotool.errors import InputError
from genotool.report.blocks import Block, Grid
from genotool.report.collect import Step
from genotool.report.drawn import scored_rows
from genotool.report.numbers import count
from genotool.report.real import task_of

__all__ = ["by_class"]

HEAD = ["class", "test rows", "precision", "recall", "F1", "most often taken for"]


def by_class(label: str, step: Step) -> list[Block]:
    """Return a table of a row a class, the hardest first; nothing for two classes, or where the rows cannot be read."""
    table = step.tables.get("predictions")
    if table is None or task_of(step) is not Task.MULTICLASS:
        return []
    try:
        target, score, _ = scored_rows(table, "test")
    except InputError:
        return []  # the section of curves says why
    classes = [str(name) for name in (step.data[0].get("classes") if step.data else None) or []]
    if not len(target) or score.ndim != 2 or score.shape[1] != len(classes) or not set(target) <= set(classes):
        return []
    found = [classes[code] for code in np.argmax(score, axis=1).tolist()]
    title = f"{label}: each class, the hardest first"
    return [Grid(HEAD, _rows(target, found, classes), numeric=frozenset(range(1, 5)), title=title)]


def _rows(target: list[str], found: list[str], classes: list[str]) -> list[list[str]]:
    from sklearn.metrics import precision_recall_fscore_support

    columns = precision_recall_fscore_support(target, found, labels=classes, zero_division=0.0)
    order = np.lexsort((np.arange(len(classes)), columns[2]))
    rows = []
    for at in order.tolist():
        wrong = Counter(to for of, to in zip(target, found, strict=True) if of == classes[at] != to)
        taken = "; ".join(f"{name} ({count(number)})" for name, number in wrong.most_common(2)) or "–"
        precision, recall, f1, number = (float(column[at]) for column in columns)
        if number:
            rows.append([classes[at], count(number), f"{precision:.3f}", f"{recall:.3f}", f"{f1:.3f}", taken])
    return rows
