"""Homology: what is found, against sets of k-mers in Python; clusters of sequences and of pairs; real promoters."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import combinations

import numpy as np
import pytest
from genotool import registry
from genotool.dataset import Dataset, Kind
from genotool.errors import UsageError
from genotool.homology import cluster_names, homologous_between, homologous_within
from genotool.sequences import Sequences
from numpy.typing import NDArray

PAIRED = str.maketrans("ACGT", "TGCA")
Shared = dict[tuple[int, int], int]


def turned(text: str) -> str:
    return text.translate(PAIRED)[::-1]


def random_texts(rng: np.random.Generator, count: int, length: int) -> list[str]:
    return ["".join(row) for row in rng.choice(list("ACGT"), (count, length))]


def mutated(rng: np.random.Generator, text: str, share: float) -> str:
    return "".join(rng.choice(list("ACGT")) if rng.random() < share else letter for letter in text)


def kmers(text: str, k: int = 16) -> set[str]:
    words = (text[i : i + k] for i in range(len(text) - k + 1))
    return {min(word, turned(word)) for word in words if set(word) <= set("ACGT")}


def by_sets(queries: Sequences, references: Sequences | None = None, *, least: int = 40) -> Shared:
    """Return the pairs of rows that share k-mers, and how many, by counting each k-mer of each row."""
    places: dict[str, list[int]] = defaultdict(list)
    for row, text in enumerate(queries if references is None else references):
        for word in kmers(text):
            places[word].append(row)
    found: Shared = {}
    for row, text in enumerate(queries):
        counts = Counter(other for word in kmers(text) for other in places[word] if references or other > row)
        found |= {(row, other): count for other, count in counts.items() if count >= least}
    return found


def test_families_in_random_sequences_are_found_as_they_were_planted() -> None:
    rng = np.random.default_rng(1)
    texts = random_texts(rng, 80, 400)
    planted = [mutated(rng, text, 0.03) for text in texts[:30]]
    sequences = Sequences.from_strings([*texts, *(turned(text) if i % 2 else text for i, text in enumerate(planted))])
    found = homologous_within(sequences)
    pairs = dict(zip(zip(found.query.tolist(), found.reference.tolist(), strict=True), found.shared, strict=True))
    expected = by_sets(sequences)
    assert expected.keys() == {(i, 80 + i) for i in range(30)}
    assert pairs == expected
    assert found.cluster.tolist() == [*range(80), *range(30)]
    assert (found.capped, found.short) == (0, 0)


def test_threads_do_not_matter() -> None:
    rng = np.random.default_rng(2)
    parents = random_texts(rng, 20, 300)
    texts = [mutated(rng, parents[i % 20], 0.02) for i in range(600)]
    one, other = Sequences.from_strings(texts[:300]), Sequences.from_strings(texts[300:])
    for first, second in (
        (homologous_within(one, threads=1), homologous_within(one, threads=5)),
        (homologous_between(one, other, threads=1), homologous_between(one, other, threads=5)),
    ):
        for name in ("query", "reference", "shared", "cluster"):
            np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
        assert len(first.query) > 1000


@pytest.mark.parametrize("seed", range(10))
def test_random_promoters_have_no_homologs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = homologous_within(Sequences.from_strings(random_texts(rng, 1000, 600)))
    assert len(found.query) == 0
    assert found.cluster.tolist() == list(range(1000))


def test_guides_share_half_of_their_k_mers() -> None:
    guide, other = random_texts(np.random.default_rng(3), 2, 23)
    near = [
        guide[:19] + guide[19:].translate(PAIRED),
        guide[:18] + guide[18].translate(PAIRED) + guide[19:],
        turned(guide),
    ]
    found = homologous_between(Sequences.from_strings([guide, other]), Sequences.from_strings(near))
    assert found.query.tolist() == [0, 0]
    assert (found.reference.tolist(), found.shared.tolist()) == ([0, 2], [4, 8])


def pair_set(one: list[str], other: list[str]) -> Dataset:
    columns = {"seq1": Sequences.from_strings(one), "seq2": Sequences.from_strings(other)}
    return Dataset("pairs", Kind.PAIRS, np.array([f"r{i}" for i in range(len(one))]), columns)


def test_pairs_with_either_sequence_in_common_are_one_cluster() -> None:
    a, b, c, d, e, f = random_texts(np.random.default_rng(4), 6, 200)
    names = cluster_names(pair_set([a, d, turned(b), e], [b, c, f, "ACGT"]))
    assert names.tolist() == ["homology:000000", "homology:000001", "homology:000000", "homology:000002"]
    crossed = cluster_names(pair_set([a, c, e], [b, a, c]))
    assert crossed.tolist() == ["homology:000000"] * 3
    assert cluster_names(pair_set([], [])).tolist() == []


def test_rows_without_sequences_are_refused() -> None:
    dataset = Dataset("m", Kind.MATRIX, np.array(["r"]), {"expression": np.zeros((1, 2))})
    with pytest.raises(UsageError, match="no sequences"):
        cluster_names(dataset)


@pytest.mark.parametrize(("k", "shared"), [(7, 40), (33, 40), (16, 0), (16, -1)])
def test_a_question_that_cannot_be_is_refused(k: int, shared: int) -> None:
    with pytest.raises(UsageError, match="shared"):
        homologous_within(Sequences.from_strings(["ACGT"]), k=k, shared=shared)


def sequences_of(name: str) -> tuple[Sequences, Dataset]:
    dataset = registry.load(name)
    column = dataset.columns["sequence"]
    assert isinstance(column, Sequences)
    return column, dataset


def scores(query: NDArray[np.int64], reference: NDArray[np.int64], expected: Shared) -> tuple[float, float]:
    """Return precision and recall of pairs."""
    found = set(zip(query.tolist(), reference.tolist(), strict=True))
    both = len(found & expected.keys())
    return both / len(found), both / len(expected)


@pytest.mark.data
def test_real_promoters_within_a_species() -> None:
    sequences, dataset = sequences_of("aba-aly")
    found = homologous_within(sequences)
    precision, recall = scores(found.query, found.reference, by_sets(sequences))
    groups = dataset.groups
    assert groups is not None
    related = [pair for pair in combinations(range(len(dataset)), 2) if groups[pair[0]] == groups[pair[1]]]
    together = np.mean([found.cluster[one] == found.cluster[other] for one, other in related])
    print(
        f"aba-aly: {len(found.query)} pairs, precision {precision:.3f}, recall {recall:.3f}; sim_group {together:.3f}"
    )
    assert precision >= 0.95
    assert recall >= 0.9


@pytest.mark.data
def test_real_promoters_between_species() -> None:
    (epd, _), (aly, _) = sequences_of("aba-epd"), sequences_of("aba-aly")
    found = homologous_between(epd, aly)
    precision, recall = scores(found.query, found.reference, by_sets(epd, aly))
    print(f"aba-epd against aba-aly: {len(found.query)} pairs, precision {precision:.3f}, recall {recall:.3f}")
    assert precision >= 0.95
    assert recall >= 0.9
