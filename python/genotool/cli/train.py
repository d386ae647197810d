"""`genotool train FAMILY DATA`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from genotool.cli import rows as flags
from genotool.cli.families import family_app
from genotool.cli.files import FileFlags
from genotool.cli.options import Common, command, family_values
from genotool.cli.show import show_run
from genotool.config import write_toml
from genotool.stages.begun import FitRequest

COMMON = (
    "out", "config", "set", "print_config", "seed", "backend", "device", "threads", "data_dir", "resume", "overwrite",
    "json", "quiet", "verbose",
)  # fmt: skip


def fit_command(
    verb: str, stage: Callable[[], Callable[[FitRequest], Any]], about: str
) -> Callable[[Any], Callable[..., None]]:
    """Return the maker of ``genotool VERB FAMILY DATA`` for a verb that fits a family from scratch."""

    def make(family: Any) -> Callable[..., None]:
        def fit(
            data: Annotated[str, typer.Argument(help="a data set's name, or a file")],
            common: Common,
            values: dict[str, Any],
            rows: flags.RowFlags,
            files: FileFlags,
            folds: flags.FoldFlags,
            refit: Annotated[bool, typer.Option("--refit/--no-refit", help=flags.REFIT)] = False,
        ) -> None:
            config = family_values(family.config_type, common, values)
            if common.print_config:
                typer.echo(write_toml(config), nl=False)
                return
            out = common.folder(f"{verb}-{family.name}-{data.rpartition('/')[2]}")
            request = rows.request(data, common, family, config, out, refit=refit, companions=files.companions())
            asked = folds.request()
            if asked is None:
                show_run(stage()(request), common)
            else:
                from genotool.stages.crossvalidate import crossvalidate

                show_run(crossvalidate(request, asked, verb), common)

        fit.__doc__ = f"{about} {family.summary}."
        return command(fit, common=COMMON, config_type=family.config_type)

    return make


def _stage() -> Callable[[FitRequest], Any]:
    from genotool.stages.train import train

    return train


app = family_app("family", "Train a family on a data set.", fit_command("train", _stage, "Train:"))
