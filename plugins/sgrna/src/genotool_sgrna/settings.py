"""The settings of the family: its network, how it is trained, searched, transferred and explained."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from genotool.config import Field
from genotool.frameworks.keras import Training

__all__ = ["GuideConfig", "Search", "Transfer"]


@dataclass(frozen=True, slots=True)
class Search:
    """Limits of the AutoKeras search."""

    trials: Annotated[int, Field("architectures to try, at most", ge=1)] = 8
    epochs: Annotated[int, Field("epochs a trial, at most", ge=1)] = 15
    patience: Annotated[int, Field("epochs without a better validation loss before a trial ends", ge=1)] = 6
    minutes: Annotated[float | None, Field("stop asking for trials after this many minutes", gt=0)] = None
    finish: Annotated[bool, Field("train the best architecture again with the settings of `training`")] = True


@dataclass(frozen=True, slots=True)
class Transfer:
    """How a trained network is moved to a cell line: first the new head alone, then all layers that are not frozen."""

    head_epochs: Annotated[int, Field("passes in which only the new head learns", ge=0)] = 3
    head_learning_rate: Annotated[float, Field("learning rate of the new head", gt=0, le=1)] = 3e-3
    epochs: Annotated[int, Field("passes in which all layers learn that are not frozen", ge=0)] = 8
    learning_rate: Annotated[float, Field("learning rate of all layers", gt=0, le=1)] = 3e-4
    batch_size: Annotated[int, Field("rows a step", ge=1)] = 128
    weight_decay: Annotated[float, Field("AdamW's weight decay", ge=0)] = 1e-3
    freeze: Annotated[list[str], Field("layers to keep as they are, by name")] = field(default_factory=list)
    freeze_depth: Annotated[int, Field("how many layers with weights to keep, counted from the input", ge=0)] = 0
    freeze_norms: Annotated[bool, Field("keep the batch normalisation of the pre-training")] = True


@dataclass(frozen=True, slots=True)
class GuideConfig:
    """The settings of the sgrna family."""

    filters: Annotated[list[int], Field("filters of each convolution")] = field(default_factory=lambda: [48, 48, 48])
    kernels: Annotated[list[int], Field("width of each convolution in bases")] = field(
        default_factory=lambda: [5, 5, 5]
    )
    dense: Annotated[list[int], Field("units of each dense layer")] = field(default_factory=lambda: [96, 48])
    filter_dropout: Annotated[float, Field("dropout after each convolution", ge=0, lt=1)] = 0.05
    dropout: Annotated[float, Field("dropout after each dense layer", ge=0, lt=1)] = 0.25
    towers: Annotated[
        int,
        Field("networks trained from different seeds and merged into one, its logit their mean", ge=1, le=16),
    ] = 3
    seed: Annotated[int, Field("seed of weights, order and dropout", ge=0)] = 0
    export: Annotated[Literal["h5"] | None, Field("h5: also write best_autokeras_model.h5, input one-hot of 92")] = None
    training: Training = field(default_factory=Training)
    search: Search = field(default_factory=Search)
    transfer: Transfer = field(default_factory=Transfer)
