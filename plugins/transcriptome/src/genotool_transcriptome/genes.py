"""Gene names of two matrices: which mean the same gene, by version-free ids and a map that the user gives."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from genotool.errors import InputError
from genotool.readers.table import open_rows
from numpy.typing import NDArray

__all__ = ["bare", "kinds_in_words", "matched", "read_map"]

VERSIONED = re.compile(r"((?:ENS[A-Z]*G|AT[1-5CM]G|LOC_Os|Zm\d+[a-z]+|GRMZM)\w*)\.\d+", re.IGNORECASE)


KINDS = {
    "Ensembl ids": re.compile(r"ENS[A-Z]*[GTP]\d+(\.\d+)?", re.IGNORECASE),
    "numbers": re.compile(r"\d+"),
    "loci": re.compile(r"(AT[1-5CM]G|LOC_Os|Zm\d+[a-z]+|GRMZM)\w*(\.\d+)?", re.IGNORECASE),
}
FEW = 0.02
"""A kind of id that fewer genes have is no kind: control probes, markers."""


def bare(name: str) -> str:
    """Return a gene id without prefix and version: ``gene:ENSG00000141510.18`` is ``ENSG00000141510``."""
    name = name.strip().removeprefix("gene:")
    found = VERSIONED.fullmatch(name)
    return (found[1] if found else name).upper()


def kinds_in_words(names: Iterable[str]) -> list[str]:
    """Return a sentence where the ids are of several kinds, an example of each; nothing where they are of one."""
    held: dict[str, list[str]] = {}
    for name in names:
        short = name.strip().removeprefix("gene:")
        kind = next((kind for kind, form in KINDS.items() if form.fullmatch(short)), "names")
        held.setdefault(kind, []).append(name)
    many = sum(map(len, held.values()))
    common = [f"{len(some)} {kind} such as {some[0]}" for kind, some in held.items() if len(some) >= FEW * many]
    text = f"gene ids are of several kinds: {', '.join(common)}; another matrix meets each by that id, or by --gene-map"
    return [text] if len(common) > 1 else []


def read_map(file: Path) -> dict[str, str]:
    """Read a table of two columns of ids that mean the same gene, such as symbol and Ensembl id.

    The second column is what both become, so the direction does not matter. An id with two different partners is left
    out: nothing says which is meant.
    """
    pairs: dict[str, set[str]] = {}
    with open_rows(file) as rows:
        header = next(rows)[1]
        if len(header) < 2:
            raise InputError("a gene map has two columns of ids", file=file, hint="such as symbol and ensembl_id")
        for _, cells in rows:
            if cells[0] and cells[1]:
                pairs.setdefault(bare(cells[0]), set()).add(bare(cells[1]))
    return {one: next(iter(others)) for one, others in pairs.items() if len(others) == 1}


def matched(wanted: Iterable[str], there: Iterable[str], mapping: Mapping[str, str] | None = None) -> NDArray[np.int64]:
    """Return for each wanted gene its place among those that are there; -1 where it is not.

    The same name first; else without version and through the map, at the first place of those that then are alike.
    """
    there = list(there)
    exact = {name: number for number, name in enumerate(there)}
    wanted = list(wanted)
    if all(name in exact for name in wanted):
        return np.array([exact[name] for name in wanted], np.int64)
    known = mapping or {}

    def key(name: str) -> str:
        return known.get(bare(name), bare(name))

    place: dict[str, int] = {}
    for number, name in enumerate(there):
        place.setdefault(key(name), number)
    return np.array([exact.get(name, place.get(key(name), -1)) for name in wanted], np.int64)
