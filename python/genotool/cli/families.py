"""A verb with a sub-command a family: `genotool train sgrna …`, its flags made from the family's config."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperGroup

from genotool import plugins
from genotool.errors import UsageError, nearest

__all__ = ["family_app"]


def family_app(kind: str, help_text: str, make: Callable[[Any], Callable[..., None]]) -> typer.Typer:
    """Return a typer app whose sub-commands are the installed families (or recipes), each made when asked for.

    Parameters
    ----------
    kind
        ``family`` or ``recipe``: what the specs to list are.
    make
        Gets the family or recipe; returns the function of its command.
    """

    class Families(TyperGroup):
        def list_commands(self, ctx: Any) -> list[str]:
            return [spec.name for _, spec in plugins.specs(kind)]

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            known = {spec.name: spec for _, spec in plugins.specs(kind)}
            if cmd_name not in known:
                broken = "".join(f"; plugin {name}: {why}" for name, why in plugins.load_failures().items())
                raise UsageError(f"unknown family {cmd_name!r}{broken}", hint=nearest(cmd_name, known))
            own = typer.Typer(rich_markup_mode=None, add_completion=False)
            own.command(name=cmd_name)(make(plugins.resolve(known[cmd_name])()))
            command = typer.main.get_command(own)
            command.name = cmd_name
            return command

        def format_commands(self, ctx: Any, formatter: Any) -> None:
            with formatter.section("Families"):
                formatter.write_dl([(spec.name, spec.summary) for _, spec in plugins.specs(kind)])

    app = typer.Typer(cls=Families, rich_markup_mode=None, add_completion=False, no_args_is_help=True)

    @app.callback(help=help_text)
    def top() -> None:
        pass

    return app
