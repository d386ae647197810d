"""What verbs print and write: results on stdout, the rest on stderr; dry runs; settings; resuming."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples/genotool-nearest/src"
pytestmark = pytest.mark.usefixtures("nearest_family")


def test_print_config_reads_back(genotool, toy_table: Path, tmp_path: Path) -> None:
    shown = genotool(
        "train", "sgrna", toy_table, "--print-config", "--dropout", "0.2", "--set", "search.trials=3", "--seed", 7
    )
    assert shown.returncode == 0, shown.stderr
    settings = tomllib.loads(shown.stdout)
    assert (settings["dropout"], settings["search"]["trials"], settings["seed"]) == (0.2, 3, 7)
    file = tmp_path / "settings.toml"
    file.write_text(shown.stdout)
    assert genotool("train", "sgrna", toy_table, "-c", file, "--seed", 7, "--print-config").stdout == shown.stdout
    overridden = genotool("train", "sgrna", toy_table, "-c", file, "--dropout", "0.5", "--print-config")
    assert tomllib.loads(overridden.stdout)["dropout"] == 0.5


def test_the_steps_of_a_dry_run_are_commands(genotool, tmp_path: Path) -> None:
    os.chdir(tmp_path)
    shown = genotool("run", "sgrna", "--cell", "HCT116", "--data", "demo", "--dry-run", "--seed", 5)
    assert shown.returncode == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert all(line.startswith("genotool ") for line in lines)
    assert [line.split()[1] for line in lines][:2] == ["audit", "train"]
    assert any(line.startswith("genotool transfer RUN/steps/02-train-benchmark ") for line in lines)
    assert all(" --seed 5" in line for line in lines)
    assert list(tmp_path.iterdir()) == []


def test_a_switch_takes_no_value_and_a_list_may_be_repeated(genotool) -> None:
    words = [
        "run",
        "sgrna",
        "--search",
        "--trials",
        3,
        "--no-joint",
        "--cell",
        "HeLa",
        "--cell",
        "HL60,hek293",
    ]
    settings = tomllib.loads(genotool(*words, "--print-config").stdout)
    assert (settings["search"], settings["joint"], settings["trials"]) == (True, False, 3)
    assert settings["cell"] == ["HeLa", "HL60", "hek293"]
    assert tomllib.loads(genotool("run", "sgrna", "--print-config").stdout)["cell"] == ["HCT116"]


def test_one_seed_for_everything(genotool, toy_table: Path) -> None:
    assert genotool("train", "sgrna", "--help").stdout.count("--seed ") == 1
    done = genotool("train", "sgrna", toy_table, "--set", "seed=3")
    assert done.returncode == 2
    assert "--seed" in done.stderr


@pytest.mark.parametrize("balance", ["under", "smoten", "weights"])
def test_a_model_of_balanced_classes_is_evaluated_and_predicts(
    genotool, toy_table: Path, tmp_path: Path, balance: str
) -> None:
    lines = toy_table.read_text().splitlines()
    scarce = [line for number, line in enumerate(lines) if "\t1\t" not in line or number % 3]
    toy_table.write_text("\n".join(scarce) + "\n")
    run = tmp_path / "run"
    words = ("train", "nearest", toy_table, "--balance", balance, "--test-share", 0.3, "--no-floors", "-o", run)
    done = genotool(*words)
    assert done.returncode == 0, done.stderr
    own = json.loads((run / "metrics.json").read_text())["test"]["metrics"]["brier"]["value"]
    done = genotool("evaluate", run, "--no-floors", "-o", tmp_path / "evaluated", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["test"]["metrics"]["brier"]["value"] == pytest.approx(own, abs=1e-5)
    assert genotool("predict", run, toy_table).returncode == 0


def test_results_on_stdout_the_rest_on_stderr(genotool, toy_table: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    done = genotool("train", "nearest", toy_table, "-o", run, "--no-floors", "--threads", 1, "--json")
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert printed["run"] == str(run)
    assert printed["test"]["metrics"] == json.loads((run / "metrics.json").read_text())["test"]["metrics"]

    done = genotool("evaluate", run, "--no-floors", "-o", tmp_path / "evaluated")
    assert done.returncode == 0, done.stderr
    assert "ROC-AUC" in done.stdout
    assert "  No floors were fitted: nothing here says that the model is more than a cheat.\n" in done.stdout
    assert done.stdout.splitlines()[-1] == f"run: {tmp_path / 'evaluated'}"

    done = genotool("predict", run, toy_table)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 161
    assert lines[0].split("\t")[:3] == ["id", "sequence", "score"]
    reached = printed["test"]["metrics"]["roc_auc"]["value"]
    assert f"the model's own test: ROC-AUC {reached:.3f}" in done.stderr
    assert "no floors were fitted: nothing says that it is more than a cheat\n" in done.stderr
    trained = sum(line.endswith("\texact") for line in lines)
    assert f"seen in training: {trained} of 160 rows (exact {trained})\n" in done.stderr

    done = genotool("report", run)
    assert done.returncode == 0, done.stderr
    page = Path(done.stdout.strip())
    assert page == run / "report.html"
    assert "</html>" in page.read_text()


@pytest.mark.parametrize("words", [["plugins", "list"], ["data", "list"], ["doctor"]])
def test_listings_as_json(words: list[str], genotool, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("GENOTOOL_DATA", raising=False)
    os.chdir(tmp_path)
    done = genotool(*words, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)


def test_a_second_run_needs_a_word(genotool, toy_table: Path, tmp_path: Path) -> None:
    command = ["train", "nearest", toy_table, "-o", tmp_path / "run", "--no-floors", "--threads", 1]
    assert genotool(*command).returncode == 0
    before = (tmp_path / "run/DONE").stat().st_mtime_ns
    assert genotool(*command).returncode == 2
    again = genotool("train", "--resume", tmp_path / "run")
    assert (again.returncode, again.stderr) == (0, f"{tmp_path / 'run'}: finished already\n")
    assert (tmp_path / "run/DONE").stat().st_mtime_ns == before
    other = genotool("evaluate", f"--resume={tmp_path / 'run'}")
    assert other.returncode == 2
    assert "made by `genotool train`" in other.stderr
    assert genotool(*command, "--overwrite").returncode == 0
    assert (tmp_path / "run/DONE").stat().st_mtime_ns != before


def test_one_run_alone_is_not_compared(genotool, tmp_path: Path) -> None:
    done = genotool("compare", tmp_path / "run")
    assert done.returncode == 2
    assert done.stderr.endswith(f"two or more different runs\nhint: one alone: genotool evaluate {tmp_path / 'run'}\n")


def test_an_interrupted_training_goes_on_with_its_own_settings(genotool, toy_table: Path, tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    flags = ["--no-floors", "--threads", 1, "--neighbours", 3, "--seed", 4]
    assert genotool("train", "nearest", toy_table, "-o", whole, *flags).returncode == 0
    assert genotool("train", "nearest", toy_table, "-o", cut, *flags).returncode == 0
    (cut / "DONE").unlink()
    (cut / "model.npz").unlink()
    (cut / "metrics.json").unlink()
    resumed = genotool("train", "--resume", cut)
    assert resumed.returncode == 0, resumed.stderr
    for name in ("metrics.json", "predictions.tsv", "split.tsv", "config.toml"):
        assert (cut / name).read_bytes() == (whole / name).read_bytes()
    (cut / "DONE").unlink()
    toy_table.write_text("".join(toy_table.read_text().splitlines(keepends=True)[:-1]))
    other = genotool("train", "--resume", cut)
    assert (other.returncode, "has changed since the run began" in other.stderr) == (3, True)


SLOW = """
import os, sys, time
sys.path.insert(0, sys.argv.pop(1))
import genotool_nearest, genotool_nearest.family as family
from genotool import plugins
from genotool.cli.main import main
plugins.manager().register(genotool_nearest, name="nearest")
fit = family.Nearest.fit
def slow(*arguments):
    print("fitting", file=sys.stderr, flush=True)
    time.sleep(60)
    return fit(*arguments)
