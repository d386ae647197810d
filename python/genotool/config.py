"""Configs: dataclasses of annotated fields, the one schema for flags, TOML, `--help` and the manifest.

A config is a dataclass whose fields read ``Annotated[T, Field("what it is", gt=0)]``, where ``T`` is int, float,
bool, str, Path, a ``Literal``, a list of those, or any of them ``| None``. One level of nesting is allowed: a
field that is itself a config, whose settings are then named ``outer.inner``.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from genotool.errors import InputError, UsageError, nearest

__all__ = ["Field", "Setting", "build", "expanded", "flatten", "parse", "settings", "to_mapping", "write_toml"]

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Field:
    """What a setting is, in words, and the bounds of its value."""

    help: str
    gt: float | None = None
    ge: float | None = None
    lt: float | None = None
    le: float | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a config: its dotted name, type, default and documentation.

    Attributes
    ----------
    name
        ``outer.inner`` for a nested config, else the field's name.
    type
        The scalar type: int, float, bool, str or Path.
    choices
        The values of a ``Literal``, else empty.
    many
        Whether the value is a list of `type`.
    optional
        Whether ``None`` is allowed.
    """

    name: str
    type: type
    choices: tuple[str | int, ...]
    many: bool
    optional: bool
    default: Any
    field: Field

    @property
    def flag(self) -> str:
        """The command-line flag, ``--learning-rate``."""
        return "--" + self.name.replace("_", "-").replace(".", "-")


def settings(config_type: type[Any]) -> tuple[Setting, ...]:
    """Return the settings of a config in the order of its fields, nested ones flattened.

    Raises
    ------
    TypeError
        If a field has no ``Field``, no default, or a type that a config cannot hold: the author's mistake.
    """
    return tuple(_settings(config_type, prefix=""))


def _settings(config_type: type[Any], prefix: str, start: Any = None) -> typing.Iterator[Setting]:
    """Yield the settings; `start` is the instance whose values are the defaults of a nested config."""
    hints = typing.get_type_hints(config_type, include_extras=True)
    for field in dataclasses.fields(config_type):
        hint = hints[field.name]
        bare, note = _split_annotation(hint)
        name = prefix + field.name
        if dataclasses.is_dataclass(bare) and isinstance(bare, type):
            if prefix:
                raise TypeError(f"{config_type.__name__}.{field.name}: configs nest one level deep")
            yield from _settings(bare, prefix=f"{field.name}.", start=_default(field, name))
            continue
        if note is None:
            raise TypeError(f"{config_type.__name__}.{field.name} needs Annotated[..., Field(...)]")
        scalar, choices, many, optional = _shape(bare, name)
        default = _default(field, name) if start is None else getattr(start, field.name)
        yield Setting(name, scalar, choices, many, optional, default, note)


def _split_annotation(hint: Any) -> tuple[Any, Field | None]:
    if typing.get_origin(hint) is typing.Annotated:
        bare, *extras = typing.get_args(hint)
        return bare, next((extra for extra in extras if isinstance(extra, Field)), None)
    return hint, None


def _default(field: dataclasses.Field[Any], name: str) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    raise TypeError(f"the setting {name} has no default")


def _shape(hint: Any, name: str) -> tuple[type, tuple[str | int, ...], bool, bool]:
    optional = False
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        members = [part for part in typing.get_args(hint) if part is not types.NoneType]
        optional, hint = True, members[0]
        if len(members) != 1:
            raise TypeError(f"the setting {name} has more than one type")
    many = typing.get_origin(hint) is list
    if many:
        hint = typing.get_args(hint)[0]
    choices: tuple[str | int, ...] = ()
    if typing.get_origin(hint) is Literal:
        choices = typing.get_args(hint)
        hint = type(choices[0])
    if hint not in (int, float, bool, str, Path):
        raise TypeError(f"the setting {name} has a type that a config cannot hold: {hint}")
    return hint, choices, many, optional


def build(config_type: type[C], values: Mapping[str, Any], *, source: str | Path | None = None) -> C:
    """Make a config from dotted or nested values, each checked against its field.

    Parameters
    ----------
    config_type
        The dataclass.
    values
        ``{"epochs": 5, "cnn": {"filters": 8}}`` or ``{"cnn.filters": 8}``; settings left out keep their default.
    source
        The file the values come from; without one they come from flags.

    Raises
    ------
    UsageError
        A flag's value is wrong (exit 2).
    InputError
        A file's value is wrong or its key unknown (exit 3).
    """
    known = {setting.name: setting for setting in settings(config_type)}
    checked: dict[str, Any] = {}
    for name, value in expanded(config_type, values).items():
        if name not in known:
            raise _bad(f"unknown setting {name!r}; {nearest(name, known)}", source)
        checked[name] = _check(known[name], value, source)
    return _assemble(config_type, checked)


