"""doctor: what works on this machine."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from genotool import plugins, process

__all__ = ["Check", "examine"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `good` is False where something that is needed does not work."""

    what: str
    state: str
    good: bool = True


def examine() -> list[Check]:
    """Return what was found: nothing is imported that is heavy, nothing is written."""
    checks = [_kernels(), *(_package(name) for name in process.BACKENDS)]
    if not any("not installed" not in check.state for check in checks[1:]):
        checks.append(Check("backend", "none of tensorflow, torch, jax is installed", good=False))
    checks.append(Check("cuda", "a device is present" if process.cuda_present() else "none: --device cpu"))
    checks.append(Check("cores", str(os.cpu_count())))
    failed = plugins.load_failures()
    families = ", ".join(spec.name for _, spec in plugins.specs("family")) or "none"
    checks.append(Check("families", families))
    checks += [Check(f"plugin {name}", why, good=False) for name, why in failed.items()]
    checks.append(_data())
    free = shutil.disk_usage(Path.cwd()).free
    checks.append(Check("disk", f"{free / 2**30:.1f} GiB free here", good=free > 2**28))
    return checks


def _kernels() -> Check:
    try:
        from genotool import _native

        return Check("kernels", f"genotool._native {getattr(_native, '__version__', '')}".strip())
    except ImportError as error:
        return Check("kernels", f"{error}: build with `make build`", good=False)


def _package(name: str) -> Check:
    try:
        return Check(name, metadata.version(name))
    except metadata.PackageNotFoundError:
        return Check(name, "not installed")


def _data() -> Check:
    folder = os.environ.get("GENOTOOL_DATA")
    if not folder:
        return Check("data", "GENOTOOL_DATA is not set: named sets are downloaded, or use --data-dir")
    there = (Path(folder) / "catalogue.toml").is_file()
    return Check("data", folder if there else f"{folder} has no catalogue.toml", good=there)
