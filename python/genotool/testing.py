"""The conformance suite: what every family must keep to. A plugin calls `check_family` from one pytest test.

Example
-------
>>> def test_conformance(tmp_path):
...     check_family(Nearest(), tmp_path, plugin="genotool_nearest")

Every failure is an `AssertionError` that says what the family does and what it should do.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genotool import config as configs
from genotool.dataset import Dataset, Kind, Rows, Task
from genotool.encoding import EncodedView, Encoder
from genotool.errors import InputError
from genotool.family import Family, Model
from genotool.persist import load_arrays
from genotool.run import Run
from genotool.split import Part, choose
from genotool.toys import toy_dataset

__all__ = ["HEAVY", "check_family", "check_light_import", "check_metadata", "toy_dataset"]

HEAVY = frozenset(
    {
        "anndata",
        "autokeras",
        "jax",
        "keras",
        "lightgbm",
        "matplotlib",
        "numpy",
        "pandas",
        "scipy",
        "shap",
        "sklearn",
    }
    | {"tensorflow", "torch", "transformers"}
)
"""What the entry module of a plugin must not import, nor anything that it imports."""

TOLERANCE = 1e-5


def check_family(
    family: Family[Any, Model],
    directory: Path,
    dataset: Dataset | Callable[[Kind, Task], Dataset] | None = None,
    *,
    plugin: str | None = None,
    config: Any = None,
) -> None:
    """Check that a family keeps to the interface, for each kind and task that it says it can do.

    Parameters
    ----------
    family
        An instance, made without arguments as the core makes it.
    directory
        An empty folder for run folders and saved models, such as pytest's ``tmp_path``.
    dataset
        The rows to train on; a function that makes them for a kind and a task; None: `toy_dataset`.
    plugin
        The module that the plugin's entry point names; None: the family is not installed as a plugin.
    config
        The settings to train with, small enough for a test; None: the family's defaults.

    Raises
    ------
    AssertionError
        At the first thing that is not as it should be.
    """
    if plugin is not None:
        check_light_import(plugin)
    check_metadata(family, plugin)
    config = family.config_type() if config is None else config
    cases = [(k, t) for k in sorted(family.kinds) for t in sorted(family.tasks)]
    if isinstance(dataset, Dataset):
        cases = [(dataset.kind, task) for task in (dataset.task,) if task is not None]
    for kind, task in cases:
        rows = dataset if isinstance(dataset, Dataset) else (dataset or toy_dataset)(kind, task)
        _check_case(family, config, task, rows, directory / f"{kind}-{task}")


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise AssertionError(message)


def check_light_import(module: str) -> None:
    """Check in a process of its own that importing a plugin's entry module imports nothing heavy."""
    program = "import importlib, json, sys; importlib.import_module(sys.argv[1]); print(json.dumps([*sys.modules]))"
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    done = subprocess.run(
        [sys.executable, "-c", program, module],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    _require(done.returncode == 0, f"the entry module {module} cannot be imported: {done.stderr.strip()}")
    heavy = sorted({name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])} & HEAVY)
    _require(
        not heavy,
        f"importing {module} imports {', '.join(heavy)}: name the family as `module:Class` in a Spec",
    )


def check_metadata(family: Family[Any, Model], plugin: str | None = None) -> None:
    """Check names, tasks, kinds and config of a family, and that its plugin offers it under its name."""
    _require(isinstance(family, Family), f"{type(family).__name__} lacks attributes or methods of `Family`")
    _require(bool(re.fullmatch(r"[a-z][a-z0-9-]*", family.name)), f"{family.name!r} is no word for a command line")
    _require(bool(family.summary.strip()) and "\n" not in family.summary, "the summary is one line of text")
    _require(
        bool(family.tasks) and all(isinstance(task, Task) for task in family.tasks),
        "tasks holds `Task` members",
    )
    _require(
        bool(family.kinds) and all(isinstance(kind, Kind) for kind in family.kinds),
        "kinds holds `Kind` members",
    )
    for setting in configs.settings(family.config_type):
        _require(bool(setting.field.help.strip()), f"the setting {setting.name} has no description")
    defaults = family.config_type()
    again = configs.build(family.config_type, tomllib.loads(configs.write_toml(defaults)))
    _require(again == defaults, f"{family.config_type.__name__} does not survive being written as TOML")
    if plugin is not None:
        _check_spec(family, plugin)


