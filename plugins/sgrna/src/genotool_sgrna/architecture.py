"""One architecture of the search space: its values, its size, its words and its plain Keras network.

No framework is imported here. Only layers that DeepSHAP handles exactly are used: convolution, batch
normalisation, ReLU, addition, maximum and average pooling, flatten, dense, dropout.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genotool.dataset import Task

from genotool_sgrna.encoder import GUIDE

__all__ = ["CHANNELS", "Architecture"]

CHANNELS = 4
MOMENTUM = 0.95
"""Of batch normalisation: a trial is short, so its running means have to follow quickly."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """A guide CNN: convolutions, a reduction to a vector, dense layers, one output.

    Attributes
    ----------
    filters, widths
        One of each a convolution.
    skips
        Whether a convolution's input is added to its output, where both have the same number of channels.
    reduction
        ``flatten``, ``pool`` (maximum over two positions, then flatten) or ``average`` (over all positions).
    dense
        Units of each dense layer, each with batch normalisation and ReLU.
    convolution_dropout, dropout
        After each convolution, and after each dense layer.
    """

    filters: tuple[int, ...]
    widths: tuple[int, ...]
    skips: bool
    reduction: str
    dense: tuple[int, ...]
    convolution_dropout: float
    dropout: float

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Architecture:
        """Read the values that the search's engine gives, with or without the block's name before each."""
        plain = {name.rpartition("/")[2]: value for name, value in values.items()}
        depth, layers = int(plain["convolutions"]), int(plain["dense_layers"])
        return cls(
            filters=tuple(int(plain[f"filters_{number}"]) for number in range(1, depth + 1)),
            widths=tuple(int(plain[f"width_{number}"]) for number in range(1, depth + 1)),
            skips=bool(plain["skips"]),
            reduction=str(plain["reduction"]),
            dense=tuple(int(plain[f"units_{number}"]) for number in range(1, layers + 1)),
            convolution_dropout=float(plain["convolution_dropout"]),
            dropout=float(plain["dropout"]),
        )

    @property
    def parameters(self) -> int:
        """The number of weights, those of batch normalisation's running means too."""
        total, channels = 0, CHANNELS
        for filters, width in zip(self.filters, self.widths, strict=True):
            total += (channels * width + 1 + 4) * filters
            channels = filters
        length = {"flatten": GUIDE, "pool": GUIDE // 2, "average": 1}[self.reduction]
        features = length * channels
        for units in self.dense:
            total += (features + 1 + 4) * units
            features = units
        return total + features + 1

    @property
    def words(self) -> str:
        """The architecture in one line, such as ``conv 64x5 96x3, flatten, dense 128, dropout 0.3``."""
        convolutions = " ".join(f"{f}x{w}" for f, w in zip(self.filters, self.widths, strict=True))
        skips = " with skips" if self.skips else ""
        dense = " ".join(str(units) for units in self.dense)
        dropout = f"dropout {self.convolution_dropout} {self.dropout}"
        return f"conv {convolutions}{skips}, {self.reduction}, dense {dense}, {dropout}"

    def features(self, layers: Any, guide: Any) -> Any:
        """Return the tensor that the output reads, made from (n, 23, 4); `layers` is ``keras.layers``."""
        tensor = guide
        for number, (filters, width) in enumerate(zip(self.filters, self.widths, strict=True), start=1):
            tensor = self._convolution(layers, tensor, number, filters, width)
        if self.reduction == "pool":
            tensor = layers.MaxPooling1D(2, name="pool")(tensor)
        reduce = layers.GlobalAveragePooling1D if self.reduction == "average" else layers.Flatten
        tensor = reduce(name="reduce")(tensor)
        for number, units in enumerate(self.dense, start=1):
            tensor = layers.Dense(units, name=f"dense{number}")(tensor)
            tensor = layers.BatchNormalization(momentum=MOMENTUM, name=f"dense_norm{number}")(tensor)
            tensor = layers.ReLU(name=f"dense_relu{number}")(tensor)
            tensor = layers.Dropout(self.dropout, name=f"dense_dropout{number}")(tensor)
        return tensor

    def _convolution(self, layers: Any, tensor: Any, number: int, filters: int, width: int) -> Any:
        made = layers.Conv1D(filters, width, padding="same", name=f"conv{number}")(tensor)
        made = layers.BatchNormalization(momentum=MOMENTUM, name=f"norm{number}")(made)
        made = layers.ReLU(name=f"relu{number}")(made)
        if self.convolution_dropout:
            made = layers.Dropout(self.convolution_dropout, name=f"conv_dropout{number}")(made)
        if self.skips and tensor.shape[-1] == filters:
            made = layers.Add(name=f"skip{number}")([made, tensor])
        return made

    def network(self, keras: Any, task: Task) -> Any:
        """Return the untrained network as a plain ``keras.Model`` with the input ``guide``."""
        guide = keras.layers.Input((GUIDE, CHANNELS), name="guide")
        activation = None if task is Task.REGRESSION else "sigmoid"
        head = keras.layers.Dense(1, activation=activation, name="head")
        return keras.Model(guide, head(self.features(keras.layers, guide)), name="guide_cnn")
