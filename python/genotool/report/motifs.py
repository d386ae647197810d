"""The patterns that an explanation holds: what each looks like, which known motif it is, and what it is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from genotool.report.blocks import Block, Grid, Notice, Section, Text
from genotool.report.collect import Collected, Step
from genotool.report.numbers import count, real
from genotool.report.pictures import Pictures

__all__ = ["motifs"]

MOST = 24
"""Patterns with figures: those with the largest share of the evidence for either side; the table has all."""
WIDEST = 16
"""Letters of a consensus in the table, which is as wide as the page."""
LOGOS = "above what its bases contribute, then how often each is there, below what it matches, place under place."
PLACES = "where the middle of each of its sites lies; the legend counts the sites."


def motifs(collected: Collected, pictures: Pictures) -> Section | None:
    """Return the patterns of each step that looked for them; None where none did."""
    blocks: list[Block] = []
    for step in collected.having("motifs"):
        blocks += _found(step, pictures)
    return Section("motifs", "Motifs that the model reads", blocks) if blocks else None


def _found(step: Step, pictures: Pictures) -> list[Block]:
    found = step.content["motifs"]
    patterns: Sequence[Mapping[str, Any]] = found.get("patterns") or []
    blocks: list[Block] = [Text(_said(found), title=step.title)]
    if found.get("exact") is False:
        blocks.append(Notice("NOT EXACT: the contributions do not add up to the predictions: do not read this.", "bad"))
    blocks += [Notice(str(text)) for text in found.get("remarks") or []]
    blocks += [Notice(text) for text in _unseen(found)]
    blocks += [_table(patterns, found)] if patterns else [Notice("No pattern was found.", "plain")]
    blocks.append(Text(_null(found.get("null"))))
    notes = found.get("notes") or []
    blocks.append(Grid(["note"], [[str(note)] for note in notes], title="How to read this", folded=True))
    shown = sorted(patterns, key=lambda pattern: -_share(pattern, "all"))[:MOST]
    for pattern in (pattern for pattern in patterns if pattern in shown):
        blocks += _pattern(pattern, step, pictures)
    if left := len(patterns) - len(shown):
        blocks.append(Text(f"{left} more patterns of smaller shares are in the table only."))
    return blocks


def _said(found: Mapping[str, Any]) -> str:
    seqlets, jaspar, held = found.get("seqlets") or {}, found.get("jaspar") or {}, found.get("covered") or {}
    known = f"{jaspar.get('release')} {jaspar.get('collection')}, {jaspar.get('taxon')}"
    return (
        f"TF-MoDISco on {count(found.get('rows'))} rows of {found.get('data')}, {count(found.get('length'))} positions "
        f"each, by {found.get('method')}. {count(seqlets.get('pos'))} stretches with large positive and "
        f"{count(seqlets.get('neg'))} with large negative contributions (seqlets) were clustered to "
        f"{count(len(found.get('patterns') or []))} patterns; together they hold {_percent(held.get('pos'))} of what "
        f"raises and {_percent(held.get('neg'))} of what lowers the predictions. Each was matched to the "
        f"{count(jaspar.get('motifs'))} motifs of {known} by TOMTOM; q is by Benjamini and Hochberg over all "
        f"{count(found.get('comparisons'))} comparisons, and is about the match, not about the pattern."
    )


def _unseen(found: Mapping[str, Any]) -> list[str]:
    """Return what was not looked for: a sign with too few seqlets."""
    words = {"pos": "raises", "neg": "lowers"}
    seqlets, least = found.get("seqlets") or {}, (found.get("settings") or {}).get("min_seqlets")
    return [
        f"Of what {words.get(str(sign), sign)} the predictions there are {count(seqlets.get(str(sign)))} seqlets, and "
        f"TF-MoDISco clusters more than {count(least)}: no pattern of it is known."
        for sign in found.get("not_clustered") or []
    ]


def _null(null: Mapping[str, Any] | None) -> str:
    if not null:
        return "How many patterns chance alone gives was not asked (--null looks where there are none)."
    sizes = null.get("patterns") or {}
    found = [size for signs in sizes.values() if isinstance(signs, list) for size in signs]
    largest = f", the largest of {count(max(found))} seqlets" if found else ""
    return f"The same with the {null.get('what')}, gives {count(len(found))} patterns{largest}: what chance alone does."


def _table(patterns: Sequence[Mapping[str, Any]], found: Mapping[str, Any]) -> Grid:
    classes = [name for name in (patterns[0].get("evidence") or {}) if name != "all"]
    parts = ["all", *classes]
    head = ["pattern", "consensus", "for", "best match", "q", "rows with it, share of its evidence",
            *(f"of class {name}" for name in classes), "median position"]  # fmt: skip
    rows = [
        [str(pattern.get("name")), _begun(str(pattern.get("consensus"))), str(pattern.get("speaks_for")),
         *_best(pattern), *(_held(pattern, name) for name in parts), count(pattern.get("median_position"))]
        for pattern in patterns
    ]  # fmt: skip
    numeric = frozenset({4, 5 + len(parts)})
    threshold = (found.get("settings") or {}).get("q")
    return Grid(
        head,
        rows,
        numeric=numeric,
        title=f"Patterns; in brackets a best match that is none: q above {threshold}, or a core of under 6 bits",
    )


def _begun(consensus: str) -> str:
    """Return as much of a consensus as a cell holds; all of it is above its figures and in the table's file."""
    return consensus if len(consensus) <= WIDEST else consensus[: WIDEST - 1] + "…"


