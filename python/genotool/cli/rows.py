"""The flags that say which rows train: data, split, overlap."""

from __future__ import annotations

from typing import Annotated

import typer

from genotool.cli.options import Common
from genotool.split import Fractions
from genotool.stages.rows import RowsRequest

__all__ = [
    "Avoid", "Balance", "Beside", "FailOn", "NoFloors", "Overlap", "Refit", "SplitMethod", "Target", "TestShare",
    "Together",
    "ValidShare", "rows_request",
]  # fmt: skip

Target = Annotated[str | None, typer.Option("--target", help="the column to learn, instead of the data set's own")]
SplitMethod = Annotated[
    str | None, typer.Option("--split", help="row, stratified, group, neighbourhood, published, or a split file")
]
ValidShare = Annotated[float, typer.Option("--valid-share", help="share of groups or rows that validate")]
TestShare = Annotated[float, typer.Option("--test-share", help="share of groups or rows that test")]
Together = Annotated[
    list[str] | None, typer.Option("--with", help="data set to learn jointly, a head each; repeatable")
]
Beside = Annotated[
    list[str] | None, typer.Option("--beside", help="data set that shares genes: no row trains that tests there")
]
Avoid = Annotated[
    list[str] | None,
    typer.Option("--avoid", help="leave out rows that meet this set's validation or test rows; NAME:all: any row"),
]
Overlap = Annotated[str, typer.Option("--overlap", help="training rows that meet held-out ones: drop, keep, error")]
FailOn = Annotated[str | None, typer.Option("--fail-on", help="stop on a finding: none, note, warning, severe")]
Balance = Annotated[str, typer.Option("--balance", help="none, under, smote, smoten or weights; training rows only")]
Refit = Annotated[
    bool, typer.Option("--refit/--no-refit", help="fit again with the validation rows once they have chosen")
]
NoFloors = Annotated[bool, typer.Option("--no-floors", help="do not fit the floors")]


def rows_request(
    data: str,
    common: Common,
    *,
    target: str | None,
    split: str | None,
    valid_share: float,
    test_share: float,
    together: list[str] | None,
    beside: list[str] | None,
    avoid: list[str] | None,
    overlap: str,
    fail_on: str | None,
) -> RowsRequest:
    """Return the request that these flags make."""
    return RowsRequest(
        operand=data,
        data_dir=common.data_dir,
        target=target,
        split=split,
        fractions=Fractions(valid_share, test_share),
        seed=common.seed,
        together=tuple(together or ()),
        beside=tuple(beside or ()),
        avoid=tuple(avoid or ()),
        overlap=overlap,
        fail_on=fail_on or "none",
    )
