"""The networks that have a name: settings that are given together, by `--network`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

__all__ = ["NETWORKS", "Network"]

Network: TypeAlias = Literal["motifs", "compact", "published"]

NETWORKS: Mapping[str, Mapping[str, Any]] = {
    "motifs": {
        "init_motifs": "jaspar", "filters": [0], "kernels": [1], "strides": [1], "pools": [1], "windows": [3, 1],
        "dense": [], "strands": "given", "dropout": 0.0, "l2": 1.0, "evoaug.reverse_complement": 0.0,
        "evoaug.noise_sd": 0.0,
    },
    "compact": {
        "filters": [128, 64], "kernels": [13, 8], "strides": [1, 1], "pools": [4, 4], "dense": [64], "dropout": 0.3,
        "strands": "given", "towers": 3, "evoaug.reverse_complement": 0.0,
    },
    "published": {},
}  # fmt: skip
"""On a thousand promoters one of motifs and their weights does better than the published one, which the defaults of all
settings are; EvoAug's noise on every base would add up to several bits in a motif's score, so it is off. The strand of
a promoter is known: learning both takes from a network where the gene is."""
