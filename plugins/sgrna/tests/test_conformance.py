"""The sgrna family keeps to what every family keeps to."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from genotool.dataset import Kind, Task
from genotool.frameworks.keras import Training
from genotool.testing import check_family, check_honest, check_light_import, toy_dataset

CONFIG = {"filters": [8], "kernels": [3], "dense": [8], "training": Training(epochs=2, batch_size=64)}


def test_the_entry_module_is_light() -> None:
    check_light_import("genotool_sgrna")


@pytest.mark.keras
def test_conformance(tmp_path: Path) -> None:
    from genotool_sgrna.family import GuideFamily
    from genotool_sgrna.settings import GuideConfig

    check_family(GuideFamily(), tmp_path, plugin="genotool_sgrna", config=GuideConfig(**CONFIG))


@pytest.mark.keras
def test_it_learns_from_training_labels_alone(tmp_path: Path) -> None:
    from genotool_sgrna.family import GuideFamily
    from genotool_sgrna.settings import GuideConfig

    rows = dataclasses.replace(toy_dataset(Kind.GUIDES, Task.BINARY, rows=240), groups=None)
    check_honest(GuideFamily(), tmp_path, rows, config=GuideConfig(**CONFIG, towers=1))
