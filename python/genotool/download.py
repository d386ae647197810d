"""Downloads: from their source into the cache, resumed where they broke off, checked against their digest.

A file is written as ``NAME.part`` and renamed once its digest is right, so the cache never holds half of one.
What an interrupted download has got is kept; the next one asks the server for the rest. A server that cannot
resume, or a file that changed in between, shows in the digest: then the whole file is fetched once more.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from genotool.catalogue import Entry, FileSpec
from genotool.errors import GenotoolError, InputError, UnavailableError
from genotool.progress import Bar

__all__ = ["CACHE_VARIABLE", "cache_folder", "digest_of", "fetch", "verify", "ways_on"]

CACHE_VARIABLE = "GENOTOOL_CACHE"
DIGESTS = ("sha256", "git_blob")
TIMEOUT = (10.0, 30.0)
"""Seconds to wait for a connection, and for the next bytes."""
CHUNK = 1 << 16
TRIES = 3
"""How often a download that breaks off is taken up again before the user is told."""


def cache_folder() -> Path:
    """Return where downloads are kept: `GENOTOOL_CACHE`, else the user's cache folder."""
    given = os.environ.get(CACHE_VARIABLE)
    if given:
        return Path(given)
    from platformdirs import user_cache_path

    return user_cache_path("genotool", appauthor=False) / "data"


def digest_of(path: Path, kind: str) -> str:
    """Return the digest of a file, in hexadecimal: ``sha256``, or git's blob id (``git_blob``)."""
    digest = hashlib.sha256() if kind == "sha256" else hashlib.sha1(b"blob %d\0" % path.stat().st_size)
    with path.open("rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _difference(path: Path, spec: FileSpec) -> str:
    """Say how a file differs from its declared digests; "" where it does not, or none is declared."""
    for kind in DIGESTS:
        declared = getattr(spec, kind)
        if declared and (found := digest_of(path, kind)) != declared:
            return f"not what its {kind} says: declared {declared}, found {found}"
    return ""


def verify(path: Path, spec: FileSpec) -> None:
    """Check a file against the digests that its catalogue declares.

    Raises
    ------
    InputError
        If it is another file; both digests are named.
    """
    difference = _difference(path, spec)
    if difference:
        hint = "the file was changed or cut off: fetch it again, or correct the catalogue"
        raise InputError(difference, file=path, hint=hint)


def ways_on(name: str) -> str:
    """Return the three ways to go on without a known data set."""
    return (
        f"(1) where there is a network, `genotool data get {name}`, then copy {CACHE_VARIABLE}; "
        "(2) --data-dir or GENOTOOL_DATA names a folder that has it; "
        "(3) the path of a file of your own works wherever a name does"
    )


def fetch(entry: Entry, folder: Path) -> None:
    """Download what is missing of a data set into a folder of the cache.

    Raises
    ------
    InputError
        If what arrives is not what the digest says; it is removed.
    UnavailableError
        If it does not arrive: no network, no such file, a server that gives up; or no address is known.
    GenotoolError
        If the cache cannot be written.
    """
    for spec in entry.files.values():
        target = folder / spec.path
        if target.is_file() and not _difference(target, spec):
            continue
        if not spec.url:
            raise _unavailable(entry, f"{target} is missing, and no address to download it from is known")
        try:
            _fetch_file(entry, spec, target)
        except OSError as error:
            raise GenotoolError(f"{target}: cannot be written: {error.strerror}") from error
        _say(f"{entry.name}: licence: {entry.licence or 'unknown'}; cite: {entry.cite or 'unknown'}")


def _say(line: str) -> None:
    """Tell the user on stderr, unless all was asked to be quiet: stdout is for results."""
    if not Bar.quiet:
        print(line, file=sys.stderr)


def _unavailable(entry: Entry, why: str) -> UnavailableError:
    return UnavailableError(f"{entry.name}: {why}", hint=ways_on(entry.name))


def _fetch_file(entry: Entry, spec: FileSpec, target: Path) -> None:
    _say(f"{entry.name}: downloading {spec.url}")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    with _alone(target):
        if target.is_file() and not _difference(target, spec):
            return  # another process was faster
        try:
            with part.open("ab") as handle:
                difference = _complete(entry, spec, handle, part)
                os.fsync(handle.fileno())
        finally:
            if part.stat().st_size == 0:
                part.unlink()
        if difference:
            part.unlink()
            raise InputError(f"{spec.url} is {difference}", file=target, hint="the source has changed")
        part.replace(target)


def _complete(entry: Entry, spec: FileSpec, handle: IO[bytes], part: Path) -> str:
    """Receive the file, once more from the start if a resumed one came out wrong; return how it differs."""
    resumed = _receive(entry, spec, handle)
    difference = _difference(part, spec)
    if difference and resumed:
        handle.truncate(0)
        _receive(entry, spec, handle)
        difference = _difference(part, spec)
    return difference


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Let one process at a time download a file; the others wait."""
    with target.with_name(f".{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _receive(entry: Entry, spec: FileSpec, handle: IO[bytes]) -> bool:
    """Append what is missing, in up to `TRIES` tries; return whether any went on from earlier bytes."""
    import requests

    resumed = False
    for attempt in range(TRIES):
        have = handle.seek(0, os.SEEK_END)
        resumed |= have > 0
        try:
            _request(entry.name, spec.url, have, handle)
            break
        except requests.HTTPError as error:
            status, reason = _status(error.response)
            if status == 416:  # nothing is left to send, or the file became shorter: the digest tells
                break
            if status < 500 or attempt == TRIES - 1:
                raise _unavailable(entry, f"{spec.url} answered {status} {reason}") from error
        except requests.RequestException as error:
            if attempt == TRIES - 1:
                raise _unavailable(entry, f"{spec.url} could not be downloaded: {_first(error)}") from error
        finally:
            handle.flush()
    return resumed


def _status(response: Any) -> tuple[int, str]:
    return response.status_code, response.reason


def _first(error: Exception) -> str:
    """Return the innermost reason of a network error, in one line."""
    reason: Any = error
    while getattr(reason, "args", None) and isinstance(reason.args[-1], Exception):
        reason = reason.args[-1]
    return str(getattr(reason, "reason", reason)).splitlines()[0] if str(reason) else type(reason).__name__


def _request(name: str, url: str, have: int, handle: IO[bytes]) -> None:
    import pooch

    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    progress = _Progress(name)
    try:
        pooch.HTTPDownloader(progress, chunk_size=CHUNK, timeout=TIMEOUT, headers=headers)(url, handle, None)
    finally:
        progress.close()


class _Progress:
    """What pooch asks of a progress bar, over genotool's own: silent unless stderr is a terminal."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._bar: Bar | None = None

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name == "total":  # pooch sets it when the answer has come
            self._bar = Bar(f"downloading {self._name}", max(1, -(-value // CHUNK)))

    def update(self, _count: int) -> None:
        if self._bar is not None:
            self._bar.advance()

    def reset(self) -> None:
        """Pooch fills the bar up at the end; ours is about to go."""

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
