"""The transcriptome family: fit, and read another matrix in the model's terms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genotool.controls import shuffled_features
from genotool.dataset import Dataset, Kind, Task
from genotool.encoding import EncodedView
from genotool.family import Adapted, Control
from genotool.run import Run

from genotool_transcriptome.encoder import ExpressionEncoder
from genotool_transcriptome.genes import read_map
from genotool_transcriptome.layout import read_positions
from genotool_transcriptome.scaled import scaled
from genotool_transcriptome.settings import ExpressionConfig

if TYPE_CHECKING:
    from genotool_transcriptome.training import ExpressionModel

__all__ = ["ExpressionFamily"]

SHUFFLED = "genes in another place of the image, their values kept: what the layout adds"


class ExpressionFamily:
    """Tissue, or another class, from an expression profile (CNN-for-transcriptome; Front Genet 2023)."""

    name = "transcriptome"
    summary = "expression matrices to tissues: 2D CNN of genes on a square"
    tasks = frozenset({Task.BINARY, Task.MULTICLASS})
    kinds = frozenset({Kind.MATRIX})
    config_type = ExpressionConfig

    def encoder(self, config: ExpressionConfig, task: Task) -> ExpressionEncoder:
        """Return an encoder that lays genes out on a square; files that the config names are read here."""
        from genotool.errors import UsageError

        if config.layout == "position" and config.positions is None:
            raise UsageError("--layout position needs --positions", hint="a GFF3, or a table gene, chromosome, start")
        return ExpressionEncoder(
            config.normalize, config.scaling, config.missing, config.layout, seed=config.seed,
            positions={} if config.positions is None else read_positions(config.positions),
            only=() if config.shared_with is None else _genes_of(config.shared_with),
            mapping={} if config.gene_map is None else read_map(config.gene_map),
        )  # fmt: skip

    def fit(
        self, config: ExpressionConfig, task: Task, train: EncodedView, valid: EncodedView, run: Run
    ) -> ExpressionModel:
        """Train the configured network from scratch."""
        from genotool_transcriptome.training import fitted

        return fitted(config, task, train, valid, run)

    def adapt(self, encoder: ExpressionEncoder, config: ExpressionConfig, rows: Dataset) -> Adapted:
        """Return the encoder for another matrix: genes by name, values in the model's scale or in that of the set."""
        other, said = encoder.for_rows(rows, config.elsewhere)
        missing = said["genes_learned"] - said["genes_shared"]
        sentence = (
            f"{said['genes_shared']} of the model's {said['genes_learned']} genes are in {rows.name} "
            f"({missing} stand at their training mean); its values look like {said['unit']}, "
            f"normalised by {said['normalized_by']!r}; "
            f"scaling: {said['scaling']}"
        )
        return Adapted(other, said, sentence)

    def in_terms(self, encoder: ExpressionEncoder, rows: Dataset) -> Dataset:
        """Return the rows with the model's genes alone, normalised and scaled as it gets them."""
        columns = {**rows.columns, "expression": scaled(encoder, rows)}
        return replace(rows, columns=columns, features=encoder.genes)

    def controls(self, config: ExpressionConfig, kind: Kind) -> dict[str, Control]:
        """Return the shuffle of the layout."""
        return {"shuffled gene layout": Control(SHUFFLED, shuffled_features)}

    def load(self, directory: Path) -> ExpressionModel:
        """Read a model that was saved by genotool."""
        from genotool_transcriptome.training import ExpressionModel

        return ExpressionModel.load(directory)


def _genes_of(operand: str) -> tuple[str, ...]:
    from genotool import registry

    other: Dataset = registry.load(operand, labelled=False, kind=Kind.MATRIX)
    found: Any = other.features
    return () if found is None else tuple(found.tolist())
