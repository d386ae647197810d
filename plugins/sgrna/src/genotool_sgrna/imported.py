"""Foreign model files: an existing AutoKeras ``.h5`` or ``.keras`` network over one-hot guides.

The file is not trusted. Its container, its size and every layer that its JSON names are checked before
Keras reads it; it is read from a private copy, in safe mode, without compiling. No lambda, no pickle, no
module of the file's choice is ever loaded. AutoKeras is not needed: its layers have plain ones for equals.
"""

from __future__ import annotations

import json
import math
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from genotool.errors import InputError, UsageError
from genotool.family import ImportedModel
from genotool.frameworks.keras import KerasModel, start

from genotool_sgrna.adapted import adapters, in_front, single_output
from genotool_sgrna.architecture import CHANNELS
from genotool_sgrna.encoder import GUIDE, GuideEncoder

__all__ = ["import_model"]

LARGEST = 2**30
"""Bytes of a file, and of what it unpacks to, at most."""
WIDEST = 2**14
"""Of any size that a layer's settings name: a hostile file could ask for more memory than there is."""
MEMBERS = {"metadata.json", "config.json", "model.weights.h5"}
FORBIDDEN = {
    "Lambda",
    "TFSMLayer",
    "JaxLayer",
    "FlaxLayer",
    "TorchModuleWrapper",
    "TextVectorization",
    "Hashing",
}
SIZES = {"units", "filters", "input_dim", "output_dim", "depth_multiplier", "n", "size", "target_shape"}
NOTES = (
    "base order assumed A C G T, row by row from the 5' end",
    "what the network was trained on is unknown",
)


def import_model(file: Path) -> ImportedModel:
    """Read an AutoKeras or Keras network over one-hot guides; its input becomes ``guide`` (n, 23, 4).

    A sigmoid or two-class softmax output makes the task binary, one linear unit regression.

    Raises
    ------
    UsageError
        If there is no such file.
    InputError
        If the file is damaged, is no such network, holds what is not allowed, or predicts no finite numbers.
    """
    if not file.is_file():
        raise UsageError(f"{file}: no such file" if not file.exists() else f"{file}: not a file")
    network = _read(file)
    keras = start(0)
    found = tuple(network.inputs[0].shape[1:]) if len(network.inputs) == 1 else None
    network, task = single_output(keras, network, file)
    guide = keras.layers.Input((GUIDE, CHANNELS), name="guide")
    network = in_front(keras, network, guide, adapters(keras, found, file))
    model = KerasModel(network, task)
    _check_numbers(model, file)
    return ImportedModel(model, GuideEncoder(), task, (*NOTES, f"the file's input is {found}"))


# -- the container -----------------------------------------------------------------------------------------


def _read(file: Path) -> Any:
    """Return the network of a checked private copy of the file."""
    if file.stat().st_size > LARGEST:
        raise InputError(f"larger than {LARGEST} bytes: no guide network", file=file)
    with tempfile.TemporaryDirectory() as folder:
        with file.open("rb") as handle:
            magic = handle.read(8)
        kinds = {b"\x89HDF\r\n\x1a\n": ".h5", **({magic: ".keras"} if magic[:4] == b"PK\x03\x04" else {})}
        if magic not in kinds:
            raise InputError("neither an HDF5 file nor a .keras archive", file=file, value=magic)
        copy = Path(folder) / f"model{kinds[magic]}"
        shutil.copyfile(file, copy)
        config = _hdf5_config(copy, file) if kinds[magic] == ".h5" else _archive_config(copy, file)
        shape = _check_layers(config, file)
        return _load(copy, shape, file)


def _hdf5_config(copy: Path, file: Path) -> Any:
    """Return the network's JSON out of an HDF5 file whose content is checked for size and for links."""
    import h5py

    try:
        with h5py.File(copy, "r") as stored:
            text = stored.attrs.get("model_config")
            if text is None or "model_weights" not in stored:
                raise InputError(
                    "this HDF5 file holds no network (no model_config with model_weights)",
                    file=file,
                    hint="weights alone cannot be imported: save the whole model",
                )
            _check_hdf5(stored, file)
            return json.loads(text)
    except (OSError, KeyError, RuntimeError, ValueError, RecursionError) as error:
        raise InputError(f"a damaged HDF5 file: {_first_line(error)}", file=file) from error


def _check_hdf5(stored: Any, file: Path) -> None:
    """Refuse links out of the file, data that are no plain numbers, and more data than a network has."""
    import h5py

    total = 0
    waiting = [stored]
    while waiting:
        group = waiting.pop()
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise InputError("the HDF5 file holds a link", file=file, value=name)
            item = group[name]
            if isinstance(item, h5py.Group):
                waiting.append(item)
                continue
            if item.external or item.is_virtual:
                raise InputError("the HDF5 file holds data that lie elsewhere", file=file, value=name)
            total += math.prod(item.shape or ()) * item.dtype.itemsize
            if total > LARGEST:
                raise InputError(f"the HDF5 file unpacks to more than {LARGEST} bytes", file=file)


