"""Recipe: what `genotool run FAMILY` does, as a list of other verbs, each step a run folder of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

__all__ = ["Plan", "Recipe", "Request", "Step"]

C = TypeVar("C", contravariant=True)


@dataclass(frozen=True, slots=True)
class Step:
    """One verb of a recipe: ``genotool VERB ARGUMENTS -o steps/NN-verb-what``.

    Attributes
    ----------
    verb
        The words of the command, such as ``("transfer",)`` or ``("sgrna", "compare")``.
    what
        What tells two steps of one verb apart, such as ``hct116``; may be empty.
    arguments
        The rest of the command line; ``{transfer-hct116}`` stands for the folder of that earlier step.
    findings_stop
        Whether an audit finding (exit 5) ends the recipe; else it is reported and the recipe goes on.
    seed
        The step's own seed, as for a repeat on another split; None: the run's.
    """

    verb: tuple[str, ...]
    what: str
    arguments: tuple[str, ...]
    findings_stop: bool = False
    seed: int | None = None

    @property
    def key(self) -> str:
        """``verb-what``: how later steps name this one."""
        return "-".join(word for word in (*self.verb[-1:], self.what) if word)


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of one run, in order.

    Attributes
    ----------
    models
        What a user calls each final model (``HCT116``) and the key of the step that made it.
    asked
        What was asked, in words, for the head of the report.
    data_dir
        The data folder that every step gets, where the recipe chose one (``demo``).
    """

    steps: tuple[Step, ...]
    models: dict[str, str] = field(default_factory=dict)
    asked: str = ""
    data_dir: Path | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line says besides the recipe's own settings."""

    data: str | None = None
    data_dir: Path | None = None
    seed: int = 0
    settings: tuple[str, ...] = ()
    """``key=value`` of the family's config, passed to the verbs that train."""


@runtime_checkable
class Recipe(Protocol[C]):
    """A family's own sequence of verbs."""

    name: str
    config_type: type[Any]

    def plan(self, config: C, request: Request) -> Plan:
        """Return the steps; raise UsageError or UnavailableError for what cannot be done, before anything runs."""
        ...
