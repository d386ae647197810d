"""What an audit looked at, in a line a data set or run: an audit of the wrong column finds nothing either."""

from __future__ import annotations

import numpy as np

from genotool.audit.words import nouns
from genotool.dataset import Dataset
from genotool.run import Run

__all__ = ["looked_at", "looked_at_run"]

MOST_CLASSES = 6


def looked_at(dataset: Dataset) -> str:
    """Return the rows, target, groups and split that a data set was taken to have."""
    named = f" named by the column {dataset.about.roles['id']!r}" if "id" in dataset.about.roles else ""
    rows = f"{dataset.name}: {len(dataset)} {nouns(dataset.kind, len(dataset))}{named}"
    said = [rows, _target(dataset), _groups(dataset)]
    if "split" in dataset.columns:
        said.append(f"split by {_column(dataset, 'split', 'its own split')}")
    else:
        said.append("no split column, so nothing was looked for across training and test rows")
    return "; ".join(said)


def _column(dataset: Dataset, role: str, otherwise: str) -> str:
    name = dataset.about.roles.get(role)
    return f"the column {name!r}" if name else otherwise


def _target(dataset: Dataset) -> str:
    if dataset.target is None:
        return "no target, so what needs a label was not looked for"
    named = f"target {_column(dataset, 'target', 'as the set has it')}"
    if not dataset.classes:
        return f"{named}, a number"
    counts = np.bincount(dataset.target, minlength=len(dataset.classes)).tolist()
    shown = [f"{name} {count}" for name, count in zip(dataset.classes, counts, strict=True)]
    return f"{named}, classes {', '.join(shown[:MOST_CLASSES])}{', …' if len(shown) > MOST_CLASSES else ''}"


def _groups(dataset: Dataset) -> str:
    if dataset.groups is None:
        return "no groups"
    return f"{len(set(dataset.groups.tolist()) - {''})} groups by {_column(dataset, 'groups', 'its own groups')}"


def looked_at_run(run: Run, *, against_data: bool) -> str:
    """Return what of a finished run's folder was verified."""
    split = run.record.get("folds") is None and run.file("split.tsv").is_file()
    has = {"files": run.record.get("manifest") is not None, "metrics": run.file("metrics.json").is_file(),
           "fitted rows": against_data and split and run.file("fitted.json").is_file(),
           "predictions": against_data and run.file("predictions.tsv").is_file()}  # fmt: skip
    done, left = ([name for name, there in has.items() if there is wanted] for wanted in (True, False))
    said = f"{run.path.name}: a run folder, {', '.join(done) or 'nothing'} verified"
    return said + (f"; not {' nor '.join(left)}" if left else "")
