"""Samples as square images: which genes, in which order, normalised and scaled as the training rows say."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

import numpy as np
from genotool.dataset import Dataset
from genotool.encoding import Batch
from genotool.errors import InputError
from genotool.persist import load_arrays, load_json, save_arrays, save_json
from numpy.typing import NDArray

from genotool_transcriptome.expression import Floats, Normalize, blocks, normalized, unit_of
from genotool_transcriptome.genes import kinds_in_words, matched
from genotool_transcriptome.layout import Layout, Place, by_correlation, by_position

__all__ = ["IMAGE", "ExpressionEncoder", "Missing", "Scaling"]

Scaling: TypeAlias = Literal["damped", "zscore", "rank", "minmax", "none"]
Missing: TypeAlias = Literal["error", "mean", "median"]

IMAGE = "image"
"""The name of the array, and of the network's input."""
NOT_SHARED, UNKNOWN = "not in the matrix that genes are shared with", "no value in any training row"
ZERO, CONSTANT = "0 in every training row", "constant in the training rows"
WORDS = ("normalize", "used", "scaling", "missing", "layout", "seed", "said")
ARRAYS = ("genes", "order", "shift", "spread", "fill")
LEAST = 1e-6
"""A deviation below this is rounding."""
WIDEST = 10.0
"""A scaled value further from 0 than this is cut off there: one sample of another platform is no infinity."""
CORRELATED_ROWS = 500
"""Training rows that a layout by correlation is made from, evenly spaced; more change it little."""


