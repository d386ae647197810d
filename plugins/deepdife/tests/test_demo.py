"""The simulated promoters: what truth.tsv says is planted is there, known to JASPAR, and speaks for its class."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from genotool import registry
from genotool.dataset import Dataset
from genotool.sequences import Sequences
from genotool_deepdife.jaspar import Motif, motifs
from genotool_deepdife.motif_scores import best_scores

STRONG = 0.7
"""The share of its motif's best log-odds that every planted site has, as simulate_demo.py says."""


@pytest.fixture(scope="module")
def truth(demo: Path) -> list[dict[str, str]]:
    with (demo / "truth.tsv").open() as file:
        return list(csv.DictReader(file, delimiter="\t"))


def planted(truth: list[dict[str, str]]) -> list[Motif]:
    by_id = {motif.matrix_id: motif for motif in motifs()}
    return [by_id[row["matrix_id"]] for row in truth]


def has_site(rows: Dataset, found: list[Motif]) -> np.ndarray:
    """Return (rows, motifs): whether there is a site as strong as those that were planted."""
    sequences = rows.columns["sequence"]
    assert isinstance(sequences, Sequences)
    best = np.array([motif.log_odds().max(axis=1).sum() for motif in found])
    return best_scores(sequences, found, windows=1) >= STRONG * best - 0.01


def test_the_truth_names_motifs_of_unlike_families_in_the_newest_release(truth: list[dict[str, str]]) -> None:
    found = planted(truth)
    assert [motif.name for motif in found] == [row["motif"] for row in truth]
    assert ["; ".join(motif.families) for motif in found] == [row["family"] for row in truth]
    assert len({row["family"] for row in truth}) == len(truth) == 6
    assert [row["class"] for row in truth] == ["1", "1", "1", "1", "0", "none"]
    assert {row["simulated"] for row in truth} == {"yes"}


def test_every_planted_site_is_in_the_sequences_of_all_three_sets(demo: Path, truth: list[dict[str, str]]) -> None:
    """At least as many promoters as were planted have a site, and few more have one by chance."""
    found = planted(truth)
    rate = np.array([float(row["rate"]) for row in truth])
    for name in ("demo-promoters", "demo-promoters-kin", "demo-promoters-far"):
        share = has_site(registry.load(name, data_dir=demo), found).mean(axis=0)
        assert (share > rate - (0.0006 if name == "demo-promoters" else 0.08)).all(), name
        assert (share < rate + 0.25).all(), name


def test_motifs_speak_for_their_class_and_the_decoy_for_none(demo: Path, truth: list[dict[str, str]]) -> None:
    rows = registry.load("demo-promoters", data_dir=demo)
    site, positive = has_site(rows, planted(truth)), np.asarray(rows.target) == 1
    for column, row in zip(site.T, truth, strict=True):
        difference = column[positive].mean() - column[~positive].mean()
        if row["class"] == "none":
            assert abs(difference) < 0.06, row["motif"]
        else:
            assert (difference > 0.02) if row["class"] == "1" else (difference < -0.02), row["motif"]


def test_the_set_is_no_toy(demo: Path) -> None:
    """What its README says was reached: `make demo-data` measures it."""
    lines = [
        line[2:].rsplit(": ", 1) for line in (demo / "README.md").read_text().splitlines() if line.startswith("- ")
    ]
    reached = {what: float(value) for what, value in lines}
    best = reached.pop("the truth (Bayes optimum)")
    assert 0.85 < best < 0.95
    assert len(reached) == 3
    assert all(0.6 < value < 0.8 for value in reached.values())
