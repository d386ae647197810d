"""The search for settings with Optuna: seeded, in parallel, resumable; the best one is trained as `fit` trains.

Trials are asked for in batches of a fixed size and told before the next batch is asked, and a trial is stopped early by
comparison with earlier batches only. So the result follows from the seed and the size of a batch: not from how many
processes there are, nor from which trial ends first, nor from where the search was killed and resumed. Hyperband, which
compares trials as they reach a rung and needs several brackets of them, would give that up for a search of hundreds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
from genotool import config as configs
from genotool.dataset import ORIGIN, Task
from genotool.encoding import EncodedView
from genotool.errors import TrainingError, UsageError
from genotool.family import Trial, Tuned
from genotool.figures.search import history, importance
from genotool.folds import make_folds
from genotool.metrics import TITLES
from genotool.progress import Bar
from genotool.run import Run
from genotool.split import is_by_units
from genotool.stages.tune import write_trials
from numpy.typing import NDArray

from genotool_deepdife.search_journal import Journal
from genotool_deepdife.search_space import Space
from genotool_deepdife.search_trial import METRIC, Job, Outcome, Trainer
from genotool_deepdife.search_workers import Died, Workers
from genotool_deepdife.settings import PromoterConfig
from genotool_deepdife.training import fitted

__all__ = ["search"]


def search(config: PromoterConfig, task: Task, train: EncodedView, valid: EncodedView, run: Run) -> Tuned:
    """Search settings on `train` and `valid`, go on from what the run holds, train the best as `fit` does.

    The first trial is the configured network. ``search/journal.log`` is Optuna's journal, ``trials.tsv`` the table;
    ``config.toml`` gets the values that were found, ``figures`` the history and the importance of each value.

    Raises
    ------
    UsageError
        If the inner folds cannot be made as asked.
    InputError
        If the journal is damaged.
    TrainingError
        If no trial succeeded: with the message of the first one.
    """
    space = Space.of(config, joined=ORIGIN in train.dataset.columns)
    folds = inner_folds(config, train, run)
    folder = run.folder("search")
    trainer = Trainer(task, train, valid, folds, folder, bool(run.record.get("simulated")))
    searched = _Search(run, space, Journal(folder / "journal.log", space, config.seed), task)
    with run.timed("search"):
        searched.carry_out(trainer)
    searched.draw()
    best = searched.best[0]
    found = space.configured(best.values)
    run.write_text("config.toml", configs.write_toml(found))
    run.update(config=configs.to_mapping(found))
    run.log(f"trial {best.number} is the best: {best.architecture}; trained as its settings say")
    model = fitted(found, task, train, valid, run)
    stopped = ", median pruning" if config.search.prune else ""
    return Tuned(model, tuple(searched.journal.trials), searched.objective, f"Optuna {version('optuna')}, TPE{stopped}")


def inner_folds(config: PromoterConfig, train: EncodedView, run: Run) -> NDArray[np.int64] | None:
    """Return the inner fold of each training row, its groups kept whole; None where the validation rows score.

    Raises
    ------
    UsageError
        If one fold is asked for, or rows that are no rows of the data set are learned: they are made of several.
    """
    count = config.search.folds
    if count == 0:
        return None
    if count == 1:
        raise UsageError("--search-folds 1 leaves nothing to train on", hint="0: the validation rows score the trials")
    if train.extra is not None:
        raise UsageError("synthetic rows belong to no inner fold", hint="--search-folds 0, or --balance under|weights")
    method = str((run.record.get("split") or {}).get("method"))
    asked = method if is_by_units(method) else None
    return make_folds(train.dataset, str(count), asked, seed=config.seed).numbers[:, 0]


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """A search in a run."""

    run: Run
    space: Space
    journal: Journal
    task: Task

    @property
    def best(self) -> Sequence[Trial]:
        """The trials that have a score, the best one first, of equal ones the earlier."""
        scored = [trial for trial in self.journal.trials if trial.score is not None]
        return sorted(scored, key=lambda trial: -(trial.score or 0.0))

    @property
    def objective(self) -> str:
        """What the score is, in words."""
        name, folds = TITLES[METRIC[self.task]], self.space.config.search.folds
        return f"the mean {name} of {folds} inner folds" if folds else name

    def carry_out(self, trainer: Trainer) -> None:
        """Run all trials that have not ended, batch by batch."""
        limits, bar = self.space.config.search, Bar("trials", self.space.config.search.trials)
        for _ in self.journal.trials:
            bar.advance()
        try:
            with Workers(trainer, limits.workers) as workers:
                for first in range(0, limits.trials, limits.batch):
                    if self._expired(first):
                        break
                    self._batch(first, min(first + limits.batch, limits.trials), workers, bar)
        finally:
            bar.close()

    def _expired(self, first: int) -> bool:
        """Whether the time to ask for trials is over; the first batch always runs, one that was begun is ended."""
        minutes = self.space.config.search.minutes
        return minutes is not None and 0 < first >= self.journal.asked and self.journal.clock > minutes * 60

    def _batch(self, first: int, end: int, workers: Workers[Job, Outcome], bar: Bar) -> None:
        limits = self.space.config.search
        earlier = self.journal.earlier(first) if limits.prune else ()
        asked = self.journal.batch(first, end)
        jobs = [Job(number, self.space.configured(values), earlier) for number, values in asked.items()]
        for job, outcome in workers.outcomes(jobs):
            told = Outcome(failure=outcome.why) if isinstance(outcome, Died) else outcome
            self._keep(self.journal.tell(job.number, told))
            bar.advance(f"best {self.best[0].score:.4f}" if self.best else "")
        if not self.best:
            failure = next(trial.failure for trial in self.journal.trials)
            raise TrainingError(f"no network could be trained: {failure}")

    def _keep(self, trial: Trial) -> None:
        write_trials(self.run, self.journal.trials)
        outcome = trial.failure or (f"stopped after {trial.pruned}" if trial.pruned else f"{trial.score:.5f}")
        words = f"{trial.architecture}; {trial.parameters} weights; {trial.seconds:.0f} s"
        self.run.log(f"trial {trial.number}: {outcome}; {words}")

    def draw(self) -> None:
        """Write the figures: the history, and the importance of the values where it can be told."""
        simulated = bool(self.run.record.get("simulated"))
        trials, shares = self.journal.trials, self.journal.importance()
        drawn = {"search-history": history(trials, self.objective, simulated=simulated)}
        if shares:
            drawn["search-importance"] = importance(shares, simulated=simulated)
        for name, text in drawn.items():
            self.run.write_text(f"figures/{name}.svg", text)
