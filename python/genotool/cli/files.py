"""The flags that say what goes with a file: its labels, the genome and the window of features."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from genotool.companions import Companions

__all__ = ["FileFlags", "WindowFlags"]

UPSTREAM = "letters before each start of transcription; with --downstream; neither: the features themselves"
OUTSIDE = "features on unknown contigs or beyond theirs: error (default) or drop"


@dataclass(frozen=True, slots=True)
class WindowFlags:
    """The flags of the windows of a BED or GFF3 file; each field is one."""

    genome: Annotated[
        Path | None, typer.Option("--genome", help="FASTA that the windows of a BED or GFF3 file are cut from")
    ] = None
    upstream: Annotated[int | None, typer.Option("--upstream", min=0, help=UPSTREAM)] = None
    downstream: Annotated[int | None, typer.Option("--downstream", min=0, help="letters from that start on")] = None
    feature: Annotated[str | None, typer.Option("--feature", help="type of GFF3 feature (default gene)")] = None
    attribute: Annotated[
        str | None, typer.Option("--attribute", help="GFF3 attribute that names a feature (default ID)")
    ] = None
    outside: Annotated[str | None, typer.Option("--outside", help=OUTSIDE)] = None

    def companions(self) -> Companions:
        """Return what these flags say."""
        from genotool.companions import Companions

        given = {item.name: getattr(self, item.name) for item in dataclasses.fields(WindowFlags)}
        genome = given.pop("genome")
        window = {name: value for name, value in given.items() if value is not None}
        return Companions(getattr(self, "labels", None), genome, window)


@dataclass(frozen=True, slots=True)
class FileFlags(WindowFlags):
    """Those and the labels; each field is one."""

    labels: Annotated[
        Path | None, typer.Option("--labels", help="table of labels of a FASTA, BED or GFF3 file, joined by its ids")
    ] = None
