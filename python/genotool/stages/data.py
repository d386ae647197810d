"""The verb `data`: list, describe, get, verify and add data sets; plain data comes back, ready for JSON."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from genotool import readers, registry, sniff
from genotool.catalogue import FORMAT, NAME, Entry, FileSpec, parse_catalogue, read_catalogue
from genotool.companions import Companions
from genotool.dataset import KEY_COLUMNS, Dataset, Kind
from genotool.download import digest_of, verify
from genotool.errors import InputError, UsageError, nearest
from genotool.run import write_atomically

__all__ = ["add", "describe", "get", "list_all", "require_verified", "verify_all"]

SHOWN = 5
"""Classes that are named where they are listed in words."""
EMPTY: tuple[object, ...] = ("", (), {}, False)


def list_all(data_dir: Path | None = None) -> list[dict[str, Any]]:
    """Return one record a known data set: name, kind, cell, target, where it is, what has to be said."""
    return [_summary(found) for found in registry.entries(data_dir)]


def _summary(found: registry.Found) -> dict[str, Any]:
    entry = found.entry
    return {
        "name": entry.name,
        "kind": str(entry.kind),
        "cell": entry.cell,
        "target": entry.target,
        "where": found.where,
        "at_hand": found.at_hand,
        "simulated": entry.simulated,
        "warning": entry.warning,
    }


def describe(operand: str, data_dir: Path | None = None) -> dict[str, Any]:
    """Return what is known of one data set, and what its rows hold where the files are at hand.

    Raises
    ------
    GenotoolError
        As `registry.load` does.
    """
    if registry.is_path(operand, data_dir=data_dir):
        return _content(registry.load(operand, data_dir=data_dir))
    found = registry.find(operand, data_dir=data_dir)
    record = _summary(found) | {"cite": found.entry.cite, "licence": found.entry.licence}
    record["files"] = {role: _file(spec) for role, spec in found.entry.files.items()}
    return record | _content(registry.read_found(found)) if found.at_hand else record


def _file(spec: FileSpec) -> dict[str, str]:
    return {key: value for key, value in dataclasses.asdict(spec).items() if value}


def _content(dataset: Dataset) -> dict[str, Any]:
    return {
        "name": dataset.name,
        "kind": str(dataset.kind),
        "rows": len(dataset),
        "left_out": dict(dataset.about.left_out),
        "columns": sorted(dataset.columns),
        "features": None if dataset.features is None else len(dataset.features),
        "groups": None if dataset.groups is None else len(np.unique(dataset.groups)),
        "task": None if dataset.task is None else str(dataset.task),
        "target": _target(dataset),
        "digest": dataset.digest,
        "path": dataset.about.path,
    }


def _target(dataset: Dataset) -> dict[str, float] | None:
    """Rows of each class, or the quartiles of a number."""
    if dataset.target is None:
        return None
    if dataset.classes:
        counts = Counter(dataset.target.tolist())
        return {name: counts[code] for code, name in enumerate(dataset.classes)}
    quartiles = np.quantile(dataset.target, [0, 0.25, 0.5, 0.75, 1])
    return dict(zip(("least", "lower quartile", "median", "upper quartile", "most"), quartiles.tolist(), strict=True))


def get(name: str, data_dir: Path | None = None) -> dict[str, Any]:
    """Download a data set where it is not at hand, check its digests, and return where its files are."""
    found = registry.find(name, data_dir=data_dir)
    files = registry.files_of(found)
    entry = found.entry
    return {
        "name": entry.name,
        "files": {role: str(path) for role, path in files.items()},
        "licence": entry.licence,
        "cite": entry.cite,
        "warning": entry.warning,
    }


def verify_all(names: list[str] | None = None, data_dir: Path | None = None) -> list[dict[str, str]]:
    """Check the files of data sets against their digests; nothing is downloaded.

    Parameters
    ----------
    names
        Which sets; none means all that are at hand.

    Returns
    -------
    list
        One record a file: name, path, state (``ok``, ``missing``, ``no digest``, ``not downloaded``, or how
        it differs).
    """
    found = [registry.find(name, data_dir=data_dir) for name in names or []]
    chosen = found or [one for one in registry.entries(data_dir) if one.at_hand]
    return [
        {"name": one.entry.name, "path": str(one.folder / spec.path), "state": _state(one, spec)}
        for one in chosen
        for spec in one.entry.files.values()
    ]


def require_verified(states: list[dict[str, str]]) -> None:
    """Check that `verify_all` found every file right.

    Raises
    ------
    InputError
        At the first file that differs or is missing.
    """
    for record in states:
        if record["state"] not in ("ok", "no digest", "not downloaded"):
            hint = "fetch the file again, or add it anew with `genotool data add` if the change is yours"
            raise InputError(f"[{record['name']}]: {record['state']}", file=record["path"], hint=hint)


def _state(found: registry.Found, spec: FileSpec) -> str:
    path = found.folder / spec.path
    if not path.is_file():
        return "not downloaded" if spec.url else "missing"
    try:
        verify(path, spec)
    except InputError as error:
        return error.message.removeprefix(f"{path}: ")
    return "ok" if spec.sha256 or spec.git_blob else "no digest"


def add(
    file: Path,
    data_dir: Path | None = None,
    *,
    name: str | None = None,
    kind: Kind | str | None = None,
    columns: Mapping[str, str] | None = None,
    companions: Companions | None = None,
    **about: Any,
) -> dict[str, Any]:
    """Sniff a file and append its entry to the catalogue of a data folder, which is begun where there is
    none.

    The rest of the catalogue keeps its bytes. The whole file is read first, so that only what can be loaded
    is added.

    Parameters
    ----------
    columns
        Role to column, such as ``{"guide": "Oligo"}``, where the file leaves a choice.
    companions
        The labels of a FASTA file; the genome, window and labels of a BED or GFF3 file; inside the folder too.
    about
        ``cell``, ``cite``, ``licence``, ``warning``, ``groups``, ``target``: what the file itself does not
        say.

    Raises
    ------
    UsageError
        No data folder, a file outside it, a bad name or one that is taken.
    InputError
        The file is nothing that can be read.
    """
    folder = _folder(data_dir)
    _inside(folder, file)
    if companions is not None:
        companions.check_used([file])
    entry = sniff.sniff(file, _kind(kind), columns, companions)
    if target := about.pop("target", None):
        entry = sniff.learning(entry, file, target)
    entry = dataclasses.replace(
        entry,
        name=name or entry.name,
        files={role: _spec(folder, Path(spec.path)) for role, spec in entry.files.items()},
        **{key: value for key, value in about.items() if value},
    )
    catalogue = folder / registry.CATALOGUE
    _check_name(entry.name, catalogue)
    before = catalogue.read_bytes() if catalogue.exists() else f"format = {FORMAT}\n".encode()
    after = before + (b"" if before.endswith(b"\n") else b"\n") + b"\n" + _toml(entry).encode()
    parse_catalogue(after.decode(), catalogue)
    dataset = registry.read_found(registry.Found(entry, "", folder), readers.Wanted(strict_classes=True))
    write_atomically(catalogue, after)
    return {"catalogue": str(catalogue), "entry": _toml(entry), "taken": _taken(dataset, entry)} | _content(dataset)


def _spec(folder: Path, file: Path) -> FileSpec:
    return FileSpec(_inside(folder, file), sha256=digest_of(file, "sha256"))


def _kind(word: Kind | str | None) -> Kind | None:
    if word is not None and word not in list(Kind):
        raise UsageError(f"unknown kind {word!r}", hint=nearest(word, [str(kind) for kind in Kind]))
    return None if word is None else Kind(word)


def _taken(dataset: Dataset, entry: Entry) -> str:
    """Say in words what the rows and their target were taken to be, for somebody to disagree with."""
    keys = {role: entry.columns.get(role) for role in KEY_COLUMNS[entry.kind]}
    rows = f"{entry.kind}" + "".join(f" from the column {name!r}" for name in keys.values() if name)
    if entry.reader == "bed":
        rows = f"windows of the genome {entry.files['genome'].path}: {dataset.about.window}"
    if dataset.target is None:
        return f"{rows}; no target: nothing can be learned until one is named with --target"
    column = dataset.about.roles["target"]
    some = ", ".join(dataset.classes[:SHOWN]) + (", …" if len(dataset.classes) > SHOWN else "")
    what = f"{len(dataset.classes)} classes: {some}" if dataset.classes else "a number"
    return f"{rows}; the target is the column {column!r}, {what}; --target names another"


def _folder(data_dir: Path | None) -> Path:
    given = data_dir or os.environ.get(registry.DATA_VARIABLE)
    if not given:
        hint = f"--data-dir DIR or {registry.DATA_VARIABLE}"
        raise UsageError("there is no data folder to add to", hint=hint)
    if not Path(given).is_dir():
        raise UsageError(f"{given} is no folder", hint="make it first")
    return Path(given)


def _inside(folder: Path, file: Path) -> str:
    try:
        return file.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        hint = f"copy or link it into {folder} first"
        raise UsageError(f"{file} is not inside the data folder {folder}", hint=hint) from None


def _check_name(name: str, catalogue: Path) -> None:
    if not NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be a name", hint="letters, digits, - and _ only")
    if catalogue.exists() and name in read_catalogue(catalogue).entries:
        raise UsageError(f"{catalogue} has a data set {name!r} already", hint="--name another")


def _toml(entry: Entry) -> str:
    table = {key: value for key, value in dataclasses.asdict(entry).items() if value not in EMPTY}
    table["kind"] = str(entry.kind)
    table["files"] = {role: _file(spec) for role, spec in entry.files.items()}
    del table["name"]
    return tomli_w.dumps({entry.name: table})
