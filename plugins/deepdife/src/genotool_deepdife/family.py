"""The deepdife family: fit, tune and explain."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from genotool.controls import shuffled_sequences
from genotool.dataset import Dataset, Kind, Task
from genotool.encoding import EncodedView
from genotool.errors import InputError
from genotool.family import Control
from genotool.features import FeatureTable, kmer_features
from genotool.frameworks.attribution import METHODS
from genotool.frameworks.keras import KerasModel
from genotool.run import DAMAGED, Run

from genotool_deepdife.encoder import PromoterEncoder, promoters
from genotool_deepdife.jaspar import motifs
from genotool_deepdife.motif_scores import best_scores
from genotool_deepdife.settings import PromoterConfig

if TYPE_CHECKING:
    from genotool.family import Attribution, Tuned

__all__ = ["PromoterFamily"]

SHUFFLED = "every sequence shuffled, its dinucleotides kept: what composition alone gives"
MOTIFS = "the best scores of JASPAR's plant motifs in three windows"


class PromoterFamily:
    """Differential expression, or strength, from a promoter's sequence (DeepDifE; Opdebeeck et al. 2025)."""

    name = "deepdife"
    summary = "promoters to differential expression: CNN of both strands, augmented"
    tasks = frozenset(Task)
    kinds = frozenset({Kind.SEQUENCES})
    config_type = PromoterConfig
    methods = METHODS

    def encoder(self, config: PromoterConfig, task: Task) -> PromoterEncoder:
        """Return a one-hot encoder of the configured length, or that of the longest training row."""
        return PromoterEncoder(config.length, config.align)

    def fit(self, config: PromoterConfig, task: Task, train: EncodedView, valid: EncodedView, run: Run) -> KerasModel:
        """Train the configured CNN from scratch on both strands."""
        from genotool_deepdife.training import fitted

        return fitted(config, task, train, valid, run)

    def tune(self, config: PromoterConfig, task: Task, train: EncodedView, valid: EncodedView, run: Run) -> Tuned:
        """Search settings with Optuna and train the best."""
        from genotool_deepdife.search import search

        return search(config, task, train, valid, run)

    def explain(
        self,
        model: KerasModel,
        config: PromoterConfig,
        rows: EncodedView,
        background: EncodedView,
        run: Run,
        *,
        method: str = METHODS[0],
    ) -> Attribution:
        """Attribute predictions to bases, both strands at once."""
        from genotool.frameworks.attribution import explain

        return explain(model, rows, background, method=method, seed=config.seed, run=run)

    def controls(self, config: PromoterConfig, kind: Kind) -> dict[str, Control]:
        """Return the dinucleotide shuffle."""
        return {"dinucleotide shuffle": Control(SHUFFLED, shuffled_sequences)}

    def in_terms(self, encoder: PromoterEncoder, rows: Dataset) -> Dataset:
        """Return the rows with sequences no longer than the network reads, their starts of transcription aligned."""
        assert encoder.length is not None
        sequences = promoters(rows).trimmed(encoder.length, encoder.align)
        return dataclasses.replace(rows, columns={**rows.columns, "sequence": sequences})

    def natural_features(self, dataset: Dataset) -> dict[str, FeatureTable]:
        """Return a sparse (n, 4096) table of 6-mer counts, and the best scores of JASPAR's plant motifs (dense)."""
        rows = promoters(dataset)
        return {
            "6-mers": FeatureTable(kmer_features(rows), "6-mer counts"),
            "motifs": FeatureTable(best_scores(rows, motifs()), MOTIFS),
        }

    def load(self, directory: Path) -> KerasModel:
        """Read a model that was saved by genotool; InputError if its encoder gives rows of another length."""
        model, encoder = KerasModel.load(directory), directory / "encoder"
        takes = tuple(model.network.inputs[0].shape[1:])
        if encoder.is_dir() and takes != (PromoterEncoder().load(encoder).length, 4):
            raise InputError(
                "the network does not take what the encoder gives", file=directory, value=takes, hint=DAMAGED
            )
        return model
