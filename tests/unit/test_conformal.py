"""Split conformal: the quantile by hand, the coverage that is promised on simulated rows and groups, and refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from genotool.dataset import Task
from genotool.errors import InputError, UsageError
from genotool.statistics.conformal import calibrate, read_calibration


def test_the_limit_is_the_ceil_of_n_plus_one_times_the_level() -> None:
    error = np.arange(1.0, 20)  # 1 to 19: ceil(20 * .9) = 18
    made = calibrate(Task.REGRESSION, np.zeros(19), error)
    assert made.at(0.9).limits.tolist() == [18]
    assert made.at(0.95).limits.tolist() == [19]
    low, high = made.at(0.9).interval(np.array([2.0]))
    assert (low[0], high[0]) == (-16, 20)
    with pytest.raises(UsageError, match=r"19 groups or rows .* 0.96 \(at least 24\)"):
        made.at(0.96)
    assert calibrate(Task.REGRESSION, np.zeros(9), np.arange(9.0)).at(0.9).limits.tolist() == [8]
    with pytest.raises(UsageError, match="between 0 and 1"):
        made.at(90)


def test_each_group_weighs_the_same_whatever_its_rows() -> None:
    """Four groups, one of a hundred rows: half of 5 is 2.5 groups, reached within the third."""
    error = np.concatenate([np.full(100, 9.0), [1, 2, 3, 4]])
    groups = np.array(["big"] * 100 + ["a", "b", "c", "c"])
    made = calibrate(Task.REGRESSION, np.zeros(104), error, groups)
    assert made.groups == 4
    assert made.at(0.5).limits.tolist() == [3]  # 1 + 1 + 1/2
    alone = calibrate(Task.REGRESSION, np.zeros(104), error, np.arange(104).astype(str))
    assert alone.at(0.5).limits == calibrate(Task.REGRESSION, np.zeros(104), error).at(0.5).limits


def test_two_classes_have_a_limit_each_and_sets_can_be_empty_or_full() -> None:
    target = np.repeat([0, 1], [90, 30])
    score = np.concatenate([np.linspace(0, 0.3, 90), np.linspace(0.2, 0.9, 30)])
    made = calibrate(Task.BINARY, target, score)
    both = made.at(0.8)
    assert both.method == "class-conditional"
    # ceil(91 * .8) = 73rd of the first class's errors; ceil(31 * .8) = 25th of the second's
    assert both.limits == pytest.approx([np.linspace(0, 0.3, 90)[72], 1 - np.linspace(0.9, 0.2, 30)[24]])
    assert both.sets(np.array([0.0, 0.99])).tolist() == [[True, False], [False, True]]
    assert both.sets(np.array([0.26])).tolist() == [[False, False]]
    one = made.at(0.8, by_class=False)
    assert (one.method, len(one.limits)) == ("lac", 1)
    assert calibrate(Task.MULTICLASS, target, np.stack([1 - score, score], axis=1)).at(0.8).limits == one.limits


@pytest.mark.parametrize("grouped", [False, True])
def test_new_rows_are_covered_as_promised(grouped: bool) -> None:
    """Numbers, over 300 simulated sets; with groups a row of a new group, groups of unequal size and spread."""
    rng, held = np.random.default_rng(3), []
    for _ in range(300):
        group = np.repeat(np.arange(60), rng.integers(1, 9, 60)) if grouped else np.arange(60)
        score = rng.normal(size=len(group))
        spread = rng.gamma(2, size=60)[group] if grouped else 1.0
        target = score + spread * rng.normal(size=len(group))
        old = group < 30
        names = group.astype(str) if grouped else None
        made = calibrate(Task.REGRESSION, target[old], score[old], None if names is None else names[old]).at(0.9)
        low, high = made.interval(score[~old])
        inside = (low <= target[~old]) & (target[~old] <= high)
        held.append(np.mean([inside[group[~old] == name].mean() for name in np.unique(group[~old])]))
    error = np.std(held) / np.sqrt(len(held))
    # at least the level, and at most one group or row of the 31 more
    assert 0.9 - 3 * error <= np.mean(held) <= 0.9 + 1 / 31 + 3 * error


def test_both_classes_are_covered_where_one_limit_covers_the_common_one() -> None:
    rng, by_class, pooled = np.random.default_rng(1), [], []
    for _ in range(300):
        target = (rng.random(600) < 0.15).astype(int)
        score = 1 / (1 + np.exp(-(rng.normal(size=600) + 2 * target - 2.5)))
        made, new = calibrate(Task.BINARY, target[:300], score[:300]), slice(300, None)
        rare = np.flatnonzero(target[new] == 1)
        by_class.append(made.at(0.9).sets(score[new])[rare, 1].mean())
        pooled.append(made.at(0.9, by_class=False).sets(score[new])[rare, 1].mean())
    assert np.mean(by_class) == pytest.approx(0.9, abs=0.025)
    assert np.mean(pooled) < 0.75


def test_read_back_at_another_level_and_damage_is_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    made = calibrate(Task.BINARY, rng.integers(0, 2, 200), rng.random(200), (np.arange(200) % 40).astype(str))
    made.save(tmp_path / "conformal.npz")
    again = read_calibration(tmp_path / "conformal.npz", Task.BINARY)
    assert again.at(0.8).limits.tolist() == made.at(0.8).limits.tolist()
    with pytest.raises(UsageError, match=r"no conformal\.npz"):
        read_calibration(tmp_path / "none" / "conformal.npz", Task.BINARY)
    np.savez(tmp_path / "wrong.npz", error=np.array([0.1, np.nan]), code=np.zeros(2, int), group=np.zeros(2, int))
    with pytest.raises(InputError, match="no errors of validation rows"):
        read_calibration(tmp_path / "wrong.npz", Task.BINARY)
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(InputError, match="NPZ"):
        read_calibration(tmp_path / "text.npz", Task.BINARY)
