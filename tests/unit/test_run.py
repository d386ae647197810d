from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from genotool.errors import GenotoolError, InputError, StoppedError, UsageError
from genotool.run import Run, write_atomically


def finished(path: Path, text: str = "first", **more) -> Run:
    with Run.create(path, verb="train", **more) as run:
        run.write_text("model.txt", text)
    return run


def state(path: Path) -> str:
    return str(json.loads((path / "run.json").read_text())["state"])


def test_a_run_ends_with_DONE_and_is_free(tmp_path: Path) -> None:
    run = finished(tmp_path / "run", seed=3, config={"a": Path("x")}, data=[{"name": "d", "simulated": True}])
    assert run.finished
    assert state(run.path) == "done"
    assert not (run.path / ".lock").exists()
    record = Run.open(run.path).record
    assert (record["seed"], record["config"], record["simulated"]) == (3, {"a": "x"}, True)
    assert record["timings"]["total"] >= 0
    assert record["versions"]["python"].startswith("3.")


def test_numbers_that_are_not_finite_become_null(tmp_path: Path) -> None:
    run = finished(tmp_path / "run")
    run.write_json("m.json", {"a": np.float64("nan"), "b": [np.int64(2), float("inf")], "c": np.arange(2)})
    assert json.loads(run.file("m.json").read_text()) == {"a": None, "b": [2, None], "c": [0, 1]}


def test_a_table_reads_back_as_it_was(tmp_path: Path) -> None:
    run = finished(tmp_path / "run")
    run.write_table("t.tsv", ["a", "b"], [[0.1 + 0.2, None], ["x", 3]])
    assert run.file("t.tsv").read_text() == "a\tb\n0.30000000000000004\t\nx\t3\n"


def test_a_failure_is_recorded_and_leaves_no_DONE(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="first line"), Run.create(tmp_path / "run", verb="train"):
        raise ValueError("first line\nsecond line")
    record = Run.open(tmp_path / "run").record
    assert (record["state"], record["error"]) == ("failed", "first line")
    assert not Run.open(tmp_path / "run").finished
    assert not (tmp_path / "run/.lock").exists()


def test_an_existing_folder_is_refused(tmp_path: Path) -> None:
    finished(tmp_path / "run")
    with pytest.raises(UsageError, match="exists already") as error:
        Run.create(tmp_path / "run", verb="train")
    assert "--resume" in str(error.value)
    assert "--overwrite" in str(error.value)
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="is no folder"):
        Run.create(tmp_path / "file", verb="train", overwrite=True)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/chapter.tex").write_text("years of work")
    with pytest.raises(UsageError, match="replaces run folders only"):
        Run.create(tmp_path / "thesis", verb="train", overwrite=True)
    assert (tmp_path / "thesis/chapter.tex").read_text() == "years of work"


def fail_half_way(path: Path) -> None:
    with Run.create(path, verb="train", overwrite=True) as run:
        run.write_text("half.txt", "x")
        raise RuntimeError("no")


def test_overwrite_replaces_only_when_the_new_run_is_done(tmp_path: Path) -> None:
    path = tmp_path / "run"
    finished(path, "old")
    with pytest.raises(RuntimeError):
        fail_half_way(path)
    assert (path / "model.txt").read_text() == "old"
    assert Run.open(path).finished
    assert not (path / "half.txt").exists()
    with Run.create(path, verb="train", overwrite=True) as run:
        run.write_text("new.txt", "new")
    assert sorted(item.name for item in path.iterdir()) == ["DONE", "new.txt", "run.json"]
    assert [item.name for item in tmp_path.iterdir()] == ["run"]  # nothing of the old one is left


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(GenotoolError, match="cannot be written") as error:
        Run.create(tmp_path / "file" / "run", verb="train")
    assert error.value.exit_code == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(GenotoolError, match="cannot be written: Permission denied"):
            Run.create(tmp_path / "run", verb="train")
    finally:
        tmp_path.chmod(0o700)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "f.txt"
    write_atomically(file, "before")

    def disk_full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(GenotoolError, match=r"f\.txt: cannot be written: No space left on device"):
        write_atomically(file, "after")
    assert file.read_text() == "before"
    assert [item.name for item in tmp_path.iterdir()] == ["f.txt"]


