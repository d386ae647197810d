"""The example plugin: under 60 lines, the one in the docs, and at work once it is installed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from genotool.dataset import Kind, Task
from genotool.testing import check_family, toy_dataset

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/genotool-nearest"
SOURCES = sorted((EXAMPLE / "src/genotool_nearest").glob("*.py"))


def test_it_is_under_sixty_lines() -> None:
    assert sum(len(file.read_text().splitlines()) for file in SOURCES) < 60


def test_the_docs_hold_the_very_same_source() -> None:
    page = (ROOT / "docs/writing-a-family.md").read_text()
    blocks = re.findall(r"```(?:python|toml)\n(.*?)```", page, flags=re.DOTALL)
    for file in [*SOURCES, EXAMPLE / "tests/test_conformance.py"]:
        assert file.read_text() in blocks, f"docs/writing-a-family.md holds another {file.name}"


def test_its_only_dependency_is_genotool() -> None:
    import tomllib

    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    assert project["dependencies"] == ["genotool"]


def test_it_conforms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLE / "src"))
    from genotool_nearest.family import Nearest

    check_family(Nearest(), tmp_path, plugin="genotool_nearest")


def test_installed_it_is_a_family_like_any_other(tmp_path: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        pytest.skip("uv is not in this environment: `make build` puts it there")
    target = tmp_path / "site"
    build = [
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "--offline",
        "--target",
        target,
        EXAMPLE,
    ]
    done = subprocess.run([uv, *build, "--python", sys.executable], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = toy_dataset(Kind.SEQUENCES, Task.BINARY)
    cells = zip(rows.columns["sequence"], rows.target.tolist(), strict=True)
    (tmp_path / "data.tsv").write_text("sequence\tlabel\n" + "".join(f"{s}\t{t}\n" for s, t in cells))
    words = [
        "train",
        "nearest",
        "data.tsv",
        "-o",
        "run",
        "--no-floors",
        "--threads",
        "1",
        "--neighbours",
        "3",
    ]
    environment = {**os.environ, "PYTHONPATH": str(target)}
    command = [sys.executable, "-m", "genotool", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert "ROC-AUC" in done.stdout
    assert (tmp_path / "run/model.npz").is_file()
