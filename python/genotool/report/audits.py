"""What the audits of all steps found: each finding once, with the steps that found it, alike ones together."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from genotool.report.blocks import Block, Finding, FindingGroup, Findings, Notice
from genotool.report.collect import Collected, Step
from genotool.report.numbers import count, estimate, named, number, real, title_of

__all__ = ["SEVERITIES", "audits", "findings_of", "how_many"]

SEVERITIES = ("severe", "warning", "note")
MOST_EXAMPLES = 5
ROWS = {"with": "with the rows that meet", "shared": "on those rows alone", "without": "without them"}


def audits(collected: Collected) -> list[Block]:
    """Return what all audits found, or that none was run."""
    blocks: list[Block] = []
    if any("audit.json" in problem for problem in collected.damage):
        blocks.append(Notice("An audit.json is damaged: what that audit found is not shown here.", "bad"))
    steps = list(collected.having("audit"))
    if not steps and collected.behind is not None and "audit" in collected.behind.content:
        steps = [collected.behind]
    if not steps:
        text = "No audit was run: whether rows leak between the parts is unknown."
        return blocks or [Notice(text)]
    groups = _grouped(_merged((item, step.title) for step in steps for item in findings_of(step)))
    sets = list(dict.fromkeys(str(name) for step in steps for name in step.content["audit"].get("data") or []))
    title = f"What the audit found: {how_many(item for group in groups for item in group.findings)}"
    return [*blocks, Findings(title, groups, f"Looked at: {', '.join(sets)}." if sets else "", len(steps))]


def findings_of(step: Step) -> list[Mapping[str, Any]]:
    """Return the findings of one step's audit, the most severe first."""
    return sorted(step.content.get("audit", {}).get("findings") or [], key=lambda item: _place(item.get("severity")))


def how_many(findings: Iterable[Finding | Mapping[str, Any]]) -> str:
    """Return the number of findings of each severity, in words."""
    words = [item.severity if isinstance(item, Finding) else str(item.get("severity")) for item in findings]
    kinds = {"severe": "severe finding", "warning": "warning", "note": "note"}
    counted = [(words.count(name), kind) for name, kind in kinds.items() if name in words]
    return ", ".join(f"{held} {kind}{'s' if held != 1 else ''}" for held, kind in counted) or "nothing"


def _place(severity: object) -> int:
    return SEVERITIES.index(str(severity)) if severity in SEVERITIES else len(SEVERITIES)


def _merged(found: Iterable[tuple[Mapping[str, Any], str]]) -> list[Finding]:
    """Return each finding once, with every step that found it."""
    items: dict[str, Mapping[str, Any]] = {}
    steps: dict[str, list[str]] = {}
    for item, step in found:
        key = json.dumps([item.get(name) for name in ("code", "severity", "message", "effect")], sort_keys=True)
        items.setdefault(key, item)
        steps.setdefault(key, []).append(step)
    return [_finding(item, tuple(dict.fromkeys(steps[key]))) for key, item in items.items()]


def _grouped(findings: Sequence[Finding]) -> list[FindingGroup]:
    """Return findings of one severity, kind and remedy together, the most severe first."""
    groups: dict[tuple[int, str, str, str], list[Finding]] = {}
    for item in findings:
        groups.setdefault((_place(item.severity), item.severity, item.code, item.remedy), []).append(item)
    return [
        FindingGroup(severity, code, remedy, tuple(items))
        for (_, severity, code, remedy), items in sorted(groups.items(), key=lambda pair: pair[0][0])
    ]


def _finding(item: Mapping[str, Any], steps: tuple[str, ...]) -> Finding:
    return Finding(
        severity=str(item.get("severity") or "note"),
        code=str(item.get("code") or "finding"),
        message=named(str(item.get("message") or "")),
        counted=_counted(item),
        effect=_effect(item.get("effect")),
        remedy=str(item.get("remedy") or ""),
        examples=[_words(example) for example in (item.get("examples") or [])[:MOST_EXAMPLES]],
        steps=steps,
    )


def _counted(item: Mapping[str, Any]) -> str:
    """Return how many rows of how many, where the message does not say it."""
    held, total = real(item.get("count")), real(item.get("total"))
    message = str(item.get("message"))
    if held is None or (str(int(held)) in message and (total is None or str(int(total)) in message)):
        return ""
    return count(held) + (f" of {count(total)} ({held / total:.1%})" if total else "")


def _words(item: Any) -> str:
    if isinstance(item, Mapping):
        return ", ".join(f"{key} {value}" for key, value in item.items() if value not in (None, ""))
    if isinstance(item, Sequence) and not isinstance(item, str):
        return " – ".join(str(part) for part in item)
    return str(item)


def _effect(effect: Any) -> list[str]:
    """Return what was measured with and without the offending rows, a line a measurement."""
    lines = []
    for who, item in (effect or {}).items():
        said = estimate(item) if "value" in item else ", ".join(_measured(item))
        lines.append(f"{str(who).replace('_', ' ')}: {title_of(item.get('metric', ''))} {said}")
    return lines


def _measured(item: Mapping[str, Any]) -> list[str]:
    values = {key: real(value) for key, value in item.items() if key != "metric"}
    return [f"{number(value)} {ROWS.get(key, key)}" for key, value in values.items() if value is not None]
