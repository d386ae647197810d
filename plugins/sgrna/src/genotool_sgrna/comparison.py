"""How sets of guides differ, and how the classes within a set do: effect sizes, corrected p-values, bounds.

A transfer is never justified by p > .05 here: what a table can say is "different", "equivalent" (the effect
lies within a bound) or "undecided". Efficacy has another unit in every assay, so it is ranked within its set:
over whole sets such ranks are uniform by construction, hence sets are compared on the guides that they share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from genotool.dataset import Dataset
from genotool.errors import UsageError
from genotool.stats import Comparison, adjusted, categories, kolmogorov_smirnov, mann_whitney, signed_rank
from numpy.typing import NDArray

from genotool_sgrna import features
from genotool_sgrna.guide_set import GuideSet, shared_rows, under_sampled

if TYPE_CHECKING:
    from genotool.run import Run

__all__ = ["BOUNDS", "HEADER", "Contrast", "agreement", "compare", "concluded", "contrasts"]

BOUNDS = {"Cliff's delta": 0.147, "rank-biserial": 0.147, "D": 0.10, "Cramér's V": 0.10}
"""Effects called negligible: Romano 2006 for delta; D of the same shift of a normal variable; Cohen, V."""
FEWEST = 10
"""Rows that a side needs to be tested."""
SHARED_ENOUGH = 10
HEADER = (
    "kind", "sampling", "feature", "test", "set_a", "set_b", "n_a", "n_b", "shared", "statistic", "p", "q",
    "effect_name", "effect", "low", "high", "bound", "conclusion", "in_words",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Contrast:
    """One row of ``stats.tsv``: a comparison, between what, and of which rows.

    Attributes
    ----------
    kind
        ``sets`` or ``classes``.
    sampling
        ``all`` rows, or ``under-sampled`` to equal classes.
    shared
        Guides in both sets.
    """

    kind: str
    sampling: str
    a: str
    b: str
    shared: int
    comparison: Comparison

    def cells(self) -> tuple[object, ...]:
        """Return the row's cells, in the order of `HEADER`."""
        c = self.comparison
        return (
            self.kind, self.sampling, c.feature, c.test, self.a, self.b, c.n_a, c.n_b, self.shared,
            c.statistic, c.p, c.q, c.effect_name, c.effect, c.low, c.high, BOUNDS[c.effect_name],
            c.conclusion, self.words(),
        )  # fmt: skip

    def words(self) -> str:
        """Return what the row says, as a sentence that claims no more than the interval holds."""
        c, bound = self.comparison, BOUNDS[self.comparison.effect_name]
        interval = "no interval" if c.low is None else f"90 % interval {c.low:.3f} to {c.high:.3f}"
        size = f"{c.effect_name} {c.effect:.3f}, {interval}"
        directed = c.effect_name in ("Cliff's delta", "rank-biserial")
        which = self.a if c.effect > 0 else self.b
        if c.conclusion == "different":
            said = f"{c.feature} is higher in {which}" if directed else f"{c.feature} is distributed differently"
            small = "" if abs(c.effect) >= bound else f", smaller than the bound of {bound}"
            return f"{said} ({size}{small})"
        if c.conclusion == "equivalent":
            return f"{c.feature} differs by less than the bound of {bound} ({size})"
        return f"{c.feature}: neither a difference nor its absence is shown ({size}, bound {bound})"


