"""Family and Model: what a plugin author implements. Everything else is optional.

A family is a class with a name, a config, an encoder, `fit` and `load`; a model predicts and saves itself. The
capabilities below are found by `isinstance`: a verb that needs one which a family lacks raises
`UnsupportedStageError`, it never skips in silence. ``examples/`` holds a whole family in under 60 lines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from genotool.dataset import Dataset, Kind, Task
from genotool.encoding import Batch, EncodedView, Encoder
from genotool.features import FeatureTable

if TYPE_CHECKING:
    from genotool.run import Run

__all__ = [
    "Adapted",
    "Adapts",
    "Attribution",
    "Control",
    "Controls",
    "Embeds",
    "Explains",
    "ExplainsBy",
    "Family",
    "ImportedModel",
    "Imports",
    "Model",
    "NaturalFeatures",
    "References",
    "ShipsModel",
    "Terms",
    "Transfers",
    "Trial",
    "Tuned",
    "Tunes",
]

C = TypeVar("C")
CIn = TypeVar("CIn", contravariant=True)
M = TypeVar("M", bound="Model")
MOut = TypeVar("MOut", bound="Model", covariant=True)
MIn = TypeVar("MIn", bound="Model", contravariant=True)


@runtime_checkable
class Model(Protocol):
    """A fitted model."""

    @property
    def task(self) -> Task:
        """What it predicts."""
        ...

    def predict(self, batch: Batch) -> NDArray[np.float64]:
        """Return (n,) probabilities for binary, (n, classes) for multiclass, (n,) numbers for regression."""
        ...

    def save(self, directory: Path) -> None:
        """Write the model into an existing directory, through `genotool.persist` or as text; no pickle."""
        ...


@runtime_checkable
class Family(Protocol[C, MOut]):
    """A model family, such as ``sgrna``.

    Attributes
    ----------
    name, summary
        The word on the command line, and one line about it.
    tasks, kinds
        What the family can predict, and from what rows.
    config_type
        A dataclass of annotated fields (see `genotool.config`).
    """

    name: str
    summary: str
    tasks: frozenset[Task]
    kinds: frozenset[Kind]
    config_type: type[C]

    def encoder(self, config: C, task: Task) -> Encoder:
        """Return a fresh, unfitted encoder."""
        ...

    def fit(self, config: C, task: Task, train: EncodedView, valid: EncodedView, run: Run) -> MOut:
        """Train on `train`, stop early and choose thresholds on `valid`, log to `run`."""
        ...

    def load(self, directory: Path) -> MOut:
        """Read a model that `save` wrote."""
        ...


@runtime_checkable
class Transfers(Protocol[CIn, M]):
    """Can go on from a model that another data set trained."""

    def transfer(self, model: M, config: CIn, task: Task, train: EncodedView, valid: EncodedView, run: Run) -> M:
        """Return a model for `task` that starts from `model`; the head is replaced where the task differs."""
        ...


@dataclass(frozen=True, slots=True)
class Attribution:
    """How much each input position moved each prediction.

    Attributes
    ----------
    values
        (n, length, channels) float32.
    inputs
        (n, length, channels) uint8: the encoded rows.
    alphabet
        The channel names, such as ``("A", "C", "G", "T")``.
    additivity_error
        (n,) float64: |sum of values + base - prediction|; NaN: the method makes no claim to add up.
    delta
        (n,) float64: |prediction - base|, the scale of the error; NaN where there is no base.
    method
        The method's name in words, as a report prints it.
    hypothetical
        (n, length, channels) float32: the share that each position would have with each base, as TF-MoDISco takes it;
        of the base that a row has, the sum of its values there. None: the method gives none.
    tolerance
        The largest additivity error, as a share of the median delta, with which the values count as adding up.
    """

    values: NDArray[np.float32]
    inputs: NDArray[np.uint8]
    alphabet: tuple[str, ...]
    additivity_error: NDArray[np.float64]
    delta: NDArray[np.float64]
    method: str
    hypothetical: NDArray[np.float32] | None = None
    tolerance: float = 1e-3


@runtime_checkable
class Explains(Protocol[CIn, MIn]):
    """Can attribute a prediction to its input."""

    def explain(self, model: MIn, config: CIn, rows: EncodedView, background: EncodedView, run: Run) -> Attribution:
        """Return the attribution of `rows` against `background` (training rows)."""
        ...


@runtime_checkable
class ExplainsBy(Protocol[CIn, MIn]):
    """Can attribute a prediction by several methods, and against references of each row's own."""

    @property
    def methods(self) -> Sequence[str]:
        """The words of ``--method``, such as those of `genotool.frameworks.attribution.METHODS`."""
        ...

    def explain(
        self, model: MIn, config: CIn, rows: EncodedView, background: EncodedView, run: Run, *, method: str = ...
    ) -> Attribution:
        """Return the attribution by a method; `background` is a `genotool.background.Background`."""
        ...


