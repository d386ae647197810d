"""What train, transfer and tune share: from rows to a saved, evaluated model in a run folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genotool import config as configs
from genotool.assessment import assess, best_threshold
from genotool.audit import write_keys
from genotool.balance import BalanceReport, prior_correction, resample
from genotool.controls import against_controls, fit_controls
from genotool.dataset import Dataset, Task
from genotool.encoding import EncodedView, Encoder
from genotool.errors import UnsupportedStageError
from genotool.family import Control, Controls, Model, NaturalFeatures, Terms
from genotool.fitted_rows import FILE, FittedRows
from genotool.floors import Floor, fit_floors
from genotool.predictions import trained_groups, write_floor_scores, write_scores
from genotool.run import Run
from genotool.split import Part
from genotool.stages.begun import FitRequest, begin, check_family
from genotool.stages.rows import Rows, audited, learned_along, select
from genotool.statistics.conformal import FILE as CONFORMAL
from genotool.statistics.conformal import calibrate
from genotool.statistics.covered import coverage
from genotool.trained import PREDICT_ROWS, Trained

__all__ = ["Fitted", "fit_run"]


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """What `make` below gets: everything a family needs to fit."""

    task: Task
    train: EncodedView
    valid: EncodedView
    run: Run


def fit_run(
    request: FitRequest,
    verb: str,
    make: Callable[[Fitted], Model],
    *,
    parent: Trained | None = None,
    encoder: Encoder | None = None,
) -> Run:
    """Select rows, encode, balance, fit by `make`, save, evaluate beside the floors; return the finished run.

    Parameters
    ----------
    make
        Trains: the family's `fit`, `transfer` or `tune`.
    parent
        The model that a transfer starts from.
    encoder
        A fitted encoder to go on with; None: the family's own, fitted on the training rows.

    Raises
    ------
    UsageError
        If the family cannot do the task or take the kind of rows.
    """
    Run.check_free(request.out, request.overwrite)
    rows = select(request.rows) if parent is None else select(request.rows, parent.keys, trained_groups(parent.run))
    task = rows.dataset.task
    assert task is not None
    check_family(request.family, rows.dataset, task)
    controls = _controls_of(request, rows.dataset)
    run = begin(request, verb, task, (rows.dataset, *rows.joined), () if parent is None else (parent.run.path,))
    run.update(simulated=run.record["simulated"] or (parent is not None and parent.simulated))
    with run:
        _describe(request, run, rows)
        _say_warnings(run, rows)
        audited(run, rows.audit, request.rows.fail_on)
        seen = FittedRows()
        if encoder is None:
            encoder = request.family.encoder(request.config, task).fit(rows.train.batches(PREDICT_ROWS))
            seen.note("encoder", rows.train, Part.TRAIN)
        model, balance, chosen = _fit(request, run, rows, task, make, encoder, seen)
        model.save(run.path)
        encoder.save(run.folder("encoder"))
        _write_keys(run, rows.refit if request.refit else rows.train, parent)
        with run.timed("evaluate"):
            _evaluate(request, run, rows, task, Predictor(model, encoder, balance), parent, chosen)
        if controls and len(rows.test):
            with run.timed("controls"):
                _controls(request, run, rows, task, make, Predictor(model, encoder, balance), controls)
        if request.floors and len(rows.test):
            seen.note("floors", rows.refit, Part.TRAIN, Part.VALID)
        run.write_json(FILE, seen.to_json())
    return run


def _controls_of(request: FitRequest, dataset: Dataset) -> Mapping[str, Control]:
    """Return the controls that were asked for; UnsupportedStageError where the family has none for such rows."""
    if not request.controls:
        return {}
    family = request.family
    named = family.controls(request.config, dataset.kind) if isinstance(family, Controls) else {}
    if not named:
        raise UnsupportedStageError(f"{family.name} names no control for {dataset.kind}", hint="leave out --controls")
    return named


def _describe(request: FitRequest, run: Run, rows: Rows) -> None:
    """Write config and split, and what run.json says of them."""
    run.write_text("config.toml", configs.write_toml(request.config))
    simulated, source = bool(run.record.get("simulated")), rows.dataset.source
    rows.split.save(run.file("split.tsv"), rows.dataset.ids, simulated=simulated, source=source)
    run.update(
        split={
            "method": rows.split.method,
            "seed": rows.split.seed,
            "leaves_open": rows.split.leaves_open,
            "counts": rows.split.counts,
            "rows": {part.name.lower(): int((rows.split.parts == part).sum()) for part in Part},
        },
        overlap=request.rows.overlap,
        split_asked=request.rows.split,
        shares={"valid": request.rows.fractions.valid, "test": request.rows.fractions.test},
        **{name: list(getattr(request.rows, name)) for name in ("together", "beside", "avoid")},
        **({"orthologs": request.rows.orthologs.to_json()} if request.rows.orthologs else {}),
        learned_along=learned_along(rows),
        leaky=request.rows.overlap == "keep",
        balance=request.balance,
    )


def _write_keys(run: Run, fitted: Dataset, parent: Trained | None) -> None:
    """Write what the model has seen, its parent's rows too; nothing where the parent's are not known."""
    if parent is None:
        write_keys(run.file("training_keys.bin"), fitted)
    elif parent.keys is not None:
        write_keys(run.file("training_keys.bin"), fitted, parent.keys)
    else:
        run.log("what the model before transfer was trained on is not known: overlap unknown")


def _say_warnings(run: Run, rows: Rows) -> None:
    for warning in filter(None, (rows.dataset.about.warning, rows.train.about.warning)):
        run.log(f"warning: {warning}")


@dataclass(frozen=True, slots=True, eq=False)
class Predictor:
    """A model with its encoder, its probabilities corrected for the classes' share that balancing changed."""

    model: Model
    encoder: Encoder
    balance: BalanceReport

    def __call__(self, dataset: Dataset) -> NDArray[Any]:
        """Return the prediction of every row."""
        batches = dataset.batches(dataset.rows_at_once(PREDICT_ROWS))
        score = np.concatenate([self.model.predict(self.encoder.encode(batch)) for batch in batches])
        if self.balance.changes_prior:
            return prior_correction(score, self.balance.trained_prior, self.balance.true_prior)
        return score


