"""Several runs together: repeats judged as one, and places on shared test rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genotool.report.blocks import Block, Grid, Notice, Section
from genotool.report.collect import Collected
from genotool.report.numbers import count, estimate, number, p_value, real, title_of
from genotool.report.pictures import Pictures

__all__ = ["runs_section"]


def runs_section(collected: Collected, pictures: Pictures) -> Section | None:
    """Return the runs that were compared, each with its numbers; None where none were."""
    blocks: list[Block] = []
    for step in collected.having("pooled"):
        blocks += _repeats(step.content["pooled"])
    for step in collected.having("leaderboard"):
        found = step.content["leaderboard"]
        caption = (
            f"{title_of(found.get('metric'))} of each run and, in grey, of the best floor of each kind; below, how "
        )
        caption += "far each is behind the best. The grey band is the margin inside which they count as equal."
        kept = [(text, caption) for name, text in step.figures.items() if name == "leaderboard"]
        blocks += [_places(found), *_gains(found), *pictures.found(kept, step.title), _floors(found)]
        blocks += _other_tests(found)
    return Section("runs", "Runs together", blocks) if blocks else None


def _repeats(found: Mapping[str, Any]) -> list[Block]:
    metric, floors = str(found.get("headline")), list(found.get("floors") or {})
    columns = [metric, *floors]
    rows = [
        [str(item.get("run")), count(item.get("n")), *(number(real(item.get(column))) for column in columns)]
        for item in found.get("runs") or []
    ]
    means = [found.get("metrics") or {}, *(found["floors"][floor] for floor in floors)]
    rows.append(["mean [95 %]", count(found.get("n")), *(estimate(item.get(metric) or {}) for item in means)])
    head = ["run", "n", f"the model, {title_of(metric)}", *(_words(floor) for floor in floors)]
    title = f"Repeats: {title_of(metric)} of {len(rows) - 1} runs, each on its own test rows"
    numeric = frozenset(range(1, len(head)))
    differ = found.get("settings_differ") or []
    notes: list[Block] = (
        [Notice(f"No repeats of one model: the runs differ in {', '.join(map(str, differ))}.")] if differ else []
    )
    if left := found.get("floors_left_out"):
        notes.append(Notice(f"Floors that not every run has are left out: {', '.join(map(str, left))}."))
    return [*notes, Grid(head, rows, numeric=numeric, title=title), _verdicts(found)]


def _verdicts(found: Mapping[str, Any]) -> Grid:
    """Return the mean difference to each floor, by data set and over all runs."""
    parts = {**(found.get("by_data") or {}), "all": found}
    rows = [
        [
            name,
            _words(item.get("against")),
            estimate(item.get("difference") or {}),
            p_value(item.get("p_holm"), item.get("difference")),
            str(item.get("word") or "–"),
        ]
        for name, measured in parts.items()
        for item in measured.get("comparisons") or []
    ]
    head = ["runs of", "floor", "model minus floor, mean over runs [95 %]", "p (Holm)", "the model is"]
    title = "Repeats judged as one: groups are drawn in all runs together"
    return Grid(head, rows, numeric=frozenset({2, 3}), title=title)


def _words(floor: object) -> str:
    return str(floor).replace("_", " ").replace("+", " + ")


def _places(found: Mapping[str, Any]) -> Grid:
    rows = []
    for item in found.get("runs") or []:
        behind = {"value": item.get("behind_best"), "low": item.get("behind_low"), "high": item.get("behind_high")}
        words = [str(item.get("run")), estimate(item), estimate(behind), p_value(item.get("p_holm"))]
        rows.append([*words, str(item.get("word") or "–"), str(item.get("against_floors") or "–")])
    metric = title_of(found.get("metric"))
    head = ["run", f"{metric} [95 %]", "best minus this [95 %]", "p (Holm)", "to the best", "against its best floor"]
    rows_shared = count((found.get("runs") or [{}])[0].get("n"))
    title = f"Places on the same {rows_shared} test rows"
    return Grid(head, rows, numeric=frozenset({1, 2, 3}), title=title)


def _gains(found: Mapping[str, Any]) -> list[Grid]:
    """Return what each run gains over the baseline; nothing where none was named."""
    rows = [
        [str(item.get("run")), estimate(item), p_value(item.get("p_holm"), item), str(item.get("word") or "–")]
        for item in found.get("gains") or []
    ]
    head = ["run", f"{title_of(found.get('metric'))}, gain [95 %]", "p (Holm)", "to the baseline"]
    title = f"Gain over {found.get('baseline')}, paired on the same rows"
    return [Grid(head, rows, numeric=frozenset({1, 2}), title=title)] if rows else []


def _floors(found: Mapping[str, Any]) -> Grid:
    rows = [[_words(name), estimate(item)] for name, item in (found.get("floors") or {}).items()]
    head = ["floor", f"{title_of(found.get('metric'))} [95 %]"]
    return Grid(head, rows, numeric=frozenset({1}), title="Floors on these rows, of each kind the best that a run has")


def _other_tests(found: Mapping[str, Any]) -> list[Grid]:
    """Return what other tests say of the same differences; nothing where none was made."""
    columns = {"bootstrap_p": "bootstrap", "delong_p": "DeLong", "mcnemar_p": "McNemar", "permutation_p": "permutation"}
    rows = [[str(item.get("run")), *(p_value(item.get(key)) for key in columns)] for item in found.get("runs") or []
            if any(item.get(key) is not None for key in columns)]  # fmt: skip
    title = "Other tests of the same differences, uncorrected; McNemar's is of the decided classes"
    return (
        [Grid(["run", *columns.values()], rows, numeric=frozenset(range(1, 5)), title=title, folded=True)]
        if rows
        else []
    )
