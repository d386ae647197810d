"""Trained: a finished model found by run folder, recipe folder or family name, with all that it needs to predict."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genotool import config as configs
from genotool import plugins, registry
from genotool.audit import ModelKeys, overlap_mask, read_keys
from genotool.balance import prior_correction
from genotool.companions import Companions
from genotool.dataset import Dataset, Kind, Task
from genotool.encoding import EncodedView, Encoder
from genotool.errors import InputError, UnsupportedStageError, UsageError, nearest
from genotool.family import Adapted, Adapts, Family, Model, ShipsModel, Terms
from genotool.run import DAMAGED, Run
from genotool.sequences import Sequences
from genotool.split import Fractions, Part, Split, choose, from_file

__all__ = ["Ensemble", "Trained", "find_model", "open_trained", "with_members"]

PREDICT_ROWS = 65_536


def find_model(operand: str, key: str | None = None) -> Path:
    """Return the run folder of a model.

    Parameters
    ----------
    operand
        A run folder, a recipe's folder, or the name of a family that ships a model.
    key
        Which model of a recipe's folder, such as ``HCT116``; any case.

    Raises
    ------
    UsageError
        If it is none of these, or a recipe's folder holds several models and `key` names none of them.
    """
    path = Path(operand)
    if path.is_dir():
        return _in_recipe(path, key) if (path / "summary.json").is_file() else path
    known = {spec.name for _, spec in plugins.specs("family")}
    if operand in known:
        family = plugins.family(operand)
        if isinstance(family, ShipsModel) and (family.shipped_model() / "run.json").is_file():
            return family.shipped_model()
        raise UsageError(f"the family {operand} ships no model", hint="name a run folder instead")
    raise UsageError(f"{operand}: no run folder, and no family of that name", hint=nearest(operand, known))


def _in_recipe(path: Path, key: str | None) -> Path:
    models = _models(path, Run.open(path).read_json("summary.json"))
    by_case = {name.casefold(): folder for name, folder in models.items()}
    if not models:
        hint = "finish it: `genotool run --resume` and the folder"
        raise InputError("this recipe's folder holds no finished model", file=path, hint=hint)
    if key is not None:
        if key.casefold() not in by_case:
            raise UsageError(f"{path} has no model {key!r}", hint=nearest(key, models))
        return path / by_case[key.casefold()]
    if len(models) > 1:
        raise UsageError(f"{path} holds {len(models)} models: {', '.join(models)}", hint="choose one with --model KEY")
    return path / next(iter(models.values()))


def _models(path: Path, summary: Any) -> dict[str, str]:
    """Return the models that a recipe's summary names; folders of it, and no others."""
    models = summary.get("models", {}) if isinstance(summary, dict) else None
    if not isinstance(models, dict) or not all(isinstance(folder, str) for folder in models.values()):
        raise InputError("the summary names no models", file=path / "summary.json", hint=DAMAGED)
    for folder in models.values():
        if PurePosixPath(folder).is_absolute() or ".." in PurePosixPath(folder).parts:
            hint = "a recipe's models are its own steps: do not trust this folder"
            raise InputError(
                "the summary names a folder elsewhere", file=path / "summary.json", value=folder, hint=hint
            )
    return models


