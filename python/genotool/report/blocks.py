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
    "FindingGroup",
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
    """A model's headline: its metric with interval and n, the word of the verdict, and what it means."""

    model: str
    value: str
    detail: str
    word: str
    sentences: Sequence[str]
    tone: Tone
    kind: str = "verdict"


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; the first column names the row, `numeric` columns are set flush right.

    Attributes
    ----------
    folded
        Shown only when opened: a table that few readers need. On paper it is open.
    bulky
        Stays closed on paper too: its rows are in a file of the run.
    left_out
        How many rows were too many to show.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: frozenset[int] = frozenset()
    title: str = ""
    folded: bool = False
    bulky: bool = False
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
    """One finding of the audit, and the steps whose audits found it.

    Attributes
    ----------
    counted
        Rows of all rows; "" where the message says it.
    effect
        What was measured with and without the offending rows, a line a measurement.
    """

    severity: str
    code: str
    message: str
    counted: str
    effect: Sequence[str]
    remedy: str
    examples: Sequence[str] = ()
    steps: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """Findings of one severity, kind and remedy."""

    severity: str
    code: str
    remedy: str
    findings: Sequence[Finding]


@dataclass(frozen=True, slots=True)
class Findings:
    """What the audits of all steps found, the most severe first; notes are folded.

    Attributes
    ----------
    audited
        How many steps were audited; with one there is no need to say which found what.
    """

    title: str
    groups: Sequence[FindingGroup]
    about: str = ""
    audited: int = 1
    kind: str = "findings"

    @property
    def open(self) -> list[FindingGroup]:
        """The groups that are shown at once."""
        return [group for group in self.groups if group.severity != "note"]

    @property
    def notes(self) -> list[FindingGroup]:
        """The groups that are folded."""
        return [group for group in self.groups if group.severity == "note"]


Block = Text | Notice | Verdict | Grid | Figures | Findings


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report with its heading; `name` is its anchor."""

    name: str
    title: str
    blocks: Sequence[Block] = field(default_factory=tuple)
