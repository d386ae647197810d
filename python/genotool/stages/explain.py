"""Explain: attribute predictions to their inputs, and say how exact that attribution is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genotool import registry
from genotool.background import COUNT, SHUFFLED, TRAINING, Background, References, drawn, shuffles
from genotool.dataset import Dataset
from genotool.encoding import EncodedView
from genotool.errors import InputError, UnavailableError, UnsupportedStageError, UsageError, nearest
from genotool.explanation import EXPORTS, Explained, write_explanation, write_modisco
from genotool.family import Attribution, Explains, ExplainsBy
from genotool.run import Run
from genotool.split import Part, Split, from_file
from genotool.stages.begun import data_record
from genotool.trained import Ensemble

if TYPE_CHECKING:
    from genotool.trained import Trained

__all__ = ["COUNT", "ExplainRequest", "explain", "ids_of"]

ROWS = 300
ARRAYS = ("values", "hypothetical", "additivity_error", "delta")


@dataclass(frozen=True, slots=True)
class ExplainRequest:
    """What is asked of an explanation.

    Attributes
    ----------
    out
        The run folder to write.
    count
        Explain at most so many rows, drawn by `seed`.
    ids
        Explain these rows instead, in this order.
    method
        One of the family's `methods`; None: its default.
    background, backgrounds
        ``training``, ``shuffled`` or a data set, and how many of its rows.
    export
        Files for other tools: see `EXPORTS`.
    """

    out: Path
    count: int = ROWS
    ids: tuple[str, ...] | None = None
    method: str | None = None
    background: str = TRAINING
    backgrounds: int = COUNT
    export: tuple[str, ...] = ()
    data_dir: Path | None = None
    seed: int = 0
    overwrite: bool = False


class _Share(NamedTuple):
    """Rows of the explained data set, the models that explain them (their mean), and the rows that these learned."""

    at: NDArray[np.int64]
    models: tuple[Trained, ...]
    split: Split | None


def explain(trained: Trained, rows: Dataset | None, request: ExplainRequest) -> Run:
    """Attribute predictions of a trained model and write a run folder.

    Parameters
    ----------
    rows
        What to explain; None: the test rows of the data set that the model was trained on. After a cross-validation
        that is each row, by the model of the fold that tests it (of the first repeat); given rows are explained by
        all its models, averaged.

    Returns
    -------
    Run
        With ``attributions.npz`` (values, hypothetical, inputs, additivity_error, delta, ids), ``explanation.json``
        and figures.

    Raises
    ------
    UnsupportedStageError
        If the family cannot explain, or not by that method.
    UsageError
        If there is no row to explain, or an id is none of theirs.
    """
    family = trained.family
    if not isinstance(family, Explains):
        raise UnsupportedStageError(f"the family {family.name} cannot explain its predictions")
    _check(family, request)
    every = trained.load_dataset() if rows is None else rows
    shares = _out_of_fold(trained, every) if rows is None and isinstance(trained, Ensemble) else _one(trained, rows)
    chosen = _chosen(every, np.sort(np.concatenate([share.at for share in shares])), request)
    run = Run.create(
        request.out,
        verb="explain",
        family=family.name,
        task=trained.task.value,
        config=trained.run.record.get("config"),
        seed=request.seed,
        data=[data_record(every.take(chosen))],
        parents=[trained.run.path],
        overwrite=request.overwrite,
    )
    run.update(simulated=run.record["simulated"] or trained.simulated)
    with run:
        explained = _explained(trained, every, rows is None, chosen, shares, request, run)
        if "modisco" in request.export:
            write_modisco(run, explained.attribution)
        write_explanation(run, explained)
    return run


def ids_of(text: str) -> tuple[str, ...]:
    """Return the ids that ``--rows`` names: a file with one a line (its first cell), or ids with commas between.

    Raises
    ------
    InputError
        If the file holds none.
    """
    file = Path(text)
    if not file.is_file():
        return tuple(word.strip() for word in text.split(",") if word.strip())
    try:
        lines = [line.split("\t")[0].strip() for line in file.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise InputError(f"no text: {error}", file=file) from error
    ids = tuple(line for line in lines if line and not line.startswith("#"))
    if not ids:
        raise InputError("the file names no rows", file=file, hint="one id a line")
    return ids


def _check(family: Any, request: ExplainRequest) -> None:
    several = isinstance(family, ExplainsBy)
    if request.method is not None and not several:
        raise UnsupportedStageError(f"the family {family.name} explains by one method only", hint="leave out --method")
    if request.method is not None and request.method not in family.methods:
        raise UsageError(f"unknown method {request.method!r}", hint=nearest(request.method, family.methods))
    if request.background == SHUFFLED and not several:
        raise UnsupportedStageError(f"the family {family.name} takes no background of each row's own")
    for word in request.export:
        if word not in EXPORTS:
            raise UsageError(f"nothing is exported as {word!r}", hint=nearest(word, EXPORTS))


def _one(trained: Trained, rows: Dataset | None) -> list[_Share]:
    """Return all given rows, or the test rows, for a model or for all those of an ensemble."""
    models = trained.members if isinstance(trained, Ensemble) else (trained,)
    at = trained.split.rows(Part.TEST) if rows is None else np.arange(len(rows), dtype=np.int64)
    return [_Share(at, models, None)]


def _out_of_fold(ensemble: Ensemble, dataset: Dataset) -> list[_Share]:
    """Return the test rows of each fold of the first repeat, with its model and its split."""
    shares = []
    for member in ensemble.members:
        if member.run.path.name.startswith("1-"):
            split = from_file(member.run.file("split.tsv"), dataset)
            shares.append(_Share(split.rows(Part.TEST), (member,), split))
    return shares


def _chosen(dataset: Dataset, candidates: NDArray[np.int64], request: ExplainRequest) -> NDArray[np.int64]:
    """Return the numbers of the rows to explain: those with the given ids, else so many drawn."""
    if request.ids is not None:
        place = {str(dataset.ids[row]): row for row in candidates.tolist()}
        missing = [name for name in request.ids if name not in place]
        if missing:
            said = f"{len(missing)} of {len(request.ids)} ids are no rows to explain of {dataset.name}"
            hint = f"such as {missing[0]!r}; without a data set, the rows are those that the model did not see"
            raise UsageError(said, hint=hint)
        return np.array([place[name] for name in dict.fromkeys(request.ids)], np.int64)
    if not len(candidates):
        raise UsageError("there is no row to explain", hint="name a data set with rows")
    if len(candidates) <= request.count:
        return candidates
    order = np.random.default_rng(request.seed).choice(len(candidates), request.count, replace=False)
    return candidates[np.sort(order)]


def _explained(
    trained: Trained,
    every: Dataset,
    own: bool,
    chosen: NDArray[np.int64],
    shares: Sequence[_Share],
    request: ExplainRequest,
    run: Run,
) -> Explained:
    """Return the attribution of the chosen rows, each by the models of its share."""
    parts, places, scores, said = [], [], [], ""
    for share in shares:
        at = np.flatnonzero(np.isin(chosen, share.at))
        if not len(at):
            continue
        rows = every.take(chosen[at])
        background = _references(trained, rows, every if own else None, share.split, request)
        said = background.said
        parts.append(_averaged([_attributed(model, rows, background, request, run) for model in share.models]))
        predicts = share.models[0] if share.split is not None else trained
        scores.append(np.asarray(predicts.predict(rows), np.float64))
        places.append(at)
    order = np.argsort(np.concatenate(places))
    attribution = _joined(parts, order)
    if not np.isfinite(attribution.delta).any():
        said = "none, as the method takes none"
    elif len(shares) > 1 and request.background == TRAINING:
        said = f"{said}, those of each row's model"
    shown = None if request.ids is None else np.arange(len(chosen))
    return Explained(every.take(chosen), attribution, np.concatenate(scores)[order], said, shown)


def _attributed(one: Trained, rows: Dataset, background: References, request: ExplainRequest, run: Run) -> Attribution:
    view = Background(background.rows, one.encoder, per_row=background.per_row)
    family: Any = one.family
    given = {} if request.method is None else {"method": request.method}
    attribution: Attribution = family.explain(one.model, one.config, EncodedView(rows, one.encoder), view, run, **given)
    return attribution


def _averaged(each: Sequence[Attribution]) -> Attribution:
    """Return the mean of what several models attribute: that of the mean of what each explains, such as log-odds.

    Additivity error and delta are the models' own, averaged: errors of opposite sign do not cancel.
    """
    first = each[0]
    if len(each) == 1:
        return first
    if not all(np.array_equal(first.inputs, other.inputs) for other in each):
        hint = "explain the models one by one"
        raise UnsupportedStageError("the models of this ensemble encode the rows differently", hint=hint)
    means = _together(each, lambda held: np.mean(held, axis=0))
    return dataclasses.replace(first, **means, method=f"{first.method}; mean over {len(each)} models")


def _joined(parts: Sequence[Attribution], order: NDArray[np.int64]) -> Attribution:
    """Return what several models attribute to rows of their own as one, in the given order."""
    first = parts[0]
    if len({part.inputs.shape[1:] for part in parts}) > 1:
        hint = "explain the models one by one, or set the length that they read"
        raise UnsupportedStageError("the models of the folds encode rows of unlike length", hint=hint)
    joined = _together(parts, lambda held: np.concatenate(held)[order])
    inputs = np.concatenate([part.inputs for part in parts])[order]
    by = f"; each row by the one of {len(parts)} models that did not see it" if len(parts) > 1 else ""
    return dataclasses.replace(first, **joined, inputs=inputs, method=first.method + by)


def _together(each: Sequence[Attribution], join: Callable[[list[Any]], NDArray[Any]]) -> dict[str, Any]:
    """Return each array of several attributions as one; None where an attribution has none."""
    held = {name: [getattr(one, name) for one in each] for name in ARRAYS}
    return {name: None if any(array is None for array in arrays) else join(arrays) for name, arrays in held.items()}


def _references(
    trained: Trained, rows: Dataset, own: Dataset | None, split: Split | None, request: ExplainRequest
) -> References:
    """Return the rows that attributions start from; where no training rows are at hand, the given ones."""
    count, seed = request.backgrounds, request.seed
    if request.background == SHUFFLED:
        return shuffles(trained.family, trained.config, rows, count, seed)
    if request.background != TRAINING:
        given = drawn(registry.load(request.background, data_dir=request.data_dir, kind=rows.kind), count, seed)
        return References(given, 0, f"{len(given)} rows of {given.name}")
    try:
        dataset = trained.load_dataset() if own is None else own
        known = trained.split if split is None else split
        training = drawn(dataset.take(known.rows(Part.TRAIN)), count, seed)
        return References(training, 0, f"{len(training)} training rows of {dataset.name}")
    except (InputError, UnavailableError, UsageError):
        if own is not None:
            raise
        given = drawn(rows, count, seed)
        return References(given, 0, f"{len(given)} rows of {rows.name}, as no training rows are at hand")
