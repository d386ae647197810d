"""What the family's tests share."""

from __future__ import annotations

from pathlib import Path

import genotool_sgrna
import pytest


@pytest.fixture(scope="session")
def demo() -> Path:
    """The folder of the simulated sets that ship with the family."""
    return Path(genotool_sgrna.__file__).parent / "demo"
