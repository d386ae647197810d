"""`genotool data`: data sets by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from genotool.cli.files import FileFlags
from genotool.cli.options import Common, command

app = typer.Typer(
    help="Data sets by name: list, describe, get, verify, add.",
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
)

DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Folder with a catalogue.toml.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON.")]


def _show(content: Any, as_json: bool, columns: tuple[str, ...] = ()) -> None:
    if as_json:
        typer.echo(json.dumps(content, indent=1, ensure_ascii=False))
    elif isinstance(content, dict):
        for key, value in content.items():
            if value not in (None, "", {}, [], False):
                typer.echo(f"{key}\t{json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value}")
    else:
        typer.echo("\t".join(columns))
        for row in content:
            typer.echo("\t".join(str(row[column]) for column in columns))


@app.command("list")
def list_(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List every known data set and where it is."""
    from genotool.stages import data

    _show(data.list_all(data_dir), as_json, ("name", "kind", "cell", "target", "where", "warning"))


@app.command()
def describe(
    operand: Annotated[str, typer.Argument(metavar="DATA", help="A name or a path.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Say what a data set holds: rows, columns, target, groups, source, licence."""
    from genotool.stages import data

    _show(data.describe(operand, data_dir), as_json)


@app.command()
def get(name: str, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Download a data set, check its digest, and say where it lies."""
    from genotool.stages import data

    _show(data.get(name, data_dir), as_json)


@app.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Check files against their digests; exit 3 where one differs or is missing."""
    from genotool.stages import data

    states = data.verify_all(names, data_dir)
    _show(states, as_json, ("name", "state", "path"))
    data.require_verified(states)


def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="a table, FASTA, BED, GFF3 or .h5ad file")],
    common: Common,
    files: FileFlags,
    name: Annotated[str | None, typer.Option(help="The name; default the file's.")] = None,
    kind: Annotated[str | None, typer.Option(help="guides, sequences, pairs or matrix.")] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="Which column is what: ROLE=COLUMN, such as guide=Oligo or label=hit; repeatable."),
    ] = None,
    target: Annotated[str, typer.Option(help="The column or role to predict.")] = "",
    groups: Annotated[str, typer.Option(help="The column that must not straddle a split.")] = "",
    cell: Annotated[str, typer.Option(help="The cell line.")] = "",
    cite: Annotated[str, typer.Option(help="How to cite it.")] = "",
    licence: Annotated[str, typer.Option(help="Its licence.")] = "",
    warning: Annotated[str, typer.Option(help="What must be said wherever it is used.")] = "",
) -> None:
    """Sniff FILE, inside the data folder, and append its entry to the catalogue."""
    from genotool.stages import data

    about = {
        "target": target,
        "groups": groups,
        "cell": cell,
        "cite": cite,
        "licence": licence,
        "warning": warning,
    }
    columns = _roles(column or [])
    beside = files.companions()
    made = data.add(file, common.data_dir, name=name, kind=kind, columns=columns, companions=beside, **about)
    _show(made, common.json)


app.command()(command(add, common=("data_dir", "json")))


def _roles(words: list[str]) -> dict[str, str]:
    """Return role to column of ``--column ROLE=COLUMN``."""
    from genotool.errors import UsageError

    columns: dict[str, str] = {}
    for word in words:
        role, _, name = (part.strip() for part in word.partition("="))
        if not role or not name:
            raise UsageError(f"--column takes ROLE=COLUMN, not {word!r}", hint="such as --column guide=Oligo")
        if role in columns:
            raise UsageError(f"--column names the role {role!r} twice: {columns[role]!r} and {name!r}", hint="keep one")
        columns[role] = name
    return columns
