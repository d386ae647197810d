"""How many test rows the conformal sets or intervals of a model hold, against the share that was promised."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.dataset import Task
from genotool.errors import UsageError
from genotool.statistics.conformal import LEVEL, Calibration, Conformal
from genotool.statistics.intervals import FEW_GROUPS, Estimate, group_codes, multiplicities, too_few

__all__ = ["coverage"]

Floats: TypeAlias = NDArray[np.float64]

DRAWS = 1000
UNINFORMATIVE = 1.6
"""Classes of two in a set on average: from here on most sets hold both."""


def coverage(
    calibration: Calibration,
    target: NDArray[Any],
    score: Floats,
    groups: NDArray[np.str_] | None = None,
    *,
    level: float = LEVEL,
    refit: bool = False,
    seed: int,
) -> dict[str, Any]:
    """Return what ``metrics.json`` says of the sets or intervals on test rows.

    Of two classes both methods are measured, `used` names the one that predictions get. Where the validation rows
    cannot give the level there is only a `reason`.

    Parameters
    ----------
    target, score, groups
        Of the test rows, as in `genotool.metrics.compute`; groups are what is resampled for the intervals.
    refit
        Whether the model was fitted again, on the validation rows too, after they were measured.
    """
    try:
        made = [calibration.at(level, by_class=by_class) for by_class in (True, False)]
    except UsageError as error:
        return {"level": level, "reason": error.message}
    if made[0].method == made[1].method:
        del made[1]
    methods = {each.method: _method(each, calibration.task, target, score, groups, seed) for each in made}
    found = {
        "level": level,
        "used": made[0].method,
        "calibrated_rows": len(calibration.error),
        "calibrated_groups": calibration.groups,
        "refit": refit,
        "methods": methods,
    }
    return found | {"sentence": _sentence(found, calibration.task)}


def _method(
    made: Conformal, task: Task, target: NDArray[Any], score: Floats, groups: NDArray[np.str_] | None, seed: int
) -> dict[str, Any]:
    inside, size = _inside(made, task, target, np.asarray(score, np.float64))
    clusters = group_codes(groups)
    found: dict[str, Any] = {
        "limits": made.limits.tolist(),
        "coverage": _share(inside, clusters, seed).to_json(),
        "size": _share(size, clusters, seed).to_json(),
    }
    if clusters is not None:
        found["coverage_of_groups"] = _share(inside, clusters, seed, equal=True).to_json()
    if task is Task.BINARY:
        rows = [np.flatnonzero(np.asarray(target) == code) for code in (0, 1)]
        named = [None if groups is None else groups[part] for part in rows]
        found["coverage_of_classes"] = [
            _share(inside[part], group_codes(name), seed, equal=groups is not None).to_json()
            for part, name in zip(rows, named, strict=True)
        ]
    return found


def _inside(made: Conformal, task: Task, target: NDArray[Any], score: Floats) -> tuple[Floats, Floats]:
    """Return for each row whether the truth is held (1 or 0), and the classes in its set or its interval's width."""
    if task is Task.REGRESSION:
        low, high = made.interval(score)
        return ((low <= target) & (target <= high)).astype(np.float64), high - low
    sets = made.sets(score)
    return sets[np.arange(len(sets)), np.asarray(target, np.int64)].astype(np.float64), sets.sum(axis=1) * 1.0


def _share(
    values: Floats, clusters: tuple[NDArray[np.int64], int] | None, seed: int, *, equal: bool = False
) -> Estimate:
    """Return the mean of rows, or of groups' means where all count `equal`, with a 95 % interval by bootstrap."""
    if not len(values):
        return Estimate(None, None, None, 0, None, "no interval", "no rows")
    codes, count = (np.arange(len(values)), len(values)) if clusters is None else clusters
    rows: Floats = np.bincount(codes, minlength=count).astype(np.float64)
    total = np.asarray(np.bincount(codes, weights=values, minlength=count), np.float64)
    if equal:
        total, rows = total / rows, np.ones(count)
    value, shown = float(total.sum() / rows.sum()), None if clusters is None else count
    if count < FEW_GROUPS:
        return Estimate(value, None, None, len(values), shown, "no interval", too_few(count))
    weights = multiplicities(np.random.default_rng(seed), DRAWS, count)
    # no matrix product: its sums depend on the number of threads
    low, high = np.percentile((weights * total).sum(axis=1) / (weights * rows).sum(axis=1), [2.5, 97.5])
    what = "rows" if clusters is None else f"{count} groups"
    return Estimate(value, float(low), float(high), len(values), shown, f"bootstrap, {what} drawn {DRAWS} times")


def _sentence(found: dict[str, Any], task: Task) -> str:
    """Return in words what was promised, what the test rows got, and whether that is less."""
    used = found["methods"][found["used"]]
    by_group = "coverage_of_groups" in used
    measured = used["coverage_of_groups"] if by_group else used["coverage"]
    what = "Intervals" if task is Task.REGRESSION else "Sets of classes"
    whose = "rows of a new group, each group counted the same," if by_group else "new rows"
    size = f"{used['size']['value']:.3g} wide" if task is Task.REGRESSION else f"{used['size']['value']:.2f} classes"
    text = f"{what} made to hold the truth of {found['level']:g} of {whose} hold it for {_interval(measured)} of the "
    names = [str(code) for code, each in enumerate(used.get("coverage_of_classes", []))
             if found["used"] == "class-conditional" and _under(each, found["level"])]  # fmt: skip
    text += f"test rows; they are {size} on average. {_judged(measured, found['level'], ' and '.join(names))}"
    if task is Task.BINARY and used["size"]["value"] >= UNINFORMATIVE:
        text += " Most sets hold both classes and say little."
    if found["refit"]:
        text += " The limits are of the model before its final fit on the validation rows too: no exact promise."
    return text


def _interval(measured: dict[str, Any]) -> str:
    interval = "" if measured["low"] is None else f" [{measured['low']:.3f}, {measured['high']:.3f}]"
    return f"{measured['value']:.3f}{interval}"


def _under(measured: dict[str, Any], level: float) -> bool:
    return measured["high"] is not None and measured["high"] < level


def _judged(measured: dict[str, Any], level: float, classes: str) -> str:
    """Return the one verdict: under-coverage of a class alone is under-coverage, whatever all rows together got."""
    if measured["low"] is None:
        return f"Whether that is less than promised cannot be said: {measured['reason']}."
    if _under(measured, level):
        whose = f", of class {classes} by itself too" if classes else ""
        return f"UNDER-COVERAGE: fewer than promised{whose}, the test rows are not like the validation rows."
    if classes:
        return f"UNDER-COVERAGE of class {classes}: fewer of it than promised, which the mean over all rows hides."
    return "More than promised." if measured["low"] > level else "As promised, as far as these rows can show."
