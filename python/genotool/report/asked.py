"""What was asked, and from what it came: the first and the last section."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from genotool.report.blocks import Block, Grid, Notice, Section, Text
from genotool.report.collect import Collected, Step
from genotool.report.numbers import count, real, seconds

__all__ = ["asked", "provenance", "warnings"]

DIGEST = 12


def asked(collected: Collected) -> Section:
    """Return the command, the sentence, the seed and the data sets."""
    record = collected.top.record
    said = str(record.get("asked") or collected.top.content.get("summary", {}).get("asked") or "")
    command = shlex.join(str(word) for word in record.get("command") or [])
    blocks: list[Block] = [Text(said)] if said else []
    blocks.append(Text(command, title="Command"))
    facts = [("seed", record.get("seed")), ("task", record.get("task")), ("device", record.get("device"))]
    facts += [("started", record.get("started")), ("backend", record.get("backend"))]
    blocks.append(Text("; ".join(f"{name} {value}" for name, value in facts if value is not None)))
    blocks.append(_data(collected))
    return Section("asked", "What was asked", blocks)


def _data(collected: Collected) -> Grid:
    sets: dict[str, Mapping[str, Any]] = {}
    for step in (collected.top, *collected.steps):
        for item in step.data:
            sets.setdefault(str(item.get("name")), item)
    rows = []
    for name, item in sets.items():
        left = item.get("left_out") or {}
        lost = "; ".join(f"{count(rows)} {reason}" for reason, rows in left.items()) or "–"
        source = ". ".join(filter(None, (str(item.get("cite") or ""), str(item.get("licence") or ""))))
        digest = str(item.get("digest") or "")[:DIGEST]
        rows.append([name, str(item.get("cell") or "–"), count(item.get("rows")), lost, source or "–", digest])
    head = ["data set", "cell", "rows", "left out", "source and licence", "digest"]
    return Grid(head, rows, numeric=frozenset({2}), title="Data")


def warnings(collected: Collected) -> list[Notice]:
    """Return what must be seen first: simulated data, warnings of data sets, leaks, unfinished steps."""
    found: list[Notice] = []
    if collected.simulated:
        text = "SIMULATED DATA. Everything below was computed on made-up rows with a known truth; "
        found.append(Notice(text + "nothing here is a finding about biology.", "bad"))
    said: list[str] = []
    for step in (collected.top, *collected.steps):
        name = step.name or "This run"
        said += [f"{item.get('name')}: {item['warning']}" for item in step.data if item.get("warning")]
        if step.record.get("leaky"):
            said.append(f"{name} kept rows that meet held-out rows (--overlap keep): leaky.")
        if step.state in ("failed", "stopped"):
            reason = f": {step.record['error']}" if step.record.get("error") else ""
            said.append(f"{name} {step.state}{reason}; what it did not finish is missing here.")
        said += [f"{name}: {problem}" for problem in step.problems]
    return [*found, *(Notice(text) for text in dict.fromkeys(said))]


def provenance(collected: Collected) -> Section:
    """Return the steps with their times, parents and digests, the versions, and the configs."""
    blocks: list[Block] = [_steps(collected)]
    missing = _not_run(collected)
    if missing:
        blocks.append(Notice(f"Planned, but not run: {', '.join(missing)}.", "plain"))
    versions = collected.top.record.get("versions") or {}
    rows = [[str(name), str(value)] for name, value in versions.items()]
    blocks.append(Grid(["software", "version"], rows, title="Versions", folded=True))
    for step in collected.steps:
        config = json.dumps(step.record.get("config") or {}, indent=1, sort_keys=True)
        if step.record.get("config"):
            rows = [[key, value] for key, value in _flat(json.loads(config)).items()]
            blocks.append(Grid(["setting", "value"], rows, title=f"Settings of {step.title}", folded=True))
    return Section("provenance", "Where it comes from", blocks)


def _flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = json.dumps(value) if isinstance(value, list) else str(value)
    return flat


def _steps(collected: Collected) -> Grid:
    rows = []
    for step in collected.steps:
        record = step.record
        timings = record.get("timings") or {}
        memory = real(record.get("peak_memory_bytes"))
        peak = "–" if memory is None else f"{memory / 2**20:,.0f} MiB"
        parents = ", ".join(str(parent) for parent in record.get("parents") or []) or "–"
        name = step.name.removeprefix("steps/") or step.verb
        rows.append([name, step.state, seconds(timings.get("total")), peak, _where(step), parents])
    head = ["step", "state", "time", "peak memory", "ran on", "starts from"]
    return Grid(head, rows, numeric=frozenset({2, 3}), title="Steps")


def _where(step: Step) -> str:
    parts = (step.record.get("backend"), step.record.get("device"), step.record.get("threads"))
    words = [str(part) for part in parts[:2] if part]
    return ", ".join([*words, f"{parts[2]} threads"] if parts[2] else words) or "–"


def _not_run(collected: Collected) -> list[str]:
    """Return the keys of the recipe's planned steps that have no folder."""
    planned = [str(key) for key in collected.top.record.get("steps") or []]
    ran = {step.name.removeprefix("steps/").partition("-")[2] for step in collected.steps}
    return [key for key in planned if key not in ran]
