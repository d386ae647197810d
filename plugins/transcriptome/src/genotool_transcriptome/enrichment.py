"""Gene sets of a GMT file among the ranked genes, by gseapy (Fang 2023 Bioinformatics 39:btac757): no network, ever.

``prerank``: whether a set's genes lie high in the order of all genes (Subramanian 2005 PNAS 102:15545); ``top``:
whether more of them are among the first genes than chance puts there (hypergeometric), the background all ranked genes.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from genotool.errors import InputError, UsageError, nearest
from genotool.run import Run
from numpy.typing import NDArray

from genotool_transcriptome.gene_lists import GeneList
from genotool_transcriptome.genes import bare
from genotool_transcriptome.ranked import Ranked

__all__ = ["HOW", "EnrichRequest", "combined", "enrich", "read_gmt"]

Table: TypeAlias = list[tuple[Any, ...]]

HOW = ("prerank", "top")
HINT = "GMT: a line a set, its name, a description, then its genes, separated by tabs"
HEADERS = {
    "prerank": ("set", "genes", "es", "nes", "p", "fdr", "leading_genes"),
    "top": ("set", "overlap", "odds_ratio", "p", "fdr", "genes"),
}


@dataclass(frozen=True, slots=True)
class EnrichRequest:
    """What the command line says.

    Attributes
    ----------
    method
        Whose order of genes, such as ``shap``.
    smallest, largest
        Sets with fewer or more ranked genes are not tested.
    """

    gmt: Path
    out: Path
    method: str = "shap"
    how: str = "prerank"
    top: int = 100
    permutations: int = 1000
    smallest: int = 5
    largest: int = 500
    seed: int = 0
    threads: int = 1
    overwrite: bool = False


def read_gmt(file: Path) -> dict[str, list[str]]:
    """Read the sets of a GMT file; gene names without version, in capitals.

    Raises
    ------
    UsageError
        If there is no such file.
    InputError
        If it is no text, a line has no gene, a set has no name or occurs twice, or there is no set.
    """
    if not file.is_file():
        raise UsageError(f"{file}: no such file", hint=HINT)
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("not readable as text", file=file, hint=f"decompress it; {HINT}") from error
    sets: dict[str, list[str]] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        name, *rest = (cell.strip() for cell in line.split("\t"))
        genes = list(dict.fromkeys(bare(gene) for gene in rest[1:] if gene))
        if not name or not genes:
            raise InputError("a set needs a name and genes", file=file, row=number, value=line[:60], hint=HINT)
        if name in sets:
            raise InputError("a set occurs twice", file=file, row=number, value=name, hint="rename or remove one")
        sets[name] = genes
    if not sets:
        raise InputError("there is no set of genes", file=file, hint=HINT)
    return sets


def combined(lists: Sequence[GeneList]) -> GeneList:
    """Return one order of the genes that every fold ranks: by their mean rank; scores from 1 for the best to -1."""
    ranks = [{gene: at / len(each) for at, gene in enumerate(each.genes.tolist())} for each in lists]
    genes = np.array([gene for gene in lists[0].genes.tolist() if all(gene in held for held in ranks)], np.str_)
    score = 1 - 2 * np.array([np.mean([held[gene] for held in ranks]) for gene in genes.tolist()])
    order = np.argsort(-score, kind="stable")
    return GeneList(lists[0].method, genes[order], score[order], np.empty(0, np.str_))


def enrich(ranked: Ranked, request: EnrichRequest) -> Run:
    """Test every set of the file; write ``enrichment.tsv`` (FDR by gseapy) and ``enrichment.json``.

    Raises
    ------
    UsageError
        If the run has no such list.
    InputError
        If no set of the file has enough genes that were ranked.
    """
    if request.how not in HOW:
        raise UsageError(f"unknown way {request.how!r}", hint=f"one of {', '.join(HOW)}")
    lists = [each for fold in ranked.folds for each in fold.lists if each.method == request.method]
    if len(lists) < len(ranked.folds):
        known = {each.method for fold in ranked.folds for each in fold.lists}
        raise UsageError(f"the run has no list {request.method!r}", hint=nearest(request.method, known))
    order, sets = combined(lists), read_gmt(request.gmt)
    names = list(dict.fromkeys(bare(gene) for gene in order.genes.tolist()))  # of two versions of an id the first
    kept = _of_size(sets, set(names), request)
    run = Run.create(
        request.out, verb="transcriptome enrich", family="transcriptome", seed=request.seed,
        config={"method": request.method, "how": request.how, "top": request.top, "gmt": str(request.gmt),
                "permutations": request.permutations, "smallest": request.smallest, "largest": request.largest},
        data=ranked.run.record["data"], parents=[ranked.run.path], overwrite=request.overwrite,
    )  # fmt: skip
    with run, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = request.how == "prerank"
        rows = _prerank(names, order.scores, kept, request) if whole else _top(names, kept, request)
        run.write_table("enrichment.tsv", HEADERS[request.how], rows)
        run.write_json("enrichment.json", {
            "format": 1, "how": request.how, "list": request.method, "folds": len(lists), "genes": len(names),
            "sets_in_file": len(sets), "sets_tested": len(kept), "sets_at_fdr_05": _significant(rows, request.how),
        })  # fmt: skip
    return run


def _of_size(sets: dict[str, list[str]], known: set[str], request: EnrichRequest) -> dict[str, list[str]]:
    held = {name: [gene for gene in genes if gene in known] for name, genes in sets.items()}
    kept = {name: genes for name, genes in held.items() if request.smallest <= len(genes) <= request.largest}
    if not kept:
        most = max(map(len, held.values()))
        gene = next(iter(sorted(known)))
        raise InputError(
            f"no set has {request.smallest} to {request.largest} of the {len(known)} ranked genes (most: {most})",
            file=request.gmt, hint=f"are both named alike? one ranked gene is {gene!r}; or other sizes",
        )  # fmt: skip
    return kept


def _prerank(
    names: list[str], scores: NDArray[np.float64], sets: dict[str, list[str]], request: EnrichRequest
) -> Table:
    import gseapy
    import pandas as pd

    made = gseapy.prerank(
        rnk=pd.Series(scores[: len(names)], index=names), gene_sets=sets, outdir=None, no_plot=True, seed=request.seed,
        permutation_num=request.permutations, min_size=request.smallest, max_size=request.largest,
        threads=request.threads,
    )  # fmt: skip
    return [
        (row["Term"], len(sets[row["Term"]]), float(row["ES"]), float(row["NES"]), float(row["NOM p-val"]),
         float(row["FDR q-val"]), row["Lead_genes"])
        for row in made.res2d.to_dict("records")
    ]  # fmt: skip


def _top(names: list[str], sets: dict[str, list[str]], request: EnrichRequest) -> Table:
    import gseapy

    made = gseapy.enrich(
        gene_list=names[: request.top], gene_sets=sets, background=names, outdir=None, no_plot=True
    ).results
    rows = [
        (row["Term"], row["Overlap"], float(row["Odds Ratio"]), float(row["P-value"]),
         float(row["Adjusted P-value"]), row["Genes"])
        for row in made.to_dict("records")
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (row[3], row[0]))


def _significant(rows: Table, how: str) -> int:
    at = HEADERS[how].index("fdr")
    return sum(row[at] <= 0.05 for row in rows)