family.Nearest.fit = slow
main(sys.argv[1:])
"""


@pytest.mark.parametrize(
    ("number", "code", "state"),
    [(signal.SIGTERM, 75, "stopped"), (signal.SIGUSR1, 75, "stopped"), (signal.SIGKILL, -9, "running")],
)
def test_a_signal_leaves_a_run_that_goes_on(number, code, state, genotool, toy_table: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = ["train", "nearest", str(toy_table), "-o", str(run), "--no-floors", "--threads", "1", "-q"]
    process = subprocess.Popen([sys.executable, "-c", SLOW, str(EXAMPLE), *command], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert any(line == "fitting\n" for line in process.stderr)
    process.send_signal(number)
    assert process.wait(timeout=30) == code
    process.stderr.close()
    assert json.loads((run / "run.json").read_text())["state"] == state
    assert not (run / "DONE").exists()
    assert not (run / "model.npz").exists()
    record = json.loads((run / "run.json").read_text())
    assert record["command"][1:] == command
    time.sleep(0.01)
    assert genotool("train", "--resume", run).returncode == 0
    assert (run / "DONE").exists()


def test_groups_on_both_sides_of_a_split_are_said_to_be_of_the_set_itself(
    genotool, toy_table: Path, tmp_path: Path
) -> None:
    head, *rows = toy_table.read_text().splitlines()
    parts = ["train", "train", "train", "valid", "test"]
    own = [parts[int(row.rpartition("-")[2]) % 5] for row in rows]
    own[next(n for n, row in enumerate(rows) if row.endswith("group-4"))] = "train"
    lines = [f"{row}\t{part}" for row, part in zip(rows, own, strict=True)]
    toy_table.write_text("\n".join([f"{head}\tsplit", *lines]) + "\n")
    done = genotool("train", "nearest", toy_table, "-q", "-o", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert "# count\ttraining rows of groups held out too: left out\t1" in (tmp_path / "run/split.tsv").read_text()


def test_an_audit_says_what_it_looked_at(genotool, tmp_path: Path) -> None:
    matrix = tmp_path / "cells.csv"
    rows = [f"c{n},{n * n % 7},{n * 5 % 11},{'ab'[n % 2]},{'train' if n % 3 else 'test'}" for n in range(30)]
    matrix.write_text("\n".join(["id,g1,g2,label,split", *rows]) + "\n")
    done = genotool("audit", matrix, "--fail-on", "none", "-o", tmp_path / "found")
    said = "cells: 30 rows named by the column 'id'; target the column 'label', classes a 15, b 15; no groups; "
    said += "split by the column 'split'"
    assert done.stdout.splitlines()[0] == said
    assert json.loads((tmp_path / "found" / "audit.json").read_text())["looked"] == [said]
    matrix.write_text("\n".join(line.rpartition(",")[0] for line in ["id,g1,g2,label,split", *rows]) + "\n")
    looked = json.loads(genotool("audit", matrix, "--json", "--fail-on", "none").stdout)["looked"]
    assert "no split column, so nothing was looked for across training and test rows" in looked[0]
    assert "target the column 'g2', a number" in genotool("audit", matrix, "--target", "g2").stdout


def test_an_audit_of_a_run_says_what_it_verified(genotool, toy_table: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert genotool("train", "nearest", toy_table, "--test-share", 0.4, "-q", "-o", run).returncode == 0
    done = genotool("audit", run, "--fail-on", "none")
    assert done.stdout.startswith("run: a run folder, files, metrics, fitted rows, predictions verified\n")
    toy_table.unlink()
    done = genotool("audit", run, "--fail-on", "none")
    assert "run: a run folder, files, metrics verified; not fitted rows nor predictions\n" in done.stdout
