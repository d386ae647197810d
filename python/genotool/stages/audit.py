"""audit: look for leaks within a data set, between data sets, and between a finished model and data."""

from __future__ import annotations

import dataclasses
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from genotool import plugins, registry
from genotool.audit import Audit, Finding, ModelKeys, audit_datasets, audit_sign, audit_split, cluster_table, read_keys
from genotool.audit.batch import text_columns
from genotool.audit.looked import looked_at, looked_at_run
from genotool.audit.memorised import groups_matter
from genotool.audit.verified import verify
from genotool.companions import Companions
from genotool.dataset import Dataset
from genotool.errors import GenotoolError, InputError, UsageError, nearest
from genotool.family import References
from genotool.run import Run, write_atomically
from genotool.split import Fractions, published
from genotool.stages.begun import data_record
from genotool.stages.rows import RowsRequest
from genotool.trained import Ensemble, Trained, open_trained, with_members

__all__ = ["AuditRequest", "audit"]

log = logging.getLogger(__name__)

WITHOUT_DATA = {"data-not-at-hand", "data-changed"}
"""The findings that say why there are no data to compare a run with, and so to look at its split."""


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """What to audit: names and paths of data sets and run folders, in any mixture.

    Attributes
    ----------
    target
        Another column than the target of each data set.
    batches
        Columns that may explain the target, whatever they are called.
    clusters
        Where to write the homology cluster of each row of the data sets.
    companions
        What goes with those of `operands` that are files: labels, genome, window.
    """

    operands: tuple[str, ...]
    out: Path | None = None
    data_dir: Path | None = None
    seed: int = 0
    overwrite: bool = False
    target: str | None = None
    batches: tuple[str, ...] = ()
    clusters: Path | None = None
    companions: Companions = field(default_factory=Companions)


def audit(request: AuditRequest) -> tuple[Audit, Run | None]:
    """Return the findings; with an output folder they are written there as ``audit.json`` too.

    A run folder is verified against its manifest, its data and its predictions; it stands for what its model was
    trained on (compared with every data set named) and, alone, for its own split; a recipe's folder for each of its
    models, and all of its steps are verified. A data set's published split is looked at across its parts.
    """
    models = [model for o in request.operands if _is_model(o) for model in _opened(o, request.data_dir)]
    names = [o for o in request.operands if not _is_model(o)]
    sets = _told_apart(names, _loaded(request, names))
    _check_batches(request, sets)
    _write_clusters(request, sets)
    keys = [_keys(model) for model in models] if sets else []
    found = audit_datasets(sets, keys=keys, batches=request.batches, seed=request.seed)
    for model in chain.from_iterable(map(with_members, models)):
        verified = verify(model.run, model.load_dataset)
        at_hand = bool(model.run.record["data"]) and not WITHOUT_DATA & {item.code for item in verified.findings}
        found = found.merged(verified)
        found = found.saying([*found.looked, looked_at_run(model.run, against_data=at_hand)])
        if not sets and at_hand and not isinstance(model, Ensemble):
            found = found.merged(_split(model))
    for run in _without_model(request.operands, {model.run.path.resolve() for model in models}):
        found = found.merged(verify(run))
        found = found.saying([*found.looked, looked_at_run(run, against_data=False)])
    for dataset in sets:
        found = found.saying([*found.looked, looked_at(dataset)])
        found = found.merged(_published(dataset, request.seed)).merged(_sign(dataset, request.seed))
        found = found.merged(Audit.of(_by_row(found, dataset, request.seed), [dataset.name]))
    if request.out is None:
        return found, None
    run = Run.create(
        request.out,
        verb="audit",
        seed=request.seed,
        data=[
            data_record(d, RowsRequest(n, request.data_dir, companions=request.companions))
            for d, n in zip(sets, names, strict=True)
        ],
        parents=[model.run.path for model in models],
        overwrite=request.overwrite,
    )
    with run:
        run.write_json("audit.json", found.to_json())
    return found, run


def _loaded(request: AuditRequest, names: Sequence[str]) -> list[Dataset]:
    request.companions.check_used(names)
    return [
        registry.load(name, data_dir=request.data_dir, target=request.target, companions=request.companions)
        for name in names
    ]


