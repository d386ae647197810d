"""What was asked, and from what it came: the first and the last section."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from genotool.report.blocks import Block, Grid, Notice, Section, Text
from genotool.report.collect import Collected, Step
from genotool.report.numbers import count, real, seconds

__all__ = ["alarms", "asked", "provenance", "said", "warnings"]

DIGEST = 12


def said(collected: Collected) -> str:
    """Return the question in a sentence, where the recipe wrote one."""
    return str(collected.top.record.get("asked") or collected.top.content.get("summary", {}).get("asked") or "")


def asked(collected: Collected) -> Section:
    """Return the command, the seed and the data sets."""
    record = collected.top.record
    command = shlex.join(str(word) for word in record.get("command") or [])
    blocks: list[Block] = [Text(command, title="Command")]
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


def alarms(collected: Collected) -> list[Notice]:
    """Return what must be read before anything else: simulated data, damage, leaks, what did not finish."""
    said = [f"Damaged, and left out below: {problem}." for problem in collected.damage]
    for step in dict.fromkeys((collected.top.name, *(step.name for step in collected.steps))):
        said += _alarms(next(item for item in (collected.top, *collected.steps) if item.name == step))
    missing = _not_run(collected)
    said += [f"Not finished: planned, but not run: {', '.join(missing)}."] if missing else []
    text = "SIMULATED DATA. Everything below was computed on made-up rows with a known truth; "
    simulated = [text + "nothing here is a finding about biology."] if collected.simulated else []
    return [Notice(text, "bad") for text in [*simulated, *said]]


def _alarms(step: Step) -> list[str]:
    name = step.name or "This run"
    said = [f"{name} kept rows that meet held-out rows (--overlap keep): leaky."] if step.record.get("leaky") else []
    if step.state in ("failed", "stopped"):
        reason = f": {step.record['error']}" if step.record.get("error") else ""
        said.append(f"{name} {step.state}{reason}; what it did not finish is missing here.")
    elif step.state != "done" and step.name:
        said.append(f"{name} is not finished (it says {step.state}): what is shown of it may change.")
    return said


def warnings(collected: Collected) -> list[Notice]:
    """Return the warnings that the data sets carry, each once."""
    steps = (collected.top, *collected.steps)
    said = [f"{item.get('name')}: {item['warning']}" for step in steps for item in step.data if item.get("warning")]
    return [Notice(text) for text in dict.fromkeys(said)]


def provenance(collected: Collected) -> Section:
    """Return the steps with their times, parents and digests, the versions, and the configs."""
    blocks: list[Block] = [_steps(collected)]
    versions = collected.top.record.get("versions") or {}
    rows = [[str(name), str(value)] for name, value in versions.items()]
    blocks.append(Grid(["software", "version"], rows, title="Versions", folded=True))
    blocks += _settings(collected)
    return Section("provenance", "Where it comes from", blocks)


def _settings(collected: Collected) -> list[Block]:
    """Return the settings of the steps, equal ones once."""
    owners: dict[str, list[str]] = {}
    for step in collected.steps:
        if step.record.get("config"):
            owners.setdefault(json.dumps(step.record["config"], indent=1, sort_keys=True), []).append(step.title)
    return [
        Grid(["setting", "value"], list(map(list, _flat(json.loads(config)).items())),
             title=f"Settings of {', '.join(titles)}", folded=True)
        for config, titles in owners.items()
    ]  # fmt: skip


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
        peak = "–" if memory is None else f"{count(memory / 2**20)} MiB"
        parents = ", ".join(str(parent).removeprefix("../") for parent in record.get("parents") or []) or "–"
        name = step.name.removeprefix("steps/") or step.verb
        rows.append([name, step.state, seconds(timings.get("total")), peak, _where(step), parents])
    head = ["step", "state", "time", "peak memory", "ran on", "starts from"]
    return Grid(head, rows, numeric=frozenset({2, 3}), title="Steps")


def _where(step: Step) -> str:
    parts = (step.record.get("backend"), step.record.get("device"), step.record.get("threads"))
    words = [str(part) for part in parts[:2] if part]
    return ", ".join([*words, f"{parts[2]} thread{'s' if parts[2] != 1 else ''}"] if parts[2] else words) or "–"


def _not_run(collected: Collected) -> list[str]:
    """Return the keys of the recipe's planned steps that have no folder."""
    planned = [str(key) for key in collected.top.record.get("steps") or []]
    ran = {step.name.removeprefix("steps/").partition("-")[2] for step in collected.steps}
    return [key for key in planned if key not in ran]