@runtime_checkable
class Embeds(Protocol[MIn]):
    """Can turn rows into vectors."""

    def embed(self, model: MIn, batch: Batch) -> NDArray[np.float32]:
        """Return (n, width)."""
        ...


@dataclass(frozen=True, slots=True)
class Trial:
    """One architecture that a search tried.

    Attributes
    ----------
    number
        From 0, in the order tried.
    score
        The validation objective; None where the trial failed.
    parameters
        The number of weights.
    values
        The hyper-parameters, as the engine names them.
    architecture
        What they make, in words.
    failure
        The first line of the trial's error, else "".
    pruned
        Where a trial was stopped because it fell behind earlier ones, in words; it has no score. Else "".
    """

    number: int
    score: float | None
    parameters: int
    seconds: float
    values: dict[str, Any] = field(default_factory=dict)
    architecture: str = ""
    failure: str = ""
    pruned: str = ""


@dataclass(frozen=True, slots=True)
class Tuned:
    """What a search found: the best model and the table of trials; `objective` names what the score is."""

    model: Model
    trials: tuple[Trial, ...]
    objective: str
    engine: str


@runtime_checkable
class Tunes(Protocol[CIn]):
    """Can search for an architecture; the search algorithm is a library's."""

    def tune(self, config: CIn, task: Task, train: EncodedView, valid: EncodedView, run: Run) -> Tuned:
        """Search within the limits of the config, resuming from what `run` holds."""
        ...


@dataclass(frozen=True, slots=True)
class ImportedModel:
    """A foreign model file made ready: the model, the encoder and the task that it was found to have."""

    model: Model
    encoder: Encoder
    task: Task
    notes: tuple[str, ...] = ()


@runtime_checkable
class Imports(Protocol[CIn]):
    """Can read a model file that another tool wrote."""

    def import_model(self, file: Path, config: CIn) -> ImportedModel:
        """Check and read the file; raise `InputError` for what it does not understand."""
        ...


@dataclass(frozen=True, slots=True)
class Adapted:
    """An encoder for a data set that is not built like the training rows.

    Attributes
    ----------
    said
        What did and did not meet, for ``metrics.json``.
    sentence
        The same in words, for a report.
    """

    encoder: Encoder
    said: Mapping[str, Any]
    sentence: str


@runtime_checkable
class Adapts(Protocol[CIn]):
    """Reads data sets that are not built like its training rows, such as a matrix of other genes."""

    def adapt(self, encoder: Encoder, config: CIn, rows: Dataset) -> Adapted:
        """Return the encoder for all of these rows; `encoder` stays as it is."""
        ...


@runtime_checkable
class Terms(Protocol):
    """Its model does not read all that rows hold: floors then get what it reads."""

    def in_terms(self, encoder: Encoder, rows: Dataset) -> Dataset:
        """Return the rows with their key columns as the encoder has them: one build for all, nothing beyond it."""
        ...


@runtime_checkable
class NaturalFeatures(Protocol):
    """Has simple features on which the floors (logistic regression, LightGBM) are fitted."""

    def natural_features(self, dataset: Dataset) -> NDArray[np.float32] | Mapping[str, FeatureTable]:
        """Return (n, m) features of the rows, or several tables by name; no fitted state.

        Of several the first is what every floor is fitted on; each other gives a floor ``lightgbm_NAME``.
        """
        ...


@dataclass(frozen=True, slots=True)
class Control:
    """One artefact control: the same model, fitted again where the biology is destroyed and the artefact is kept.

    Attributes
    ----------
    summary
        What is destroyed and what is kept, in words.
    rows
        Rows and a seed to rows of the same number, ids, targets and groups, such as
        `genotool.controls.shuffled_sequences`; training, validation and test rows go through it alike. None: as they
        are.
    order
        Encoded input to the number of its position axes after the first: their positions are shuffled, once for all
        rows. ``{"image": 2}`` for pixels (n, height, width, channels), ``{"components": 1}`` for a component order.
    """

    summary: str
    rows: Callable[[Dataset, int], Dataset] | None = None
    order: Mapping[str, int] = field(default_factory=dict)


@runtime_checkable
class Controls(Protocol[CIn]):
    """Says which artefact controls mean something for its models (``--controls``)."""

    def controls(self, config: CIn, kind: Kind) -> Mapping[str, Control]:
        """Return name to control, for rows of a kind."""
        ...


@runtime_checkable
class References(Protocol):
    """Has scores made elsewhere, against which the sign of a data set's labels is checked."""

    def reference_scores(self, dataset: Dataset) -> Mapping[str, NDArray[np.float64]]:
        """Return name to (n,) score, higher meaning what a higher label should mean; no framework needed."""
        ...


@runtime_checkable
class ShipsModel(Protocol):
    """Comes with a trained model, so that `predict` works at once."""

    def shipped_model(self) -> Path:
        """Return the run folder inside the installed package."""
        ...