def _archive_config(copy: Path, file: Path) -> Any:
    """Return the network's JSON out of a ``.keras`` archive whose members and weights are checked."""
    import h5py

    try:
        with zipfile.ZipFile(copy) as archive:
            if not {"config.json", "model.weights.h5"} <= set(archive.namelist()) <= MEMBERS:
                raise InputError(
                    "no .keras archive of a plain network", file=file, value=sorted(archive.namelist())[:4]
                )
            if sum(item.file_size for item in archive.infolist()) > LARGEST:
                raise InputError(f"the archive unpacks to more than {LARGEST} bytes", file=file)
            weights = Path(archive.extract("model.weights.h5", copy.parent))
            with h5py.File(weights, "r") as stored:
                _check_hdf5(stored, file)
            return json.loads(archive.read("config.json"))
    except (
        zipfile.BadZipFile,
        OSError,
        EOFError,
        KeyError,
        RuntimeError,
        ValueError,
        RecursionError,
    ) as error:
        raise InputError(f"a damaged .keras archive: {_first_line(error)}", file=file) from error


# -- the layers --------------------------------------------------------------------------------------------


def _check_layers(config: Any, file: Path) -> tuple[int, ...]:
    """Refuse every object that is no plain Keras or AutoKeras layer; return the network's input shape."""
    import keras

    shape: tuple[int, ...] = ()
    for item in _objects(config):
        name = str(item["class_name"]).rpartition(">")[2]
        module = str(item.get("module") or "keras")
        if name in FORBIDDEN:
            raise InputError(f"the network holds a layer that is not allowed: {name}", file=file)
        if name not in STAND_INS and not _is_keras(keras, name, module):
            raise InputError("the network holds a layer that is unknown", file=file, value=f"{module}.{name}")
        settings = item.get("config")
        if isinstance(settings, Mapping):
            _check_sizes(settings, file)
            if name == "InputLayer" and not shape:
                declared = settings.get("batch_shape") or settings.get("batch_input_shape") or ()
                shape = tuple(int(size) for size in declared[1:] if isinstance(size, int))
    if not shape:
        raise InputError("the network declares no input shape", file=file)
    return shape


def _objects(config: Any, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """Yield every dictionary with a class name, at any depth."""
    if depth > 60:
        raise ValueError("nested too deeply")
    if isinstance(config, Mapping):
        if "class_name" in config:
            yield config
        for value in config.values():
            yield from _objects(value, depth + 1)
    elif isinstance(config, Sequence) and not isinstance(config, str):
        for value in config:
            yield from _objects(value, depth + 1)


def _is_keras(keras: Any, name: str, module: str) -> bool:
    """Whether a class name is one of Keras' own layers or settings, in a place of Keras' own."""
    if name in ("__keras_tensor__", "__tensor__", "__numpy__", "TensorShape", "__tuple__"):
        return True
    if module == "builtins":
        return name == "function"
    if module.split(".")[0] != "keras":
        return False
    places: list[Any] = [keras, keras.layers, keras.initializers, keras.regularizers, keras.constraints]
    places += [
        keras.dtype_policies,
        keras.optimizers,
        keras.optimizers.schedules,
        keras.losses,
        keras.metrics,
    ]
    return name == "Functional" or any(isinstance(getattr(place, name, None), type) for place in places)


def _check_sizes(settings: Mapping[str, Any], file: Path) -> None:
    for key in SIZES & set(settings):
        sizes = settings[key] if isinstance(settings[key], list) else [settings[key]]
        if any(isinstance(size, int | float) and size > WIDEST for size in sizes):
            raise InputError(f"a layer's {key} is more than {WIDEST}", file=file, value=settings[key])


class _Cast:
    """``CastToFloat32`` of AutoKeras: the input is float32 already."""

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        import keras

        return keras.layers.Identity(name=config.get("name"))


class _Encoding(_Cast):
    """``MultiCategoryEncoding`` of AutoKeras 1: understood where every column is a number taken as it is."""

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        if any(kind not in ("none", b"none") for kind in config.get("encoding", [])):
            raise ValueError("MultiCategoryEncoding that looks columns up in a table is not understood")
        return super().from_config(config)


class _Expand:
    """``ExpandLastDim`` of AutoKeras, which follows the input."""

    shape: tuple[int, ...] = ()

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        import keras

        return keras.layers.Reshape((*cls.shape, 1), name=config.get("name"))


STAND_INS: Mapping[str, type] = {
    "CastToFloat32": _Cast,
    "MultiCategoryEncoding": _Encoding,
    "ExpandLastDim": _Expand,
}
"""AutoKeras' own layers, and what makes the plain Keras layer that equals each."""


def _load(copy: Path, shape: tuple[int, ...], file: Path) -> Any:
    """Return the network as plain Keras layers; any error of Keras about a foreign file becomes one line."""
    keras = start(0)
    objects: dict[str, type] = dict(STAND_INS) | {
        "ExpandLastDim": type("Expand", (_Expand,), {"shape": shape})
    }
    packages = ("", "Custom>", "autokeras>")
    try:
        with keras.saving.custom_object_scope(
            {f"{package}{name}": objects[name] for package in packages for name in objects}
        ):
            network = keras.saving.load_model(copy, compile=False, safe_mode=True)
        return keras.Model(network.inputs, network.outputs, name="imported")
    except Exception as error:  # keras raises many types for a damaged or foreign file
        raise InputError(f"this network cannot be loaded: {_first_line(error)}", file=file) from error


def _check_numbers(model: KerasModel, file: Path) -> None:
    """Refuse weights or predictions that are no finite numbers."""
    if not all(np.isfinite(weight).all() for weight in model.network.get_weights()):
        raise InputError("the network's weights are not all finite numbers", file=file)
    bases = np.random.default_rng(0).integers(0, CHANNELS, (8, GUIDE))
    predicted = model.predict({"guide": np.eye(CHANNELS, dtype=np.uint8)[bases]})
    if predicted.shape != (8,) or not np.isfinite(predicted).all():
        raise InputError("the network does not predict a finite number a guide", file=file)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
