"""compare: several finished runs against each other on shared test rows, or pooled against their floors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

from genotool.audit import Audit
from genotool.config import flatten
from genotool.dataset import are_row_numbers
from genotool.errors import InputError, UsageError
from genotool.figures.floors import Point
from genotool.figures.forest import forest
from genotool.leaderboard import Place, best_floors, gains, rank
from genotool.metrics import HEADLINE, TITLES, compute
from genotool.pooled import Pooled, pool
from genotool.predictions import TestRows, read_test_rows
from genotool.run import Run
from genotool.statistics.tables import benjamini_hochberg, holm
from genotool.verdict import MARGIN

__all__ = ["compare"]

TESTS = {
    "bootstrap": ("bootstrap_p", None),
    "DeLong": ("delong_p", None),
    "McNemar": ("mcnemar_p", "decided classes"),
    "permutation": ("permutation_p", None),
}
"""The tests of a difference between two models: the column of their p, and what they compare but the metric."""
STATS = ("run", "against", "test", "of", "n", "groups", "p", "p_holm", "q")


def compare(
    folders: Sequence[Path],
    *,
    out: Path,
    pooled: bool,
    baseline: Path | None = None,
    margin: float = MARGIN,
    seed: int = 0,
    overwrite: bool = False,
) -> Run:
    """Write ``leaderboard.json``, ``.tsv`` and ``.svg``, or with `pooled` ``pooled.json`` and ``.tsv``.

    A leaderboard also has ``stats.tsv``: every test of every difference; and with `baseline`, one of the folders, the
    paired gain of every other run over that one.

    Raises
    ------
    UsageError
        If there are fewer than two runs, one is given twice, or the baseline is none of them.
    InputError
        If the test rows differ (unless pooled), or a run cannot be compared.
    """
    if len({folder.resolve() for folder in folders}) != len(folders) or len(folders) < 2:
        raise UsageError("compare takes two or more different runs")
    place = _place(folders, baseline, pooled=pooled)
    Run.check_free(out, overwrite)
    runs = [Run.open(folder) for folder in folders]
    rows = [read_test_rows(run, name) for run, name in zip(runs, _names(folders), strict=True)]
    found = _pooled(rows, runs, margin, seed) if pooled else _leaderboard(rows, runs, margin, seed)
    if place is not None:
        found |= {"baseline": rows[place].name, "gains": _gains(rows, rows[place], margin, seed)}
    families = {run.record.get("family") for run in runs}
    run = Run.create(
        out, verb="compare", family=families.pop() if len(families) == 1 else None, task=rows[0].task.value,
        seed=seed, data=_data(runs), parents=folders, overwrite=overwrite,
    )  # fmt: skip
    with run:
        run.update(**{mark: any(item.record.get(mark) for item in runs) for mark in ("simulated", "leaky")})
        if (audit := _audit(runs)) is not None:
            run.write_json("audit.json", audit.to_json())
        name = "pooled" if pooled else "leaderboard"
        run.write_json(f"{name}.json", {"format": 1, **found})
        columns = list(found["runs"][0])
        run.write_table(f"{name}.tsv", columns, ([item[column] for column in columns] for item in found["runs"]))
        if not pooled:
            run.write_table("stats.tsv", STATS, _tests(found))
            run.write_text("figures/leaderboard.svg", _drawn(found, simulated=bool(run.record.get("simulated"))))
    return run


def _place(folders: Sequence[Path], baseline: Path | None, *, pooled: bool) -> int | None:
    """Return which of the runs the baseline is; None where none is asked for."""
    if baseline is None:
        return None
    if pooled:
        raise UsageError("--baseline does not go with --pooled", hint="repeats of one model have no baseline")
    places = [folder.resolve() for folder in folders]
    if baseline.resolve() not in places:
        hint = f"one of {', '.join(map(str, folders))}"
        raise UsageError(f"--baseline {baseline} is none of the runs", hint=hint)
    return places.index(baseline.resolve())


def _gains(rows: Sequence[TestRows], baseline: TestRows, margin: float, seed: int) -> list[dict[str, Any]]:
    found = gains(rows, baseline, margin=margin, seed=seed)
    return [
        {"run": name, "value": item.difference.value, "low": item.difference.low, "high": item.difference.high,
         "p_holm": item.p_holm, "word": item.word}
        for name, item in found.items()
    ]  # fmt: skip


def _names(folders: Sequence[Path]) -> list[str]:
    """Return what the runs are called: their folders' names, longer where those are equal."""
    for depth in (1, 2, 3):
        names = ["/".join(folder.resolve().parts[-depth:]) for folder in folders]
        if len(set(names)) == len(names):
            return names
    return [str(folder.resolve()) for folder in folders]


