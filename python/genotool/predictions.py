"""Scores in a run folder: what a model and its floors said of each row, written and read back.

``predictions.tsv`` has one row a row of the data set, in its order; ``floors.tsv`` one a test row. A comparison of
runs needs nothing else, whichever family made them.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.dataset import Dataset, Task
from genotool.errors import InputError
from genotool.floors import Floor
from genotool.run import Run, check_regular
from genotool.sequences import Sequences
from genotool.split import Part

__all__ = ["TestRows", "read_table", "read_test_rows", "trained_groups", "write_floor_scores", "write_scores"]

Floats: TypeAlias = NDArray[np.float64]


def write_scores(
    run: Run,
    dataset: Dataset,
    score: NDArray[Any],
    threshold: float,
    task: Task,
    *,
    split: NDArray[np.int8] | None = None,
    name: str = "predictions.tsv",
) -> None:
    """Write one row a row of the data set, in its order: id, keys, split, target, score, label."""
    keys = [column for column in dataset.keys if isinstance(column, Sequences)]
    roles = [role for role, column in dataset.columns.items() if any(column is key for key in keys)]
    group = [] if dataset.groups is None else ["group"]
    wide = score.ndim == 2
    scores = [f"score_{label}" for label in dataset.classes] if wide else ["score"]
    mark = {"simulated": "yes"} if run.record.get("simulated") else {}
    header = ["id", *roles, *group, "split", "target", *scores, "label", *mark]
    parts = {part.value: part.name.lower() for part in Part}

    def line(row: int) -> list[object]:
        target = None if dataset.target is None else dataset.target[row]
        named = dataset.classes[int(target)] if dataset.classes and target is not None else target
        cells: list[object] = [dataset.ids[row], *(key[row] for key in keys)]
        cells += [] if dataset.groups is None else [dataset.groups[row]]
        cells += [parts[int(split[row])] if split is not None else "", named]
        values = [float(value) for value in np.atleast_1d(score[row])]
        return [*cells, *(f"{value:.6g}" for value in values), _label(dataset, values, threshold, task), *mark.values()]

    run.write_table(name, header, (line(row) for row in range(len(dataset))))


def _label(dataset: Dataset, values: list[float], threshold: float, task: Task) -> str:
    if task is Task.REGRESSION or not dataset.classes:
        return ""
    return dataset.classes[int(np.argmax(values)) if task is Task.MULTICLASS else int(values[0] >= threshold)]


def write_floor_scores(run: Run, test: Dataset, floors: Sequence[Floor], name: str = "floors.tsv") -> None:
    """Write the id of each test row and what every floor (or control) says of it, a column a class for many."""
    if not floors:
        return
    wide = floors[0].scores.ndim == 2
    header = [f"{floor.name}_{label}" for floor in floors for label in test.classes] if wide else []
    columns = np.column_stack([floor.scores for floor in floors])
    run.write_table(
        name,
        ["id", *(header or [floor.name for floor in floors])],
        ([test.ids[row], *(f"{value:.6g}" for value in columns[row].tolist())] for row in range(len(test))),
    )


@dataclass(frozen=True, slots=True, eq=False)
class TestRows:
    """What a run said of its test rows.

    Attributes
    ----------
    name
        What the run is called in tables.
    ids, groups
        (n,) text; `groups` is "" where a row has none, and None where the data have no groups.
    target, score
        As in `genotool.metrics.compute`.
    floors
        The scores of the floors on the same rows, by name.
    threshold
        The probability from which a binary row was decided to be positive.
    controls
        The scores of the artefact controls on the same rows, by name.
    """

    __test__ = False  # no test case, whatever pytest makes of its name

    name: str
    task: Task
    ids: NDArray[np.str_]
    groups: NDArray[np.str_] | None
    target: NDArray[Any]
    score: Floats
    floors: Mapping[str, Floats]
    threshold: float = 0.5
    controls: Mapping[str, Floats] = field(default_factory=dict)


def read_test_rows(run: Run, name: str) -> TestRows:
    """Read what a finished run said of its test rows.

    Raises
    ------
    InputError
        If it is unfinished, has no test rows, or its tables are damaged.
    """
    if not run.finished:
        raise InputError("the run is not finished", file=run.path, hint="go on with --resume")
    classes = [str(label) for label in run.record["data"][0].get("classes", [])] if run.record.get("data") else []
    file = run.file("predictions.tsv")
    rows = [row for row in read_table(file) if row.get("split") == Part.TEST.name.lower()]
    if not rows:
        raise InputError("the run has no test rows with a score", file=file, hint="compare runs that trained a model")
    try:
        task = Task(str(run.record.get("task")))
        score = _columns(rows, [f"score_{label}" for label in classes] if task is Task.MULTICLASS else ["score"])
        target = _target(rows, task, classes)
        many = classes if task is Task.MULTICLASS else []
        floors, controls = (_scores_beside(run, rows, many, name) for name in ("floors.tsv", "controls.tsv"))
        threshold = float(0.5 if run.record.get("threshold") is None else run.record["threshold"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"the scores are damaged: {error}", file=file, hint="make the run again") from error
    groups = np.array([row["group"] for row in rows], np.str_) if "group" in rows[0] else None
    ids = np.array([row["id"] for row in rows], np.str_)
    return TestRows(name, task, ids, groups, target, score, floors, threshold, controls)


def trained_groups(run: Run) -> set[str]:
    """Return the groups, in capitals, whose rows trained or validated the model of a run; none where it has none."""
    if not run.file("predictions.tsv").is_file():
        return set()
    fitted = {Part.TRAIN.name.lower(), Part.VALID.name.lower()}
    return {row["group"].upper() for row in read_table(run.file("predictions.tsv"))
            if row.get("group") and row.get("split") in fitted}  # fmt: skip


def read_table(file: Path) -> list[dict[str, str]]:
    """Read a table of a run folder, a mapping a row; InputError if it is missing or damaged."""
    check_regular(file)
    try:
        with file.open(encoding="utf-8", newline="") as handle:
            return list(csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE))
    except FileNotFoundError:
        raise InputError(f"the run has no {file.name}", file=file.parent) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"damaged: {error}", file=file, hint="make the run again") from error


def _columns(rows: Sequence[Mapping[str, str]], names: Sequence[str]) -> Floats:
    values = np.array([[float(row[name]) for name in names] for row in rows])
    return values[:, 0] if len(names) == 1 else values


def _target(rows: Sequence[Mapping[str, str]], task: Task, classes: Sequence[str]) -> NDArray[Any]:
    if task is Task.REGRESSION:
        return _columns(rows, ["target"])
    codes = {label: code for code, label in enumerate(classes)}
    return np.array([codes[row["target"]] for row in rows], np.int64)


def _scores_beside(run: Run, rows: Sequence[Mapping[str, str]], classes: Sequence[str], file: str) -> dict[str, Floats]:
    """Return what the floors or controls in a file say of the rows, by name; nothing where there is no file."""
    if not run.file(file).is_file():
        return {}
    table = read_table(run.file(file))
    if [row["id"] for row in table] != [row["id"] for row in rows]:
        raise ValueError(f"{file} and predictions.tsv are of other rows")
    names = [name for name in table[0] if name not in ("id", "simulated")]
    if not classes:
        return {name: _columns(table, [name]) for name in names}
    ending = f"_{classes[0]}"
    floors = [name.removesuffix(ending) for name in names if name.endswith(ending)]
    return {floor: _columns(table, [f"{floor}_{label}" for label in classes]) for floor in floors}
