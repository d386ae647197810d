"""The model that ships: it predicts at once, says what it has seen, and gives the same scores on another backend."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from genotool.audit.verified import verify
from genotool.dataset import Dataset
from genotool.errors import UnavailableError

GUIDES = ("GACGTTACCGGATTACAGTCAGG", "GGGCATCAGCTACGACTACGTGG", "ATATATATGCGCGCGCTTTTCGG", "CCATGGTTAACGATCGATTAAGG")


def predicted(directory: Path, backend: str) -> np.ndarray:
    """Return the scores of four guides and a spacer, from a process on that backend."""
    table = directory / "guides.tsv"
    table.write_text("guide\n" + "\n".join([*GUIDES, "GACGTTACCGGATTACAGTC"]) + "\n")
    out = directory / f"{backend}.tsv"
    command = [sys.executable, "-m", "genotool", "predict", "sgrna", str(table), "-o", str(out), "--backend", backend]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("GENOTOOL", "KERAS"))}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line.split("\t") for line in out.read_text().splitlines()]
    assert json.loads(out.with_name(out.name + ".json").read_text())["versions"]["keras"]
    return np.array([float(line[lines[0].index("score")]) for line in lines[1:]])


@pytest.mark.keras
def test_a_model_trained_on_tensorflow_predicts_the_same_on_jax(tmp_path: Path) -> None:
    on_tensorflow, on_jax = predicted(tmp_path, "tensorflow"), predicted(tmp_path, "jax")
    np.testing.assert_allclose(on_tensorflow, on_jax, atol=1e-5)
    assert np.ptp(on_tensorflow) > 0.05, "the scores tell guides apart"
    assert on_tensorflow[0] != on_tensorflow[-1], "a spacer without PAM is encoded otherwise"


def test_the_folder_is_small_and_names_no_machine() -> None:
    from genotool.plugins import family
    from genotool.trained import open_trained

    folder = family("sgrna").shipped_model()  # type: ignore[attr-defined]
    assert sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) < 2_000_000
    record = json.loads((folder / "run.json").read_text())
    assert "host" not in record
    assert "cwd" not in record
    assert not any("/" in str(word) for word in record["command"])
    trained = open_trained("sgrna")
    assert trained.keys is not None
    assert len(trained.keys) >= record["split"]["rows"]["train"], "and the guides that only the sets beside it have"
    assert (folder / "MODEL_CARD.md").read_text().count("Spearman") >= 1


@pytest.mark.data
def test_the_shipped_model_has_seen_no_guide_of_the_cell_lines() -> None:
    from genotool import registry
    from genotool.audit import overlap_mask
    from genotool.trained import open_trained

    keys = open_trained("sgrna").keys
    assert keys is not None
    for line in ("hct116", "hela", "hl60", "hek293"):
        assert not overlap_mask(registry.load(line), keys, relations=("exact", "reverse_complement", "variant")).any()


def test_the_audit_sees_a_file_that_was_changed(tmp_path: Path) -> None:
    from genotool.plugins import family
    from genotool.run import Run

    def absent() -> Dataset:
        raise UnavailableError("not downloaded for a test")

    def found(folder: Path) -> dict[str, str]:
        return {item.code: item.severity for item in verify(Run.open(folder), absent).findings}

    folder = family("sgrna").shipped_model()  # type: ignore[attr-defined]
    assert set(found(folder)) == {"data-not-at-hand"}
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    card = copy / "MODEL_CARD.md"
    card.write_text(card.read_text().replace("HEK293T", "HeLa"))
    assert found(copy)["file-changed"] == "severe"
