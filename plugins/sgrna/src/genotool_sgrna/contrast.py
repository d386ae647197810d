"""One comparison of two sets of guides as a row of ``stats.tsv``, and what it says in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from genotool.statistics.intervals import FEW_GROUPS
from genotool.statistics.tables import BOUNDS, Comparison, adjusted

__all__ = ["BY_CONSTRUCTION", "HEADER", "PAIRED", "Contrast", "concluded"]

HEADER = (
    "kind", "sampling", "feature", "test", "set_a", "set_b", "n_a", "n_b", "unit", "genes_a", "genes_b", "shared",
    "statistic", "p", "p_by", "q", "effect_name", "effect", "low", "high", "bound", "conclusion", "tautology",
    "in_words",
)  # fmt: skip
BY_CONSTRUCTION = "by construction"
"""The conclusion of a tautology."""
PAIRED = "Wilcoxon signed-rank"


@dataclass(frozen=True, slots=True)
class Contrast:
    """A comparison, between what, and of which rows.

    Attributes
    ----------
    kind
        ``sets`` or ``classes``.
    sampling
        ``all`` rows, or ``under-sampled`` to equal classes.
    shared
        Guides in both sets.
    detail
        Which value differs most, in words; "" where the test has no such thing.
    tautology
        Why the two sides differ by construction; "" where they need not.
    """

    kind: str
    sampling: str
    a: str
    b: str
    shared: int
    comparison: Comparison
    detail: str = ""
    tautology: str = ""

    def cells(self) -> tuple[object, ...]:
        """Return the row's cells, in the order of `HEADER`."""
        c = self.comparison
        return (
            self.kind, self.sampling, c.feature, c.test, self.a, self.b, c.n_a, c.n_b, self._unit, c.groups_a,
            c.groups_b, self.shared, c.statistic, c.p, c.p_by.replace("groups", "genes").replace("rows", "guides"),
            None if self.tautology else c.q, c.effect_name, c.effect, c.low, c.high, BOUNDS[c.effect_name],
            c.conclusion, "yes" if self.tautology else "", self.words(),
        )  # fmt: skip

    def words(self) -> str:
        """Return what the row says, as a sentence that claims no more than the interval holds."""
        c, bound = self.comparison, BOUNDS[self.comparison.effect_name]
        if self.tautology:
            return f"{c.feature} differs by construction: {self.tautology} ({self._size()})"
        if c.conclusion == "different":
            small = "" if abs(c.effect) >= bound else f", smaller than the bound of {bound}"
            return f"{self._difference()} ({self._size()}{small})"
        if c.conclusion == "equivalent":
            return f"{self._subject()} differs by less than the bound of {bound} ({self._size()})"
        return f"{self._subject()}: neither a difference nor its absence is shown ({self._size()}, bound {bound})"

    @property
    def _unit(self) -> str:
        return "guide" if self.comparison.groups_a is None else "gene"

    def _size(self) -> str:
        c = self.comparison
        size = f"{c.effect_name} {c.effect:.3f}, "
        if c.low is not None and c.high is not None:
            return f"{size}90 % interval {c.low:.3f} to {c.high:.3f}, {self._unit}s drawn"
        return f"{size}no interval: {self.too_few()}, under {FEW_GROUPS}"

    @property
    def beyond(self) -> bool:
        """Whether the whole interval lies beyond the bound."""
        c, bound = self.comparison, BOUNDS[self.comparison.effect_name]
        return c.low is not None and c.high is not None and (c.low > bound or c.high < -bound)

    def too_few(self) -> str:
        """Return which side nests in too few genes for an interval, in words; "" where there is one."""
        c = self.comparison
        if c.low is not None:
            return ""
        if c.test == PAIRED:
            return f"the shared guides are of {c.groups_a} genes"
        sides = {self.a: c.groups_a or 0, self.b: c.groups_b or 0}
        return " and ".join(f"{name} has {count} genes" for name, count in sides.items() if count < FEW_GROUPS)

    def _subject(self) -> str:
        return "the rank of the shared guides" if self.comparison.test == PAIRED else self.comparison.feature

    def _difference(self) -> str:
        c = self.comparison
        higher, lower = (self.a, self.b) if c.effect > 0 else (self.b, self.a)
        if c.test == PAIRED:
            return f"the shared guides rank higher among the guides of {higher} than among those of {lower}"
        if c.effect_name == "Cliff's delta":
            return f"{c.feature} is higher in {higher}"
        return f"{c.feature} is distributed differently{self.detail and f', most of all {self.detail}'}"


def concluded(tested: Sequence[Contrast]) -> list[Contrast]:
    """Return the rows with q over all that are no tautologies, and each conclusion by the bound of its effect."""
    held = iter(adjusted([test.comparison for test in tested if not test.tautology]))
    return [
        replace(
            test,
            comparison=replace(test.comparison, conclusion=BY_CONSTRUCTION) if test.tautology else next(held),
        )
        for test in tested
    ]
