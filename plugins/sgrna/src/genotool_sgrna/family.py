"""The sgrna family: fit, transfer, search, import, explain."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from genotool.dataset import Dataset, Kind, Task
from genotool.encoding import EncodedView
from genotool.errors import UsageError
from genotool.family import Control
from genotool.floors import positional_features
from genotool.frameworks.attribution import METHODS
from genotool.frameworks.keras import KerasModel, start
from genotool.persist import load_arrays
from genotool.run import Run
from genotool.sequences import Sequences
from genotool.shuffle import dinucleotide_shuffle
from numpy.typing import NDArray

from genotool_sgrna import network as networks
from genotool_sgrna.encoder import SPACER, GuideEncoder, lines_of
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
    methods = METHODS

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
        return exported(fine_tuned(model, config, task, train, valid, run), config, run)

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
        self,
        model: KerasModel,
        config: GuideConfig,
        rows: EncodedView,
        background: EncodedView,
        run: Run,
        *,
        method: str = METHODS[0],
    ) -> Attribution:
        """Attribute predictions to bases."""
        from genotool.frameworks.attribution import explain

        return explain(model, rows, background, method=method, seed=config.seed, run=run)

    def controls(self, config: GuideConfig, kind: Kind) -> dict[str, Control]:
        """Return the shuffle of the spacer: its composition and its PAM are left."""
        return {"dinucleotide shuffle": Control(SHUFFLED, shuffled_spacers)}

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


SHUFFLED = "the 20 bases of each guide shuffled, its dinucleotides and its PAM kept: what composition alone gives"


def shuffled_spacers(rows: Dataset, seed: int) -> Dataset:
    """Return the guides with the bases before the PAM shuffled, every dinucleotide kept."""
    guides = rows.columns["guide"]
    if not isinstance(guides, Sequences):
        raise TypeError("the guide column holds no sequences")
    texts = list(guides)
    shuffled = dinucleotide_shuffle(Sequences.from_strings([text[:SPACER] for text in texts]), seed=seed)
    made = Sequences.from_strings([new + old[SPACER:] for new, old in zip(shuffled, texts, strict=True)])
    return dataclasses.replace(rows, columns={**rows.columns, "guide": made})


def exported(model: KerasModel, config: GuideConfig, run: Run) -> KerasModel:
    """Write ``best_autokeras_model.h5`` into the run where that is asked for; return the model."""
    if config.export == "h5":
        from genotool_sgrna.search import export_h5

        export_h5(model, run.file("best_autokeras_model.h5"))
    return model