@dataclass
class Trained:
    """A model with its run, family, encoder and config.

    Attributes
    ----------
    threshold
        The probability from which a row counts as positive, chosen on validation rows.
    """

    run: Run
    family: Family[Any, Model]
    config: Any
    task: Task
    threshold: float
    data_dir: Path | None = None

    @cached_property
    def model(self) -> Model:
        """The model, loaded when first used: this imports the framework."""
        with _damage(self.run.path, "model"):
            return self.family.load(self.run.path)

    @cached_property
    def encoder(self) -> Encoder:
        """The fitted encoder that travels with the model."""
        folder = self.run.path / "encoder"
        with _damage(folder, "encoder"):
            return self.family.encoder(self.config, self.task).load(folder)

    @cached_property
    def keys(self) -> ModelKeys | None:
        """What the model was trained on, as the audit compares it; None: not known ("overlap unknown")."""
        file = self.run.file("training_keys.bin")
        return read_keys(file, self.family.kinds) if file.is_file() else None

    @property
    def kind(self) -> Kind:
        """The kind of rows that it takes."""
        data = self.run.record.get("data") or [{}]
        return Kind(data[0]["kind"]) if "kind" in data[0] else min(self.family.kinds)

    @property
    def simulated(self) -> bool:
        """Whether any data that it was trained on were simulated."""
        return bool(self.run.record.get("simulated"))

    def predict(self, rows: Dataset) -> NDArray[Any]:
        """Return the model's prediction of every row, batch by batch."""
        batches = rows.batches(rows.rows_at_once(PREDICT_ROWS))
        parts = [self.model.predict(self.encoder.encode(batch)) for batch in batches]
        score = np.concatenate(parts) if parts else np.empty(0)
        prior = self.run.record.get("prior")
        return score if prior is None else prior_correction(score, prior["trained"], prior["true"])

    def adapted(self, rows: Dataset) -> tuple[Trained, Adapted | None]:
        """Return this model with its encoder adapted to other rows; itself and None where its family adapts nothing."""
        if not isinstance(self.family, Adapts):
            return self, None
        found, other = self.family.adapt(self.encoder, self.config, rows), copy.copy(self)
        other.__dict__["encoder"] = found.encoder  # where the cached property keeps it
        return other, found

    def in_terms(self, rows: Dataset) -> Dataset:
        """Return rows as floors get them: as they are, or as far as the family's model reads them."""
        return self.family.in_terms(self.encoder, rows) if isinstance(self.family, Terms) else rows

    def row_warnings(self, rows: Dataset) -> list[str]:
        """Say where sequences are not what the model learned from: other windows, longer or shorter than it reads."""
        if rows.kind is not Kind.SEQUENCES:
            return []
        said = [_lengths_said(getattr(self.encoder, "length", None), rows)]
        learned = str((self.run.record.get("data") or [{}])[0].get("window") or "")
        if learned and rows.about.window not in ("", learned):
            said.insert(0, f"the windows are {rows.about.window}; the model learned from {learned}")
        return list(filter(None, said))

    def load_dataset(self) -> Dataset:
        """Load the data set that the model was trained on, and check that it is still the same.

        Raises
        ------
        InputError
            If the data behind the name have changed since.
        """
        return self._dataset

    @cached_property
    def _dataset(self) -> Dataset:
        data = self.run.record["data"]
        operand = data and (data[0].get("operand") or data[0].get("name"))
        if not operand or "digest" not in data[0]:
            raise InputError("the run names no data", file=self.run.path, hint="name a data set")
        beside = Companions.from_json(data[0].get("companions") or {})
        dataset = registry.load(
            operand, data_dir=self.data_dir or _recorded_dir(data[0]), target=data[0].get("target"), companions=beside
        )
        if dataset.digest != data[0]["digest"]:
            raise InputError(
                f"{operand} is not what the run was trained on",
                value=f"digest {dataset.digest[:12]}, then {data[0]['digest'][:12]}",
                file=self.run.path,
                hint="name the data set and --data-dir of that time; --no-floors evaluates other sets without it",
            )
        return dataset

    @cached_property
    def split(self) -> Split:
        """The split of the training data set: as it was written, or made again where a shipped model leaves it out."""
        file, dataset = self.run.path / "split.tsv", self.load_dataset()
        return from_file(file, dataset) if file.is_file() else self._split_again(dataset)

    def _split_again(self, dataset: Dataset) -> Split:
        """Make the split from what `run.json` says of it; training rows that the keys lack had been left out."""
        made, shares = self.run.record.get("split") or {}, self.run.record.get("shares") or {}
        try:
            split = choose(dataset, made["method"], made["seed"], Fractions(shares["valid"], shares["test"]))
            if self.keys is not None:
                known = overlap_mask(dataset, self.keys, relations=("exact",))
                unseen = np.flatnonzero(~known & (split.parts == Part.TRAIN)).astype(np.int64)
                split = split.moved(unseen, Part.LEFT_OUT, "not among the training keys: left out")
            # Which validation rows were left out cannot be told; a floor may get them, the model did not train on them.
            same = all(len(split.rows(part)) == made["rows"][part.name.lower()] for part in (Part.TRAIN, Part.TEST))
        except (KeyError, TypeError):
            same = False
        if not same:
            message = "the run has no split.tsv, and its split cannot be made again"
            raise InputError(
                message, file=self.run.path, hint="--no-floors goes without the rows that it was fitted on"
            )
        return split

    def view(self, dataset: Dataset, part: Part | None = None) -> EncodedView:
        """Return rows of a part of the training set (or all of a data set) as this model encodes them."""
        rows = dataset if part is None else dataset.take(self.split.rows(part))
        return EncodedView(rows, self.encoder)


@dataclass
class Ensemble(Trained):
    """The models of a cross-validation as one: the mean of what all of them predict, over folds and repeats.

    Attributes
    ----------
    members
        The model of each fold.
    """

    members: tuple[Trained, ...] = ()

    def predict(self, rows: Dataset) -> NDArray[Any]:
        """Return the mean of the members' predictions of every row."""
        return np.asarray(np.mean([member.predict(rows) for member in self.members], axis=0))

    def adapted(self, rows: Dataset) -> tuple[Trained, Adapted | None]:
        """Return the same models, each adapted; what is said is that of the first."""
        found = [member.adapted(rows) for member in self.members]
        other = copy.copy(self)
        other.members = tuple(member for member, _ in found)
        return other, found[0][1]

    def row_warnings(self, rows: Dataset) -> list[str]:
        """Say what the first model would: all folds read the same."""
        return self.members[0].row_warnings(rows)

    def in_terms(self, rows: Dataset) -> Dataset:
        """Return rows as the first model has them."""
        return self.members[0].in_terms(rows)

    @property
    def refused(self) -> UnsupportedStageError:
        """The error of what takes a single model."""
        one = self.members[0].run.path
        said = (
            f"{self.run.path} holds {len(self.members)} models, one a fold: together they predict and explain, no more"
        )
        return UnsupportedStageError(said, hint=f"name one of them, such as {one}")

    @cached_property
    def model(self) -> Model:
        """There is no single model; UnsupportedStageError."""
        raise self.refused

    @cached_property
    def encoder(self) -> Encoder:
        """There is no single encoder; UnsupportedStageError."""
        return self.model  # type: ignore[return-value]

    @cached_property
    def split(self) -> Split:
        """Every row trained some member: none is left to test. Those that the first validated on validate here."""
        split = self.members[0].split
        return split.moved(split.rows(Part.TEST), Part.TRAIN, "trained in another fold")


