"""The run folder: what every verb writes, and what lets it be resumed, compared and believed.

Files are written under a temporary name, synced, and renamed; ``DONE`` comes last. A folder is held by one
live process at a time (``.lock`` names host, process and its start), so two commands never write into one.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from importlib import metadata
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, ClassVar, Self

from genotool import lock
from genotool.errors import GenotoolError, InputError, StoppedError, UsageError
from genotool.manifest import RECORD, manifest_of, record_digest

__all__ = ["FORMAT", "Run", "check_regular", "escaped", "versions", "write_atomically"]

FORMAT = 1
RECORDED_PACKAGES = (
    "genotool", "numpy", "scipy", "scikit-learn", "lightgbm", "imbalanced-learn", "keras", "tensorflow",
    "torch", "jax", "autokeras", "keras-tuner", "shap",
)  # fmt: skip
RECORD_TYPES: dict[str, type | tuple[type, ...]] = {
    "verb": str, "family": str, "task": str, "command": list, "cwd": str, "config": dict, "data": list, "parents": list,
    "timings": dict, "threshold": (int, float), "prior": dict, "split": dict, "state": str, "manifest": dict,
}  # fmt: skip
DAMAGED = "copy the run folder again from where it was made, or make it anew"
"""What to do about a run folder whose content is wrong."""
STOP_SIGNALS = {signal.SIGTERM: 75, signal.SIGUSR1: 75, signal.SIGINT: 130}


def write_atomically(file: Path, content: bytes | str) -> None:
    """Write a file so that a reader sees all of it or nothing: temporary name, fsync, rename."""
    data = content.encode() if isinstance(content, str) else content
    temporary = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(file)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        hint = "another place, more room, or its permissions"
        raise GenotoolError(f"{file}: cannot be written: {error.strerror}", hint=hint) from error


def check_regular(file: Path) -> None:
    """Raise InputError where a folder or a pipe stands in the place of a file: reading a pipe would never end."""
    if file.exists() and not file.is_file():
        raise InputError("damaged: no regular file", file=file, hint=DAMAGED)


def escaped(text: str) -> str:
    """Return text as one cell of a TSV file: tabs and line ends as ``\\t``, ``\\r`` and ``\\n``."""
    return text.replace("\t", "\\t").replace("\r", "\\r").replace("\n", "\\n")


class Run:
    """One run folder: create it for writing, open it for reading, or resume it.

    Used as a context manager it ends as ``done``, ``failed`` or ``stopped``, whatever happened inside.

    Attributes
    ----------
    path
        The folder.
    record
        The content of ``run.json``.
    """

    resumed: ClassVar[Path | None] = None
    """The folder that this process goes on with: `create` then returns it, whatever path it is given."""

    stopped: ClassVar[StoppedError | None] = None
    """What a signal to stop has raised in this process."""

    def __init__(self, path: Path, record: dict[str, Any]) -> None:
        self.path = path
        self.record = record
        self._began = time.monotonic()
        self._previous: Path | None = None
        self._handlers: dict[int, Any] = {}

    # -- making and finding --------------------------------------------------------------------------------

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        verb: str,
        family: str | None = None,
        task: str | None = None,
        config: Mapping[str, Any] | None = None,
        seed: int | None = None,
        data: Iterable[Mapping[str, Any]] = (),
        parents: Iterable[Path] = (),
        overwrite: bool = False,
        command: Sequence[str] | None = None,
    ) -> Self:
        """Make a new run folder and hold it.

        Raises
        ------
        UsageError
            If the folder exists and `overwrite` is not set, or a live process holds it.
        GenotoolError
            If it cannot be written.
        InputError
            If it is resumed and the data are no longer those that it began with.
        """
        if Run.resumed is not None:
            _check_same(cls.open(Run.resumed), data)
            return cls.resume(Run.resumed)
        previous = _make_room(path, overwrite)
        record = {
            "format": FORMAT,
            "verb": verb,
            "family": family,
            "task": task,
            "command": list(command if command is not None else ["genotool", *sys.argv[1:]]),
            "cwd": os.getcwd(),
            "config": dict(config or {}),
            "seed": seed,
            "backend": os.environ.get("KERAS_BACKEND"),
            "device": os.environ.get("GENOTOOL_DEVICE", "cpu"),
            "threads": int(os.environ.get("GENOTOOL_THREADS") or os.cpu_count() or 1),
            "versions": versions(),
            "data": [dict(item) for item in data],
            "parents": [os.path.relpath(parent, path) for parent in parents],
            "simulated": any(bool(item.get("simulated")) for item in data),
            "timings": {},
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        run = cls(path, record)
        run._previous = previous
        try:
            path.mkdir(parents=True, exist_ok=True)
            lock.take(run.path)
        except OSError as error:
            raise GenotoolError(f"{path}: cannot be written: {error.strerror}", hint="choose another -o") from error
        run._set_state("running")
        return run

    @classmethod
    def check_free(cls, path: Path, overwrite: bool) -> None:
        """Check that `create` would take the path, before long work is done for it; raises as `create` does."""
        if cls.resumed is None:
            _occupied(path, overwrite)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a run folder for reading.

        Raises
        ------
        UsageError
            If there is no such folder.
        InputError
            If it is no run folder, or its ``run.json`` is damaged or of a newer format.
        """
        file = path / "run.json"
        if not path.is_dir():
            raise UsageError(f"{path}: no such run folder", hint="check the path")
        if not file.is_file():
            raise InputError("not a run folder: it has no run.json", file=path, hint="name the folder that -o wrote")
        try:
            record = json.loads(file.read_text(encoding="utf-8"))
        except (ValueError, OSError, RecursionError) as error:
            raise InputError(f"run.json is damaged: {error}", file=file, hint=DAMAGED) from error
        if not isinstance(record, dict) or record.get("format") != FORMAT:
            found = record.get("format") if isinstance(record, dict) else record
            hint = f"{DAMAGED}; another format is that of another version of genotool"
            raise InputError(f"run.json is not of format {FORMAT}", file=file, value=found, hint=hint)
        for name, kinds in RECORD_TYPES.items():
            if record.get(name) is not None and not isinstance(record[name], kinds):
                raise InputError(f"run.json: {name} is of the wrong type", file=file, value=record[name], hint=DAMAGED)
        if not all(isinstance(item, dict) for item in record.get("data") or []):
            raise InputError("run.json: data is no list of tables", file=file, hint=DAMAGED)
        record["data"] = record.get("data") or []
        return cls(path, record)

    @classmethod
    def resume(cls, path: Path) -> Self:
        """Open an unfinished run folder and hold it.

        Raises
        ------
        UsageError
            If a live process holds it.
        """
        run = cls.open(path)
        lock.take(run.path)
        run._set_state("running")
        return run

    # -- reading -------------------------------------------------------------------------------------------

    @property
    def finished(self) -> bool:
        """Whether the run came to its end: the file ``DONE`` is there."""
        return (self.path / "DONE").is_file()

    def file(self, name: str) -> Path:
        """Return the path of a file in the folder."""
        return self.path / name

    def read_json(self, name: str) -> Any:
        """Read a JSON file of the folder; InputError if it is missing or damaged."""
        file = self.file(name)
        check_regular(file)
        try:
            return json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise InputError(f"the run has no {name}", file=self.path, hint="finish it with --resume") from None
        except (ValueError, OSError, RecursionError) as error:
            raise InputError(f"damaged: {error}", file=file, hint=DAMAGED) from error

    # -- writing -------------------------------------------------------------------------------------------

    def folder(self, name: str) -> Path:
        """Return a sub-folder, made if needed."""
        folder = self.path / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def write_json(self, name: str, content: Any) -> None:
        """Write JSON (numbers that are not finite become null); where the data are simulated it says so."""
        if isinstance(content, dict) and self.record.get("simulated"):
            content = {**content, "simulated": True}
        write_atomically(self.file(name), json.dumps(_plain(content), indent=1, allow_nan=False) + "\n")

    def write_text(self, name: str, content: str) -> None:
        """Write a text file."""
        self.file(name).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self.file(name), content)

    def write_table(self, name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Write a TSV file: numbers in the shortest form that reads back the same, None as an empty cell.

        Where the data are simulated a last column says so in every row, unless the caller has put it there.
        """
        mark = ("yes",) if self.record.get("simulated") and "simulated" not in header else ()
        lines = ["\t".join([*header, *(["simulated"] if mark else [])])]
        lines += ["\t".join("" if cell is None else escaped(str(cell)) for cell in (*row, *mark)) for row in rows]
        write_atomically(self.file(name), "\n".join(lines) + "\n")

    def log(self, message: str) -> None:
        """Append a line to ``log.txt``, with the time."""
        with self.file("log.txt").open("a", encoding="utf-8") as handle:
            handle.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {message}\n")

    def update(self, **fields: Any) -> None:
        """Set fields of ``run.json`` and write it."""
        self.record.update(fields)
        self.write_json("run.json", self.record)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Add the seconds of the block to the timings."""
        start = time.monotonic()
        try:
            yield
        finally:
            seconds = self.record["timings"].get(name, 0.0) + time.monotonic() - start
            self.record["timings"][name] = round(seconds, 3)

    # -- life ----------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # Python allows signal handlers there only
            self._handlers = {number: signal.signal(number, partial(_stop, self.path)) for number in STOP_SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if error is None:
            self._finish()
            return
        if Run.stopped is not None:
            error = Run.stopped  # a framework may have wrapped it in an error of its own
        state = "stopped" if isinstance(error, StoppedError) else "failed"
        restored = self._end_previous(restore=state == "failed" and not self.record.get("keep"))
        if not restored and self.path.is_dir():
            with suppress(OSError, GenotoolError):  # on a full disk the first error is the one to be told
                self.log(f"{state}: {type(error).__name__}: {error}")
                self._set_state(state, error=str(error).splitlines()[0] if str(error) else type(error).__name__)
            lock.release(self.path)
        if Run.stopped is not None:
            stopped, Run.stopped = Run.stopped, None
            raise stopped

    def _finish(self) -> None:
        from genotool.plugins import manager

        self.record["timings"]["total"] = round(time.monotonic() - self._began, 3)
        self.record["peak_memory_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        files = manifest_of(self.path)
        self._set_state("done")
        self.update(manifest=files | {RECORD: record_digest(_plain(self.record))})
        write_atomically(self.file("DONE"), "")
        lock.release(self.path)
        self._end_previous(restore=False)
        manager().hook.genotool_stage_finished(stage=self.record["verb"], run=self)

    def _set_state(self, state: str, **more: Any) -> None:
        self.record.pop("error", None)
        self.update(state=state, host=socket.gethostname(), pid=os.getpid(), **more)

    def _end_previous(self, *, restore: bool) -> bool:
        """Drop the folder that `--overwrite` set aside, or bring it back after a failure; return whether it is back."""
        if self._previous is None:
            return False
        previous, self._previous = self._previous, None
        if restore:
            shutil.rmtree(self.path, ignore_errors=True)
            previous.rename(self.path)
        else:
            shutil.rmtree(previous, ignore_errors=True)
        return restore


def _occupied(path: Path, overwrite: bool) -> bool:
    """Return whether an old run folder is at `path` that may be replaced; raise where nothing may be made there."""
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise UsageError(f"{path}: exists and is no folder", hint="choose another -o")
    if not path.exists() or all(item.name.startswith(".") for item in path.iterdir()):
        return False
    if not overwrite:
        raise UsageError(
            f"{path}: exists already",
            hint="go on with --resume, replace it with --overwrite, or choose another -o",
        )
    if not (path / "run.json").is_file():
        hint = "choose another -o"
        raise UsageError(f"{path}: exists and is no run folder; --overwrite replaces run folders only", hint=hint)
    lock.check_free(path)
    return True


def _check_same(begun: Run, data: Iterable[Mapping[str, Any]]) -> None:
    """Raise InputError where a data set is not what a run began with: its parts would be of different rows."""
    digests = {item.get("name"): item.get("digest") for item in begun.record["data"]}
    for item in data:
        name, digest = item.get("name"), item.get("digest")
        if digest != digests.get(name, digest):
            raise InputError(
                f"{name} has changed since the run began",
                file=begun.path,
                value=f"digest {str(digest)[:12]}, then {str(digests[name])[:12]}",
                hint="put the data back, or start the run anew with --overwrite",
            )


def _make_room(path: Path, overwrite: bool) -> Path | None:
    """Set an old run folder aside, where there is one that may be replaced. Return where it went."""
    if not _occupied(path, overwrite):
        return None
    aside = path.with_name(f".{path.name}.previous-{os.getpid()}")
    path.rename(aside)
    return aside


def _stop(path: Path, number: int, _frame: FrameType | None) -> None:
    name, code = signal.Signals(number).name, STOP_SIGNALS[signal.Signals(number)]
    Run.stopped = StoppedError(f"stopped by {name}", exit_code=code, hint=f"go on with --resume {path}")
    raise Run.stopped


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that a result depends on, and the machine."""
    found = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
    }
    for package in RECORDED_PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _plain(value: Any) -> Any:
    """Return a value as JSON holds it: NumPy numbers unwrapped, NaN and infinity as null, paths as text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist") and not isinstance(value, str | bytes):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    return str(value) if isinstance(value, Path) else value
