"""Finding and Audit: what an audit found, how bad it is, what it does to a metric, and what to do about
it.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.audit.words import lines_of
from genotool.errors import InputError

__all__ = ["SEVERITIES", "Audit", "Effect", "Finding", "shown"]

SEVERITIES: tuple[str, ...] = ("note", "warning", "severe")
FORMAT = 1
EXAMPLES = 5

Effect: TypeAlias = Mapping[str, Mapping[str, float | str | None]]
"""What was measured to the metric with and without the offending rows: ``{"memoriser": {"metric":
"roc_auc", "with": …}}``.
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that an audit found.

    Attributes
    ----------
    code
        A word that stays the same between versions, such as ``shared-rows``.
    severity
        note, warning or severe.
    count, total
        The rows (or groups) concerned, and of how many.
    message, remedy
        What it is, and what to do.
    examples
        A few row ids.
    effect
        The metric with and without the offending rows; None where it was not measured.
    data
        The names of the data sets concerned.
    partners
        For each example the row that it meets; empty where it meets none in particular.
    unmeasured
        Why there is no effect, where one would be expected.
    """

    code: str
    severity: str
    count: int
    total: int
    message: str
    remedy: str
    examples: tuple[str, ...] = ()
    effect: Effect | None = None
    data: tuple[str, ...] = ()
    partners: tuple[str, ...] = ()
    unmeasured: str = ""

    def __post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            raise ValueError(f"a severity is one of {', '.join(SEVERITIES)}, not {self.severity!r}")


@dataclass(frozen=True, slots=True)
class Audit:
    """Findings, the most severe first, and the names of the data that were looked at.

    Attributes
    ----------
    looked
        A line on each data set or run: what it was taken to be, and what could not be looked for.
    """

    findings: tuple[Finding, ...]
    data: tuple[str, ...]
    looked: tuple[str, ...] = ()

    @classmethod
    def of(cls, findings: Iterable[Finding], data: Iterable[str]) -> Audit:
        """Return an audit with its findings in order: severity, then as found; a finding twice counts
        once.
        """
        distinct = {(item.code, item.data, item.message): item for item in findings}.values()
        ordered = sorted(distinct, key=lambda item: -SEVERITIES.index(item.severity))
        return cls(tuple(ordered), tuple(dict.fromkeys(data)))

    @classmethod
    def of_parts(cls, audits: Sequence[Audit], what: str) -> Audit:
        """Return the audits of like parts of one run as one.

        What all of them found word for word stands once; of other findings of one code in one data set the worst, and
        how many they are.

        Parameters
        ----------
        what
            What the parts are called, such as ``folds``.
        """
        said = Counter(message for audit in audits for message in {item.message for item in audit.findings})
        alike: dict[tuple[Any, ...], list[tuple[int, Finding]]] = {}
        for number, audit in enumerate(audits):
            for item in audit.findings:
                key = (item.code, item.data, item.message if said[item.message] == len(audits) else None)
                alike.setdefault(key, []).append((number, item))
        merged = [_worst(items, len(audits), what) for items in alike.values()]
        return cls.of(merged, [name for audit in audits for name in audit.data])

    def merged(self, other: Audit) -> Audit:
        """Return both audits as one."""
        both = Audit.of([*self.findings, *other.findings], [*self.data, *other.data])
        return both.saying([*self.looked, *other.looked])

    def saying(self, looked: Iterable[str]) -> Audit:
        """Return the same audit with the lines on what was looked at, each once."""
        return dataclasses.replace(self, looked=tuple(dict.fromkeys(looked)))

    @property
    def worst(self) -> str:
        """The highest severity; ``none`` without findings."""
        return self.findings[0].severity if self.findings else "none"

    @property
    def headline(self) -> str:
        """The first, most severe finding in words."""
        return self.findings[0].message if self.findings else "nothing found"

    def exceeds(self, fail_on: str) -> bool:
        """Return whether a finding is at least as severe as `fail_on`; never for ``none``."""
        if fail_on == "none" or not self.findings:
            return False
        return SEVERITIES.index(self.worst) >= SEVERITIES.index(fail_on)

    def to_json(self) -> dict[str, Any]:
        """Return what ``audit.json`` holds."""
        findings = [dataclasses.asdict(finding) for finding in self.findings]
        looked = {"looked": list(self.looked)} if self.looked else {}
        return {"format": FORMAT, "worst": self.worst, "data": list(self.data), **looked, "findings": findings}

    @classmethod
    def from_json(cls, content: Any, *, file: Path | None = None) -> Audit:
        """Read what `to_json` returned; InputError for anything else."""
        try:
            if content["format"] != FORMAT:
                raise InputError("an audit of another format", file=file, value=content["format"])
            findings = [
                Finding(**item | {name: tuple(item.get(name, ())) for name in ("examples", "data", "partners")})
                for item in content["findings"]
            ]
            return cls.of(findings, content["data"]).saying(map(str, content.get("looked", ())))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"this is no audit: {error}", file=file) from error

    def table(self) -> str:
        """Return as text what was looked at, then the findings: a line each, below it effect, examples and remedy."""
        said = [line for finding in self.findings for line in lines_of(finding)]
        return "\n".join([*self.looked, *(said or [f"nothing found in {', '.join(self.data)}"])])


def _worst(items: Sequence[tuple[int, Finding]], parts: int, what: str) -> Finding:
    """Return the worst of like findings, and in words how many of them there are, in how many of the parts."""
    worst = max(
        (item for _, item in items), key=lambda it: (SEVERITIES.index(it.severity), it.count / max(1, it.total))
    )
    if len({item.message for _, item in items}) == 1:
        return worst
    counts, within = [item.count for _, item in items], len({number for number, _ in items})
    more = f"the worst of {len(items)} such findings, of {min(counts)} to {max(counts)}, in {within} of {parts} {what}"
    return dataclasses.replace(worst, message=f"{worst.message} ({more})")


def shown(ids: Sequence[str] | NDArray[np.str_]) -> tuple[str, ...]:
    """Return the first few of the given ids, as text."""
    return tuple(str(item) for item in ids[:EXAMPLES])
