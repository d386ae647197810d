"""The search space in AutoKeras' terms, and the tuner that makes its search seeded and resumable.

Imported by `genotool_sgrna.search` only, after the backend is set up: this module imports AutoKeras.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import autokeras
import keras
import numpy as np
from autokeras.engine.tuner import AutoTuner
from autokeras.graph import Graph
from autokeras.tuners.greedy import GreedyOracle
from genotool.errors import StoppedError
from genotool.frameworks.keras import Training, adamw
from keras_tuner.engine.trial import TrialStatus

from genotool_sgrna.architecture import Architecture
from genotool_sgrna.search_record import Record
from genotool_sgrna.settings import GuideConfig

__all__ = ["BLOCK", "LARGEST", "GuideBlock", "GuideModel", "GuideTuner", "first_values", "output_head"]

BLOCK = "guide"
LARGEST = 450_000
"""Weights of a model, all its towers together, at most: the file stays below 2 MB."""
DEPTHS = [2, 3, 4]
FILTERS = [32, 48, 64, 80, 96, 128, 160]
WIDTHS = [3, 5, 7]
DENSE_LAYERS = [1, 2]
UNITS = {1: [48, 64, 96, 128, 192, 256], 2: [32, 48, 64, 128]}


def first_values(config: GuideConfig) -> dict[str, Any]:
    """Return the first trial: the configured network; the default one where that is not in the space."""
    if len(config.filters) not in DEPTHS or len(config.dense) not in DENSE_LAYERS:
        config = replace(GuideConfig(), training=config.training)
    choices: dict[str, Any] = {"convolutions": len(config.filters), "dense_layers": len(config.dense)}
    choices |= {f"filters_{number}": filters for number, filters in enumerate(config.filters, start=1)}
    choices |= {f"width_{number}": width for number, width in enumerate(config.kernels, start=1)}
    choices |= {f"units_{number}": units for number, units in enumerate(config.dense, start=1)}
    choices |= {"convolution_dropout": config.filter_dropout, "dropout": config.dropout}
    choices |= {"skips": False, "reduction": "flatten"}
    return {f"{BLOCK}/{name}": value for name, value in choices.items()} | {
        "optimizer": "adamw" if config.training.weight_decay else "adam",
        "learning_rate": config.training.learning_rate,
    }


@keras.saving.register_keras_serializable(package="genotool_sgrna")
class GuideBlock(autokeras.Block):  # type: ignore[misc]
    """The guide CNN up to its output, with every choice a hyper-parameter."""

    def build(self, hp: Any, inputs: Any = None) -> Any:
        """Build the layers for the values that `hp` holds."""
        (guide,) = keras.tree.flatten(inputs)
        return Architecture.of(declared(hp)).features(keras.layers, guide)


def declared(hp: Any) -> dict[str, Any]:
    """Declare every hyper-parameter of the block, the inactive ones too, and return the values.

    All are declared on the first build, so that the space does not grow during the search.
    """
    values = {"convolutions": hp.Choice("convolutions", DEPTHS, default=3)}
    for number in range(1, max(DEPTHS) + 1):
        with hp.conditional_scope("convolutions", [depth for depth in DEPTHS if depth >= number]):
            values[f"filters_{number}"] = hp.Choice(f"filters_{number}", FILTERS, default=64)
            values[f"width_{number}"] = hp.Choice(f"width_{number}", WIDTHS, default=5)
    values["skips"] = hp.Boolean("skips", default=False)
    values["convolution_dropout"] = hp.Choice("convolution_dropout", [0.0, 0.05, 0.1, 0.2], default=0.05)
    values["reduction"] = hp.Choice("reduction", ["flatten", "pool", "average"], default="flatten")
    values["dense_layers"] = hp.Choice("dense_layers", DENSE_LAYERS, default=1)
    values["units_1"] = hp.Choice("units_1", UNITS[1], default=128)
    with hp.conditional_scope("dense_layers", [2]):
        values["units_2"] = hp.Choice("units_2", UNITS[2], default=64)
    values["dropout"] = hp.Choice("dropout", [0.1, 0.2, 0.25, 0.3, 0.4, 0.5], default=0.3)
    return values


class _WholeUnits:
    """Makes a head's shape plain integers: AutoKeras 3.0 gives ``Dense`` a NumPy one, which Keras refuses."""

    shape: tuple[int, ...]

    def build(self, hp: Any, inputs: Any = None) -> Any:
        self.shape = tuple(int(size) for size in self.shape)
        return super().build(hp, inputs)  # type: ignore[misc]


@keras.saving.register_keras_serializable(package="genotool_sgrna")
class NumberHead(_WholeUnits, autokeras.RegressionHead):  # type: ignore[misc]
    """One number, mean squared error."""


@keras.saving.register_keras_serializable(package="genotool_sgrna")
class ClassHead(_WholeUnits, autokeras.ClassificationHead):  # type: ignore[misc]
    """The probability of one of two classes, binary cross-entropy."""


