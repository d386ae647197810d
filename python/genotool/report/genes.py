"""The genes that tell classes apart: who chose which, whether they beat random ones, what clusters find by them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from genotool.report.blocks import Block, Grid, Notice, Section, Text
from genotool.report.collect import Collected, Step
from genotool.report.numbers import count, p_value, real
from genotool.report.pictures import Pictures

__all__ = ["genes"]

SHOWN, TOP, MOST_SETS = 15, 100, 20
LEVEL = 0.05
VERDICTS = {"above": "better than random genes", "within": "no better than random genes may be"}
T_TEST = (
    "The original's one-tailed t-test is listed apart because it answers another question: whether the MEAN of the "
    "random sets lies below the score. That mean is known ever better the more sets are drawn, so almost any set gets "
    "a tiny value{example}: read it as no evidence. No verdict rests on it."
)
NULL = "Scores of random gene sets of the same size; dotted: their 95 % quantile; lines: the sets that were tested."
SCORES = "Each set beside all genes; band: 5 to 95 % of random sets of its size. Further right is better."


def genes(collected: Collected, pictures: Pictures) -> Section | None:
    """Return gene lists, their test against random sets, clusters and enrichment; None where nothing was ranked."""
    blocks: list[Block] = []
    for step in collected.having("tests"):
        blocks += _tested(step, pictures)
    for step in collected.having("ranking"):
        blocks += _ranked(step)
    for step in collected.having("clusters"):
        blocks += _clustered(step, pictures)
    for step in collected.having("enrichment"):
        blocks += _enriched(step)
    return Section("genes", "Genes that tell the classes apart", blocks) if blocks else None


def _tested(step: Step, pictures: Pictures) -> list[Block]:
    """Return the verdicts of the permutation test, and in a table of its own the original's t-test."""
    found = step.content["tests"]
    rows: Sequence[Mapping[str, Any]] = found.get("tests") or []
    every = _decimal((found.get("scores") or {}).get("all genes"))
    matched = " and the same expression" if found.get("expression_matched") else ""
    truth = f"the column {found['against']}" if found.get("against") else "the true classes"
    said = (
        f"Samples are clustered by k-means on each set of genes, and the clusters compared with {truth} "
        f"(V-measure; 1: found again exactly). All genes reach {every}. Each set is compared with "
        f"{count(found.get('draws'))} random sets of its size{matched}; p is the share of random sets as good, "
        f"Holm's correction is over all {len(rows)} sets, and the verdict is by that."
    )
    table = [
        [str(row.get("method")), count(row.get("genes")), _decimal(row.get("score")), _decimal(row.get("null_mean")),
         _decimal(row.get("null_95")), p_value(row.get("p")), p_value(row.get("holm")),
         VERDICTS.get(str(row.get("verdict")), "–")]
        for row in rows
    ]  # fmt: skip
    head = ["chosen by", "genes", "V-measure", "random: mean", "random: 95 %", "p", "Holm", "verdict"]
    apart = [[str(row.get("method")), _small(row.get("t_p")), p_value(row.get("p"))] for row in rows]
    figure = [(step.figures["Fig_t"], NULL)] if "Fig_t" in step.figures else []
    return [
        Text(said, title="Do they beat random genes?"), *_sample(found), *_too_few(found, len(rows)),
        Grid(head, table, numeric=frozenset(range(1, 7))), *pictures.found(figure, step.title, wide=True),
        Text(T_TEST.format(example=_example(rows))),
        Grid(["chosen by", "p of the t-test", "p of the permutation"], apart, numeric=frozenset({1, 2}),
             title="The original's t-test", folded=True),
    ]  # fmt: skip


