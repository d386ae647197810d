"""`genotool replay`: a run made again from its run.json gives the same bytes; a changed one is caught."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def run(genotool, tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        rows = ["".join(rng.choice(list("ACGT"), 21)) + "GG" for _ in range(200)]
        lines = [f"{guide}\t{rng.random():.3f}\tgene{number % 40}" for number, guide in enumerate(rows)]
        (tmp_path / f"{name}.tsv").write_text("guide\tefficacy\tgene\n" + "\n".join(lines) + "\n")
    out = tmp_path / "compared"
    done = genotool("sgrna", "compare", tmp_path / "a.tsv", tmp_path / "b.tsv", "--permutations", 99, "-o", out)
    assert done.returncode == 0, done.stderr
    return out


def test_the_same_bytes_again(genotool, run: Path, tmp_path: Path) -> None:
    done = genotool("replay", run, "-o", tmp_path / "again", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["word"], found["files"], found["versions"], found["data"]) == ("same", [], {}, [])
    assert found["same_files"] >= 2
    assert json.loads((tmp_path / "again/replay.json").read_text()) == found


def test_a_changed_result_and_changed_data_are_named(genotool, run: Path, tmp_path: Path) -> None:
    table = run / "stats.tsv"
    table.write_text(table.read_text().replace("gc", "at", 1))
    done = genotool("replay", run, "-o", tmp_path / "again")
    assert done.returncode == 5
    assert "stats.tsv: content" in done.stdout
    data = tmp_path / "a.tsv"
    data.write_text(data.read_text().replace("gene1\n", "gene2\n", 1))
    done = genotool("replay", run, "-o", tmp_path / "more")
    assert "the content of a is no longer what it was" in done.stdout


def test_nothing_that_lies_in_the_recorded_folder_is_run(genotool, run: Path, tmp_path: Path) -> None:
    """`python -m` would import a package `genotool` from the working folder, which a foreign run.json may name."""
    (run / "genotool").mkdir()
    (run / "genotool/__init__.py").write_text("")
    (run / "genotool/__main__.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()")
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**record, "cwd": str(run)}))
    genotool("replay", run, "-o", tmp_path / "again")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "command", [["genotool", "sgrna", "compare", "--resume", "victim"], ["genotool", "train", "x"], ["genotool"], None]
)
def test_only_the_command_that_made_the_run_is_run(genotool, run: Path, tmp_path: Path, command: object) -> None:
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**record, "command": command}))
    done = genotool("replay", run, "-o", tmp_path / "again")
    assert done.returncode == 3
    assert "no command that can be run again" in done.stderr


def test_an_unfinished_run_is_not_replayed(genotool, run: Path, tmp_path: Path) -> None:
    (run / "DONE").unlink()
    done = genotool("replay", run, "-o", tmp_path / "again")
    assert done.returncode == 3
    assert "not finished" in done.stderr
    assert not (tmp_path / "again").exists()
