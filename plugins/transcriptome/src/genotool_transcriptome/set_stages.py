"""`genotool transcriptome clusters` and `test`: gene sets against the tissues, and against random sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from genotool.errors import UsageError
from genotool.persist import save_arrays
from genotool.progress import Bar
from genotool.run import Run
from numpy.typing import NDArray

from genotool_transcriptome.clustering import SCORES, Clustering, Scores, scored
from genotool_transcriptome.random_sets import ClusterRows, Null, Tested, draw, gaussian, null, tested
from genotool_transcriptome.ranked import IN_SAMPLE, OUT_OF_SAMPLE, Ranked
from genotool_transcriptome.set_figures import null_figure, score_figure

__all__ = ["SetRequest", "against_chance", "clusters"]

Places: TypeAlias = NDArray[np.int64]

ALL = "all genes"
ASKS = "the share of random sets of the same size that are as good"
T_ASKS = "whether the MEAN of the random sets lies below the score; not whether a random set is as good"


@dataclass(frozen=True, slots=True)
class SetRequest:
    """What the command line says of both commands.

    Attributes
    ----------
    top
        Genes of each list.
    draws
        Random sets.
    matched
        Whether random sets have as many genes of each level of expression as the set.
    in_sample
        Whether the rows that the genes were chosen on are clustered; every output then says so.
    """

    out: Path
    how: Clustering
    top: int = 100
    files: tuple[Path, ...] = ()
    draws: int = 1000
    matched: bool = False
    in_sample: bool = False
    export: tuple[str, ...] = ()
    threads: int = 1
    overwrite: bool = False

    @property
    def labelled(self) -> str:
        """Whether the genes were chosen on other rows, in words."""
        return IN_SAMPLE if self.in_sample else OUT_OF_SAMPLE


@dataclass(frozen=True, slots=True, eq=False)
class _Sets:
    """The rows of every fold, the sets of genes in each, and what given files lack."""

    rows: list[ClusterRows]
    places: dict[str, list[Places]]
    absent: dict[str, list[str]]

    @classmethod
    def of(cls, ranked: Ranked, request: SetRequest) -> _Sets:
        places, absent = ranked.sets(request.top, request.files)
        rows = list(ranked.rows(in_sample=request.in_sample))
        if request.how.scale == "zscore":
            rows = [each.standardised() for each in rows]
        return cls(rows, places, absent)

    def scores(self, places: Sequence[Places], request: SetRequest) -> list[Scores]:
        """Return the scores of one set in every fold."""
        return [
            scored(rows.table[:, np.sort(genes)], rows.target, request.how, threads=request.threads)
            for rows, genes in zip(self.rows, places, strict=True)
        ]

    @property
    def every(self) -> list[Places]:
        """All genes of every fold."""
        return [np.arange(rows.table.shape[1]) for rows in self.rows]


def clusters(ranked: Ranked, request: SetRequest) -> Run:
    """Score each gene set, all genes and random sets; write ``clusters.tsv``, ``shap_kmeans.tsv`` and figures."""
    sets, run = _Sets.of(ranked, request), _created(ranked, request, "clusters")
    with run:
        found = {method: sets.scores(places, request) for method, places in sets.places.items()}
        found[ALL] = sets.scores(sets.every, request)
        sizes = {method: tuple(map(len, places)) for method, places in sets.places.items()}
        random = _random_scores(sets, request)
        run.write_table("clusters.tsv", ("set", "genes", "fold", "sample", *SCORES), _rows(sets, found, request))
        run.write_table(
            "random_sets.tsv", ("set", "genes", "draw", *SCORES),
            ((m, max(sizes[m]), at, *row) for m, array in random.items() for at, row in enumerate(array.tolist(), 1)),
        )  # fmt: skip
        means = {method: np.mean(scores, axis=0).tolist() for method, scores in found.items()}
        run.write_json("clusters.json", _summary(ranked, sets, request, means, random))
        run.write_text("figures/Fig_clusters.svg", _figure(ranked, means, random))
        _shap_kmeans(run, found, request)
    return run


def _rows(sets: _Sets, found: Mapping[str, list[Scores]], request: SetRequest) -> Iterator[tuple[Any, ...]]:
    places = {**sets.places, ALL: sets.every}
    for method, scores in found.items():
        for fold, each in enumerate(scores):
            yield method, len(places[method][fold]), fold + 1, request.labelled.partition(":")[0], *each


def _random_scores(sets: _Sets, request: SetRequest) -> dict[str, NDArray[np.float64]]:
    """Return for each set the (draws, scores) of random ones, mean over folds; sets of one size share theirs."""
    made: dict[Any, NDArray[np.float64]] = {}
    found = {}
    for method, places in sets.places.items():
        key = method if request.matched else tuple(map(len, places))
        if key not in made:
            drawn = [_drawn(sets, places, request, number) for number in range(request.draws)]
            made[key] = np.array([np.mean(sets.scores(one, request), axis=0) for one in drawn])
        found[method] = made[key]
    return found


def _drawn(sets: _Sets, places: Sequence[Places], request: SetRequest, number: int) -> list[Places]:
    drawn = []
    for at, (rows, genes) in enumerate(zip(sets.rows, places, strict=True)):
        rng = np.random.default_rng(np.random.SeedSequence(request.how.seed, spawn_key=(at, len(genes), number)))
        drawn.append(draw(rng, rows.table.shape[1], genes, rows.level if request.matched else None))
    return drawn


def _figure(ranked: Ranked, means: Mapping[str, list[float]], random: Mapping[str, NDArray[np.float64]]) -> str:
    simulated = bool(ranked.run.record.get("simulated"))
    return score_figure(means, random, SCORES, title="band: 5 to 95 % of random sets", simulated=simulated)


def _shap_kmeans(run: Run, found: Mapping[str, list[Scores]], request: SetRequest) -> None:
    if "shap" not in found:
        return
    header = ("Homogeneity", "Completeness", "V-Measure")
    rows = [(each.homogeneity, each.completeness, each.v_measure) for each in found["shap"]]
    run.write_table("shap_kmeans.tsv", ("fold", *header), ((at, *row) for at, row in enumerate(rows, start=1)))
    if "pkl" in request.export:
        import pandas as pd

        from genotool_transcriptome.shap_files import export

        export(run, "shap_kmeans", pd.DataFrame(rows, columns=list(header)))


def against_chance(ranked: Ranked, request: SetRequest) -> Run:
    """Test each gene set against random ones; write ``tests.tsv``, ``tests.json``, ``Fig_t.svg`` and ``rand_gauss``."""
    sets, run = _Sets.of(ranked, request), _created(ranked, request, "test")
    with run:
        score = {
            method: float(np.mean([each.v_measure for each in sets.scores(places, request)]))
            for method, places in {**sets.places, ALL: sets.every}.items()
        }
        nulls = _nulls(sets, request, run)
        rows = tested([(method, score[method], nulls[method]) for method in sets.places])
        header = tuple(each.name for each in fields(Tested))
        run.write_table(
            "tests.tsv", ("sample", *header),
            ((request.labelled.partition(":")[0], *asdict(row).values()) for row in rows),
        )  # fmt: skip
        summary = _summary(ranked, sets, request, {ALL: score[ALL]}, {})
        asks = {"p": ASKS, "t_p": T_ASKS, "holm": f"Holm over {len(rows)} sets", "verdict": "above: Holm's p <= .05"}
        run.write_json("tests.json", {**summary, "asks": asks, "tests": [asdict(row) for row in rows]})
        _write_nulls(run, nulls, request)
        run.write_text("figures/Fig_t.svg", _null_figure(ranked, rows, nulls))
    return run


def _nulls(sets: _Sets, request: SetRequest, run: Run) -> dict[str, Null]:
    """Return the null of every set; sets of one size share theirs unless random sets are matched by expression."""
    made: dict[Any, Null] = {}
    keys = {method: method if request.matched else tuple(map(len, places)) for method, places in sets.places.items()}
    bar = Bar("random sets", request.draws * len(set(keys.values())))
    try:
        with run.timed("random sets"):
            for method, places in sets.places.items():
                if keys[method] not in made:
                    made[keys[method]] = null(
                        sets.rows, places, request.how, draws=request.draws, matched=request.matched,
                        threads=request.threads, done=bar.advance,
                    )  # fmt: skip
    finally:
        bar.close()
    return {method: made[key] for method, key in keys.items()}


def _write_nulls(run: Run, nulls: Mapping[str, Null], request: SetRequest) -> None:
    """Write ``rand_gauss.npz``: for each set the scores of its random sets, and the normal numbers of the original."""
    normal = {method: gaussian(each, request.how.seed) for method, each in nulls.items()}
    arrays = {f"null:{method}": each.scores for method, each in nulls.items()}
    save_arrays(run.file("rand_gauss.npz"), arrays | {f"gauss:{method}": each for method, each in normal.items()})
    if "pkl" in request.export:
        import pandas as pd

        from genotool_transcriptome.shap_files import export

        first = "shap" if "shap" in normal else next(iter(normal))
        export(run, "rand_gauss", pd.DataFrame(normal[first], columns=["V-Measure"]))


def _null_figure(ranked: Ranked, rows: Sequence[Tested], nulls: Mapping[str, Null]) -> str:
    groups: dict[int, list[Tested]] = {}
    for row in rows:
        groups.setdefault(id(nulls[row.method]), []).append(row)
    drawn = [
        (f"sets of {held[0].genes} genes", nulls[held[0].method].scores, {row.method: row.score for row in held})
        for held in groups.values()
    ]
    return null_figure(drawn, label="V-measure", simulated=bool(ranked.run.record.get("simulated")))


def _created(ranked: Ranked, request: SetRequest, verb: str) -> Run:
    if request.top < 1 or request.draws < 1:
        raise UsageError("a set has at least one gene, and there is at least one random set")
    return Run.create(
        request.out, verb=f"transcriptome {verb}", family="transcriptome", seed=request.how.seed,
        config={**asdict(request.how), "top": request.top, "draws": request.draws, "matched": request.matched,
                "in_sample": request.in_sample, "against": ranked.against,
                "files": [str(file) for file in request.files]},
        data=ranked.run.record["data"], parents=[ranked.run.path], overwrite=request.overwrite,
    )  # fmt: skip


def _summary(
    ranked: Ranked, sets: _Sets, request: SetRequest, scores: Mapping[str, Any], random: Mapping[str, Any]
) -> dict[str, Any]:
    absent = {method: {"count": len(genes), "genes": genes[:20]} for method, genes in sets.absent.items()}
    return {
        "format": 1, "sample": request.labelled, "against": ranked.against,
        "space": request.how.space, "scale": request.how.scale, "starts": request.how.starts,
        "draws": request.draws, "expression_matched": request.matched, "folds": len(sets.rows),
        "rows": [len(rows.target) for rows in sets.rows], "scores": dict(scores), "score_names": list(SCORES),
        "random_means": {method: array.mean(axis=0) for method, array in random.items()},
        "absent_from_the_matrix": absent,
    }  # fmt: skip
