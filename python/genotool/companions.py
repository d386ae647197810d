"""What goes with a file that no catalogue describes: its table of labels; the genome and the window of its features.

On the command line ``--labels``, ``--genome``, ``--upstream`` and so on; in a catalogue ``files`` and ``window``.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from genotool.errors import InputError, UsageError

__all__ = ["Companions", "is_fasta", "is_features", "is_labelled_apart"]

FEATURES = {".bed", ".gff", ".gff3", ".narrowpeak", ".broadpeak"}
START = 64
"""The bytes that tell what a file is."""
GTF = "`gffread in.gtf -o out.gff3` makes GFF3 of it"


@dataclass(frozen=True, slots=True)
class Companions:
    """The files and words beside a data set's own file.

    Attributes
    ----------
    labels
        A table of labels, joined by its column of ids with the names in a FASTA, BED or GFF3 file.
    genome
        The FASTA file that the windows of a BED or GFF3 file are cut from.
    window
        How: ``upstream``, ``downstream``, ``feature``, ``attribute``, ``outside``, those that were given.
    """

    labels: Path | None = None
    genome: Path | None = None
    window: Mapping[str, int | str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.labels is not None or self.genome is not None or bool(self.window)

    def of(self, path: Path) -> Companions:
        """Return what of it goes with a file: all with features, the labels with a FASTA file, else nothing."""
        if not self or not path.is_file():
            return Companions()
        if is_features(path):
            return self
        return Companions(self.labels) if is_labelled_apart(path) else Companions()

    def check_used(self, operands: Iterable[str | Path]) -> None:
        """Raise UsageError where nothing that was given goes with any of the data sets; the files are checked first."""
        paths = [Path(operand) for operand in operands]
        used = [self.of(path) for path in paths]
        if self and not any(used):
            _check_readable(paths)
        if (self.genome is not None or self.window) and not any(one.genome or one.window for one in used):
            flag = "--genome" if self.genome is not None else f"--{next(iter(self.window))}"
            hint = "their names end in .bed, .gff or .gff3; the data sets of a catalogue name their own genome"
            raise UsageError(f"{flag} goes with a BED or GFF3 file, and none is given", hint=hint)
        if self.labels is not None and not any(one.labels for one in used):
            hint = "a table holds its labels itself; --target names their column"
            raise UsageError("--labels goes with a FASTA, BED or GFF3 file, and none is given", hint=hint)

    def words(self) -> list[str]:
        """Return the flags that say the same."""
        said = {"labels": self.labels, "genome": self.genome, **self.window}
        return [word for name, value in said.items() if value is not None for word in (f"--{name}", str(value))]

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads; the paths are absolute."""
        files = {"labels": self.labels, "genome": self.genome}
        paths = {role: str(path.absolute()) for role, path in files.items() if path is not None}
        return paths | ({"window": dict(self.window)} if self.window else {})

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Return what `to_json` wrote."""
        labels, genome = (Path(content[role]) if content.get(role) else None for role in ("labels", "genome"))
        return cls(labels, genome, dict(content.get("window") or {}))


def _check_readable(paths: Iterable[Path]) -> None:
    """Raise the error of a file that is not there, empty, or no text: no flag can go with it."""
    from genotool.readers.table import open_bytes
    from genotool.sniff import sniff

    for path in paths:
        if path.is_file() and path.stat().st_size:
            with open_bytes(path):
                pass
        elif path.suffix or path.exists():
            sniff(path)


def is_features(path: Path) -> bool:
    """Whether a file is BED or GFF3: by its name, or by a first line that says so.

    Raises
    ------
    InputError
        For GTF, whose attributes are written another way.
    """
    names = {word.lower() for word in path.suffixes}
    if ".gtf" in names:
        raise InputError("GTF is not read", file=path, hint=GTF)
    return bool(names & FEATURES) or _begins(path, b"##gff-version")


def is_labelled_apart(path: Path) -> bool:
    """Whether a file holds names and no labels: FASTA, BED, GFF3."""
    return is_features(path) or is_fasta(path)


def is_fasta(path: Path) -> bool:
    """Whether the first letter of a file is ``>``; a byte-order mark and empty lines before it are no letters."""
    return _begins(path, b">")


def _begins(path: Path, magic: bytes) -> bool:
    from genotool.readers.table import open_bytes

    if path.is_file():
        with suppress(InputError), open_bytes(path) as handle:  # what is wrong with it, its reader says
            return handle.read(START).removeprefix(codecs.BOM_UTF8).lstrip().startswith(magic)
    return False
