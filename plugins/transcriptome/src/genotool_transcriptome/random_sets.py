"""Whether a gene set beats chance: random sets of the same size, their null distribution, and what is asked of it.

The original's one-tailed t-test asks whether the *mean* of the null lies below the set's score: with many draws the
answer is yes for any set that is a little better than the average one (p of 1e-27 where a tenth of all random sets is
as good). The permutation p-value asks how often a random set is as good: that is the verdict here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from genotool.errors import UsageError
from genotool.statistics.tables import holm
from numpy.typing import NDArray

from genotool_transcriptome.clustering import Clustering, v_measure

__all__ = ["LEVEL", "ClusterRows", "Null", "Tested", "draw", "gaussian", "null", "permutation_p", "t_test", "tested"]

Floats: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.int64]

LEVEL = 0.05
LEVELS = 10
"""Parts of equal size, by mean expression, within which genes are exchanged."""
GAUSSIAN = 10_000
"""Numbers of ``rand_gauss``, as in the original."""


@dataclass(frozen=True, slots=True, eq=False)
class ClusterRows:
    """Rows of one fold that are clustered, and what random genes are drawn from.

    Attributes
    ----------
    table
        (n, m) scaled values of all genes.
    target
        (n,) codes of tissues.
    level
        (m,) mean expression of each gene in the rows that genes were chosen on.
    """

    table: NDArray[np.float32]
    target: NDArray[np.int64]
    level: NDArray[Any]

    def standardised(self) -> ClusterRows:
        """Return the same rows with each gene at mean 0 and deviation 1 among them; one that never varies at 0."""
        mean, deviation = self.table.mean(axis=0, dtype=np.float64), self.table.std(axis=0, dtype=np.float64)
        table = (self.table - mean.astype(np.float32)) / np.where(deviation > 0, deviation, 1).astype(np.float32)
        return dataclasses.replace(self, table=table)


@dataclass(frozen=True, slots=True, eq=False)
class Null:
    """(draws,) the score of each random set, the mean over folds; `sizes` has the genes of a set in each fold."""

    sizes: tuple[int, ...]
    scores: Floats


@dataclass(frozen=True, slots=True)
class Tested:
    """A gene set against its null.

    Attributes
    ----------
    p, holm
        The permutation p-value, and its correction over all sets that were tested.
    t, t_p
        The original's one-tailed t-test, which asks about the mean of the null.
    verdict
        ``above`` where Holm's p is at most .05, else ``within``: no better than a random set may be.
    """

    method: str
    genes: int
    score: float
    null_mean: float
    null_sd: float
    null_95: float
    p: float
    holm: float
    t: float
    t_p: float
    verdict: str


def draw(rng: np.random.Generator, width: int, chosen: Places, level: NDArray[Any] | None) -> Places:
    """Return as many distinct random genes as are chosen.

    Parameters
    ----------
    width
        Genes to draw from.
    chosen
        Places of the genes of the set.
    level
        (width,) mean expression: of every tenth of the genes by it as many are drawn as are chosen. None: any gene.
    """
    if level is None:
        return rng.choice(width, len(chosen), replace=False).astype(np.int64)
    part = np.empty(width, np.int64)
    part[np.argsort(level, kind="stable")] = np.arange(width) * LEVELS // width
    wanted = np.bincount(part[chosen], minlength=LEVELS)
    drawn = [rng.choice(np.flatnonzero(part == at), count, replace=False) for at, count in enumerate(wanted.tolist())]
    return np.concatenate(drawn).astype(np.int64)


def null(
    folds: Sequence[ClusterRows],
    chosen: Sequence[Places],
    how: Clustering,
    *,
    draws: int,
    matched: bool = False,
    threads: int = 1,
    done: Callable[[], None] = lambda: None,
) -> Null:
    """Return the scores of random sets: each draw independent of the others, of the size of the set in each fold.

    Parameters
    ----------
    chosen
        For each fold the places of the set's genes, which say the size (and with `matched` the expression).
    threads
        Draws scored at once; the same bytes for any number. UMAP runs one by one.

    Raises
    ------
    UsageError
        If a set has no gene.
    """
    if any(len(genes) == 0 for genes in chosen):
        raise UsageError("a set of no genes has no random sets of its size")

    def one(number: int) -> float:
        scores = []
        for at, (rows, genes) in enumerate(zip(folds, chosen, strict=True)):
            rng = np.random.default_rng(np.random.SeedSequence(how.seed, spawn_key=(at, len(genes), number)))
            places = draw(rng, rows.table.shape[1], genes, rows.level if matched else None)
            scores.append(v_measure(rows.table[:, np.sort(places)], rows.target, how))
        done()
        return float(np.mean(scores))

    from threadpoolctl import threadpool_limits

    with threadpool_limits(1), ThreadPoolExecutor(1 if how.space == "umap" else threads) as pool:
        scores = list(pool.map(one, range(draws)))
    return Null(tuple(map(len, chosen)), np.array(scores))


def permutation_p(scores: Floats, score: float) -> float:
    """Return the share of random sets that are as good, the set itself counted (Phipson and Smyth 2010)."""
    return float((1 + (scores >= score - 1e-12).sum()) / (1 + len(scores)))


def t_test(scores: Floats, score: float) -> tuple[float, float]:
    """Return t and p of the original's one-tailed test: whether the mean of the null lies below the score."""
    from scipy.stats import ttest_1samp

    if np.ptp(scores) == 0:
        return float("nan"), float("nan")
    found = ttest_1samp(scores, score, alternative="less")
    return float(found.statistic), float(found.pvalue)


def gaussian(found: Null, seed: int) -> Floats:
    """Return ``rand_gauss``: numbers of a normal distribution with mean and deviation of the null.

    The original takes the deviation from repeated k-means of one set, which is not that of random sets.
    """
    deviation = float(found.scores.std(ddof=1)) if len(found.scores) > 1 else 0.0
    return np.random.default_rng(seed).normal(found.scores.mean(), deviation, GAUSSIAN)


def tested(sets: Sequence[tuple[str, float, Null]]) -> list[Tested]:
    """Return every set (method, score, its null) with both tests, Holm's correction over all of them."""
    ps = [permutation_p(found.scores, score) for _, score, found in sets]
    rows = []
    for (method, score, found), p, adjusted in zip(sets, ps, holm(ps), strict=True):
        t, t_p = t_test(found.scores, score)
        many = len(found.scores) > 1
        rows.append(
            Tested(
                method, round(float(np.mean(found.sizes))), score, float(found.scores.mean()),
                float(found.scores.std(ddof=1)) if many else float("nan"), float(np.quantile(found.scores, 0.95)),
                p, adjusted, t, t_p, "above" if adjusted <= LEVEL else "within",
            )
        )  # fmt: skip
    return rows
