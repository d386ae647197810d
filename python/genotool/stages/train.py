"""train: fit a family on a data set."""

from __future__ import annotations

from genotool.run import Run
from genotool.stages.begun import FitRequest
from genotool.stages.fitting import fit_run

__all__ = ["train"]


def train(request: FitRequest) -> Run:
    """Fit the family from scratch; return the finished run folder."""
    return fit_run(
        request,
        "train",
        lambda it: request.family.fit(request.config, it.task, it.train, it.valid, it.run),
    )
