"""Output files of verbs that write no run folder: whole or not at all, with their provenance beside them."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from genotool.errors import GenotoolError, UsageError
from genotool.manifest import file_digest

__all__ = ["check_out", "folder_digest", "provenance_file", "writing"]


@contextmanager
def writing(out: Path | None) -> Iterator[TextIO]:
    """Give a handle whose text becomes the file only if the block ends well; None is standard output."""
    if out is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    temporary = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(out)
    except OSError as error:
        raise GenotoolError(f"{out}: cannot be written: {error.strerror}", hint="choose another -o") from error
    finally:
        temporary.unlink(missing_ok=True)


def check_out(out: Path | None, overwrite: bool) -> Path | None:
    """Return the file to write, None for standard output.

    Raises
    ------
    UsageError
        If it exists and `overwrite` is not set, is a folder, or its folder does not exist.
    """
    if out is None or str(out) == "-":
        return None
    if out.is_dir():
        raise UsageError(f"{out}: is a folder; predict writes a file", hint=f"such as -o {out / 'scores.tsv'}")
    if not out.parent.is_dir():
        raise UsageError(f"{out.parent}: no such folder", hint="make it first")
    taken = [file for file in (out, provenance_file(out)) if file.exists()]
    if taken and not overwrite:
        raise UsageError(f"{taken[0]}: exists already", hint="replace it with --overwrite, or choose another -o")
    return out


def provenance_file(out: Path) -> Path:
    """Return where the provenance of a file lies: beside it, as ``FILE.json``."""
    return out.with_name(out.name + ".json")


def folder_digest(folder: Path, names: tuple[str, ...]) -> str:
    """Return one SHA-256 of the files in a folder that match any of the patterns, names and content."""
    digest = hashlib.sha256()
    for file in sorted({file for name in names for file in folder.glob(name) if file.is_file()}):
        digest.update(f"{file.relative_to(folder).as_posix()} {file_digest(file)}\n".encode())
    return digest.hexdigest()