def flatten(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested settings with dotted names."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat.update({f"{key}.{inner}": item for inner, item in value.items()})
        else:
            flat[key] = value
    return flat


def expanded(config_type: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with dotted names, and with those of the presets that they name.

    A config's class variable ``presets`` says which settings a value of one of them stands for: setting, value, dotted
    name, value. What is given beside a preset goes before it.
    """
    flat = flatten(values)
    named: dict[str, Any] = {}
    for name, presets in getattr(config_type, "presets", {}).items():
        named.update(presets.get(flat.get(name), {}) if isinstance(flat.get(name), str) else {})
    return named | flat


def _assemble(config_type: type[C], checked: Mapping[str, Any]) -> C:
    hints = typing.get_type_hints(config_type, include_extras=True)
    arguments: dict[str, Any] = {}
    for field in dataclasses.fields(config_type):  # type: ignore[arg-type]
        bare, _ = _split_annotation(hints[field.name])
        if dataclasses.is_dataclass(bare) and isinstance(bare, type):
            prefix = f"{field.name}."
            inner = {k.removeprefix(prefix): v for k, v in checked.items() if k.startswith(prefix)}
            arguments[field.name] = dataclasses.replace(_default(field, field.name), **inner)
        elif field.name in checked:
            arguments[field.name] = checked[field.name]
    return config_type(**arguments)


def parse(setting: Setting, text: str) -> Any:
    """Turn the text of a flag or of ``--set key=value`` into the setting's type.

    Lists are separated by commas; ``none`` is None where the setting allows it.
    """
    if setting.optional and text.casefold() == "none":
        return None
    if setting.many:
        return [_scalar(setting, part.strip()) for part in text.split(",") if part.strip()]
    return _scalar(setting, text)


def _scalar(setting: Setting, text: str) -> Any:
    try:
        if setting.type is bool:
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.casefold()]
        return setting.type(text)
    except (KeyError, ValueError):
        raise UsageError(
            f"{setting.flag} takes {setting.type.__name__}, not {text!r}", hint=setting.field.help
        ) from None


def _check(setting: Setting, value: Any, source: str | Path | None) -> Any:
    if value is None:
        if setting.optional:
            return None
        raise _bad(f"{setting.name} cannot be none", source)
    if setting.many:
        if not isinstance(value, list | tuple):
            raise _bad(f"{setting.name} takes a list, not {value!r}", source)
        return [_check_one(setting, item, source) for item in value]
    return _check_one(setting, value, source)


def _check_one(setting: Setting, value: Any, source: str | Path | None) -> Any:
    kind = setting.type
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if kind is Path and isinstance(value, str):
        value = Path(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise _bad(f"{setting.name} takes {kind.__name__}, not {value!r}", source)
    if setting.choices and value not in setting.choices:
        allowed = ", ".join(map(str, setting.choices))
        raise _bad(f"{setting.name} is one of {allowed}, not {value!r}", source)
    if isinstance(value, int | float) and not isinstance(value, bool):
        _check_bounds(setting, value, source)
    return value


def _check_bounds(setting: Setting, value: float, source: str | Path | None) -> None:
    field = setting.field
    rules = [
        (field.gt is None or value > field.gt, f"> {field.gt}"),
        (field.ge is None or value >= field.ge, f">= {field.ge}"),
        (field.lt is None or value < field.lt, f"< {field.lt}"),
        (field.le is None or value <= field.le, f"<= {field.le}"),
        (math.isfinite(value), "finite"),
    ]
    for holds, rule in rules:
        if not holds:
            raise _bad(f"{setting.name} must be {rule}, not {value}", source)


def _bad(message: str, source: str | Path | None) -> UsageError | InputError:
    hint = "--print-config prints every setting with its value, --help what each one is"
    return UsageError(message, hint=hint) if source is None else InputError(message, file=source, hint=hint)


def to_mapping(config: Any) -> dict[str, Any]:
    """Return a config as a nested mapping of plain values, as JSON and TOML hold them (paths as text)."""
    result: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            result[field.name] = to_mapping(value)
        elif isinstance(value, list | tuple):
            result[field.name] = [str(item) if isinstance(item, Path) else item for item in value]
        else:
            result[field.name] = str(value) if isinstance(value, Path) else value
    return result


def write_toml(config: Any) -> str:
    """Return a config as TOML text that `build` reads back; settings that are None are left out."""
    import tomli_w

    def kept(values: Mapping[str, Any]) -> dict[str, Any]:
        return {
            key: kept(value) if isinstance(value, Mapping) else value
            for key, value in values.items()
            if value is not None
        }

    return tomli_w.dumps(kept(to_mapping(config)))
