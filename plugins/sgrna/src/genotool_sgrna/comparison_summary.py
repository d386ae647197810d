"""What a comparison of guide sets comes to: the content of ``comparison.json``, a sentence for every pair."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from genotool.statistics.tables import BOUNDS

from genotool_sgrna.contrast import HEADER, PAIRED, Contrast
from genotool_sgrna.guide_set import GuideSet, shared_genes, shared_rows

__all__ = ["SHARED_ENOUGH", "agreement", "sentences", "summarised"]

SHARED_ENOUGH = 10
"""Shared guides from which on two sets are compared in pairs."""
ONE_LIBRARY = 0.5
"""The share of the smaller set from which on its likeness to the other is that of the same guides."""
NOTES = (
    "efficacy is ranked within its set; over whole sets such ranks are uniform by construction, so sets are compared"
    " on shared guides, in pairs: what is tested there is whether they rank higher among the guides of one set",
    "guides of one gene are no independent evidence: where a set names genes whole genes are exchanged for p and drawn"
    " for the interval; unit and p_by say so in every row. A guide without a gene counts as a gene of its own",
    "p by genes permuted: genes of one side only change sides; by genes flipped: a gene with guides on both sides"
    " has the sign of its part in the difference turned",
    "with under 20 genes on a side there is no interval, so nothing can be called equivalent",
    "sets that share guides but name no genes are taken as independent: their p-values are too large rather than too"
    " small",
    "N exchanges give no p below 1 / (N + 1): in a long table a lone difference then has no small q; --permutations"
    " raises N",
    "equivalence is judged row by row at 5 % (two one-sided tests), not corrected over the table; q is",
    "a tautology is no finding: the class was cut from the number; it has no q and is not counted",
    "under-sampled: one random draw of the larger class; bases are numbered 5' to 3', base 20 stands before the PAM",
    "a large p-value is no evidence of sameness, and no test here says whether a transfer helps: evaluation does",
)


def summarised(
    sets: list[GuideSet], tested: list[Contrast], *, seed: int, permutations: int, simulated: bool
) -> dict[str, Any]:
    """Return the content of ``comparison.json``."""
    held = [test for test in tested if not test.tautology]
    agreed = [agreement(a, b, seed=seed) for a, b in combinations(sets, 2)]
    return {
        "format": 1,
        "simulated": simulated,
        "sets": [_about(guides) for guides in sets],
        "agreement": agreed,
        "conclusions": _counted(held),
        "tautologies": len(tested) - len(held),
        "sentences": sentences(tested, agreed),
        "bounds": BOUNDS,
        "permutations": permutations,
        "correction": f"Benjamini-Hochberg over the {len(held)} rows of stats.tsv that are no tautologies",
        "notes": list(NOTES),
        "rows": [_row(test) for test in tested],
    }


def _row(test: Contrast) -> dict[str, Any]:
    row = dict(zip(HEADER, test.cells(), strict=True))
    return {**row, "tautology": bool(test.tautology), "reason": test.tautology}


def _counted(tests: Sequence[Contrast]) -> dict[str, int]:
    found = [test.comparison.conclusion for test in tests]
    return {word: found.count(word) for word in ("different", "equivalent", "undecided")}


def sentences(tested: Sequence[Contrast], agreed: Sequence[dict[str, Any]]) -> list[str]:
    """Return what the tests of all rows say of each pair; tautologies are named and not counted."""
    pairs: dict[tuple[str, str], list[Contrast]] = {}
    for test in tested:
        if test.sampling == "all":
            pairs.setdefault((test.a, test.b), []).append(test)
    by_pair = {(said["a"], said["b"]): said for said in agreed}
    return [_sentence(a, b, tests) + _agreed(by_pair.get((a, b))) for (a, b), tests in pairs.items()]


def _sentence(a: str, b: str, tests: Sequence[Contrast]) -> str:
    held = [test for test in tests if not test.tautology]
    counts = _counted(held)
    apart = [test for test in held if test.comparison.conclusion == "different"]
    beyond = sum(test.beyond for test in apart)
    said = f"{a} against {b}: of {len(held)} comparisons {counts['different']} show a difference"
    said += f" ({beyond} of them surely beyond the bound)" if apart else ""
    said += f", {counts['equivalent']} show that none is beyond it, {counts['undecided']} show neither."
    if apart:
        largest = max(apart, key=lambda test: abs(test.comparison.effect) / BOUNDS[test.comparison.effect_name])
        said += f" The largest for its bound: {largest.words()}."
    few = next((words for test in held if test.comparison.test != PAIRED and (words := test.too_few())), "")
    said += f" No intervals, so none can be shown to be within the bound: {few}." if few else ""
    left = sorted({test.comparison.feature for test in tests if test.tautology})
    return said + (f" Not counted, since the classes were cut from it: {', '.join(left)}." if left else "")


def _agreed(said: dict[str, Any] | None) -> str:
    if said is None or not said["shared"]:
        return ""
    share = said["shared"] / min(said["n_a"], said["n_b"])
    guides = "guide is" if said["shared"] == 1 else "guides are"
    text = f" {said['shared']} {guides} in both, {100 * share:.1f} % of the smaller set"
    text += ": their likeness is that of the same guides" if share >= ONE_LIBRARY else ""
    found = said.get("efficacy_spearman", {})
    if found.get("value") is not None:
        size = f" ({found['low']:.2f} to {found['high']:.2f})" if found.get("low") is not None else " (no interval)"
        text += f"; efficacy on them correlates by {found['value']:.2f}{size}"
    return text + (f"; {100 * said['same_label']:.1f} % of them have the same label." if "same_label" in said else ".")


def agreement(a: GuideSet, b: GuideSet, *, seed: int) -> dict[str, Any]:
    """Return how far two sets agree on the guides that they share: Spearman of efficacy, equal labels."""
    from genotool.statistics.intervals import bootstrap

    in_a, in_b = shared_rows(a, b)
    said: dict[str, Any] = {"a": a.name, "b": b.name, "shared": len(in_a), "n_a": len(a.rows), "n_b": len(b.rows)}
    if len(in_a) < SHARED_ENOUGH:
        return said
    if "efficacy" in a.numbers and "efficacy" in b.numbers:
        values = a.numbers["efficacy"][in_a], b.numbers["efficacy"][in_b]
        known = np.isfinite(values[0]) & np.isfinite(values[1])
        genes = shared_genes(a, b)[known]
        found = bootstrap("regression", values[0][known], values[1][known], groups=genes, seed=seed)
        said["efficacy_spearman"] = found["spearman"].to_json()
    if a.rows.target is not None and b.rows.target is not None and a.rows.classes and a.rows.classes == b.rows.classes:
        said["same_label"] = float((a.rows.target[in_a] == b.rows.target[in_b]).mean())
    return said


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
