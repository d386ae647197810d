"""The verdict's words, and that noise never earns "above"."""

from __future__ import annotations

import json

import numpy as np
import pytest
from genotool.floors import Floor
from genotool.statistics.delong import delong
from genotool.statistics.intervals import Difference, Estimate
from genotool.verdict import decide, judge

N = 600
GROUPS = (np.arange(N) % 60).astype(str)


def simulated(seed: int) -> tuple[np.ndarray, np.random.Generator]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 2, N), rng


def test_above_and_below() -> None:
    target, rng = simulated(0)
    good, weak = target + 0.6 * rng.normal(size=N), target + 3 * rng.normal(size=N)
    floors = {"weak": weak, "chance": np.full(N, 0.5)}
    found = judge("binary", target, good, floors, groups=GROUPS, draws=500, seed=0)
    assert (found.word, found.against) == ("above", "weak")
    assert found.low > 0
    assert "Above the best floor, weak" in found.sentence
    turned = judge("binary", target, weak, {"good": good}, groups=GROUPS, draws=500, seed=0)
    assert turned.word == "below"
    assert turned.sentence.startswith("Below")


def test_equivalent_needs_a_narrow_interval() -> None:
    target, rng = simulated(0)
    score = target + rng.normal(size=N)
    found = judge(
        "binary", target, score + 0.01 * rng.normal(size=N), {"same": score}, groups=GROUPS, draws=300, seed=0
    )
    assert found.word == "equivalent"
    wide = judge("binary", target, rng.random(N), {"other": rng.random(N)}, groups=GROUPS, draws=300, seed=0)
    assert wide.word == "undecided"
    assert wide.smallest > 0.03
    assert f"{wide.smallest:.3f}" in wide.sentence


def test_fewer_than_twenty_groups_give_no_verdict() -> None:
    target, rng = simulated(0)
    names = (np.arange(N) % 19).astype(str)
    found = judge("binary", target, target + 0.1 * rng.normal(size=N), {"x": rng.random(N)}, groups=names, seed=0)
    assert found.word == "undecided"
    assert "too few groups" in found.sentence
    assert found.low is None


def test_a_score_below_a_floor_is_said_so() -> None:
    target, rng = simulated(1)
    names = (np.arange(N) % 5).astype(str)
    found = judge("binary", target, rng.random(N), {"good": target + rng.normal(size=N)}, groups=names, seed=0)
    assert "below this floor" in found.sentence


@pytest.mark.parametrize("seed", range(5))
def test_noise_is_never_above(seed: int) -> None:
    target, rng = simulated(seed)
    floors = {f"f{i}": rng.random(N) for i in range(4)} | {"majority": np.full(N, 0.5)}
    found = judge("binary", target, rng.random(N), floors, groups=GROUPS, draws=300, seed=seed)
    assert found.word != "above"


def test_holm_counts_every_floor() -> None:
    """A difference that would just pass alone does not pass beside seven more floors."""
    target, rng = simulated(3)
    base = target + 2 * rng.normal(size=N)
    score = base + 0.30 * target
    alone = judge("binary", target, score, {"base": base}, draws=1000, seed=0)
    many = {"base": base} | {f"b{i}": base.copy() for i in range(7)}
    beside = judge("binary", target, score, many, draws=1000, seed=0)
    assert beside.p_holm == pytest.approx(min(1.0, 8 * alone.p_holm))


def test_delong_and_mcnemar_stand_beside_every_floor_and_judge_nothing() -> None:
    target, rng = simulated(0)
    score = 0.3 * target + 0.7 * rng.random(N)
    floors = {"noise": rng.random(N), "majority": np.full(N, 0.4)}
    found = judge("binary", target, score, floors, groups=GROUPS, threshold=0.5, draws=300, seed=0)
    for item in found.each:
        assert item.delong_p < 1e-6
        assert item.mcnemar_p < 1e-6
        assert item.delong_p == delong(target, score, floors[item.against], GROUPS).p
    raw = judge("binary", target, score, floors, groups=GROUPS, draws=300, seed=0)
    assert {item.mcnemar_p for item in raw.each} == {None}
    assert (raw.word, raw.p_holm) == (found.word, found.p_holm)
    few = judge("binary", target, score, floors, groups=(np.arange(N) % 19).astype(str), threshold=0.5, seed=0)
    assert {(item.delong_p, item.mcnemar_p) for item in few.each} == {(None, None)}
    number = judge("regression", target + rng.random(N), score, floors, threshold=0.5, draws=100, seed=0)
    assert {(item.delong_p, item.mcnemar_p) for item in number.each} == {(None, None)}


def test_a_floor_that_is_a_raw_score_is_not_cut() -> None:
    target, rng = simulated(0)
    held = {name: Estimate(value, None, None, N, None, "") for name, value in (("raw", None), ("cut", 0.5))}
    floors = [Floor(name, "", rng.random(N), {"accuracy": estimate}) for name, estimate in held.items()]
    found = judge("binary", target, rng.random(N), floors, threshold=0.5, draws=100, seed=0)
    assert [item.mcnemar_p is None for item in found.each] == [True, False]


