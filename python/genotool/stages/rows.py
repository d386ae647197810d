"""Which rows train: the split, what overlaps, what a model has seen before, and the audit of it all."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genotool import registry
from genotool.audit import Audit, ModelKeys, audit_datasets, audit_pair, audit_split, overlap_mask
from genotool.companions import Companions
from genotool.dataset import ORIGIN, Dataset, concatenate
from genotool.errors import AuditFindingError, InputError, UsageError
from genotool.ortholog_files import OrthologFiles
from genotool.run import Run
from genotool.split import Fractions, Part, Split, choose, is_by_units
from genotool.stages.relatives import beside_parents, check_groups, groups_named, whole, with_orthologs

__all__ = ["Rows", "RowsRequest", "audited", "check_relatives", "learned_along", "load_labelled", "select"]

log = logging.getLogger(__name__)

GROUPED = ("group", "leave-one-group-out", "published")
"""The splits that keep groups together."""
RELATIONS = ("exact", "reverse_complement", "variant", "swapped")
OVERLAP = ("drop", "keep", "error")
ALL = ":all"
NAMES = {Part.TRAIN: "training", Part.VALID: "validation"}


@dataclass(frozen=True, slots=True)
class RowsRequest:
    """What the command line says about the rows.

    Attributes
    ----------
    operand
        The data set's name or path.
    together
        Data sets whose training rows are learned jointly with these. ``name:all`` means every row of a group that
        this set does not hold out, as for orthologs that are learned but never tested on.
    beside
        Data sets that share genes with this one: none of its rows trains that tests there.
    avoid
        Data sets whose validation and test rows must not be met by any row here; ``name:all`` means every row.
    overlap
        What becomes of training rows that meet held-out ones: drop, keep or error.
    fail_on
        The severity of finding that stops the verb, or ``none``.
    companions
        What goes with the file that `operand` names, where it is one: labels, genome, window.
    orthologs
        Files of orthologs, learned jointly: each where the row that it belongs to trains.
    """

    operand: str
    data_dir: Path | None = None
    target: str | None = None
    split: str | None = None
    fractions: Fractions = field(default_factory=Fractions)
    seed: int = 0
    together: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()
    overlap: str = "drop"
    fail_on: str = "none"
    companions: Companions = field(default_factory=Companions)
    orthologs: OrthologFiles = field(default_factory=OrthologFiles)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The data set with the part of each row.

    Attributes
    ----------
    train, valid, refit, test
        The rows of each part; `refit` is training and validation together. With `together` sets all but the test
        hold theirs too, these rows first.
    met
        Row numbers that the overlap policy took out of training, or (with a finished model) moved into it.
    joined
        The `together` sets, whole.
    """

    dataset: Dataset
    split: Split
    train: Dataset
    valid: Dataset
    refit: Dataset
    test: Dataset
    audit: Audit
    met: NDArray[np.int64]
    joined: tuple[Dataset, ...] = ()


