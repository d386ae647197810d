"""How findings read: counts in words, and a finding as lines of text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from genotool.dataset import Dataset, Kind

if TYPE_CHECKING:
    from genotool.audit.findings import Finding

__all__ = ["among", "lines_of", "metric_name", "nouns", "percent", "some"]

INDENT = " " * 9
HOW = " (each scored by the label of the nearest)"
"""What a look-up of one set in another is."""
NAMES = {"roc_auc": "ROC-AUC", "spearman": "Spearman", "f1": "F1"}


def percent(count: int, total: int) -> str:
    """Return a share with one decimal, ``98.6 %``: never 0.0 % of some rows, never 100.0 % of not quite all."""
    share = 100 * count / total if total else 0.0
    if 0 < share < 0.05:
        return "< 0.1 %"
    return "> 99.9 %" if 99.95 <= share < 100 else f"{share:.1f} %"


def nouns(kind: Kind, count: int = 2) -> str:
    """Return what `count` rows of a kind are called."""
    noun = {Kind.GUIDES: "guide", Kind.SEQUENCES: "sequence", Kind.PAIRS: "pair"}.get(kind, "row")
    return noun if count == 1 else f"{noun}s"


def some(count: int, noun: str) -> str:
    """Return ``1 guide``, ``2 guides``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def among(count: int, rows: Dataset, verbs: tuple[str, str], *, part: str = "") -> str:
    """Return ``3 of 2198 guides of k562 (0.1 %) are``: the subject of a sentence and its verb, (singular, plural).

    Parameters
    ----------
    part
        The part of a split that `rows` are, with a space after it.
    """
    total = len(rows)
    named = f"{count} of {total} {part}{nouns(rows.kind, total)} of {rows.name}"
    return f"{named} ({percent(count, total)}) {verbs[0] if count == 1 else verbs[1]}"


def lines_of(finding: Finding) -> list[str]:
    """Return a finding as text: how bad and what, what it does to a metric, where to look, what to do."""
    lines = [f"{finding.severity.upper():9}{finding.code}: {finding.message}"]
    lines += [f"{INDENT}effect: {said}" for said in _effects(finding)]
    if finding.examples:
        lines.append(f"{INDENT}{_examples(finding)}")
    return [*lines, f"{INDENT}remedy: {finding.remedy}"]


def _effects(finding: Finding) -> list[str]:
    """Return what was measured with and without the rows, in words. Other numbers stand in the message."""
    if finding.unmeasured:
        return [f"not measured, {finding.unmeasured}"]
    return [
        f"{name}{HOW if ' in ' in name else ''}: {_look_up(measured)}"
        for name, measured in (finding.effect or {}).items()
        if measured.get("with") is not None or measured.get("shared") is not None
    ]


def _look_up(measured: Mapping[str, float | str | None]) -> str:
    places = (("with", ""), ("shared", " on the rows that meet"), ("without", " without them"))
    said = [f"{measured[key]:.3f}{words}" for key, words in places if measured.get(key) is not None]
    return f"{metric_name(str(measured.get('metric', '')))} {', '.join(said)}"


def metric_name(metric: str) -> str:
    """Return a metric's name as one writes it; what is said after the name stays."""
    name, _, rest = metric.partition(" ")
    return " ".join([NAMES.get(name, name), rest]).strip()


def _examples(finding: Finding) -> str:
    if not finding.partners:
        return f"for example: {', '.join(finding.examples)}"
    pairs = zip(finding.examples, finding.partners, strict=True)
    sets = f" ({' ~ '.join(finding.data)})" if len(finding.data) == 2 else ""
    return f"for example{sets}: {', '.join(f'{one} ~ {other}' for one, other in pairs)}"
