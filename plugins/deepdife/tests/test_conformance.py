"""The deepdife family keeps to what every family keeps to."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from genotool.dataset import Kind, Task
from genotool.frameworks.keras import Training
from genotool.testing import check_family, check_honest, check_light_import, toy_dataset

SMALL = {
    "filters": [8, 8], "kernels": [7, 3], "strides": [1, 2], "pools": [4, 1], "dense": [8],
    "training": Training(epochs=2, batch_size=64),
}  # fmt: skip


def test_the_entry_module_is_light() -> None:
    check_light_import("genotool_deepdife")


@pytest.mark.keras
def test_conformance(tmp_path: Path) -> None:
    from genotool_deepdife.family import PromoterFamily
    from genotool_deepdife.settings import PromoterConfig

    check_family(PromoterFamily(), tmp_path, plugin="genotool_deepdife", config=PromoterConfig(**SMALL))


@pytest.mark.keras
def test_it_learns_from_training_labels_alone(tmp_path: Path) -> None:
    from genotool_deepdife.family import PromoterFamily
    from genotool_deepdife.settings import PromoterConfig

    rows = dataclasses.replace(toy_dataset(Kind.SEQUENCES, Task.BINARY, rows=240), groups=None)
    check_honest(PromoterFamily(), tmp_path, rows, config=PromoterConfig(**SMALL))
