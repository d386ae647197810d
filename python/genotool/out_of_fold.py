"""Out of fold: what the models of a cross-validation say of the rows that each of them did not see.

Two summaries, and they differ. **Pooled**: one metric over the scores of all rows, each from the model of the fold in
which the row tests; it has an interval by group and a verdict, and it suffers where the models' scores are of unlike
scale. **Mean of folds**: the metric in each fold, averaged; its folds share training rows, so the difference to a floor
is judged by the corrected resampled t-test (Nadeau and Bengio 2003).
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.assessment import HEADLINE, assess
from genotool.audit import Audit, read_keys, write_keys
from genotool.audit.keys import joined
from genotool.controls import against_controls
from genotool.dataset import Dataset, Task
from genotool.errors import InputError
from genotool.floors import Floor
from genotool.folds import Folds
from genotool.metrics import LOWER_IS_BETTER, TITLES
from genotool.pooled import shared_floors
from genotool.predictions import TestRows, read_test_rows, write_floor_scores, write_scores
from genotool.run import Run, escaped
from genotool.split import Part, from_file
from genotool.statistics.intervals import bootstrap
from genotool.verdict import MARGIN

__all__ = ["combine", "named"]

Floats: TypeAlias = NDArray[np.float64]

CONSTANT = "majority"
"""The floor that says the same of every row. Pooled as it is, the constants of the folds would order their rows, and
the wrong way: a fold with many positives is one whose training rows have few."""
SPREAD = re.compile(r" \(\w+ -?[\d.]+ to -?[\d.]+\)$")
"""What the summary of the shuffled floor says of one fold alone."""


def named(key: tuple[int, int]) -> str:
    """Return what the folder of a fold is called: repeat and fold, from 1."""
    return "{}-{}".format(*key)


@dataclass(frozen=True, slots=True, eq=False)
class _Fold:
    """A finished fold: its run, which rows it tested, what it said of them, and its own metrics."""

    key: tuple[int, int]
    run: Run
    at: NDArray[np.int64]
    rows: TestRows
    test: Mapping[str, Any]


def combine(run: Run, dataset: Dataset, folds: Folds, *, floors: bool, margin: float = MARGIN, seed: int) -> None:
    """Write the out-of-fold predictions, their metrics, the audit and the training keys of all folds together.

    Raises
    ------
    InputError
        If a fold did not score the rows that it tests.
    """
    done = [_read(run, dataset, folds, key) for key in folds.keys]
    task, classes = Task(str(run.record["task"])), dataset.classes
    shape = (len(dataset), len(classes)) if task is Task.MULTICLASS else (len(dataset),)
    score = _mean([(fold.at, fold.rows.score) for fold in done], folds.repeats, shape)
    threshold = float(np.mean([fold.run.record.get("threshold") or 0.0 for fold in done]))
    beside = _floors(done, dataset, folds.repeats, shape, task, seed) if floors else []
    test = assess(task, dataset, score, floors=beside, threshold=threshold, margin=margin, seed=seed)
    if controls := _controls(done, dataset, folds.repeats, shape, task, seed):
        test["controls"] = against_controls(task, dataset, score, controls, seed=seed)
    metrics = {"format": 1, "task": task.value, "threshold": threshold, "test": test,
               "cross_validation": _by_fold(done, folds, task, test)}  # fmt: skip
    run.write_json("metrics.json", metrics)
    run.update(threshold=threshold, split=run.record["split"] | {"counts": _counts(done)})
    write_scores(run, dataset, score, threshold, task, split=np.full(len(dataset), Part.TEST, np.int8))
    write_floor_scores(run, dataset, beside)
    write_floor_scores(run, dataset, controls, "controls.tsv")
    run.write_json("audit.json", _audit(done).to_json())
    _write_keys(run, dataset, done)


def _read(run: Run, dataset: Dataset, folds: Folds, key: tuple[int, int]) -> _Fold:
    held = Run.open(run.file(f"folds/{named(key)}"))
    rows = read_test_rows(held, named(key))
    at = np.flatnonzero(folds.numbers[:, key[0] - 1] == key[1]).astype(np.int64)
    if list(map(escaped, dataset.ids[at].tolist())) != rows.ids.tolist():
        raise InputError("this fold has tested other rows than its own", file=held.path, hint="make the run again")
    return _Fold(key, held, at, rows, held.read_json("metrics.json")["test"])


def _mean(parts: Sequence[tuple[NDArray[np.int64], Floats]], repeats: int, shape: tuple[int, ...]) -> Floats:
    """Return the score of each row: the mean over repeats, in each of which it was scored once."""
    total = np.zeros(shape)
    for at, score in parts:
        total[at] += score
    return total / repeats


def _floors(
    done: Sequence[_Fold], dataset: Dataset, repeats: int, shape: tuple[int, ...], task: Task, seed: int
) -> list[Floor]:
    """Return the floors that every fold has, each scored out of fold as the model is."""
    floors = []
    for name in shared_floors([fold.rows for fold in done]):
        score = _mean([(fold.at, fold.rows.floors[name]) for fold in done], repeats, shape)
        summary = SPREAD.sub("", str(done[0].test["floors"][name].get("summary", ""))) + ", fitted in each fold"
        if name == CONSTANT:
            score, summary = np.broadcast_to(score.mean(axis=0), shape).copy(), f"{summary}; the mean of the folds'"
        estimates = bootstrap(task, np.asarray(dataset.target), score, groups=dataset.groups, seed=seed)
        floors.append(Floor(name, summary, score, estimates))
    return floors


def _controls(
    done: Sequence[_Fold], dataset: Dataset, repeats: int, shape: tuple[int, ...], task: Task, seed: int
) -> list[Floor]:
    """Return the artefact controls that every fold has, each scored out of fold as the model is."""
    controls = []
    for name in (name for name in done[0].rows.controls if all(name in fold.rows.controls for fold in done)):
        score = _mean([(fold.at, fold.rows.controls[name]) for fold in done], repeats, shape)
        told = (done[0].test.get("controls") or {}).get(name) or {}
        summary = f"{told.get('summary') or name}, fitted in each fold"
        estimates = bootstrap(task, np.asarray(dataset.target), score, groups=dataset.groups, seed=seed)
        controls.append(Floor(name, summary, score, estimates))
    return controls


def _by_fold(done: Sequence[_Fold], folds: Folds, task: Task, test: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``cross_validation`` of metrics.json holds: every fold, their mean, the tests, all in words."""
    each = [_one(fold, folds) for fold in done]
    mean = {name: _spread([fold["metrics"][name] for fold in each]) for name in each[0]["metrics"]}
    names = list(each[0]["floors"])
    floors = {name: _spread([fold["floors"].get(name) for fold in each]) for name in names}
    metric = HEADLINE[task]
    asked = {"k": folds.k, "repeats": folds.repeats, "method": folds.method, "headline": metric}
    means = {"mean_of_folds": mean, "floors_mean_of_folds": floors, "t_tests": _t_tests(done, each, metric)}
    return {**asked, "sentence": _sentence(metric, mean[metric], test, folds), **means, "folds": each}


