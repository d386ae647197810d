"""The figures that the report itself draws, from the numbers that a run holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genotool.dataset import Task
from genotool.errors import InputError
from genotool.figures.curves import calibration, confusion, history, precision_recall, roc
from genotool.figures.distributions import scores
from genotool.figures.floors import Point, floors
from genotool.figures.scatter import scatter
from genotool.metrics import HEADLINE, curves
from genotool.report.collect import Step, Table
from genotool.report.numbers import count, estimate, real, title_of

__all__ = ["Drawn", "classifier", "floor_plot", "losses", "measured_against_predicted", "scored_rows"]

Drawn = list[tuple[str, str, str]]
"""Name, SVG and caption of each figure."""
CHANCE = {"roc_auc": 0.5, "spearman": 0.0, "pearson": 0.0, "mcc": 0.0}


def floor_plot(measured: Mapping[str, Any], task: Task, *, simulated: bool) -> Drawn:
    """Return the model beside its floors on the headline metric; nothing where there are no floors."""
    name = measured.get("headline") or HEADLINE[task]
    model = _point("model", measured.get("metrics", {}).get(name))
    named = measured.get("floors", {}).items()
    below = [_point(floor.replace("_", " "), values.get(name)) for floor, values in named]
    held = [point for point in below if point is not None]
    if model is None or not held:
        return []
    title = title_of(name)
    picture = floors(model, held, metric=title, chance=CHANCE.get(name), simulated=simulated)
    caption = (
        f"{title} of the model and of each floor on the same {count(measured.get('n'))} test rows. "
        "The band is the model's 95 % interval; dashed is a constant score."
    )
    return [("floors", picture, caption)]


def _point(label: str, item: Any) -> Point | None:
    value = real(item.get("value")) if isinstance(item, Mapping) else None
    return None if value is None else Point(label, value, real(item.get("low")), real(item.get("high")))


def scored_rows(table: Table, part: str | None) -> tuple[list[str], NDArray[np.float64], Table]:
    """Return target as text, score (n,) or (n, classes), and the rows of one part that have both."""
    split, target = table.column("split"), table.column("target")
    kept = [row for row, text in enumerate(target) if text != "" and (part is None or split[row] == part)]
    names = [name for name in table.header if name == "score" or name.startswith("score_")]
    columns = [[_number(table.column(name)[row]) for row in kept] for name in names] if kept else []
    wide = np.array(columns, dtype=np.float64).T if columns else np.empty((0, 1))
    score = wide[:, 0] if wide.shape[1] == 1 else wide
    finite = np.asarray(np.isfinite(wide).all(axis=1))
    rows = [row for row, good in zip(kept, finite.tolist(), strict=True) if good]
    return (
        [target[row] for row in rows],
        score[finite],
        Table(table.header, tuple(table.rows[row] for row in rows)),
    )


def _number(text: str) -> float:
    found = real(text)
    return float("nan") if found is None else found


def classifier(step: Step, task: Task) -> Drawn:
    """Return ROC, PR, calibration, confusion matrix and score distribution of the test rows."""
    table = step.tables.get("predictions")
    measured = step.content["metrics"]
    if table is None or task is Task.REGRESSION:
        return []
    words, score, _ = scored_rows(table, "test")
    if not len(words):
        return []
    classes = [str(name) for name in (step.data[0].get("classes") if step.data else None) or sorted(set(words))]
    codes = {name: code for code, name in enumerate(classes)}
    if any(word not in codes for word in words):
        raise InputError("predictions.tsv has targets that are no class of the data", file=step.path)
    if score.ndim != 1 and score.shape[1] != len(classes):
        raise InputError("predictions.tsv has not one score a class", file=step.path)
    target = np.array([codes[word] for word in words])
    threshold = real(measured.get("threshold"))
    found = curves(task, target, score, threshold=0.5 if threshold is None else threshold)
    return _classifier_figures(found, measured, classes, target, score, threshold, step.simulated)


def _classifier_figures(
    found: Mapping[str, NDArray[Any]],
    measured: Mapping[str, Any],
    classes: list[str],
    target: NDArray[np.int64],
    score: NDArray[np.float64],
    threshold: float | None,
    simulated: bool,
) -> Drawn:
    metrics = measured.get("test", {}).get("metrics", {})
    rows = f"{count(len(target))} test rows"
    drawn: Drawn = []
    if "roc_fpr" in found:
        label = _area(metrics.get("roc_auc"))
        drawn.append(("roc", roc(found, label=label, simulated=simulated), f"ROC curve, {rows}."))
        label = _area(metrics.get("pr_auc"))
        share = float(np.mean(target == 1))
        picture = precision_recall(found, prevalence=share, label=label, simulated=simulated)
        drawn.append(("pr", picture, f"Precision and recall, {rows}; dashed: the share of positives, {share:.2f}."))
    if "calibration_n" in found:
        picture = calibration(found, many=score.ndim == 2, simulated=simulated)
        drawn.append(("calibration", picture, f"Calibration, {rows} in ten bins, n beside each{_errors(metrics)}."))
    if "confusion" in found:
        at = "" if threshold is None or score.ndim == 2 else f" at the threshold {threshold:.3f}, chosen on validation"
        picture = confusion(found["confusion"], classes, simulated=simulated)
        drawn.append(("confusion", picture, f"Confusion matrix, {rows}{at}."))
    if score.ndim == 1:
        picture = scores(score, target, classes, threshold=threshold, simulated=simulated)
        drawn.append(("scores", picture, f"Scores of each true class, {rows}."))
    return drawn


def _area(item: Mapping[str, Any] | None) -> str:
    return f"area {estimate(item)}" if item and real(item.get("value")) is not None else ""


def _errors(metrics: Mapping[str, Any]) -> str:
    """Return calibration error and Brier score with their intervals; "" where they were not measured."""
    said = [f"{title_of(name)} {estimate(metrics[name])}" for name in ("ece", "brier")
            if real((metrics.get(name) or {}).get("value")) is not None]  # fmt: skip
    return f"; {', '.join(said)}" if said else ""


def losses(step: Step) -> Drawn:
    """Return the loss over the epochs, where the step trained."""
    table = step.tables.get("history")
    if table is None or "loss" not in table.header or not table.rows:
        return []
    columns = {name: np.array([_number(text) for text in table.column(name)]) for name in table.header}
    caption = f"Loss over {len(table.rows)} epochs; the ring is the lowest validation loss."
    if step.content.get("metrics", {}).get("refit"):
        caption += " This is the final fit, on training and validation rows together: no held-out loss."
    return [("history", history(columns, simulated=step.simulated), caption)]


def measured_against_predicted(
    table: Table,
    part: str | None,
    correlation: Mapping[str, Any],
    name: str,
    *,
    simulated: bool,
    trained_on: int = 0,
) -> Drawn:
    """Return a scatter plot of a numeric target, where there are at least three rows.

    Parameters
    ----------
    part
        Rows of this part only; None: all.
    correlation
        What was measured, for the title.
    trained_on
        Rows of the table, not told apart there, that the model was trained on: drawn, but not measured.
    """
    words, score, _ = scored_rows(table, part)
    target = np.array([_number(word) for word in words])
    held = np.isfinite(target)
    if score.ndim != 1 or held.sum() < 3:
        return []
    label = f"Spearman {estimate(correlation)}" if correlation else ""
    picture = scatter(score[held], target[held], label=label, simulated=simulated)
    caption = f"{name}: measured against predicted, {count(held.sum())} rows."
    if trained_on:
        caption = (
            f"{name}: measured against predicted, {count(held.sum())} rows drawn. {count(trained_on)} of them trained "
            f"the model: the correlation is of the other {count(held.sum() - trained_on)}."
        )
    return [("scatter", picture, caption)]