def _check_spec(family: Family[Any, Model], plugin: str) -> None:
    import importlib

    from genotool.plugins import API, resolve

    offered = {spec.name: spec for spec in importlib.import_module(plugin).genotool_families()}
    _require(family.name in offered, f"{plugin}.genotool_families() does not offer {family.name!r}")
    spec = offered[family.name]
    _require(spec.kind == "family" and spec.api == API, f"the spec of {family.name} has another kind or interface")
    _require(resolve(spec) is type(family), f"{spec.target} is not {type(family).__name__}")


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
class _Fit:
    model: Model
    encoder: Encoder
    scores: NDArray[np.float64]


def _check_case(family: Family[Any, Model], config: Any, task: Task, dataset: Dataset, directory: Path) -> None:
    """Fit twice, the second time with other test rows: nothing that is predicted may change."""
    split = choose(dataset, None, seed=0)
    test = dataset.take(split.rows(Part.TEST))
    _require(min(len(split.rows(p)) for p in (Part.TRAIN, Part.VALID, Part.TEST)) > 0, "the data set is too small")
    first = _fit(family, config, task, dataset, test, directory / "first")
    changed = _with_other_test_rows(dataset, split.rows(Part.TEST))
    second = _fit(family, config, task, changed, test, directory / "second")
    _require(
        first.scores.tobytes() == second.scores.tobytes(),
        f"{family.name}: two fits on the same training rows predict differently: it draws random numbers "
        "that do not come from the config's seed, or looks at rows that it was not given",
    )
    _check_scores(family, task, test, first.scores)
    _check_encoder(family, config, task, first.encoder, dataset, directory)
    _check_saved(family, config, task, first, test, directory / "saved")


def _with_other_test_rows(dataset: Dataset, rows: Rows) -> Dataset:
    """Return the data set with the targets of the given rows in another order: what fit must not notice."""
    assert dataset.target is not None
    target = dataset.target.copy()
    target[rows] = target[rows][::-1] if not dataset.classes else (target[rows] + 1) % len(dataset.classes)
    return dataclasses.replace(dataset, target=target)


def _fit(family: Family[Any, Model], config: Any, task: Task, dataset: Dataset, test: Dataset, directory: Path) -> _Fit:
    spied = _Spied.of(dataset)
    split = choose(dataset, None, seed=0)
    train, valid = (spied.take(split.rows(part)) for part in (Part.TRAIN, Part.VALID))
    with Run.create(directory, verb="train", family=family.name, task=task.value, seed=0) as run:
        encoder = family.encoder(config, task)
        _require(isinstance(encoder, Encoder), f"{type(encoder).__name__} lacks methods of `Encoder`")
        spied.seen.clear()
        encoder = encoder.fit(train.batches(32))
        _require(isinstance(encoder, Encoder), "an encoder's fit returns the encoder")
        model = family.fit(config, task, EncodedView(train, encoder), EncodedView(valid, encoder), run)
    leaked = sorted(spied.seen & set(test.ids.tolist()))
    _require(not leaked, f"{family.name}: fit saw {len(leaked)} test rows, such as {leaked[:1]}")
    _require(isinstance(model, Model), f"{type(model).__name__} lacks attributes or methods of `Model`")
    _require(model.task == task, f"the model says its task is {model.task}, it was fitted for {task}")
    return _Fit(model, encoder, np.asarray(model.predict(encoder.encode(test))))


