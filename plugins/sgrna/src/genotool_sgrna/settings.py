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
    epochs: Annotated[int, Field("epochs a trial, at most", ge=1)] = 40
    minutes: Annotated[float | None, Field("stop asking for trials after this many minutes", gt=0)] = None
    finish: Annotated[bool, Field("train the best architecture again with the settings of `training`")] = True


@dataclass(frozen=True, slots=True)
class Transfer:
    """How a trained network is moved to a cell line."""

    epochs: Annotated[int, Field("passes over the training rows, at most", ge=1)] = 60
    batch_size: Annotated[int, Field("rows a step", ge=1)] = 128
    learning_rate: Annotated[float, Field("AdamW's learning rate", gt=0, le=1)] = 3e-4
    patience: Annotated[int, Field("epochs without a better validation loss before stopping", ge=1)] = 10
    freeze: Annotated[list[str], Field("layers to keep as they are, by name")] = field(default_factory=list)
    freeze_depth: Annotated[int, Field("how many layers with weights to keep, counted from the input", ge=0)] = 0


@dataclass(frozen=True, slots=True)
class GuideConfig:
    """The settings of the sgrna family."""

    filters: Annotated[list[int], Field("filters of each convolution")] = field(default_factory=lambda: [64, 96, 128])
    kernels: Annotated[list[int], Field("width of each convolution in bases")] = field(default_factory=lambda: [5, 3, 3])
    dense: Annotated[list[int], Field("units of each dense layer")] = field(default_factory=lambda: [128])
    dropout: Annotated[float, Field("dropout before each dense layer", ge=0, lt=1)] = 0.3
    seed: Annotated[int, Field("seed of weights, order and dropout", ge=0)] = 0
    explain_method: Annotated[Literal["deepshap"], Field("how predictions are attributed")] = "deepshap"
    training: Training = field(default_factory=Training)
    search: Search = field(default_factory=Search)
    transfer: Transfer = field(default_factory=Transfer)
