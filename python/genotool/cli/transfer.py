"""`genotool transfer MODEL DATA`."""

from __future__ import annotations

from typing import Annotated

import typer

from genotool.cli import rows as flags
from genotool.cli.options import Common, command, family_values
from genotool.cli.show import show_run
from genotool.cli.train import COMMON
from genotool.config import write_toml

app = typer.Typer(rich_markup_mode=None, add_completion=False)


def transfer(
    model: Annotated[str, typer.Argument(help="a run folder, or a family that ships a model")],
    data: Annotated[str, typer.Argument(help="a data set's name, or a file")],
    common: Common,
    key: Annotated[str | None, typer.Option("--model", help="which model of a recipe's folder")] = None,
    target: flags.Target = None,
    split: flags.SplitMethod = None,
    valid_share: flags.ValidShare = 0.15,
    test_share: flags.TestShare = 0.15,
    together: flags.Together = None,
    beside: flags.Beside = None,
    avoid: flags.Avoid = None,
    overlap: flags.Overlap = "drop",
    balance: flags.Balance = "none",
    refit: flags.Refit = True,
    no_floors: flags.NoFloors = False,
    fail_on: flags.FailOn = None,
) -> None:
    """Go on from a trained model on another data set; settings of the family go through --set."""
    from genotool.config import to_mapping
    from genotool.stages.fitting import FitRequest
    from genotool.stages.transfer import transfer as stage
    from genotool.trained import open_trained

    parent = open_trained(model, key=key)
    family = parent.family
    config = family_values(family.config_type, common, {}, start=to_mapping(parent.config))
    if common.print_config:
        typer.echo(write_toml(config), nl=False)
        return
    rows = flags.rows_request(
        data, common, target=target, split=split, valid_share=valid_share, test_share=test_share,
        together=together, beside=beside, avoid=avoid, overlap=overlap, fail_on=fail_on,
    )  # fmt: skip
    out = common.folder(f"transfer-{family.name}-{data.rpartition('/')[2]}")
    request = FitRequest(rows, family, config, out, balance, refit, not no_floors, common.overwrite)
    show_run(stage(parent, request), common)


app.command()(command(transfer, common=COMMON))
