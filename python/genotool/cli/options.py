"""Flags that mean the same for every verb, and the flags that a config brings.

`command` turns a plain function into a typer command: the flags named in `common` arrive as one `Common`,
those of a config type as a mapping of settings. Typer reads both from a signature that is built here.
"""

from __future__ import annotations

import dataclasses
import inspect
import logging
import sys
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from genotool import config as configs
from genotool.errors import InputError, UsageError, nearest

__all__ = ["Common", "command", "family_values"]

OPTIONS: dict[str, tuple[Any, Any, tuple[str, ...], str]] = {
    "out": (Path | None, None, ("--out", "-o"), "the run folder to write"),
    "config": (Path | None, None, ("--config", "-c"), "a TOML file of settings; flags override it"),
    "set": (list[str] | None, None, ("--set",), "a setting as key=value; repeatable"),
    "print_config": (bool, False, ("--print-config",), "print the settings as TOML and stop"),
    "seed": (int, 0, ("--seed",), "the one seed of everything random"),
    "backend": (str, "auto", ("--backend",), "auto, tensorflow, torch or jax"),
    "device": (str, "auto", ("--device",), "auto, cpu, cuda or cuda:N"),
    "threads": (int | None, None, ("--threads",), "threads a process may use; default: GENOTOOL_THREADS, or all cores"),
    "data_dir": (Path | None, None, ("--data-dir",), "folder with a catalogue.toml; default: GENOTOOL_DATA"),
    "resume": (Path | None, None, ("--resume",), "go on with this run folder; nothing else is needed"),
    "overwrite": (bool, False, ("--overwrite",), "replace an existing run folder"),
    "dry_run": (bool, False, ("--dry-run",), "say what would be done, and stop"),
    "json": (bool, False, ("--json",), "print the result as JSON"),
    "quiet": (bool, False, ("--quiet", "-q"), "no progress, no remarks"),
    "verbose": (int, 0, ("--verbose", "-v"), "more remarks; -vv shows tracebacks"),
}


@dataclass(frozen=True, slots=True)
class Common:
    """The flags that mean the same everywhere, those that the verb takes; the rest keep their default."""

    out: Path | None = None
    config: Path | None = None
    set: list[str] = field(default_factory=list)
    print_config: bool = False
    seed: int = 0
    backend: str = "auto"
    device: str = "auto"
    threads: int | None = None
    data_dir: Path | None = None
    resume: Path | None = None
    overwrite: bool = False
    dry_run: bool = False
    json: bool = False
    quiet: bool = False
    verbose: int = 0

    def folder(self, default: str) -> Path:
        """Return the run folder to write."""
        return self.out or Path("runs") / default


def command(
    function: Callable[..., None], *, common: Sequence[str], config_type: type[Any] | None = None
) -> Callable[..., None]:
    """Return a function for typer: the parameters of `function`, common flags, and a config's settings.

    Parameters
    ----------
    function
        Takes its own parameters (a dataclass of annotated flags stands for each of its fields), then `common`
        (a `Common`) and, with `config_type`, `values` (a mapping of the settings that were given as flags).
    common
        Names in `OPTIONS`.
    """
    known = configs.settings(config_type) if config_type is not None else ()
    settings = [s for s in known if s.name != "seed" or "seed" not in common]
    parameters = inspect.signature(function, eval_str=True).parameters
    flags = {p.name: p.annotation for p in parameters.values() if _holds_flags(p)}

    def run(**arguments: Any) -> None:
        shared = {name: arguments.pop(name) for name in common}
        shared["set"] = shared.get("set") or []
        given = {s.name: arguments.pop(_parameter(s)) for s in settings}
        if config_type is not None:
            arguments["values"] = {s.name: _value(s, given[s.name]) for s in settings if _is_given(given[s.name])}
        for name, kind in flags.items():
            arguments[name] = kind(**{item.name: arguments.pop(item.name) for item in dataclasses.fields(kind)})
        chosen = Common(**shared)
        _begin(chosen)
        function(**arguments, common=chosen)

    hidden = {"common", "values"}
    own = [
        part.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in parameters.values()
        if parameter.name not in hidden
        for part in _parts(parameter)
    ]
    own += [_common_parameter(name) for name in common]
    own += [_setting_parameter(setting) for setting in settings]
    run.__signature__ = inspect.Signature(own)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in own}
    run.__doc__ = inspect.getdoc(function)
    run.__name__ = function.__name__
    return run


