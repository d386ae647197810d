"""Is it real: the floors of each model, what the audit found, and what the split leaves open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genotool.dataset import Task
from genotool.metrics import HEADLINE
from genotool.report.audits import audits
from genotool.report.blocks import Block, Grid, Section, Text
from genotool.report.collect import Collected, Step, models_of
from genotool.report.drawn import floor_plot
from genotool.report.numbers import count, estimate, estimate_or_reason, p_value, real, title_of
from genotool.report.pictures import Pictures

__all__ = ["headline_of", "metric_rows", "real_section", "task_of"]


def task_of(step: Step) -> Task:
    """Return the task of a step's metrics; regression where the file names none that is known."""
    try:
        return Task(str(step.content.get("metrics", {}).get("task") or step.record.get("task")))
    except ValueError:
        return Task.REGRESSION


def headline_of(step: Step, measured: Mapping[str, Any]) -> str:
    """Return the key of the metric that the verdict stands on."""
    return str(measured.get("headline") or HEADLINE[task_of(step)])


def real_section(collected: Collected, pictures: Pictures) -> Section:
    """Return floors, audit and splits: what the verdict rests on."""
    models = models_of(collected)
    blocks: list[Block] = []
    for label, step in models:
        blocks += _floors(label, step, pictures, several=len(models) > 1)
        blocks += _controls(label, step)
    blocks += audits(collected)
    for label, step in models:
        blocks += _split(label, step)
    return Section("real", "Is it real?", blocks)


def _floors(label: str, step: Step, pictures: Pictures, *, several: bool) -> list[Block]:
    test = step.content["metrics"]["test"]
    if not test.get("floors"):
        return []
    heading = f"What a cheat reaches: {label}" if several else "What a cheat or a simple model reaches"
    blocks: list[Block] = [Text("", title=heading)]
    owner = step.name.removeprefix("steps/")
    blocks += pictures.drawn(floor_plot(test, task_of(step), simulated=step.simulated), owner)
    return [*blocks, _floor_table(step, test), *_overlap(step)]


def _floor_table(step: Step, test: Mapping[str, Any]) -> Grid:
    name = headline_of(step, test)
    judged = {str(item.get("against")): item for item in test.get("comparisons") or []}
    rows = []
    for floor, values in test["floors"].items():
        verdict = judged.get(floor) or {}
        about = f"{floor.replace('_', ' ')}: {values['summary']}" if values.get("summary") else floor.replace("_", " ")
        rows.append(
            [
                about,
                estimate(values.get(name) or {}),
                estimate(verdict.get("difference") or {}),
                p_value(verdict.get("p_holm"), verdict.get("difference")),
                str(verdict.get("word") or "–"),
            ]
        )
    metric = title_of(name)
    head = ["floor", f"{metric} [95 %]", "model minus floor [95 %]", "p (Holm)", "the model is"]
    return Grid(
        head,
        rows,
        numeric=frozenset({1, 2, 3}),
        title=f"Floors on the same n = {count(test.get('n'))} test rows",
    )


def _controls(label: str, step: Step) -> list[Block]:
    """Return what the same model reaches where the biology is destroyed, beside what it reaches itself."""
    test = step.content["metrics"]["test"]
    if not test.get("controls"):
        return []
    name = headline_of(step, test)
    rows = [
        [
            f"{control}: {values.get('summary') or 'no summary'}",
            estimate(values.get(name) or {}),
            estimate(values.get("difference") or {}),
        ]
        for control, values in test["controls"].items()
    ]
    own = estimate((test.get("metrics") or {}).get(name) or {})
    title = f"Controls: {label} fitted again where the biology is destroyed; itself it reaches {own}"
    head = ["control", f"{title_of(name)} [95 %]", "model minus control [95 %]"]
    return [Grid(head, rows, numeric=frozenset({1, 2}), title=title)]


def _overlap(step: Step) -> list[Block]:
    """Return the metrics with and without the rows that met others, where there were such rows."""
    metrics = step.content["metrics"]
    cases = {"with_overlap": "with the rows that met others", "without_overlap": "without them"}
    held = {words: metrics[key] for key, words in cases.items() if isinstance(metrics.get(key), Mapping)}
    if not held:
        return []
    name = headline_of(step, metrics["test"])
    rows = []
    for words, measured in held.items():
        item = measured.get("metrics", {}).get(name) or {}
        rows.append([words, estimate(item), count(measured.get("n"))])
    met = f": {count(metrics['met'])} rows met" if "met" in metrics else ""
    whose = "".join(f"; scored by {of}" for of in {str(item["of"]) for item in held.values() if item.get("of")})
    head = ["rows", f"{title_of(name)} [95 % interval]", "n"]
    return [Grid(head, rows, numeric=frozenset({1, 2}), title=f"With and without the overlap{met}{whose}")]


def _split(label: str, step: Step) -> list[Block]:
    split = step.record.get("split")
    if not isinstance(split, Mapping):
        return []
    parts = "; ".join(f"{name.replace('_', ' ')} {count(rows)}" for name, rows in (split.get("rows") or {}).items())
    counts = {str(reason): real(rows) for reason, rows in (split.get("counts") or {}).items()}
    moved = "".join(f" {reason.capitalize()}: {count(rows)}." for reason, rows in counts.items() if rows)
    how = f"By {split.get('method')}, seed {split.get('seed')}: {parts}.{moved}"
    text = f"{how} Leaves open: {split.get('leaves_open')}."
    return [Text(text, title=f"Split of {label}")]


def metric_rows(measured: Mapping[str, Any], lower_is_better: frozenset[str]) -> list[list[str]]:
    """Return the rows of a table of metrics: name, value with interval, n and groups."""
    rows = []
    for name, item in (measured.get("metrics") or {}).items():
        if not isinstance(item, Mapping):
            continue
        title = title_of(name) + (" (lower is better)" if name in lower_is_better else "")
        n = count(item.get("n", measured.get("n")))
        rows.append([title, estimate_or_reason(item), n, count(item.get("groups"))])
    return rows
