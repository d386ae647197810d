"""What a search asks, and what it goes on from: its space, its journal, its processes. No framework is needed."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from genotool.augment import EvoAug
from genotool.config import build
from genotool.errors import InputError, UsageError
from genotool.family import Trial
from genotool.frameworks.keras import Training
from genotool_deepdife.search_journal import Journal
from genotool_deepdife.search_space import Space
from genotool_deepdife.search_trial import Outcome
from genotool_deepdife.search_workers import Died, Workers
from genotool_deepdife.settings import PromoterConfig

CONFIG = PromoterConfig(augment="evoaug")
TRIALS, BATCH = 12, 4


def outcome(number: int, values: dict[str, float]) -> Outcome:
    """Return what a network of these values would reach, the third of a batch failing and the fourth stopped."""
    score = 0.8 - abs(values["dropout"] - 0.3) - abs(values["kernel"] - 16) / 40
    if number % 4 == 2:
        return Outcome(failure="no memory", seconds=1.0)
    if number % 4 == 3 and number > BATCH:
        return Outcome(steps={0: score}, parameters=9, seconds=1.0, pruned=f"fold 1 ({score:.4f})")
    return Outcome(score, {0: score, 1: score}, 9, 1.0)


def opened(folder: Path, config: PromoterConfig = CONFIG) -> Journal:
    folder.mkdir(exist_ok=True)
    return Journal(folder / "journal.log", Space.of(config, joined=False), seed=5)


def carried_out(folder: Path, *, backwards: bool = False, reopened: bool = False) -> list[Trial]:
    """Return the trials of a search whose batches end from the last, or whose process is killed after every trial."""
    journal = opened(folder)
    for first in range(0, TRIALS, BATCH):
        asked = journal.batch(first, first + BATCH)
        for number in sorted(asked, reverse=backwards):
            journal.tell(number, outcome(number, dict(asked[number])))
            if reopened:
                journal = opened(folder)
                assert journal.batch(first, first + BATCH) == {
                    left: values for left, values in asked.items() if left > number
                }, "trials under way run again under their numbers with their values"
    return journal.trials


def test_neither_the_order_in_which_trials_end_nor_a_kill_changes_what_is_asked(tmp_path: Path) -> None:
    expected = carried_out(tmp_path / "plain")
    assert [trial.number for trial in expected] == list(range(TRIALS))
    assert len({json.dumps(trial.values) for trial in expected}) == TRIALS, "a setting was tried twice"
    assert carried_out(tmp_path / "backwards", backwards=True) == expected
    assert carried_out(tmp_path / "killed", reopened=True) == expected


def test_failed_and_stopped_trials_are_kept_as_such(tmp_path: Path) -> None:
    trials = carried_out(tmp_path)
    assert [trial.score is None for trial in trials] == [number in (2, 6, 7, 10, 11) for number in range(TRIALS)]
    assert [trial.number for trial in trials if trial.failure == "no memory"] == [2, 6, 10]
    assert [trial.number for trial in trials if trial.pruned.startswith("fold 1 (")] == [7, 11]
    assert len(opened(tmp_path).earlier(8)) == 5, "only finished trials of earlier batches are compared with"
    shares = opened(tmp_path).importance()
    assert set(shares) == set(trials[0].values)
    assert sum(shares.values()) == pytest.approx(1)


def test_what_is_searched_contains_what_is_configured() -> None:
    training = Training(learning_rate=0.5, batch_size=7)
    odd = PromoterConfig(filters=[9], kernels=[41], strides=[1], pools=[3], dense=[], dropout=0.9, training=training)
    for config in (odd, replace(odd, filters=[0]), CONFIG, PromoterConfig(augment="evoaug", evoaug=EvoAug(per_row=7))):
        space = Space.of(config, joined=False)
        assert space.holds(space.first)
        assert space.configured(space.first) == config, "the first trial is the configured network"
    assert not {"kernel", "filters"} & set(Space.of(replace(odd, filters=[0]), joined=False).ranges), "none are learned"
    alone = Space.of(build(PromoterConfig, {"network": "motifs"}), joined=False)
    assert "convolutions" not in alone.ranges, "a second layer of no filters would be no network"
    assert alone.configured(alone.first | {"l2": 3.0}).l2 == 3.0
    assert "dense" not in Space.of(odd, joined=False).ranges
    assert "swap_rate" in Space.of(PromoterConfig(orthologs="swap"), joined=True).ranges
    with pytest.raises(UsageError, match="unlike length"):
        Space.of(PromoterConfig(filters=[4]), joined=False)
    with pytest.raises(UsageError, match="without a convolution"):
        Space.of(PromoterConfig(filters=[], kernels=[], strides=[], pools=[]), joined=False)


def test_the_layers_keep_their_proportions() -> None:
    space = Space.of(PromoterConfig(), joined=False)
    made = space.configured(space.first | {"filters": 32, "dense": 64, "kernel": 20, "convolutions": 2})
    assert (made.filters, made.kernels, made.strides, made.pools) == ([32, 32], [20, 6], [1, 6], [6, 1])
    assert made.dense == [64, 32]
    assert space.words(space.first) == "64/64/32 filters of 12/6/6, dense 256/128"


def test_what_a_kill_leaves_behind_is_mended(tmp_path: Path) -> None:
    before = carried_out(tmp_path)
    file = tmp_path / "journal.log"
    whole = file.read_bytes()
    file.write_bytes(whole + b'{"op_code":4,"worker')
    (tmp_path / "journal.log.lock").symlink_to(file)
    journal = opened(tmp_path)
    assert journal.trials == before
    assert list(journal.batch(TRIALS, TRIALS + 1)) == [TRIALS]
    assert opened(tmp_path).asked == TRIALS + 1, "what is written after the broken line is read again"


@pytest.mark.parametrize(
    "damage",
    [
        lambda lines: [*lines[:5], "no JSON", *lines[5:]],
        lambda lines: [*lines[:5], "[]", *lines[5:]],
        lambda lines: [line.replace('"param_name":"kernel"', '"param_name":"colour"') for line in lines],
        lambda lines: [line.replace('"parameters":9', '"parameters":"many"') for line in lines],
        lambda lines: [line for line in lines if '"seconds"' not in line],
        lambda lines: [re.sub(r"(high[^0-9]+)24", r"\g<1>25", line) for line in lines],
        lambda lines: [
            re.sub(r'("param_name":"kernel","param_value_internal":)\d+', r"\g<1>999", line) for line in lines
        ],
        lambda lines: ["[" * 100_000, *lines],
    ],
)
def test_a_damaged_journal_is_named_with_a_way_on(tmp_path: Path, damage: object) -> None:
    carried_out(tmp_path)
    file = tmp_path / "journal.log"
    lines = damage(file.read_text().splitlines())  # type: ignore[operator]
    file.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match=r"journal\.log: damaged") as raised:
        opened(tmp_path)
    assert "remove the folder" in str(raised.value.hint)


def test_the_journal_of_another_search_is_refused(tmp_path: Path) -> None:
    carried_out(tmp_path)
    with pytest.raises(InputError, match="another search"):
        opened(tmp_path, PromoterConfig())


PID, DIE = "__import__('os').getpid()", "__import__('os').kill(__import__('os').getpid(), 9)"


def test_a_process_that_dies_takes_its_own_job_with_it_and_no_other() -> None:
    workers: Workers[str, int]
    with Workers(eval, 2) as workers:  # a function that the processes find
        found = list(workers.outcomes([PID, PID, DIE, PID, PID]))
        found += workers.outcomes([PID])
    (died,) = (outcome for job, outcome in found if job == DIE)
    assert died == Died("its process ended (killed by SIGKILL: out of memory?)")
    processes = {outcome for job, outcome in found if job == PID}
    assert os.getpid() not in processes
    assert 1 <= len(processes) <= 3, "a process does many jobs"
    for process in processes:
        assert isinstance(process, int)
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
