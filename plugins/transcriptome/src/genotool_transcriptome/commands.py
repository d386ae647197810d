"""`genotool transcriptome …`: the family's own commands. Heavy imports wait until a command runs."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer
from genotool.cli.options import Common, command
from genotool.errors import UsageError

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Genes that tell tissues apart.")

COMMON = ("out", "seed", "backend", "device", "threads", "data_dir", "resume", "overwrite", "json", "quiet", "verbose")
RANKED = "the folder that `genotool transcriptome rank` wrote"
TOP = "genes of each list; a set by the original's rule, or of a file, is taken whole"
FILES = "a list of genes of your own, one a line; repeatable"
SPACE = "what is clustered: genes, pca or umap"
SCALE = "zscore: each gene counts alike among the rows that are clustered; model: as the network was given it"
MATCHED = "draw random genes of the same expression as the set's"
IN_SAMPLE = "cluster the rows that the genes were chosen on; every output says so"
AGAINST = "a column of the data that clusters are compared with, such as the organ; default: the tissues"
EXPORT = "pkl: also write the original's pickles (never read here)"

Export: TypeAlias = Annotated[list[str] | None, typer.Option("--export", help=EXPORT)]
Ranked: TypeAlias = Annotated[Path, typer.Argument(help=RANKED)]


@dataclass(frozen=True, slots=True)
class SetFlags:
    """What `clusters` and `test` both ask: which sets of genes, on which rows, clustered how."""

    top: Annotated[int, typer.Option("--top", min=1, help=TOP)] = 100
    lists: Annotated[list[Path] | None, typer.Option("--list", help=FILES)] = None
    space: Annotated[str, typer.Option("--space", help=SPACE)] = "genes"
    scale: Annotated[str, typer.Option("--scale", help=SCALE)] = "zscore"
    starts: Annotated[int, typer.Option("--starts", min=1, help="k-means starts")] = 100
    matched: Annotated[bool, typer.Option("--matched", help=MATCHED)] = False
    in_sample: Annotated[bool, typer.Option("--in-sample", help=IN_SAMPLE)] = False
    against: Annotated[str | None, typer.Option("--against", help=AGAINST)] = None
    export: Export = None


def rank(
    source: Annotated[str, typer.Argument(help="a run of `train transcriptome`, of folds too; or a data set")],
    common: Common,
    methods: Annotated[
        list[str] | None,
        typer.Option("--methods", help="shap, lightgbm, logistic, anova, mutual-information; repeatable; default: all"),
    ] = None,
    folds: Annotated[str, typer.Option("--folds", help="of a data set: a number, or groups")] = "2",
    split: Annotated[str | None, typer.Option("--split", help="of a data set: what stays together")] = None,
    target: Annotated[str | None, typer.Option("--target", help="of a data set: the column of tissues")] = None,
    in_sample: Annotated[bool, typer.Option("--in-sample", help="of a data set: choose genes on every row")] = False,
    explainer: Annotated[str, typer.Option("--explainer", help="gradient, as in the original; or deep")] = "gradient",
    output: Annotated[str, typer.Option("--of", help="logit; or probability, as in the original")] = "logit",
    points: Annotated[int, typer.Option("--points", min=1, help="points of expected gradients")] = 100,
    export: Export = None,
) -> None:
    """Rank genes by SHAP of a trained network and by other methods, all fitted on the same training rows."""
    from genotool_transcriptome.rank_stage import RankRequest
    from genotool_transcriptome.rank_stage import rank as stage
    from genotool_transcriptome.ranking import Method

    asked = tuple(word for given in methods or [] for word in given.split(","))
    run = stage(
        RankRequest(
            source, common.folder(f"rank-{Path(source).name}"), asked, folds, split, target, in_sample,
            Method(explainer, output, points), _exports(export), common.seed, _threads(), common.data_dir,
            common.overwrite,
        )
    )  # fmt: skip
    about = run.read_json("ranking.json")
    words = f"{', '.join(about['methods'])} on {about['rows_that_chose']} rows, {about['rows_left']} left to cluster"
    _show(common, about, [*about["said"], f"{run.path}: {words}"])


def clusters(
    ranked: Ranked,
    common: Common,
    flags: SetFlags,
    draws: Annotated[int, typer.Option("--draws", min=1, help="random sets beside each")] = 20,
) -> None:
    """Cluster the rows that the genes were not chosen on, and score each gene set against the tissues."""
    from genotool_transcriptome.set_stages import clusters as stage

    run = stage(*_request(ranked, common, "clusters", flags, draws))
    about = run.read_json("clusters.json")
    lines = [f"{name}: V-measure {values[0]:.3f}" for name, values in about["scores"].items()]
    lines += [f"random sets like {name}: {values[0]:.3f}" for name, values in about["random_means"].items()]
    _show(common, about, [about["sample"], *lines, *_absent(about), f"run: {run.path}"])


def against_chance(
    ranked: Ranked,
    common: Common,
    flags: SetFlags,
    draws: Annotated[int, typer.Option("--draws", min=1, help="random sets; the original's preset is 100")] = 1000,
) -> None:
    """Test whether each gene set beats random sets of its size: the permutation p-value, Holm-corrected, decides."""
    from genotool_transcriptome.set_stages import against_chance as stage

    run = stage(*_request(ranked, common, "test", flags, draws))
    about = run.read_json("tests.json")
    lines = [
        f"{row['method']} ({row['genes']} genes): V-measure {row['score']:.3f}, random {row['null_mean']:.3f} "
        f"(95 %: {row['null_95']:.3f}), p {row['p']:.3g}, Holm {row['holm']:.3g}: {row['verdict']}"
        for row in about["tests"]
    ]
    every = f"all genes: V-measure {about['scores']['all genes']:.3f}"
    _show(common, about, [about["sample"], *lines, every, *_absent(about), f"run: {run.path}"])


def enrich(
    ranked: Ranked,
    common: Common,
    gmt: Annotated[Path, typer.Option("--gmt", help="gene sets: name, description, genes, by tabs")],
    method: Annotated[str, typer.Option("--method", help="whose order of genes")] = "shap",
    how: Annotated[str, typer.Option("--how", help="prerank: the whole order; top: the first genes")] = "prerank",
    top: Annotated[int, typer.Option("--top", min=1, help="with --how top: how many genes")] = 100,
    permutations: Annotated[int, typer.Option("--permutations", min=1, help="of prerank")] = 1000,
    smallest: Annotated[int, typer.Option("--smallest", min=1, help="ranked genes that a set needs")] = 5,
    largest: Annotated[int, typer.Option("--largest", min=1, help="ranked genes that a set may have")] = 500,
) -> None:
    """Find the gene sets of a GMT file that lie high among the ranked genes, offline."""
    from genotool_transcriptome.enrichment import EnrichRequest
    from genotool_transcriptome.enrichment import enrich as stage
    from genotool_transcriptome.ranked import open_ranked

    run = stage(
        open_ranked(ranked, data_dir=common.data_dir),
        EnrichRequest(
            gmt, common.folder(f"enrich-{ranked.name}"), method, how, top, permutations, smallest, largest,
            common.seed, _threads(), common.overwrite,
        ),
    )  # fmt: skip
    about = run.read_json("enrichment.json")
    words = f"{about['sets_at_fdr_05']} of {about['sets_tested']} sets at FDR .05"
    _show(common, about, [f"{run.path}: {words}; see enrichment.tsv"])


def _request(ranked: Path, common: Common, verb: str, flags: SetFlags, draws: int) -> tuple[Any, Any]:
    from genotool_transcriptome.clustering import Clustering
    from genotool_transcriptome.ranked import open_ranked
    from genotool_transcriptome.set_stages import SetRequest

    how = Clustering(flags.space, flags.scale, starts=flags.starts, seed=common.seed)  # type: ignore[arg-type]
    request = SetRequest(
        common.folder(f"{verb}-{ranked.name}"), how, flags.top, tuple(flags.lists or ()), draws, flags.matched,
        flags.in_sample, _exports(flags.export), _threads(), common.overwrite,
    )  # fmt: skip
    return open_ranked(ranked, data_dir=common.data_dir, against=flags.against), request


def _exports(given: list[str] | None) -> tuple[str, ...]:
    for word in given or []:
        if word != "pkl":
            raise UsageError(f"--export takes pkl, not {word!r}")
    return tuple(given or ())


def _threads() -> int:
    return int(os.environ["GENOTOOL_THREADS"])


def _absent(about: dict[str, Any]) -> list[str]:
    lacks = about["absent_from_the_matrix"].items()
    return [
        f"{name}: {held['count']} genes are not in the matrix, such as {held['genes'][0]}"
        for name, held in lacks
        if held["count"]
    ]


def _show(common: Common, about: dict[str, Any], lines: list[str]) -> None:
    typer.echo(json.dumps(about) if common.json else "\n".join(lines))


for name, function in (("rank", rank), ("clusters", clusters), ("test", against_chance), ("enrich", enrich)):
    app.command(name)(command(function, common=COMMON))