@dataclass(eq=False)
class ExpressionEncoder:
    """Genes laid out row by row on the smallest square that holds them; places that are left over are 0.

    Attributes
    ----------
    normalize, scaling, missing, layout
        What was asked for.
    used
        How values are normalised: of ``auto`` what the unit of the rows asks for.
    positions
        Gene to chromosome and start, for the layout by position.
    only
        Names of genes (of another matrix): no other gene is learned. Empty: all are.
    mapping
        Gene id to the id that another name of the gene has too.
    genes
        (m,) the genes of the training matrix, in its order, without those that were dropped.
    order
        (m,) which of `genes` lies at each place of the image.
    shift, spread, fill
        (m,) what is taken off a value, what it is divided by, and what stands for a missing one before that.
    dropped
        Gene to the reason why it is not learned.
    said
        What was found out about the training rows, in words.
    """

    normalize: Normalize = "auto"
    scaling: Scaling = "damped"
    missing: Missing = "error"
    layout: Layout = "column"
    used: Normalize = "none"
    seed: int = 0
    positions: Mapping[str, Place] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    mapping: Mapping[str, str] = field(default_factory=dict)
    genes: NDArray[np.str_] = field(default_factory=lambda: np.empty(0, np.str_))
    order: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    shift: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    spread: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    fill: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    dropped: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    @property
    def side(self) -> int:
        """The width and height of the image."""
        return math.isqrt(max(len(self.genes) - 1, 0)) + 1

    # -- learning ----------------------------------------------------------------------------------------------

    def fit(self, batches: Iterable[Dataset]) -> Self:
        """Learn unit, genes, scale and layout from training rows.

        Raises
        ------
        InputError
            If a value is missing and that is an error, negative where a logarithm is taken, or no gene varies.
        """
        parts = list(batches)
        unit = unit_of(parts[0])
        self.used = unit.normalize if self.normalize == "auto" else self.normalize
        self.said = [f"the values look like {unit.name} ({unit.reason}); normalised by {self.used!r}"]
        self._choose_genes(parts)
        self._choose_scale(parts)
        self._choose_layout(parts)
        self.said += kinds_in_words(self.genes.tolist())
        return self

    def _choose_genes(self, parts: list[Dataset]) -> None:
        """Keep the genes that vary and are wanted; name the others. Learn what stands for a missing value."""
        every = _names(parts[0])
        width = len(every)
        low, high = np.full(width, np.inf, np.float32), np.full(width, -np.inf, np.float32)
        total, known = np.zeros(width), np.zeros(width, np.int64)
        for values in self._normalized(parts):
            there = ~np.isnan(values)
            low, high = np.fmin(low, np.fmin.reduce(values)), np.fmax(high, np.fmax.reduce(values))
            total += np.where(there, values, 0).sum(axis=0, dtype=np.float64)
            known += there.sum(axis=0)
        wanted = np.ones(width, np.bool_) if not self.only else matched(every.tolist(), self.only, self.mapping) >= 0
        kept = wanted & (high > low)
        if not kept.any():
            hint = "are the columns genes, and their names those of --shared-with?"
            raise InputError(f"no gene of {parts[0].name} is left to learn from", hint=hint)
        reasons = np.where(~wanted, NOT_SHARED, np.where(known == 0, UNKNOWN, np.where(high == 0, ZERO, CONSTANT)))
        self.dropped = dict(zip(every[~kept].tolist(), reasons[~kept].tolist(), strict=True))
        self.genes, self.fill = every[kept], (total / np.maximum(known, 1)).astype(np.float32)[kept]
        if self.missing == "median" and (known < sum(map(len, parts))).any():
            table = np.concatenate([values[:, kept] for values in self._normalized(parts)])
            self.fill = np.asarray(np.nanmedian(table, axis=0), np.float32)

    def _normalized(self, parts: Iterable[Dataset]) -> Iterator[Floats]:
        """Yield the values of every gene, normalised; a missing one is an error where that was asked for."""
        for rows in parts:
            for place, raw in blocks(rows):
                values = normalized(raw, self.used, rows, place.start)
                if self.missing == "error":
                    _check_known(values, rows, place.start)
                yield values

    def _choose_scale(self, parts: Iterable[Dataset]) -> None:
        """Learn what is taken off each gene's value and what it is divided by."""
        count, total, squares = 0, np.zeros(len(self.genes)), np.zeros(len(self.genes))
        low, high = np.full(len(self.genes), np.inf), np.full(len(self.genes), -np.inf)
        for rows in parts:
            for values in self._values(rows):
                filled = np.where(np.isnan(values), 0 if self.scaling == "rank" else self.fill, values)
                count += len(filled)
                total += filled.sum(axis=0, dtype=np.float64)
                squares += np.square(filled, dtype=np.float64).sum(axis=0)
                low, high = np.minimum(low, filled.min(axis=0)), np.maximum(high, filled.max(axis=0))
        mean = total / max(count, 1)
        deviation = np.sqrt(np.maximum(squares / max(count, 1) - mean**2, 0))
        centre, width = (low, high - low) if self.scaling == "minmax" else (mean, deviation)
        if self.scaling in ("damped", "rank"):  # Tusher 2001's constant: genes that hardly vary are no loud noise
            width = deviation + (np.median(deviation[deviation > LEAST]) if (deviation > LEAST).any() else 0)
        if self.scaling == "none":
            centre, width = np.zeros_like(mean), np.ones_like(mean)
        self.shift, self.spread = centre.astype(np.float32), np.where(width > LEAST, width, 1).astype(np.float32)

    def _choose_layout(self, parts: list[Dataset]) -> None:
        self.order = np.arange(len(self.genes), dtype=np.int64)
        if self.layout == "position":
            self.order, lost = by_position(self.genes, self.positions)
            self.said.append(f"{lost} of {len(self.genes)} genes have no known position and lie last")
        elif self.layout == "correlation":
            rows = parts[0].take(np.unique(np.linspace(0, len(parts[0]) - 1, CORRELATED_ROWS).astype(np.int64)))
            self.order = by_correlation(self.table(rows), self.seed)

    # -- applying ----------------------------------------------------------------------------------------------

    def encode(self, batch: Dataset) -> Batch:
        """Return ``image`` (n, side, side, 1) float32.

        The genes are found by name, so that a matrix of more genes, or in another order, is read right; one that the
        matrix lacks has the value that training rows have on average.

        Raises
        ------
        InputError
            If the matrix has none of the genes, or a value is missing where that is an error.
        """
        image = np.zeros((len(batch), self.side**2), np.float32)
        for start, values in self._scaled(batch):
            image[start : start + len(values), : len(self.genes)] = values[:, self.order]
        return {IMAGE: image.reshape(-1, self.side, self.side, 1)}

    def table(self, rows: Dataset) -> Floats:
        """Return (n, m) the values of `genes`, in that order, as they are laid out by `encode`."""
        table = np.empty((len(rows), len(self.genes)), np.float32)
        for start, values in self._scaled(rows):
            table[start : start + len(values)] = values
        return table

    def by_gene(self, images: NDArray[Any]) -> NDArray[Any]:
        """Return (n, m) what images (n, side, side, …) hold for each of `genes`, such as attributions."""
        flat = images.reshape(len(images), -1)[:, : len(self.genes)]
        found = np.empty_like(flat)
        found[:, self.order] = flat
        return found

    def places(self) -> NDArray[np.int64]:
        """Return (m,) the place of each of `genes` in the image, row by row from 0."""
        place = np.empty(len(self.order), np.int64)
        place[self.order] = np.arange(len(self.order))
        return place

    def _scaled(self, rows: Dataset) -> Iterator[tuple[int, Floats]]:
        """Yield (first row, (k, m) scaled values); a gene that the matrix lacks has its training mean."""
        start = 0
        absent = (self.fill - self.shift) / self.spread if self.scaling in ("minmax", "none") else np.float32(0)
        for values in self._values(rows):
            scaled = (values - self.shift) / self.spread
            scaled = scaled if self.scaling == "none" else np.clip(scaled, -WIDEST, WIDEST)
            yield start, np.where(np.isnan(scaled), absent, scaled)
            start += len(values)

    def _values(self, rows: Dataset) -> Iterator[Floats]:
        """Yield (k, m) values of `genes`, normalised, as ranks where asked; NaN where the matrix lacks the gene."""
        place = matched(self.genes.tolist(), _names(rows).tolist(), self.mapping)
        there = place >= 0
        if not there.any():
            hint = (
                f"it has {_names(rows)[0]!r}, the model learned {self.genes[0]!r}; --gene-map says which mean the same"
            )
            raise InputError(f"{rows.name} has none of the model's {len(self.genes)} genes", hint=hint)
        for start, raw in blocks(rows):
            values = normalized(raw, self.used, rows, start.start)[:, place]
            values[:, ~there] = np.nan
            if self.missing == "error":
                _check_known(values[:, there], rows, start.start, self.genes[there])
            else:
                values = np.where(np.isnan(values) & there, self.fill, values)
            yield _ranks(values) if self.scaling == "rank" else values

    def for_rows(self, rows: Dataset, scale: Literal["training", "set"]) -> tuple[Self, dict[str, Any]]:
        """Return this encoder for another matrix, and what became of its genes and its scale.

        Parameters
        ----------
        scale
            ``set``: means and deviations are those of `rows`, all of them together; ``training``: those learned.
        """
        place = matched(self.genes.tolist(), _names(rows).tolist(), self.mapping)
        unit = unit_of(rows)
        other = replace(self)
        other.used = unit.normalize if self.normalize == "auto" else self.normalize
        if scale == "set" and self.scaling != "none":
            other._choose_scale([rows])
        shared = int((place >= 0).sum())
        return other, {
            "genes_learned": len(self.genes),
            "genes_shared": shared,
            "genes_missing": self.genes[place < 0].tolist(),
            "genes_not_learned": len(_names(rows)) - shared,
            "unit": unit.name,
            "normalized_by": other.used,
            "scaling": scale_in_words(self.scaling, scale),
        }

    # -- files -------------------------------------------------------------------------------------------------

    def save(self, directory: Path) -> None:
        """Write ``encoder.json`` and ``encoder.npz``."""
        words = {name: getattr(self, name) for name in WORDS}
        save_json(directory / "encoder.json", {**words, "mapping": dict(self.mapping), "dropped": self.dropped})
        save_arrays(directory / "encoder.npz", {name: getattr(self, name) for name in ARRAYS})

    def load(self, directory: Path) -> Self:
        """Read what `save` wrote."""
        content, arrays = load_json(directory / "encoder.json"), load_arrays(directory / "encoder.npz")
        for name in (*WORDS, "mapping", "dropped"):
            setattr(self, name, content[name])
        for name in ARRAYS:
            setattr(self, name, arrays[name])
        if not np.array_equal(np.sort(self.order), np.arange(len(self.genes))) or len(self.shift) != len(self.genes):
            raise ValueError("genes and their places do not fit")
        return self