def _example(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the set whose t-test says most against what the permutation says; "" where no set is such."""
    held = [row for row in rows if (real(row.get("p")) or 0) > LEVEL and (real(row.get("t_p")) or 1) < 0.001]
    if not held:
        return ""
    row = min(held, key=lambda row: real(row.get("t_p")) or 0.0)
    return f" (here {row.get('method')}: {_small(row.get('t_p'))}, and its permutation p is {p_value(row.get('p'))})"


def _too_few(found: Mapping[str, Any], sets: int) -> list[Block]:
    """Return that no set could have passed, where that many random sets give no p that is small enough."""
    least = 1 / (1 + (real(found.get("draws")) or 0))
    said = f"{count(found.get('draws'))} random sets give no p below {least:.3f}, {sets} times that by Holm: too few"
    return [Notice(f"{said} to call any set better.")] if least * sets > LEVEL else []


def _sample(found: Mapping[str, Any]) -> list[Block]:
    said = str(found.get("sample") or "")
    return [Notice(said[:1].upper() + said[1:] + ".", "bad" if said.startswith("IN SAMPLE") else "plain")]


def _ranked(step: Step) -> list[Block]:
    """Return who chose the genes on how many samples, the first genes of each, and how far the folds agree."""
    found = step.content["ranking"]
    chose, left = _numbers(found.get("rows_that_chose")), _numbers(found.get("rows_left"))
    folds = f"{count(found.get('folds'))} folds: " if (real(found.get("folds")) or 0) > 1 else ""
    said = f"{folds}genes chosen on {chose} samples, {left} left to be clustered."
    unlearned = found.get("genes_not_ranked") or {}
    said += f" {count(len(unlearned))} genes do not vary in some training part and are not ranked." if unlearned else ""
    blocks: list[Block] = [Text(said, title="Which genes?")]
    ranks = _ranks(step)
    methods = [method for method in ranks if method != "shap-rule"]
    if methods:
        firsts = [_first(ranks[method]) for method in methods]
        rows = [[str(at + 1), *(names[at] if at < len(names) else "–" for names in firsts)] for at in range(SHOWN)]
        title = f"The first {SHOWN} genes of each list, by their mean rank over folds"
        blocks.append(Grid(["rank", *methods], rows, title=title))
        blocks += _agreement({method: ranks[method] for method in methods})
    notes = [[str(text)] for text in found.get("said") or []]
    return [*blocks, Grid(["note"], notes, title="How they were ranked")]


def _ranks(step: Step) -> dict[str, dict[str, dict[str, int]]]:
    """Return method to fold to gene to rank, as ``gene_lists.tsv`` holds them."""
    table = step.tables.get("gene_lists")
    found: dict[str, dict[str, dict[str, int]]] = {}
    if table is not None:
        columns = [table.column(name) for name in ("method", "fold", "gene", "rank")]
        for method, fold, gene, rank in zip(*columns, strict=True):
            if rank.isdecimal():
                found.setdefault(method, {}).setdefault(fold, {})[gene] = int(rank)
    return found


def _first(folds: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return the genes with the best mean rank; one that a fold's list does not show counts as just behind it."""
    names = dict.fromkeys(gene for ranks in folds.values() for gene in ranks)
    behind = {fold: len(ranks) + 1 for fold, ranks in folds.items()}
    mean = {gene: sum(ranks.get(gene, behind[fold]) for fold, ranks in folds.items()) for gene in names}
    return sorted(names, key=lambda gene: mean[gene])[:SHOWN]


def _agreement(ranks: Mapping[str, Mapping[str, Mapping[str, int]]]) -> Iterator[Block]:
    """Yield how many of the first genes two folds share, and two methods within a fold, on average."""
    tops = {method: {fold: {gene for gene, rank in held.items() if rank <= TOP} for fold, held in folds.items()}
            for method, folds in ranks.items()}  # fmt: skip
    methods = list(tops)
    rows = []
    for one in methods:
        cells = []
        for other in methods:
            pairs = [
                len(tops[one][a] & tops[other][b])
                for a in tops[one]
                for b in tops[other]
                if (a < b if one == other else a == b)
            ]
            cells.append(count(sum(pairs) / len(pairs)) if pairs else "–")
        rows.append([one, *cells])
    title = f"Shared among the first {TOP}: two methods on the same rows; on the diagonal, one method in two folds"
    yield Grid(["", *methods], rows, numeric=frozenset(range(1, len(methods) + 1)), title=title)


def _clustered(step: Step, pictures: Pictures) -> list[Block]:
    found = step.content["clusters"]
    names = [str(name).replace("_", " ") for name in found.get("score_names") or []]
    random = found.get("random_means") or {}
    rows = []
    for method, values in (found.get("scores") or {}).items():
        rows.append([str(method), *map(_decimal, values)])
        rows += [[f"random sets like {method}, mean", *map(_decimal, random[method])]] if method in random else []
    grid = Grid(["set", *names], rows, numeric=frozenset(range(1, len(names) + 1)), folded=True,
                title="All scores of all sets")  # fmt: skip
    figure = [(step.figures["Fig_clusters"], SCORES)] if "Fig_clusters" in step.figures else []
    said = f"k-means in the space of the {found.get('space')}, {count(found.get('starts'))} starts, mean over folds"
    said += f"; compared with the column {found['against']}." if found.get("against") else "."
    return [Text(said, title="What clusters find again"), *_sample(found), *pictures.found(figure, step.title), grid]


def _enriched(step: Step) -> list[Block]:
    """Return the gene sets with the smallest FDR."""
    found, table = step.content["enrichment"], step.tables.get("enrichment")
    said = (
        f"{count(found.get('sets_at_fdr_05'))} of {count(found.get('sets_tested'))} sets of the given file at FDR .05, "
        f"by {found.get('how')} on the list {found.get('list')} ({count(found.get('genes'))} genes)."
    )
    blocks: list[Block] = [Text(said, title="Gene sets among them")]
    if table is not None:
        kept = [name for name in ("set", "genes", "overlap", "nes", "odds_ratio", "p", "fdr") if name in table.header]
        kept = [name for name in kept if not (name == "genes" and "overlap" in table.header)]
        order = sorted(zip(*(table.column(name) for name in kept), strict=True), key=lambda row: real(row[-1]) or 0.0)
        rows = [[row[0], *(_small(cell) if "/" not in cell else cell for cell in row[1:])] for row in order[:MOST_SETS]]
        left = max(0, len(order) - MOST_SETS)
        blocks.append(Grid(kept, rows, numeric=frozenset(range(1, len(kept))), left_out=left))
    return blocks


def _numbers(values: Any) -> str:
    held = list(dict.fromkeys(map(count, values or [])))
    return " or ".join(held) or "–"


def _decimal(value: Any) -> str:
    found = real(value)
    return "–" if found is None else f"{found:.3f}"


def _small(value: Any) -> str:
    found = real(value)
    return "–" if found is None else f"{found:.3g}"
