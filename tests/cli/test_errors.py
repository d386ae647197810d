"""Errors: one line and a hint on stderr, nothing on stdout, the exit code of the table in docs/errors.md."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from genotool.cli import main as cli
from genotool.dataset import Kind, Task
from genotool.errors import (
    AuditFindingError,
    GenotoolError,
    InputError,
    StoppedError,
    TrainingError,
    UnavailableError,
    UnsupportedStageError,
    UsageError,
    nearest,
)
from genotool.testing import toy_dataset

ROWS = toy_dataset(Kind.GUIDES, Task.BINARY)
GUIDES = "guide\tlabel\n" + "".join(
    f"{guide}\t{code}\n" for guide, code in zip(ROWS.columns["guide"], ROWS.target.tolist(), strict=True)
)


@pytest.fixture
def guides(tmp_path: Path) -> Path:
    file = tmp_path / "guides.tsv"
    file.write_text(GUIDES)
    return file


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["trian", "sgrna", "x.tsv"], "did you mean 'train'?"),
        (["train", "sgnra", "x.tsv"], "did you mean 'sgrna'?"),
        (["run", "sgnra"], "did you mean 'sgrna'?"),
        (["run", "sgrna", "--data", "demo", "--cell", "HTC116"], "did you mean 'HCT116'?"),
        (["train", "sgrna", "demo", "--training-epoch", "3"], "--training-epochs"),
        (["train", "sgrna", "demo", "--set", "drpout=0.1"], "did you mean 'dropout'?"),
        (["train", "sgrna", "demo", "--set", "dropout"], "key=value"),
        (["run", "sgrna", "--data", "demo", "--set", "drpout=0.1", "-o", "x"], "did you mean 'dropout'?"),
        (["run", "sgrna", "--data", "demo", "--set", "training.epochs=x", "-o", "x"], "takes int"),
        (["train", "sgrna", "demo", "--training-epochs", "many"], "takes int"),
        (["train", "sgrna", "demo", "--training-epochs", "0"], "must be >= 1"),
        (["train", "sgrna", "demo", "--split", "gruop", "-o", "x"], "group"),
        (["train", "sgrna", "demo", "--test-share", "1.5"], "leave no training rows"),
        (["train", "sgrna", "demo", "--overlap", "dorp", "-o", "x"], "drop"),
        (["train", "sgrna"], "Missing argument"),
        (["audit", "demo", "--fail-on", "sever"], "severe"),
        (["evaluate", "no-such-run"], "known"),
        (["predict", "no-such-run", "x.tsv"], "known"),
        (["train", "sgrna", "missing/guides.tsv", "-o", "x"], "missing/guides.tsv"),
        (["audit", "hct1116", "--data-dir", "DEMO"], "unknown data set"),
        (["report", "no-such-run"], "no such run folder"),
        (["run", "--resume"], "takes a run folder"),
    ],
)
def test_a_wrong_word_exits_2_and_names_what_is_right(words: list[str], hint: str, genotool, tmp_path) -> None:
    os.chdir(tmp_path)
    from genotool.registry import shipped_folder

    words = [str(shipped_folder()) if word == "DEMO" else word for word in words]
    done = genotool(*words)
    assert done.returncode == 2, done.stderr
    assert hint in done.stderr
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []  # nothing was begun


def with_cell(row: int, column: int, cell: str) -> bytes:
    """Return the good file with another cell; rows as an editor counts them."""
    lines = [line.split("\t") for line in GUIDES.splitlines()]
    lines[row - 1][column] = cell
    return "".join("\t".join(line) + "\n" for line in lines).encode()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (with_cell(7, 0, "ACGTACGTXCGTACGTACGTAGG"), "row 7: 'X' in the column 'guide' is no base (found 'ACGTACGTX"),
        (with_cell(7, 0, "ACGTACGTACGTACGTACGTA"), "row 7: 21 nt cannot be a guide (found 'ACGTACGTACGTACGTACGTA')"),
        (with_cell(7, 1, "2"), "row 7: the column 'label' may hold 0 or 1 only (found '2')"),
        (with_cell(7, 1, "2\t3"), "row 7: 3 cells where the header has 2"),
        (with_cell(1, 1, "guide"), "row 1: two columns have the same name (found 'guide')"),
        (
            with_cell(1, 1, "efficacy").replace(b"\t0", b"\t0.5").replace(b"\t1", b"\tinf", 1),
            "NaN or infinity (found 'inf')",
        ),
        (with_cell(1, 1, "efficacy").replace(b"\t0", b"\t0.5").replace(b"\t1", b"\t-1e308", 1), "(found '-1e308')"),
        (GUIDES.partition("\n")[0].encode(), "no data row"),
        (GUIDES.partition("\n")[2].encode(), "row 1: a header row is needed"),
        (GUIDES.encode("utf-16"), "UTF-16"),
        (GUIDES.encode() * 40 + b"\0\0", "binary file"),
        (b"guide\tlabel\nACGTACGTACGTACGTACGTAGG\t1\nACGTACGTACGTACGUACGTAGG\t0\n", "row 3"),
        (b"guide\tlabel\nACGTACGTACGTACGTACGTAGG\t1\nACGT\t0\n", "row 3"),
        (b"\x7fELF\x02\x01\x01\x00" + bytes(range(256)), ""),
        (b"name\tvalue\nx\t1\n", "column"),
        (GUIDES.replace("\t0", "\t1").encode(), "one class"),
    ],
)
def test_wrong_content_exits_3_and_names_the_file(content: bytes, said: str, genotool, tmp_path: Path) -> None:
    file = tmp_path / "bad.tsv"
    file.write_bytes(content)
    done = genotool("train", "sgrna", file, "-o", tmp_path / "run")
    assert done.returncode == 3, done.stderr
    first, *rest = done.stderr.splitlines()
    assert first.startswith(f"error: {file}") or not said.startswith("row")
    assert "bad" in first
    assert said in first
    assert [line[:6] for line in rest] == ["hint: "]
    assert done.stdout == ""
    assert not (tmp_path / "run").exists()


def test_a_config_file_that_is_wrong_exits_3(genotool, guides: Path, tmp_path: Path) -> None:
    for text, said in (
        ("dropuot = 0.1\n", "did you mean 'dropout'"),
        ("dropout = 2.0\n", "< 1"),
        ("a = [", "TOML"),
    ):
        file = tmp_path / "settings.toml"
        file.write_text(text)
        done = genotool("train", "sgrna", guides, "-c", file, "-o", tmp_path / "run")
        assert done.returncode == 3, done.stderr
        assert f"{file}: " in done.stderr
        assert said in done.stderr
    assert genotool("train", "sgrna", guides, "-c", tmp_path / "none.toml").returncode == 2


def test_what_is_not_at_hand_exits_4(genotool, guides: Path, tmp_path: Path, monkeypatch) -> None:
    from genotool import process

    monkeypatch.setattr(process, "cuda_present", lambda: False)
    done = genotool("train", "sgrna", guides, "--device", "cuda", "-o", tmp_path / "run")
    assert done.returncode == 4
    assert "--device cpu" in done.stderr
    monkeypatch.setattr(process.importlib.util, "find_spec", lambda _: None)
    assert genotool("train", "sgrna", guides, "--backend", "torch", "-o", tmp_path / "run").returncode == 4
    assert not (tmp_path / "run").exists()


def test_an_audit_finding_exits_5_and_still_shows_it(genotool, guides: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.tsv"
    copy.write_text(GUIDES)
    done = genotool("audit", guides, copy)
    assert done.returncode == 5, done.stderr
    assert "guides" in done.stdout
    assert genotool("audit", guides, copy, "--fail-on", "none").returncode == 0


def test_an_existing_folder_exits_2_and_stays(genotool, guides: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/notes.txt").write_text("mine")
    for flags in ([], ["--overwrite"]):
        done = genotool("train", "sgrna", guides, "-o", tmp_path / "run", *flags)
        assert done.returncode == 2, done.stderr
        assert (tmp_path / "run/notes.txt").read_text() == "mine"


def test_a_folder_that_cannot_be_written_exits_1(genotool, guides: Path) -> None:
    done = genotool("train", "sgrna", guides, "-o", guides / "run")
    assert done.returncode == 1, done.stderr
    assert "cannot be written" in done.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (GenotoolError("disk full"), 1),
        (UsageError("bad", hint="good"), 2),
        (UnsupportedStageError("no"), 2),
        (InputError("wrong", file="f.tsv", row=3, value="X"), 3),
        (UnavailableError("absent"), 4),
        (AuditFindingError("leak"), 5),
        (TrainingError("diverged"), 1),
        (StoppedError("stopped", exit_code=75), 75),
        (StoppedError("stopped", exit_code=130), 130),
        (KeyboardInterrupt(), 130),
        (MemoryError(), 1),
        (OSError(28, "No space left on device", "out.tsv"), 1),
        (ZeroDivisionError("division by zero"), 1),
    ],
)
def test_each_error_has_its_exit_code(error: BaseException, code: int, genotool, monkeypatch) -> None:
    def fails(*_args: object, **_kwargs: object) -> None:
        raise error

    monkeypatch.setattr(cli, "app", fails)
    done = genotool("doctor")
    assert done.returncode == code
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
    assert "Traceback" in genotool("doctor", "-vv").stderr


def test_the_line_names_file_row_value_and_hint() -> None:
    error = InputError("no base", file="g.tsv", row=3, value="X" * 90, hint="use A, C, G, T")
    first, second = str(error).splitlines()
    assert first.startswith("g.tsv, row 3: no base (found 'XXXX")
    assert len(first) < 100
    assert second == "hint: use A, C, G, T"


def test_an_error_is_one_line_whatever_a_file_holds(tmp_path: Path) -> None:
    error = InputError("no base", file=tmp_path / "a\nb\x1b[31m.tsv", value="\x07", hint="of\tthe columns \u202e")
    assert error.message.endswith(r"a\nb\x1b[31m.tsv: no base (found '\x07')")
    assert error.hint == r"of\tthe columns \u202e"
    assert len(UsageError("x" * 10_000).message) == 2000
    assert nearest("x", map(str, range(20_000))).endswith(", … (20000 in all)")


def test_a_closed_pipe_is_no_error() -> None:
    command = f"{sys.executable} -m genotool --help | head -c 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.stderr == ""