def _fit(
    request: FitRequest,
    run: Run,
    rows: Rows,
    task: Task,
    make: Callable[[Fitted], Model],
    encoder: Encoder,
    seen: FittedRows,
) -> tuple[Model, BalanceReport, dict[str, Any]]:
    """Fit, choose the threshold and measure on the validation rows; where asked, fit again with those rows."""
    seed, valid = request.rows.seed, EncodedView(rows.valid, encoder)
    train, balance = resample(EncodedView(rows.train, encoder), method=request.balance, seed=seed)
    if request.balance != "none":
        seen.note("balance", rows.train, Part.TRAIN)
    with run.timed("fit"):
        model = make(Fitted(task, train, valid, run))
    seen.note("model", train.dataset, Part.TRAIN)
    seen.note("early stopping", rows.valid, Part.VALID)
    own = rows.dataset.take(rows.split.rows(Part.VALID))
    score = Predictor(model, encoder, balance)(own)
    binary = task is Task.BINARY and own.target is not None
    threshold = best_threshold(own.target, score) if binary and own.target is not None else 0.5
    seen.note("threshold", own, Part.VALID)
    chosen = {"threshold": threshold, "valid": assess(task, own, score, threshold=threshold, seed=seed)}
    if len(own) and own.target is not None:  # before a final fit on these rows, which would be right about them
        chosen["errors"] = calibrate(task, own.target, score, own.groups)
        seen.note("conformal", own, Part.VALID)
    if request.refit:
        train, balance = resample(EncodedView(rows.refit, encoder), method=request.balance, seed=seed)
        with run.timed("refit"):
            model = make(Fitted(task, train, valid, run))
        seen.note("refit", train.dataset, Part.TRAIN, Part.VALID)
        run.log(f"fitted again on {len(train)} training and validation rows")
    return model, balance, chosen


