"""`genotool run FAMILY`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from genotool.cli.families import family_app
from genotool.cli.options import Common, command, family_values
from genotool.config import write_toml
from genotool.recipe import Request

COMMON = (
    "out", "config", "print_config", "set", "seed", "backend", "device", "threads", "data_dir", "resume", "overwrite",
    "dry_run", "json", "quiet", "verbose",
)  # fmt: skip


def _make(recipe: Any) -> Callable[..., None]:
    def run(
        common: Common,
        values: dict[str, Any],
        data: Annotated[
            str | None, typer.Option("--data", help="a data set, or `demo`: simulated, ships with us")
        ] = None,
    ) -> None:
        from genotool.cli.steps import show_plan, show_summary
        from genotool.stages.run_recipe import run_recipe

        own = [item for item in common.set if item.partition("=")[0] in _names(recipe.config_type)]
        rest = tuple(item for item in common.set if item not in own)
        _check_settings(recipe.name, rest)
        config = family_values(recipe.config_type, Common(config=common.config, set=own, seed=common.seed), values)
        request = Request(data, common.data_dir, common.seed, rest)
        if common.print_config:
            typer.echo(write_toml(config), nl=False)
        elif common.dry_run:
            show_plan(recipe.plan(config, request), request)
        else:
            flags = ["--backend", common.backend, "--device", common.device]
            flags += ["--threads", str(common.threads)] if common.threads else []
            flags += ["--quiet"] if common.quiet else []
            out = common.folder(recipe.name)
            done = run_recipe(recipe, config, request, out=out, overwrite=common.overwrite, flags=flags)
            show_summary(done, common)

    run.__doc__ = f"Run the recipe of {recipe.name}: {recipe.summary}."
    return command(run, common=COMMON, config_type=recipe.config_type)


def _check_settings(family: str, settings: tuple[str, ...]) -> None:
    """Raise UsageError for settings that are none of the family's, before the first of the steps that come earlier."""
    from genotool import plugins

    if settings and family in {spec.name for _, spec in plugins.specs("family")}:
        family_values(plugins.family(family).config_type, Common(set=list(settings)), {})


def _names(config_type: type[Any]) -> set[str]:
    from genotool.config import settings

    return {setting.name for setting in settings(config_type)}


app = family_app("recipe", "Run a family's recipe from data to report.", _make)
