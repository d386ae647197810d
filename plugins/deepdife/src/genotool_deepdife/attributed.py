"""An explanation's run folder, read: sequences, and what each of their bases is worth to the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from genotool.errors import InputError
from genotool.persist import load_arrays
from genotool.run import DAMAGED, Run
from numpy.typing import NDArray

__all__ = ["Attributed", "read"]

ALPHABET = ["A", "C", "G", "T"]


@dataclass(frozen=True, slots=True, eq=False)
class Attributed:
    """Sequences of one length with their contributions.

    Attributes
    ----------
    ids
        (n,) text.
    inputs
        (n, length, 4) uint8: one-hot bases; a position without a base has none set.
    hypothetical
        (n, length, 4) float32: what each base would contribute if it were there.
    target
        (n,) int64 codes of `classes`; None where the rows have no classes.
    about
        The content of ``explanation.json``.
    """

    ids: NDArray[np.str_]
    inputs: NDArray[np.uint8]
    hypothetical: NDArray[np.float32]
    target: NDArray[np.int64] | None
    classes: tuple[str, ...]
    about: Mapping[str, Any]
    run: Run

    @property
    def contributions(self) -> NDArray[np.float32]:
        """(n, length) float32: what the base that is there contributes."""
        return np.asarray((self.hypothetical * self.inputs).sum(axis=2), np.float32)

    @property
    def model(self) -> Mapping[str, Any]:
        """The settings of the model that was explained, as far as they are known."""
        config = self.run.record.get("config")
        return config if isinstance(config, dict) else {}

    @property
    def exact(self) -> bool | None:
        """Whether the contributions add up to the predictions; None where their method does not claim it."""
        exact = self.about.get("exact")
        return exact if isinstance(exact, bool) else None


def read(folder: Path) -> Attributed:
    """Read the run folder of `genotool explain`.

    Raises
    ------
    UsageError
        If there is no such folder.
    InputError
        If another verb made it, it is not finished, of another alphabet, damaged, or has no hypothetical contributions.
    """
    run = Run.open(folder)
    if run.record.get("verb") != "explain":
        hint = "name the folder that `genotool explain` wrote; in a recipe's folder it is steps/NN-explain"
        raise InputError("no explanation", file=folder, value=run.record.get("verb"), hint=hint)
    if not run.finished:
        raise InputError("this explanation is not finished", file=folder, hint=f"go on with --resume {folder}")
    about = run.read_json("explanation.json")
    if not isinstance(about, dict) or about.get("alphabet") != ALPHABET:
        found = about.get("alphabet") if isinstance(about, dict) else about
        raise InputError("motifs are found in one-hot DNA, A C G T", file=folder, value=found)
    file = run.file("attributions.npz")
    arrays = load_arrays(file)
    if "hypothetical" not in arrays:
        hint = "explain again with this version, by a method that gives them (DeepSHAP does): `genotool explain`"
        raise InputError("the explanation has no hypothetical contributions", file=file, hint=hint)
    classes = tuple(map(str, (run.record["data"] or [{}])[0].get("classes") or ()))
    try:
        return _checked(arrays, classes, about, run)
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f"damaged: {error}", file=file, hint=DAMAGED) from error


def _checked(
    arrays: Mapping[str, NDArray[Any]], classes: tuple[str, ...], about: Mapping[str, Any], run: Run
) -> Attributed:
    """Return the arrays if they fit each other; ValueError says what does not, KeyError names what is missing."""
    inputs, hypothetical, ids = arrays["inputs"], arrays["hypothetical"], arrays["ids"]
    if inputs.ndim != 3 or inputs.shape[2] != len(ALPHABET) or hypothetical.shape != inputs.shape or not inputs.size:
        raise ValueError(f"inputs {inputs.shape} and hypothetical contributions {hypothetical.shape} do not fit")
    if ids.shape != inputs.shape[:1]:
        raise ValueError(f"{len(inputs)} rows have ids {ids.shape}")
    if not np.isin(inputs, (0, 1)).all() or (inputs.sum(axis=2) > 1).any():
        raise ValueError("inputs are not one-hot")
    if not np.issubdtype(hypothetical.dtype, np.floating) or not np.isfinite(hypothetical).all():
        raise ValueError("hypothetical contributions are not all finite numbers")
    target = _codes(arrays.get("target"), len(inputs), len(classes))
    return Attributed(
        ids.astype(np.str_), inputs.astype(np.uint8), hypothetical.astype(np.float32), target, classes, about, run
    )


def _codes(target: NDArray[Any] | None, rows: int, classes: int) -> NDArray[np.int64] | None:
    """Return the codes of the classes, None where there are none; ValueError if they do not fit."""
    if target is None or not classes:
        return None
    if target.shape != (rows,) or not np.isin(target, np.arange(classes)).all():
        raise ValueError(f"the targets are no codes of {classes} classes, one a row")
    return target.astype(np.int64)