@pytest.mark.parametrize(
    ("content", "said"),
    [("{", "damaged"), ("[]", "not of format 1"), ('{"format": 2}', "not of format 1"), ("", "damaged")],
)
def test_a_damaged_record(content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(InputError, match=said) as error:
        Run.open(tmp_path)
    assert "run.json" in str(error.value)


def test_what_is_no_run_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such run folder"):
        Run.open(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"has no run\.json"):
        Run.open(tmp_path)
    with pytest.raises(InputError, match=r"the run has no metrics\.json"):
        finished(tmp_path / "run").read_json("metrics.json")


def test_a_live_holder_is_respected(tmp_path: Path) -> None:
    with Run.create(tmp_path / "run", verb="train"):
        with pytest.raises(UsageError, match=f"held by a live process .*{os.getpid()}"):
            Run.resume(tmp_path / "run")
        with pytest.raises(UsageError, match="held by a live process"):
            Run.create(tmp_path / "run", verb="train", overwrite=True)


@pytest.mark.parametrize("lock", ["", "rubbish", "some host name and more", "{host} 4194999 1", "{host} x y"])
def test_the_lock_of_a_process_that_is_gone_is_taken_over(lock: str, tmp_path: Path) -> None:
    run = finished(tmp_path / "run")
    run.file(".lock").write_text(lock.format(host=socket.gethostname()))
    assert Run.resume(run.path).path == run.path
    assert str(os.getpid()) in run.file(".lock").read_text()


def test_a_process_number_that_was_given_out_again_is_no_holder(tmp_path: Path) -> None:
    run = finished(tmp_path / "run")
    run.file(".lock").write_text(f"{socket.gethostname()} {os.getpid()} 1")  # our number, another start time
    Run.resume(run.path)


def test_the_lock_of_another_machine_is_believed(tmp_path: Path) -> None:
    run = finished(tmp_path / "run")
    run.file(".lock").write_text("node17.cluster 123 456")
    with pytest.raises(UsageError, match=r"node17\.cluster, process 123") as error:
        Run.resume(run.path)
    assert ".lock" in error.value.hint


def test_signal_handlers_are_put_back(tmp_path: Path) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)}
    finished(tmp_path / "run")
    assert {number: signal.getsignal(number) for number in before} == before


def test_a_run_outside_the_main_thread(tmp_path: Path) -> None:
    thread = threading.Thread(target=finished, args=(tmp_path / "run",))
    thread.start()
    thread.join()
    assert Run.open(tmp_path / "run").finished


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 75), (signal.SIGUSR1, 75), (signal.SIGINT, 130)])
def test_a_signal_stops_the_run_resumably(number: signal.Signals, code: int, tmp_path: Path) -> None:
    def stopped() -> None:
        with Run.create(tmp_path / "run", verb="train"):
            os.kill(os.getpid(), number)
            time.sleep(5)

    with pytest.raises(StoppedError) as error:
        stopped()
    assert error.value.exit_code == code
    assert "--resume" in str(error.value)
    assert state(tmp_path / "run") == "stopped"
    with Run.resume(tmp_path / "run") as run:
        assert state(run.path) == "running"
    assert Run.open(tmp_path / "run").finished


KILLED = """
import sys, time
from pathlib import Path
from genotool.run import Run
with Run.create(Path(sys.argv[1]), verb="train") as run:
    run.write_text("step-1.txt", "done")
    print("ready", flush=True)
    time.sleep(60)
"""


def test_a_killed_run_can_be_resumed(tmp_path: Path) -> None:
    path = tmp_path / "run"
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    with pytest.raises(UsageError, match=f"process {process.pid}"):
        Run.resume(path)
    process.kill()
    process.wait()
    process.stdout.close()
    assert not (path / "DONE").exists()
    assert state(path) == "running"  # nobody was left to say otherwise
    with Run.resume(path) as run:
        assert run.file("step-1.txt").read_text() == "done"
    assert state(path) == "done"


def test_create_returns_the_run_that_is_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError), Run.create(tmp_path / "run", verb="train", seed=5):
        raise RuntimeError
    monkeypatch.setattr(Run, "resumed", tmp_path / "run")
    with Run.create(tmp_path / "elsewhere", verb="train", seed=9) as run:
        assert run.path == tmp_path / "run"
    assert Run.open(tmp_path / "run").record["seed"] == 5
    assert not (tmp_path / "elsewhere").exists()


def test_parents_are_relative_so_that_a_tree_can_move(tmp_path: Path) -> None:
    first = finished(tmp_path / "a/first")
    second = finished(tmp_path / "a/second", parents=[first.path])
    (tmp_path / "a").rename(tmp_path / "b")
    moved = Run.open(tmp_path / "b/second")
    assert (moved.path / moved.record["parents"][0]).resolve() == tmp_path / "b/first"
    assert second.record["parents"] == ["../first"]


def test_an_overwrite_that_fails_leaves_every_byte_of_the_old_folder(tmp_path: Path) -> None:
    with Run.create(tmp_path / "run", verb="train") as run:
        run.write_text("model.txt", "old")
    before = {file.name: file.read_bytes() for file in run.path.iterdir()}

    def fail() -> None:
        with Run.create(run.path, verb="train", overwrite=True) as second:
            second.write_text("model.txt", "new")
            raise InputError("no good")

    with pytest.raises(InputError):
        fail()
    assert {file.name: file.read_bytes() for file in run.path.iterdir()} == before


RACE = """
import sys, time
from pathlib import Path
from genotool.errors import GenotoolError
from genotool.run import Run
while time.time() < float(sys.argv[2]):
    pass
try:
    Run.create(Path(sys.argv[1]), verb="train")
    print("held", flush=True)
    time.sleep(3)
except GenotoolError:
    print("refused")
"""


def test_of_processes_that_ask_at_one_moment_one_gets_the_folder(tmp_path: Path) -> None:
    moment = str(time.time() + 2)
    command = [sys.executable, "-c", RACE, str(tmp_path / "run"), moment]
    racers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert sorted(racer.communicate()[0].strip() for racer in racers) == ["held", *["refused"] * 3]


def test_cells_of_a_table_keep_to_their_cell(tmp_path: Path) -> None:
    with Run.create(tmp_path / "run", verb="train") as run:
        run.write_table("t.tsv", ["id", "gene"], [["1", "G\t0\nz"]])
    assert run.file("t.tsv").read_text() == "id\tgene\n1\tG\\t0\\nz\n"
