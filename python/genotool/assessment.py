"""Assessment: a model's metrics on rows with a target, beside the floors, with intervals and a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genotool.dataset import Dataset, Task
from genotool.floors import Floor
from genotool.metrics import HEADLINE
from genotool.statistics.intervals import bootstrap, group_codes, too_few_groups, values_by_group
from genotool.verdict import MARGIN, judge

__all__ = ["HEADLINE", "NO_FLOORS", "assess", "best_threshold", "scored_task"]

NO_FLOORS = "No floors were fitted: nothing here says that the model is more than a cheat."


def scored_task(model_task: Task, rows: Dataset) -> Task:
    """Return the task whose metrics fit the rows: a probability is ranked against a number."""
    return rows.task or model_task


def assess(
    task: Task,
    rows: Dataset,
    score: NDArray[Any],
    *,
    floors: Sequence[Floor] | None = None,
    threshold: float = 0.5,
    margin: float = MARGIN,
    seed: int = 0,
    raw: bool = False,
    valid: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return n, groups, metrics with intervals, floors and the verdict, as ``metrics.json`` holds them.

    Parameters
    ----------
    task
        The task of the metrics (see `scored_task`).
    rows
        The rows, with a target.
    score
        The model's prediction of each row.
    floors
        Floors scored on the same rows; none of them: said so. None: rows on which none are asked for.
    margin
        A difference to a floor inside ± this counts as none.
    raw
        Whether the score is of another unit than the target (a probability against a number): only its order counts.
    valid
        The model's metrics on its validation rows, as this function returns them under ``metrics``.
    """
    if rows.target is None:
        raise ValueError(f"{rows.name} has no target")
    estimates = bootstrap(task, rows.target, score, groups=rows.groups, threshold=threshold, seed=seed, raw=raw)
    clusters = group_codes(rows.groups)
    groups = None if clusters is None else clusters[1]
    result: dict[str, Any] = {
        "n": len(rows),
        "groups": groups,
        "headline": HEADLINE[task],
        "metrics": {name: estimate.to_json() for name, estimate in estimates.items()},
        "floors": {floor.name: _floor(floor) for floor in floors or ()},
    }
    if rows.groups is not None and clusters is not None and too_few_groups(clusters):
        result["by_group"] = values_by_group(task, rows.target, score, rows.groups, threshold=threshold, raw=raw)
    if floors:
        result |= judge(
            task, rows.target, score, floors, metric=HEADLINE[task], groups=rows.groups, margin=margin,
            threshold=None if raw else threshold, valid=valid, seed=seed,
        ).to_json()  # fmt: skip
    elif floors is not None:
        result["sentence"] = NO_FLOORS
    return result


def _floor(floor: Floor) -> dict[str, Any]:
    return {"summary": floor.summary, **{name: value.to_json() for name, value in floor.estimates.items()}}


def best_threshold(target: NDArray[np.int64], probability: NDArray[np.float64]) -> float:
    """Return the probability from which rows count as positive with the best Matthews correlation.

    To be called on validation rows. Half-way between two neighbouring probabilities; 0.5 with one class only.
    """
    order = np.argsort(-probability, kind="stable")
    sorted_target, sorted_probability = target[order] == 1, probability[order]
    true_positive, taken = np.cumsum(sorted_target), np.arange(1, len(target) + 1)
    positives, n = int(sorted_target.sum()), len(target)
    if positives in (0, n):
        return 0.5
    scale = np.sqrt(taken * (n - taken) * positives * (n - positives), dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        mcc = np.where(
            scale > 0, (true_positive * n - taken * positives) / scale, 0.0
        )  # all rows positive: no correlation
    mcc[:-1][sorted_probability[:-1] == sorted_probability[1:]] = -np.inf  # no threshold separates ties
    best = int(np.argmax(mcc))
    below = sorted_probability[best + 1] if best + 1 < n else 0.0
    return float((sorted_probability[best] + below) / 2)