def with_members(trained: Trained) -> list[Trained]:
    """Return a model and, of an ensemble, each of its members: all that can be verified by itself."""
    return [trained, *(trained.members if isinstance(trained, Ensemble) else ())]


def _lengths_said(length: Any, rows: Dataset) -> str:
    """Say how many sequences are longer or shorter than what the network reads."""
    sequences = rows.columns["sequence"]
    if not isinstance(length, int) or not isinstance(sequences, Sequences) or (sequences.lengths == length).all():
        return ""
    cut, padded = int((sequences.lengths > length).sum()), int((sequences.lengths < length).sum())
    said = f"{cut} of {len(rows)} sequences are longer than the {length} letters that the model reads, and were trimmed"
    return f"{said}; {padded} are shorter, and were padded"


@contextmanager
def _damage(path: Path, what: str) -> Iterator[None]:
    """Turn what a family's reading raises on content that it did not write into one line."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OSError) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise InputError(f"the {what} is damaged ({reason})", file=path, hint=DAMAGED) from error


def _recorded_dir(data: dict[str, Any]) -> Path | None:
    return Path(data["data_dir"]) if data.get("data_dir") else None


def _family_of(run: Run) -> Family[Any, Model]:
    name = run.record.get("family")
    known = {spec.name for _, spec in plugins.specs("family")}
    if name not in known:
        hint = f"install its plugin; {nearest(str(name), known)}"
        file = run.path / "run.json"
        raise InputError("run.json names a family that is not installed", file=file, value=name, hint=hint)
    return plugins.family(str(name))


def open_trained(operand: str, *, key: str | None = None, data_dir: Path | None = None) -> Trained:
    """Open a finished model; see `find_model` for what names one.

    Raises
    ------
    InputError
        If the run is unfinished, damaged, or holds no model.
    """
    path = find_model(operand, key)
    run = Run.open(path)
    if not run.finished or run.record.get("state") != "done":
        state = run.record.get("state")
        said = "not finished: it has no DONE" if state in (None, "done") else state
        raise InputError(f"the run is {said}", file=path, hint="finish it with --resume")
    if run.record.get("verb") not in ("train", "transfer", "tune", "import-model"):
        hint = "name a run of train, transfer, tune or import-model"
        raise InputError(f"a run of `{run.record.get('verb')}` holds no model", file=path, hint=hint)
    family = _family_of(run)
    config = configs.build(family.config_type, run.record.get("config") or {}, source=path / "run.json")
    _check_record(run)
    threshold = run.record.get("threshold")
    known = (run, family, config, Task(run.record["task"]), 0.5 if threshold is None else threshold, data_dir)
    if run.record.get("folds") is None:
        return Trained(*known)
    return Ensemble(*known, members=tuple(open_trained(str(folder), data_dir=data_dir) for folder in _folds(run)))


def _folds(run: Run) -> list[Path]:
    """Return the run folders of a cross-validation's folds; those of its own, and no others."""
    folds = run.record["folds"]
    names = folds.get("names") if isinstance(folds, dict) else None
    if not isinstance(names, list) or not names or not all(re.fullmatch(r"\d+-\d+", str(name)) for name in names):
        raise InputError("run.json names no folds", file=run.path / "run.json", value=folds, hint=DAMAGED)
    return [run.path / "folds" / str(name) for name in names]


def _check_record(run: Run) -> None:
    """Check what a prediction takes from ``run.json``: task, kind of rows, threshold, prior."""
    record, file = run.record, run.path / "run.json"
    if record.get("task") not in list(Task):
        hint = nearest(str(record.get("task")), map(str, Task))
        raise InputError("run.json names no known task", file=file, value=record.get("task"), hint=hint)
    for item in record.get("data") or []:
        if item.get("kind", Kind.GUIDES) not in list(Kind):
            raise InputError("run.json names no known kind", file=file, value=item["kind"], hint=DAMAGED)
    threshold, prior = record.get("threshold") or 0, record.get("prior") or {"trained": [1.0], "true": [1.0]}
    wrong = {name: prior.get(name) for name in ("trained", "true") if not _are_shares(prior.get(name))}
    if wrong or not np.isfinite(threshold):
        value = wrong or threshold
        raise InputError("run.json: threshold or prior is no number of use", file=file, value=value, hint=DAMAGED)


def _are_shares(value: Any) -> bool:
    """Return whether a value is the share of each class: numbers from 0 to 1 that make 1."""
    if not isinstance(value, list) or not all(isinstance(item, int | float) and 0 <= item <= 1 for item in value):
        return False
    return abs(sum(value) - 1) < 1e-6
