"""Orthologs from FASTA files, one a species, with a table that says whose they are or without: as data sets to learn.

An ortholog has no label of its own: it takes the target, the groups and the columns of the row that it belongs to.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from genotool.dataset import About, Column, Dataset, Kind, take_rows
from genotool.errors import InputError, UsageError, nearest
from genotool.readers.fasta import read_fasta
from genotool.readers.sequences import SHARE
from genotool.readers.table import Table, numbers, read_table

__all__ = ["PARENT", "RECORD", "OrthologFiles"]

log = logging.getLogger(__name__)

ON = "ortholog"
"""The column that says whose ortholog a row is: the swap of `genotool.orthologs` joins on it."""
PARENT, RECORD = "ortholog of", "ortholog record"
"""The columns that say whose ortholog a row is, and which record: no file has them, a role has no space."""


@dataclass(frozen=True, slots=True)
class OrthologFiles:
    """What the command line says of files of orthologs.

    Attributes
    ----------
    fastas
        Species to its FASTA file.
    table
        ``id``, ``ortholog_id``, ``species`` and, if known, ``distance``; None: a record is called as its row.
    distance
        The largest distance of an ortholog; those of unknown distance then stay out.
    """

    fastas: Mapping[str, Path] = field(default_factory=dict)
    table: Path | None = None
    distance: float | None = None

    def __post_init__(self) -> None:
        if not self.fastas and (self.table is not None or self.distance is not None):
            flag = "--ortholog-table" if self.table is not None else "--ortholog-distance"
            hint = "one FASTA file a species: --ortholog-fasta cru.fa"
            raise UsageError(f"{flag} goes with --ortholog-fasta", hint=hint)
        if self.distance is not None and self.table is None:
            hint = "--ortholog-table names a table with the columns id, ortholog_id, species, distance"
            raise UsageError("--ortholog-distance needs distances", hint=hint)

    def __bool__(self) -> bool:
        return bool(self.fastas)

    @classmethod
    def of(cls, fastas: list[str] | None, table: Path | None, distance: float | None) -> Self:
        """Return what flags say: a file, its name being that of the species, or ``SPECIES=FILE``."""
        named: dict[str, Path] = {}
        for word in fastas or []:
            name, equals, file = word.partition("=")
            path = Path(file if equals else word)
            species = name if equals else path.name.split(".")[0]
            if species in named:
                hint = "name one of them: --ortholog-fasta SPECIES=FILE"
                raise UsageError(f"two FASTA files of the species {species!r}", hint=hint)
            named[species] = path
        return cls(named, table, distance)

    def words(self) -> list[str]:
        """Return the flags that say the same."""
        words = [word for name, path in self.fastas.items() for word in ("--ortholog-fasta", f"{name}={path}")]
        valued = {"--ortholog-table": self.table, "--ortholog-distance": self.distance}
        return words + [word for flag, value in valued.items() if value is not None for word in (flag, str(value))]

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads; the paths are absolute."""
        return {
            "fastas": {name: str(path.absolute()) for name, path in self.fastas.items()},
            "table": None if self.table is None else str(self.table.absolute()),
            "distance": self.distance,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Return what `to_json` wrote."""
        fastas = {name: Path(path) for name, path in (content.get("fastas") or {}).items()}
        table = content.get("table")
        return cls(fastas, Path(table) if table else None, content.get("distance"))

    def beside(self, main: Dataset) -> tuple[Dataset, list[Dataset]]:
        """Return the rows with the column `ON`, and one data set of their orthologs a species.

        Raises
        ------
        UsageError
            Rows that are no sequences.
        InputError
            No row with an ortholog, a species without any, a pair that occurs twice, a distance that is no number.
        """
        if main.kind != Kind.SEQUENCES:
            raise UsageError(f"--ortholog-fasta goes with sequences, and {main.name} holds {main.kind}")
        own = main.ids if ON not in main.columns else np.asarray(main.columns[ON]).astype(np.str_)
        main = dataclasses.replace(main, columns={**main.columns, ON: np.where(own == "", main.ids, own)})
        table = None if self.table is None else read_table(self.table)
        sets = [self._species(main, name, path, table) for name, path in self.fastas.items()]
        with_one = np.isin(main.ids, np.concatenate([np.asarray(one.columns[PARENT]) for one in sets]))
        log.info("%d of %d rows have orthologs in %s", with_one.sum(), len(main), ", ".join(self.fastas))
        return main, sets

    def _species(self, main: Dataset, species: str, path: Path, table: Table | None) -> Dataset:
        records = read_fasta(path)
        rows = (
            _named(records.names, path) if table is None else _near(_of_species(table, species), species, self.distance)
        )
        called = _by_name(main, rows)
        places = _places(rows, records.names, path)
        pairs = [
            (row, place)
            for name, place in zip(rows["id"], places, strict=True)
            if place >= 0
            for row in called.get(name, ())
        ]
        parents, found = np.array(pairs, np.int64).reshape(-1, 2).T
        names = np.array(records.names, np.str_)[found]
        columns = {role: take_rows(column, parents) for role, column in main.columns.items()}
        called_by = main.ids[parents]
        own: dict[str, Column] = {"sequence": records.sequences.take(found), PARENT: called_by, RECORD: names}
        return dataclasses.replace(
            main.take(parents),
            name=species,
            ids=np.array([f"{parent}:{name}" for parent, name in zip(called_by, names, strict=True)], np.str_),
            columns={**columns, **own},
            about=About(simulated=main.about.simulated, path=str(path)),
        )


def _named(names: list[str], path: Path) -> Table:
    """Return a FASTA file alone as such a table: each record is called as the row that it belongs to."""
    cells, order = np.array(names, object), np.arange(1, len(names) + 1)
    return Table(path, {"id": cells, "ortholog_id": cells}, order, order)


def _near(table: Table, species: str, limit: float | None) -> Table:
    """Return the rows of a species that are near enough; InputError where none is."""
    if limit is None:
        return table
    near = table.take(numbers(table, "distance") <= limit)
    if not len(near):
        said = f"no ortholog is as near as that: the table has {len(table)} of {species}, all further away"
        raise InputError(said, file=table.path, value=limit, hint="a larger --ortholog-distance, or none")
    return near


def _of_species(table: Table, species: str) -> Table:
    """Return the rows of a species; InputError where it has none, or a pair twice."""
    rows = table.take(table["species"] == species)
    if not len(rows):
        hint = f"--ortholog-fasta SPECIES=FILE; {nearest(species, set(table['species'].tolist()))}"
        raise InputError("the table has no ortholog of this species", file=table.path, value=species, hint=hint)
    seen: set[tuple[str, str]] = set()
    for row, pair in enumerate(zip(rows["id"], rows["ortholog_id"], strict=True)):
        if pair in seen:
            raise rows.error("the pair occurs twice", row, pair[1], "remove one")
        seen.add(pair)
    return rows


def _by_name(main: Dataset, rows: Table) -> dict[str, list[int]]:
    """Return which rows each name in the table means: their ids, or where more of these are known the column `ON`."""
    tried: list[dict[str, list[int]]] = []
    for names in (main.ids, np.asarray(main.columns[ON])):
        tried.append({})
        for row, name in enumerate(names.tolist()):
            tried[-1].setdefault(name, []).append(row)
    asked = set(rows["id"].tolist())
    best = max(tried, key=lambda known: len(asked & set(known)))
    if not asked & set(best):
        hint = f"rows are called {str(main.ids[0])!r}, or {next(iter(tried[1]))!r} in the column {ON!r}"
        raise InputError(f"no id is that of a row of {main.name}", file=rows.path, value=rows["id"][0], hint=hint)
    return best


def _places(rows: Table, names: list[str], path: Path) -> list[int]:
    """Return where in the FASTA file each ortholog of the table is, -1: nowhere; InputError where most are not."""
    place = {name: number for number, name in enumerate(names)}
    found = [place.get(name, -1) for name in rows["ortholog_id"]]
    if lost := found.count(-1):
        first = rows["ortholog_id"][found.index(-1)]
        said = f"{lost} of {len(found)} orthologs of {rows.path.name} are not in {path.name}, the first {first!r}"
        if lost > SHARE * len(found):
            raise InputError(said, file=rows.path, hint="at least half must be there: are they called the same?")
        log.warning("%s", said)
    return found
