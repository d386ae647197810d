"""What the search may change of a configured network and its training, and within which bounds."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import optuna
from genotool.errors import UsageError
from optuna.distributions import FloatDistribution, IntDistribution

from genotool_deepdife.settings import PromoterConfig

__all__ = ["Space"]


class Range(NamedTuple):
    """The bounds of one value, and how it is read from a config; `log`: what counts is its order of magnitude."""

    low: float
    high: float
    read: Callable[[PromoterConfig], float]
    log: bool = False


PUBLISHED = {
    "learning_rate": Range(1e-5, 1e-1, lambda config: config.training.learning_rate, log=True),
    "batch_size": Range(50, 200, lambda config: config.training.batch_size),
}
CONVOLUTIONS = {"convolutions": Range(2, 3, lambda config: len(config.filters))}
"""These and the former are what the original searched (Opdebeeck et al. 2025), in its bounds."""
MOTIFS_ALONE = {"l2": Range(0.01, 100.0, lambda config: config.l2, log=True)}
"""Instead of convolutions, of a network that has none which is learned."""
FIRST_LAYER = {
    "kernel": Range(8, 24, lambda config: config.kernels[0]),
    "filters": Range(16, 128, lambda config: config.filters[0], log=True),
}
"""Where it has filters that are learned; of these the width was searched by the original."""
OURS = {"dropout": Range(0.0, 0.6, lambda config: config.dropout)}
DENSE = {"dense": Range(64, 512, lambda config: config.dense[0], log=True)}
EVOAUG = {
    "evoaug_per_row": Range(1, 4, lambda config: config.evoaug.per_row),
    "evoaug_mutation": Range(0.0, 0.15, lambda config: config.evoaug.mutation),
}
SWAP = {"swap_rate": Range(0.0, 1.0, lambda config: config.swap_rate)}


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """The values that are searched, all bounds widened so that the configured value lies inside.

    Attributes
    ----------
    config
        What is not searched stays as it is here.
    ranges
        By name, in the order in which they are drawn.
    """

    config: PromoterConfig
    ranges: Mapping[str, Range]

    @classmethod
    def of(cls, config: PromoterConfig, *, joined: bool) -> Space:
        """Return the space of a config: augmentation is part of it where it is on.

        Parameters
        ----------
        joined
            Whether there are orthologs to swap in.

        Raises
        ------
        UsageError
            If the network has no convolution, or its lists are of unlike length.
        """
        if not config.filters or not config.kernels:
            raise UsageError("a network without a convolution cannot be searched", hint="such as --filters 64,64,32")
        if len({len(config.filters), len(config.kernels), len(config.strides), len(config.pools)}) > 1:
            raise UsageError(
                "filters, kernels, strides and pools are of unlike length", hint="one of each a convolution"
            )
        ranges = PUBLISHED | (CONVOLUTIONS if any(config.filters) else MOTIFS_ALONE if config.l2 else {})
        ranges |= (FIRST_LAYER if config.filters[0] else {}) | OURS | (DENSE if config.dense else {})
        ranges |= EVOAUG if config.augment == "evoaug" and config.evoaug.enabled else {}
        ranges |= SWAP if joined and config.orthologs == "swap" else {}
        return cls(config, ranges)

    @property
    def first(self) -> dict[str, int | float]:
        """The configured values: the first trial."""
        return {name: one.read(self.config) for name, one in self.ranges.items()}

    @property
    def distributions(self) -> dict[str, IntDistribution | FloatDistribution]:
        """The bounds as Optuna has them."""
        found: dict[str, IntDistribution | FloatDistribution] = {}
        for name, (low, high, read, log) in self.ranges.items():
            value = read(self.config)
            low, high = min(low, value), max(high, value)
            whole = isinstance(value, int)
            found[name] = IntDistribution(int(low), int(high), log) if whole else FloatDistribution(low, high, log)
        return found

    def suggest(self, trial: optuna.Trial) -> dict[str, int | float]:
        """Return the values of a trial; those that it has already stay."""
        values: dict[str, int | float] = {}
        for name, one in self.distributions.items():
            draw: Any = trial.suggest_int if isinstance(one, IntDistribution) else trial.suggest_float
            values[name] = draw(name, one.low, one.high, log=one.log)
        return values

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Return whether these are values of this space, all of them and no others."""
        bounds = self.distributions
        return set(values) == set(bounds) and all(one.low <= values[name] <= one.high for name, one in bounds.items())

    def configured(self, values: Mapping[str, Any]) -> PromoterConfig:
        """Return the config with these values; those of `first` give the config as it is.

        The lists of the network keep their proportions: a network of other filters has each layer's scaled alike, one
        with a convolution less lacks the last, one with a further one has the last twice.
        """
        old, count = self.config, values.get("convolutions", len(self.config.filters))

        def listed(items: list[int]) -> list[int]:
            return [*items, *items[-1:] * (count - len(items))][:count]

        filters, kernels = old.filters, listed(old.kernels)
        given: dict[str, Any] = {
            "filters": listed(_scaled(filters, values["filters"]) if "filters" in values else filters),
            "kernels": [values.get("kernel", kernels[0]), *kernels[1:]],
            "strides": listed(old.strides),
            "pools": listed(old.pools),
            "dropout": values["dropout"],
        }
        given |= {"dense": _scaled(old.dense, values["dense"])} if "dense" in values else {}
        given |= {name: values[name] for name in ("swap_rate", "l2") if name in values}
        training = {name: values[name] for name in ("learning_rate", "batch_size")}
        evoaug = {name: values[f"evoaug_{name}"] for name in ("per_row", "mutation") if f"evoaug_{name}" in values}
        return dataclasses.replace(
            old,
            **given,
            training=dataclasses.replace(old.training, **training),
            evoaug=dataclasses.replace(old.evoaug, **evoaug),
        )

    def words(self, values: Mapping[str, Any]) -> str:
        """Return the network that some values make, in words."""
        made = self.configured(values)
        lists = ["/".join(map(str, items)) for items in (made.filters, made.kernels, made.dense)]
        return f"{lists[0]} filters of {lists[1]}, dense {lists[2] or 'none'}"


def _scaled(items: list[int], first: int) -> list[int]:
    """Return the numbers in their proportions, the first of them as given."""
    return [max(1, round(item * first / items[0])) for item in items]
