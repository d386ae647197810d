"""`genotool transfer MODEL DATA`."""

from __future__ import annotations

from typing import Annotated

import typer

from genotool.cli import rows as flags
from genotool.cli.files import FileFlags
from genotool.cli.options import Common, command, family_values
from genotool.cli.show import show_run
from genotool.cli.train import COMMON
from genotool.config import write_toml

app = typer.Typer(rich_markup_mode=None, add_completion=False)


def transfer(
    model: Annotated[str, typer.Argument(help="a run folder, or a family that ships a model")],
    data: Annotated[str, typer.Argument(help="a data set's name, or a file")],
    common: Common,
    rows: flags.RowFlags,
    files: FileFlags,
    key: Annotated[str | None, typer.Option("--model", help="which model of a recipe's folder")] = None,
    refit: Annotated[bool, typer.Option("--refit/--no-refit", help=flags.REFIT)] = True,
) -> None:
    """Go on from a trained model on another data set; settings of the family go through --set."""
    from genotool.config import to_mapping
    from genotool.stages.transfer import transfer as stage
    from genotool.trained import open_trained

    parent = open_trained(model, key=key)
    family = parent.family
    config = family_values(family.config_type, common, {}, start=to_mapping(parent.config))
    if common.print_config:
        typer.echo(write_toml(config), nl=False)
        return
    out = common.folder(f"transfer-{family.name}-{data.rpartition('/')[2]}")
    request = rows.request(data, common, family, config, out, refit=refit, companions=files.companions())
    show_run(stage(parent, request), common)


app.command()(command(transfer, common=COMMON))
