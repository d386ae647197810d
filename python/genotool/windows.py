"""Windows of a genome: a FASTA file through its index (``.fai``), and features of a BED or GFF3 file.

A window is a feature itself, or lies around its start of transcription: `upstream` letters before it and `downstream`
letters from it on, in the direction of the strand; on '-' the reverse complement is taken. Beyond a contig there is N.
"""

from __future__ import annotations

import mmap
from contextlib import suppress
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import unquote

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genotool import _native
from genotool.errors import GenotoolError, InputError, UsageError, nearest
from genotool.fai import STALE, Line, check_index, read_index
from genotool.kernels import choice, kernel_errors, natural, target_array
from genotool.run import write_atomically
from genotool.sequences import Sequences

__all__ = ["Features", "Genome", "Windows", "read_features", "windows"]

Ints: TypeAlias = NDArray[np.int64]
Stretches: TypeAlias = tuple[Ints, Ints, Ints, NDArray[np.bool_]]

DIGITS = 18
"""The most of a place in a contig: with them it is an int64."""
MOST_LETTERS = 10**9
"""Of a window around a start: more are a slip."""
DROP = "--outside drop leaves the {} such features out, counted"


class Genome:
    """A FASTA file with its index, mapped into memory: pages of it are read when windows need them.

    Attributes
    ----------
    path
        The FASTA file, not compressed.
    lengths
        Contig to letters, in the order of the index.
    """

    def __init__(self, path: str | PathLike[str], *, write_index: bool = True) -> None:
        """Read ``path.fai``, or make it where there is none (in memory where `write_index` is false or impossible).

        Raises
        ------
        UsageError
            A path that is no file.
        InputError
            A compressed or empty file; an index that is older than its FASTA file or does not fit it; no FASTA.
        """
        self.path = Path(path)
        if not self.path.is_file():
            raise UsageError(f"{path}: no such file", hint="check the path")
        self._opened = self.path.stat()
        if not self._opened.st_size:
            raise InputError("the file is empty", file=self.path, hint="give a FASTA file")
        self._file = _mapped(self.path)
        lines = self._index(write_index)
        self.lengths = {name: length for name, length, *_ in lines}
        self._places = [line[1:] for line in lines]
        self._numbers = {name: number for number, name in enumerate(self.lengths)}

    def _index(self, write: bool) -> list[Line]:
        index = self.path.with_name(self.path.name + ".fai")
        if index.exists():
            if not index.is_file():
                raise InputError("the index is no file", file=index, hint="remove it: a new one is made")
            if index.stat().st_mtime_ns < self.path.stat().st_mtime_ns:
                raise InputError(f"the index is older than {self.path.name}", file=index, hint=STALE)
            lines = read_index(index)
            check_index(lines, self._file, index)
            return lines
        with kernel_errors(self.path):
            lines = _native.index_fasta(self.path)
        if write:
            text = "".join("\t".join(map(str, line)) + "\n" for line in lines)
            with suppress(GenotoolError):  # a folder that may only be read: the index is made again next time
                write_atomically(index, text)
        return lines

    def number(self, contig: str) -> int | None:
        """Return the place of a contig in the index, None where there is none."""
        return self._numbers.get(contig)

    def fetch(
        self, contig: ArrayLike, start: ArrayLike, end: ArrayLike, minus: ArrayLike, *, threads: int | None = None
    ) -> Sequences:
        """Return windows: contig numbers, starts from 0, ends excluded, whether the reverse complement is wanted.

        Raises
        ------
        InputError
            A letter outside the IUPAC alphabet, with its record and the place there; a file that has changed since it
            was opened.
        UsageError
            A window that cannot be.
        """
        stretches = _stretches(contig, start, end, minus)
        offsets = np.zeros(len(stretches[0]) + 1, np.int64)
        np.cumsum(np.maximum(stretches[2] - stretches[1], 0), out=offsets[1:])
        out = np.empty(int(offsets[-1]), np.uint8)
        self._write(stretches, out, None, threads)
        return Sequences._made(out, offsets)

    def one_hot(
        self,
        contig: ArrayLike,
        start: ArrayLike,
        end: ArrayLike,
        minus: ArrayLike,
        *,
        layout: Literal["nlc", "ncl"] = "nlc",
        out: NDArray[np.uint8] | None = None,
        threads: int | None = None,
    ) -> NDArray[np.uint8]:
        """Return the one-hot encoding of windows of one length, without the letters between; see `fetch`.

        Returns
        -------
        (n, length, 4) or (n, 4, length) uint8
        """
        choice("layout", layout, ("nlc", "ncl"))
        stretches = _stretches(contig, start, end, minus)
        lengths = np.unique(stretches[2] - stretches[1])
        if len(lengths) > 1:
            raise UsageError(f"windows of {lengths[0]} to {lengths[-1]} letters", hint="one length is needed, or fetch")
        width = int(lengths[0]) if len(lengths) else 0
        shape = (len(stretches[0]), width, 4) if layout == "nlc" else (len(stretches[0]), 4, width)
        target = target_array(out, shape, np.dtype(np.uint8))
        self._write(stretches, target.reshape(-1), layout, threads)
        return target

    def _write(self, stretches: Stretches, out: NDArray[np.uint8], layout: str | None, threads: int | None) -> None:
        contigs = stretches[0]
        if contigs.size and not 0 <= contigs.min() <= contigs.max() < len(self._places):
            raise UsageError(f"{self.path.name} has contigs 0 to {len(self._places) - 1}", hint="`number` finds them")
        if self._has_changed():
            raise InputError("the file has changed since it was opened", file=self.path, hint="open it anew")
        with kernel_errors(self.path, contigs):
            letters = np.frombuffer(self._file, np.uint8)
            _native.fetch_windows(letters, self._places, *stretches, out, layout, threads)

    def _has_changed(self) -> bool:
        """Whether the mapped file was written to; one that is gone, or for which another stands there, lives on."""
        if self._file.size() < len(self._file):
            return True
        with suppress(OSError):
            now = self.path.stat()
            return now.st_ino == self._opened.st_ino and now.st_mtime_ns != self._opened.st_mtime_ns
        return False

    def __reduce__(self) -> tuple[type[Genome], tuple[Path]]:
        """Open the file again in another process."""
        return Genome, (self.path,)


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Features of a BED or GFF3 file.

    Attributes
    ----------
    path
        The file.
    ids
        (n,) text: the name (BED), or an attribute, such as ID (GFF3); else ``contig:start-end``, counted from 1.
    contigs
        (n,) text.
    start, end
        (n,) int64 from 0, end excluded.
    minus
        (n,) bool: whether the strand is '-'; no strand counts as '+'.
    stranded
        (n,) bool: whether there is a strand.
    lines
        (n,) int64: the line of the file.
    """

    path: Path
    ids: NDArray[np.str_]
    contigs: NDArray[np.str_]
    start: Ints
    end: Ints
    minus: NDArray[np.bool_]
    stranded: NDArray[np.bool_]
    lines: Ints

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: NDArray[Any]) -> Features:
        """Return the given ones (indices or a mask), in that order."""
        columns = (self.ids, self.contigs, self.start, self.end, self.minus, self.stranded, self.lines)
        return Features(self.path, *(values[rows] for values in columns))


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Windows that were cut out.

    Attributes
    ----------
    sequences
        n rows, in the direction of their strand.
    rows
        (n,) int64: the number of each one's feature, from 0.
    unknown
        (n,) int64: how many of its letters are N, those beyond a contig included.
    dropped
        Features left out, by reason.
    """

    sequences: Sequences
    rows: Ints
    unknown: Ints
    dropped: dict[str, int]


