"""The overlap kernel: every pair that comparing all pairs finds, and no other."""

import numpy as np
import pytest
from genotool.errors import UsageError
from genotool.sequences import Sequences
from hypothesis import given, settings
from hypothesis import strategies as st

PAIRS = str.maketrans("ACGTN", "TGCAN")


def plainly(queries, references, mismatches, reverse, ignore, best):
    """Compare all pairs: {(query, reference): (distance, strand)}."""
    within = references is None
    found = {}
    for query, text in enumerate(queries):
        near = {}
        for reference, other in enumerate(queries if within else references):
            if len(text) != len(other) or (within and (reference == query or (reference < query and not best))):
                continue
            skipped = {place % len(other) for place in ignore if -len(other) <= place < len(other)}
            for strand, shown in ((1, text), (-1, text.translate(PAIRS)[::-1]))[: 1 + reverse]:
                distance = sum(a != b for i, (a, b) in enumerate(zip(shown, other, strict=True)) if i not in skipped)
                if distance <= mismatches and distance < near.get(reference, (99, 0))[0]:
                    near[reference] = (distance, strand)
        if best and near:
            first = min(near, key=lambda reference: (near[reference][0], reference))
            near = {first: near[first]}
        found |= {(query, reference): hit for reference, hit in near.items()}
    return found


@st.composite
def near_rows(draw):
    """Rows that are likely to meet: seeds with a few letters changed, some of them on the other strand."""
    length = draw(st.sampled_from([1, 4, 23, 40, 90]))
    seeds = draw(st.lists(st.text("ACGT", min_size=length, max_size=length), min_size=1, max_size=2))
    rows = []
    for _ in range(draw(st.integers(0, 8))):
        row = list(draw(st.sampled_from(seeds)))
        for place in draw(st.lists(st.integers(0, length - 1), max_size=4)):
            row[place] = draw(st.sampled_from("ACGTN"))
        text = "".join(row)
        rows.append(text.translate(PAIRS)[::-1] if draw(st.booleans()) else text)
    half = draw(st.integers(0, len(rows)))
    return rows[:half], rows[half:]


@settings(max_examples=300)
@given(
    near_rows(),
    st.integers(0, 3),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from([(), (0, 1), (-2,)]),
)
def test_it_finds_what_comparing_all_pairs_finds(rows, mismatches, reverse, within, best, ignore):
    queries, references = rows
    packed, others = Sequences.from_strings(queries), Sequences.from_strings(references)
    expected = plainly(queries, None if within else references, mismatches, reverse, ignore, best)
    for threads in (1, 2, 3):
        found = packed.overlaps(
            None if within else others,
            mismatches=mismatches, reverse_complement=reverse, ignore=ignore, best=best, threads=threads,
        )  # fmt: skip
        pairs = list(zip(found.query.tolist(), found.reference.tolist(), strict=True))
        assert pairs == sorted(expected)
        hits = zip(found.distance.tolist(), found.strand.tolist(), strict=True)
        assert dict(zip(pairs, hits, strict=True)) == expected


def test_many_rows_planted():
    rng = np.random.default_rng(5)
    letters = np.frombuffer(b"ACGT", np.uint8)
    reference = letters[rng.integers(0, 4, (50_000, 23))]
    query = letters[rng.integers(0, 4, (50_000, 23))]
    query[:300] = reference[1_000:1_300]
    query[100:200, 7] = np.where(query[100:200, 7] == ord("A"), ord("C"), ord("A"))
    query[200:300, :2] = np.where(query[200:300, :2] == ord("A"), ord("C"), ord("A"))
    ends = np.arange(50_001) * 23
    a, b = Sequences(query.reshape(-1), ends), Sequences(reference.reshape(-1), ends)
    planted = np.arange(300)
    for options, rows in (
        ({}, planted[:100]),
        ({"mismatches": 1}, planted[:200]),
        ({"mismatches": 2}, planted),
        ({"ignore": (0, 1)}, planted[np.r_[:100, 200:300]]),
    ):
        found = a.overlaps(b, reverse_complement=False, **options)
        near = found.query < 300
        np.testing.assert_array_equal(found.query[near], rows)
        np.testing.assert_array_equal(found.reference[near], rows + 1_000)
        turned = a.reverse_complement().overlaps(b, **({"best": True} | options)) if "ignore" not in options else None
        if turned is not None:
            np.testing.assert_array_equal(turned.query[turned.query < 300], rows)
            assert set(turned.strand[turned.query < 300]) == {-1}


def test_dtypes_and_refusals():
    found = Sequences.from_strings(["ACG"]).overlaps(Sequences.from_strings(["CGT", "ACG"]))
    assert [column.dtype.name for column in found] == ["int64", "int64", "uint8", "int8"]
    assert [column.tolist() for column in found] == [[0, 0], [0, 1], [0, 0], [-1, 1]]
    for mismatches in (4, -1, 0.5):
        with pytest.raises(UsageError):
            Sequences.from_strings(["ACG"]).overlaps(mismatches=mismatches)
