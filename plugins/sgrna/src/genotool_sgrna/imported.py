"""Foreign model files: an existing AutoKeras ``.h5`` or ``.keras`` network over one-hot guides.

The file is not trusted. Its container, its size and every layer that its JSON names are checked before
Keras reads it; it is read from a private copy, in safe mode, without compiling. No lambda, no pickle, no
module of the file's choice is ever loaded. AutoKeras is not needed: its layers have plain ones for equals.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from genotool.errors import InputError, UsageError
from genotool.family import ImportedModel
from genotool.frameworks.keras import KerasModel, start

from genotool_sgrna.adapted import adapters, in_front, single_output
from genotool_sgrna.architecture import CHANNELS
from genotool_sgrna.encoder import GUIDE, GuideEncoder
from genotool_sgrna.untrusted import AGAIN, LARGEST, archive_config, check_layers, first_line, hdf5_config

__all__ = ["import_model"]

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
    guide, front = keras.layers.Input((GUIDE, CHANNELS), name="guide"), adapters(keras, found, file)
    try:
        model = KerasModel(in_front(keras, network, guide, front), task)
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"this network cannot be rebuilt: {first_line(error)}", file=file, hint=AGAIN) from error
    _check_numbers(model, file)
    return ImportedModel(model, GuideEncoder(), task, (*NOTES, f"the file's input is {found}"))


def _read(file: Path) -> Any:
    """Return the network of a checked private copy of the file."""
    if file.stat().st_size > LARGEST:
        raise InputError(f"larger than {LARGEST} bytes: no guide network", file=file, hint=AGAIN)
    with tempfile.TemporaryDirectory() as folder:
        with file.open("rb") as handle:
            magic = handle.read(8)
        kinds = {b"\x89HDF\r\n\x1a\n": ".h5", **({magic: ".keras"} if magic[:4] == b"PK\x03\x04" else {})}
        if magic not in kinds:
            raise InputError("neither an HDF5 file nor a .keras archive", file=file, value=magic, hint=AGAIN)
        copy = Path(folder) / f"model{kinds[magic]}"
        shutil.copyfile(file, copy)
        config = hdf5_config(copy, file) if kinds[magic] == ".h5" else archive_config(copy, file)
        try:
            shape = check_layers(config, STAND_INS, file)
        except (ValueError, TypeError, AttributeError) as error:
            raise InputError(f"no network's settings: {first_line(error)}", file=file, hint=AGAIN) from error
        return _load(copy, shape, file)


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
    objects: dict[str, type] = dict(STAND_INS) | {"ExpandLastDim": type("Expand", (_Expand,), {"shape": shape})}
    packages = ("", "Custom>", "autokeras>")
    try:
        with keras.saving.custom_object_scope(
            {f"{package}{name}": objects[name] for package in packages for name in objects}
        ):
            network = keras.saving.load_model(copy, compile=False, safe_mode=True)
        return keras.Model(network.inputs, network.outputs, name="imported")
    except Exception as error:  # keras raises many types for a damaged or foreign file
        raise InputError(f"this network cannot be loaded: {first_line(error)}", file=file, hint=AGAIN) from error


def _check_numbers(model: KerasModel, file: Path) -> None:
    """Refuse weights or predictions that are no finite numbers."""
    if not all(np.isfinite(weight).all() for weight in model.network.get_weights()):
        raise InputError("the network's weights are not all finite numbers", file=file, hint=AGAIN)
    bases = np.random.default_rng(0).integers(0, CHANNELS, (8, GUIDE))
    predicted = model.predict({"guide": np.eye(CHANNELS, dtype=np.uint8)[bases]})
    if predicted.shape != (8,) or not np.isfinite(predicted).all():
        raise InputError("the network does not predict a finite number a guide", file=file, hint=AGAIN)