def read_features(path: str | PathLike[str], *, feature: str = "gene", attribute: str = "ID") -> Features:
    """Read features: GFF3 where the file says so (``.gff``, ``.gff3``, ``##gff-version``), else BED; gzip is fine.

    Parameters
    ----------
    feature
        GFF3: the type of feature that is wanted, such as gene or mRNA.
    attribute
        GFF3: the attribute that names a feature, such as ID, Name or locus_tag.

    Raises
    ------
    InputError
        A line with too few columns, a start or end that is no number or not in order, an unknown strand, no feature;
        a GFF3 feature without the attribute, where that is not ID.
    """
    from genotool.readers.table import open_bytes

    file = Path(path)
    with open_bytes(file) as stream:
        text = stream.read().decode("utf-8", errors="replace")
    is_gff = text.startswith("##gff-version") or any(word in {".gff", ".gff3"} for word in file.suffixes)
    found = [
        (number, *row)
        for number, line in enumerate(text.partition("\n##FASTA")[0].splitlines(), 1)
        if line.strip() and not line.startswith("#") and line.split(maxsplit=1)[0] not in ("track", "browser")
        for row in (_gff_row(line, feature, attribute, file, number) if is_gff else _bed_row(line, file, number))
    ]
    if not found:
        raise _nothing(text, feature if is_gff else None, file)
    lines, contigs, start, end, strand, ids = zip(*found, strict=True)
    return Features(
        file, np.array(ids, np.str_), np.array(contigs, np.str_), np.array(start, np.int64), np.array(end, np.int64),
        np.array(strand) == "-", np.isin(strand, ["+", "-"]), np.array(lines, np.int64),
    )  # fmt: skip


