"""The finished trials of a search: on disk after each, in a table, in the log and on the bar."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import Any

from genotool.family import Trial
from genotool.persist import load_json, save_json
from genotool.progress import Bar
from genotool.run import Run
from genotool.stages.tune import write_trials

from genotool_sgrna.architecture import Architecture

__all__ = ["OBJECTIVE", "Record"]

OBJECTIVE = "val_loss"


class Record:
    """The finished trials of a search, on disk after each: what a restarted search goes on from.

    Attributes
    ----------
    trials
        In the order tried.
    """

    def __init__(self, file: Path, limit: int, run: Run) -> None:
        self.file, self.limit, self.run = file, limit, run
        self.trials: list[Trial] = [Trial(**item) for item in load_json(file)] if file.is_file() else []
        self._began = time.monotonic()
        self._bar = Bar("trials", limit)
        for _ in self.trials:
            self._bar.advance()

    @property
    def successes(self) -> list[Trial]:
        """The trials that have a score, the best one first."""
        return sorted((trial for trial in self.trials if trial.score is not None), key=lambda trial: trial.score or 0.0)

    @property
    def first_failure(self) -> str:
        """What the first failed trial died of."""
        return next((trial.failure for trial in self.trials if trial.failure), "")

    @property
    def seconds(self) -> float:
        """The time that all trials took, those before a restart too."""
        return sum(trial.seconds for trial in self.trials)

    def remembered(self, number: int, values: dict[str, Any]) -> tuple[float | None, str] | None:
        """Return score and failure of a trial that is finished already; None if it has to be run."""
        self._began = time.monotonic()
        known = self.trials[number] if number < len(self.trials) else None
        same = known is not None and known.values == json.loads(json.dumps(values))
        if known is None or not same or (known.score is not None and not self.weights(known).is_file()):
            del self.trials[number:]
            return None
        return known.score, known.failure

    def finished(self, number: int, values: dict[str, Any], score: float | None, failure: str) -> None:
        """Keep a trial that was run."""
        shape = Architecture.of(values)
        seconds = round(time.monotonic() - self._began, 3)
        self.trials.append(Trial(number, score, shape.parameters, seconds, values, shape.words, failure))
        save_json(self.file, [dataclasses.asdict(trial) for trial in self.trials])
        write_trials(self.run, self.trials)
        outcome = failure if score is None else f"{OBJECTIVE} {score:.5f}"
        words = f"{shape.words}; {shape.parameters} weights"
        self.run.log(f"trial {number + 1} of {self.limit}: {outcome}; {words}; {seconds:.0f} s")
        self._bar.advance(f"best {self.successes[0].score:.4f}" if self.successes else "")

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()

    def folder(self, number: int) -> Path:
        """Return the folder of a trial's own files."""
        return self.file.parent / f"trial-{number:03d}"

    def weights(self, trial: Trial) -> Path:
        """Return the file of a trial's weights at its best epoch."""
        return self.folder(trial.number) / "checkpoint.weights.h5"
