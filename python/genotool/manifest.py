"""The manifest of a run folder: the SHA-256 of every file that a verb wrote, kept in ``run.json`` when it is done.

It shows that a file was changed after the run ended, by accident or by somebody who did not know of it; it is no
signature: who writes the file and its digest anew is caught only by what `genotool.audit.verified` computes again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

__all__ = ["RECORD", "file_digest", "manifest_of", "record_digest"]

RECORD = "run.json"
LATER = (RECORD, "DONE", "log.txt", "report.html")
"""What may be written again when a run is done: remarks, and pages that only show what the other files hold."""
UNFINISHED = ("search",)
"""Folders of checkpoints, which nothing reads once the run is done."""


def file_digest(file: Path) -> str:
    """Return the SHA-256 of a file."""
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def record_digest(record: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what ``run.json`` says apart from the manifest, whatever its white space."""
    told = {name: value for name, value in record.items() if name != "manifest"}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def manifest_of(folder: Path) -> dict[str, str]:
    """Return the digest of each file of a run folder, by its path in it; run folders inside it keep their own."""
    return {file.relative_to(folder).as_posix(): file_digest(file) for file in sorted(_files(folder, folder))}


def _files(folder: Path, top: Path) -> Iterator[Path]:
    for item in folder.iterdir():
        if item.name.startswith(".") or item.is_symlink():
            continue
        if item.is_dir() and item.name not in UNFINISHED and not (item / RECORD).is_file():
            yield from _files(item, top)
        elif item.is_file() and not (folder == top and item.name in LATER):
            yield item
