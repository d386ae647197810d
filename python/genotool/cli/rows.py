"""The flags that say which rows train: data, split, overlap, balance."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from genotool.cli.options import Common
from genotool.companions import Companions
from genotool.errors import UsageError
from genotool.ortholog_files import OrthologFiles
from genotool.split import Fractions
from genotool.stages.begun import FitRequest
from genotool.stages.crossvalidate import FoldsRequest
from genotool.stages.rows import RowsRequest
from genotool.statistics.conformal import LEVEL
from genotool.verdict import MARGIN

__all__ = ["REFIT", "Coverage", "FailOn", "FoldFlags", "Margin", "NoFloors", "RowFlags", "Target"]

Target = Annotated[str | None, typer.Option("--target", help="the column to learn, instead of the data set's own")]
FailOn = Annotated[str | None, typer.Option("--fail-on", help="stop on a finding: none, note, warning, severe")]
NoFloors = Annotated[bool, typer.Option("--no-floors", help="do not fit the floors")]
Margin = Annotated[float, typer.Option("--margin", min=0, help="differences inside ± this are equivalent")]


def _share(value: float) -> float:
    if not 0 < value < 1:
        raise UsageError(f"--coverage is a share between 0 and 1, not {value:g}", hint="such as --coverage 0.9")
    return value


Coverage = Annotated[
    float,
    typer.Option("--coverage", callback=_share, help="share of new rows whose truth the conformal sets shall hold"),
]

SPLIT = (
    "row, stratified, group, chromosome, neighbourhood, homology, donor, by:COLUMN, published, or a split file; "
    "default: the safest that the data allow"
)
REFIT = "fit again with the validation rows once they have chosen"


@dataclass(frozen=True, slots=True)
class FoldFlags:
    """The flags of a cross-validation; each field is one."""

    folds: Annotated[
        str | None,
        typer.Option("--folds", help="cross-validate: a number of folds by --split, or `groups`: leave each out once"),
    ] = None
    repeats: Annotated[int, typer.Option("--repeats", help="deal the folds out so many times")] = 1
    workers: Annotated[int, typer.Option("--workers", help="folds that run at once, each with --threads")] = 1

    def request(self) -> FoldsRequest | None:
        """Return what these flags ask for; None without ``--folds``."""
        if self.folds is None:
            if self.repeats != 1 or self.workers != 1:
                raise UsageError("--repeats and --workers go with --folds", hint="such as --folds 5 --repeats 3")
            return None
        return FoldsRequest(self.folds, self.repeats, self.workers)


@dataclass(frozen=True, slots=True)
class RowFlags:
    """The flags of every verb that fits a model; each field is one."""

    target: Target = None
    split: Annotated[str | None, typer.Option("--split", help=SPLIT)] = None
    valid_share: Annotated[float, typer.Option("--valid-share", help="share of groups or rows that validate")] = 0.15
    test_share: Annotated[float, typer.Option("--test-share", help="share of groups or rows that test")] = 0.15
    together: Annotated[
        list[str] | None,
        typer.Option(
            "--with", help="data set to learn jointly; NAME:all: all of its rows but of held-out groups; repeatable"
        ),
    ] = None
    beside: Annotated[
        list[str] | None, typer.Option("--beside", help="data set that shares genes: no row trains that tests there")
    ] = None
    avoid: Annotated[
        list[str] | None,
        typer.Option("--avoid", help="leave out rows that meet this set's validation or test rows; NAME:all: any row"),
    ] = None
    ortholog_fasta: Annotated[
        list[str] | None,
        typer.Option("--ortholog-fasta", help="orthologs of a species, FILE or SPECIES=FILE, learned too; repeatable"),
    ] = None
    ortholog_table: Annotated[
        Path | None,
        typer.Option("--ortholog-table", help="whose they are: id, ortholog_id, species, distance; none: by name"),
    ] = None
    ortholog_distance: Annotated[
        float | None, typer.Option("--ortholog-distance", help="leave out orthologs that are further away")
    ] = None
    overlap: Annotated[
        str, typer.Option("--overlap", help="training rows that meet held-out ones: drop, keep, error")
    ] = "drop"
    balance: Annotated[
        str, typer.Option("--balance", help="none, under, smote, smoten or weights; training rows only")
    ] = "none"
    no_floors: NoFloors = False
    controls: Annotated[
        bool,
        typer.Option(
            "--controls", help="fit again with the biology destroyed, to compare; each takes the time of a fit"
        ),
    ] = False
    margin: Margin = MARGIN
    coverage: Coverage = LEVEL
    fail_on: FailOn = None

    def request(
        self, data: str, common: Common, family: Any, config: Any, out: Path, *, refit: bool, companions: Companions
    ) -> FitRequest:
        """Return the request that these flags make of a verb that fits `family` to `data`."""
        rows = RowsRequest(
            operand=data,
            data_dir=common.data_dir,
            target=self.target,
            split=self.split,
            fractions=Fractions(self.valid_share, self.test_share),
            seed=common.seed,
            together=tuple(self.together or ()),
            beside=tuple(self.beside or ()),
            avoid=tuple(self.avoid or ()),
            overlap=self.overlap,
            fail_on=self.fail_on or "none",
            companions=companions,
            orthologs=OrthologFiles.of(self.ortholog_fasta, self.ortholog_table, self.ortholog_distance),
        )
        return FitRequest(
            rows, family, config, out, self.balance, refit, not self.no_floors, common.overwrite, self.controls,
            margin=self.margin, coverage=self.coverage,
        )  # fmt: skip
