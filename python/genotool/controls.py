"""Artefact controls: what the same model reaches when the biology is destroyed and the artefact is kept.

A floor asks what a cheat or a simpler model reaches; a control asks what this very model reaches, fitted again with
the same settings, where what it claims to read is gone: the order of bases beyond dinucleotides, the layout of genes
on an image, the order of components. A control that comes close to the model says that the rest explains the score.
A family names its controls (`genotool.family.Controls`); each costs the time of a fit.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.dataset import KEY_COLUMNS, Dataset, Kind, Task
from genotool.encoding import Batch, EncodedView, Encoder
from genotool.errors import UsageError
from genotool.family import Control
from genotool.floors import Floor
from genotool.metrics import HEADLINE, TITLES
from genotool.run import Run
from genotool.sequences import Sequences
from genotool.statistics.intervals import Difference, bootstrap, paired
from genotool.verdict import MARGIN

__all__ = ["Reordered", "against_controls", "fit_controls", "reordered", "shuffled_features", "shuffled_sequences"]

Predict: TypeAlias = Callable[[Dataset], NDArray[Any]]
Fit: TypeAlias = Callable[[EncodedView, EncodedView, Run], Predict]

ROWS = 65_536


def shuffled_sequences(rows: Dataset, seed: int) -> Dataset:
    """Return the rows with every sequence shuffled, its dinucleotides kept (`genotool.shuffle`)."""
    from genotool.shuffle import dinucleotide_shuffle

    roles = [role for role, column in rows.columns.items() if isinstance(column, Sequences)]
    seeds = np.random.SeedSequence(seed).generate_state(len(roles), np.uint64).tolist()
    columns = dict(rows.columns)
    for role, own in zip(roles, seeds, strict=True):
        column = columns[role]
        assert isinstance(column, Sequences)
        columns[role] = dinucleotide_shuffle(column, seed=own)
    return dataclasses.replace(rows, columns=columns)


def shuffled_features(rows: Dataset, seed: int) -> Dataset:
    """Return the rows of a matrix with its columns in another order, the same for all rows; the names stay in place.

    Raises
    ------
    UsageError
        If the rows are no matrix.
    """
    if rows.kind is not Kind.MATRIX:
        raise UsageError(f"{rows.name} is no matrix: it has no features to shuffle")
    (role,) = KEY_COLUMNS[rows.kind]
    column: Any = rows.columns[role]
    column = column if hasattr(column, "shape") else column.take(np.arange(len(rows)))
    order = np.random.default_rng(seed).permutation(column.shape[1])
    return dataclasses.replace(rows, columns={**rows.columns, role: column[:, order]})


def reordered(array: NDArray[Any], axes: int, seed: int) -> NDArray[Any]:
    """Return (n, …) with the positions of its next `axes` axes, taken together, in an order that the seed sets."""
    places = array.shape[1 : 1 + axes]
    if not 1 <= axes < array.ndim:
        raise UsageError(f"an input of shape {array.shape} has no {axes} position axes to shuffle")
    count = int(np.prod(places))
    order = np.random.default_rng(seed).permutation(count)
    return array.reshape(len(array), count, -1)[:, order].reshape(array.shape)


@dataclass(frozen=True, slots=True)
class Reordered:
    """An encoder whose inputs come with their positions shuffled, alike for every row.

    Attributes
    ----------
    encoder
        What encodes.
    order
        As in `genotool.family.Control`.
    """

    encoder: Encoder
    order: Mapping[str, int]
    seed: int

    def fit(self, batches: Iterable[Dataset]) -> Self:
        """Fit the encoder."""
        return dataclasses.replace(self, encoder=self.encoder.fit(batches))

    def encode(self, batch: Dataset) -> Batch:
        """Return the encoder's inputs, those of `order` shuffled."""
        inputs = dict(self.encoder.encode(batch))
        return inputs | {name: reordered(inputs[name], axes, self.seed) for name, axes in self.order.items()}

    def save(self, directory: Path) -> None:
        """Write the encoder."""
        self.encoder.save(directory)

    def load(self, directory: Path) -> Self:
        """Read the encoder."""
        return dataclasses.replace(self, encoder=self.encoder.load(directory))


def fit_controls(
    controls: Mapping[str, Control],
    train: Dataset,
    valid: Dataset,
    test: Dataset,
    *,
    task: Task,
    encoder: Callable[[], Encoder],
    fit: Fit,
    run: Run,
    seed: int,
) -> list[Floor]:
    """Fit the model again on the changed training rows of each control and score the changed test rows.

    Parameters
    ----------
    encoder
        Makes a fresh encoder, as the model's was.
    fit
        Fits on a training and a validation view, as the model was; returns what predicts rows.
    run
        The model's run: what a fit writes goes to ``controls/NAME`` in its folder.

    Returns
    -------
    list of Floor
        One a control, with its name, summary, scores and estimates.
    """
    found = []
    for name, control in controls.items():
        change = control.rows
        seen, held, unseen = (part if change is None else change(part, seed) for part in (train, valid, test))
        fresh = Reordered(encoder(), control.order, seed) if control.order else encoder()
        fitted = fresh.fit(seen.batches(ROWS))
        side = Run(run.folder(f"controls/{re.sub('[^a-z0-9]+', '-', name.lower())}"), dict(run.record))
        scores = np.asarray(fit(EncodedView(seen, fitted), EncodedView(held, fitted), side)(unseen), np.float64)
        estimates = bootstrap(task, np.asarray(test.target), scores, groups=test.groups, seed=seed)
        found.append(Floor(name, control.summary, scores, estimates))
    return found


def against_controls(
    task: Task, test: Dataset, score: NDArray[Any], controls: Sequence[Floor], *, seed: int
) -> dict[str, dict[str, Any]]:
    """Return what ``metrics.json`` holds of each control: summary, metrics, paired difference, a sentence."""
    metric, target = HEADLINE[task], np.asarray(test.target)
    told = {}
    for control in controls:
        found = paired(task, target, score, control.scores, metric, test.groups, seed=seed)
        told[control.name] = {
            "summary": control.summary,
            **{name: estimate.to_json() for name, estimate in control.estimates.items()},
            "difference": dataclasses.asdict(found),
            "sentence": _sentence(control, metric, found),
        }
    return told


def _sentence(control: Floor, metric: str, found: Difference) -> str:
    reached = control.estimates[metric].value
    if found.value is None:
        return f"Control, {control.name}: no comparison, {found.reason}."
    reached = reached if reached is not None else 0.0  # a constant score orders nothing
    start = f"Control, {control.name}: reaches {TITLES[metric]} {reached:.3f} of {reached + found.value:.3f}"
    if found.low is None or found.high is None:
        return f"{start}, the model is ahead by {found.value:+.3f}; {found.reason}."
    interval = f"{found.value:+.3f} (95 % interval {found.low:+.3f} to {found.high:+.3f})"
    if found.low > 0:
        return f"{start}: the model is better by {interval}."
    if found.high < 0:
        return f"{start}: the model is worse than its control: {interval}."
    if found.low > -MARGIN and found.high < MARGIN:
        return f"{start}, no more than ±{MARGIN:g} apart: {interval}. What the control keeps explains the score."
    return (
        f"{start}: no difference that these rows could show, {interval}; it would have to be "
        f"{found.smallest_detectable:.3f}. What the control keeps may explain the score."
    )
