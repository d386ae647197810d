"""The formats that a model may be saved in. No pickle is ever loaded, no code runs on loading.

Keras networks as ``.keras`` (safe mode, never compiled), LightGBM as text, scikit-learn through skops with a
fixed list of types, arrays as NPZ without objects, everything else as JSON.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genotool.errors import InputError
from genotool.run import DAMAGED, write_atomically

__all__ = [
    "load_arrays",
    "load_json",
    "load_network",
    "load_sklearn",
    "save_arrays",
    "save_json",
    "save_network",
    "save_sklearn",
]

MEMBERS = {"config.json", "model.weights.h5", "metadata.json"}
"""What a ``.keras`` archive of a plain network holds."""


TRUSTED_TYPES: list[str] = []
"""Types beyond skops' own safe list that a saved estimator may hold: none so far."""


def save_network(network: Any, file: Path) -> None:
    """Write a Keras network as ``.keras``: the same bytes of weights load on every backend."""
    temporary = file.with_name(f".{file.stem}.part.keras")
    network.save(temporary)
    temporary.replace(file)


def load_network(file: Path, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Read a ``.keras`` file: not compiled, no lambda, the archive checked first.

    Raises
    ------
    InputError
        If the file is missing, no such archive, damaged, or holds what is not allowed.
    """
    import keras

    if not file.is_file():
        raise InputError("the model file is missing", file=file, hint=DAMAGED)
    check_keras_archive(file)
    try:
        return keras.saving.load_model(file, custom_objects=custom_objects, compile=False, safe_mode=True)
    except Exception as error:  # keras raises many types for a damaged or foreign file
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise InputError(f"this .keras file cannot be loaded: {reason}", file=file, hint=DAMAGED) from error


def check_keras_archive(file: Path, largest: int = 2**31) -> None:
    """Check that a ``.keras`` file is a whole zip of the three known members and unpacks to a sane size."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = {item.filename for item in archive.infolist()}
            size = sum(item.file_size for item in archive.infolist())
            if size > largest:  # before anything is unpacked
                message = f"the .keras archive unpacks to {size} bytes, more than {largest}"
                raise InputError(message, file=file, hint="no model of genotool is that large: do not trust this file")
            damaged = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, EOFError) as error:
        raise InputError(f"not a .keras archive: {error}", file=file, hint=DAMAGED) from error
    if damaged or not {"config.json", "model.weights.h5"} <= names <= MEMBERS:
        raise InputError("a damaged .keras archive", file=file, value=damaged or sorted(names)[:3], hint=DAMAGED)


def save_arrays(file: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays as compressed NPZ."""
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise TypeError(f"{name} holds objects")
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **dict(arrays))  # type: ignore[arg-type]
    write_atomically(file, buffer.getvalue())


def load_arrays(file: Path) -> dict[str, NDArray[Any]]:
    """Read an NPZ file without objects; InputError if it is damaged."""
    try:
        with np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, TypeError, zipfile.BadZipFile, zlib.error, KeyError, EOFError) as error:
        why = "it holds pickled objects, which are never loaded" if "pickle" in str(error) else error
        raise InputError(f"not an NPZ file of plain arrays: {why}", file=file, hint=DAMAGED) from error


def save_json(file: Path, content: Any) -> None:
    """Write JSON that `load_json` reads back."""
    write_atomically(file, json.dumps(content, indent=1, allow_nan=False) + "\n")


def load_json(file: Path) -> Any:
    """Read a JSON file; InputError if it is missing or damaged."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"not readable as JSON: {error}", file=file, hint=DAMAGED) from error


def save_sklearn(estimator: Any, file: Path) -> None:
    """Write a scikit-learn estimator through skops."""
    import skops.io

    write_atomically(file, skops.io.dumps(estimator))


def load_sklearn(file: Path) -> Any:
    """Read an estimator that `save_sklearn` wrote; InputError for any type outside the fixed list."""
    import skops.io

    try:
        return skops.io.load(file, trusted=TRUSTED_TYPES)
    except Exception as error:  # skops raises many types for a foreign or hostile file
        raise InputError(f"not an estimator that may be loaded: {error}", file=file, hint=DAMAGED) from error