def _one(fold: _Fold, folds: Folds) -> dict[str, Any]:
    headline = str(fold.test["headline"])
    floors = {name: (values.get(headline) or {}).get("value") for name, values in fold.test["floors"].items()}
    left_out = {"tests": folds.names[fold.key[1] - 1]} if folds.names else {}
    return {
        "fold": named(fold.key), **left_out, "n": fold.test["n"], "groups": fold.test["groups"],
        "metrics": {name: estimate["value"] for name, estimate in fold.test["metrics"].items()}, "floors": floors,
    }  # fmt: skip


def _spread(values: Sequence[float | None]) -> dict[str, float | int | None]:
    """Return mean and standard deviation over the folds that have the metric, and how many those are."""
    held = [value for value in values if value is not None]
    sd = float(np.std(held, ddof=1)) if len(held) > 1 else None
    return {"value": float(np.mean(held)) if held else None, "sd": sd, "folds": len(held)}


def _t_tests(done: Sequence[_Fold], each: Sequence[Mapping[str, Any]], metric: str) -> dict[str, Any]:
    """Return the corrected resampled t-test of the model against each floor that every fold has a metric of."""
    from genotool.statistics.resampled import corrected_t
    from genotool.statistics.tables import holm

    sign = -1.0 if metric in LOWER_IS_BETTER else 1.0
    parts = [fold.run.record["split"]["rows"] for fold in done]
    train = round(np.mean([rows["train"] for rows in parts]))
    test = round(np.mean([rows["test"] for rows in parts]))
    found = {}
    for name in each[0]["floors"]:
        pairs = [(fold["metrics"][metric], fold["floors"].get(name)) for fold in each]
        if all(value is not None for pair in pairs for value in pair):
            differences = np.array([sign * (model - floor) for model, floor in pairs])
            found[name] = dataclasses.asdict(corrected_t(differences, train_rows=train, test_rows=test))
    known = [name for name, result in found.items() if result["p"] is not None]
    for name, p in zip(known, holm([found[name]["p"] for name in known]) if known else [], strict=True):
        found[name]["p_holm"] = p
    return found


def _sentence(metric: str, mean: Mapping[str, Any], test: Mapping[str, Any], folds: Folds) -> str:
    title, pooled = TITLES.get(metric, metric), test["metrics"][metric]["value"]
    scores = f", the mean of its {folds.repeats} repeats" if folds.repeats > 1 else ""
    first = f"Pooled, one {title} over all {test['n']} rows, each scored by a model that did not see it{scores}: "
    second = f"Mean of {mean['folds']} folds, {title} within each: "
    said = f"{first}{_number(pooled)}. {second}{_number(mean['value'])} (standard deviation {_number(mean['sd'])})."
    if None in (pooled, mean["value"], mean["sd"]):
        return said
    lost = (mean["value"] - pooled) * (-1 if metric in LOWER_IS_BETTER else 1)
    return f"{said} The folds' scores are of unlike scale: pooling lowers it." if lost > mean["sd"] else said


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"


def _audit(done: Sequence[_Fold]) -> Audit:
    """Return what the audits of all folds found, like findings as one."""
    held = [Audit.from_json(fold.run.read_json("audit.json"), file=fold.run.file("audit.json")) for fold in done]
    return Audit.of_parts(held, "folds")


def _counts(done: Sequence[_Fold]) -> dict[str, int]:
    """Return the rows that the folds moved or left out, by reason, all folds together."""
    counts: Counter[str] = Counter()
    for fold in done:
        counts.update(
            {f"{reason}, in all folds together": n for reason, n in fold.run.record["split"]["counts"].items()}
        )
    return dict(counts)


def _write_keys(run: Run, dataset: Dataset, done: Sequence[_Fold]) -> None:
    """Write what any fold's model was trained on: the ensemble has seen it."""
    keys = [read_keys(fold.run.file("training_keys.bin")) for fold in done]
    trained = from_file(done[0].run.file("split.tsv"), dataset).rows(Part.TRAIN)
    write_keys(run.file("training_keys.bin"), dataset.take(trained), reduce(joined, keys))
