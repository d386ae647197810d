"""Generalisation: how models do on data sets that they were not made for, by group and within groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genotool.elsewhere import unmet_classes
from genotool.report.blocks import Block, Grid, Notice, Section, Text
from genotool.report.collect import Collected, Step
from genotool.report.drawn import Drawn, measured_against_predicted
from genotool.report.numbers import count, estimate, estimate_or_reason, named, number, real, title_of
from genotool.report.pictures import Pictures
from genotool.report.real import headline_of

__all__ = ["generalisation"]

MOST_GROUPS = 40


def generalisation(collected: Collected, pictures: Pictures) -> Section | None:
    """Return how models do on sets that they were not made for."""
    blocks: list[Block] = []
    for step in collected.having("metrics"):
        sets = step.content["metrics"].get("sets")
        if isinstance(sets, Mapping) and sets:
            blocks += _sets(step, sets, pictures)
    return Section("generalisation", "On other data", blocks) if blocks else None


def _sets(step: Step, sets: Mapping[str, Any], pictures: Pictures) -> list[Block]:
    rows = []
    for key, measured in sets.items():
        headline = headline_of(step, measured)
        item = (measured.get("metrics") or {}).get(headline) or {}
        best = _best_floor(measured, headline)
        row = [key, title_of(headline), estimate_or_reason(item)]
        rows.append(
            [
                *row,
                count(measured.get("n")),
                count(measured.get("groups")),
                best,
                str(measured.get("verdict") or "–"),
            ]
        )
    head = ["data set", "metric", "value [95 % interval]", "n", "groups", "best floor", "against it"]
    blocks: list[Block] = [Grid(head, rows, numeric=frozenset({3, 4}), title=step.title)]
    for key, measured in sets.items():
        blocks += _one_set(str(key), measured)
    drawn = [figure for key, measured in sets.items() for figure in _scatter(step, str(key), measured)]
    blocks += pictures.drawn(drawn, step.name.removeprefix("steps/"))
    kept = [(text, caption.replace("_", " ").replace("-", " ")) for caption, text in step.figures.items()]
    return [*blocks, *pictures.found(kept)]


def _best_floor(measured: Mapping[str, Any], headline: str) -> str:
    floors = measured.get("floors") or {}
    values = {name: real((item.get(headline) or {}).get("value")) for name, item in floors.items()}
    known = {name: value for name, value in values.items() if value is not None}
    if not known:
        return "–"
    judged = str(measured.get("against"))
    best = judged if judged in known else max(known, key=lambda name: known[name])
    return f"{best.replace('_', ' ')} {estimate(floors[best][headline])}"


def _scatter(step: Step, key: str, measured: Mapping[str, Any]) -> Drawn:
    table = step.tables.get(f"predictions-{key}")
    correlation = (measured.get("metrics") or {}).get("spearman")
    if table is None or not isinstance(correlation, Mapping):
        return []
    # where the table tells apart what the model was trained on, only the other rows are drawn
    told = "test" in table.column("split")
    left_out = 0 if told else int(real(measured.get("seen_rows_left_out")) or 0)
    figures = measured_against_predicted(
        table, "test" if told else None, correlation, key, simulated=step.simulated, trained_on=left_out
    )
    return [(f"{name}-{key}", text, caption) for name, text, caption in figures]


def _one_set(key: str, measured: Mapping[str, Any]) -> list[Block]:
    blocks: list[Block] = [Notice(f"{key}: {measured[word]}") for word in ("warning", "note") if measured.get(word)]
    if unmet := unmet_classes(measured):
        blocks.append(Text(f"{key}: {unmet}."))
    if measured.get("seen_rows_left_out"):
        left = count(measured["seen_rows_left_out"])
        blocks.append(Text(f"{key}: {left} rows that the model was trained on are left out of the numbers here."))
    if measured.get("sentence"):
        blocks.append(Text(f"{key}: {named(measured['sentence'])}"))
    blocks += _by_group(key, measured.get("by_group"))
    return [*blocks, *_within(key, measured.get("within_group"))]


def _by_group(key: str, groups: Any) -> list[Block]:
    """Return values by group, where they are too few for an interval over groups."""
    if not isinstance(groups, Mapping) or not groups:
        return []
    there = (name for item in groups.values() for name in item if name != "n" and real(item[name]) is not None)
    names = list(dict.fromkeys(there))
    rows = [
        [str(group), count(item.get("n")), *(number(real(item.get(name))) for name in names)]
        for group, item in groups.items()
    ]
    head = ["gene or group", "n", *(title_of(name) for name in names)]
    title = f"{key}: each group on its own, as they are too few for an interval"
    shown = rows[:MOST_GROUPS]
    return [Grid(head, shown, numeric=frozenset(range(1, len(head))), title=title, left_out=len(rows) - len(shown))]


def _within(key: str, within: Any) -> list[Block]:
    """Return what is left of a correlation inside groups, and how much of the target groups explain."""
    if not isinstance(within, Mapping) or real(within.get("value")) is None:
        return []
    name = title_of(within.get("metric"))
    text = f"{key}: within groups the mean {name} is {estimate(within)}"
    text += f" (n = {count(within.get('n'))} rows in {count(within.get('groups'))} groups)."
    between = real(within.get("variance_by_group"))
    if between is not None:
        text += f" Which group a row is in explains {between:.0%} of the measured variance."
    return [Text(text)]
