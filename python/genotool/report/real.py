"""Is it real: the verdict of each model, its floors, what the audit found, and what the split leaves open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from genotool.dataset import Task
from genotool.metrics import HEADLINE
from genotool.report.blocks import Block, Finding, Findings, Grid, Notice, Section, Text, Tone, Verdict
from genotool.report.collect import Collected, Step, models_of
from genotool.report.drawn import floor_plot
from genotool.report.numbers import METRICS, count, estimate, estimate_or_reason, number, p_value, real
from genotool.report.pictures import Pictures

__all__ = ["findings_of", "real_section", "task_of", "verdict_of"]

WORDS: Mapping[str, tuple[str, Tone]] = {
    "above": ("above the floors", "good"),
    "below": ("below a floor", "bad"),
    "within": ("no better than a floor", "warn"),
    "equivalent": ("no better than a floor", "warn"),
    "undecided": ("undecided", "warn"),
}
SEVERITIES = ("severe", "warning", "note")
MOST_EXAMPLES = 5


def task_of(step: Step) -> Task:
    """Return the task of a step's metrics; regression where the file names none that is known."""
    try:
        return Task(str(step.content.get("metrics", {}).get("task") or step.record.get("task")))
    except ValueError:
        return Task.REGRESSION


def real_section(collected: Collected, pictures: Pictures) -> Section:
    """Return verdicts, floors, audit and splits."""
    models = models_of(collected)
    blocks: list[Block] = [verdict_of(label, step) for label, step in models]
    if not models:
        blocks.append(Notice("No model was measured on test rows: there is no verdict.", "plain"))
    for label, step in models:
        blocks += _floors(label, step, pictures, several=len(models) > 1)
    audits = [findings_of(step) for step in collected.having("audit")]
    blocks += audits or [Notice("No audit was run: whether rows leak between the parts is unknown.")]
    for label, step in models:
        blocks += _split(label, step)
    return Section("real", "Is it real?", blocks)


def verdict_of(label: str, step: Step) -> Verdict:
    """Return a model's headline metric and what the floors say of it."""
    test = step.content["metrics"]["test"]
    name = str(test.get("headline") or HEADLINE[task_of(step)])
    item = test.get("metrics", {}).get(name) or {}
    word, tone = WORDS.get(str(test.get("verdict")), ("no verdict", "plain"))
    groups = f", {count(test['groups'])} groups" if test.get("groups") else ""
    detail = f"{METRICS.get(name, name)}, 95 % interval, n = {count(test.get('n'))} test rows{groups}"
    sentence = str(test.get("sentence") or "No floor was fitted beside this model." * (not test.get("floors")))
    return Verdict(label, estimate(item), detail, word, sentence, tone)


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
    name = str(test.get("headline") or HEADLINE[task_of(step)])
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
                p_value(verdict.get("p_holm")),
                str(verdict.get("word") or "–"),
            ]
        )
    metric = METRICS.get(name, name)
    head = ["floor", f"{metric} [95 %]", "model minus floor [95 %]", "p (Holm)", "the model is"]
    return Grid(
        head,
        rows,
        numeric=frozenset({1, 2, 3}),
        title=f"Floors on the same n = {count(test.get('n'))} test rows",
    )


def _overlap(step: Step) -> list[Block]:
    """Return the metrics with and without the rows that met others, where there were such rows."""
    metrics = step.content["metrics"]
    cases = {"with_overlap": "with the rows that met others", "without_overlap": "without them"}
    held = {words: metrics[key] for key, words in cases.items() if isinstance(metrics.get(key), Mapping)}
    if not held:
        return []
    name = str(metrics["test"].get("headline") or HEADLINE[task_of(step)])
    rows = []
    for words, measured in held.items():
        item = measured.get("metrics", {}).get(name) or {}
        rows.append([words, estimate(item), count(measured.get("n"))])
    met = f": {count(metrics['met'])} rows met" if "met" in metrics else ""
    whose = "".join(f"; scored by {of}" for of in {str(item["of"]) for item in held.values() if item.get("of")})
    head = ["rows", f"{METRICS.get(name, name)} [95 % interval]", "n"]
    return [Grid(head, rows, numeric=frozenset({1, 2}), title=f"With and without the overlap{met}{whose}")]


def findings_of(step: Step) -> Findings:
    """Return the findings of one audit, the most severe first."""
    items = [item for item in step.content["audit"].get("findings") or [] if isinstance(item, Mapping)]
    order = {severity: place for place, severity in enumerate(SEVERITIES)}
    items.sort(key=lambda item: order.get(str(item.get("severity")), len(order)))
    sets = ", ".join(str(name) for name in step.content["audit"].get("data") or [])
    title = "Audit" if step.verb == "audit" else f"Audit of {step.title}"
    return Findings(f"{title}: {sets}" if sets else title, [_finding(item) for item in items])


def _finding(item: Mapping[str, Any]) -> Finding:
    counted = count(item.get("count")) if real(item.get("count")) is not None else ""
    total = real(item.get("total"))
    if counted and total:
        counted += f" of {count(total)} ({float(item['count']) / total:.1%})"
    return Finding(
        severity=str(item.get("severity", "note")),
        code=str(item.get("code", "")),
        message=str(item.get("message", "")),
        counted=counted,
        effect=_effect(item.get("effect")),
        remedy=str(item.get("remedy") or ""),
        examples=_examples(item.get("examples")),
    )


def _examples(items: Any) -> list[str]:
    found = items if isinstance(items, Sequence) and not isinstance(items, str) else []
    return [_words(item) for item in list(found)[:MOST_EXAMPLES]]


def _words(item: Any) -> str:
    if isinstance(item, Mapping):
        return ", ".join(f"{key} {value}" for key, value in item.items() if value not in (None, ""))
    if isinstance(item, Sequence) and not isinstance(item, str):
        return " – ".join(str(part) for part in item)
    return str(item)


def _effect(effect: Any) -> str:
    """Return what was measured with and without the offending rows, in words."""
    if not isinstance(effect, Mapping):
        return ""
    parts = []
    for who, item in effect.items():
        if isinstance(item, Mapping):
            metric = METRICS.get(str(item.get("metric")), str(item.get("metric", "")))
            numbers = [f"{number(real(value))} {key}" for key, value in item.items() if key != "metric"]
            parts.append(f"{str(who).replace('_', ' ')}: {metric} {', '.join(numbers)}")
    return "; ".join(parts)


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
        title = METRICS.get(name, name) + (" (lower is better)" if name in lower_is_better else "")
        n = count(item.get("n", measured.get("n")))
        rows.append([title, estimate_or_reason(item), n, count(item.get("groups"))])
    return rows
