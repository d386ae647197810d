"""Symptoms in foreign tables with a split: resampled, scaled or augmented before it; samples and pairs twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from genotool.audit import audit_datasets, audit_split, overlap_mask
from genotool.audit.alike import alike, copies_across_parts, copies_between, copies_within
from genotool.audit.interpolated import between_others, interpolated_across_parts
from genotool.audit.parents import families_across_parts, families_across_sets, families_of
from genotool.audit.scaled import scaled_with_test_rows
from genotool.dataset import Dataset, Kind
from genotool.sequences import Sequences
from genotool.split import Part, Split
from genotool.stages.audit import AuditRequest, audit


def matrix(
    values: np.ndarray, target: np.ndarray | None = None, name: str = "m", genes: list[str] | None = None
) -> Dataset:
    target = np.arange(len(values)) % 2 if target is None else target
    genes = genes or [f"gene{i}" for i in range(values.shape[1])]
    ids = np.array([f"{name}{i}" for i in range(len(values))])
    columns = {"expression": values.astype(np.float32)}
    return Dataset(name, Kind.MATRIX, ids, columns, target, ("0", "1"), features=np.array(genes))


def split_of(rows: int, seed: int = 0, share: float = 0.3) -> Split:
    drawn = np.random.default_rng(seed).random(rows)
    parts = np.where(drawn < share, Part.TEST, np.where(drawn < share + 0.1, Part.VALID, Part.TRAIN))
    return Split(parts.astype(np.int8), "published", seed, "")


def resampled(seed: int, rows: int = 300, columns: int = 40) -> tuple[np.ndarray, np.ndarray, int]:
    from imblearn.over_sampling import SMOTE

    rng = np.random.default_rng(seed)
    target = (rng.random(rows) < 0.2).astype(np.int64)
    values, more = SMOTE(random_state=seed).fit_resample(rng.normal(size=(rows, columns)), target)
    return values, np.asarray(more), rows


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("digits", [3, 8])
def test_smote_before_the_split_on_noise_is_caught(seed: int, digits: int) -> None:
    values, target, _ = resampled(seed)
    made = matrix(np.round(values, digits), target)
    (found,) = interpolated_across_parts(made, split_of(len(target), seed))
    assert (found.code, found.severity) == ("interpolated-across-parts", "severe")
    (measured,) = found.effect.values()
    assert measured["with"] > measured["without"] + 0.15


@pytest.mark.parametrize("ends", [("label", "split"), ("split", "label"), ("label", "split", "batch")])
def test_smote_in_a_bare_file_is_caught(ends: tuple[str, ...], tmp_path: Path) -> None:
    values, target, rows = resampled(0, columns=8)
    own = {"label": target, "split": np.where(split_of(len(target)).parts == Part.TEST, "test", "train"),
           "batch": np.arange(len(target)) % 3}  # fmt: skip
    lines = [",".join(["id", *(f"g{n}" for n in range(8)), *ends])]
    lines += [",".join([f"s{n}", *map(repr, row), *(str(own[end][n]) for end in ends)])
              for n, row in enumerate(values.tolist())]  # fmt: skip
    (tmp_path / "smote.csv").write_text("\n".join(lines) + "\n")
    found, _ = audit(AuditRequest((str(tmp_path / "smote.csv"),)))
    caught = next(item for item in found.findings if item.code == "interpolated-across-parts")
    assert caught.severity == "severe"
    assert 0.1 * (len(target) - rows) < caught.count <= len(target)


def test_the_rows_named_are_the_synthetic_ones_between_their_parents() -> None:
    values, target, rows = resampled(1)
    asked, first, second = between_others(matrix(values, target), 0)
    found = first >= 0
    assert (asked[found] >= rows).mean() > 0.95  # else a measured row is the end of a chain of synthetic ones
    assert found[asked >= rows].mean() > 0.6
    way = values[second[found]] - values[first[found]]
    along = np.einsum("nj,nj->n", values[asked[found]] - values[first[found]], way) / (way**2).sum(axis=1)
    miss = values[asked[found]] - values[first[found]] - along[:, None] * way
    assert np.abs(miss).max() < 0.02


def test_smote_of_the_training_rows_only_is_none() -> None:
    from imblearn.over_sampling import SMOTE

    rng = np.random.default_rng(0)
    values, target = rng.normal(size=(400, 30)), (rng.random(400) < 0.25).astype(np.int64)
    fitted, labels = SMOTE(random_state=0).fit_resample(values[:300], target[:300])
    parts = np.r_[np.full(len(fitted), Part.TRAIN), np.full(100, Part.TEST)].astype(np.int8)
    made = matrix(np.r_[fitted, values[300:]], np.r_[labels, target[300:]])
    assert not list(interpolated_across_parts(made, Split(parts, "published", 0, "")))


CLEAN = {
    "noise": lambda rng, n: rng.normal(size=(n, 10)),
    "rounded": lambda rng, n: np.round(rng.normal(size=(n, 6)), 1),
    "counts": lambda rng, n: rng.poisson(1.5, (n, 30)),
    "few counts": lambda rng, n: rng.poisson(0.3, (n, 50)),
    "per ten thousand": lambda rng, n: (c := rng.poisson(2, (n, 30)) + 1e-9) / c.sum(axis=1, keepdims=True) * 1e4,
    "one-hot": lambda rng, n: np.eye(4)[rng.integers(0, 4, (n, 15))].reshape(n, -1),
    "fractions": lambda rng, n: rng.beta(0.5, 0.5, (n, 20)).clip(0.01, 0.99).round(2),
    "depth times profile": lambda rng, n: np.outer(rng.random(n), rng.random(20)),
    "three factors": lambda rng, n: rng.normal(size=(n, 3)) @ rng.normal(size=(3, 40)),
}


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("name", CLEAN)
def test_clean_tables_give_nothing(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    made, split = matrix(CLEAN[name](rng, 300)), split_of(300, seed)
    found = [*interpolated_across_parts(made, split), *scaled_with_test_rows(made, split)]
    assert not [*found, *copies_within(made), *copies_across_parts(made, split)]


@pytest.mark.parametrize("low", [0.0, -1.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_range_that_is_that_of_the_test_rows(low: float, seed: int) -> None:
    from sklearn.preprocessing import MinMaxScaler

    values, split = np.random.default_rng(seed).gamma(2, size=(300, 30)), split_of(300, seed)
    scaler, fitted = MinMaxScaler((low, 1)), split.parts != Part.TEST
    (found,) = scaled_with_test_rows(matrix(scaler.fit_transform(values)), split)
    # the extremes that only test rows hold, counted on the values before
    ends = np.r_[[values.argmin(axis=0)], [values.argmax(axis=0)]]
    assert abs(found.count - (~fitted[ends]).any(axis=0).sum()) <= 2  # a second row may lie as near to the end
    assert found.severity == "warning"
    own = matrix(scaler.fit(values[fitted]).transform(values))
    assert not list(scaled_with_test_rows(own, split))


@pytest.mark.parametrize("ddof", [0, 1])
def test_a_mean_and_spread_that_know_the_test_rows(ddof: int) -> None:
    values, split = np.random.default_rng(0).gamma(2, size=(300, 30)), split_of(300)
    fitted = split.parts != Part.TEST

    def standard(rows: np.ndarray) -> np.ndarray:
        return (values - values[rows].mean(axis=0)) / values[rows].std(axis=0, ddof=ddof)

    assert list(scaled_with_test_rows(matrix(standard(np.ones(300, bool))), split))
    assert not list(scaled_with_test_rows(matrix(standard(fitted)), split))
    apart = np.where(fitted[:, None], standard(fitted), standard(~fitted))
    (found,) = scaled_with_test_rows(matrix(apart), split)
    assert "and in the others too" in found.message


def sequences(ids: list[str], name: str = "s", **columns: np.ndarray) -> Dataset:
    texts = ["".join(word) for word in np.random.default_rng(len(ids)).choice(list("ACGT"), (len(ids), 70))]
    made = {"sequence": Sequences.from_strings(texts), **columns}
    return Dataset(name, Kind.SEQUENCES, np.array(ids), made, np.arange(len(ids)) % 2, ("0", "1"))


def test_children_in_another_part_than_their_parent() -> None:
    ids = [f"g{i}" for i in range(80)] + [f"g{i}_{how}" for i in range(10) for how in ("aug1", "rc", "mut3")]
    parts = np.r_[np.full(80, Part.TRAIN), np.full(30, Part.TEST)].astype(np.int8)
    split = Split(parts, "published", 0, "")
    (found,) = families_across_parts(sequences(ids), split)
    assert (found.count, found.total, found.severity) == (30, 30, "severe")
    assert dict(zip(found.examples, found.partners, strict=True))["g0_aug1"] == "g0"
    plain = [f"row{i}" for i in range(110)]
    parent = np.array([""] * 80 + [f"row{i % 75 if i < 109 else 108}" for i in range(80, 110)])
    (found,) = families_across_parts(sequences(plain, augmented_from=parent), split)
    assert found.count == 30
    assert not list(families_across_parts(sequences(plain), split))
    whole = Split(
        np.where(np.isin(families_of(sequences(ids)), ["g0", "g50"]), Part.TEST, Part.TRAIN).astype(np.int8), "x", 0, ""
    )
    assert not list(families_across_parts(sequences(ids), whole))


def test_parents_in_circles_end() -> None:
    families = families_of(sequences(["a", "b", "c"], parent=np.array(["b", "a", "b"])))
    assert families is not None
    assert len(families) == 3


@pytest.mark.parametrize(
    "ids", [["AT1G01010.1", "AT1G01010.2"], ["gene1", "gene2"], ["mut1", "mut2"], ["x_rc"], ["1", "2"]]
)
def test_ids_that_are_no_families(ids: list[str]) -> None:
    assert families_of(sequences(ids)) is None


def test_children_in_another_set() -> None:
    one, other = (
        sequences([f"g{i}" for i in range(40)], "one"),
        sequences([f"g{i}_aug2" for i in range(30, 60)], "other"),
    )
    assert not list(families_across_sets([one, other]))  # no parent of its own stands beside a child
    other = sequences([f"g{i}_{how}" for i in range(30, 60) for how in ("aug1", "aug2")], "other")
    (found,) = families_across_sets([one, other])
    assert found.count == 10


def test_one_sample_on_two_scales() -> None:
    rng = np.random.default_rng(0)
    values = rng.gamma(1, size=(100, 60))
    twice = np.r_[values, 3 * values[:10] + 0.5, values[10:15] + rng.normal(0, 1e-4, (5, 60))]
    (found,) = copies_within(matrix(twice))
    assert (found.count, found.partners[0]) == (15, "m0")
    parts = np.r_[np.full(100, Part.TRAIN), np.full(15, Part.TEST)].astype(np.int8)
    (found,) = copies_across_parts(matrix(twice), Split(parts, "published", 0, ""))
    assert (found.count, found.severity) == (15, "severe")
    genes = [f"gene{i}" for i in range(60)]
    order = rng.permutation(60)
    other = matrix(
        np.c_[2 * values[:20, order], rng.gamma(1, size=(20, 5))],
        name="o",
        genes=[genes[i] for i in order] + list("abcde"),
    )
    (found,) = copies_between([matrix(values, genes=genes), other])
    assert found.count == 20


def test_replicates_are_not_one_sample() -> None:
    rng = np.random.default_rng(0)
    profile = rng.gamma(0.5, 200, 500)
    assert not list(copies_within(matrix(rng.poisson(profile, (40, 500)))))
    constant = np.zeros((20, 50))
    assert (alike(matrix(constant), matrix(constant, name="o")) < 0).all()


def pairs(one: list[str], other: list[str], name: str) -> Dataset:
    columns = {"seq1": Sequences.from_strings(one), "seq2": Sequences.from_strings(other)}
    ids = np.array([f"{name}{i}" for i in range(len(one))])
    return Dataset(name, Kind.PAIRS, ids, columns, np.arange(len(one)) % 2, ("0", "1"))


def test_swapped_pairs_meet() -> None:
    texts = ["".join(word) for word in np.random.default_rng(0).choice(list("ACGT"), (120, 30))]
    a, b = texts[:60], texts[60:]
    one = pairs(a, b, "one")
    swapped = pairs(b[:30], a[:30], "other")
    assert overlap_mask(swapped, one).all()
    turned = pairs([str(s) for s in Sequences.from_strings(b[:9]).reverse_complement()],
                   [str(s) for s in Sequences.from_strings(a[:9]).reverse_complement()], "turned")  # fmt: skip
    assert overlap_mask(turned, one, relations=("swapped",)).all()
    shared = next(item for item in audit_datasets([one, swapped]).findings if item.code == "shared-rows")
    assert (shared.count, shared.severity) == (30, "severe")
    assert "30 swapped pairs" in shared.message
    both = pairs(a + b[:30], b + a[:30], "both")
    assert any(item.code == "swapped-pairs" and item.count == 60 for item in audit_datasets([both]).findings)
    parts = np.r_[np.full(60, Part.TRAIN), np.full(30, Part.TEST)].astype(np.int8)
    crossing = audit_split(both, Split(parts, "published", 0, "")).findings
    assert any(item.code == "rows-across-parts" and item.severity == "severe" for item in crossing)
    assert not overlap_mask(pairs(a, a[::-1], "x"), one).any()
