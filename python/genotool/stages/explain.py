"""Explain: attribute predictions to their inputs, and say how exact that attribution is."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genotool.dataset import Dataset, Kind
from genotool.encoding import EncodedView
from genotool.errors import InputError, UnavailableError, UnsupportedStageError, UsageError
from genotool.family import Attribution, Explains
from genotool.persist import save_arrays
from genotool.run import Run
from genotool.split import Part
from genotool.stages.fitting import data_record
from genotool.trained import Ensemble

if TYPE_CHECKING:
    from genotool.figures.logo import Regions
    from genotool.trained import Trained

__all__ = ["EXACT", "Means", "explain", "mean_by_base"]

EXACT = 1e-3
"""The largest additivity error of an exact attribution, as a share of the median change that is explained."""
BACKGROUND = 100
FEWEST = 5
"""A mean over fewer rows than this is left blank."""
SHOWN = 4
REGIONS: Mapping[Kind, Regions] = {Kind.GUIDES: {"seed": (11, 20), "PAM": (21, 23)}}
"""What the figures mark, by kind; the bases next to the PAM bind first (Jinek 2012, Science 337:816)."""


def explain(
    trained: Trained,
    rows: Dataset | None,
    *,
    out: Path,
    count: int = 300,
    seed: int = 0,
    overwrite: bool = False,
) -> Run:
    """Attribute predictions of a trained model and write a run folder.

    Parameters
    ----------
    rows
        What to explain; None: the test rows of the data set that the model was trained on.
    count
        Explain at most so many rows, drawn by `seed`.

    Returns
    -------
    Run
        With ``attributions.npz`` (values, inputs, additivity_error, delta, ids), ``explanation.json`` and
        figures.

    Raises
    ------
    UnsupportedStageError
        If the family cannot explain.
    UsageError
        If there is no row to explain.
    """
    family = trained.family
    if not isinstance(family, Explains):
        raise UnsupportedStageError(f"the family {family.name} cannot explain its predictions")
    if rows is None and isinstance(trained, Ensemble):
        raise UsageError("every row trained a model of this ensemble: none is left to explain", hint="name a data set")
    background, source = _background(trained, rows, seed)
    candidates = trained.load_dataset().take(trained.split.rows(Part.TEST)) if rows is None else rows
    chosen = _drawn(candidates, count, seed)
    if not len(chosen):
        raise UsageError("there is no row to explain", hint="name a data set with rows")
    run = Run.create(
        out,
        verb="explain",
        family=family.name,
        task=trained.task.value,
        config=trained.run.record.get("config"),
        seed=seed,
        data=[data_record(chosen)],
        parents=[trained.run.path],
        overwrite=overwrite,
    )
    run.update(simulated=run.record["simulated"] or trained.simulated)
    with run:
        members = trained.members if isinstance(trained, Ensemble) else (trained,)
        attribution = _averaged([_explained(family, member, chosen, background, run) for member in members])
        score = np.asarray(trained.predict(chosen), np.float64)
        _write(run, attribution, chosen, score, source)
    return run


def _explained(family: Explains[Any, Any], one: Trained, rows: Dataset, background: Dataset, run: Run) -> Attribution:
    return family.explain(
        one.model, one.config, EncodedView(rows, one.encoder), EncodedView(background, one.encoder), run
    )


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
    values, error, delta = (
        np.mean([getattr(one, name) for one in each], axis=0) for name in ("values", "additivity_error", "delta")
    )
    hypothetical = [one.hypothetical for one in each if one.hypothetical is not None]
    mean = np.mean(hypothetical, axis=0) if len(hypothetical) == len(each) else None
    method = f"{first.method}; mean over {len(each)} models"
    changes = {"additivity_error": error, "delta": delta, "method": method, "hypothetical": mean}
    return dataclasses.replace(first, values=values, **changes)


def _background(trained: Trained, rows: Dataset | None, seed: int) -> tuple[Dataset, str]:
    """Return the rows that attributions start from: training rows, or, where not at hand, the given ones."""
    try:
        dataset = trained.load_dataset()
        training = _drawn(dataset.take(trained.split.rows(Part.TRAIN)), BACKGROUND, seed)
        return training, f"{len(training)} training rows of {dataset.name}"
    except (InputError, UnavailableError, UsageError):
        if rows is None:
            raise
        given = _drawn(rows, BACKGROUND, seed)
        return given, f"{len(given)} rows of {rows.name}, as no training rows are at hand"


def _drawn(dataset: Dataset, count: int, seed: int) -> Dataset:
    if len(dataset) <= count:
        return dataset
    return dataset.take(np.sort(np.random.default_rng(seed).choice(len(dataset), count, replace=False)))


class Means(NamedTuple):
    """Mean attribution of the rows that have a base at a position, NaN where too few, and how many they are.

    Both are (length, channels).
    """

    mean: NDArray[np.float64]
    rows: NDArray[np.int64]


def mean_by_base(values: NDArray[np.floating[Any]], inputs: NDArray[np.uint8], fewest: int = FEWEST) -> Means:
    """Return what each base at each position adds to a prediction, averaged over the rows that have it.

    A position's share is the sum over its channels: what the base there adds, and what the absent ones do.

    Parameters
    ----------
    values, inputs
        (n, length, channels).
    fewest
        Means over fewer rows are NaN.
    """
    present = np.asarray(inputs, np.float64)
    share = np.asarray(values, np.float64).sum(axis=2, keepdims=True)
    rows = present.sum(axis=0)
    total = (share * present).sum(axis=0)
    mean = np.divide(total, rows, out=np.full(rows.shape, np.nan), where=rows >= max(fewest, 1))
    return Means(mean, rows.astype(np.int64))


def _write(run: Run, attribution: Attribution, rows: Dataset, score: NDArray[np.float64], source: str) -> None:
    arrays: dict[str, NDArray[Any]] = {
        "values": attribution.values,
        "inputs": attribution.inputs,
        "additivity_error": attribution.additivity_error,
        "delta": attribution.delta,
        "ids": np.asarray(rows.ids, dtype=np.str_),
    }
    if attribution.hypothetical is not None:
        arrays["hypothetical"] = attribution.hypothetical
    save_arrays(run.file("attributions.npz"), arrays)
    classes = _by_class(attribution, rows)
    content = {"format": 1, **_exactness(attribution), "background": source, "data": rows.name}
    if not content["exact"]:
        error = content["max_additivity_error"]
        run.log(f"the attribution is not exact: largest additivity error {error:.3g}")
    means = {"all": mean_by_base(attribution.values, attribution.inputs), **classes}
    content["alphabet"] = list(attribution.alphabet)
    content["means"] = {name: {"mean": each.mean, "rows": each.rows} for name, each in means.items()}
    content["top"] = _top(rows, score)
    run.write_json("explanation.json", content)
    _draw(run, attribution, rows, score, means)


def _exactness(attribution: Attribution) -> dict[str, Any]:
    error, delta = attribution.additivity_error, attribution.delta
    threshold = EXACT * float(np.median(delta))
    return {
        "method": attribution.method,
        "n": len(error),
        "max_additivity_error": float(error.max()),
        "median_additivity_error": float(np.median(error)),
        "median_delta": float(np.median(delta)),
        "threshold": threshold,
        "exact": bool(error.max() <= threshold),
    }


def _by_class(attribution: Attribution, rows: Dataset) -> dict[str, Means]:
    """Return the means of each class of a classification, by the class's name."""
    if rows.target is None or not rows.classes:
        return {}
    held = {name: np.flatnonzero(rows.target == code) for code, name in enumerate(rows.classes)}
    return {
        f"class {name}": mean_by_base(attribution.values[which], attribution.inputs[which])
        for name, which in held.items()
        if len(which)
    }


