"""The audit: every leak that it must see, the key file, and silence on clean sets."""

from __future__ import annotations

import numpy as np
import pytest
from genotool.audit import (
    SEVERITIES,
    Audit,
    Finding,
    audit_datasets,
    audit_sign,
    audit_split,
    overlap_mask,
)
from genotool.audit.keys import keys_of
from genotool.audit.levels import LEVELS, severity_of
from genotool.audit.shifted import shifted
from genotool.dataset import Dataset, Kind
from genotool.errors import InputError
from genotool.sequences import Sequences
from genotool.split import Fractions, Split, by_group, by_row


def text(rng: np.random.Generator, length: int = 21) -> str:
    return "".join(rng.choice(list("ACGT"), length))


def guides(texts: list[str], target: np.ndarray | None = None, name: str = "x", **more: object) -> Dataset:
    target = np.arange(len(texts)) % 2 if target is None else target
    ids = np.array([f"{name}{i}" for i in range(len(texts))])
    columns = {"guide": Sequences.from_strings(texts), **more.pop("columns", {})}  # type: ignore[dict-item]
    return Dataset(name, Kind.GUIDES, ids, columns, target, ("0", "1"), **more)  # type: ignore[arg-type]


def clean(name: str, seed: int, n: int = 400) -> Dataset:
    rng = np.random.default_rng(seed)
    texts = [text(rng) + "GG" for _ in range(n)]
    signal = np.array([word[19] == "G" for word in texts])
    target = (rng.random(n) < np.where(signal, 0.7, 0.4)).astype(np.int64)
    plate = rng.choice(["p1", "p2", "p3"], n)
    return guides(texts, target, name, groups=np.array([f"g{i % 40}" for i in range(n)]), columns={"plate": plate})


def codes(audit: Audit) -> dict[str, str]:
    return {finding.code: finding.severity for finding in audit.findings}


@pytest.mark.parametrize("seed", range(10))
def test_clean_sets_give_nothing_above_a_note(seed: int) -> None:
    one, other = clean("one", seed), clean("other", 1000 + seed)
    found = audit_datasets([one, other]).merged(audit_split(one, by_group(one, seed, Fractions())))
    found = found.merged(audit_split(one, by_group(one, seed + 1, Fractions(0.2, 0.2))))
    assert found.worst in ("none", "note"), found.table()


def test_shared_rows_are_severe_with_their_share_and_effect() -> None:
    rng = np.random.default_rng(0)
    one = clean("one", 0, 200)
    target = np.concatenate([one.target[:120], rng.integers(0, 2, 180)])
    other = guides(list(one.columns["guide"])[:120] + [text(rng) + "GG" for _ in range(180)], target, "other")
    found = audit_datasets([one, other])
    first = found.findings[0]
    assert (first.code, first.severity, first.count, first.total) == ("shared-rows", "severe", 120, 200)
    assert first.message.startswith("120 of 200 guides of one (60.0 %) are in other too (40.0 % of other): 120 equal")
    assert "120 of 120 have the same label" in first.message
    assert (first.examples[0], first.partners[0]) == ("one0", "other0")
    effect = first.effect["one looked up in other"]
    assert effect["shared"] == 1
    assert effect["with"] > 0.75
    assert 0.35 < effect["without"] < 0.65
    assert found.exceeds("severe")
    assert not found.exceeds("none")


def test_relations_one_by_one() -> None:
    base = "ACGTTGCAAGCTTCGATCGATGG"
    variant = "TT" + base[2:]
    turned = "".join({"A": "T", "C": "G", "G": "C", "T": "A"}[letter] for letter in reversed(base))
    near, far = base[:10] + "T" + base[11:], "T" * 23
    assert near != base
    reference = guides([base], np.array([1]))
    query = guides([base, variant, turned, near, far, base[:2] + "A" + base[3:]])
    assert overlap_mask(query, reference, relations=("exact",)).tolist() == [True, *[False] * 5]
    assert overlap_mask(query, reference, relations=("variant",)).tolist() == [True, True, *[False] * 4]
    assert overlap_mask(query, reference, relations=("reverse_complement",)).tolist() == [
        False,
        False,
        True,
        *[False] * 3,
    ]
    assert overlap_mask(query, reference, mismatches=1).tolist() == [True, True, True, True, False, True]


