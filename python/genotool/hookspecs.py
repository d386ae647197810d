"""The hooks of genotool. A plugin implements those it needs with ``@genotool.hookimpl``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pluggy

if TYPE_CHECKING:
    from genotool.run import Run

__all__ = ["Spec"]

hookspec = pluggy.HookspecMarker("genotool")


@dataclass(frozen=True, slots=True)
class Spec:
    """A noun that a plugin brings, named before it is imported.

    Attributes
    ----------
    name
        The word on the command line.
    summary
        One line for `plugins list` and `--help`.
    kind
        What the target is: a family, a recipe, a reader, a typer app of own commands; ``folder`` is a catalogue
        with its files inside the package (``demo``), ``registry`` a catalogue of downloads.
    target
        ``module:Name``; for folder and registry ``package:path/to/catalogue.toml``.
    api
        The version of this interface that the plugin was written for.
    """

    name: str
    summary: str
    kind: Literal["family", "recipe", "reader", "commands", "folder", "registry"]
    target: str
    api: int = 1


@hookspec
def genotool_families() -> list[Spec]:  # type: ignore[empty-body]
    """Return the model families that this plugin brings."""


@hookspec
def genotool_datasets() -> list[Spec]:  # type: ignore[empty-body]
    """Return catalogues: ``folder`` (files inside the package) or ``registry`` (downloads)."""


@hookspec
def genotool_readers() -> list[Spec]:  # type: ignore[empty-body]
    """Return readers of file formats."""


@hookspec
def genotool_recipes() -> list[Spec]:  # type: ignore[empty-body]
    """Return recipes for `genotool run`, and typer apps of own commands."""


@hookspec
def genotool_stage_finished(stage: str, run: Run) -> None:
    """Called after a verb has finished its run folder."""
