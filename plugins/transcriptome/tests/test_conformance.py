"""The transcriptome family keeps to what every family keeps to."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from genotool.dataset import Kind, Task
from genotool.frameworks.keras import Training
from genotool.testing import check_family, check_honest, check_light_import, toy_dataset

SMALL: dict[str, Any] = {"filters": [4], "kernels": [3], "strides": [1], "pools": [2], "dense": [8], "towers": 1}


def test_the_entry_module_is_light() -> None:
    check_light_import("genotool_transcriptome")


@pytest.mark.keras
def test_conformance(tmp_path: Path) -> None:
    from genotool_transcriptome.family import ExpressionFamily
    from genotool_transcriptome.settings import ExpressionConfig

    config = ExpressionConfig(**SMALL, layout="correlation", training=Training(epochs=2, batch_size=64))
    check_family(ExpressionFamily(), tmp_path, plugin="genotool_transcriptome", config=config)


@pytest.mark.keras
def test_it_learns_from_training_labels_alone(tmp_path: Path) -> None:
    from genotool_transcriptome.family import ExpressionFamily
    from genotool_transcriptome.settings import ExpressionConfig

    rows = dataclasses.replace(toy_dataset(Kind.MATRIX, Task.BINARY, rows=240), groups=None)
    config = ExpressionConfig(**SMALL, scaling="rank", training=Training(epochs=2, batch_size=64))
    check_honest(ExpressionFamily(), tmp_path, rows, config=config)