@pytest.mark.parametrize(("drawn", "delong_p", "said"), [(0.04, 0.06, True), (0.04, 0.03, False), (0.5, 0.01, True)])
def test_the_sentence_says_when_delong_disagrees(drawn: float, delong_p: float, said: bool) -> None:
    difference = Difference("roc_auc", 0.05, 0.01, 0.09, drawn, 0.06, N, 60)
    sentence = decide({"floor": difference}, "roc_auc", beside={"floor": (delong_p, None)}).sentence
    assert ("DeLong's test by group disagrees at .05" in sentence) is said
    assert (f"p {delong_p}, the bootstrap's {drawn}" in sentence) is said


def test_the_margin_is_what_counts_as_none_and_is_kept() -> None:
    difference = Difference("roc_auc", 0.02, 0.01, 0.03, 0.001, 0.02, N, 60)
    assert decide({"floor": difference}, "roc_auc").word == "above"
    wide = decide({"floor": difference}, "roc_auc", 0.05)
    assert (wide.word, wide.to_json()["margin"]) == ("equivalent", 0.05)


def test_json_names_the_word_verdict() -> None:
    target, rng = simulated(0)
    content = judge("binary", target, rng.random(N), {"x": rng.random(N)}, draws=50, seed=0).to_json()
    assert content["verdict"] in {"above", "below", "equivalent", "undecided"}
    assert content["comparisons"][0]["against"] == "x"
    json.dumps(content, allow_nan=False)
    assert judge("binary", target, rng.random(N), {}, seed=0).word == "undecided"


def _far_apart(n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Classes that lie far apart, and a score that is right about nearly all rows: luck as well as learning."""
    rng = np.random.default_rng(0)
    target = rng.integers(0, 2, n)
    return target, target + rng.normal(0, 0.3, n)


def _floor(name: str, n: int, luck: float | None = None) -> Floor:
    return Floor(name, "", np.random.default_rng(1).random(n), {}, luck)


def test_above_asks_for_more_than_models_of_shuffled_labels_reach() -> None:
    target, score = _far_apart()
    lucky, unlucky = (
        judge("binary", target, score, [_floor("shuffled", len(target), luck)], seed=0) for luck in (1.0, 0.6)
    )
    assert unlucky.word == "above"
    assert not unlucky.doubts
    assert lucky.word == "undecided"
    assert "shuffled labels reached ROC-AUC 1.000 here by luck" in lucky.sentence


@pytest.mark.parametrize(("low", "word"), [(0.45, "undecided"), (0.55, "above"), (None, "above")])
def test_above_asks_that_the_validation_rows_were_better_than_chance(low: float | None, word: str) -> None:
    """Without an interval of the validation rows (few groups) nothing is held against the model."""
    target, score = _far_apart()
    valid = {"roc_auc": {"value": 0.6, "low": low, "high": None if low is None else 0.7}}
    found = judge("binary", target, score, [_floor("linear", len(target))], valid=valid, seed=0)
    assert found.word == word
    assert ("no better than chance" in found.sentence) == (word == "undecided")


def test_above_is_above_every_floor() -> None:
    """The nearest floor is constant and beaten for certain; a better one varies and is not."""

    def difference(value: float, low: float, high: float, p: float) -> Difference:
        return Difference("roc_auc", value, low, high, p, 0.1, 200, None)

    found = decide(
        {"majority": difference(0.1, 0.05, 0.15, 0.001), "linear": difference(0.2, -0.1, 0.5, 0.2)}, "roc_auc"
    )
    assert (found.word, found.against) == ("undecided", "linear")


def test_the_sentence_tells_below_from_undecided() -> None:
    def difference(value: float, low: float, high: float, p: float) -> Difference:
        return Difference("roc_auc", value, low, high, p, 0.1, 200, None)

    lost, open_ = difference(-0.2, -0.3, -0.1, 0.001), difference(-0.02, -0.1, 0.1, 0.6)
    worse = difference(-0.3, -0.4, -0.2, 0.001)
    both = decide({"lightgbm": worse, "linear": lost, "memoriser": open_}, "roc_auc").sentence
    assert both.endswith("Below these too: linear; undecided against these: memoriser.")
    alone = decide({"lightgbm": worse, "majority": difference(0.2, 0.1, 0.3, 0.001)}, "roc_auc").sentence
    assert alone.endswith("Holm p 0.002).")


def test_the_least_p_of_the_draws_is_a_bound() -> None:
    target, _ = simulated(0)
    score = target + 0.1 * np.random.default_rng(1).random(N)
    found = judge("binary", target, score, {"x": np.zeros(N), "y": np.zeros(N)}, draws=399, seed=0)
    assert found.each[0].difference.p == found.each[0].difference.least_p == 2 / 400
    assert "Holm p ≤ 0.01)" in found.sentence
    drawn = Difference("roc_auc", 0.1, 0.05, 0.15, 0.02, 0.1, N, None, least_p=0.005)
    assert "Holm p 0.02)" in decide({"x": drawn}, "roc_auc").sentence
