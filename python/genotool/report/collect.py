"""Read what a report shows out of a run folder or a recipe's folder; what is damaged is noted, not fatal."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genotool.errors import GenotoolError, InputError
from genotool.report.shapes import fitted
from genotool.run import Run

__all__ = ["Collected", "Step", "Table", "collect", "models_of"]

STEMS = ("metrics", "audit", "comparison", "explanation", "summary", "pooled", "leaderboard", "motifs",
         "tests", "ranking", "clusters", "enrichment")  # fmt: skip
TABLES = ("predictions", "history", "trials", "stats", "gene_lists", "enrichment")
LARGEST_FIGURE = 4_000_000
MOST_PARENTS = 5
STEP_NAME = re.compile(r"(\d+)-(.+)")


@dataclass(frozen=True, slots=True)
class Table:
    """A TSV file: its header, and its rows as text."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def column(self, name: str) -> list[str]:
        """Return a column as text; empty cells where the table has no such column."""
        if name not in self.header:
            return [""] * len(self.rows)
        place = self.header.index(name)
        return [row[place] if place < len(row) else "" for row in self.rows]


@dataclass(frozen=True, slots=True)
class Step:
    """One run folder.

    Attributes
    ----------
    name
        The folder's name below the report's own folder; "" for the report's own.
    record
        The content of ``run.json``.
    content
        The JSON files that are there, by stem: those of `STEMS`.
    tables
        The TSV files that are there, by stem: those of `TABLES` and ``predictions-SET``.
    figures
        The figures that the verb drew, by stem, as SVG text.
    problems
        What could not be read, in words.
    """

    name: str
    path: Path
    record: Mapping[str, Any]
    content: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tables: Mapping[str, Table] = field(default_factory=dict)
    figures: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def verb(self) -> str:
        """The verb that made the folder."""
        return str(self.record.get("verb", ""))

    @property
    def title(self) -> str:
        """The step in words: its folder's name without the number, or the verb."""
        match = STEP_NAME.fullmatch(self.name.removeprefix("steps/"))
        return match[2].replace("-", " ") if match else self.verb

    @property
    def state(self) -> str:
        """Whether it is done, running, failed or stopped."""
        return str(self.record.get("state", "unknown"))

    @property
    def simulated(self) -> bool:
        """Whether any of its data were simulated."""
        return bool(self.record.get("simulated"))

    @property
    def data(self) -> tuple[Mapping[str, Any], ...]:
        """What the run says of each of its data sets."""
        items = self.record.get("data") or ()
        return tuple(item for item in items if isinstance(item, Mapping))


@dataclass(frozen=True, slots=True)
class Collected:
    """A run folder or a recipe's folder, read.

    Attributes
    ----------
    top
        The folder itself.
    steps
        The recipe's steps in order; of a single run, that run.
    models
        What a user calls each final model, and the name of its step.
    problems
        What of the whole could not be read, in words: a step's folder, a step that a model needs.
    behind
        The run whose model this one rests on and does not measure, such as an explanation's; None where there is none.
    """

    top: Step
    steps: tuple[Step, ...]
    models: Mapping[str, str]
    problems: tuple[str, ...] = ()
    behind: Step | None = None

    @property
    def damage(self) -> list[str]:
        """Everything that could not be read, each with the step that it belongs to."""
        held = {step.name: step for step in (self.top, *self.steps)}.values()
        found = [f"{step.name}/{problem}".lstrip("/") for step in held for problem in step.problems]
        return [*self.problems, *found]

    @property
    def simulated(self) -> bool:
        """Whether any data were simulated."""
        return any(step.simulated for step in (self.top, *self.steps))

    def having(self, part: str) -> Iterator[Step]:
        """Yield the steps that hold a JSON file or a table of that stem."""
        return (step for step in self.steps if part in step.content or part in step.tables)


def collect(path: Path) -> Collected:
    """Read a run folder or a recipe's folder.

    Raises
    ------
    UsageError, InputError
        If it is no run folder.
    """
    top = _step(path, "")
    folders = sorted((path / "steps").glob("*/"), key=_step_order) if (path / "steps").is_dir() else []
    problems: list[str] = []
    found = [_found(folder, problems) for folder in folders]
    steps = tuple(step for step in found if step is not None)
    models = dict(top.content.get("summary", {}).get("models") or {})
    there = {step.name for step in steps}
    problems += [
        f"the step of the model {key} is not there: {name}" for key, name in models.items() if name not in there
    ]
    alone = not steps and "metrics" not in top.content
    return Collected(top, steps or (top,), models, tuple(problems), _behind(top) if alone else None)


