"""What a section of the report is made of; the template knows how each is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from markupsafe import Markup

__all__ = [
    "Block",
    "Figure",
    "Figures",
    "Finding",
    "Findings",
    "Grid",
    "Notice",
    "Section",
    "Text",
    "Verdict",
]

Tone = Literal["good", "bad", "warn", "plain"]


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph, or with `title` a small heading before it."""

    text: str
    title: str = ""
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence that must be seen."""

    text: str
    tone: Tone = "warn"
    kind: str = "notice"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A model's headline: its metric with interval and n, the word of the verdict, and the sentence."""

    model: str
    value: str
    detail: str
    word: str
    sentence: str
    tone: Tone
    kind: str = "verdict"


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; the first column names the row, `numeric` columns are set flush right.

    Attributes
    ----------
    folded
        Shown only when opened: a table that few readers need.
    left_out
        How many rows were too many to show.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: frozenset[int] = frozenset()
    title: str = ""
    folded: bool = False
    left_out: int = 0
    kind: str = "grid"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure, its markup made safe, and its caption."""

    svg: Markup
    caption: str
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures side by side where there is room."""

    figures: Sequence[Figure]
    kind: str = "figures"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding of the audit."""

    severity: str
    code: str
    message: str
    counted: str
    effect: str
    remedy: str
    examples: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Findings:
    """The findings of one audit, the most severe first."""

    title: str
    findings: Sequence[Finding]
    kind: str = "findings"


Block = Text | Notice | Verdict | Grid | Figures | Findings


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report with its heading; `name` is its anchor."""

    name: str
    title: str
    blocks: Sequence[Block] = field(default_factory=tuple)
