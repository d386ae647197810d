"""Sniffing."""

from __future__ import annotations
from pathlib import Path
from genotool.dataset import Dataset, Kind
from genotool.readers import Wanted


def read_path(path: Path, kind: Kind | None, wanted: Wanted) -> Dataset:
    raise NotImplementedError