def _check_scores(family: Family[Any, Model], task: Task, rows: Dataset, scores: NDArray[np.float64]) -> None:
    shape = (len(rows), len(rows.classes)) if task is Task.MULTICLASS else (len(rows),)
    _require(scores.shape == shape, f"{family.name} predicts shape {scores.shape} where {task} asks for {shape}")
    _require(bool(np.isfinite(scores).all()), f"{family.name} predicts numbers that are not finite")
    if task is not Task.REGRESSION:
        _require(bool(((scores >= 0) & (scores <= 1)).all()), f"{family.name} predicts no probabilities for {task}")
    if task is Task.MULTICLASS:
        off = float(np.abs(scores.sum(axis=1) - 1).max())
        _require(off < TOLERANCE, f"{family.name}: probabilities of the classes sum to 1 +- {off:.3g}")


def _check_encoder(
    family: Family[Any, Model], config: Any, task: Task, encoder: Encoder, dataset: Dataset, directory: Path
) -> None:
    folder = directory / "encoder"
    folder.mkdir()
    before = dict(encoder.encode(dataset))
    for name, array in before.items():
        _require(len(array) == len(dataset), f"the input {name!r} has {len(array)} rows for {len(dataset)}")
    encoder.save(folder)
    head = encoder.encode(dataset.take(np.arange(3)))
    alike = all(head[n].shape == a[:3].shape and np.allclose(head[n], a[:3], atol=TOLERANCE) for n, a in before.items())
    _require(alike, "a row's code depends on its batch: encode all rows to one shape, whatever comes with them")
    _require(_same(encoder.encode(dataset), before), "encode changed the state of the encoder")
    again = family.encoder(config, task).load(folder)
    _require(_same(again.encode(dataset), before), "an encoder that was saved and loaded encodes differently")


def _same(left: Mapping[str, NDArray[Any]], right: Mapping[str, NDArray[Any]]) -> bool:
    return left.keys() == right.keys() and all(
        left[name].dtype == right[name].dtype and np.array_equal(left[name], right[name]) for name in left
    )


def _check_saved(
    family: Family[Any, Model], config: Any, task: Task, fitted: _Fit, test: Dataset, directory: Path
) -> None:
    (directory / "encoder").mkdir(parents=True)
    fitted.model.save(directory)
    fitted.encoder.save(directory / "encoder")
    pickles = sorted(str(file.relative_to(directory)) for file in _pickles(directory))
    _require(not pickles, f"{family.name} saves pickle in {', '.join(pickles)}: use `genotool.persist`")
    encoder = family.encoder(config, task).load(directory / "encoder")
    model = family.load(directory)
    _require(model.task == task, f"the loaded model says its task is {model.task}, it was saved for {task}")
    scores = np.asarray(model.predict(encoder.encode(test)))
    _require(np.array_equal(scores, fitted.scores), f"{family.name}: a saved and loaded model predicts differently")
    halves = [test.take(part) for part in np.array_split(np.arange(len(test)), 2)]
    joined = np.concatenate([model.predict(encoder.encode(half)) for half in halves])
    _require(np.allclose(joined, scores, atol=TOLERANCE), f"{family.name}: a row's prediction depends on its batch")


def _pickles(directory: Path) -> Iterator[Path]:
    """Yield the files that hold pickled objects: bare, as a member of an archive, as an array of objects."""
    for file in sorted(path for path in directory.rglob("*") if path.is_file()):
        if re.match(rb"\x80[\x02-\x05]", file.read_bytes()[:2]) or file.suffix in (
            ".pkl",
            ".pickle",
            ".joblib",
        ):
            yield file
        elif zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                names = archive.namelist()
            if any(name.endswith(".pkl") for name in names) or (file.suffix == ".npz" and not _plain(file)):
                yield file


def _plain(file: Path) -> bool:
    try:
        load_arrays(file)
    except InputError:
        return False
    return True
