"""The index of a FASTA file (``.fai``, as samtools writes it): read, and checked against its file."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import TypeAlias

from genotool.errors import InputError

__all__ = ["STALE", "Line", "check_index", "read_index"]

Line: TypeAlias = tuple[str, int, int, int, int]
"""Name, length, offset, letters of a line, bytes of a line."""

STALE = "remove the index: a new one is made"
CHECKED = 1 << 20
"""The letters of a first line that are looked through for its end."""
CHECKED_BEHIND = 4096
"""The bytes behind a line where the next one, or a header, is looked for."""


def read_index(index: Path) -> list[Line]:
    """Return the lines of an index.

    Raises
    ------
    InputError
        A line that has no name and four numbers.
    """
    lines: list[Line] = []
    content = index.read_bytes().decode("utf-8", "replace").removesuffix("\n")
    for number, text in enumerate(content.split("\n") if content else [], 1):
        name, *cells = text.removesuffix("\r").split("\t")
        if len(cells) != 4 or not all(cell.isdecimal() and len(cell) < 19 for cell in cells):
            raise InputError(
                "an index has a name and four numbers a line", file=index, row=number, value=text, hint=STALE
            )
        length, offset, bases, width = map(int, cells)
        lines.append((name, length, offset, max(bases, 1), max(width, bases + 1, 2)))
    return lines


def check_index(lines: list[Line], text: mmap.mmap, index: Path) -> None:
    """Check an index against its FASTA file, at the ends of every contig and of its first line.

    Raises
    ------
    InputError
        A name that occurs twice, or a contig that is not what lies between its own header and the next one.
    """
    if not lines:
        raise InputError("the index is empty", file=index, hint=STALE)
    seen: set[str] = set()
    for number, line in enumerate(lines, 1):
        name = line[0]
        if name in seen or not _is_there(text, line):
            what = "holds this name twice" if name in seen else f"does not fit {index.stem}"
            raise InputError(f"the index {what}", file=index, row=number, value=name, hint=STALE)
        seen.add(name)


def _is_there(text: mmap.mmap, line: Line) -> bool:
    """Whether a line of the index has its header before it, lines of its length, and its end where it says."""
    name, length, offset, bases, width = line
    header = text.rfind(b">", 0, offset)
    while header > 0 and text[header - 1 : header] != b"\n":
        header = text.rfind(b">", 0, header)
    words = text[header + 1 : offset].split(maxsplit=1) if header >= 0 else []
    if not words or words[0].decode("utf-8", "replace") != name or width - bases > CHECKED_BEHIND:
        return False
    if not length:  # the header may be the last line, without an end
        return offset <= len(text) and text[offset : offset + CHECKED_BEHIND].lstrip()[:1] in (b"", b">")
    end = offset + (length - 1) // bases * width + (length - 1) % bases + 1
    if end > len(text) or text[offset - 1 : offset] != b"\n" or text[end - 1 : end].isspace():
        return False
    first, last = min(length, bases, CHECKED), offset + (length - 1) // bases * width
    gaps = [text[start - (width - bases) : start] for start in {offset + width, last} if offset < start < end]
    is_lined = text.find(b"\n", offset, offset + first) < 0 and all(g.isspace() and g.endswith(b"\n") for g in gaps)
    behind = text[end : end + CHECKED_BEHIND]
    return is_lined and not behind[:1].strip() and behind.lstrip()[:1] in (b"", b">")
