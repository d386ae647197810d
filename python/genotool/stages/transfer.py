"""transfer: go on from a trained model on another data set."""

from __future__ import annotations

from genotool.errors import UnsupportedStageError
from genotool.family import Transfers
from genotool.run import Run
from genotool.stages.begun import FitRequest
from genotool.stages.fitting import fit_run
from genotool.trained import Ensemble, Trained

__all__ = ["transfer"]


def transfer(parent: Trained, request: FitRequest) -> Run:
    """Fit a model for the new rows that starts from `parent`; return the finished run folder.

    Raises
    ------
    UnsupportedStageError
        If the family cannot transfer, or `parent` is not one model.
    """
    if isinstance(parent, Ensemble):
        raise parent.refused
    family = request.family
    if not isinstance(family, Transfers):
        raise UnsupportedStageError(f"the family {family.name} cannot transfer", hint="train it from scratch")
    return fit_run(
        request,
        "transfer",
        lambda it: family.transfer(parent.model, request.config, it.task, it.train, it.valid, it.run),
        parent=parent,
    )
