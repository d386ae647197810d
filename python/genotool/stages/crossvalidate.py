"""Cross-validation: train (or tune) once a fold, each in a process of its own, and measure what was out of fold.

``folds/R-F/`` is the run folder of fold F in repeat R, made by the same command that trains a single split, from
``splits/R-F.tsv``: a split file, so the family gets the rows of training and validation and no others. Tuning is nested
by that: each fold searches in its own training part, and its test rows see the model that was chosen there.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import shutil
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genotool import config as configs
from genotool.dataset import Dataset
from genotool.errors import UsageError
from genotool.folds import Folds, make_folds
from genotool.out_of_fold import combine, named
from genotool.progress import Bar
from genotool.run import Run
from genotool.spawned import INPUT_REFUSED, StepError, check_ended, check_name, resumed, run_all
from genotool.split import Part, Split
from genotool.stages.begun import FitRequest, begin, check_family
from genotool.stages.rows import RowsRequest, check_relatives, load_labelled

__all__ = ["FoldsRequest", "crossvalidate", "fold_command", "fold_rows"]

log = logging.getLogger(__name__)

SAME_FLAGS = {"--threads": "GENOTOOL_THREADS", "--device": "GENOTOOL_DEVICE", "--backend": "KERAS_BACKEND"}
"""What every fold is given as this process was: the bytes do not depend on how many folds run at once."""


@dataclass(frozen=True, slots=True)
class FoldsRequest:
    """What the command line says of a cross-validation.

    Attributes
    ----------
    folds
        Their number, or ``groups``: each group is left out once.
    workers
        Folds that run at the same time.
    """

    folds: str
    repeats: int = 1
    workers: int = 1


def crossvalidate(request: FitRequest, asked: FoldsRequest, verb: str) -> Run:
    """Carry out ``train`` or ``tune`` in every fold and measure the out-of-fold scores; return the finished run folder.

    Finished folds of a resumed run are left alone.

    Raises
    ------
    UsageError
        If the folds cannot be made as asked.
    StepError
        If a fold fails, with its exit code.
    StoppedError
        If a signal stops it; to be resumed.
    """
    if asked.workers < 1:
        raise UsageError(f"--workers is at least 1, not {asked.workers}")
    Run.check_free(request.out, request.overwrite)
    check_name((request.rows.operand, *request.rows.together, *request.rows.beside, *request.rows.avoid), request.out)
    dataset = load_labelled(request.rows, request.rows.operand)
    task = dataset.task
    assert task is not None
    check_family(request.family, dataset, task)
    check_relatives(request.rows, dataset)
    folds = make_folds(dataset, asked.folds, request.rows.split, seed=request.rows.seed, repeats=asked.repeats)
    run = begin(request, verb, task, (dataset,))
    with run:
        _describe(run, request, dataset, folds)
        _carry_out(run, request, folds, verb, asked.workers)
        with run.timed("evaluate"):
            combine(run, dataset, folds, floors=request.floors, margin=request.margin, seed=request.rows.seed)
    return run


def _describe(run: Run, request: FitRequest, dataset: Dataset, folds: Folds) -> None:
    """Write settings, folds and the split of each fold, and what run.json says of them."""
    run.write_text("config.toml", configs.write_toml(request.config))
    simulated, source = dataset.about.simulated, dataset.source
    folds.save(run.file("split.tsv"), dataset.ids, simulated=simulated, source=source)
    run.folder("splits")
    for key, split in folds.splits(dataset, request.rows.fractions.valid):
        split.save(run.file(f"splits/{named(key)}.tsv"), dataset.ids, simulated=simulated, source=source)
        _say_one_class(run, dataset, split, named(key))
    how = "left out one by one" if folds.names else f"{folds.k} folds"
    run.update(
        split={
            "method": f"{folds.method}, {how}" + (f", {folds.repeats} times" if folds.repeats > 1 else ""),
            "seed": folds.seed,
            "leaves_open": folds.leaves_open,
            "rows": {Part.TEST.name.lower(): len(dataset)},
        },
        folds={"k": folds.k, "repeats": folds.repeats, "method": folds.method, "names": list(map(named, folds.keys))},
        overlap=request.rows.overlap,
        leaky=request.rows.overlap == "keep",
        balance=request.balance,
    )


def _say_one_class(run: Run, dataset: Dataset, split: Split, fold: str) -> None:
    """Say which fold tests on one class: it has no metric that needs two, and its rows count in those of all folds."""
    present = [] if dataset.target is None else np.unique(dataset.target[split.rows(Part.TEST)]).tolist()
    if dataset.classes and len(present) == 1:
        said = f"fold {fold} tests on rows of the class {dataset.classes[int(present[0])]} alone"
        run.log(f"warning: {said}: metrics that need two classes are absent there; those over all folds are not")
        log.warning("%s", said)


def fold_rows(rows: RowsRequest, run: Path, folds: Folds, key: tuple[int, int]) -> RowsRequest:
    """Return what a fold asks for: the same rows, by the split file of the fold, with the seed of its repeat."""
    return dataclasses.replace(rows, split=str(run / f"splits/{named(key)}.tsv"), seed=folds.seed_of(key[0]))


def _carry_out(run: Run, request: FitRequest, folds: Folds, verb: str, workers: int) -> None:
    places = {run.path / f"folds/{named(key)}": key for key in folds.keys}
    pending = [folder for folder in places if not (folder / "DONE").is_file()]
    run.folder("folds")
    commands = [
        resumed(
            fold_command(request, fold_rows(request.rows, run.path, folds, places[folder]), run.path, folder, verb),
            folder,
        )
        for folder in pending
    ]
    with closing(run_all(commands, workers=workers)) as ended:
        for count, (number, code) in enumerate(ended, start=1):
            try:
                check_ended(code, commands[number], pending[number], run.path)
            except StepError as error:
                if error.exit_code in INPUT_REFUSED and not run.record.get("keep"):
                    shutil.rmtree(run.path)  # no fold has finished: there is nothing to go on with
                raise
            run.update(keep=True)
            if not Bar.quiet:
                done = len(places) - len(pending) + count
                print(f"fold {done} of {len(places)} done: folds/{pending[number].name}", file=sys.stderr, flush=True)


def fold_command(request: FitRequest, rows: RowsRequest, run: Path, out: Path, verb: str) -> list[str]:
    """Return the command of one fold, without the program's name."""
    words = [verb, request.family.name, rows.operand, "--config", str(run / "config.toml"), "--split", str(rows.split)]
    shares = {"--valid-share": rows.fractions.valid, "--test-share": rows.fractions.test}
    valued = {"--seed": rows.seed, "--target": rows.target, "--data-dir": rows.data_dir, **shares,
              "--overlap": rows.overlap, "--balance": request.balance, "--fail-on": rows.fail_on,
              "--margin": request.margin, "--coverage": request.coverage,
              **{flag: os.environ.get(name) for flag, name in SAME_FLAGS.items()}}  # fmt: skip
    words += [word for flag, value in valued.items() if value is not None for word in (flag, str(value))]
    words += [*rows.companions.words(), *rows.orthologs.words()]
    listed = {"--with": rows.together, "--beside": rows.beside, "--avoid": rows.avoid}
    words += [word for flag, names in listed.items() for name in names for word in (flag, name)]
    switches = {"--refit": request.refit, "--no-floors": not request.floors, "--controls": request.controls}
    words += [flag for flag, on in switches.items() if on]
    return [*words, "--quiet", "-o", str(out)]
