"""The settings of the family: how values become an image, the network, how it is trained."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from genotool.config import Field
from genotool.frameworks.keras import Training

__all__ = ["ExpressionConfig"]


def small_sets() -> Training:
    """Return the training for some hundred samples: AdamW, its rate falling on a cosine."""
    return Training(epochs=40, batch_size=16, learning_rate=1e-3, weight_decay=1e-2, patience=40)


@dataclass(frozen=True, slots=True)
class ExpressionConfig:
    """The settings of the transcriptome family; ``published.toml`` beside this file has those of the original."""

    normalize: Annotated[
        Literal["auto", "none", "log2", "log1p", "cpm", "published"],
        Field(
            "logarithm taken: auto looks at the values; cpm: log2 of counts a million + 1; published: log2(x+.001)+10"
        ),
    ] = "auto"
    scaling: Annotated[
        Literal["damped", "zscore", "rank", "minmax", "none"],
        Field(
            "how a gene's values are scaled; damped: z-scores, the median deviation added to each; rank: ranks within "
            "each sample, then damped, for other platforms"
        ),
    ] = "damped"
    elsewhere: Annotated[
        Literal["training", "set"],
        Field("whose mean and deviation scale another matrix: the training rows', or its own"),
    ] = "training"
    missing: Annotated[
        Literal["error", "mean", "median"], Field("what becomes of a missing value; mean and median of training rows")
    ] = "error"
    shared_with: Annotated[
        str | None, Field("another matrix, name or path: only genes that it has too are learned")
    ] = None
    gene_map: Annotated[
        Path | None, Field("a table of two columns of gene ids that mean the same, such as symbol and Ensembl id")
    ] = None
    layout: Annotated[
        Literal["column", "position", "correlation"],
        Field("order of genes in the image: the file's, along chromosomes (`positions`), or by correlation"),
    ] = "column"
    positions: Annotated[
        Path | None, Field("where genes lie: a GFF3, or a table of the columns gene, chromosome and start")
    ] = None
    filters: Annotated[list[int], Field("filters of each convolution")] = field(default_factory=lambda: [16, 32])
    kernels: Annotated[list[int], Field("width of each convolution")] = field(default_factory=lambda: [3, 3])
    strides: Annotated[list[int], Field("step of each convolution; 0: the least that keeps the image under 64")] = (
        field(default_factory=lambda: [0, 2])
    )
    pools: Annotated[list[int], Field("width of the maximum pooling behind each convolution; 1: none")] = field(
        default_factory=lambda: [1, 1]
    )
    batch_norm: Annotated[bool, Field("batch normalisation behind each convolution")] = False
    dense: Annotated[list[int], Field("units of each dense layer")] = field(default_factory=lambda: [256])
    input_dropout: Annotated[float, Field("share of genes left out of every training step", ge=0, lt=1)] = 0.2
    dropout: Annotated[float, Field("dropout behind each pooling", ge=0, lt=1)] = 0.0
    dense_dropout: Annotated[float, Field("dropout behind each dense layer", ge=0, lt=1)] = 0.3
    towers: Annotated[int, Field("networks that differ in their seeds, their logits averaged", ge=1)] = 3
    optimizer: Annotated[
        Literal["adamw", "rmsprop"], Field("adamw, or rmsprop as published (then without weight decay)")
    ] = "adamw"
    training: Training = field(default_factory=small_sets)
    seed: Annotated[int, Field("seed of weights, order and dropout", ge=0)] = 0
