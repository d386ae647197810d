"""How sets of guides differ, and how the classes within a set do: effect sizes, corrected p-values, bounds.

A transfer is never justified by p > .05 here: what a table can say is "different", "equivalent" (the effect
lies within a bound) or "undecided". Efficacy has another unit in every assay, so it is ranked within its set:
over whole sets such ranks are uniform by construction, hence sets are compared on the guides that they share.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from genotool.dataset import Dataset
from genotool.errors import UsageError
from genotool.statistics.samples import categories, numbers, signed_rank
from genotool.statistics.tables import Comparison
from numpy.typing import NDArray

from genotool_sgrna import features
from genotool_sgrna.comparison_summary import SHARED_ENOUGH, summarised
from genotool_sgrna.contrast import HEADER, Contrast, concluded
from genotool_sgrna.guide_set import GuideSet, shared_genes, shared_rows, under_sampled

if TYPE_CHECKING:
    from genotool.run import Run

__all__ = ["compare", "contrasts"]

FEWEST = 10
"""Rows that a side needs to be tested."""
CUT = 0.9
"""Cliff's delta from which on classes are taken as cut from a number: 95 % of the pairs are in its order. A second
screen of the same guides orders 89 to 91 % (HCT116 and HeLa): no measurement does that to classes from another."""


def compare(datasets: list[Dataset], *, out: Run, seed: int = 0, permutations: int = 1000) -> dict[str, Any]:
    """Compare guide sets with each other and the classes within each; write table, figures and summary.

    Parameters
    ----------
    datasets
        One or more sets of guides; one alone must have two classes.
    out
        The run folder: gets ``stats.tsv``, ``comparison.json`` and ``figures/*.svg``.
    permutations
        Exchanges of genes for a p-value, and draws for an interval.

    Returns
    -------
    The content of ``comparison.json``.

    Raises
    ------
    UsageError
        If a set is named twice, or nothing can be compared.
    """
    names = [dataset.name for dataset in datasets]
    if len(set(names)) < len(names):
        raise UsageError(f"a set is named twice: {', '.join(names)}", hint="name different sets")
    sets = [GuideSet.of(dataset) for dataset in datasets]
    if len(sets) == 1 and sets[0].classes() is None:
        raise UsageError(f"{names[0]} has no two classes to compare", hint="name a second set")
    tested = contrasts(sets, seed, permutations)
    from genotool_sgrna.comparison_figures import figures

    simulated = any(dataset.about.simulated for dataset in datasets)
    summary = summarised(sets, tested, seed=seed, permutations=permutations, simulated=simulated)
    out.write_table("stats.tsv", HEADER, [test.cells() for test in tested])
    out.write_json("comparison.json", summary)
    for file, figure in figures(sets, simulated):
        out.write_text(f"figures/{file}.svg", figure)
    return summary


def contrasts(sets: list[GuideSet], seed: int = 0, permutations: int = 1000) -> list[Contrast]:
    """Test all sets against each other and the classes within each, all rows and under-sampled ones."""
    return concluded(list(_all_tests(sets, seed, permutations)))


def _all_tests(sets: list[GuideSet], seed: int, permutations: int) -> Iterator[Contrast]:
    balanced = [under_sampled(guides, seed) for guides in sets]
    halves = {
        "all": sets,
        "under-sampled": [part or whole for part, whole in zip(balanced, sets, strict=True)],
    }
    changed = {"all": [True] * len(sets), "under-sampled": [part is not None for part in balanced]}
    seeds = iter(np.random.SeedSequence(seed).generate_state(10_000).tolist())
    for sampling, chosen in halves.items():
        for (one, a), (two, b) in combinations(enumerate(chosen), 2):
            if changed[sampling][one] or changed[sampling][two]:
                yield from _Pair("sets", sampling, a, b, int(next(seeds)), permutations).between_sets()
        for number, guides in enumerate(chosen):
            if changed[sampling][number] and (pair := guides.classes()) is not None:
                yield from _Pair("classes", sampling, *pair, int(next(seeds)), permutations).between_classes()


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    """Two sets of guides, or the two classes of one, and how to test them."""

    kind: str
    sampling: str
    a: GuideSet
    b: GuideSet
    seed: int
    draws: int

    def between_sets(self) -> Iterator[Contrast]:
        yield from self._numbers("gc")
        yield from self._numbers("tm")
        yield from self._bases()
        if self.sampling == "all" and "efficacy" in self.a.numbers and "efficacy" in self.b.numbers:
            yield from self._shared_efficacy()

    def between_classes(self) -> Iterator[Contrast]:
        yield from self._numbers("gc")
        yield from self._numbers("tm")
        yield from self._bases()
        efficacy = list(self._numbers("efficacy"))
        deltas = [test.comparison.effect for test in efficacy if test.comparison.effect_name == "Cliff's delta"]
        why = _cut_from(deltas[0]) if deltas else ""
        yield from (self._contrast(test.comparison, tautology=why) for test in efficacy)

    def _contrast(self, found: Comparison, detail: str = "", tautology: str = "") -> Contrast:
        shared = len(shared_rows(self.a, self.b)[0])
        return Contrast(self.kind, self.sampling, self.a.name, self.b.name, shared, found, detail, tautology)

    def _numbers(self, feature: str) -> Iterator[Contrast]:
        (values_a, genes_a), (values_b, genes_b) = (_held(guides, feature) for guides in (self.a, self.b))
        if min(len(values_a), len(values_b)) < FEWEST:
            return
        groups = (genes_a, genes_b)
        found = numbers(feature, values_a, values_b, groups=groups, draws=self.draws, seed=self.seed)
        yield from map(self._contrast, found)

    def _bases(self) -> Iterator[Contrast]:
        for place in range(self.a.bases.shape[1]):
            known = [guides.bases[:, place] != features.ABSENT for guides in (self.a, self.b)]
            a, b = (guides.bases[rows, place] for guides, rows in zip((self.a, self.b), known, strict=True))
            genes = (self.a.genes[known[0]], self.b.genes[known[1]])
            if min(len(a), len(b)) >= FEWEST:
                found = categories(f"base {place + 1}", a, b, groups=genes, draws=self.draws, seed=self.seed)
                yield self._contrast(found, self._most(a, b))

    def _most(self, a: NDArray[np.int8], b: NDArray[np.int8]) -> str:
        """Return the base whose share differs most, with both shares."""
        shares = [np.bincount(codes, minlength=len(features.BASES)) / len(codes) for codes in (a, b)]
        most = int(np.argmax(np.abs(shares[0] - shares[1])))
        in_a, in_b = (f"{100 * share[most]:.0f} %" for share in shares)
        return f"{features.BASES[most]}, {in_a} in {self.a.name} and {in_b} in {self.b.name}"

    def _shared_efficacy(self) -> Iterator[Contrast]:
        in_a, in_b = shared_rows(self.a, self.b)
        values = self.a.numbers["efficacy"][in_a], self.b.numbers["efficacy"][in_b]
        known = np.isfinite(values[0]) & np.isfinite(values[1])
        if known.sum() < SHARED_ENOUGH:
            return
        genes = shared_genes(self.a, self.b)[known]
        groups = genes if (genes != "").any() else None
        found = signed_rank(
            "efficacy (shared guides)", values[0][known], values[1][known], groups=groups,
            draws=self.draws, seed=self.seed,
        )  # fmt: skip
        yield self._contrast(found)


def _cut_from(delta: float) -> str:
    """Return why two classes differ in a number by construction, "" where they need not."""
    if abs(delta) < CUT:
        return ""
    ordered = 100 * (1 + abs(delta)) / 2
    return f"it alone orders {ordered:.1f} % of the pairs of one guide of each class, so the classes were cut from it"


def _held(guides: GuideSet, feature: str) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Return the known values of a feature and their genes; nothing for a set without the feature."""
    values = guides.numbers.get(feature, np.full(len(guides.rows), np.nan))
    known = np.isfinite(values)
    return values[known], guides.genes[known]
