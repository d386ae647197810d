"""A sign turned: labels that run against every score that should go with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genotool.audit.findings import Effect, Finding
from genotool.dataset import Dataset, Task
from genotool.intervals import bootstrap

__all__ = ["audit_sign"]


def audit_sign(
    dataset: Dataset, reference_scores: Mapping[str, NDArray[Any]], *, seed: int = 0, draws: int = 1000
) -> Finding | None:
    """Return a severe finding where every reference score runs against the target, each interval excluding chance.

    Parameters
    ----------
    reference_scores
        Name to (n,) score of a model that was not fitted on these labels: a shipped one, a simple one trained on
        other data. Higher should mean a higher target.
    """
    if dataset.target is None or dataset.task in (None, Task.MULTICLASS) or not reference_scores:
        return None
    metric, chance = ("roc_auc", 0.5) if dataset.task is Task.BINARY else ("spearman", 0.0)
    effect: dict[str, Mapping[str, float | str | None]] = {}
    for name, score in reference_scores.items():
        found = bootstrap(
            dataset.task, dataset.target, np.asarray(score), groups=dataset.groups, draws=draws, seed=seed, raw=True
        )[metric]
        if found.high is None or found.high >= chance:
            return None
        effect[name] = {"metric": metric, "value": found.value, "low": found.low, "high": found.high}
    return _turned(dataset, metric, effect)


def _turned(dataset: Dataset, metric: str, effect: Effect) -> Finding:
    said = "; ".join(f"{name} {m['value']:.3f} [{m['low']:.3f}, {m['high']:.3f}]" for name, m in effect.items())
    return Finding(
        "sign-turned", "severe", len(dataset), len(dataset),
        f"the labels of {dataset.name} run against every reference score ({metric}: {said}): their sign may be turned",
        "look up in the source whether high means active; do not train on them or report them as accuracy",
        effect=effect, data=(dataset.name,),
    )  # fmt: skip
