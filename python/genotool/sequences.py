"""Sequences: nucleotide sequences as packed bytes and offsets, with the kernels that work on them.

Letters are kept in upper case, U as T; anything outside the IUPAC nucleotide alphabet is refused when
sequences are made. The kernels are Rust, release the GIL, and give the same bytes for any thread count:
`threads`, else the variable ``GENOTOOL_THREADS``, else all cores.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from os import PathLike
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genotool import _native
from genotool.errors import InputError
from genotool.kernels import (
    arrow_buffers,
    choice,
    dtype_of,
    kernel_errors,
    natural,
    row_numbers,
    target_array,
)
from genotool.matches import Overlaps, Sites

__all__ = ["Overlaps", "Sequences", "Sites"]

Rows: TypeAlias = NDArray[np.int64]


class Sequences:
    """Nucleotide sequences, packed: row i is ``data[offsets[i]:offsets[i + 1]]``.

    Immutable. Made from letters of either case, kept in upper case, U as T.

    Parameters
    ----------
    data
        (total,) uint8 letters (ASCII) of all rows; copied.
    offsets
        (n + 1,) int64; starts at 0, never falls, ends at the length of `data`.

    Attributes
    ----------
    data, offsets
        The packed letters and offsets, read-only.

    Raises
    ------
    InputError
        Offsets that do not fit the data; a letter outside the IUPAC alphabet, with its row and position.
    """

    __slots__ = ("data", "offsets")

    data: NDArray[np.uint8]
    offsets: Rows

    def __init__(self, data: ArrayLike, offsets: ArrayLike) -> None:
        letters = np.array(data, dtype=np.uint8, ndmin=1)
        ends = np.array(offsets, dtype=np.int64, ndmin=1)
        with kernel_errors():
            _native.normalise(letters, ends)
        self._hold(letters, ends)

    def _hold(self, data: NDArray[np.uint8], offsets: Rows) -> None:
        data.flags.writeable = False
        offsets.flags.writeable = False
        self.data, self.offsets = data, offsets

    @classmethod
    def _made(cls, data: NDArray[np.uint8], offsets: Rows) -> Sequences:
        """Wrap arrays that a kernel has made: in upper case, checked, owned by nobody else."""
        made = cls.__new__(cls)
        made._hold(data, offsets)
        return made

    @classmethod
    def from_strings(cls, strings: Iterable[str]) -> Sequences:
        """Pack strings: a list, a NumPy array of text, a pandas column.

        Raises
        ------
        InputError
            A value that is no text, or a letter outside the IUPAC alphabet; with the row, counted from 1.
        """
        texts = strings.tolist() if isinstance(strings, np.ndarray) else strings
        texts = texts if isinstance(texts, list) else list(texts)
        try:
            with kernel_errors():
                return cls._made(*_native.pack_texts(texts))
        except TypeError as error:
            row, kind = error.args
            raise InputError(
                f"a sequence must be text, not {kind}",
                row=row + 1,
                value=texts[row],
                hint="leave out rows without a sequence",
            ) from None

    @classmethod
    def from_arrow(cls, array: Any) -> Sequences:
        """Pack an Arrow array of strings without making Python strings; a chunked array becomes one.

        Works on anything with pyarrow's ``type``, ``offset`` and ``buffers()``; pyarrow itself is not
        imported.

        Raises
        ------
        InputError
            Another type than (large) string or binary, a null, or a letter outside the IUPAC alphabet.
        """
        if hasattr(array, "chunks"):
            return cls.concat([cls.from_arrow(chunk) for chunk in array.chunks])
        return cls(*arrow_buffers(array))

    @classmethod
    def from_fasta(cls, path: str | PathLike[str]) -> Sequences:
        """Read the sequences of a FASTA file, plain or gzip; `genotool.readers.fasta` reads the names too."""
        from genotool.readers.fasta import read_fasta

        return read_fasta(path).sequences

    @classmethod
    def concat(cls, parts: Sequence[Sequences]) -> Sequences:
        """Join: the rows of the first, then those of the second, and so on."""
        if not parts:
            return cls._made(np.empty(0, np.uint8), np.zeros(1, np.int64))
        shifts = np.cumsum([0, *(part.nbytes for part in parts[:-1])])
        ends = [part.offsets[1:] + shift for part, shift in zip(parts, shifts, strict=True)]
        return cls._made(np.concatenate([part.data for part in parts]), np.concatenate([np.zeros(1, np.int64), *ends]))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> str:
        if not -len(self) <= row < len(self):
            raise IndexError(f"row {row} is out of range: there are {len(self)} rows")
        row = row % len(self)
        return self.data[self.offsets[row] : self.offsets[row + 1]].tobytes().decode("ascii")

    def __iter__(self) -> Iterator[str]:
        text = self.data.tobytes().decode("ascii")
        ends = self.offsets.tolist()
        return (text[start:end] for start, end in pairwise(ends))

    def __repr__(self) -> str:
        return f"Sequences({len(self)} rows, {self.nbytes} nt)"

    def __reduce__(self) -> tuple[Any, ...]:
        return Sequences._made, (self.data, self.offsets)

    @property
    def lengths(self) -> Rows:
        """(n,) int64: the length of each row."""
        return np.diff(self.offsets)

    @property
    def nbytes(self) -> int:
        """The letters of all rows together, one byte each."""
        return self.data.nbytes

    def take(self, rows: ArrayLike) -> Sequences:
        """Return the given rows, in that order: integers (negative ones from the end) or a mask of bools.

        Raises
        ------
        IndexError
            A row that is not there, or a mask of another length.
        """
        index = row_numbers(rows, len(self))
        offsets = np.zeros(len(index) + 1, np.int64)
        np.cumsum(self.lengths[index], out=offsets[1:])
        out = np.empty(int(offsets[-1]), np.uint8)
        _native.take(self.data, self.offsets, index, out, offsets)
        return self._made(out, offsets)

    def trimmed(self, length: int, align: Literal["left", "right"] = "left") -> Sequences:
        """Return the rows cut to at most `length` letters; `align` is the end that stays."""
        kept = np.minimum(self.lengths, length)
        if (kept == self.lengths).all():
            return self
        offsets = np.concatenate([[0], np.cumsum(kept)])
        first = self.offsets[:-1] + (self.lengths - kept if align == "right" else 0)
        return self._made(self.data[np.repeat(first - offsets[:-1], kept) + np.arange(offsets[-1])], offsets)

    def validate(self, alphabet: str = "ACGTN") -> None:
        """Raise `InputError` with row and position where a letter is not one of `alphabet`."""
        with kernel_errors():
            _native.validate(self.data, self.offsets, alphabet.upper())

    def one_hot(
        self,
        dtype: Literal["uint8", "float32"] | type[np.generic] | np.dtype[Any] = "uint8",
        layout: Literal["nlc", "ncl"] = "nlc",
        *,
        length: int | None = None,
        align: Literal["left", "right"] = "left",
        ambiguous: Literal["zero", "error"] = "zero",
        out: NDArray[Any] | None = None,
        threads: int | None = None,
    ) -> NDArray[Any]:
        """Encode each letter in four channels, in the order A, C, G, T.

        Parameters
        ----------
        dtype
            uint8 or float32.
        layout
            "nlc": (n, length, 4); "ncl": (n, 4, length).
        length
            Positions of the output; shorter rows are padded with zeros, longer ones trimmed. None: all rows
            must have one length.
        align
            "left": starts meet, padding and trimming at the right; "right": ends meet (guides that end in
            their PAM).
        ambiguous
            "zero": N and the other IUPAC letters have no channel set; "error": they are refused.
        out
            Where to write: C-contiguous, of the shape and dtype of the result.

        Returns
        -------
        (n, length, 4) or (n, 4, length)

        Raises
        ------
        InputError
            Rows of different length without `length`; a letter refused. With the row, counted from 1.
        UsageError
            A dtype, layout or `out` that cannot be.
        """
        kind = dtype_of(dtype, ("uint8", "float32"))
        choice("layout", layout, ("nlc", "ncl"))
        choice("align", align, ("left", "right"))
        choice("ambiguous", ambiguous, ("zero", "error"))
        width = self._one_length() if length is None else natural("length", length)
        shape = (len(self), width, 4) if layout == "nlc" else (len(self), 4, width)
        target = target_array(out, shape, kind)
        with kernel_errors():
            _native.one_hot(
                self.data,
                self.offsets,
                target.reshape(-1),
                layout,
                width,
                align,
                ambiguous == "error",
                threads,
            )
        return target

    def kmers(
        self,
        k: int,
        *,
        dtype: Literal["int64", "int32", "uint16"] | type[np.generic] | np.dtype[Any] = "int64",
        length: int | None = None,
        truncate: bool = False,
        special_tokens: bool = True,
        out: NDArray[Any] | None = None,
        threads: int | None = None,
    ) -> NDArray[Any]:
        """Encode overlapping k-mers as the token ids of DNABERT [1]_.

        The vocabulary is [PAD] 0, [UNK] 1, [CLS] 2, [SEP] 3, [MASK] 4, then from 5 on the 4^k k-mers in the
        order A, T, C, G, first letter most significant. A row is [CLS], its k-mers, [SEP], padding; a k-mer
        with another letter is [UNK]; a row shorter than k has no k-mer. The attention mask is ``ids != 0``.

        Parameters
        ----------
        k
            3, 4, 5 or 6.
        dtype
            int64, int32 or uint16.
        length
            Tokens of the output, special ones included; None: those of the longest row.
        truncate
            Whether rows that do not fit keep their first k-mers; else they are an error.
        special_tokens
            Whether [CLS] and [SEP] are written.
        out
            Where to write: C-contiguous, of the shape and dtype of the result.

        Returns
        -------
        (n, length)

        Raises
        ------
        InputError
            A row with more than `length` tokens without `truncate`; with the row, counted from 1.
        UsageError
            A k, dtype, length or `out` that cannot be.

        References
        ----------
        .. [1] Ji et al. (2021), DNABERT, Bioinformatics 37, 2112. doi:10.1093/bioinformatics/btab083
        """
        kind = dtype_of(dtype, ("int64", "int32", "uint16"))
        k = natural("k", k)
        if length is None:
            longest = int(self.lengths.max(initial=0))
            length = max(longest - k + 1, 0) + (2 if special_tokens else 0)
        target = target_array(out, (len(self), natural("length", length)), kind)
        with kernel_errors():
            _native.kmers(self.data, self.offsets, target.reshape(-1), k, length, special_tokens, truncate, threads)
        return target

    def reverse_complement(self, *, threads: int | None = None) -> Sequences:
        """Return the reverse complement of each row; IUPAC letters have theirs (R and Y, K and M, ...)."""
        out = np.empty_like(self.data)
        with kernel_errors():
            _native.reverse_complement(self.data, self.offsets, out, threads)
        return self._made(out, self.offsets)

    def sites(self, pam: str = "NGG", spacer: int = 20, *, threads: int | None = None) -> Sites:
        """Find every protospacer with its PAM at the 3' end, on both strands.

        Parameters
        ----------
        pam
            IUPAC letters.
        spacer
            Letters of the protospacer.

        Raises
        ------
        UsageError
            A PAM that is empty or holds another letter.
        """
        with kernel_errors():
            record, start, minus, data, offsets, ambiguous = _native.sites(
                self.data, self.offsets, pam, natural("spacer", spacer), threads
            )
        return Sites(record, start, minus, self._made(data, offsets), ambiguous)

    def overlaps(
        self,
        other: Sequences | None = None,
        *,
        mismatches: int = 0,
        reverse_complement: bool = True,
        ignore: Iterable[int] = (),
        best: bool = False,
        threads: int | None = None,
    ) -> Overlaps:
        """Find the rows of `other` that rows of this one meet: equal length, few letters that differ.

        N meets N only. Time and memory grow linearly with the rows, however many of them are equal, where
        `best`.

        Parameters
        ----------
        other
            The references; None: this one within itself, each pair once (query < reference), with `best` each
            row's nearest other row.
        mismatches
            The most letters that may differ, 0 to 3.
        reverse_complement
            Whether the reverse complement of a query is compared too.
        ignore
            Positions of the reference that do not count, negative ones from the end: (0, 1) finds guides that
            differ only where they are farthest from the PAM.
        best
            Only one hit a query: the nearest, of those the first row, of those the forward strand.

        Raises
        ------
        UsageError
            More than three mismatches.
        """
        references = None if other is None else (other.data, other.offsets)
        with kernel_errors():
            found = _native.overlaps(
                self.data,
                self.offsets,
                references,
                natural("mismatches", mismatches),
                reverse_complement,
                [int(place) for place in ignore],
                best,
                threads,
            )
        return Overlaps(*found)

    def digest(self) -> str:
        """Return the SHA-256 of the content, in hexadecimal: equal rows in equal order have equal digests."""
        digest = hashlib.sha256(b"genotool sequences 1\n")
        digest.update(self.lengths.astype("<i8", copy=False).data)
        digest.update(self.data.data)
        return digest.hexdigest()

    def row_digests(self, *, threads: int | None = None) -> NDArray[np.uint64]:
        """Return a 64-bit hash of each row, (n,) uint64: the same on every machine and in every version."""
        out = np.empty(len(self), np.uint64)
        with kernel_errors():
            _native.row_hashes(self.data, self.offsets, out, threads)
        return out

    def _one_length(self) -> int:
        lengths = self.lengths
        if not len(lengths):
            return 0
        other = np.flatnonzero(lengths != lengths[0])
        if len(other):
            row = int(other[0])
            raise InputError(
                f"this sequence has {lengths[row]} nt, those before it have {lengths[0]}",
                row=row + 1,
                hint="give length=, or sequences of one length",
            )
        return int(lengths[0])
