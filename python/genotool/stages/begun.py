"""What is asked of a training, and how its run folder begins."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genotool import config as configs
from genotool.dataset import Dataset, Task
from genotool.errors import UsageError
from genotool.family import Family, Model
from genotool.run import Run
from genotool.stages.rows import RowsRequest
from genotool.statistics.conformal import LEVEL
from genotool.verdict import MARGIN

__all__ = ["FitRequest", "begin", "check_family", "data_record"]


@dataclass(frozen=True, slots=True)
class FitRequest:
    """What the command line says of one training.

    Attributes
    ----------
    balance
        How the classes of the training rows are balanced.
    refit
        Whether, once the threshold is chosen on the validation rows, the model is fitted again on those rows too.
    margin
        A difference to a floor inside ± this counts as none.
    coverage
        The share of new rows whose truth the conformal sets or intervals shall hold.
    controls
        Whether the model is fitted again on each artefact control of its family.
    """

    rows: RowsRequest
    family: Family[Any, Model]
    config: Any
    out: Path
    balance: str = "none"
    refit: bool = False
    floors: bool = True
    overwrite: bool = False
    controls: bool = False
    margin: float = MARGIN
    coverage: float = LEVEL


def check_family(family: Family[Any, Model], dataset: Dataset, task: Task) -> None:
    """Raise UsageError where the family does not take such rows or do the task."""
    if dataset.kind not in family.kinds:
        raise UsageError(
            f"{family.name} takes {', '.join(sorted(family.kinds))}, and {dataset.name} is {dataset.kind}",
            hint="`genotool plugins list` says what each family takes",
        )
    if task not in family.tasks:
        raise UsageError(
            f"{family.name} does {', '.join(sorted(family.tasks))}, and {dataset.name} asks for {task}",
            hint="name another column with --target, or its two classes in the catalogue",
        )


def begin(request: FitRequest, verb: str, task: Task, datasets: Sequence[Dataset], parents: Sequence[Path] = ()) -> Run:
    """Return a new run folder; the first data set is the one that was asked for, others are learned along."""
    return Run.create(
        request.out,
        verb=verb,
        family=request.family.name,
        task=task.value,
        config=configs.to_mapping(request.config),
        seed=request.rows.seed,
        data=[data_record(datasets[0], request.rows), *map(data_record, datasets[1:])],
        parents=list(parents),
        overwrite=request.overwrite,
    )


def data_record(dataset: Dataset, request: RowsRequest | None = None) -> dict[str, Any]:
    """Return what run.json says of a data set."""
    about = dataset.about
    record: dict[str, Any] = {
        "name": dataset.name,
        "kind": dataset.kind.value,
        "digest": dataset.digest,
        "rows": len(dataset),
        "classes": list(dataset.classes),
        "cell": about.cell,
        "cite": about.cite,
        "licence": about.licence,
        "warning": about.warning,
        "simulated": about.simulated,
        "path": about.path,
        "left_out": dict(about.left_out),
    } | ({"window": about.window} if about.window else {})
    if request is not None:
        folder = request.data_dir or os.environ.get("GENOTOOL_DATA")
        record |= {
            "operand": str(Path(request.operand).absolute()) if Path(request.operand).exists() else request.operand,
            "target": request.target,
            "data_dir": str(Path(folder).absolute()) if folder else None,
        }
        beside = request.companions.of(Path(request.operand))
        record |= {"companions": beside.to_json()} if beside else {}
    return record
