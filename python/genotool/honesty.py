"""What an honest family keeps to, whatever it is: it learns from training labels, and from nothing else.

`check_honest` is one call for a plugin's tests; `genotool.testing` offers it beside the conformance suite.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genotool.assessment import assess, best_threshold
from genotool.dataset import Dataset, Kind, Rows, Task
from genotool.encoding import EncodedView, Encoder
from genotool.family import Family, Model, NaturalFeatures
from genotool.floors import Floor, fit_floors
from genotool.metrics import compute
from genotool.run import Run
from genotool.split import Fractions, Part, Split, choose
from genotool.toys import toy_dataset
from genotool.verdict import Verdict, judge

__all__ = ["Fit", "cases_of", "check_honest", "fit_spied", "fitted_bytes", "require"]

TURNED = {
    Task.BINARY: {"roc_auc": 1.0, "accuracy": 1.0, "mcc": 0.0},
    Task.REGRESSION: {"spearman": 0.0, "pearson": 0.0},
    Task.MULTICLASS: {},
}
"""What a metric and the one of turned labels add up to."""
DRAWS = 200


def require(holds: bool, message: str) -> None:
    """Raise AssertionError with the message unless it holds."""
    if not holds:
        raise AssertionError(message)


def cases_of(
    family: Family[Any, Model], dataset: Dataset | Callable[[Kind, Task], Dataset]
) -> Iterator[tuple[Task, Dataset]]:
    """Yield each task with rows for it: those given, or what is made for each kind and task of the family."""
    if isinstance(dataset, Dataset):
        if dataset.task is not None:
            yield dataset.task, dataset
        return
    for kind in sorted(family.kinds):
        for task in sorted(family.tasks):
            yield task, dataset(kind, task)


@dataclass(frozen=True, eq=False)
class _Spied(Dataset):
    """A data set that notes the id of every row taken from it, also from what was taken."""

    seen: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, dataset: Dataset) -> _Spied:
        values = {f.name: getattr(dataset, f.name) for f in dataclasses.fields(dataset)}
        return cls(**values)

    def take(self, rows: Rows) -> Dataset:
        self.seen.update(self.ids[np.asarray(rows, dtype=np.int64)].tolist())
        return Dataset.take(self, rows)


@dataclass(frozen=True, slots=True)
class Fit:
    """A model fitted for a test, its encoder, its scores of test and of held validation rows, and the threshold."""

    model: Model
    encoder: Encoder
    scores: NDArray[np.float64]
    held: NDArray[np.float64]
    threshold: float


def fit_spied(
    family: Family[Any, Model], config: Any, task: Task, dataset: Dataset, split: Split, directory: Path
) -> Fit:
    """Fit encoder and model as `genotool train` does, and check that no test row is read on the way."""
    spied, test = _Spied.of(dataset), dataset.take(split.rows(Part.TEST))
    train, valid = (spied.take(split.rows(part)) for part in (Part.TRAIN, Part.VALID))
    with Run.create(directory, verb="train", family=family.name, task=task.value, seed=0) as run:
        encoder = family.encoder(config, task)
        require(isinstance(encoder, Encoder), f"{type(encoder).__name__} lacks methods of `Encoder`")
        spied.seen.clear()
        encoder = encoder.fit(train.batches(32))
        require(isinstance(encoder, Encoder), "an encoder's fit returns the encoder")
        model = family.fit(config, task, EncodedView(train, encoder), EncodedView(valid, encoder), run)
    leaked = sorted(spied.seen & set(test.ids.tolist()))
    require(not leaked, f"{family.name}: fit saw {len(leaked)} test rows, such as {leaked[:1]}")
    require(isinstance(model, Model), f"{type(model).__name__} lacks attributes or methods of `Model`")
    require(model.task == task, f"the model says its task is {model.task}, it was fitted for {task}")
    held = np.asarray(model.predict(encoder.encode(valid)))
    threshold = best_threshold(np.asarray(valid.target), held) if task is Task.BINARY else 0.5
    return Fit(model, encoder, np.asarray(model.predict(encoder.encode(test))), held, threshold)


def check_honest(
    family: Family[Any, Model],
    directory: Path,
    dataset: Dataset | Callable[[Kind, Task], Dataset] | None = None,
    *,
    config: Any = None,
    seeds: int = 10,
) -> None:
    """Check that a family learns from the labels of its training rows alone, for each kind and task.

    - Test labels turned around: encoder and model are saved with the same arrays, and the metrics are mirrored.
    - Test rows added to the data set: encoder, model and threshold stay what they were.
    - Training labels in a random order (and validation labels): the verdict against the floors is never "above".
    - Test rows are never read while the encoder and the model are fitted.

    Parameters
    ----------
    family
        An instance, made without arguments as the core makes it.
    directory
        A folder for run folders and saved models, such as pytest's ``tmp_path``.
    dataset
        The rows; a function that makes them for a kind and a task; None: simulated ones, without groups.
    config
        The settings to train with, small enough for a test; None: the family's defaults.
    seeds
        Permutations of the training labels, a fit each.

    Raises
    ------
    AssertionError
        At the first thing that is not as it should be.
    """
    config = family.config_type() if config is None else config
    for task, rows in cases_of(family, dataset or _ungrouped):
        folder, split = directory / f"{rows.kind}-{task}", choose(rows, None, 0, Fractions(0.15, 0.3))
        _check_turned(family, config, task, rows, split, folder)
        for seed in range(seeds):
            _check_permuted(family, config, task, rows, split, folder / f"permuted-{seed}", seed)


def _ungrouped(kind: Kind, task: Task) -> Dataset:
    """Return simulated rows without groups: of so few groups there would be no verdict."""
    return dataclasses.replace(toy_dataset(kind, task, rows=240), groups=None)


def _check_turned(
    family: Family[Any, Model], config: Any, task: Task, rows: Dataset, split: Split, directory: Path
) -> None:
    """Fit three times: as it is, with turned test labels, with more test rows."""
    test = split.rows(Part.TEST)
    target = np.asarray(rows.target)
    turned = target.copy()
    turned[test] = -target[test] if not rows.classes else len(rows.classes) - 1 - target[test]
    longer = rows.take(np.r_[np.arange(len(rows)), test])
    longer = dataclasses.replace(longer, ids=np.r_[rows.ids, np.char.add("again-", rows.ids[test])])
    parts = dataclasses.replace(split, parts=np.r_[split.parts, np.full(len(test), Part.TEST, np.int8)])
    first, second, third = (
        fit_spied(family, config, task, data, own, directory / name)
        for name, data, own in (
            ("as-it-is", rows, split),
            ("turned", dataclasses.replace(rows, target=turned), split),
            ("longer", longer, parts),
        )
    )
    saved = fitted_bytes(first, directory / "saved")
    for what, other in (("turned test labels", second), ("more test rows", third)):
        said = f"{family.name}: with {what} it is not the same"
        again = fitted_bytes(other, directory / f"saved-{what.split()[0]}")
        differs = [name for name in sorted({*saved, *again}) if saved.get(name) != again.get(name)]
        require(not differs, f"{said}: {', '.join(differs)}")
        require(other.threshold == first.threshold, f"{said}: the threshold")
    sums = TURNED[task]
    before, after = (
        compute(task, labels[test], first.scores, threshold=first.threshold) for labels in (target, turned)
    )
    off = [name for name, whole in sums.items() if abs((before[name] or 0) + (after[name] or 0) - whole) > 1e-9]
    require(not off, f"{family.name}: turned test labels do not mirror {', '.join(off)}")


def _check_permuted(
    family: Family[Any, Model], config: Any, task: Task, rows: Dataset, split: Split, directory: Path, seed: int
) -> None:
    """Fit to labels that say nothing, of the training rows alone or of all; judge by true and by permuted test labels.

    Where classes lie far apart a model of chance is right about all test rows or wrong about all: by true test labels
    the verdict has to see that from the validation rows and from other models of chance. By permuted ones nothing but
    their own labels makes a model above.
    """
    test = rows.take(split.rows(Part.TEST))
    for name, parts in (("train", (Part.TRAIN,)), ("all", (Part.TRAIN, Part.VALID, Part.TEST))):
        target, rng = np.asarray(rows.target).copy(), np.random.default_rng(seed)
        for part in parts:
            target[split.rows(part)] = rng.permutation(target[split.rows(part)])
        permuted = dataclasses.replace(rows, target=target)
        fitted = fit_spied(family, config, task, permuted, split, directory / name)
        found = [_judged(family, task, fitted, permuted, split, test, seed)]
        if Part.TEST in parts:
            own = target[split.rows(Part.TEST)]
            floors = {floor.name: floor.scores for floor in found[0][1]}
            found.append((judge(task, own, fitted.scores, floors, groups=test.groups, draws=DRAWS, seed=seed), []))
        for verdict, _ in found:
            said = f"{family.name}: with permuted labels (seed {seed}) the verdict is above. {verdict.sentence}"
            require(verdict.word != "above", said)


def _judged(
    family: Family[Any, Model], task: Task, fitted: Fit, permuted: Dataset, split: Split, test: Dataset, seed: int
) -> tuple[Verdict, list[Floor]]:
    """Return the verdict on a model by true test labels, and the floors, fitted to the labels that it was fitted to."""
    train, valid = (permuted.take(split.rows(part)) for part in (Part.TRAIN, Part.VALID))
    features = family.natural_features if isinstance(family, NaturalFeatures) else None
    floors = fit_floors(train, valid, test, task=task, features=features, seed=seed, threads=1, draws=10)
    held = assess(task, valid, fitted.held, seed=seed)["metrics"]
    target = np.asarray(test.target)
    return judge(task, target, fitted.scores, floors, groups=test.groups, valid=held, draws=DRAWS, seed=seed), floors


def fitted_bytes(fitted: Fit, directory: Path) -> dict[str, list[str]]:
    """Save encoder and model; return the digests of what each file holds: of an archive, of its arrays in any order.

    Archives name and date their members anew each time; what was fitted is in the arrays.
    """
    (directory / "encoder").mkdir(parents=True)
    fitted.model.save(directory)
    fitted.encoder.save(directory / "encoder")
    files = sorted(file for file in directory.rglob("*") if file.is_file())
    return {file.relative_to(directory).as_posix(): sorted(map(_sha, _held(file))) for file in files}


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _held(file: Path) -> Iterator[bytes]:
    content = file.read_bytes()
    if not zipfile.is_zipfile(io.BytesIO(content)):
        yield content
        return
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        yield from (archive.read(name) for name in archive.namelist() if not name.endswith(".json"))
