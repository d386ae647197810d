"""The sgrna family: fit, transfer, search, import, explain."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from genotool.dataset import Dataset, Kind, Task
from genotool.encoding import EncodedView
from genotool.errors import UsageError
from genotool.floors import positional_features
from genotool.frameworks.keras import KerasModel, start
from genotool.persist import load_arrays
from genotool.run import Run
from genotool.sequences import Sequences
from numpy.typing import NDArray

from genotool_sgrna import network as networks
from genotool_sgrna.encoder import GuideEncoder, lines_of
from genotool_sgrna.settings import GuideConfig
from genotool_sgrna.training import fine_tuned, towers

if TYPE_CHECKING:
    from genotool.family import Attribution, ImportedModel, Tuned

__all__ = ["GuideFamily"]


class GuideFamily:
    """sgRNA efficacy from the guide's 20 bases and PAM (RNAS-sgRNA; Rafiq and Assad 2025)."""

    name = "sgrna"
    summary = "sgRNA efficacy from the guide: searched CNN, transferred to cell lines"
    tasks = frozenset({Task.BINARY, Task.REGRESSION})
    kinds = frozenset({Kind.GUIDES})
    config_type = GuideConfig

    def encoder(self, config: GuideConfig, task: Task) -> GuideEncoder:
        """Return a one-hot encoder."""
        return GuideEncoder()

    def fit(self, config: GuideConfig, task: Task, train: EncodedView, valid: EncodedView, run: Run) -> KerasModel:
        """Train the configured CNN from scratch, as many times as there are towers, and merge them.

        With several data sets they are learned jointly, a head each; the first one's head is kept.
        """
        start(config.seed)
        model = towers(lambda keras: networks.build(keras, config, task), config, task, train, valid, run)
        return exported(model, config, run)

    def transfer(
        self, model: KerasModel, config: GuideConfig, task: Task, train: EncodedView, valid: EncodedView, run: Run
    ) -> KerasModel:
        """Go on from a trained network with a new head; with several lines, jointly with a head each."""
        keras = start(config.seed)
        lines = lines_of(train)
        make = networks.joint_head if lines > 1 else networks.single_head
        network = make(keras, model.network, lines, task)
        moved = fine_tuned(keras, network, config, task, train, valid, run)
        if lines > 1:
            moved = dataclasses.replace(moved, network=networks.take_head(keras, moved.network, 0))
        return exported(moved, config, run)

    def tune(self, config: GuideConfig, task: Task, train: EncodedView, valid: EncodedView, run: Run) -> Tuned:
        """Search an architecture with AutoKeras; UsageError for several data sets at once."""
        if lines_of(train) > 1:
            raise UsageError("the search learns one data set", hint="leave out --with; a transfer takes it")
        from genotool_sgrna.search import search

        found = search(config, task, train, valid, run)
        if isinstance(found.model, KerasModel):
            exported(found.model, config, run)
        return found

    def import_model(self, file: Path, config: GuideConfig) -> ImportedModel:
        """Read an AutoKeras ``.h5`` or ``.keras`` file."""
        from genotool_sgrna.imported import import_model

        return import_model(file)

    def explain(
        self, model: KerasModel, config: GuideConfig, rows: EncodedView, background: EncodedView, run: Run
    ) -> Attribution:
        """Attribute predictions to bases with DeepSHAP."""
        from genotool_sgrna.explanation import explain

        return explain(model, rows, background, seed=config.seed, run=run)

    def natural_features(self, dataset: Dataset) -> NDArray[np.float32]:
        """Return one-hot bases and position dinucleotides of the guides."""
        guides = dataset.columns["guide"]
        if not isinstance(guides, Sequences):
            raise TypeError("the guide column holds no sequences")
        return positional_features(guides)

    def reference_scores(self, dataset: Dataset) -> dict[str, NDArray[np.float64]]:
        """Return the score of the linear model of DeepHF that ships with the package."""
        file = self.shipped_model() / "reference.npz"
        if not file.is_file():
            return {}
        linear = load_arrays(file)
        score = self.natural_features(dataset) @ linear["weights"] + linear["intercept"]
        return {"linear model of DeepHF": np.asarray(score, np.float64)}

    def load(self, directory: Path) -> KerasModel:
        """Read a model that was saved by genotool."""
        return KerasModel.load(directory)

    def shipped_model(self) -> Path:
        """Return the run folder of the model that comes with the package."""
        return Path(__file__).parent / "shipped"


def exported(model: KerasModel, config: GuideConfig, run: Run) -> KerasModel:
    """Write ``best_autokeras_model.h5`` into the run where that is asked for; return the model."""
    if config.export == "h5":
        from genotool_sgrna.search import export_h5

        export_h5(model, run.file("best_autokeras_model.h5"))
    return model
