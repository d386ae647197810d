"""What the family's tests share."""

from __future__ import annotations

from pathlib import Path

import genotool_deepdife
import pytest


@pytest.fixture(scope="session")
def demo() -> Path:
    """The folder of the simulated promoters that ship with the family."""
    return Path(genotool_deepdife.__file__).parent / "demo-promoters"
