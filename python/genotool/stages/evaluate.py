"""evaluate: score a model on its own test rows, or on data sets that it was not made for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genotool import config as configs
from genotool import registry
from genotool.assessment import assess, scored_task
from genotool.audit import Audit, audit_datasets, audit_sign, overlap_mask
from genotool.companions import Companions
from genotool.dataset import Dataset, Task
from genotool.elsewhere import in_classes
from genotool.errors import InputError, UsageError
from genotool.family import NaturalFeatures
from genotool.floors import Floor, fit_floors
from genotool.ortholog_files import OrthologFiles
from genotool.predictions import trained_groups, write_floor_scores, write_scores
from genotool.run import Run
from genotool.split import Fractions, Part
from genotool.stages.begun import data_record
from genotool.stages.predict import classes_of
from genotool.stages.rows import RELATIONS, RowsRequest, audited, select
from genotool.statistics.conformal import FILE, LEVEL, read_calibration
from genotool.statistics.covered import coverage
from genotool.statistics.tables import within_groups
from genotool.trained import Ensemble, Trained, open_trained
from genotool.verdict import MARGIN

__all__ = ["EvaluateRequest", "evaluate"]


@dataclass(frozen=True, slots=True)
class EvaluateRequest:
    """What to score.

    Attributes
    ----------
    operands
        Data sets; none: the test rows of the model's own data set.
    margin, coverage
        As in `genotool.stages.fitting.FitRequest`.
    companions
        What goes with those of `operands` that are files: labels, genome, window.
    """

    out: Path
    operands: tuple[str, ...] = ()
    data_dir: Path | None = None
    target: str | None = None
    seed: int = 0
    floors: bool = True
    fail_on: str = "none"
    overwrite: bool = False
    margin: float = MARGIN
    coverage: float = LEVEL
    companions: Companions = field(default_factory=Companions)


def evaluate(trained: Trained, request: EvaluateRequest) -> Run:
    """Score the model, write ``metrics.json`` and the predictions; return the finished run folder.

    Raises
    ------
    InputError
        If a data set has no target, or the model's own data are no longer there.
    """
    Run.check_free(request.out, request.overwrite)
    request.companions.check_used(request.operands)
    sets = [_load(trained, request, operand) for operand in request.operands]
    own = trained.load_dataset() if not sets or (request.floors and trained.run.record["data"]) else None
    run = Run.create(
        request.out,
        verb="evaluate",
        family=trained.family.name,
        task=trained.task.value,
        config=configs.to_mapping(trained.config),
        seed=request.seed,
        data=[
            data_record(dataset, RowsRequest(name, companions=request.companions))
            for dataset, name in zip(sets, request.operands, strict=True)
        ]
        or trained.run.record["data"],
        parents=[trained.run.path],
        overwrite=request.overwrite,
    )
    with run:
        run.update(simulated=run.record["simulated"] or trained.simulated, threshold=trained.threshold)
        metrics: dict[str, Any] = {"format": 1, "task": trained.task.value, "threshold": trained.threshold}
        if sets:
            audit = audit_datasets(sets, keys=[] if trained.keys is None else [trained.keys])
            metrics["overlap"] = "unknown" if trained.keys is None else "checked"
            metrics["sets"] = {}
            for dataset in sets:
                measured, found = _independent(trained, request, run, own, dataset)
                metrics["sets"][dataset.name] = measured
                audit = audit.merged(found)
            audited(run, audit, request.fail_on)
        elif own is not None:
            metrics["test"] = _own_test(trained, request, run, own)
        run.write_json("metrics.json", metrics)
    return run


def _load(trained: Trained, request: EvaluateRequest, operand: str) -> Dataset:
    dataset = registry.load(
        operand, data_dir=request.data_dir, target=request.target, kind=trained.kind, companions=request.companions
    )
    if dataset.target is None:
        hint = "use predict, or name one with --target, or a table of them with --labels"
        raise InputError(f"{operand} has no target to score against", hint=hint)
    return dataset


def _own_test(trained: Trained, request: EvaluateRequest, run: Run, own: Dataset) -> dict[str, Any]:
    rows = trained.split.rows(Part.TEST)
    if not len(rows):
        hint = "name a data set to evaluate on"
        if isinstance(trained, Ensemble):
            hint += f", or a fold, such as {trained.members[0].run.path}; all its rows out of fold are measured already"
        raise UsageError(f"{trained.run.path} has no test rows", hint=hint)
    test = own.take(rows)
    score = trained.predict(test)
    write_scores(run, test, score, trained.threshold, trained.task, split=trained.split.parts[rows])
    floors = _floors(trained, request, own, test, trained.task, trained)
    write_floor_scores(run, test, floors)
    valid = (trained.run.read_json("metrics.json").get("valid") or {}).get("metrics")
    return assess(
        trained.task, test, score, floors=floors, threshold=trained.threshold, margin=request.margin,
        seed=request.seed, valid=valid,
    ) | _conformal(trained, request, test, score)  # fmt: skip


def _conformal(trained: Trained, request: EvaluateRequest, rows: Dataset, score: NDArray[Any]) -> dict[str, Any]:
    """Return how many of the rows the conformal sets hold; nothing where the model has no errors to make them from."""
    file = trained.run.file(FILE)
    if not file.is_file() or rows.target is None:
        return {}
    errors, refit = read_calibration(file, trained.task), bool(trained.run.read_json("metrics.json").get("refit"))
    measured = coverage(errors, rows.target, score, rows.groups, level=request.coverage, refit=refit, seed=request.seed)
    return {"conformal": measured}


def _independent(
    trained: Trained, request: EvaluateRequest, run: Run, own: Dataset | None, dataset: Dataset
) -> tuple[dict[str, Any], Audit]:
    """Score one independent set: rows that the model has seen are told apart, groups looked at from within."""
    met: dict[str, Any] = {}
    if trained.task is Task.MULTICLASS:
        dataset, met = in_classes(dataset, classes_of(trained))
    task = scored_task(trained.task, dataset)
    here, adapted = trained.adapted(dataset)
    score = here.predict(dataset)
    write_scores(run, dataset, score, trained.threshold, task, name=f"predictions-{dataset.name}.tsv")
    seen = np.zeros(len(dataset), np.bool_)
    if trained.keys is not None:
        seen = overlap_mask(dataset, trained.keys, relations=RELATIONS)
    new = np.flatnonzero(~seen).astype(np.int64)
    if not len(new):
        raise InputError(f"the model has been trained on every row of {dataset.name}")
    rows = dataset.take(new)
    floors = [] if own is None else _floors(trained, request, own, rows, task, here)
    raw = task is not trained.task
    measured = assess(
        task, rows, score[new], floors=floors, threshold=trained.threshold, margin=request.margin, seed=request.seed,
        raw=raw,
    )  # fmt: skip
    if not raw:
        measured |= _conformal(trained, request, rows, score[new])
    warnings = "; ".join(filter(None, (dataset.about.warning, *trained.row_warnings(dataset))))
    measured |= {"seen_rows_left_out": int(seen.sum()), "warning": warnings} | met
    if adapted is not None:
        measured |= {"adapted": dict(adapted.said), "note": adapted.sentence}
        run.log(f"{dataset.name}: {adapted.sentence}")
    if seen.any():
        measured["with_seen_rows"] = assess(
            task, dataset, score, threshold=trained.threshold, seed=request.seed, raw=raw
        )
    if rows.groups is not None and task is not Task.MULTICLASS:
        measured["within_group"] = within_groups(np.asarray(rows.target), score[new], rows.groups, seed=request.seed)
    references = {"the model": score[new], **{f.name: f.scores for f in floors if f.name in ("linear", "lightgbm")}}
    turned = audit_sign(rows, references, seed=request.seed)
    return measured, Audit.of([turned] if turned is not None else [], [dataset.name])


def _floors(
    trained: Trained, request: EvaluateRequest, own: Dataset, rows: Dataset, task: Task, here: Trained
) -> list[Floor]:
    """Return floors fitted on the rows that the model was fitted on, scored on `rows`, to which `here` is adapted."""
    if not request.floors:
        return []
    family = trained.family
    train, valid = _fitted_on(trained, own)
    return fit_floors(
        trained.in_terms(train),
        trained.in_terms(valid),
        here.in_terms(rows),
        task=trained.task,
        score_task=task,
        features=family.natural_features if isinstance(family, NaturalFeatures) else None,
        extra_scores=_parent_scores(trained, [train, valid], rows),
        seed=request.seed,
        threads=int(os.environ.get("GENOTOOL_THREADS", "1")),
    )


def _fitted_on(trained: Trained, own: Dataset) -> tuple[Dataset, Dataset]:
    """Return the training and validation rows that the model got, those of lines learned jointly too."""
    record = trained.run.record
    if not record.get("together") and not record.get("orthologs"):
        return own.take(trained.split.rows(Part.TRAIN)), own.take(trained.split.rows(Part.VALID))
    data, parent = record["data"][0], _parent(trained)
    rows = select(
        RowsRequest(
            operand=data["operand"],
            data_dir=trained.data_dir or (Path(data["data_dir"]) if data.get("data_dir") else None),
            target=data.get("target"),
            split=record["split_asked"],
            fractions=Fractions(record["shares"]["valid"], record["shares"]["test"]),
            seed=record["seed"],
            together=tuple(record["together"]),
            beside=tuple(record["beside"]),
            avoid=tuple(record.get("avoid") or ()),
            overlap=record["overlap"],
            companions=Companions.from_json(data.get("companions") or {}),
            orthologs=OrthologFiles.from_json(record.get("orthologs") or {}),
        ),
        None if parent is None else parent.keys,
        frozenset() if parent is None else trained_groups(parent.run),
    )
    return rows.train, rows.valid


def _parent(trained: Trained) -> Trained | None:
    """Return the model that a transfer started from, if its folder is still there."""
    parents = trained.run.record.get("parents") or []
    folder = (trained.run.path / parents[0]).resolve() if parents else None
    if folder is None or not (folder / "run.json").is_file():
        return None
    return open_trained(str(folder))


def _parent_scores(
    trained: Trained, seen: Sequence[Dataset], rows: Dataset
) -> dict[str, tuple[NDArray[Any], NDArray[Any]]]:
    parent = _parent(trained)
    if parent is None:
        return {}
    return {"pretrained": (np.concatenate([parent.predict(part) for part in seen]), parent.predict(rows))}
