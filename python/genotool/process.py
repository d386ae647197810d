"""What a process that computes is set up with: backend, device and threads, before any framework is imported.

One framework per process: the backend is fixed in the environment here, and `genotool.frameworks` refuses a second.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from genotool.errors import UnavailableError, UsageError

__all__ = ["BACKENDS", "choose_backend", "cuda_present", "prepare"]

BACKENDS = ("tensorflow", "torch", "jax")
MOST_THREADS = 1024  # of a kernel; see rust/core/src/threads.rs


def cuda_present() -> bool:
    """Return whether an NVIDIA device is there, without importing a framework."""
    return Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidia0").exists()


def choose_backend(wanted: str, device: str) -> str | None:
    """Return the Keras backend: the wanted one, or torch on a CUDA machine, else the first that is installed.

    Raises
    ------
    UnavailableError
        If the wanted backend is not installed (exit 4).
    """
    if wanted not in (*BACKENDS, "auto"):
        raise UsageError(f"--backend is one of auto, {', '.join(BACKENDS)}, not {wanted!r}")
    installed = [name for name in BACKENDS if importlib.util.find_spec(name) is not None]
    if wanted != "auto":
        if wanted not in installed:
            raise UnavailableError(f"the backend {wanted} is not installed", hint=f"installed: {', '.join(installed)}")
        return wanted
    if "torch" in installed and device != "cpu" and cuda_present():
        return "torch"
    return installed[0] if installed else None


def prepare(*, backend: str = "auto", device: str = "auto", threads: int | None = None) -> None:
    """Fix backend, device and threads in the environment of this process and of those it starts.

    Parameters
    ----------
    device
        ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
    threads
        Threads a kernel and a framework may use; None: ``GENOTOOL_THREADS``, else every core that this process may run
        on.

    Raises
    ------
    UnavailableError
        If CUDA is asked for and absent (exit 4).
    """
    name, _, index = device.partition(":")
    if name not in ("auto", "cpu", "cuda") or (index and not (name == "cuda" and index.isdigit())):
        raise UsageError(f"--device is auto, cpu, cuda or cuda:N, not {device!r}")
    if name == "cuda" and not cuda_present():
        raise UnavailableError("no CUDA device on this machine", hint="use --device cpu")
    if threads is not None and not 1 <= threads <= MOST_THREADS:
        raise UsageError(f"--threads is 1 to {MOST_THREADS}, not {threads}")
    asked = os.environ.get("GENOTOOL_THREADS", "")
    if threads is None and asked and not (asked.isdecimal() and 1 <= int(asked) <= MOST_THREADS):
        raise UsageError(f"GENOTOOL_THREADS is 1 to {MOST_THREADS}, not {asked!r}")
    chosen = choose_backend(backend, device)
    count = threads or int(asked or _cores())
    on_gpu = name == "cuda" or (name == "auto" and chosen == "torch" and cuda_present())
    settings = {
        "GENOTOOL_THREADS": str(count),
        "OMP_NUM_THREADS": str(count),
        "GENOTOOL_DEVICE": (device if name == "cuda" else "cuda") if on_gpu else "cpu",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": (index or os.environ.get("CUDA_VISIBLE_DEVICES", "0")) if on_gpu else "",
    }
    if chosen is not None:
        settings["KERAS_BACKEND"] = chosen
    os.environ.update(settings)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