def _holds_flags(parameter: inspect.Parameter) -> bool:
    return dataclasses.is_dataclass(parameter.annotation) and parameter.annotation is not Common


def _parts(parameter: inspect.Parameter) -> list[inspect.Parameter]:
    """Return the parameter, or one for each field of the flags that it holds."""
    if not _holds_flags(parameter):
        return [parameter]
    return list(inspect.signature(parameter.annotation, eval_str=True).parameters.values())


def _is_given(value: str | bool | list[str] | None) -> bool:
    return value is not None and value != []


def _value(setting: configs.Setting, given: str | bool | list[str]) -> Any:
    """Return what a flag of a setting says: a list may be repeated, separated by commas, or both."""
    if isinstance(given, bool):
        return given
    return configs.parse(setting, ",".join(given) if isinstance(given, list) else given)


def _begin(common: Common) -> None:
    from genotool.process import prepare
    from genotool.progress import Bar

    Bar.quiet = common.quiet
    log = logging.getLogger("genotool")
    log.setLevel(logging.ERROR if common.quiet else logging.INFO if common.verbose else logging.WARNING)
    if not log.handlers:
        log.addHandler(logging.StreamHandler(sys.stderr))
    prepare(backend=common.backend, device=common.device, threads=common.threads)


def _common_parameter(name: str) -> inspect.Parameter:
    kind, default, flags, text = OPTIONS[name]
    count: dict[str, Any] = {"count": True} if name == "verbose" else {}
    note = typer.Option(*flags, help=text, show_default=default not in (None, False, 0) or name == "seed", **count)
    return _keyword(name, Annotated[kind, note], default)


def _setting_parameter(setting: configs.Setting) -> inspect.Parameter:
    bounds = f" [{'|'.join(map(str, setting.choices))}]" if setting.choices else ""
    many = setting.many and setting.default is not None
    shown = ",".join(map(str, setting.default)) if many else setting.default
    text = f"{setting.field.help}{bounds} (default: {'none' if shown in (None, '') else shown})"
    if setting.type is bool and not setting.many:
        note = typer.Option(f"{setting.flag}/--no-{setting.flag[2:]}", help=text, show_default=False)
        return _keyword(_parameter(setting), Annotated[bool | None, note], None)
    metavar = "LIST" if setting.many else setting.type.__name__.upper()
    note = typer.Option(setting.flag, help=text, metavar=metavar, show_default=False)
    kind: Any = list[str] | None if setting.many else str | None
    return _keyword(_parameter(setting), Annotated[kind, note], None)


def _parameter(setting: configs.Setting) -> str:
    return "setting_" + setting.name.replace(".", "_")


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def family_values(
    config_type: type[Any], common: Common, values: dict[str, Any], start: dict[str, Any] | None = None
) -> Any:
    """Return a family's config: its defaults (or `start`), then presets, the file, ``--set``, flags.

    Raises
    ------
    InputError
        If the file is no TOML or holds an unknown or wrong setting (exit 3).
    UsageError
        If a flag is wrong (exit 2).
    """
    given: dict[str, Any] = {}
    if common.config is not None:
        from_file = read_toml(common.config)
        configs.build(config_type, from_file, source=common.config)
        given |= configs.flatten(from_file)
    known = {setting.name: setting for setting in configs.settings(config_type)}
    for item in common.set:
        name, equals, text = item.partition("=")
        if not equals:
            raise UsageError(f"--set takes key=value, not {item!r}")
        if name not in known:
            raise UsageError(f"unknown setting {name!r}", hint=nearest(name, known))
        if name == "seed":
            raise UsageError("the seed is set by --seed, for everything at once")
        given[name] = configs.parse(known[name], text)
    given |= {"seed": common.seed, **values} if "seed" in known else values
    return configs.build(config_type, configs.flatten(start or {}) | configs.expanded(config_type, given))


def read_toml(file: Path) -> dict[str, Any]:
    """Read a TOML file of settings."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{file}: no such config file") from None
    except (OSError, ValueError) as error:
        raise InputError(f"no TOML: {error}", file=file) from error