def select(request: RowsRequest, seen: ModelKeys | None = None, trained_groups: Collection[str] = frozenset()) -> Rows:
    """Load the data, split them, apply the overlap policy and audit what came of it.

    Parameters
    ----------
    seen
        The training keys of the model that will be transferred, if there is one.
    trained_groups
        The groups that it was trained on, in capitals: with another seed they would test here.

    Raises
    ------
    AuditFindingError
        If the audit finds something of severity `fail_on`, or rows meet under ``overlap="error"``.
    InputError
        If a part ends up empty, or training has one class only.
    """
    if request.overlap not in OVERLAP:
        raise UsageError(f"--overlap is one of {', '.join(OVERLAP)}, not {request.overlap!r}")
    main = load_labelled(request, request.operand)
    together = [name.removesuffix(ALL) for name in request.together]
    others = {name: load_labelled(request, name) for name in dict.fromkeys((*together, *request.beside))}
    others = {name: other for name, other in others.items() if other.digest != main.digest}
    main, relatives = with_orthologs(request.orthologs, main, others)
    others, together = others | relatives, [*together, *relatives]
    split = _split(request, main, request.split)
    splits = {
        name: beside_parents(main, split, other)
        if name in relatives
        else whole(main, split, other)
        if name + ALL in request.together
        else _split(request, other, None)
        for name, other in others.items()
    }
    split, splits = _keep_groups_apart(main, split, others, splits)
    split, splits, moved = _move_seen(request, main, split, others, splits, seen, set(trained_groups))
    held_out = [_part(main, split, Part.VALID), _part(main, split, Part.TEST)]
    held_out += [_part(o, splits[n], p) for n, o in others.items() for p in (Part.VALID, Part.TEST)]
    avoided = [_avoided(request, item) for item in request.avoid]
    tests = [held_out[1], *held_out[3::2]]
    split, dropped = _drop_met(request, main, split, Part.TRAIN, [*held_out, *avoided])
    split, _ = _drop_met(request, main, split, Part.VALID, [*tests, *avoided])
    splits |= {name: beside_parents(main, split, other, splits[name]) for name, other in relatives.items()}
    joint = [name for name in together if name in others]
    for name in joint:
        splits[name], _ = _drop_met(request, others[name], splits[name], Part.TRAIN, [*held_out, *avoided])
        splits[name], _ = _drop_met(request, others[name], splits[name], Part.VALID, [*tests, *avoided])
    wanted = ((Part.TRAIN,), (Part.VALID,), (Part.TRAIN, Part.VALID))
    train, valid, refit = (_with(main, split, parts, others, splits, joint) for parts in wanted)
    test = _part(main, split, Part.TEST)
    _check(main, split, train, valid)
    audit = audit_split(main, split).merged(
        _audit_of_sets(
            main,
            split,
            others,
            splits,
            kin={n for n in joint if n in relatives or n + ALL in request.together},
            joint=joint,
            seen=seen,
        )
    )
    met, joined = np.union1d(moved, dropped).astype(np.int64), tuple(others[name] for name in joint)
    return Rows(main, split, train, valid, refit, test, audit, met, joined)


def _audit_of_sets(
    main: Dataset, split: Split, others: Mapping[str, Dataset], splits: Mapping[str, Split], *,
    joint: Sequence[str], kin: Collection[str], seen: ModelKeys | None,
) -> Audit:  # fmt: skip
    """Audit the sets that are learned jointly, each pair of them.

    Of relatives (`kin`), which share names and families with the rows on purpose, what counts is whether one is learned
    whose like is held out.
    """
    keys = [] if seen is None else [seen]
    found = audit_datasets([main, *(others[name] for name in joint if name not in kin)], keys=keys)
    held = dataclasses.replace(_part(main, split, Part.VALID, Part.TEST), name=f"{main.name} (held out)")
    for name in (name for name in joint if name in kin):
        learned = _part(others[name], splits[name], Part.TRAIN)
        found = found.merged(audit_datasets([others[name]], keys=keys))
        found = found.merged(audit_pair(held, dataclasses.replace(learned, name=f"{name} (learned)")))
    return found


def learned_along(rows: Rows) -> dict[str, int]:
    """Return how many training rows each of the `together` sets has given."""
    origin = np.asarray(rows.train.columns.get(ORIGIN, np.empty(0, np.str_)))
    return {joined.name: int((origin == joined.name).sum()) for joined in rows.joined}


def load_labelled(request: RowsRequest, operand: str) -> Dataset:
    """Load a data set by name or path; InputError where it has nothing to learn."""
    beside = request.companions if operand == request.operand else None
    if beside is not None:
        beside.check_used([operand])
    dataset = registry.load(operand, data_dir=request.data_dir, target=request.target, companions=beside)
    if dataset.target is None:
        hint = "name a column with --target; --labels names the table of a FASTA, BED or GFF3 file"
        if operand != request.operand:
            hint = "orthologs without labels: --ortholog-fasta FILE; else add the set with `genotool data add --labels`"
        raise InputError(f"{operand} has no label and no number to learn", hint=hint)
    return dataset