def scale_in_words(scaling: Scaling, scale: str) -> str:
    """Return how values are scaled, in words for a report."""
    means = "the training rows" if scale == "training" else "the set itself"
    words = {
        "damped": f"damped z-scores by mean and deviation of {means}",
        "zscore": f"z-scores by mean and deviation of {means}",
        "rank": f"ranks within each sample, then damped z-scores by mean and deviation of {means}",
        "minmax": f"from the least to the largest value of {means}",
        "none": "none",
    }
    return words[scaling]


def _names(rows: Dataset) -> NDArray[np.str_]:
    """Return the names of the genes; their numbers where a matrix has none."""
    if rows.features is not None:
        return rows.features
    column: Any = rows.columns["expression"]
    return np.arange(1, column.shape[1] + 1).astype(np.str_)


def _check_known(values: Floats, rows: Dataset, first: int, genes: NDArray[np.str_] | None = None) -> None:
    if np.isnan(values).any():
        row, gene = np.argwhere(np.isnan(values))[0].tolist()
        name = (_names(rows) if genes is None else genes)[gene]
        message = f"gene {name} has no value in {rows.ids[first + row]}"
        raise InputError(message, file=rows.about.path or None, hint="--missing mean or median fills it in")


def _ranks(values: Floats) -> Floats:
    """Return ranks within each row, ties averaged, of mean 0 and deviation 1; NaN stays."""
    from scipy.stats import rankdata

    ranks = rankdata(values, axis=1, nan_policy="omit")
    count = (~np.isnan(values)).sum(axis=1, keepdims=True)
    return np.asarray((ranks / (count + 1) - 0.5) * math.sqrt(12), np.float32)