def output_head(binary: bool) -> Any:
    """Return the head; the dropout before it belongs to the block."""
    return ClassHead(name="head", dropout=0.0) if binary else NumberHead(name="head", dropout=0.0)


class GuideGraph(Graph):  # type: ignore[misc]
    """AutoKeras' graph, compiled as genotool trains: warm-up, cosine, clipped gradients, averaged weights.

    Attributes
    ----------
    training
        The settings that are not searched.
    steps
        Steps an epoch.
    """

    training = Training()
    steps = 1

    def _compile_keras_model(self, hp: Any, model: Any) -> Any:
        decay = {"adam": 0.0, "adamw": self.training.weight_decay}
        decayed = decay[hp.Choice("optimizer", ["adam", "adamw"], default="adamw")]
        rate = hp.Choice("learning_rate", [5e-4, 1e-3, 2e-3, 4e-3], default=2e-3)
        chosen = replace(self.training, learning_rate=rate, weight_decay=decayed)
        model.compile(optimizer=adamw(keras, chosen, self.steps), loss=self._get_loss())
        return model


class GuideModel(autokeras.AutoModel):  # type: ignore[misc]
    """AutoKeras' model over a `GuideGraph`."""

    def _build_graph(self) -> Any:
        return GuideGraph(inputs=self.inputs, outputs=self.outputs)


class BoundedOracle(GreedyOracle):  # type: ignore[misc]
    """AutoKeras' greedy search below a size and within a time, led by its seed and the scores only."""

    def __init__(self, *, first: dict[str, Any], largest: int, expired: Callable[[], bool], **kwargs: Any) -> None:
        super().__init__(initial_hps=[first], **kwargs)
        self.largest, self.expired = largest, expired

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the values of the next trial, or the end of the search."""
        if self.expired():
            return {"status": TrialStatus.STOPPED, "values": None}
        # the greedy step draws from NumPy's global generator: seeded here, so a restart draws the same
        np.random.seed([self.seed, int(trial_id)])  # noqa: NPY002
        while True:
            answer: dict[str, Any] = super().populate_space(trial_id)
            values = answer["values"]
            if values is None or Architecture.of(values).parameters <= self.largest:
                return answer


class GuideTuner(AutoTuner):  # type: ignore[misc]
    """AutoKeras' tuner with weights seeded by trial; a trial that is on record is not run again.

    The engine's own files are not written atomically, so a search that was killed could not go on from them.
    Here they are made anew, and the oracle is led through the recorded scores: it proposes the same trials.

    Parameters
    ----------
    first, largest
        The values of the first trial, and the number of weights of any, at most.
    record
        The finished trials.
    expired
        Whether no further trial is to be started.
    """

    def __init__(
        self,
        hypermodel: Any,
        *,
        objective: Any,
        max_trials: int,
        seed: int,
        first: dict[str, Any],
        largest: int,
        record: Record,
        expired: Callable[[], bool],
        **kwargs: Any,
    ) -> None:
        oracle = BoundedOracle(
            first=first,
            largest=largest,
            expired=expired,
            objective=objective,
            max_trials=max_trials,
            seed=seed + 1,  # the oracle takes 0 for "none given"
        )
        self._seed, self._record = seed, record
        super().__init__(oracle, hypermodel, **kwargs)

    def get_trial_dir(self, trial_id: str) -> str:
        """Return the folder of a trial's weights, outside the project, which is made anew."""
        folder = self._record.folder(int(trial_id))
        folder.mkdir(parents=True, exist_ok=True)
        return str(folder)

    def _try_run_and_update_trial(self, trial: Any, *args: Any, **kwargs: Any) -> None:
        """Run one trial; a failure is recorded, a signal ends the search (the engine would swallow both)."""
        number, values = int(trial.trial_id), dict(trial.hyperparameters.values)
        known = self._record.remembered(number, values)
        try:
            if known is None:
                keras.utils.set_random_seed(self._seed + number)
                self._run_and_update_trial(trial, *args, **kwargs)
            else:
                self._repeat(trial, *known)
            trial.status = TrialStatus.COMPLETED
        except StoppedError:
            raise
        except Exception as error:
            trial.status = TrialStatus.FAILED
            trial.message = f"{type(error).__name__}: {error}\n{traceback.format_exc()}"
        if known is None:
            self._record.finished(number, values, *self._outcome(trial))

    def _repeat(self, trial: Any, score: float | None, failure: str) -> None:
        if score is None:
            raise RuntimeError(failure)
        self.oracle.update_trial(trial.trial_id, {self.oracle.objective.name: score})

    def _outcome(self, trial: Any) -> tuple[float | None, str]:
        """Return score and failure; a score that is no number makes the trial a failed one."""
        if trial.status == TrialStatus.FAILED:
            return None, trial.message.strip().splitlines()[0]
        score = float(self.oracle.get_trial(trial.trial_id).metrics.get_best_value(self.oracle.objective.name))
        if not np.isfinite(score):
            trial.status, trial.message = TrialStatus.FAILED, "the loss is no number"
            return None, trial.message
        return score, ""