def compare(datasets: list[Dataset], *, out: Run, seed: int = 0, permutations: int = 1000) -> dict[str, Any]:
    """Compare guide sets with each other and the classes within each; write table, figures and summary.

    Parameters
    ----------
    datasets
        One or more sets of guides; one alone must have two classes.
    out
        The run folder: gets ``stats.tsv``, ``comparison.json`` and ``figures/*.svg``.
    permutations
        Permutations of genes for a p-value, and draws for an interval.

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
    summary = _summary(sets, tested, seed, permutations, simulated)
    out.write_table("stats.tsv", HEADER, [test.cells() for test in tested])
    out.write_json("comparison.json", summary)
    for file, figure in figures(sets, simulated):
        out.write_text(f"figures/{file}.svg", figure)
    return summary


def contrasts(sets: list[GuideSet], seed: int = 0, permutations: int = 1000) -> list[Contrast]:
    """Test all sets against each other and the classes within each, all rows and under-sampled ones."""
    return concluded(list(_all_tests(sets, seed, permutations)))


def concluded(tested: Sequence[Contrast]) -> list[Contrast]:
    """Return the rows with q over the whole table, and each conclusion by the bound of its own effect."""
    rows = [test.comparison for test in tested]
    by_bound = {bound: adjusted(rows, bound=bound) for bound in set(BOUNDS.values())}
    return [
        replace(test, comparison=by_bound[BOUNDS[test.comparison.effect_name]][number])
        for number, test in enumerate(tested)
    ]


def _all_tests(sets: list[GuideSet], seed: int, permutations: int) -> Iterator[Contrast]:
    balanced = [under_sampled(guides, seed) for guides in sets]
    halves = {
        "all": sets,
        "under-sampled": [part or whole for part, whole in zip(balanced, sets, strict=True)],
    }
    changed = {"all": [True] * len(sets), "under-sampled": [part is not None for part in balanced]}
    units = iter(np.random.SeedSequence(seed).generate_state(10_000).tolist())
    for sampling, chosen in halves.items():
        for (one, a), (two, b) in combinations(enumerate(chosen), 2):
            if changed[sampling][one] or changed[sampling][two]:
                yield from _between_sets(a, b, sampling, int(next(units)), permutations)
        for number, guides in enumerate(chosen):
            if changed[sampling][number] and (pair := guides.classes()) is not None:
                yield from _tests("classes", sampling, *pair, ("gc", "tm", "efficacy"), int(next(units)), permutations)


def _between_sets(a: GuideSet, b: GuideSet, sampling: str, seed: int, permutations: int) -> Iterator[Contrast]:
    yield from _tests("sets", sampling, a, b, ("gc", "tm"), seed, permutations)
    if sampling != "all" or "efficacy" not in a.numbers or "efficacy" not in b.numbers:
        return
    in_a, in_b = shared_rows(a, b)
    if len(in_a) >= SHARED_ENOUGH:
        values = a.numbers["efficacy"][in_a], b.numbers["efficacy"][in_b]
        paired = signed_rank("efficacy (shared guides)", *values, draws=permutations, seed=seed)
        yield Contrast("sets", sampling, a.name, b.name, len(in_a), paired)


def _tests(
    kind: str, sampling: str, a: GuideSet, b: GuideSet, numbers: tuple[str, ...], seed: int, permutations: int
) -> Iterator[Contrast]:
    shared = len(shared_rows(a, b)[0])
    both: tuple[Callable[..., Comparison], ...] = (kolmogorov_smirnov, mann_whitney)
    for feature in numbers:
        sides = [_held(guides, feature) for guides in (a, b)]
        if min(len(values) for values, _ in sides) < FEWEST:
            continue
        (values_a, genes_a), (values_b, genes_b) = sides
        # Clusters of one side only cannot be exchanged with the other side's single rows.
        groups = (genes_a, genes_b) if (genes_a != "").any() and (genes_b != "").any() else None
        for test in both:
            found = test(feature, values_a, values_b, groups=groups, draws=permutations, seed=seed)
            yield Contrast(kind, sampling, a.name, b.name, shared, found)
    for place in range(a.bases.shape[1]):
        here = [guides.bases[:, place] for guides in (a, b)]
        here = [codes[codes != features.ABSENT] for codes in here]
        if min(map(len, here)) >= FEWEST:
            found = categories(f"base {place + 1}", *here, draws=permutations, seed=seed)
            yield Contrast(kind, sampling, a.name, b.name, shared, found)


def _held(guides: GuideSet, feature: str) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Return the known values of a feature and their genes; nothing for a set without the feature."""
    values = guides.numbers.get(feature, np.full(len(guides.rows), np.nan))
    known = np.isfinite(values)
    return values[known], guides.genes[known]


def agreement(a: GuideSet, b: GuideSet, *, seed: int) -> dict[str, Any]:
    """Return how far two sets agree on the guides that they share: Spearman of efficacy, equal labels."""
    from genotool.intervals import bootstrap

    in_a, in_b = shared_rows(a, b)
    said: dict[str, Any] = {
        "a": a.name,
        "b": b.name,
        "shared": len(in_a),
        "n_a": len(a.rows),
        "n_b": len(b.rows),
    }
    if len(in_a) < SHARED_ENOUGH:
        return said
    if "efficacy" in a.numbers and "efficacy" in b.numbers:
        values = a.numbers["efficacy"][in_a], b.numbers["efficacy"][in_b]
        known = np.isfinite(values[0]) & np.isfinite(values[1])
        found = bootstrap("regression", values[0][known], values[1][known], groups=a.genes[in_a][known], seed=seed)
        said["efficacy_spearman"] = found["spearman"].to_json()
    if a.rows.target is not None and b.rows.target is not None and a.rows.classes and a.rows.classes == b.rows.classes:
        said["same_label"] = float((a.rows.target[in_a] == b.rows.target[in_b]).mean())
    return said


def _summary(
    sets: list[GuideSet], tested: list[Contrast], seed: int, permutations: int, simulated: bool
) -> dict[str, Any]:
    counts = {
        word: sum(test.comparison.conclusion == word for test in tested)
        for word in ("different", "equivalent", "undecided")
    }
    return {
        "format": 1,
        "simulated": simulated,
        "sets": [_about(guides) for guides in sets],
        "agreement": [agreement(a, b, seed=seed) for a, b in combinations(sets, 2)],
        "conclusions": counts,
        "bounds": BOUNDS,
        "permutations": permutations,
        "correction": f"Benjamini-Hochberg over all {len(tested)} rows of stats.tsv",
        "notes": [
            "efficacy is ranked within its set; over whole sets such ranks are uniform by construction, so"
            " sets are compared on shared guides, in pairs",
            "a class label that was cut from the efficacy differs in efficacy by construction",
            "genes are permuted where both sides name them; tests of single bases take rows as independent",
            "sets that share guides are not independent: their p-values are too large rather than too small",
            "a large p-value is no evidence of sameness, and no test here says whether a transfer helps:"
            " evaluation does",
        ],
        "rows": [dict(zip(HEADER, test.cells(), strict=True)) for test in tested],
    }


def _about(guides: GuideSet) -> dict[str, Any]:
    rows, about = guides.rows, guides.rows.about
    balance = {} if not rows.classes or rows.target is None else {
        name: int((rows.target == code).sum()) for code, name in enumerate(rows.classes)
    }  # fmt: skip
    return {
        "name": guides.name, "rows": len(rows), "digest": rows.digest, "classes": balance,
        "genes": len(set(guides.genes) - {""}),
        "warning": about.warning, "cite": about.cite,
        "medians": {f: float(np.nanmedian(v)) for f, v in guides.numbers.items()},
    }  # fmt: skip
