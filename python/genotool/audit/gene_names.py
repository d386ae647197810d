"""Names of genes: which kind of id a matrix has, and how many of the genes of two matrices meet by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from genotool.audit.findings import Finding, shown
from genotool.audit.words import percent
from genotool.dataset import Dataset, Kind

__all__ = ["damaged_names", "id_type", "names_that_do_not_meet"]


class _Type(NamedTuple):
    name: str
    pattern: re.Pattern[str]
    is_gene: bool = True


def _type(name: str, pattern: str, *, is_gene: bool = True) -> _Type:
    return _Type(name, re.compile(pattern), is_gene)


TYPES = (
    _type("Ensembl human gene ids with a version", r"ENSG\d{11}\.\d+"),
    _type("Ensembl human gene ids", r"ENSG\d{11}"),
    _type("Ensembl mouse gene ids with a version", r"ENSMUSG\d{11}\.\d+"),
    _type("Ensembl mouse gene ids", r"ENSMUSG\d{11}"),
    _type("Ensembl transcript ids", r"ENS[A-Z]{0,4}T\d{11}(\.\d+)?"),
    _type("Ensembl gene ids of another species", r"ENS[A-Z]{3,4}G\d{11}(\.\d+)?"),
    _type("Arabidopsis thaliana locus ids (TAIR)", r"[Aa][Tt][1-5CM][Gg]\d{5}(\.\d+)?"),
    _type("maize gene ids (B73 v4, v5)", r"(Zm\d{5}[a-z]{1,2}\d{6}|ENSRNA\d{9})(_[TP]\d+)?"),
    _type("maize gene ids (B73 v3 and before)", r"(GRMZM\dG\d{6}|A[CFY]\d{6}\.\d_FG[TP]?\d{3})(_[TP]\d+)?"),
    _type("rice locus ids", r"(LOC_)?Os\d{2}g\d{5,7}(\.\d+)?"),
    _type("RefSeq accessions", r"[NX][MRP]_\d+(\.\d+)?"),
    _type("Affymetrix probe ids", r"(\d+|AFFX-.+)(_[a-z]{1,2})?_at", is_gene=False),
    _type("Illumina probe ids", r"ILMN_\d+", is_gene=False),
    _type("Agilent probe ids", r"A_\d+_P\d+", is_gene=False),
    _type("Entrez gene numbers", r"((?i:entrez|geneid)[:_.-]?)?\d{1,9}"),
    _type("symbols written as in mouse (Trp53)", r"[A-Z][a-z][A-Za-z0-9.-]*"),
    _type("symbols written as in human (TP53)", r"[A-Z][A-Z0-9]*(-?[A-Z0-9.]+)*(orf\d+)?"),
)
LOCUS = tuple(kind for kind in TYPES[:-3] if kind.is_gene)
"""Ids that name one gene of one species, so that two sets that have the same one mean the same gene."""
DATES = re.compile(r"\d{1,2}-(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)|(Mar|Sep|Dec)-\d{1,2}", re.IGNORECASE)
"""What a spreadsheet made of MARCH1, SEPT2 and DEC1 (Ziemann 2016 Genome Biol 17:177)."""
NAMED = 0.5
MEET, LITTLE, HARDLY = 0.9, 0.5, 0.05
"""Shares of the smaller set's names that meet: from the first nothing is said, below the others a warning, severe."""
SOME = 5_000


def id_type(names: list[str]) -> str:
    """Return what most of the names are, in words; "names of no known kind" where no kind has half of them."""
    kind = _id_type(names)
    return kind.name if kind else "names of no known kind"


def _id_type(names: list[str]) -> _Type | None:
    some = names[:: max(1, len(names) // SOME)]
    count = dict.fromkeys(TYPES, 0)
    for name in some:
        kind = next((kind for kind in TYPES if kind.pattern.fullmatch(name)), None)
        if kind:
            count[kind] += 1
    best = max(count, key=lambda kind: count[kind])
    return best if count[best] > NAMED * len(some) else None


def is_locus(name: str) -> bool:
    """Return whether a name is an id of one gene of one species."""
    return any(kind.pattern.fullmatch(name) for kind in LOCUS)


def locus(name: str) -> str:
    """Return a name without version, transcript and prefix, in capitals: as genes are compared."""
    name = re.sub(r"^(entrez|geneid)[:_.-]?|^LOC_", "", name.strip(), flags=re.IGNORECASE)
    return re.sub(r"(\.\d+|_[TP]\d+)$", "", name).upper()


def names_that_do_not_meet(one: Dataset, other: Dataset) -> Iterator[Finding]:
    """Look at how many genes of two matrices meet, as written and without versions and case."""
    if one.features is None or other.features is None or {one.kind, other.kind} != {Kind.MATRIX}:
        return
    small, large = sorted((one, other), key=lambda dataset: len(set(dataset.features.tolist())))  # type: ignore[union-attr]
    here, there = (list(dict.fromkeys(dataset.features.tolist())) for dataset in (small, large))  # type: ignore[union-attr]
    written = set(here) & set(there)
    plain = {locus(name) for name in here} & {locus(name) for name in there}
    share = len(written) / max(len(here), 1)
    if share >= MEET:
        return
    severity = "severe" if share < HARDLY else "warning" if share < LITTLE else "note"
    types = _id_type(here), _id_type(there)
    said = f"{len(written)} of {len(here)} gene names of {small.name} ({percent(len(written), len(here))}) are in "
    said += f"{large.name} too ({percent(len(written), len(there))} of its {len(there)}): {small.name} has "
    said += f"{id_type(here)}, {large.name} {'the same' if types[0] == types[1] and types[0] else id_type(there)}"
    if len(plain) > len(written):
        said += f"; without versions, prefixes and case {len(plain)} ({percent(len(plain), len(here))}) meet"
    yield Finding(
        "gene-names", severity, len(here) - len(written), len(here), said, _remedy(types, len(written), len(plain)),
        shown([name for name in here if name not in written]), data=(small.name, large.name),
    )  # fmt: skip


def _remedy(types: tuple[_Type | None, _Type | None], written: int, plain: int) -> str:
    if plain > 1.5 * written:
        return "write the names in one way: drop the version behind the dot, and use one case"
    if types[0] != types[1] and types[0] and types[1]:
        return f"map {types[0].name} and {types[1].name} to one kind of id before the sets are used together"
    return "use the genes that both have, or see that both are of one species and one annotation"


def damaged_names(dataset: Dataset) -> Iterator[Finding]:
    """Look for gene names that a spreadsheet turned into dates."""
    if dataset.kind is not Kind.MATRIX or dataset.features is None:
        return
    names = dataset.features.tolist()
    dates = [name for name in names if DATES.fullmatch(name)]
    if dates:
        yield Finding(
            "gene-names-damaged", "warning", len(dates), len(names),
            f"{len(dates)} of {len(names)} gene names of {dataset.name} are dates: a spreadsheet rewrote symbols such "
            "as MARCH1 and SEPT2", "take the names from the source again, and import them as text", shown(dates),
            data=(dataset.name,),
        )  # fmt: skip