def _best(pattern: Mapping[str, Any]) -> list[str]:
    best: Mapping[str, Any] = next(iter(pattern.get("matches") or []), {})
    words = f"{best.get('name')}, {_kind(best)}" if best else "–"
    alike = ", ".join(map(str, pattern.get("alike") or []))
    words += "".join(f"; beside it {_named(one)}" for one in pattern.get("beside") or [])
    words += f"; the same family: {alike}" if alike else ""
    return [words if pattern.get("matched") or not best else f"({words})", _small(best.get("q"))]


def _named(beside: Mapping[str, Any]) -> str:
    """Return the likeliest motif of what the best match leaves of a core."""
    best: Mapping[str, Any] = next(iter(beside.get("matches") or []), {})
    return f"{best.get('name')}, {_kind(best)} (q {_small(best.get('q'))})"


def _pattern(pattern: Mapping[str, Any], step: Step, pictures: Pictures) -> list[Block]:
    name = str(pattern.get("name"))
    figures = [(f"motif-{name}", f"{name}: {LOGOS}"), (f"motif-{name}-places", f"{name}: {PLACES}")]
    kept = [(step.figures[stem], caption) for stem, caption in figures if stem in step.figures]
    title = f"{name} {pattern.get('consensus')}, for {pattern.get('speaks_for')}"
    said = f"{count(pattern.get('seqlets'))} seqlets in {_rows(pattern, 'all')} rows; "
    said += f"{_percent(_share(pattern, 'all'))} of all contributions of its sign."
    grids = [_likeliest(name, pattern.get("matches"))]
    grids += [_likeliest(f"{name}, {one.get('consensus')}", one.get("matches")) for one in pattern.get("beside") or []]
    return [Text(said, title=title), *pictures.found(kept, step.title), *grids]


def _likeliest(what: str, matches: Sequence[Mapping[str, Any]] | None) -> Grid:
    rows = [
        [f"{match.get('name')} ({match.get('id')})", _kind(match), _small(match.get("p")),
         _small(match.get("q")), "reverse" if match.get("turned") else "forward"]
        for match in matches or []
    ]  # fmt: skip
    head = ["motif", "class, family", "p", "q", "strand"]
    return Grid(head, rows, numeric=frozenset({2, 3}), title=f"{what}: the likeliest motifs", folded=True)


def _kind(match: Mapping[str, Any]) -> str:
    """Return the class of a factor's domain, and the family within it."""
    return ", ".join(filter(None, (str(match.get("class") or ""), str(match.get("family") or "")))) or "–"


def _share(pattern: Mapping[str, Any], name: str) -> float:
    return real(((pattern.get("evidence") or {}).get(name) or {}).get("share")) or 0.0


def _rows(pattern: Mapping[str, Any], name: str) -> str:
    held = (pattern.get("evidence") or {}).get(name) or {}
    return f"{count(held.get('rows'))} of {count(held.get('of'))}"


def _held(pattern: Mapping[str, Any], name: str) -> str:
    """Return rows and share for a cell, which breaks between the two only."""
    words = (_rows(pattern, name), _percent(_share(pattern, name)))
    return ", ".join(word.replace(" ", "\u00a0") for word in words)


def _percent(value: Any) -> str:
    found = real(value)
    return "–" if found is None else f"{100 * found:.1f} %"


def _small(value: Any) -> str:
    found = real(value)
    return "–" if found is None else f"{found:.2g}".replace("-", "−")