def _nothing(text: str, feature: str | None, file: Path) -> InputError:
    if feature is None:
        return InputError("no line of BED in the file", file=file, hint="a line has contig, start and end")
    types = {cells[2] for line in text.splitlines() if len(cells := line.split("\t")) == 9 and line[0] != "#"}
    hint = f"--feature names the type; {nearest(feature, sorted(types))}"
    return InputError(f"no feature {feature!r} in the file", file=file, hint=hint)


def _bed_row(line: str, file: Path, number: int) -> list[tuple[Any, ...]]:
    cells = line.split("\t") if "\t" in line else line.split()
    if len(cells) < 3:
        raise InputError("BED has at least contig, start and end", file=file, row=number, value=line)
    start, end = (_whole(cell, file, number) for cell in cells[1:3])
    strand = cells[5].strip() if len(cells) > 5 else "."
    return [_feature(cells[0], start, end, strand, cells[3] if len(cells) > 3 else "", file, number)]


def _gff_row(line: str, feature: str, attribute: str, file: Path, number: int) -> list[tuple[Any, ...]]:
    cells = line.split("\t")
    if len(cells) != 9:
        raise InputError("GFF3 has nine columns", file=file, row=number, value=line)
    if cells[2] != feature:
        return []
    attributes = dict(part.strip().partition("=")[::2] for part in cells[8].split(";"))
    name = unquote(attributes.get(attribute, ""))
    if not name and attribute != "ID":
        hint = nearest(attribute, attributes)
        raise InputError(f"no attribute {attribute!r}", file=file, row=number, value=cells[8], hint=hint)
    start, end = (_whole(cell, file, number) for cell in cells[3:5])
    return [_feature(unquote(cells[0]), start - 1, end, cells[6], name, file, number)]


def _whole(cell: str, file: Path, number: int) -> int:
    if not cell.strip().isdecimal() or len(cell) > DIGITS:
        raise InputError("a start or end is a whole number", file=file, row=number, value=cell[:40])
    return int(cell)


def _feature(
    contig: str, start: int, end: int, strand: str, name: str, file: Path, number: int
) -> tuple[str, int, int, str, str]:
    if not 0 <= start < end:
        raise InputError("the end is not behind the start", file=file, row=number, value=f"{start}-{end}")
    if strand not in ("+", "-", ".", "?"):
        raise InputError("a strand is +, - or .", file=file, row=number, value=strand)
    return contig, start, end, strand, name if name not in ("", ".") else f"{contig}:{start + 1}-{end}"


