"""A data set that a model was not made for: its classes by the names that the model knows them by."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from genotool.dataset import Dataset
from genotool.errors import InputError

__all__ = ["in_classes", "unmet_classes"]


def in_classes(rows: Dataset, classes: Sequence[str]) -> tuple[Dataset, dict[str, Any]]:
    """Return the rows whose class the model knows, coded as it codes them, and what did not meet.

    Names meet in any case and with any signs between their letters and digits (``Brain_Cortex``, ``brain cortex``).

    Returns
    -------
    tuple
        The rows, and ``classes_unknown`` (class to rows left out: the model has never seen it) and
        ``classes_absent`` (classes of the model that no row has).

    Raises
    ------
    InputError
        If the rows have none of the classes.
    """
    if rows.target is None or tuple(classes) == rows.classes:
        return rows, {}
    code = {_plain(name): number for number, name in enumerate(classes)}
    codes = np.array([code.get(_plain(name), -1) for name in rows.classes], np.int64)
    target = codes[np.asarray(rows.target, np.int64)]
    if (target < 0).all():
        hint = f"the model knows {', '.join(list(classes)[:8])}; --target names another column"
        raise InputError(f"no row of {rows.name} has a class that the model knows", value=rows.classes[:8], hint=hint)
    counts = np.bincount(rows.target, minlength=len(rows.classes))
    unknown = {name: int(n) for name, n, new in zip(rows.classes, counts, codes, strict=True) if new < 0 and n}
    absent = [name for number, name in enumerate(classes) if not (target == number).any()]
    left_out = {**rows.about.left_out, **{f"{name}: no class of the model": n for name, n in unknown.items()}}
    known = np.flatnonzero(target >= 0)
    kept = rows.take(known)
    about = dataclasses.replace(kept.about, left_out=left_out)
    kept = dataclasses.replace(kept, target=target[known], classes=tuple(classes), about=about)
    return kept, {"classes_unknown": unknown, "classes_absent": absent}


def unmet_classes(measured: Mapping[str, Any]) -> str:
    """Return in words the classes of `in_classes` that did not meet; "" where the model and the set have the same."""
    unknown = [f"{name} ({rows} rows)" for name, rows in (measured.get("classes_unknown") or {}).items()]
    absent = [str(name) for name in measured.get("classes_absent") or []]
    said = [f"unknown to the model, and left out: {', '.join(unknown)}"] if unknown else []
    said += [f"known to the model, and not in the set: {', '.join(absent)}"] if absent else []
    return f"classes {'; '.join(said)}" if said else ""


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
