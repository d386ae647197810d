"""Downloads: from their source into the cache, resumed where they broke off, checked against their digest."""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path

from genotool.catalogue import Entry, FileSpec
from genotool.errors import InputError, UnavailableError

__all__ = ["CACHE_VARIABLE", "cache_folder", "digest_of", "fetch", "verify"]

log = logging.getLogger(__name__)

CACHE_VARIABLE = "GENOTOOL_CACHE"


def cache_folder() -> Path:
    """Return where downloads are kept: `GENOTOOL_CACHE`, else the user's cache folder."""
    given = os.environ.get(CACHE_VARIABLE)
    if given:
        return Path(given)
    from platformdirs import user_cache_path

    return user_cache_path("genotool", appauthor=False) / "data"


def digest_of(path: Path, kind: str) -> str:
    """Return the hexadecimal digest of a file: ``sha256``, or ``git_blob`` (SHA-1 over git's header and the content)."""
    digest = hashlib.sha256() if kind == "sha256" else hashlib.sha1(b"blob %d\0" % path.stat().st_size)
    with path.open("rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def verify(path: Path, spec: FileSpec) -> None:
    """Check a file against the digests that its catalogue declares.

    Raises
    ------
    InputError
        If it is another file; both digests are named.
    """
    for kind in ("sha256", "git_blob"):
        declared = getattr(spec, kind)
        if declared and (found := digest_of(path, kind)) != declared:
            hint = "the file was changed or cut off: fetch it again, or correct the catalogue"
            raise InputError(
                f"not what its {kind} says: declared {declared}, found {found}", file=path, hint=hint
            )


def fetch(entry: Entry, folder: Path) -> None:
    raise UnavailableError(f"{entry.name} cannot be downloaded into {folder} yet")
