"""Plugins: found by entry point, asked for metadata only, imported when used."""

from __future__ import annotations

import importlib
import sys
from functools import cache
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from genotool import hookspecs
from genotool.errors import UnavailableError, UsageError, nearest
from genotool.hookspecs import Spec

if TYPE_CHECKING:
    from genotool.family import Family, Model

__all__ = ["Loaded", "catalogues", "family", "load_failures", "manager", "resolve", "specs"]

API = 1
GROUP = "genotool"

Loaded = tuple[str, Spec]
"""The plugin's name and one spec that it brings."""

_failures: dict[str, str] = {}


@cache
def manager() -> pluggy.PluginManager:
    """Return the plugin manager with every installed plugin registered; one that fails to load is noted."""
    plugin_manager = pluggy.PluginManager("genotool")
    plugin_manager.add_hookspecs(hookspecs)
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        if plugin_manager.has_plugin(point.name):
            continue
        try:
            plugin_manager.register(point.load(), name=point.name)
        except Exception as error:
            _failures[point.name] = f"{type(error).__name__}: {error}"
    return plugin_manager


def load_failures() -> dict[str, str]:
    """Return the plugins that could not be imported, each with its error."""
    manager()
    return dict(_failures)


@cache
def specs(kind: str) -> tuple[Loaded, ...]:
    """Return all specs of a kind, sorted by name, each with the name of its plugin."""
    hooks = ("genotool_families", "genotool_datasets", "genotool_readers", "genotool_recipes")
    found: list[Loaded] = []
    for plugin_name, plugin in manager().list_name_plugin():
        for hook in hooks:
            implementation = getattr(plugin, hook, None)
            if implementation is None:
                continue
            try:
                offered = [spec for spec in implementation() if spec.kind == kind]
            except Exception as error:
                _failures[plugin_name] = f"{hook}: {type(error).__name__}: {error}"
                continue
            found += [(plugin_name, spec) for spec in offered if _fits(plugin_name, spec)]
    return tuple(sorted(found, key=lambda item: item[1].name))


def _fits(plugin_name: str, spec: Spec) -> bool:
    if spec.api != API:
        _failures[plugin_name] = f"{spec.name} was written for interface {spec.api}; this genotool has {API}"
    return spec.api == API


def resolve(spec: Spec) -> Any:
    """Import what a spec names.

    Raises
    ------
    UnavailableError
        If the module or something that it imports is not installed.
    """
    module, _, attribute = spec.target.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        missing = error.name or module
        raise UnavailableError(
            f"{spec.name} cannot be loaded: {error}",
            hint=f"install what it needs, such as `pip install 'genotool[{spec.name}]'` (missing: {missing})",
        ) from error
    except AttributeError as error:
        hint = "its plugin and this genotool do not fit: update both"
        raise UnavailableError(f"{spec.name} cannot be loaded: {error}", hint=hint) from error


def family(name: str) -> Family[Any, Model]:
    """Return an instance of the family with that name.

    Raises
    ------
    UsageError
        If no installed plugin brings it (exit 2).
    """
    known = {spec.name: spec for _, spec in specs("family")}
    if name not in known:
        broken = "".join(f"; the plugin {plugin!r} failed to load: {why}" for plugin, why in load_failures().items())
        raise UsageError(f"unknown family {name!r}{broken}", hint=nearest(name, known))
    instance: Family[Any, Model] = resolve(known[name])()
    return instance


def catalogues(kind: str, plugin: str | None = None) -> tuple[tuple[str, Path], ...]:
    """Return the catalogue files that plugins ship, as (plugin name, path).

    Parameters
    ----------
    kind
        ``folder`` or ``registry``.
    plugin
        Only those of this plugin.
    """
    found = []
    for name, spec in specs(kind):
        if plugin is not None and name != plugin:
            continue
        package, _, relative = spec.target.partition(":")
        if package not in sys.modules:
            importlib.import_module(package)
        found.append((name, Path(str(files(package))) / relative))
    return tuple(found)