def _data(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return the records of the data sets, each once."""
    return list({item.get("digest"): item for run in runs for item in run.record.get("data", [])}.values())


def _audit(runs: Sequence[Run]) -> Audit | None:
    """Return what the audits of the runs found, together."""
    held = [run for run in runs if run.file("audit.json").is_file()]
    audits = [Audit.from_json(run.read_json("audit.json"), file=run.file("audit.json")) for run in held]
    return reduce(Audit.merged, audits) if audits else None


def _pooled(rows: Sequence[TestRows], runs: Sequence[Run], margin: float, seed: int) -> dict[str, Any]:
    """Return what ``pooled.json`` holds: a part of ``metrics.json``, the runs, and the same of each data set."""
    found = pool(rows, margin=margin, seed=seed)
    each = [
        {
            "run": run.name,
            "n": len(run.target),
            "groups": None if run.groups is None else len(set(run.groups.tolist())),
            found.metric: _metric(run, run.score, found.metric),
            **{floor: _metric(run, run.floors[floor], found.metric) for floor in found.floors},
        }
        for run in rows
    ]
    by_data = {
        name: _measured(pool(repeats, margin=margin, seed=seed))
        for name, repeats in _by_data(rows, runs).items()
        if 1 < len(repeats) < len(rows)
    }
    return {
        "task": rows[0].task.value,
        **_measured(found),
        "runs": each,
        "by_data": by_data,
        "settings_differ": _differing(runs),
        "floors_left_out": sorted({floor for run in rows for floor in run.floors} - set(found.floors)),
    }


def _differing(runs: Sequence[Run]) -> list[str]:
    """Return the settings in which the runs differ, the seed apart: repeats of one model differ in none."""
    settings = [flatten(run.record.get("config") or {}) for run in runs]
    names = sorted({name for each in settings for name in each} - {"seed"})
    return [name for name in names if len({repr(each.get(name)) for each in settings}) > 1]


def _measured(found: Pooled) -> dict[str, Any]:
    """Return a pooled result in the form of a part of ``metrics.json``."""
    return {
        "n": found.model.n,
        "groups": found.model.groups,
        "headline": found.metric,
        "metrics": {found.metric: found.model.to_json()},
        "floors": {floor: {found.metric: estimate.to_json()} for floor, estimate in found.floors.items()},
        **found.verdict.to_json(),
    }


def _by_data(rows: Sequence[TestRows], runs: Sequence[Run]) -> dict[str, list[TestRows]]:
    """Return the runs of each data set, by its name."""
    sets: dict[str, list[TestRows]] = {}
    for row, run in zip(rows, runs, strict=True):
        sets.setdefault(str(run.record["data"][0].get("name")), []).append(row)
    return sets


def _metric(run: TestRows, score: Any, metric: str) -> float | None:
    return compute(run.task, run.target, score)[metric]


def _leaderboard(rows: Sequence[TestRows], runs: Sequence[Run], margin: float, seed: int) -> dict[str, Any]:
    _check_one_set(rows, runs)
    words = {row.name: _verdict_of(run) for row, run in zip(rows, runs, strict=True)}
    floors = best_floors(rows, seed=seed)
    return {
        "metric": HEADLINE[rows[0].task],
        "margin": margin,
        "runs": [_line(place, words[place.name]) for place in rank(rows, margin=margin, seed=seed)],
        "floors": {name: estimate.to_json() for name, estimate in floors.items()},
    }


def _check_one_set(rows: Sequence[TestRows], runs: Sequence[Run]) -> None:
    """Check that rows that are named by their number alone are numbered in one and the same data set."""
    sets = [(run.record.get("data") or [{}])[0] for run in runs]
    for row, data in zip(rows, sets, strict=True):
        both = ((rows[0].ids, sets[0]), (row.ids, data))
        numbered = all(are_row_numbers(ids.tolist(), _rows_of(its)) for ids, its in both)
        if numbered and data.get("digest") != sets[0].get("digest"):
            said = f"{rows[0].name} and {row.name} test on different data, {_called(sets[0])} and {_called(data)}"
            hint = "their ids are row numbers, so no row is shared; --pooled judges repeats of a model over data sets"
            raise InputError(said, hint=hint)


def _rows_of(data: Mapping[str, Any]) -> int:
    return int(data.get("rows", 0)) + sum(map(int, (data.get("left_out") or {}).values()))


def _called(data: Mapping[str, Any]) -> str:
    return f"{data.get('name')} (digest {str(data.get('digest'))[:12]})"


def _verdict_of(run: Run) -> str:
    metrics = run.read_json("metrics.json") if run.file("metrics.json").is_file() else {}
    test = metrics.get("test") if isinstance(metrics, dict) else None
    return str((test or {}).get("verdict") or "not judged")


def _line(place: Place, verdict: str) -> dict[str, Any]:
    behind, estimate = place.behind, place.estimate
    difference = None if behind is None else behind.difference
    return {
        "run": place.name,
        "n": estimate.n,
        "groups": estimate.groups,
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "behind_best": difference and difference.value,
        "behind_low": difference and difference.low,
        "behind_high": difference and difference.high,
        "p_holm": behind and behind.p_holm,
        "bootstrap_p": difference and difference.p,
        "delong_p": behind and behind.delong_p,
        "mcnemar_p": behind and behind.mcnemar_p,
        "permutation_p": place.permutation_p,
        "word": place.word,
        "against_floors": verdict,
    }


def _tests(found: dict[str, Any]) -> Iterator[list[Any]]:
    """Yield a line a test of a difference to the best, corrected over the models (Holm, Benjamini-Hochberg)."""
    best, *rest = found["runs"]
    for test, (key, tested) in TESTS.items():
        held = [item for item in rest if item[key] is not None]
        ps = [item[key] for item in held]
        for item, p_holm, q in zip(held, holm(ps), benjamini_hochberg(ps), strict=True):
            what = found["metric"] if tested is None else tested
            yield [item["run"], best["run"], test, what, item["n"], item["groups"], item[key], p_holm, q]


def _drawn(found: dict[str, Any], *, simulated: bool) -> str:
    """Return the forest plot of a leaderboard."""
    runs = [item for item in found["runs"] if item["value"] is not None]
    behind = [Point(item["run"], item["behind_best"], item["behind_low"], item["behind_high"])
              for item in runs if item["behind_best"] is not None]  # fmt: skip
    floors = {name.replace("_", " "): item for name, item in found["floors"].items() if item["value"] is not None}
    return forest(
        [Point(item["run"], item["value"], item["low"], item["high"]) for item in runs],
        behind,
        [Point(name, item["value"], item["low"], item["high"]) for name, item in floors.items()],
        metric=TITLES[found["metric"]],
        margin=found["margin"],
        simulated=simulated,
    )
