"""What is checked of a foreign model file before Keras reads it: container, size, links, layers."""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from genotool.errors import InputError

__all__ = ["AGAIN", "LARGEST", "archive_config", "check_layers", "first_line", "hdf5_config"]

AGAIN = "save the whole model again with `model.save`, as .keras or .h5; only plain Keras layers are taken"
"""What to do about a model file that is refused."""
LARGEST = 2**30
"""Bytes of a file, and of what it unpacks to, at most."""
WIDEST = 2**14
"""Of any size that a layer's settings name: a hostile file could ask for more memory than there is."""
MEMBERS = {"metadata.json", "config.json", "model.weights.h5"}
FORBIDDEN = {"Lambda", "TFSMLayer", "JaxLayer", "FlaxLayer", "TorchModuleWrapper"}
FORBIDDEN |= {"TextVectorization", "StringLookup", "IntegerLookup"}  # may read a file that the settings name
SIZES = {"units", "filters", "input_dim", "output_dim", "depth_multiplier", "n", "size", "padding"}
SIZES |= {"target_shape", "batch_shape", "batch_input_shape"}
PACKAGES = {"keras", "autokeras", "builtins"}
"""Where a file may say that an object comes from; Keras imports what stands there."""


def hdf5_config(copy: Path, file: Path) -> Any:
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
        raise InputError(f"a damaged HDF5 file: {first_line(error)}", file=file, hint=AGAIN) from error


def _check_hdf5(stored: Any, file: Path) -> None:
    """Refuse links out of the file, data that are no plain numbers, and more data than a network has."""
    import h5py

    total, seen = 0, set()
    waiting = [stored]
    while waiting:
        group = waiting.pop()
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise InputError("the HDF5 file holds a link", file=file, value=name, hint=AGAIN)
            item = group[name]
            place = h5py.h5o.get_info(item.id).addr
            if place in seen:
                raise InputError("the HDF5 file holds one object under two names", file=file, value=name, hint=AGAIN)
            seen.add(place)
            if isinstance(item, h5py.Group):
                waiting.append(item)
                continue
            if item.external or item.is_virtual:
                raise InputError("the HDF5 file holds data that lie elsewhere", file=file, value=name, hint=AGAIN)
            total += math.prod(item.shape or ()) * item.dtype.itemsize
            if total > LARGEST:
                raise InputError(f"the HDF5 file unpacks to more than {LARGEST} bytes", file=file, hint=AGAIN)


def archive_config(copy: Path, file: Path) -> Any:
    """Return the network's JSON out of a ``.keras`` archive whose members and weights are checked."""
    import h5py

    try:
        with zipfile.ZipFile(copy) as archive:
            if not {"config.json", "model.weights.h5"} <= set(archive.namelist()) <= MEMBERS:
                raise InputError(
                    "no .keras archive of a plain network", file=file, value=sorted(archive.namelist())[:4], hint=AGAIN
                )
            if sum(item.file_size for item in archive.infolist()) > LARGEST:
                raise InputError(f"the archive unpacks to more than {LARGEST} bytes", file=file, hint=AGAIN)
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
        raise InputError(f"a damaged .keras archive: {first_line(error)}", file=file, hint=AGAIN) from error


def check_layers(config: Any, also: Collection[str], file: Path) -> tuple[int, ...]:
    """Refuse every object that is no plain Keras layer, or named in `also`; return the network's input shape.

    Raises
    ------
    InputError
        For a layer, function or size that is not allowed, or without an input shape.
    """
    import keras

    shape: tuple[int, ...] = ()
    for item in _objects(config):
        name = str(item["class_name"]).rpartition(">")[2]
        module = str(item.get("module") or "keras")
        if name in FORBIDDEN:
            raise InputError(f"the network holds a layer that is not allowed: {name}", file=file, hint=AGAIN)
        known = name in also or _is_keras(keras, name)
        if name == "function":
            known, name = _is_function(keras, item.get("config")), str(item.get("config"))
        if not known or module.split(".")[0] not in PACKAGES:
            raise InputError(
                "the network holds a layer that is unknown", file=file, value=f"{module}.{name}", hint=AGAIN
            )
        settings = item.get("config")
        if isinstance(settings, Mapping):
            _check_sizes(settings, file)
            if name == "InputLayer" and not shape:
                declared = settings.get("batch_shape") or settings.get("batch_input_shape") or ()
                shape = tuple(int(size) for size in declared[1:] if isinstance(size, int))
    if not shape:
        raise InputError("the network declares no input shape", file=file, hint=AGAIN)
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


def _is_keras(keras: Any, name: str) -> bool:
    """Whether a class name is one of Keras' own layers or settings."""
    if name in ("__keras_tensor__", "__tensor__", "__numpy__", "TensorShape", "__tuple__"):
        return True
    places: list[Any] = [keras, keras.layers, keras.initializers, keras.regularizers, keras.constraints]
    places += [
        keras.dtype_policies,
        keras.optimizers,
        keras.optimizers.schedules,
        keras.losses,
        keras.metrics,
    ]
    return name == "Functional" or any(isinstance(getattr(place, name, None), type) for place in places)


def _is_function(keras: Any, name: object) -> bool:
    """Whether a function that a setting names is one of Keras' own, such as an activation."""
    return isinstance(name, str) and any(
        callable(getattr(place, name, None)) for place in (keras.activations, keras.initializers, keras.losses)
    )


def _check_sizes(settings: Mapping[str, Any], file: Path) -> None:
    """Refuse settings that would take more memory than a guide network ever does."""
    for key in SIZES & set(settings):
        sizes = [size for size in _flat(settings[key]) if isinstance(size, int | float)]
        if math.prod(sizes) > WIDEST:
            raise InputError(f"a layer's {key} is more than {WIDEST}", file=file, value=settings[key], hint=AGAIN)


def _flat(value: Any) -> Iterator[Any]:
    if not isinstance(value, list | tuple):
        yield value
        return
    for item in value:
        yield from _flat(item)


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message; its type where it has none."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