def check_relatives(request: RowsRequest, main: Dataset) -> None:
    """Raise what is wrong with the sets and the files of orthologs beside `main`, before anything is trained."""
    for name in dict.fromkeys((*request.together, *request.beside)):
        other = load_labelled(request, name.removesuffix(ALL))
        if name.endswith(ALL):
            check_groups(main, other)
    with_orthologs(request.orthologs, main, {})


def _split(request: RowsRequest, dataset: Dataset, method: str | None) -> Split:
    wanted = method
    if wanted is None and request.split is not None and (is_by_units(request.split) or request.split == "stratified"):
        wanted = request.split
    return choose(dataset, wanted, request.seed, request.fractions)


def _part(dataset: Dataset, split: Split, *parts: Part) -> Dataset:
    return dataset.take(np.flatnonzero(np.isin(split.parts, parts)).astype(np.int64))


def _avoided(request: RowsRequest, item: str) -> Dataset:
    dataset = registry.load(item.removesuffix(ALL), data_dir=request.data_dir)
    if item.endswith(ALL):
        return dataset
    split = choose(dataset, None, request.seed)
    return dataset.take(np.flatnonzero((split.parts == Part.VALID) | (split.parts == Part.TEST)).astype(np.int64))


def _keep_groups_apart(
    main: Dataset, split: Split, others: dict[str, Dataset], splits: dict[str, Split]
) -> tuple[Split, dict[str, Split]]:
    """Leave out the rows that train (or validate) in one set though their group tests (or validates) in another.

    One hash gives a group one part in all sets; published splits and sets of very few groups do not go by it.
    """
    where = "in another set" if others else "too"
    sets = [(main, split), *((others[name], splits[name]) for name in others)]
    tests, valids = (set().union(*(_groups_in(*item, part) for item in sets)) for part in (Part.TEST, Part.VALID))

    def apart(dataset: Dataset, own: Split) -> Split:
        for part, taken in ((Part.TRAIN, tests | valids), (Part.VALID, tests)):
            rows = own.rows(part)
            if (
                dataset.groups is not None
                and (met := np.isin(np.char.upper(dataset.groups[rows]), sorted(taken))).any()
            ):
                reason = f"{NAMES[part]} rows of groups held out {where}: left out"
                own = own.moved(rows[met], Part.LEFT_OUT, reason)
        return own

    return apart(main, split), {name: apart(others[name], splits[name]) for name in others}


def _groups_in(dataset: Dataset, split: Split, part: Part) -> set[str]:
    """Return the groups of a part, in capitals; none where the split does not keep groups together."""
    if not _keeps_groups(dataset, split):
        return set()
    return groups_named(dataset, split.rows(part))


def _keeps_groups(dataset: Dataset, split: Split) -> bool:
    """Return whether a split is one by group: by its name, or (a split file) because no group straddles its parts."""
    if dataset.groups is None or split.method in GROUPED:
        return dataset.groups is not None
    train, valid, test = (groups_named(dataset, split.rows(part)) for part in (Part.TRAIN, Part.VALID, Part.TEST))
    return not (train & valid or (train | valid) & test)


def _move_seen(
    request: RowsRequest,
    main: Dataset,
    split: Split,
    others: dict[str, Dataset],
    splits: dict[str, Split],
    seen: ModelKeys | None,
    trained_groups: set[str],
) -> tuple[Split, dict[str, Split], NDArray[np.int64]]:
    """Move what the model has trained on, with all rows of its groups and in every set, to the training part."""
    if seen is None or request.overlap == "keep":
        return split, splits, np.empty(0, np.int64)
    known = {name: overlap_mask(other, seen, relations=RELATIONS) for name, other in others.items()}
    here = overlap_mask(main, seen, relations=RELATIONS)
    if request.overlap == "error" and here.any():
        raise AuditFindingError(f"{int(here.sum())} rows of {main.name} are among what the model was trained on")
    groups = _groups_of(main, here, split).union(*(_groups_of(others[n], known[n], splits[n]) for n in others))
    moved = _seen_rows(main, here, split, groups, trained_groups)
    for name, other in others.items():
        rows = _seen_rows(other, known[name], splits[name], groups, trained_groups)
        splits[name] = splits[name].moved(rows, Part.TRAIN, "seen by the model: moved to training")
    return split.moved(moved, Part.TRAIN, "seen by the model: moved to training"), splits, np.flatnonzero(here)


