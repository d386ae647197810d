"""tune: search for an architecture or for settings."""

from __future__ import annotations

import json
from collections.abc import Sequence

from genotool.errors import UnsupportedStageError
from genotool.family import Model, Trial, Tunes
from genotool.run import Run
from genotool.stages.begun import FitRequest
from genotool.stages.fitting import Fitted, fit_run

__all__ = ["tune", "write_trials"]


def tune(request: FitRequest) -> Run:
    """Search, keep the best model, write ``trials.tsv``; return the finished run folder.

    Raises
    ------
    UnsupportedStageError
        If the family cannot search.
    """
    family = request.family
    if not isinstance(family, Tunes):
        raise UnsupportedStageError(f"the family {family.name} has no search", hint="use train")

    def search(it: Fitted) -> Model:
        tuned = family.tune(request.config, it.task, it.train, it.valid, it.run)
        write_trials(it.run, tuned.trials)
        it.run.update(search={"engine": tuned.engine, "objective": tuned.objective, "trials": len(tuned.trials)})
        return tuned.model

    return fit_run(request, "tune", search)


def write_trials(run: Run, trials: Sequence[Trial]) -> None:
    """Write the table of trials, in the order tried: ``trials.tsv``."""
    header = ["number", "score", "parameters", "seconds", "architecture", "values", "failure", "pruned"]
    run.write_table("trials.tsv", header, map(_cells, trials))


def _cells(trial: Trial) -> list[object]:
    values = json.dumps(trial.values, sort_keys=True)
    return [
        trial.number, trial.score, trial.parameters, round(trial.seconds, 1), trial.architecture, values, trial.failure,
        trial.pruned,
    ]  # fmt: skip
