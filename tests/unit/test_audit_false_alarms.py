"""Clean simulated sets of every kind, ten seeds: the audit says nothing above a note."""

from __future__ import annotations

import numpy as np
import pytest
from genotool.audit import audit_datasets, audit_split
from genotool.audit.memorised import groups_matter
from genotool.dataset import Dataset, Kind
from genotool.sequences import Sequences
from genotool.split import Fractions, Split, by_group

ROWS = 240
GROUPS = 40


def drawn(rng: np.random.Generator, length: int, tail: str = "") -> list[str]:
    return ["".join(word) + tail for word in rng.choice(list("ACGT"), (ROWS, length))]


def expression(rng: np.random.Generator, state: np.ndarray) -> np.ndarray:
    """Counts of 60 genes, of which ten go with the state, depths that vary, and two profiles of cells."""
    profile = rng.gamma(1.0, 4.0, (2, 60))[rng.integers(0, 2, ROWS)]
    profile[:, :10] *= np.where(state == 1, 1.6, 1.0)[:, None]
    return rng.poisson(profile * rng.gamma(20.0, 0.05, (ROWS, 1))).astype(np.float32)


def clean(kind: Kind, seed: int, name: str, *, number: bool = False) -> Dataset:
    """Rows of independent groups with a signal of their own, and a plate, a donor and a run that say nothing."""
    rng = np.random.default_rng(seed)
    texts = drawn(rng, {Kind.GUIDES: 21, Kind.PAIRS: 40}.get(kind, 120), "GG" if kind is Kind.GUIDES else "")
    state = np.array([word[19] in "GA" for word in texts]).astype(np.int64)
    state = np.where(rng.random(ROWS) < 0.25, 1 - state, state)
    columns: dict[str, object] = {
        "plate": rng.choice(["p1", "p2", "p3", "p4"], ROWS),
        "donor": np.array([f"d{i % 20}" for i in range(ROWS)]),
        "run": rng.choice([f"run{i}" for i in range(8)], ROWS),
    }
    if kind is Kind.MATRIX:
        columns["expression"] = expression(rng, state)
    elif kind is Kind.PAIRS:
        columns |= {"seq1": Sequences.from_strings(texts), "seq2": Sequences.from_strings(drawn(rng, 40))}
    else:
        columns["guide" if kind is Kind.GUIDES else "sequence"] = Sequences.from_strings(texts)
    return Dataset(
        name, kind, np.array([f"{name}-{i}" for i in range(ROWS)]), columns,  # type: ignore[arg-type]
        state + rng.normal(0, 0.5, ROWS) if number else state, () if number else ("0", "1"),
        groups=np.array([f"g{i % GROUPS}" for i in range(ROWS)]),
        features=np.array([f"ENSG{i:011d}" for i in range(60)]) if kind is Kind.MATRIX else None,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("kind", list(Kind))
def test_clean_sets_give_nothing_above_a_note(kind: Kind, seed: int) -> None:
    one, other = clean(kind, seed, "one"), clean(kind, 500 + seed, "other", number=seed % 2 == 1)
    split = by_group(one, seed, Fractions(0.2, 0.2))
    published = Split(split.parts, "published", 0, "")
    found = audit_datasets([one, other], seed=seed, batches=("plate",))
    found = found.merged(audit_split(one, published, seed=seed))
    said = [*found.findings, *groups_matter(one, seed=seed)]
    assert {finding.severity for finding in said} <= {"note"}, found.table()