def _evaluate(
    request: FitRequest,
    run: Run,
    rows: Rows,
    task: Task,
    predict: Predictor,
    parent: Trained | None,
    chosen: dict[str, Any],
) -> None:
    """Predict every row, measure on the test rows beside the floors, write it all."""
    every = predict(rows.dataset)
    threshold, test = chosen["threshold"], rows.split.rows(Part.TEST)
    seed = request.rows.seed
    metrics: dict[str, Any] = {"format": 1, "task": task.value, "threshold": threshold, "refit": request.refit}
    if len(test):
        floors = _floors(request, rows, task, parent, predict.encoder) if request.floors else []
        metrics["test"] = assess(
            task, rows.test, every[test], floors=floors, threshold=threshold, margin=request.margin, seed=seed,
            valid=chosen["valid"]["metrics"],
        )  # fmt: skip
        write_floor_scores(run, rows.test, floors)
        if "errors" in chosen and rows.test.target is not None:
            metrics["test"]["conformal"] = coverage(
                chosen["errors"], rows.test.target, every[test], rows.test.groups,
                level=request.coverage, refit=request.refit, seed=seed,
            )  # fmt: skip
    if "errors" in chosen:
        chosen["errors"].save(run.file(CONFORMAL))
    metrics["valid"] = chosen["valid"]
    metrics |= _with_and_without(rows, task, every, parent, threshold, seed)
    metrics["balance"] = predict.balance.to_json()
    run.write_json("metrics.json", metrics)
    run.update(threshold=threshold, prior=predict.balance.prior_record())
    write_scores(run, rows.dataset, every, threshold, task, split=rows.split.parts)


def _controls(
    request: FitRequest,
    run: Run,
    rows: Rows,
    task: Task,
    make: Callable[[Fitted], Model],
    predict: Predictor,
    controls: Mapping[str, Control],
) -> None:
    """Fit the model again on each control, as it was fitted itself; add what they reach to ``metrics.json``."""
    seed = request.rows.seed

    def fit(train: EncodedView, valid: EncodedView, side: Run) -> Predictor:
        train, balance = resample(train, method=request.balance, seed=seed)
        return Predictor(make(Fitted(task, train, valid, side)), train.encoder, balance)

    found = fit_controls(
        controls,
        rows.refit if request.refit else rows.train,
        rows.valid,
        rows.test,
        task=task,
        encoder=lambda: request.family.encoder(request.config, task),
        fit=fit,
        run=run,
        seed=seed,
    )
    metrics = run.read_json("metrics.json")
    metrics["test"]["controls"] = against_controls(task, rows.test, predict(rows.test), found, seed=seed)
    run.write_json("metrics.json", metrics)
    write_floor_scores(run, rows.test, found, "controls.tsv")


def _floors(request: FitRequest, rows: Rows, task: Task, parent: Trained | None, encoder: Encoder) -> list[Floor]:
    train, valid = rows.train, rows.valid  # with joint lines theirs too: a floor gets what the model got
    extra = {}
    if parent is not None:
        seen = np.concatenate([parent.predict(train), parent.predict(valid)])
        extra["pretrained"] = (seen, parent.predict(rows.test))
    family, test = request.family, rows.test
    if isinstance(family, Terms):
        train, valid, test = (family.in_terms(encoder, part) for part in (train, valid, test))
    return fit_floors(
        train,
        valid,
        test,
        task=task,
        features=family.natural_features if isinstance(family, NaturalFeatures) else None,
        extra_scores=extra,
        seed=request.rows.seed,
        threads=int(os.environ.get("GENOTOOL_THREADS", "1")),
    )


def _with_and_without(
    rows: Rows, task: Task, every: NDArray[Any], parent: Trained | None, threshold: float, seed: int
) -> dict[str, Any]:
    """Return the metrics on the test rows with and without the rows that met others.

    For a transfer it is the parent's score that has seen them; for a training from scratch the model's own.
    """
    if not len(rows.met) or not len(rows.test):
        return {}
    test = rows.split.rows(Part.TEST)
    both = np.union1d(test, rows.met)
    score = every
    if parent is not None:
        score = np.full(every.shape, np.nan)
        score[both] = parent.predict(rows.dataset.take(both))
    raw = parent is not None and parent.task is not task
    whose = "the model before transfer" if parent is not None else "this model"
    measured = {}
    for name, numbers in (("with_overlap", both), ("without_overlap", test)):
        part = rows.dataset.take(numbers)
        measured[name] = {"of": whose, **assess(task, part, score[numbers], threshold=threshold, seed=seed, raw=raw)}
    return {"met": len(rows.met), **measured}
