"""audit: look for leaks within a data set, between data sets, and between a finished model and data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from genotool import plugins, registry
from genotool.audit import Audit, ModelKeys, audit_datasets, audit_sign, audit_split
from genotool.dataset import Dataset
from genotool.errors import InputError, UsageError
from genotool.family import References
from genotool.run import Run
from genotool.stages.fitting import data_record
from genotool.stages.rows import RowsRequest
from genotool.trained import Trained, find_model, open_trained

__all__ = ["AuditRequest", "audit"]


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """What to audit: names and paths of data sets and run folders, in any mixture."""

    operands: tuple[str, ...]
    out: Path | None = None
    data_dir: Path | None = None
    seed: int = 0
    overwrite: bool = False


def audit(request: AuditRequest) -> tuple[Audit, Run | None]:
    """Return the findings; with an output folder they are written there as ``audit.json`` too.

    A run folder stands for what its model was trained on (compared with every data set named) and, alone, for its
    own split.
    """
    models = [open_trained(o, data_dir=request.data_dir) for o in request.operands if _is_model(o)]
    names = [o for o in request.operands if not _is_model(o)]
    sets = [registry.load(name, data_dir=request.data_dir) for name in names]
    keys = [_keys(model) for model in models]
    found = audit_datasets(sets, keys=keys) if sets else Audit.of([], [])
    if not sets:
        for model in models:
            own = model.load_dataset()
            found = found.merged(audit_split(own, model.split))
    for dataset in sets:
        found = found.merged(_sign(dataset, request.seed))
    if request.out is None:
        return found, None
    run = Run.create(
        request.out,
        verb="audit",
        seed=request.seed,
        data=[data_record(d, RowsRequest(n, request.data_dir)) for d, n in zip(sets, names, strict=True)],
        parents=[model.run.path for model in models],
        overwrite=request.overwrite,
    )
    with run:
        run.write_json("audit.json", found.to_json())
    return found, run


def _is_model(operand: str) -> bool:
    path = Path(operand)
    if path.is_dir():
        if not (path / "run.json").is_file():
            raise UsageError(
                f"{operand}: a folder that is no run folder", hint="name a data set, a file or a run folder"
            )
        return True
    return any(spec.name == operand for _, spec in plugins.specs("family"))


def _keys(model: Trained) -> ModelKeys:
    if model.keys is None:
        raise InputError(
            "what this model was trained on is not known: overlap unknown", file=find_model(str(model.run.path))
        )
    return model.keys


def _sign(dataset: Dataset, seed: int) -> Audit:
    """Look for labels that run against every reference score that a family brings for rows of this kind."""
    for _, spec in plugins.specs("family"):
        family = plugins.family(spec.name)
        if dataset.kind in family.kinds and isinstance(family, References) and dataset.target is not None:
            turned = audit_sign(dataset, family.reference_scores(dataset), seed=seed)
            if turned is not None:
                return Audit.of([turned], [dataset.name])
    return Audit.of([], [dataset.name])
