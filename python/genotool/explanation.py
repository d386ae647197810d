"""What a run of `explain` holds: arrays, how exact they are, means by base, figures, and files for other tools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genotool.dataset import Dataset, Kind
from genotool.errors import UnsupportedStageError
from genotool.family import Attribution
from genotool.persist import save_arrays
from genotool.run import Run

if TYPE_CHECKING:
    from genotool.figures.logo import Regions

__all__ = ["EXPORTS", "Explained", "Means", "mean_by_base", "write_explanation", "write_modisco"]

EXPORTS = ("modisco",)
FEWEST = 5
"""A mean over fewer rows than this is left blank."""
SHOWN = 4
MOST_SHOWN = 12
REGIONS: Mapping[Kind, Regions] = {Kind.GUIDES: {"seed": (11, 20), "PAM": (21, 23)}}
"""What the figures mark, by kind; the bases next to the PAM bind first (Jinek 2012, Science 337:816)."""


@dataclass(frozen=True, slots=True, eq=False)
class Explained:
    """Attributed rows with their scores.

    Attributes
    ----------
    background
        What the attributions start from, in words.
    shown
        The rows that are drawn; None: those of the highest scores.
    """

    rows: Dataset
    attribution: Attribution
    score: NDArray[np.float64]
    background: str
    shown: NDArray[np.int64] | None = None

    @property
    def drawn(self) -> NDArray[np.int64]:
        """The rows to draw: the chosen ones, else those of the highest scores (of many classes, the surest)."""
        if self.shown is not None:
            return self.shown[:MOST_SHOWN]
        height = self.score if self.score.ndim == 1 else self.score.max(axis=1)
        return np.argsort(-height, kind="stable")[:SHOWN].astype(np.int64)


class Means(NamedTuple):
    """Mean attribution of the rows that have a base at a position, NaN where too few, and how many they are.

    Both are (length, channels).
    """

    mean: NDArray[np.float64]
    rows: NDArray[np.int64]

    @property
    def along(self) -> NDArray[np.float64]:
        """(length,) the mean share of each position, whatever its base."""
        return np.asarray(np.nansum(self.mean * self.rows, axis=1) / np.maximum(self.rows.sum(axis=1), 1))


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


def write_explanation(run: Run, explained: Explained) -> None:
    """Write ``attributions.npz``, ``explanation.json`` and the figures."""
    attribution, rows = explained.attribution, explained.rows
    arrays: dict[str, NDArray[Any]] = {
        "values": attribution.values,
        "inputs": attribution.inputs,
        "additivity_error": attribution.additivity_error,
        "delta": attribution.delta,
        "ids": np.asarray(rows.ids, dtype=np.str_),
    }
    if attribution.hypothetical is not None:
        arrays["hypothetical"] = attribution.hypothetical
    if rows.target is not None:
        arrays["target"] = rows.target
    save_arrays(run.file("attributions.npz"), arrays)
    content = {"format": 1, **_exactness(attribution), "background": explained.background, "data": rows.name}
    if content["exact"] is False:
        error = content["max_additivity_error"]
        run.log(f"the attribution is not exact: largest additivity error {error:.3g}")
    means = {"all": mean_by_base(attribution.values, attribution.inputs), **_by_class(attribution, rows)}
    content["alphabet"] = list(attribution.alphabet)
    content["means"] = {name: {"mean": each.mean, "rows": each.rows} for name, each in means.items()}
    drawn = explained.drawn.tolist()
    shown = [{"id": str(rows.ids[row]), "score": explained.score[row].tolist()} for row in drawn]
    content["top" if explained.shown is None else "chosen"] = shown
    run.write_json("explanation.json", content)
    _draw(run, explained, means)


def write_modisco(run: Run, attribution: Attribution) -> None:
    """Write ``modisco/sequences.npz`` and ``modisco/attributions.npz`` as TF-MoDISco takes them.

    Each holds ``arr_0`` (n, 4, length) float32: one-hot bases, and the hypothetical scores.

    Raises
    ------
    UnsupportedStageError
        If the attribution has no hypothetical scores, or is not of bases.
    """
    if attribution.hypothetical is None or attribution.alphabet != tuple("ACGT"):
        raise UnsupportedStageError(f"{attribution.method} gives no hypothetical scores of bases, as TF-MoDISco takes")
    folder = run.folder("modisco")
    for name, array in (("sequences", attribution.inputs), ("attributions", attribution.hypothetical)):
        channels_first = np.ascontiguousarray(np.asarray(array, np.float32).transpose(0, 2, 1))
        save_arrays(folder / f"{name}.npz", {"arr_0": channels_first})


def _exactness(attribution: Attribution) -> dict[str, Any]:
    """Return how well the values add up; ``exact`` is None for a method that makes no such claim."""
    error, delta = attribution.additivity_error, attribution.delta
    additive = bool(np.isfinite(error).all())
    threshold = attribution.tolerance * float(np.median(delta))
    return {
        "method": attribution.method,
        "n": len(error),
        "max_additivity_error": float(error.max()),
        "median_additivity_error": float(np.median(error)),
        "median_delta": float(np.median(delta)),
        "tolerance": attribution.tolerance,
        "threshold": threshold,
        "exact": bool(error.max() <= threshold) if additive else None,
    }


def _by_class(attribution: Attribution, rows: Dataset) -> dict[str, Means]:
    """Return the means of each class of a classification, by the class's name."""
    return {
        name: mean_by_base(attribution.values[which], attribution.inputs[which])
        for name, which in _classes(rows).items()
    }


def _classes(rows: Dataset) -> dict[str, NDArray[np.int64]]:
    if rows.target is None or not rows.classes:
        return {}
    held = {f"class {name}": np.flatnonzero(rows.target == code) for code, name in enumerate(rows.classes)}
    return {name: which for name, which in held.items() if len(which)}


def _draw(run: Run, explained: Explained, means: Mapping[str, Means]) -> None:
    from genotool.figures.logo import heatmap, logo, rows_as_logos
    from genotool.figures.profile import LONG, profiles

    attribution, rows, drawn = explained.attribution, explained.rows, explained.drawn
    common: Any = {"simulated": bool(run.record["simulated"])}
    regions, alphabet = REGIONS.get(rows.kind, {}), attribution.alphabet
    long = attribution.inputs.shape[1] > LONG
    run.write_text("figures/heatmap.svg", heatmap(means["all"].mean, alphabet, regions=regions, **common))
    for number, (name, each) in enumerate(means.items()):
        file, title = ("logo", "") if number == 0 else (f"logo-class-{number}", name)
        along = [each.along]
        picture = (
            profiles([each.mean], [title or "all rows"], alphabet, along=along, **common)
            if long
            else logo(each.mean, alphabet, regions=regions, title=title, **common)
        )
        run.write_text(f"figures/{file}.svg", picture)
    values, inputs = attribution.values[drawn], attribution.inputs[drawn]
    titles = [f"{rows.ids[row]}: score {np.max(explained.score[row]):.3f}" for row in drawn.tolist()]
    heights = values.sum(axis=2, keepdims=True) * inputs
    picture = (
        profiles(list(heights), titles, alphabet, **common)
        if long
        else rows_as_logos(values, inputs, titles, alphabet, regions=regions, **common)
    )
    run.write_text(f"figures/{'top' if explained.shown is None else 'chosen'}.svg", picture)