def _best(score: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the rows of the highest scores; of many classes, of the surest predictions."""
    height = score if score.ndim == 1 else score.max(axis=1)
    return np.argsort(-height, kind="stable")[:SHOWN]


def _top(rows: Dataset, score: NDArray[np.float64]) -> list[dict[str, Any]]:
    return [{"id": str(rows.ids[row]), "score": score[row].tolist()} for row in _best(score).tolist()]


def _draw(
    run: Run, attribution: Attribution, rows: Dataset, score: NDArray[np.float64], means: Mapping[str, Means]
) -> None:
    from genotool.figures.logo import heatmap, logo, rows_as_logos

    simulated, regions = bool(run.record["simulated"]), REGIONS.get(rows.kind, {})
    alphabet, best, every = attribution.alphabet, _best(score), means["all"].mean
    run.write_text("figures/heatmap.svg", heatmap(every, alphabet, regions=regions, simulated=simulated))
    for number, (name, each) in enumerate(means.items()):
        file = "figures/logo.svg" if number == 0 else f"figures/logo-class-{number}.svg"
        title = "" if number == 0 else name
        run.write_text(file, logo(each.mean, alphabet, regions=regions, title=title, simulated=simulated))
    titles = [f"{rows.ids[row]}: score {np.max(score[row]):.3f}" for row in best.tolist()]
    single = attribution.values[best], attribution.inputs[best], titles, alphabet
    run.write_text("figures/top.svg", rows_as_logos(*single, regions=regions, simulated=simulated))