@pytest.mark.parametrize("length", [17, 18, 19, 20])
def test_a_bare_spacer_meets_its_guide_at_the_pam_end(length: int) -> None:
    base = "ACGTTGCAAGCTTCGATCGATGG"
    spacer = base[20 - length : 20]
    other = ("C" if spacer[-1] != "C" else "A").join([spacer[:-1], ""])
    query, reference = guides([spacer, other]), guides([base, "T" * 23])
    assert overlap_mask(query, reference, relations=("exact",)).tolist() == [True, False]
    assert overlap_mask(reference, query, relations=("exact",)).tolist() == [True, False]
    distal = "GG" + base[2:20]
    if length == 20:
        assert overlap_mask(guides([distal]), reference, relations=("variant",)).tolist() == [True]


def test_near_rows_equal_brute_force() -> None:
    rng = np.random.default_rng(0)
    one = ["".join(rng.choice(list("AC"), 9)) for _ in range(80)]
    other = ["".join(rng.choice(list("AC"), 9)) for _ in range(30)]
    expected = [any(sum(a != b for a, b in zip(x, y, strict=True)) <= 1 for y in other) for x in one]
    found = overlap_mask(guides(one), guides(other), relations=(), mismatches=1)
    assert found.tolist() == expected


def overlapping(one: str, other: str) -> bool:
    """Compare two guides letter by letter, on both strands, at every distance: plainly."""
    turned = one.translate(str.maketrans("ACGT", "TGCA"))[::-1]
    return any(
        a[by:] == b[: len(b) - by] or b[by:] == a[: len(a) - by]
        for a, b in ((one, other), (turned, other))
        for by in (1, 2, 3)
    )


def test_overlapping_sites_equal_brute_force() -> None:
    rng = np.random.default_rng(1)
    genome = text(rng, 400)
    places = rng.permutation(370)
    one, other = ([genome[at : at + 23] for at in places[half : half + 40]] for half in (0, 40))
    other = [word.translate(str.maketrans("ACGT", "TGCA"))[::-1] if i % 2 else word for i, word in enumerate(other)]
    expected = [any(overlapping(word, near) for near in other) for word in one]
    assert 10 < sum(expected) < 40
    found = shifted(keys_of(guides(one)), keys_of(guides(other)))
    assert found.met.tolist() == expected
    assert all(overlapping(one[row], other[found.reference[row]]) for row in np.flatnonzero(found.met))


@pytest.mark.parametrize(
    ("by", "turned"), [(by, turned) for by in (-4, -3, -2, -1, 1, 2, 3, 4) for turned in (False, True)]
)
def test_a_site_moved_by_up_to_three_bases_is_found_and_said(by: int, turned: bool) -> None:
    genome = text(np.random.default_rng(2), 60)
    moved = genome[20 + by : 43 + by]
    moved = moved.translate(str.maketrans("ACGT", "TGCA"))[::-1] if turned else moved
    reference = guides(["T" * 23, genome[20:43]])
    found = shifted(keys_of(guides([moved])), keys_of(reference))
    expected = (1, by, turned) if abs(by) <= 3 else (-1, 0, False)
    assert (int(found.reference[0]), int(found.by[0]), bool(found.turned[0])) == expected
    spacer = genome[20 + by : 40 + by]
    spacer_found = shifted(keys_of(guides([spacer])), keys_of(reference))
    assert (int(spacer_found.reference[0]), int(spacer_found.by[0])) == (expected[:2] if by > -3 else (-1, 0))  # 17 nt


def test_sites_moved_between_sets_cost_what_a_look_up_gains() -> None:
    rng = np.random.default_rng(3)
    genomes = [text(rng, 24) for _ in range(300)]
    target = rng.integers(0, 2, 300)
    one, other = guides([w[:23] for w in genomes], target, "one"), guides([w[1:] for w in genomes], target, "other")
    found = audit_datasets([one, other])
    first = found.findings[0]
    assert (first.code, first.severity, first.count, first.total) == ("shifted-rows", "severe", 300, 300)
    assert first.effect["one looked up in other"]["shared"] == 1
    assert first.partners[:2] == ("other0", "other1")
    few = guides([*[w[1:] for w in genomes[:10]], *[text(rng, 23) for _ in range(290)]], target, "few")
    (shifted_few,) = audit_datasets([one, few]).findings
    assert (shifted_few.count, shifted_few.severity, shifted_few.effect) == (10, "warning", None)
    assert "effect: not measured, 10 rows are too few to score" in audit_datasets([one, few]).table()


