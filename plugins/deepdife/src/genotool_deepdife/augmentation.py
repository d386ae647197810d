"""What training rows become anew in every epoch: one of their orthologs, then EvoAug's changes; and both strands."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from genotool.dataset import ORIGIN, Dataset
from genotool.encoding import EncodedBatch, EncodedView
from genotool.frameworks.keras import Augment
from genotool.orthologs import Orthologs, Partners
from genotool.run import Run
from numpy.typing import NDArray

from genotool_deepdife.encoder import INPUT, PromoterEncoder, promoters
from genotool_deepdife.settings import PromoterConfig

__all__ = ["augmentation", "own_rows", "with_reverse_complements"]


def with_reverse_complements(view: EncodedView) -> EncodedView:
    """Return a view whose rows are followed by their reverse complements, of the same target and weight."""
    batch = view.arrays()
    turned = EncodedBatch({INPUT: batch.inputs[INPUT][:, ::-1, ::-1]}, batch.target, batch.weight)
    return dataclasses.replace(view, extra=turned if view.extra is None else _joined(view.extra, turned))


def _joined(first: EncodedBatch, second: EncodedBatch) -> EncodedBatch:
    return EncodedBatch(
        {INPUT: np.concatenate([first.inputs[INPUT], second.inputs[INPUT]])},
        np.concatenate([first.target, second.target]),
        np.concatenate([first.weight, second.weight]),
    )


def own_rows(config: PromoterConfig, view: EncodedView) -> EncodedView:
    """Return the rows that are learned: of several sets all, or where orthologs are swapped in the first set's."""
    if config.orthologs == "rows" or ORIGIN not in view.dataset.columns:
        return view
    first = np.flatnonzero(_origins(view.dataset) == view.dataset.name)
    weight = None if view.weight is None else view.weight[first]
    return dataclasses.replace(view, dataset=view.dataset.take(first), weight=weight)


def augmentation(config: PromoterConfig, every: EncodedView, valid: EncodedView, run: Run) -> Augment | None:
    """Return what is done to the rows of `own_rows`, both strands, in each epoch; None: nothing.

    Parameters
    ----------
    every
        The training rows of all sets.
    valid
        Rows whose orthologs must stay out.
    """
    _say_lengths(every, run)
    swap = _swap(config, every, valid, run)
    evolve = config.augment == "evoaug" and config.evoaug.enabled
    if swap is None and not evolve:
        return None

    def augment(x: NDArray[np.float32], rows: NDArray[np.int64], epoch: int) -> NDArray[np.float32]:
        changed = x if swap is None else swap(x, rows, epoch)
        return config.evoaug.augment(changed, rows, seed=config.seed, epoch=epoch) if evolve else changed

    return augment


def _say_lengths(every: EncodedView, run: Run) -> None:
    """Say once how many training rows are not as long as what the network reads."""
    encoder, lengths = every.encoder, promoters(every.dataset).lengths
    assert isinstance(encoder, PromoterEncoder)
    if encoder.length is None or (lengths == encoder.length).all():
        return
    cut, padded = int((lengths > encoder.length).sum()), int((lengths < encoder.length).sum())
    end = "left" if encoder.align == "right" else "right"
    said = f"{cut} of {len(lengths)} training rows are longer than {encoder.length} letters and trimmed"
    run.log(f"{said}, {padded} are shorter and padded, at the {end}; --length and --align say otherwise")


def _swap(config: PromoterConfig, every: EncodedView, valid: EncodedView, run: Run) -> Augment | None:
    """Return the swap of rows for their orthologs, where there are such sets and that is asked for."""
    if config.orthologs == "rows" or ORIGIN not in every.dataset.columns:
        return None
    partners = _partners(every.dataset, valid.dataset, run)
    encoder, own = every.encoder, len(partners.training)
    assert isinstance(encoder, PromoterEncoder)
    single = own + (0 if every.extra is None else len(every.extra.target))

    def swap(x: NDArray[np.float32], rows: NDArray[np.int64], epoch: int) -> NDArray[np.float32]:
        changed, real = np.array(x), np.flatnonzero(rows % single < own)
        changed[real] = partners.one_hot(
            rows[real] % single, config.swap_rate, seed=config.seed, epoch=epoch, length=encoder.length,
            align=encoder.align,
        )  # fmt: skip
        turned = real[rows[real] >= single]
        changed[turned] = changed[turned][:, ::-1, ::-1]
        return changed

    return swap


def _partners(every: Dataset, valid: Dataset, run: Run) -> Partners:
    """Return the first set's training rows with their orthologs in the others."""
    sets: dict[str, Any] = {
        name: dataclasses.replace(every.take(np.flatnonzero(_origins(every) == name)), name=name)
        for name in dict.fromkeys(_origins(every).tolist())
    }
    own = sets.pop(every.name)
    partners = Orthologs.from_datasets(own, list(sets.values())).of(own, held_out=valid, conflicts="drop")
    found = len(own) - partners.missing
    run.log(f"{found} of {len(own)} training rows have orthologs in {', '.join(sets)}; {partners.dropped} left out")
    return partners


def _origins(rows: Dataset) -> NDArray[np.str_]:
    return np.asarray(rows.columns[ORIGIN]).astype(np.str_)
