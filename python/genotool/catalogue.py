"""Catalogues: `catalogue.toml` of a data folder and `registry.toml` of a plugin, read and checked.

The form is that of the design's section on data sets: ``format = 1``, then one table a data set. A registry
adds ``url`` to each file. Keys that start with ``x-`` are free; any other unknown key is an error, so that a
slip of the pen never turns into a setting that was silently ignored.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar
from urllib.parse import urlsplit

from genotool import plugins
from genotool.dataset import Kind
from genotool.errors import InputError, nearest

__all__ = [
    "BUILT_IN_READERS",
    "FORMAT",
    "Catalogue",
    "Entry",
    "FileSpec",
    "parse_catalogue",
    "read_catalogue",
]

FORMAT = 1
BUILT_IN_READERS = ("10x", "anndata", "bed", "fasta", "matrix", "parquet", "table")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
DIGESTS = {"sha256": 64, "git_blob": 40}
"""The digits of each digest."""

FILE_ROLES = ("data", "labels", "meta", "genome")
FILE_KEYS = ("path", "sha256", "git_blob", "url")
TEXT_KEYS = ("id", "target", "groups", "split", "cell", "cite", "licence", "warning")
ENTRY_KEYS = ("kind", "reader", "files", "columns", "classes", "where", "window", "simulated", *TEXT_KEYS)
WINDOW_KEYS: Mapping[str, type] = {"upstream": int, "downstream": int, "feature": str, "attribute": str, "outside": str}

REQUIRED = {
    "kind": 'such as kind = "guides"',
    "reader": 'such as reader = "table"',
    "files": 'such as files = { data = { path = "guides.tsv" } }',
}
EXAMPLES: Mapping[type, str] = {
    str: 'in quotes: "1"',
    dict: "{ … }",
    list: '["0", "1"]',
    bool: "without quotes",
    int: "500",
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FileSpec:
    """One file of a data set.

    Attributes
    ----------
    path
        Relative to the catalogue's folder (a registry: to the plugin's part of the download cache).
    sha256, git_blob
        What the content must be: SHA-256, or the git blob id where only that is known; "" where not declared.
    url
        Where it can be downloaded; "" in a folder.
    """

    path: str
    sha256: str = ""
    git_blob: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One data set of a catalogue; the attributes are the keys of its table.

    Attributes
    ----------
    columns
        Role to column name, such as ``{"guide": "sgRNA"}``.
    classes
        The class names in the order of their codes; empty where the target is a number or the classes are
        found.
    where
        Column to the values of which one must hold for a row to belong to the data set.
    window
        What the reader `bed` cuts out of the genome: upstream, downstream, feature, attribute, outside.
    extra
        The ``x-`` keys, untouched.
    """

    name: str
    kind: Kind
    reader: str
    files: Mapping[str, FileSpec]
    columns: Mapping[str, str] = field(default_factory=dict)
    id: str = ""
    target: str = ""
    classes: tuple[str, ...] = ()
    groups: str = ""
    split: str = ""
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    window: Mapping[str, int | str] = field(default_factory=dict)
    cell: str = ""
    cite: str = ""
    licence: str = ""
    warning: str = ""
    simulated: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The data sets that one file describes, in its order."""

    path: Path
    entries: Mapping[str, Entry]


def read_catalogue(file: Path) -> Catalogue:
    """Read and check a catalogue.

    Raises
    ------
    InputError
        If the file is no TOML, or an entry has an unknown key, a wrong type, an unknown kind or reader, a
        path that leaves the folder, or lacks what it needs (exit 3).
    """
    try:
        text = file.read_bytes().decode("utf-8")
    except OSError as error:
        hint = "its permissions or its kind forbid it"
        raise InputError(f"the catalogue cannot be read: {error.strerror}", file=file, hint=hint) from error
    except UnicodeDecodeError as error:
        raise InputError("the catalogue is not UTF-8 text", file=file, hint="save it as UTF-8") from error
    return parse_catalogue(text, file)


def parse_catalogue(text: str, file: Path) -> Catalogue:
    """Check the text of a catalogue; `file` is what errors name. See `read_catalogue`."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        hint = "mend that line; `genotool data add FILE` writes entries"
        raise InputError(f"the catalogue is not valid TOML: {error}", file=file, hint=hint) from error
    found = content.pop("format", None)
    if found != FORMAT or isinstance(found, bool):
        hint = "write that line first" if found is None else "made for another version of genotool"
        raise InputError(f"a catalogue begins with `format = {FORMAT}`", file=file, value=found, hint=hint)
    entries = {name: _entry(name, table, file) for name, table in content.items() if not name.startswith("x-")}
    return Catalogue(file, entries)