def _split(model: Trained) -> Audit:
    """Audit a model's own split; a note where its data or its split cannot be read."""
    try:
        return audit_split(model.load_dataset(), model.split)
    except GenotoolError as error:
        message, name = f"its split was not looked at: {error.message}", model.run.path.name
        note = Finding("split-not-audited", "note", 1, 1, message, error.hint or "give --data-dir", data=(name,))
        return Audit.of([note], [name])


def _by_row(found: Audit, dataset: Dataset, seed: int) -> Iterator[Finding]:
    """Say what a split by row would flatter, unless a published split that straddles groups says it already."""
    if not any(item.code == "straddling-groups" and dataset.name in item.data for item in found.findings):
        yield from groups_matter(dataset, seed=seed)


def _check_batches(request: AuditRequest, sets: Sequence[Dataset]) -> None:
    known = {role for dataset in sets for role, _ in text_columns(dataset)}
    for name in request.batches:
        if name not in known:
            raise UsageError(f"no column {name!r} of text in {', '.join(request.operands)}", hint=nearest(name, known))


def _write_clusters(request: AuditRequest, sets: Sequence[Dataset]) -> None:
    """Write the homology cluster of each row, where that is asked for."""
    file = request.clusters
    if file is None:
        return
    if file.exists() and not request.overwrite:
        raise UsageError(f"{file}: exists already", hint="replace it with --overwrite, or choose another --clusters")
    write_atomically(file, cluster_table(sets))


def _told_apart(operands: Sequence[str], sets: Sequence[Dataset]) -> list[Dataset]:
    """Return the sets, each by the operand that named it where several have one name."""
    names = Counter(dataset.name for dataset in sets)
    return [
        dataclasses.replace(dataset, name=operand) if names[dataset.name] > 1 else dataset
        for operand, dataset in zip(operands, sets, strict=True)
    ]


def _opened(operand: str, data_dir: Path | None) -> list[Trained]:
    """Open a model, or every model of a recipe's folder."""
    summary = Path(operand) / "summary.json"
    models = Run.open(Path(operand)).read_json("summary.json").get("models", {}) if summary.is_file() else {}
    return [open_trained(operand, key=key, data_dir=data_dir) for key in models or (None,)]


def _without_model(operands: Sequence[str], models: set[Path]) -> Iterator[Run]:
    """Yield of each recipe's folder the top and the steps that are none of the models."""
    for recipe in (Path(operand) for operand in operands if (Path(operand) / "summary.json").is_file()):
        for folder in (recipe, *sorted(file.parent for file in recipe.glob("steps/*/run.json"))):
            if folder.resolve() not in models:
                yield Run.open(folder)


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
    file = model.run.file("training_keys.bin")
    if not file.is_file():
        raise InputError(
            "what this model was trained on is not known: overlap unknown",
            file=model.run.path,
            hint="an imported model has no training keys; train one here, or audit the data that it was trained on",
        )
    return read_keys(file, model.family.kinds)


def _published(dataset: Dataset, seed: int) -> Audit:
    """Audit the split that a data set brings along; one in other words than train, valid and test is only named."""
    if "split" not in dataset.columns:
        return Audit.of([], [dataset.name])
    try:
        return audit_split(dataset, published(dataset, seed, Fractions()))
    except InputError as error:
        note = Finding(
            "split-not-read", "note", len(dataset), len(dataset), error.message,
            "name the parts train, valid and test, and this audit looks across them", data=(dataset.name,),
        )  # fmt: skip
        return Audit.of([note], [dataset.name])


def _sign(dataset: Dataset, seed: int) -> Audit:
    """Look for labels that run against every reference score that a family brings for rows of this kind."""
    for _, spec in plugins.specs("family"):
        try:
            family = plugins.family(spec.name)
        except GenotoolError as error:  # it was not asked for: its references are missed, and nothing else
            log.warning("the family %s is not asked for its reference scores: %s", spec.name, error.message)
            continue
        if dataset.kind in family.kinds and isinstance(family, References) and dataset.target is not None:
            turned = audit_sign(dataset, family.reference_scores(dataset), seed=seed)
            if turned is not None:
                return Audit.of([turned], [dataset.name])
    return Audit.of([], [dataset.name])
