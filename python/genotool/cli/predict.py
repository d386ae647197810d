"""`genotool predict MODEL INPUT`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from genotool.cli.files import WindowFlags
from genotool.cli.options import Common, command

app = typer.Typer(rich_markup_mode=None, add_completion=False)
COMMON = ("backend", "device", "threads", "data_dir", "json", "quiet", "verbose")


def predict(
    model: Annotated[str, typer.Argument(help="a run folder, or a family that ships a model")],
    data: Annotated[str, typer.Argument(help="a data set's name, a table, a FASTA, BED or GFF3 file")],
    common: Common,
    window: WindowFlags,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="the file to write; none or -: standard output")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace an existing file")] = False,
    key: Annotated[str | None, typer.Option("--model", help="which model of a recipe's folder")] = None,
    scan: Annotated[bool, typer.Option("--scan", help="score every site of a FASTA, both strands, ranked")] = False,
    output_format: Annotated[str, typer.Option("--format", help="tsv, bed, crispor or mageck")] = "tsv",
    pam: Annotated[str | None, typer.Option("--pam", help="with --scan: the PAM, IUPAC letters (default NGG)")] = None,
    avoid_site: Annotated[
        str | None, typer.Option("--avoid-site", help="restriction enzymes or sites to mark, comma-separated")
    ] = None,
    per_record: Annotated[
        int | None, typer.Option("--per-record", min=1, help="keep the best N of each record")
    ] = None,
    per_gene: Annotated[int | None, typer.Option("--per-gene", min=1, help="keep the best N of each gene")] = None,
    top: Annotated[int | None, typer.Option("--top", min=1, help="keep the best N in all")] = None,
    coverage: Annotated[
        float | None,
        typer.Option("--coverage", help="add a conformal set, or low and high, that holds the truth of this share"),
    ] = None,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="rows predicted at a time")] = 65_536,
) -> None:
    """Score rows that have no label; -o is a file (`-`: standard output), its provenance beside it."""
    from genotool.stages.predict import run_predict

    file = None if str(out) == "-" else out
    done = run_predict(
        model, data, file, key=key, scan=scan, output_format=output_format, pam=pam, avoid_sites=avoid_site,
        per_record=per_record, per_gene=per_gene, top=top, coverage=coverage, data_dir=common.data_dir,
        batch_size=batch_size, overwrite=overwrite, companions=window.companions(),
    )  # fmt: skip
    for warning in done.warnings:
        typer.echo(f"warning: {warning}", err=True)
    if not common.quiet:
        if done.remark:
            typer.echo(done.remark, err=True)
        typer.echo(f"score: {done.provenance['model']['score']}", err=True)
        if own := done.provenance["model"]["own_test"]:
            typer.echo(f"the model's own test: {own}", err=True)
        if done.overlap is not None:
            typer.echo(_seen(done.overlap, done.written), err=True)
    if common.json and file is not None:
        typer.echo(json.dumps(done.provenance))
    elif file is not None and not common.quiet:
        typer.echo(f"{done.written} of {done.rows} rows: {file}", err=True)


def _seen(overlap: dict[str, int], written: int) -> str:
    """Return how many of the rows written the model met in training, and how."""
    how = ", ".join(f"{relation} {count}" for relation, count in overlap.items() if count)
    return f"seen in training: {sum(overlap.values())} of {written} rows" + (f" ({how})" if how else "")


app.command()(command(predict, common=COMMON))