def _groups_of(dataset: Dataset, met: NDArray[np.bool_], split: Split) -> set[str]:
    return groups_named(dataset, np.flatnonzero(met)) if _keeps_groups(dataset, split) else set()


def _seen_rows(
    dataset: Dataset, met: NDArray[np.bool_], split: Split, groups: set[str], trained_groups: set[str]
) -> NDArray[np.int64]:
    """Return the rows outside training that the model has seen, or whose group holds such a row in any set.

    Of the groups that it was trained (or chosen) on only those that would test here: a split by the same seed
    validates on the same ones, and that may stay.
    """
    if trained_groups and dataset.groups is not None:
        met = met | ((split.parts == Part.TEST) & np.isin(np.char.upper(dataset.groups), sorted(trained_groups)))
    if groups and dataset.groups is not None:
        met = met | np.isin(np.char.upper(dataset.groups), sorted(groups))
    return np.flatnonzero(met & (split.parts != Part.TRAIN)).astype(np.int64)


def _drop_met(
    request: RowsRequest, dataset: Dataset, split: Split, part: Part, held_out: Sequence[Dataset]
) -> tuple[Split, NDArray[np.int64]]:
    """Leave out the rows of a part that meet a held-out row; return which."""
    if request.overlap == "keep":
        return split, np.empty(0, np.int64)
    candidates = split.rows(part)
    rows = dataset.take(candidates)
    met = np.zeros(len(rows), np.bool_)
    for other in held_out:
        if len(other):
            met |= overlap_mask(rows, other, relations=RELATIONS)
    if request.overlap == "error" and met.any():
        raise AuditFindingError(
            f"{int(met.sum())} {NAMES[part]} rows of {dataset.name} meet held-out rows",
            hint="--overlap drop leaves them out",
        )
    dropped = candidates[met]
    return split.moved(dropped, Part.LEFT_OUT, f"{NAMES[part]} rows that met held-out rows: left out"), dropped


def _with(
    main: Dataset,
    split: Split,
    parts: tuple[Part, ...],
    others: dict[str, Dataset],
    splits: dict[str, Split],
    joint: Sequence[str],
) -> Dataset:
    rows = _part(main, split, *parts)
    if not joint:
        return rows
    return concatenate([rows, *(_part(others[name], splits[name], *parts) for name in joint)], main.name)


def _check(dataset: Dataset, split: Split, train: Dataset, valid: Dataset) -> None:
    for part, rows in (("training", train), ("validation", valid)):
        if not len(rows):
            gone = "; ".join(f"{reason}: {count}" for reason, count in split.counts.items() if count)
            why = f" ({gone})" if gone else ""
            raise InputError(
                f"the {part} part of {dataset.name} is empty{why}",
                hint="group the rows that are alike (a groups column), another --split, or more data",
            )
    if not dataset.classes and train.target is not None and np.ptp(train.target) == 0:
        same = float(train.target[0])
        message, hint = f"every training row of {dataset.name} has one target", "name another column with --target"
        raise InputError(message, file=dataset.about.path, value=same, hint=hint)
    if dataset.classes and train.target is not None and len(np.unique(train.target)) < 2:
        only = dataset.classes[int(train.target[0])]
        message, hint = f"the training rows of {dataset.name} hold one class only", "two classes are needed to learn"
        raise InputError(message, file=dataset.about.path, value=only, hint=hint)


def audited(run: Run, audit: Audit, fail_on: str) -> None:
    """Write ``audit.json``; raise AuditFindingError if a finding is as severe as `fail_on`."""
    run.write_json("audit.json", audit.to_json())
    if fail_on != "none" and audit.exceeds(fail_on):
        raise AuditFindingError(f"the audit found: {audit.headline}", hint=f"see {run.file('audit.json')}")
