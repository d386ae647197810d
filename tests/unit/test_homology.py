"""Homology: what is found, against sets of k-mers in Python; clusters of sequences and of pairs; real promoters."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from genotool import registry
from genotool.audit import Audit, Finding, audit_datasets, audit_split, cluster_table
from genotool.dataset import About, Dataset, Kind
from genotool.errors import UsageError
from genotool.homology import cluster_names, homologous_between, homologous_within
from genotool.sequences import Sequences
from genotool.split import Split
from genotool.stages.audit import AuditRequest, audit
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


@pytest.mark.parametrize("seed", range(5))
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


def sequence_set(texts: list[str], *, name: str = "set", groups: list[str] | None = None, seed: int = 0) -> Dataset:
    ids = np.array([f"{name}{i}" for i in range(len(texts))])
    target = np.random.default_rng(seed).integers(0, 2, len(texts))
    of = None if groups is None else np.array(groups)
    return Dataset(
        name, Kind.SEQUENCES, ids, {"sequence": Sequences.from_strings(texts)}, target, classes=("0", "1"), groups=of
    )


def homologous(audit: Audit) -> dict[str, Finding]:
    return {finding.code: finding for finding in audit.findings if finding.code.startswith("homologous")}


def relatives(seed: int, count: int, of: list[str]) -> list[str]:
    rng = np.random.default_rng(seed)
    return [mutated(rng, text, 0.03) for text in of[:count]]


def test_relatives_within_a_set_are_a_finding_unless_a_group_keeps_them_together() -> None:
    texts = random_texts(np.random.default_rng(5), 100, 300)
    every = [*texts, *relatives(6, 10, texts), texts[50], turned(texts[51])]  # the last two are no relatives: the same
    found = homologous(audit_datasets([sequence_set(every)]))["homologous-within"]
    assert (found.severity, found.count, found.total) == ("warning", 20, 112)
    assert "10 clusters, the largest of 2" in found.message
    assert "no groups" in found.message
    assert set(zip(found.examples, found.partners, strict=True)) <= {(f"set{i}", f"set{100 + i}") for i in range(10)}
    together = [f"g{i % 100}" for i in range(110)] + ["g50", "g51"]
    assert not homologous(audit_datasets([sequence_set(every, groups=together)]))
    apart = [*together[:104], "", "x", *together[106:]]
    found = homologous(audit_datasets([sequence_set(every, groups=apart)]))["homologous-within"]
    assert (found.count, found.severity) == (4, "note")
    assert "of another group" in found.message


@pytest.mark.parametrize(("planted", "severity"), [(1, "note"), (4, "warning"), (40, "severe")])
def test_test_rows_with_relatives_in_training_are_a_finding_by_their_share(planted: int, severity: str) -> None:
    texts = random_texts(np.random.default_rng(7), 360, 300)
    test = [*relatives(8, planted, texts), *random_texts(np.random.default_rng(9), 140 - planted, 300)]
    dataset = sequence_set([*texts, *test])
    assert dataset.target is not None
    dataset.target[360 : 360 + planted] = dataset.target[:planted]
    parts = np.repeat(np.array([0, 1, 2], np.int8), [300, 60, 140])
    (finding,) = homologous(audit_split(dataset, Split(parts, "file", 0, ""))).values()
    assert (finding.code, finding.count, finding.total) == ("homologous-rows-across-parts", planted, 140)
    assert finding.severity == severity
    assert finding.examples[0] == "set360"
    assert finding.partners[0] == "set0"
    if planted == 40:
        (measured,) = (finding.effect or {}).values()
        assert measured["shared"] == 1.0
        assert float(measured["without"] or 0) < 0.65
    else:
        assert "too few to score" in finding.unmeasured


def test_relatives_across_sets_and_pairs_are_a_finding() -> None:
    texts = random_texts(np.random.default_rng(10), 200, 300)
    other = [*random_texts(np.random.default_rng(11), 150, 300), *relatives(12, 50, texts)]
    found = homologous(audit_datasets([sequence_set(texts, name="a"), sequence_set(other, name="b")]))
    assert found.keys() == {"homologous-rows"}
    assert (found["homologous-rows"].count, found["homologous-rows"].severity) == (50, "severe")
    crossed = pair_set(random_texts(np.random.default_rng(13), 20, 200), relatives(14, 20, texts))
    straight = pair_set(texts[:20], random_texts(np.random.default_rng(15), 20, 200))
    found = homologous(audit_datasets([crossed, straight]))
    assert found["homologous-rows"].count == 20


@pytest.mark.parametrize("seed", range(3))
def test_random_promoters_raise_no_alarm(seed: int) -> None:
    one, other = (
        sequence_set(random_texts(np.random.default_rng([seed, i]), 1000, 600), name=f"s{i}", seed=seed) for i in (0, 1)
    )
    parts = np.random.default_rng(seed).choice(3, 1000, p=[0.7, 0.1, 0.2]).astype(np.int8)
    found = audit_datasets([one, other]).merged(audit_split(one, Split(parts, "row", seed, "")))
    assert not homologous(found)


def test_guides_are_left_to_their_own_relations() -> None:
    guides = ["".join(row) + "GG" for row in np.random.default_rng(16).choice(list("ACGT"), (50, 21))]
    moved = [guide[2:] + "AC" for guide in guides]
    ids = np.array([f"g{i}" for i in range(100)])
    dataset = Dataset("guides", Kind.GUIDES, ids, {"guide": Sequences.from_strings(guides + moved)})
    assert not homologous(audit_datasets([dataset]))


def write_fasta(file: Path, texts: list[str]) -> str:
    file.write_text("".join(f">{file.stem}{i}\n{text}\n" for i, text in enumerate(texts)))
    return str(file)


def test_the_cluster_table_is_joint_and_never_replaces_a_file_unasked(tmp_path: Path) -> None:
    texts = random_texts(np.random.default_rng(17), 4, 200)
    one = write_fasta(tmp_path / "one.fasta", texts[:3])
    other = write_fasta(tmp_path / "other.fasta", [texts[3], turned(texts[1])])
    table = tmp_path / "clusters.tsv"
    audit(AuditRequest((one, other), clusters=table))
    rows = [line.split("\t") for line in table.read_text().splitlines()]
    assert rows[0] == ["data", "id", "cluster", "size"]
    assert [row[1:] for row in rows[1:]] == [
        ["one0", "homology:000000", "1"],
        ["one1", "homology:000001", "2"],
        ["one2", "homology:000002", "1"],
        ["other0", "homology:000003", "1"],
        ["other1", "homology:000001", "2"],
    ]
    with pytest.raises(UsageError, match="exists already"):
        audit(AuditRequest((one,), clusters=table))
    audit(AuditRequest((one,), clusters=table, overwrite=True))
    assert table.read_text().splitlines()[0] == "id\tcluster\tsize"


def test_a_cluster_table_says_what_is_simulated_and_refuses_what_has_no_sequences() -> None:
    dataset = dataclasses.replace(sequence_set(["ACGT" * 20]), about=About(simulated=True))
    assert cluster_table([dataset]).splitlines() == ["id\tcluster\tsize\tsimulated", "set0\thomology:000000\t1\ttrue"]
    matrix = Dataset("m", Kind.MATRIX, np.array(["r"]), {"expression": np.zeros((1, 2))})
    for sets in ([], [matrix]):
        with pytest.raises(UsageError, match="cluster"):
            cluster_table(sets)
