"""The sgrna family keeps to what every family keeps to."""

from __future__ import annotations

from pathlib import Path

import pytest
from genotool.frameworks.keras import Training
from genotool.testing import check_family, check_light_import

CONFIG = {"filters": [8], "kernels": [3], "dense": [8], "training": Training(epochs=2, batch_size=64)}


def test_the_entry_module_is_light() -> None:
    check_light_import("genotool_sgrna")


@pytest.mark.keras
def test_conformance(tmp_path: Path) -> None:
    from genotool_sgrna.family import GuideFamily
    from genotool_sgrna.settings import GuideConfig

    check_family(GuideFamily(), tmp_path, plugin="genotool_sgrna", config=GuideConfig(**CONFIG))
