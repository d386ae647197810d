"""How many rows make a finding how bad: the one place where a count becomes a severity.

Each finding has a least severity, and shares of the rows from which it is a warning, and severe. Where they come from:

shared-rows, rows-across-parts, seen-by-model (equal rows, reverse complements, variants in the two PAM-distal bases)
    An answer known by heart. Of two rows that a ROC-AUC compares, one is known in 2 of 100 pairs where 1 % of the rows
    are: at most .006 more on a ROC-AUC of .7, a third of its standard error on 1,000 rows. Up to there a warning.
near-rows, shifted-rows, and the same across parts or seen by a model
    Neighbours say less: the values of guides that lie one base beside each other on a strand correlate by .2 to .6 in
    eight real sets (of two guides of one gene by -.03 to .2), of guides that differ in one base by .76 in one; looking
    up equal guides of another cell line scores a ROC-AUC of .9. Libraries of different design share 0.1 to 5 % of such
    sites unasked, in two pairs of sets 11 %: a quarter is tiling, or made.
homologous-rows, and the same across parts or seen by a model
    As for neighbours: the labels of orthologous promoters that share 40 or more 16-mers are equal for 96 to 97 % in
    three pairs of species (the measured strengths of homologous core promoters correlate by .6), those of paralogs
    within a species for half, which is chance. Promoters of a species share 1 to 5 % of rows unasked: up to there a
    warning at most. Of two rows that a ROC-AUC compares, one is related in 4 of 10 pairs where a quarter of the rows
    are: .05 more for those is .02, the standard error on 1,000 rows.
homologous-within (relatives in one set that no common group keeps together)
    Gene families are in every genome: below 5 % a note. A split may keep them together, and its audit counts what it
    did not: never severe.
near-within, shifted-within (neighbours in one set that no common group keeps together)
    As the above, but a split may still keep them together, and the audit of the split counts what it did not.
duplicates
    Replicates are no mistake, as long as all of a row's stay in one part: never severe.
variants
    Published sets hold 0 to 3.6 % by themselves (a spacer listed in two lengths), and genotool's own splits keep them
    in one part: below 5 % a note. Where half of the rows are copies, the set is augmented: its size is not what it
    seems, and any other split of it leaks.
conflicting-labels
    They bound what a model can reach, and leak nothing: never severe.
parents-across-parts, parents-across-sets, interpolated-across-parts
    A copy, or a mixture, of a row whose answer was learned: as equal rows.
alike-rows, alike-across-parts (rows of matrices that correlate by .9999), and alike-within
    One sample on two scales: as equal rows; within a set as duplicates.
batch-explains-label, column-explains-label (a strength: Cramér's V, or the root of R2 out of sample)
    From .9 a batch and the label are one thing: severe. From .5, or where the batch alone ranks rows by .7, a model can
    live on it: a warning. From .1 a note. Of a column that nobody calls a batch, which may as well describe what is
    predicted, .9 is a warning and .5 a note. Below a p-value of .001 only.
plain-number
    No leak, for the number belongs to the row, but a floor: GC alone reaches a ROC-AUC of .60 on promoters, detected
    genes .64 on persister cells. From .58, its interval above chance, a note, from .7 a warning (of a Spearman
    correlation .16 and .4, of an accuracy as much of the way from the commonest class to 1), never severe.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["LEVELS", "Levels", "severity_of", "severity_of_skill", "severity_of_strength"]

NEVER = float("inf")


class Levels(NamedTuple):
    """The severity that a finding has at least, and the shares from which it is a warning, and severe."""

    least: str
    warning: float
    severe: float


KNOWN = Levels("warning", 0.0, 0.01)
NEIGHBOURS = Levels("note", 0.01, 0.25)
LEVELS: Mapping[str, Levels] = {
    "shared-rows": KNOWN,
    "rows-across-parts": KNOWN,
    "seen-by-model": KNOWN,
    "near-rows": NEIGHBOURS,
    "near-rows-across-parts": NEIGHBOURS,
    "near-seen-by-model": NEIGHBOURS,
    "shifted-rows": NEIGHBOURS,
    "shifted-rows-across-parts": NEIGHBOURS,
    "shifted-seen-by-model": NEIGHBOURS,
    "homologous-rows": NEIGHBOURS,
    "homologous-rows-across-parts": NEIGHBOURS,
    "homologous-seen-by-model": NEIGHBOURS,
    "homologous-within": Levels("note", 0.05, NEVER),
    "near-within": Levels("note", 0.01, NEVER),
    "shifted-within": Levels("note", 0.01, NEVER),
    "duplicates": Levels("note", 0.01, NEVER),
    "variants": Levels("note", 0.05, 0.5),
    "conflicting-labels": Levels("note", 0.01, NEVER),
    "parents-across-parts": KNOWN,
    "parents-across-sets": KNOWN,
    "interpolated-across-parts": KNOWN,
    "alike-rows": KNOWN,
    "alike-across-parts": KNOWN,
    "alike-within": Levels("note", 0.01, NEVER),
}
STRENGTHS: Mapping[str, tuple[float, float, float]] = {"batch": (0.1, 0.5, 0.9), "column": (0.5, 0.9, NEVER)}
"""The strengths from which a column that explains the target is a note, a warning and severe."""
ALONE = 0.7
"""The ROC-AUC from which a batch alone is a warning."""
SKILLS = (0.16, 0.4)
"""Of the way from chance to perfect (of a ROC-AUC: .58 and .7), how much a plain number has to go for a note, a
warning."""


def severity_of(code: str, count: int, total: int) -> str:
    """Return how bad it is that `count` of `total` rows are concerned."""
    levels = LEVELS[code]
    if count >= levels.severe * total:
        return "severe"
    return "warning" if count >= levels.warning * total else levels.least


def severity_of_strength(what: str, strength: float, alone: float = 0.0) -> str:
    """Return how bad it is that a batch or column explains the target so strongly; "" for nothing to say.

    Parameters
    ----------
    what
        ``batch`` or ``column``.
    alone
        The ROC-AUC that it reaches by itself, out of sample.
    """
    note, warning, severe = STRENGTHS[what]
    if strength >= severe:
        return "severe"
    if strength >= warning or (what == "batch" and alone >= ALONE):
        return "warning"
    return "note" if strength >= note else ""


def severity_of_skill(skill: float, low: float) -> str:
    """Return how bad it is that a plain number goes so far from chance (0) to perfect (1); "" for nothing to say.

    Parameters
    ----------
    low
        The lower end of its interval: for a warning that has to be worth a note too.
    """
    note, warning = SKILLS
    return "warning" if skill >= warning and low >= note else "note" if skill >= note else ""
