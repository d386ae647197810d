"""Data sets by name or path: the folder that was given, the download cache, the plugins' registries.

A data set is a name with one content. `find` says where a name was found; `load` reads it after a check of
its digests. A path to a file works wherever a name does.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TypeVar

import numpy as np

from genotool import download, plugins, readers, sniff
from genotool.catalogue import Catalogue, Entry, read_catalogue
from genotool.companions import Companions
from genotool.dataset import Dataset, Kind, Task
from genotool.errors import GenotoolError, InputError, UsageError, nearest

__all__ = [
    "DATA_VARIABLE", "Found", "by_cell", "cells", "data_folder", "entries", "files_of", "find", "is_path",
    "load", "load_many", "names", "read_found", "require_two_classes", "shipped_folder",
]  # fmt: skip

log = logging.getLogger(__name__)

W = TypeVar("W", bound=StrEnum)

DATA_VARIABLE = "GENOTOOL_DATA"
CATALOGUE = "catalogue.toml"


@dataclass(frozen=True, slots=True)
class Found:
    """A data set that was found.

    Attributes
    ----------
    where
        Where, in words: the folder, the download cache, or a registry.
    folder
        What the paths of its files are relative to.
    at_hand
        False where files have to be downloaded first.
    """

    entry: Entry
    where: str
    folder: Path
    at_hand: bool = True


def data_folder(data_dir: Path | str | None = None) -> Path | None:
    """Return the folder of data sets: `data_dir`, else `GENOTOOL_DATA`, else None.

    The word ``demo`` stands for the simulated folder that a plugin ships, unless a folder of that name lies
    here.

    Raises
    ------
    UsageError
        If the folder has no ``catalogue.toml``.
    """
    given = data_dir if data_dir is not None else os.environ.get(DATA_VARIABLE) or None
    if given is None:
        return None
    folder = Path(given)
    shipped = {spec.name for _, spec in plugins.specs("folder")}
    if str(given) in shipped and not folder.exists():
        return shipped_folder(str(given))
    if not (folder / CATALOGUE).is_file():
        said = "--data-dir" if data_dir is not None else DATA_VARIABLE
        hint = f"{said} names a folder with a {CATALOGUE}; `genotool data add FILE --data-dir DIR` starts one"
        raise UsageError(f"{folder} has no {CATALOGUE}", hint=hint)
    return folder


def shipped_folder(name: str = "demo", plugin: str | None = None) -> Path:
    """Return the folder of simulated sets that a plugin ships under a name.

    Raises
    ------
    UsageError
        If there is none, or several plugins ship one and none is named.
    """
    found = [path.parent for owner, path in plugins.catalogues("folder", plugin) if path.parent.name == name]
    if len(found) != 1:
        owners = ", ".join(owner for owner, _ in plugins.catalogues("folder")) or "none"
        raise UsageError(f"{len(found)} plugins ship a data folder {name!r}", hint=f"plugins with one: {owners}")
    return found[0]


@cache
def _read(path: Path, _changed: int) -> Catalogue:
    return read_catalogue(path)


def _catalogue(path: Path) -> Catalogue:
    return _read(path, path.stat().st_mtime_ns)


def entries(data_dir: Path | str | None = None) -> Iterator[Found]:
    """Yield every known data set once, in the order in which they are looked up."""
    seen: set[str] = set()
    for found in _all(data_dir):
        if found.entry.name not in seen:
            seen.add(found.entry.name)
            yield found


def _all(data_dir: Path | str | None) -> Iterator[Found]:
    folder = data_folder(data_dir)
    if folder is not None:
        said = "--data-dir" if data_dir is not None else DATA_VARIABLE
        for entry in _catalogue(folder / CATALOGUE).entries.values():
            yield Found(entry, f"the folder {folder} ({said})", folder)
    for plugin, _, catalogue in _of_plugins("registry"):
        kept = download.cache_folder() / plugin
        for entry in catalogue.entries.values():
            there = all((kept / spec.path).is_file() for spec in entry.files.values())
            where = f"the download cache {kept}" if there else f"the registry of the plugin {plugin}"
            yield Found(entry, where, kept, at_hand=there)
    for plugin, path, catalogue in _of_plugins("folder"):
        own = catalogue.entries.get(path.parent.name)
        if own is not None:  # a shipped folder answers to its own name only: never a silent stand-in
            yield Found(own, f"the simulated sets of the plugin {plugin}", path.parent)


def _of_plugins(kind: str) -> Iterator[tuple[str, Path, Catalogue]]:
    """Yield the catalogues that plugins ship; one that cannot be read costs its own sets only, and is said."""
    for plugin, path in plugins.catalogues(kind):
        try:
            catalogue = _catalogue(path)
        except (GenotoolError, OSError) as error:
            log.warning("the data sets of the plugin %s cannot be listed: %s", plugin, error)
            continue
        yield plugin, path, catalogue


def find(name: str, *, data_dir: Path | str | None = None) -> Found:
    """Look a name up; nothing is downloaded.

    Raises
    ------
    UsageError
        If nobody knows the name (exit 2).
    """
    known = {}
    for found in entries(data_dir):
        if found.entry.name == name:
            return found
        known[found.entry.name] = found
    same_cell = by_cell(name, data_dir=data_dir)
    hint = f"sets of that cell line: {', '.join(same_cell)}" if same_cell else nearest(name, known)
    if data_folder(data_dir) is None:
        hint += f"; more with --data-dir or {DATA_VARIABLE}"
    raise UsageError(f"unknown data set {name!r}", hint=hint)


def names(data_dir: Path | str | None = None) -> list[str]:
    """Return all known names, in the order in which they are looked up."""
    return [found.entry.name for found in entries(data_dir)]


def _plain(cell: str) -> str:
    return "".join(letter for letter in cell.casefold() if letter.isalnum())


def by_cell(cell: str, *, data_dir: Path | str | None = None) -> list[str]:
    """Return the names of the guide sets of a cell line, in any case, with or without hyphens (``HL-60``)."""
    asked = _plain(cell)
    return [f.entry.name for f in entries(data_dir) if f.entry.kind == Kind.GUIDES and _plain(f.entry.cell) == asked]


def cells(*, data_dir: Path | str | None = None) -> list[str]:
    """Return the cell lines that guide sets are known for: for the error about an unknown one."""
    return sorted({f.entry.cell for f in entries(data_dir) if f.entry.kind == Kind.GUIDES and f.entry.cell})


def is_path(operand: str, *, data_dir: Path | str | None = None) -> bool:
    """Whether an operand is a path rather than a name.

    Raises
    ------
    UsageError
        If it is both: a name that is known, and a file here.
    """
    if "/" in operand or "." in operand:
        return True
    if not Path(operand).is_file():
        return False
    if operand in names(data_dir):
        hint = f"write ./{operand} for the file; rename or move it to mean the data set"
        raise UsageError(f"{operand!r} is a data set and a file in this folder", hint=hint)
    return True


def load(
    operand: str | Path,
    *,
    data_dir: Path | str | None = None,
    kind: Kind | str | None = None,
    task: Task | str | None = None,
    target: str | None = None,
    labelled: bool = True,
    companions: Companions | None = None,
) -> Dataset:
    """Read a data set by name or path.

    Parameters
    ----------
    operand
        A name, or the path of a file, which is then sniffed.
    data_dir
        The folder of data sets; None takes `GENOTOOL_DATA`.
    kind
        What the rows must be; for a path, what it is to be read as.
    task
        What the target has to serve; None takes it from the entry or the content.
    target
        Another column than the entry's target; a column of numbers makes it a regression.
    labelled
        False keeps all rows, also those without a target, and gives no target: for prediction.
    companions
        For a path: the table of labels, the genome and the window of features, what of these goes with it.

    Raises
    ------
    UsageError
        An unknown name, a path that is none, a kind or target that does not fit (exit 2).
    InputError
        The content is not what it should be (exit 3).
    UnavailableError
        A known set that is not at hand and cannot be downloaded (exit 4).
    """
    asked = readers.Wanted(target, _one_of(Task, task), labelled)
    wanted_kind = _one_of(Kind, kind)
    if isinstance(operand, Path) or is_path(operand, data_dir=data_dir):
        path = Path(operand)
        return sniff.read_path(path, wanted_kind, asked, None if companions is None else companions.of(path))
    found = find(operand, data_dir=data_dir)
    if wanted_kind is not None and found.entry.kind != wanted_kind:
        hint = "`genotool data list` has the kind of each"
        raise UsageError(f"{operand} holds {found.entry.kind}, {wanted_kind} are needed", hint=hint)
    log.info("%s: taken from %s", operand, found.where)
    if found.entry.warning:
        log.warning("%s: %s", operand, found.entry.warning)
    return read_found(found, asked)


def _one_of(words: type[W], word: str | None) -> W | None:
    if word is not None and word not in list(words):
        raise UsageError(f"unknown {words.__name__.lower()} {word!r}", hint=nearest(word, [str(one) for one in words]))
    return None if word is None else words(word)


def read_found(found: Found, wanted: readers.Wanted | None = None) -> Dataset:
    """Read a data set that `find` found; see `load`."""
    files, entry = files_of(found), found.entry
    if entry.kind == Kind.GUIDES and entry.reader == "table" and not entry.columns:
        entry = sniff.complete(entry, files["data"])
    return readers.read(entry, files, wanted or readers.Wanted())


def files_of(found: Found) -> Mapping[str, Path]:
    """Return the files of a data set, by role, after a check of their digests; downloads what is missing.

    Raises
    ------
    InputError
        If a file is missing from the folder, or is not what its digest says.
    UnavailableError
        If a download fails.
    """
    if found.folder.is_relative_to(download.cache_folder()):  # what was damaged there is fetched again
        download.fetch(found.entry, found.folder)
    files = {}
    for role, spec in found.entry.files.items():
        path = found.folder / spec.path
        if not path.is_file():
            hint = "put the file there, or correct `files` of the catalogue"
            raise InputError(
                f"[{found.entry.name}]: the catalogue names a file that is not there", file=path, hint=hint
            )
        download.verify(path, spec)
        files[role] = path
    return files


def load_many(
    operands: Iterable[str | Path], *, data_dir: Path | str | None = None, kind: Kind | str | None = None
) -> list[Dataset]:
    """Read several data sets; see `load`."""
    return [load(operand, data_dir=data_dir, kind=kind) for operand in operands]


def require_two_classes(dataset: Dataset) -> None:
    """Check that a classification has rows of two classes or more: before training, and for each part.

    Raises
    ------
    InputError
        If it has rows of one class only.
    """
    if not dataset.classes or dataset.target is None:
        return
    present = np.unique(dataset.target)
    if len(present) < 2:
        only = ", ".join(dataset.classes[int(code)] for code in present) or "none"
        message = f"{dataset.name}: {len(dataset)} rows of one class only"
        raise InputError(message, file=dataset.about.path or None, value=only, hint="two classes are needed to learn")
