"""FASTA, plain, gzip or bgzip: told apart by content, not by name.

A record is ``>name description`` and the lines up to the next ``>``. Lines may end in CRLF and be of any
length; letters of either case are kept in upper case, U as T, so that soft masking is lost. Anything else is
an error that names the record: text before the first ``>``, a letter outside the IUPAC alphabet, two records
of one name, a record without sequence, a truncated or damaged gzip file, a binary file.
"""

from __future__ import annotations

from os import PathLike
from typing import Literal, NamedTuple

from genotool import _native
from genotool.errors import UsageError
from genotool.kernels import kernel_errors
from genotool.sequences import Sequences

__all__ = ["FastaRecords", "read_fasta"]


class FastaRecords(NamedTuple):
    """The records of a file, in its order.

    Attributes
    ----------
    names
        n texts: the first word behind each ``>``.
    descriptions
        n texts: the rest of each header line, "" where there is none.
    sequences
        n rows.
    """

    names: list[str]
    descriptions: list[str]
    sequences: Sequences


def read_fasta(
    path: str | PathLike[str],
    *,
    duplicates: Literal["error", "keep"] = "error",
    empty: Literal["error", "keep"] = "error",
) -> FastaRecords:
    """Read all records of a FASTA file.

    Parameters
    ----------
    path
        The file; gzip and bgzip are recognised by their first bytes.
    duplicates
        "error": two records of one name are refused; "keep": both are kept.
    empty
        "error": a record without sequence is refused; "keep": it becomes a row of length 0.

    Raises
    ------
    InputError
        Content that is no FASTA, with the file, the record (counted from 1), the position and the letter.
    UsageError
        A path that is not there, is a folder, or may not be read.
    """
    for what, word in (("duplicates", duplicates), ("empty", empty)):
        if word not in ("error", "keep"):
            raise UsageError(f"unknown {what} {word!r}", hint="one of error, keep")
    try:
        with kernel_errors(path):
            names, descriptions, data, offsets = _native.read_fasta(path, duplicates == "keep", empty == "keep")
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file", hint="check the path") from None
    except IsADirectoryError:
        raise UsageError(f"{path}: this is a folder", hint="give the FASTA file in it") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    return FastaRecords(names, descriptions, Sequences._made(data, offsets))
