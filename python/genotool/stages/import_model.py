"""import-model: make a run folder from a model file that another tool wrote."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from genotool import config as configs
from genotool.errors import UnsupportedStageError, UsageError
from genotool.family import Family, Imports, Model
from genotool.run import Run

__all__ = ["import_model"]


def import_model(family: Family[Any, Model], file: Path, config: Any, *, out: Path, overwrite: bool = False) -> Run:
    """Read a foreign model file; return a run folder that predicts and transfers, stamped "overlap unknown".

    Raises
    ------
    UnsupportedStageError
        If the family reads no foreign models.
    InputError
        If the file is not one that it understands; nothing is written then.
    """
    if not isinstance(family, Imports):
        raise UnsupportedStageError(f"the family {family.name} imports no models")
    if not file.is_file():
        said = "no such model file" if not file.exists() else "is no file"
        raise UsageError(f"{file}: {said}", hint="name the .keras or .h5 file")
    imported = family.import_model(file, config)
    run = Run.create(
        out,
        verb="import-model",
        family=family.name,
        task=imported.task.value,
        config=configs.to_mapping(config),
        overwrite=overwrite,
    )
    with run:
        imported.model.save(run.path)
        imported.encoder.save(run.folder("encoder"))
        run.update(
            source={"file": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()},
            overlap="unknown",
            notes=list(imported.notes),
            threshold=0.5,
        )
    return run
