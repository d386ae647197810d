"""The settings of the family: its network, its augmentation, how it is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from genotool.augment import EvoAug
from genotool.config import Field
from genotool.frameworks.keras import Training

from genotool_deepdife.jaspar import COLLECTION, TAXON
from genotool_deepdife.presets import NETWORKS, Network

__all__ = ["FineTuning", "PromoterConfig", "Search"]


@dataclass(frozen=True, slots=True)
class FineTuning:
    """The second stage: after training on augmented rows, some epochs on the rows as they are."""

    epochs: Annotated[int, Field("epochs on rows that are not augmented; 0: no second stage", ge=0)] = 10
    learning_rate: Annotated[float, Field("learning rate of the second stage", gt=0, le=1)] = 1e-4


@dataclass(frozen=True, slots=True)
class Search:
    """Limits of the Optuna search."""

    trials: Annotated[int, Field("settings to try, at most; the first are the configured ones", ge=1)] = 24
    folds: Annotated[
        int, Field("inner folds of the training rows, by group, that score a trial; 0: the validation rows do", ge=0)
    ] = 3
    epochs: Annotated[int, Field("epochs a training, at most", ge=1)] = 40
    patience: Annotated[int, Field("epochs without a better validation loss before a training ends", ge=1)] = 8
    prune: Annotated[bool, Field("stop a trial that falls behind the median of those in earlier batches")] = True
    batch: Annotated[int, Field("trials that are drawn at once, in view of earlier batches", ge=1)] = 4
    workers: Annotated[int, Field("trials that run at the same time; the result is the same for any", ge=1)] = 1
    minutes: Annotated[float | None, Field("stop asking for trials after this many minutes", gt=0)] = None


def published() -> Training:
    """Return the training of the original: Adam at 1e-3, a tenth of it where five epochs brought nothing better."""
    return Training(
        epochs=100, batch_size=100, learning_rate=1e-3, weight_decay=0.0, patience=20, cosine=False, warmup=0.0,
        plateau=0.1, plateau_patience=5,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class PromoterConfig:
    """The settings of the deepdife family; the defaults are the network as published."""

    presets: ClassVar[Mapping[str, Mapping[str, Mapping[str, Any]]]] = {"network": NETWORKS}

    network: Annotated[
        Network | None,
        Field("a network by its name, whose settings hold where no other flag and no file says otherwise"),
    ] = None
    length: Annotated[int | None, Field("positions that the network reads; none: the longest training row's", ge=1)] = (
        None
    )
    align: Annotated[
        Literal["left", "right"], Field("the end that rows of unlike length have in common; the other is trimmed")
    ] = "right"
    strands: Annotated[
        Literal["both", "given"],
        Field("both: learn rows and their reverse complements, predict the mean; given: rows as they are"),
    ] = "both"
    init_motifs: Annotated[
        Literal["none", "jaspar"],
        Field(
            "jaspar: the first layer has a fixed filter for each of JASPAR's motifs, of both strands, beside its own"
        ),
    ] = "none"
    motif_collection: Annotated[str, Field("JASPAR's collection from which `init_motifs` takes them")] = COLLECTION
    motif_taxon: Annotated[str, Field("their taxonomic group: plants, vertebrates, fungi, insects, ...")] = TAXON
    filters: Annotated[list[int], Field("filters of each convolution; the first may be 0 beside motifs")] = field(
        default_factory=lambda: [64, 64, 32]
    )
    kernels: Annotated[list[int], Field("width of each convolution")] = field(default_factory=lambda: [12, 6, 6])
    strides: Annotated[list[int], Field("step of each convolution")] = field(default_factory=lambda: [1, 6, 6])
    pools: Annotated[list[int], Field("width of the maximum pooling behind each convolution; 1: none")] = field(
        default_factory=lambda: [6, 1, 1]
    )
    windows: Annotated[
        list[int],
        Field("equal windows of the first layer's maxima, in place of its pool: 3,1 is thirds, and the whole row"),
    ] = field(default_factory=list)
    dense: Annotated[list[int], Field("units of each dense layer")] = field(default_factory=lambda: [256, 128])
    dropout: Annotated[
        float, Field("dropout behind each convolution and each dense layer but the last", ge=0, lt=1)
    ] = 0.25
    l2: Annotated[float, Field("weight of the squared weights in the loss", ge=0)] = 1e-6
    augment: Annotated[
        Literal["none", "evoaug"], Field("what training rows become anew in every epoch: see `evoaug`")
    ] = "none"
    evoaug: EvoAug = field(default_factory=EvoAug)
    orthologs: Annotated[
        Literal["rows", "swap"],
        Field("how sets given by --with are learned: as further rows, or swapped in for a row with the same ortholog"),
    ] = "rows"
    swap_rate: Annotated[float, Field("chance that a row is swapped for one of its orthologs", ge=0, le=1)] = 0.7
    towers: Annotated[int, Field("networks trained from seeds of their own, whose mean predicts", ge=1, le=16)] = 1
    finetune: FineTuning = field(default_factory=FineTuning)
    training: Training = field(default_factory=published)
    search: Search = field(default_factory=Search)
    seed: Annotated[int, Field("seed of weights, order, dropout and augmentation", ge=0)] = 0
