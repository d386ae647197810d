"""How data sets and classes differ: the tests of a comparison, effect sizes first, and its figures."""

from __future__ import annotations

from collections import Counter

from genotool.report.blocks import Block, Grid, Section, Text
from genotool.report.collect import Collected, Table
from genotool.report.numbers import count, estimate, p_value, real
from genotool.report.pictures import Pictures

__all__ = ["comparison"]

MOST_EFFECTS = 12
MOST_TESTS = 300


def comparison(collected: Collected, pictures: Pictures) -> Section | None:
    """Return the tests between data sets and classes, with the figures that the comparison drew."""
    blocks: list[Block] = []
    for step in collected.having("stats"):
        blocks += _compared(step.tables["stats"])
        notes = step.content.get("comparison", {}).get("notes") or []
        blocks += [Text("; ".join(str(note) for note in notes) + ".", title="How to read this")] if notes else []
        kept = [(text, name.replace("_", " ").replace("-", " ").strip() + ".") for name, text in step.figures.items()]
        blocks += pictures.found(kept)
    return Section("comparison", "How the data sets differ", blocks) if blocks else None


def _compared(table: Table) -> list[Block]:
    """Return the largest effects, and all tests folded away."""
    words = Counter(table.column("conclusion"))
    counted = ", ".join(f"{number} {word}" for word, number in words.most_common() if word)
    text = f"{len(table.rows)} tests: {counted}. A small q says that rows differ, the effect size by how much; "
    text += "equivalent: the 90 % interval of the effect lies inside a bound that matters to nobody."
    sizes = [abs(real(cell) or 0.0) for cell in table.column("effect")]
    order = sorted(range(len(sizes)), key=lambda row: -sizes[row])
    largest = Table(table.header, tuple(table.rows[row] for row in order))
    return [
        Text(text),
        _tests(largest, MOST_EFFECTS, "Largest effects", folded=False),
        _tests(table, MOST_TESTS, "All tests", folded=True),
    ]


def _tests(table: Table, most: int, title: str, *, folded: bool) -> Grid:
    cells = [dict(zip(table.header, row, strict=False)) for row in table.rows[:most]]
    head = ["feature", "between", "test", "effect [90 % interval]", "q", "n", "conclusion"]
    left = len(table.rows) - len(cells)
    rows = [_test(row) for row in cells]
    return Grid(head, rows, numeric=frozenset({4, 5}), title=title, folded=folded, left_out=left)


def _test(row: dict[str, str]) -> list[str]:
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
