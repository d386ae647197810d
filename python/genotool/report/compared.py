"""How data sets and classes differ: the tests of a comparison, effect sizes first, and its figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from genotool.report.blocks import Block, Grid, Section, Text
from genotool.report.collect import Collected, Table
from genotool.report.numbers import count, estimate, p_value, real
from genotool.report.pictures import Pictures

__all__ = ["comparison"]

MOST_EFFECTS = 8
MOST_TESTS = 300
FEATURES = {"gc": "GC", "tm": "melting temperature"}


def comparison(collected: Collected, pictures: Pictures) -> Section | None:
    """Return the tests between data sets and classes, with the figures that the comparison drew."""
    blocks: list[Block] = []
    for step in collected.having("stats"):
        if "leaderboard" in step.content:  # tests of models, shown with them
            continue
        blocks += _compared(step.tables["stats"])
        notes = step.content.get("comparison", {}).get("notes") or []
        if notes:
            blocks.append(Grid(["note"], [[str(note)] for note in notes], title="How to read this", folded=True))
        kept = [(text, _caption(name)) for name, text in step.figures.items()]
        blocks += pictures.found(kept, step.title)
    return Section("comparison", "How the data sets differ", blocks) if blocks else None


def _caption(name: str) -> str:
    first, _, rest = name.partition("_")
    words = f"{FEATURES.get(first, first)} {rest}".replace("_", " ").strip()
    return f"{words[:1].upper()}{words[1:]}; the legend counts the rows."


def _compared(table: Table) -> list[Block]:
    """Return the largest effects, and all tests folded away."""
    words = Counter(table.column("conclusion"))
    counted = ", ".join(f"{number} {word}" for word, number in words.most_common() if word)
    text = f"{len(table.rows)} tests: {counted}. A small q says that rows differ, the effect size by how much; "
    text += "equivalent: the 90 % interval of the effect lies inside the bound below which it is called negligible."
    cells = [dict(zip(table.header, row, strict=False)) for row in table.rows]
    telling = [row for row in cells if not _by_construction(row)]
    left = len(cells) - len(telling)
    if left:
        tests = f"{left} test{'s' if left != 1 else ''}"
        text += (
            f" Not among the largest effects: {tests} of classes by the efficacy that they are, or may be, cut from;"
        )
        text += " such a difference is there by construction."
    return [
        Text(text),
        _tests(_largest(telling), len(telling), "Largest effects, over the bound of each; all rows"),
        _tests(cells[:MOST_TESTS], len(cells), "All tests", folded=True),
    ]


def _by_construction(row: Mapping[str, str]) -> bool:
    """Return whether a test finds what the classes were made from."""
    if "tautology" in row:
        return row["tautology"] not in ("", "no", "False")
    return row.get("kind") == "classes" and row.get("feature", "").startswith("efficacy")


def _largest(rows: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Return the largest effects, one a feature and pair: another test or fewer rows say the same again."""
    held: dict[tuple[str | None, ...], Mapping[str, str]] = {}
    whole = [row for row in rows if row.get("sampling") != "under-sampled"]
    for row in sorted(whole, key=_size, reverse=True):
        held.setdefault((row.get("feature"), row.get("set_a"), row.get("set_b")), row)
    return list(held.values())[:MOST_EFFECTS]


def _size(row: Mapping[str, str]) -> float:
    """Return an effect over its bound: what makes a D and a Cliff's delta comparable."""
    return abs(real(row.get("effect")) or 0.0) / (real(row.get("bound")) or 1.0)


def _tests(rows: Sequence[Mapping[str, str]], of: int, title: str, *, folded: bool = False) -> Grid:
    head = ["feature", "between", "test", "effect [90 % interval]", "q", "n", "conclusion"]
    left = of - len(rows) if folded else 0
    cells = [_test(row) for row in rows]
    return Grid(head, cells, numeric=frozenset({4, 5}), title=title, folded=folded, bulky=folded, left_out=left)


def _test(row: Mapping[str, str]) -> list[str]:
    size = estimate({"value": row.get("effect"), "low": row.get("low"), "high": row.get("high")})
    between = f"{row.get('set_a', '')} against {row.get('set_b', '')}"
    between += ", under-sampled" if row.get("sampling") == "under-sampled" else ""
    return [
        row.get("feature", ""),
        between,
        row.get("test", ""),
        f"{row.get('effect_name', '')} {size}",
        p_value(row.get("q")),
        f"{count(row.get('n_a'))}, {count(row.get('n_b'))}",
        row.get("conclusion", ""),
    ]
