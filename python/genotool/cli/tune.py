"""`genotool tune FAMILY DATA`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from genotool.cli.families import family_app
from genotool.cli.train import fit_command
from genotool.stages.begun import FitRequest


def _stage() -> Callable[[FitRequest], Any]:
    from genotool.stages.tune import tune

    return tune


app = family_app("family", "Search for an architecture or settings.", fit_command("tune", _stage, "Search:"))