def _behind(step: Step) -> Step | None:
    """Follow the only parent of each run up to one that was measured on test rows; None where that leads nowhere."""
    for _ in range(MOST_PARENTS):
        parents = step.record.get("parents") or []
        if len(parents) != 1:
            return None
        folder = (step.path / str(parents[0])).resolve()
        try:
            step = _step(folder, folder.name)
        except GenotoolError:
            return None
        if step.content.get("metrics", {}).get("test"):
            return step
    return None


def _found(folder: Path, problems: list[str]) -> Step | None:
    """Read a step's folder; None where it is no run folder or its ``run.json`` is damaged."""
    name = f"steps/{folder.name}"
    try:
        return _step(folder, name)
    except InputError as error:
        problems.append(f"{name}: {error.message.removeprefix(f'{error.file}: ')}")
        return None


def _step_order(folder: Path) -> tuple[int, str]:
    match = STEP_NAME.fullmatch(folder.name)
    return (int(match[1]) if match else 10**6, folder.name)


def _step(path: Path, name: str) -> Step:
    problems: list[str] = []
    record = fitted("run", Run.open(path).record, problems)
    content = {}
    for stem in STEMS:
        found = _read_json(path, stem, problems)
        if found is not None:
            content[stem] = found
    tables = {}
    for file in (*(path / f"{stem}.tsv" for stem in TABLES), *sorted(path.glob("predictions-*.tsv"))):
        table = _read_table(file, problems)
        if table is not None:
            tables[file.stem] = table
    return Step(name, path, record, content, tables, _figures(path / "figures"), tuple(problems))


def _there(file: Path, problems: list[str]) -> bool:
    """Return whether there is a file to read; a folder or a pipe in its place is damage."""
    if file.exists() and not file.is_file():
        problems.append(f"{file.name} is damaged: no regular file")
    return file.is_file()


def _read_json(folder: Path, stem: str, problems: list[str]) -> Mapping[str, Any] | None:
    file = folder / f"{stem}.json"
    if not _there(file, problems):
        return None
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        problems.append(f"{file.name} is damaged: {error}")
        return None
    found: Mapping[str, Any] | None = fitted(stem, content, problems)
    return found


def _read_table(file: Path, problems: list[str]) -> Table | None:
    if not _there(file, problems):
        return None
    try:
        with file.open(encoding="utf-8", newline="") as handle:
            rows = [tuple(row) for row in csv.reader(handle, delimiter="\t", quoting=csv.QUOTE_NONE)]
    except (OSError, ValueError, csv.Error) as error:
        problems.append(f"{file.name} is damaged: {error}")
        return None
    if not rows:
        problems.append(f"{file.name} is damaged: it is empty")
    return Table(rows[0], tuple(rows[1:])) if rows else None


def _figures(folder: Path) -> dict[str, str]:
    files = sorted(folder.glob("*.svg")) if folder.is_dir() else []
    kept = [file for file in files if file.is_file() and file.stat().st_size <= LARGEST_FIGURE]
    return {file.stem: file.read_text(encoding="utf-8", errors="replace") for file in kept}


def models_of(collected: Collected) -> list[tuple[str, Step]]:
    """Return each model's name and the step that measured it on test rows, a recipe's final models first."""
    by_name = {step.name: step for step in collected.steps}
    final = [(label, by_name[name]) for label, name in collected.models.items() if name in by_name]
    taken = {step.name for _, step in final} | _repeats(collected)
    rest = [(_label(step), step) for step in collected.having("metrics") if step.name not in taken]
    return [pair for pair in [*final, *rest] if pair[1].content.get("metrics", {}).get("test")]


def _repeats(collected: Collected) -> set[str]:
    """Return the steps that were judged together, as repeats of a model: they are shown as one."""
    pooled = [step for step in collected.steps if "pooled" in step.content]
    parents = (parent for step in pooled for parent in step.record.get("parents") or [])
    return {f"steps/{Path(str(parent)).name}" for parent in parents}


def _label(step: Step) -> str:
    """Return a name for a model that the recipe gave none: its data and what was done with it."""
    if not step.data:
        return step.verb
    return f"{step.data[0].get('name', '')} ({step.verb})"
