"""The trials of a search in Optuna's journal, JSON lines in the run folder: what a killed search goes on from.

One process asks and tells. A trial is in the file with its values before it runs and with its outcome once it has
ended, so a kill loses those under way, and they run again under their numbers, with their values.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from genotool.errors import InputError
from genotool.family import Trial
from genotool.run import check_regular
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from genotool_deepdife.search_space import Space
from genotool_deepdife.search_trial import Outcome

__all__ = ["Journal"]

STUDY = "search"
REMEDY = "remove the folder {folder} and resume to search anew, or begin the run again with --overwrite"


class Journal:
    """The trials so far, and what is asked next.

    Every trial is asked by a sampler of its own seed, so that what is asked follows from the seed, the number and the
    trials of earlier batches alone, whenever the search was stopped in between.
    """

    def __init__(self, file: Path, space: Space, seed: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.file, self.space, self._seed = file, space, seed
        self._began = time.monotonic()
        check_regular(file)
        _mend(file)
        with _readable(file):
            storage = JournalStorage(JournalFileBackend(str(file)))
            self.study = optuna.create_study(
                storage=storage, study_name=STUDY, direction="maximize", load_if_exists=True
            )
            if not self.study.get_trials(deepcopy=False):
                self.study.enqueue_trial(space.first)
            self._check()
            self._before = max((_said(one).get("clock", 0.0) for one in self._finished), default=0.0)

    @property
    def clock(self) -> float:
        """Seconds that the search has taken, those before a kill too."""
        return float(self._before + time.monotonic() - self._began)

    @property
    def trials(self) -> list[Trial]:
        """The trials that have ended, by number."""
        return [self._trial(one) for one in self._finished]

    @property
    def asked(self) -> int:
        """How many trials there are, ended or not."""
        return sum(one.state is not TrialState.WAITING for one in self.study.get_trials(deepcopy=False))

    def batch(self, first: int, end: int) -> dict[int, Mapping[str, Any]]:
        """Return number and values of the trials from `first` to before `end` that have not ended, asking for new ones.

        All are asked before any is told, so that it does not matter how many run at once, or which ends first.
        """
        found: dict[int, Mapping[str, Any]] = {}
        for number in range(first, end):
            self.study.sampler = _sampler(self._seed, number)
            trial = self._handle(number) if number < self.asked else self.study.ask()
            if trial is not None:
                found[number] = self.space.suggest(trial)
        return found

    def earlier(self, first: int) -> tuple[tuple[float, dict[int, float]], ...]:
        """Return score and steps of the trials before `first` that came to their end."""
        done = [one for one in self._finished if one.number < first and one.state is TrialState.COMPLETE]
        return tuple((float(one.value or 0.0), dict(one.intermediate_values)) for one in done)

    def tell(self, number: int, outcome: Outcome) -> Trial:
        """Keep what came of a trial."""
        trial = self._handle(number)
        assert trial is not None
        for step in sorted(set(outcome.steps) - set(self._frozen(number).intermediate_values)):
            trial.report(outcome.steps[step], step)
        said = {"parameters": outcome.parameters, "seconds": outcome.seconds, "pruned": outcome.pruned,
                "failure": outcome.failure, "clock": round(self.clock, 3)}  # fmt: skip
        for name, value in said.items():
            trial.set_user_attr(name, value)
        if outcome.score is None:
            self.study.tell(trial, state=TrialState.PRUNED if outcome.pruned else TrialState.FAIL)
        else:
            self.study.tell(trial, outcome.score)
        return self._trial(self._frozen(number))

    def importance(self) -> dict[str, float]:
        """Return the share of each value in what the finished trials differ by (functional ANOVA, Hutter et al. 2014).

        Empty where there are too few of them, or they do not differ.
        """
        scores = {score for score, _ in self.earlier(self.asked)}
        if len(self.earlier(self.asked)) < 4 or len(scores) < 2:
            return {}
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=self._seed % 2**32)
        return optuna.importance.get_param_importances(self.study, evaluator=evaluator)

    @property
    def _finished(self) -> list[FrozenTrial]:
        return [one for one in self.study.get_trials(deepcopy=False) if one.state.is_finished()]

    def _frozen(self, number: int) -> FrozenTrial:
        return self.study.get_trials(deepcopy=False)[number]

    def _handle(self, number: int) -> optuna.Trial | None:
        """Return a trial that has been asked and not told, as `ask` gave it; None where it has ended."""
        frozen = self._frozen(number)
        return None if frozen.state.is_finished() else optuna.Trial(self.study, frozen._trial_id)

    def _trial(self, one: FrozenTrial) -> Trial:
        said, values = _said(one), dict(one.params)
        score = one.value if one.state is TrialState.COMPLETE else None
        words = self.space.words(values)
        return Trial(
            one.number, score, said["parameters"], said["seconds"], values, words, said["failure"], said["pruned"]
        )

    def _check(self) -> None:
        """Raise ValueError for a trial that is none of this search."""
        bounds = self.space.distributions
        for one in self.study.get_trials(deepcopy=False):
            if any(bounds.get(name) != found for name, found in one.distributions.items()):
                raise ValueError(f"trial {one.number} is of another search")
            if one.state.is_finished():
                self._trial(one)
                scores = [*one.intermediate_values.values(), *(one.values or [])]
                whole = self.space.holds(one.params) and np.isfinite(np.array(scores, np.float64)).all()
                if not whole or (one.state is TrialState.COMPLETE and one.value is None):
                    raise ValueError(f"trial {one.number} lacks a value, or has one that cannot be")


def _sampler(seed: int, number: int) -> optuna.samplers.BaseSampler:
    """Return the sampler of one trial; those under way beside it count as bad ones (constant liar)."""
    own = int(np.random.SeedSequence([seed % 2**32, number]).generate_state(1)[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # versions before 5 call both experimental
        return optuna.samplers.TPESampler(multivariate=True, constant_liar=True, seed=own)


def _said(one: FrozenTrial) -> dict[str, Any]:
    """Return what was told of a trial, of the types that it has."""
    kinds: Sequence[tuple[str, type]] = (
        ("parameters", int), ("seconds", float), ("pruned", str), ("failure", str), ("clock", float),
    )  # fmt: skip
    for name, kind in kinds:
        if not isinstance(one.user_attrs.get(name), kind):
            raise ValueError(f"trial {one.number} says no {name}")
    return dict(one.user_attrs)


def _mend(file: Path) -> None:
    """Take away what a kill leaves behind: half a line at the end, and the lock of a process that is gone."""
    file.with_name(f"{file.name}.lock").unlink(missing_ok=True)  # the run's own lock says that no other writes here
    content = file.read_bytes() if file.is_file() else b""
    if content and not content.endswith(b"\n"):
        with file.open("r+b") as handle:
            handle.truncate(content.rfind(b"\n") + 1)


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    """Raise InputError for a journal that Optuna cannot read: it raises whatever a wrong line leads to."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Exception as error:
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise InputError(f"damaged: {reason}", file=file, hint=REMEDY.format(folder=file.parent)) from error