def windows(
    genome: Genome,
    features: Features,
    *,
    upstream: int | None = None,
    downstream: int | None = None,
    outside: Literal["error", "drop"] = "error",
    threads: int | None = None,
) -> Windows:
    """Cut the windows of features out of a genome.

    Parameters
    ----------
    upstream, downstream
        Letters before the start of transcription, and from it on; both None: the features themselves.
    outside
        What becomes of a feature on an unknown contig, or beyond its contig: "error", or "drop" (counted).

    Raises
    ------
    InputError
        Such a feature, with the file and its line.
    UsageError
        One of `upstream` and `downstream` without the other, or both 0.
    """
    choice("outside", outside, ("error", "drop"))
    numbers = [genome.number(name) for name in features.contigs.tolist()]
    contig = np.array([-1 if number is None else number for number in numbers], np.int64)
    lengths = np.array([*genome.lengths.values(), 0], np.int64)  # -1, the unknown contig, has none
    wrong = {
        "on contigs that the genome does not have": contig < 0,
        "beyond the end of their contig": (contig >= 0) & (features.end > lengths[contig]),
    }
    if outside == "error":
        _refuse(genome, features, wrong)
    rows = np.flatnonzero(~np.logical_or.reduce(list(wrong.values())))
    start, end = _around(features, upstream, downstream)
    sequences = genome.fetch(contig[rows], start[rows], end[rows], features.minus[rows], threads=threads)
    counts = np.r_[0, np.cumsum(sequences.data == ord("N"))]
    unknown = counts[sequences.offsets[1:]] - counts[sequences.offsets[:-1]]
    return Windows(sequences, rows, unknown, {why: int(which.sum()) for why, which in wrong.items() if which.any()})


def _around(features: Features, upstream: int | None, downstream: int | None) -> tuple[Ints, Ints]:
    if upstream is None and downstream is None:
        return features.start, features.end
    if upstream is None or downstream is None or not natural("upstream", upstream) + natural("downstream", downstream):
        raise UsageError("--upstream and --downstream go together", hint="one of them may be 0, not both")
    if upstream + downstream > MOST_LETTERS:
        raise UsageError(f"a window of {upstream + downstream} letters", hint=f"at most {MOST_LETTERS:,}")
    first = np.where(features.minus, features.end - downstream, features.start - upstream)
    return first, first + upstream + downstream


def _refuse(genome: Genome, features: Features, wrong: dict[str, NDArray[np.bool_]]) -> None:
    missing, beyond = wrong.values()
    if missing.any():
        row = int(np.argmax(missing))
        name = str(features.contigs[row])
        message = f"{genome.path.name} has no contig of this name"
        hint = f"{nearest(name, genome.lengths)}; {DROP.format(int(missing.sum()))}"
        raise InputError(message, file=features.path, row=int(features.lines[row]), value=name, hint=hint)
    if beyond.any():
        row = int(np.argmax(beyond))
        length = genome.lengths[str(features.contigs[row])]
        message = f"the feature ends beyond its contig of {length} letters"
        hint = f"is this the assembly it was made for? {DROP.format(int(beyond.sum()))}"
        raise InputError(
            message, file=features.path, row=int(features.lines[row]), value=int(features.end[row]), hint=hint
        )


def _stretches(contig: ArrayLike, start: ArrayLike, end: ArrayLike, minus: ArrayLike) -> Stretches:
    whole = [_whole_numbers(*given) for given in (("contig", contig), ("start", start), ("end", end))]
    strand = np.asarray(minus)
    if strand.size and strand.dtype != bool:
        raise UsageError(f"minus must be bool, not {strand.dtype}", hint='strand == "-"')
    made = (whole[0], whole[1], whole[2], np.ascontiguousarray(strand, bool))
    if any(array.shape != (made[0].size,) for array in made):
        shapes = ", ".join(str(array.shape) for array in made)
        raise UsageError(f"contig, start, end and minus must be of one length, not {shapes}")
    if (made[2] < made[1]).any():
        row = int(np.argmax(made[2] < made[1]))
        raise UsageError(f"window {row} ends at {made[2][row]}, before it starts")
    return made


def _whole_numbers(what: str, values: ArrayLike) -> Ints:
    array = np.asarray(values)
    if array.size and (array.dtype.kind not in "iu" or array.max() > np.iinfo(np.int64).max):
        raise UsageError(f"{what} must be whole numbers (int64), not {array.dtype}")
    return np.ascontiguousarray(array, np.int64)


def _mapped(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
