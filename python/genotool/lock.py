"""The lock of a run folder: ``.lock`` names host, process and its start; one live process holds a folder at a time."""

from __future__ import annotations

import fcntl
import os
import socket
import sys
from pathlib import Path

from genotool.errors import UsageError

__all__ = ["check_free", "release", "take"]


def check_free(folder: Path) -> None:
    """Raise UsageError if a live process holds the folder."""
    lock = folder / ".lock"
    holder = _holder(lock)
    if holder is not None:
        hint = f"wait for it, or choose another -o; if that machine died, remove {lock}"
        raise UsageError(f"{folder}: held by a live process ({holder})", hint=hint)


def take(folder: Path) -> None:
    """Hold the folder; of processes that ask at one time, one gets it (the folder itself is locked meanwhile).

    Raises
    ------
    UsageError
        If a live process holds it.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        check_free(folder)
        (folder / ".lock").write_text(f"{socket.gethostname()} {os.getpid()} {_process_start(os.getpid())}")
    finally:
        os.close(handle)


def release(folder: Path) -> None:
    """Let the folder go."""
    (folder / ".lock").unlink(missing_ok=True)


def _holder(lock: Path) -> str | None:
    """Return ``host, process`` of the live holder of a lock; None if it is free or its holder is gone."""
    try:
        host, pid, start = lock.read_text().split()
        gone = host == socket.gethostname() and _process_start(int(pid)) != start
    except (OSError, ValueError):
        return None
    return None if gone else f"{host}, process {pid}"


def _process_start(pid: int) -> str:
    """Return the start time of a live process as the kernel counts it; "gone" if there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "gone" if fields[0] == "Z" else fields[19]
    except OSError:
        pass
    if sys.platform == "linux":
        return "gone"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return "gone"
    except PermissionError:
        return "alive"
    return "alive"
