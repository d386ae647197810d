"""Tests on real data, marked ``data``, need the folder that ``GENOTOOL_DATA`` names; without it they skip."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs real data where there is none, with the reason."""
    folder = os.environ.get("GENOTOOL_DATA")
    if folder and Path(folder, "catalogue.toml").is_file():
        return
    why = "GENOTOOL_DATA is not set" if not folder else f"GENOTOOL_DATA={folder} holds no catalogue.toml"
    for item in items:
        if item.get_closest_marker("data"):
            item.add_marker(pytest.mark.skip(reason=why))
