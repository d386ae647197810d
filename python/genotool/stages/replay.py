"""replay: run a finished run again from its ``run.json``, and say what differs."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genotool.differences import differences
from genotool.errors import GenotoolError, InputError
from genotool.run import Run

__all__ = ["TOLERANCE", "replay"]

TOLERANCE = 1e-3
"""Numbers that training on another machine, backend or thread count may move; beyond this the results differ."""
TAKE_FLAGS = ("run", "train", "transfer", "tune", "evaluate", "explain", "compare")
"""The verbs that take threads, backend and device."""
SET_AGAIN = {"--threads": "threads", "--backend": "backend", "--device": "device"}
VALUED = ("-o", "--out", *SET_AGAIN)
ALONE = ("--overwrite",)


def replay(folder: Path, *, out: Path, tolerance: float = TOLERANCE, overwrite: bool = False) -> dict[str, Any]:
    """Carry out the recorded command in a new folder, with its threads, backend and device; compare the results.

    Returns
    -------
    dict
        ``word``: ``same`` (equal bytes, but for timings), ``within`` (numbers inside the tolerance) or ``differs``;
        the files, the versions and data that differ.

    Raises
    ------
    InputError
        If the run is unfinished or records no command.
    GenotoolError
        If the command fails; its own error is on stderr.
    """
    original = Run.open(folder)
    if not original.finished:
        raise InputError("the run is not finished, so there is nothing to compare", file=folder, hint="--resume it")
    words = _command(original, out.absolute())
    Run.check_free(out, overwrite)
    code = subprocess.run(
        [sys.executable, "-P", "-m", "genotool", *words, *(["--overwrite"] if overwrite else [])],
        cwd=_folder(original), env=_environment(original), stdout=subprocess.DEVNULL, check=False,
    ).returncode  # fmt: skip
    if not (out / "DONE").is_file():
        raise GenotoolError(f"the replay failed (exit code {code}): genotool {' '.join(words)}")
    return _compared(original, Run.open(out), tolerance)


def _command(original: Run, out: Path) -> list[str]:
    command = [str(word) for word in original.record.get("command") or []]
    known = len(command) > 1 and str(original.record.get("verb")).startswith(command[1])
    if not known or any(word.startswith("--resume") for word in command):
        raise InputError("run.json names no command that can be run again", file=original.path)
    words, kept = command[1:], []
    skip = False
    for word in words:
        if not skip and word not in ALONE and word.partition("=")[0] not in VALUED:
            kept.append(word)
        skip = not skip and word in VALUED
    if command[1] in TAKE_FLAGS:
        recorded = {flag: original.record.get(name) for flag, name in SET_AGAIN.items()}
        kept += [word for flag, value in recorded.items() if value for word in (flag, str(value))]
    return [*kept, "-o", str(out)]


def _folder(original: Run) -> Path:
    folder = Path(original.record.get("cwd") or ".")
    if not folder.is_dir():
        raise InputError(f"the folder that the run was started in is gone: {folder}", file=original.path)
    return folder


def _environment(original: Run) -> dict[str, str]:
    folders = {item.get("data_dir") for item in original.record.get("data") or []} - {None}
    return dict(os.environ) | ({"GENOTOOL_DATA": str(folders.pop())} if len(folders) == 1 else {})


def _compared(original: Run, again: Run, tolerance: float) -> dict[str, Any]:
    files = differences(original.path, again.path)
    other = [item for item in files if item.word != "same"]
    beyond = [item for item in other if item.word != "numbers" or (item.largest or 0.0) > tolerance]
    return {
        "format": 1,
        "run": str(original.path),
        "replay": str(again.path),
        "word": "differs" if beyond else "within" if other else "same",
        "tolerance": tolerance,
        "same_files": len(files) - len(other),
        "files": [dataclasses.asdict(item) for item in other],
        "versions": _versions(original.record.get("versions") or {}, again.record.get("versions") or {}),
        "data": _data(original.record.get("data") or [], again.record.get("data") or []),
    }


def _versions(before: dict[str, str], now: dict[str, str]) -> dict[str, list[str | None]]:
    return {
        name: [before.get(name), now.get(name)] for name in sorted({*before, *now}) if before.get(name) != now.get(name)
    }


def _data(before: Sequence[dict[str, Any]], now: Sequence[dict[str, Any]]) -> list[str]:
    """Return the data sets whose content is no longer what it was."""
    digests = {item.get("name"): item.get("digest") for item in now}
    return [str(item["name"]) for item in before if item.get("digest") != digests.get(item.get("name"))]