def test_neighbours_are_seen_across_parts_and_within_a_set_of_several_groups() -> None:
    rng = np.random.default_rng(4)
    genomes = [text(rng, 24) for _ in range(200)]
    texts = [word[start : start + 23] for word in genomes for start in (0, 1)]
    label = np.repeat(rng.integers(0, 2, 200), 2)
    rows = guides(texts, label, groups=np.array([f"g{i}" for i in range(400)]))
    across = audit_split(rows, Split(np.tile([0, 2], 200).astype(np.int8), "group", 0, ""))
    first = across.findings[0]
    assert (first.code, first.severity, first.count, first.total) == ("shifted-rows-across-parts", "severe", 200, 200)
    ((_, effect),) = first.effect.items()
    assert effect["with"] == 1
    alone = {finding.code: finding.count for finding in audit_datasets([rows]).findings}
    assert alone["shifted-within"] == 400
    together = guides(texts, label, groups=np.repeat([f"g{i}" for i in range(200)], 2))
    assert "shifted-within" not in codes(audit_datasets([together]))


def test_one_base_apart_is_seen_on_the_other_strand_and_within_a_set() -> None:
    rng = np.random.default_rng(5)
    one = [text(rng, 23) for _ in range(60)]
    changed = [word[:9] + ("A" if word[9] != "A" else "C") + word[10:] for word in one]
    turned = [word.translate(str.maketrans("ACGT", "TGCA"))[::-1] for word in changed]
    first = audit_datasets([guides(one), guides(turned, name="y")]).findings[0]
    assert (first.code, first.severity, first.count) == ("near-rows", "severe", 60)
    inside = {finding.code: finding.count for finding in audit_datasets([guides(one + changed)]).findings}
    assert inside["near-within"] == 120


@pytest.mark.parametrize(("copies", "severity"), [(4, "note"), (20, "warning"), (200, "severe")])
def test_variants_within_a_set_are_as_bad_as_their_share(copies: int, severity: str) -> None:
    rng = np.random.default_rng(6)
    texts = [text(rng) + "GG" for _ in range(200)]
    texts += [("T" if word[0] != "T" else "A") + word[1:] for word in texts[:copies]]
    found = audit_datasets([guides(texts, groups=np.zeros(200 + copies).astype(str))])
    variants = next(finding for finding in found.findings if finding.code == "variants")
    assert (variants.count, variants.severity) == (copies, severity)


def test_every_level_is_reached_in_order() -> None:
    for code, levels in LEVELS.items():
        said = [severity_of(code, count, 1000) for count in (1, 9, 10, 49, 50, 249, 250, 499, 500, 1000)]
        assert [SEVERITIES.index(word) for word in said] == sorted(SEVERITIES.index(word) for word in said), code
        assert said[0] == levels.least
    assert severity_of("shared-rows", 9, 1000) == "warning"
    assert severity_of("shared-rows", 10, 1000) == "severe"


def test_one_row_is_spoken_of_as_one() -> None:
    rng = np.random.default_rng(7)
    texts = [text(rng) + "GG" for _ in range(30)]
    said = audit_datasets([guides([*texts, texts[0]]), guides([texts[1]], name="y")]).table()
    assert "1 of 31 guides of x (3.2 %) occurs in it before" in said
    assert "1 of 1 guide of y (100.0 %) is in x too" in said
    assert "1 row is too few to score" in said
    assert "None" not in said


def test_within_a_set() -> None:
    rng = np.random.default_rng(0)
    texts = [text(rng) + "GG" for _ in range(60)]
    texts += [texts[0], "".join("TT") + texts[1][2:]]
    target = np.concatenate([np.zeros(60, int), [1, 0]])
    found = audit_datasets([guides(texts, target)])
    assert codes(found)["duplicates"] == "warning"
    assert codes(found)["variants"] == "note"
    conflict = next(finding for finding in found.findings if finding.code == "conflicting-labels")
    assert conflict.count == 2
    assert set(conflict.examples) == {"x0", "x60"}