def _entry(name: str, table: Any, file: Path) -> Entry:
    at = _Place(file, name)
    if not isinstance(table, dict):
        raise at.error("an entry is a table; a key of the catalogue itself must start with `x-`", table, f"x-{name}")
    if not NAME.fullmatch(name):
        hint = "rename it, so that it cannot be taken for a path"
        raise at.error("a name has letters, digits, `-` and `_` only", name, hint)
    at.check_keys(table, ENTRY_KEYS, "entry")
    return Entry(
        name=name,
        kind=_kind(at, at.required(table, "kind", str)),
        reader=_reader(at, at.required(table, "reader", str)),
        files=_files(at, at.required(table, "files", dict)),
        columns=at.words(table, "columns"),
        classes=_classes(at, at.optional(table, "classes", list, [])),
        where=_where(at, at.optional(table, "where", dict, {})),
        window=_window(at, at.optional(table, "window", dict, {})),
        simulated=at.optional(table, "simulated", bool, False),
        extra={key: value for key, value in table.items() if key.startswith("x-")},
        **{key: at.optional(table, key, str, "") for key in TEXT_KEYS},
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in which catalogue we are: for errors that name file, entry, key."""

    file: Path
    name: str

    def error(self, message: str, value: object = None, hint: str | None = None) -> InputError:
        return InputError(f"[{self.name}]: {message}", file=self.file, value=value, hint=hint)

    def check_keys(self, table: Mapping[str, Any], known: tuple[str, ...], what: str) -> None:
        for key in table:
            if key not in known and not key.startswith("x-"):
                raise self.error(f"unknown key {key!r} of the {what}", hint=f"{nearest(key, known)}; x-… is free")

    def required(self, table: Mapping[str, Any], key: str, kind: type[T]) -> T:
        if key not in table:
            raise self.error(f"the key {key!r} is missing", hint=REQUIRED[key])
        return self.typed(key, table[key], kind)

    def optional(self, table: Mapping[str, Any], key: str, kind: type[T], default: T) -> T:
        return self.typed(key, table[key], kind) if key in table else default

    def typed(self, key: str, value: Any, kind: type[T]) -> T:
        if not isinstance(value, kind):
            said = {str: "text", dict: "a table", list: "a list", bool: "true or false", int: "a whole number"}[kind]
            raise self.error(f"{key!r} must be {said}", value, EXAMPLES[kind])
        return value

    def words(self, table: Mapping[str, Any], key: str) -> dict[str, str]:
        inner = self.optional(table, key, dict, {})
        return {role: self.typed(f"{key}.{role}", value, str) for role, value in inner.items()}


def _kind(at: _Place, word: str) -> Kind:
    if word not in list(Kind):
        raise at.error("unknown kind", word, hint=nearest(word, [kind.value for kind in Kind]))
    return Kind(word)


def _reader(at: _Place, word: str) -> str:
    known = [*BUILT_IN_READERS, *(spec.name for _, spec in plugins.specs("reader"))]
    if word not in known:
        raise at.error("unknown reader", word, hint=nearest(word, known))
    return word


def _files(at: _Place, table: Mapping[str, Any]) -> dict[str, FileSpec]:
    at.check_keys(table, FILE_ROLES, "files")
    if "data" not in table:
        raise at.error("the key 'files.data' is missing", hint=REQUIRED["files"])
    return {role: _file(at, f"files.{role}", at.typed(f"files.{role}", value, dict)) for role, value in table.items()}


def _file(at: _Place, where: str, table: Mapping[str, Any]) -> FileSpec:
    at.check_keys(table, FILE_KEYS, where)
    values = {key: at.optional(table, key, str, "") for key in FILE_KEYS}
    _check_path(at, where, values["path"])
    for key, digits in DIGESTS.items():
        if values[key] and not re.fullmatch(rf"[0-9a-f]{{{digits}}}", values[key]):
            hint = f"{digits} lower-case hexadecimal digits"
            raise at.error(f"'{where}.{key}' is no such digest", values[key], hint)
    if values["url"]:
        _check_url(at, where, values)
    return FileSpec(**values)


def _check_path(at: _Place, where: str, path: str) -> None:
    if not path:
        raise at.error(f"the key '{where}.path' is missing", hint=REQUIRED["files"])
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts or "\\" in path or "\0" in path:
        raise at.error(f"'{where}.path' must stay inside the folder of the catalogue", path, "a relative path, no ..")


def _check_url(at: _Place, where: str, values: Mapping[str, str]) -> None:
    if urlsplit(values["url"]).scheme not in ("http", "https"):
        raise at.error(f"'{where}.url' is no http or https address", values["url"], "begin it with https://")
    if not values["sha256"] and not values["git_blob"]:
        message = f"'{where}.url' needs a digest to check the download against"
        raise at.error(message, hint="add sha256 or git_blob")


def _window(at: _Place, table: Mapping[str, Any]) -> dict[str, int | str]:
    at.check_keys(table, tuple(WINDOW_KEYS), "window")
    return {key: at.typed(f"window.{key}", value, WINDOW_KEYS[key]) for key, value in table.items()}


def _classes(at: _Place, values: list[Any]) -> tuple[str, ...]:
    names = tuple(at.typed("classes", value, str) for value in values)
    if values and (len(names) < 2 or len(set(names)) < len(names)):
        raise at.error("'classes' needs two or more different names", values, 'such as ["0", "1"]')
    return names


def _where(at: _Place, table: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    rules = {}
    for column, value in table.items():
        values = value if isinstance(value, list) else [value]
        rules[column] = tuple(at.typed(f"where.{column}", one, str) for one in values)
        if not values:
            raise at.error(f"'where.{column}' lists no value", hint=f"name the values of {column} that count")
    return rules
