"""The conformance suite: what every family must keep to. A plugin calls `check_family` and `check_honest` from pytest.

Example
-------
>>> def test_conformance(tmp_path):
...     check_family(Nearest(), tmp_path / "family", plugin="genotool_nearest")
...     check_honest(Nearest(), tmp_path / "honest")

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
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genotool import config as configs
from genotool.dataset import Dataset, Kind, Rows, Task
from genotool.encoding import Encoder
from genotool.errors import InputError
from genotool.family import Family, Model
from genotool.honesty import Fit, cases_of, check_honest, fit_spied, require
from genotool.persist import load_arrays
from genotool.split import Part, choose
from genotool.toys import toy_dataset

__all__ = ["HEAVY", "check_family", "check_honest", "check_light_import", "check_metadata", "toy_dataset"]

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
    for task, rows in cases_of(family, dataset or toy_dataset):
        _check_case(family, config, task, rows, directory / f"{rows.kind}-{task}")


def check_light_import(module: str) -> None:
    """Check in a process of its own that importing a plugin's entry module imports nothing heavy."""
    program = "import importlib, json, sys; importlib.import_module(sys.argv[1]); print(json.dumps([*sys.modules]))"
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    done = subprocess.run(
        [sys.executable, "-c", program, module],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    require(done.returncode == 0, f"the entry module {module} cannot be imported: {done.stderr.strip()}")
    heavy = sorted({name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])} & HEAVY)
    require(
        not heavy,
        f"importing {module} imports {', '.join(heavy)}: name the family as `module:Class` in a Spec",
    )


def check_metadata(family: Family[Any, Model], plugin: str | None = None) -> None:
    """Check names, tasks, kinds and config of a family, and that its plugin offers it under its name."""
    require(isinstance(family, Family), f"{type(family).__name__} lacks attributes or methods of `Family`")
    require(bool(re.fullmatch(r"[a-z][a-z0-9-]*", family.name)), f"{family.name!r} is no word for a command line")
    require(bool(family.summary.strip()) and "\n" not in family.summary, "the summary is one line of text")
    require(
        bool(family.tasks) and all(isinstance(task, Task) for task in family.tasks),
        "tasks holds `Task` members",
    )
    require(
        bool(family.kinds) and all(isinstance(kind, Kind) for kind in family.kinds),
        "kinds holds `Kind` members",
    )
    for setting in configs.settings(family.config_type):
        require(bool(setting.field.help.strip()), f"the setting {setting.name} has no description")
    defaults = family.config_type()
    again = configs.build(family.config_type, tomllib.loads(configs.write_toml(defaults)))
    require(again == defaults, f"{family.config_type.__name__} does not survive being written as TOML")
    if plugin is not None:
        _check_spec(family, plugin)


def _check_spec(family: Family[Any, Model], plugin: str) -> None:
    import importlib

    from genotool.plugins import API, resolve

    offered = {spec.name: spec for spec in importlib.import_module(plugin).genotool_families()}
    require(family.name in offered, f"{plugin}.genotool_families() does not offer {family.name!r}")
    spec = offered[family.name]
    require(spec.kind == "family" and spec.api == API, f"the spec of {family.name} has another kind or interface")
    require(resolve(spec) is type(family), f"{spec.target} is not {type(family).__name__}")


def _check_case(family: Family[Any, Model], config: Any, task: Task, dataset: Dataset, directory: Path) -> None:
    """Fit twice, the second time with other test rows: nothing that is predicted may change."""
    split = choose(dataset, None, seed=0)
    test = dataset.take(split.rows(Part.TEST))
    require(min(len(split.rows(p)) for p in (Part.TRAIN, Part.VALID, Part.TEST)) > 0, "the data set is too small")
    first = fit_spied(family, config, task, dataset, split, directory / "first")
    changed = _with_other_test_rows(dataset, split.rows(Part.TEST))
    second = fit_spied(family, config, task, changed, split, directory / "second")
    require(
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


def _check_scores(family: Family[Any, Model], task: Task, rows: Dataset, scores: NDArray[np.float64]) -> None:
    shape = (len(rows), len(rows.classes)) if task is Task.MULTICLASS else (len(rows),)
    require(scores.shape == shape, f"{family.name} predicts shape {scores.shape} where {task} asks for {shape}")
    require(bool(np.isfinite(scores).all()), f"{family.name} predicts numbers that are not finite")
    if task is not Task.REGRESSION:
        require(bool(((scores >= 0) & (scores <= 1)).all()), f"{family.name} predicts no probabilities for {task}")
    if task is Task.MULTICLASS:
        off = float(np.abs(scores.sum(axis=1) - 1).max())
        require(off < TOLERANCE, f"{family.name}: probabilities of the classes sum to 1 +- {off:.3g}")


def _check_encoder(
    family: Family[Any, Model], config: Any, task: Task, encoder: Encoder, dataset: Dataset, directory: Path
) -> None:
    folder = directory / "encoder"
    folder.mkdir()
    before = dict(encoder.encode(dataset))
    for name, array in before.items():
        require(len(array) == len(dataset), f"the input {name!r} has {len(array)} rows for {len(dataset)}")
    encoder.save(folder)
    head = encoder.encode(dataset.take(np.arange(3)))
    alike = all(head[n].shape == a[:3].shape and np.allclose(head[n], a[:3], atol=TOLERANCE) for n, a in before.items())
    require(alike, "a row's code depends on its batch: encode all rows to one shape, whatever comes with them")
    require(_same(encoder.encode(dataset), before), "encode changed the state of the encoder")
    again = family.encoder(config, task).load(folder)
    require(_same(again.encode(dataset), before), "an encoder that was saved and loaded encodes differently")


def _same(left: Mapping[str, NDArray[Any]], right: Mapping[str, NDArray[Any]]) -> bool:
    return left.keys() == right.keys() and all(
        left[name].dtype == right[name].dtype and np.array_equal(left[name], right[name]) for name in left
    )


def _check_saved(
    family: Family[Any, Model], config: Any, task: Task, fitted: Fit, test: Dataset, directory: Path
) -> None:
    (directory / "encoder").mkdir(parents=True)
    fitted.model.save(directory)
    fitted.encoder.save(directory / "encoder")
    pickles = sorted(str(file.relative_to(directory)) for file in _pickles(directory))
    require(not pickles, f"{family.name} saves pickle in {', '.join(pickles)}: use `genotool.persist`")
    encoder = family.encoder(config, task).load(directory / "encoder")
    model = family.load(directory)
    require(model.task == task, f"the loaded model says its task is {model.task}, it was saved for {task}")
    scores = np.asarray(model.predict(encoder.encode(test)))
    require(np.array_equal(scores, fitted.scores), f"{family.name}: a saved and loaded model predicts differently")
    halves = [test.take(part) for part in np.array_split(np.arange(len(test)), 2)]
    joined = np.concatenate([model.predict(encoder.encode(half)) for half in halves])
    require(np.allclose(joined, scores, atol=TOLERANCE), f"{family.name}: a row's prediction depends on its batch")


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