def test_a_label_that_a_column_or_gc_explains() -> None:
    rng = np.random.default_rng(0)
    target = rng.integers(0, 2, 300)
    texts = [
        "".join(rng.choice(list("ACGT"), 21, p=[0.2, 0.3, 0.3, 0.2] if t else [0.3, 0.2, 0.2, 0.3])) + "GG"
        for t in target
    ]
    batch = np.where(target == 1, "b1", "b2")
    leaky = np.where(rng.random(300) < 0.12, "b1", batch)
    found = audit_datasets([guides(texts, target, columns={"batch": batch, "partly": leaky})])
    by_column = {next(iter(f.effect)): f.severity for f in found.findings if "explains-label" in f.code}
    assert by_column == {"batch": "severe", "partly": "note"}
    assert codes(found)["plain-number"] == "warning"


def test_a_split_that_straddles_and_repeats() -> None:
    one = clean("one", 0)
    texts = list(one.columns["guide"])
    texts[1::2] = texts[::2]
    rows = guides(texts, one.target, groups=np.repeat([f"g{i}" for i in range(40)], 10))
    parts = np.tile([0, 2], 200).astype(np.int8)
    found = audit_split(rows, Split(parts, "group", 0, ""))
    assert codes(found)["straddling-groups"] == "severe"
    assert codes(found)["rows-across-parts"] == "severe"
    assert codes(audit_split(one, by_row(one, 0, Fractions())))["straddling-groups"] == "warning"
    lacking = Split(np.where(one.target == 1, 0, 2).astype(np.int8), "file", 0, "")
    assert codes(audit_split(one, lacking))["one-class"] == "warning"


@pytest.mark.parametrize("groups", [60, 6])
def test_a_sign_turned_is_seen_and_a_weak_score_is_not(groups: int) -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=600)
    rows = clean("one", 0, 600)
    names = (np.arange(600) % groups).astype(str)
    turned = Dataset("t", rows.kind, rows.ids, rows.columns, (truth < 0).astype(int), ("0", "1"), names)
    straight = Dataset("s", rows.kind, rows.ids, rows.columns, (truth > 0).astype(int), ("0", "1"), names)
    scores = {"a": truth + rng.normal(size=600), "b": truth + 2 * rng.normal(size=600)}
    found = audit_sign(turned, scores, draws=200)
    assert found is not None
    assert found.severity == "severe"
    assert found.effect["a"]["high"] < (0.5 if groups == 60 else 0)
    assert audit_sign(straight, scores, draws=200) is None
    assert audit_sign(turned, {**scores, "noise": rng.normal(size=600) - 0.1 * truth * 0}, draws=200) is None


def test_an_audit_goes_to_json_and_back() -> None:
    note, bad = (
        Finding("a", s, 1, 2, f"{s} message", "do", effect={"m": {"metric": "roc_auc", "with": 0.5}})
        for s in ("note", "severe")
    )
    audit = Audit.of([note, bad, note], ["x", "y", "x"])
    assert [finding.severity for finding in audit.findings] == ["severe", "note"]
    assert audit.data == ("x", "y")
    assert Audit.from_json(audit.to_json()) == audit
    assert "SEVERE" in audit.table()
    assert audit.headline == "severe message"
    assert Audit.of([note], []).exceeds("note")
    assert not Audit.of([note], []).exceeds("warning")
    with pytest.raises(InputError):
        Audit.from_json({"format": 1, "findings": [{"code": "a"}], "data": []})


@pytest.mark.data
def test_hct116_and_hela() -> None:
    from genotool import registry

    found = audit_datasets([registry.load("hct116"), registry.load("hela")])
    first = found.findings[0]
    assert first.severity == "severe"
    assert first.message.startswith("3541 of 3590 guides of hct116 (98.6 %) are in hela too (51.8 % of hela)")
    effect = first.effect["hct116 looked up in hela"]
    assert effect["with"] == pytest.approx(0.895, abs=0.01)
    assert effect["without"] == pytest.approx(0.535, abs=0.04)
