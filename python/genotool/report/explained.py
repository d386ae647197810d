"""What the predictions rest on: logos and heat maps of attributions, each with how exact it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genotool.report.blocks import Block, Notice, Section, Text
from genotool.report.collect import Collected, Step
from genotool.report.numbers import count, real
from genotool.report.pictures import Pictures

__all__ = ["explanation"]

EXACT = 1e-3
"""Up to this share of the median change an additivity error is one of rounding."""


def explanation(collected: Collected, pictures: Pictures) -> Section | None:
    """Return logos and heat maps of the attributions, each with how exact it is."""
    blocks: list[Block] = []
    for step in collected.having("explanation"):
        blocks += _explained(step, pictures)
    return Section("explanation", "What the predictions rest on", blocks) if blocks else None


def _explained(step: Step, pictures: Pictures) -> list[Block]:
    found = step.content["explanation"]
    n, data = count(found.get("n")), found.get("data", "")
    error, delta = real(found.get("max_additivity_error")), real(found.get("median_delta"))
    said = f"{found.get('method')}; n = {n} rows of {data}; background: {found.get('background')}."
    if error is not None:
        said += f" Largest additivity error {_small(error)}, median change that is explained {_small(delta)}."
    blocks: list[Block] = [Text(said, title=step.title), _exactness(found)]
    captions = {
        "logo": f"Mean attribution of each base where rows have it, n = {n}; above the line it raises.",
        "heatmap": f"The same means as colours, n = {n}: orange raises, purple lowers, blank is rare.",
        "top": "The rows with the highest predictions: each base as high as its position's attribution.",
        "chosen": "The chosen rows: each base as high as its position's attribution.",
    }
    figures = sorted(step.figures.items(), key=lambda item: list(captions).index(item[0]) if item[0] in captions else 9)
    classes = {f"logo-class-{place}": words for place, words in enumerate(_classes(found))}
    captions |= {name: f"The same over the rows of {words} alone." for name, words in classes.items() if words}
    shown = [(text, captions.get(name, "Mean attribution over some of the rows.")) for name, text in figures]
    return [*blocks, *pictures.found(shown, step.title, wide=True)]


def _exactness(found: Mapping[str, Any]) -> Block:
    """Return in words how well the attributions add up; ``exact`` is null for a method that makes no such claim."""
    tolerance = real(found.get("tolerance")) or EXACT
    if "exact" in found and found["exact"] is None:
        return Notice("Not additive: each base is changed by itself, and what several do need not add up.", "plain")
    if not found.get("exact"):
        text = f"NOT EXACT: the additivity error is above {_small(real(found.get('threshold')))}. "
        return Notice(text + "The attributions do not add up to the predictions: do not read them.", "bad")
    if tolerance > EXACT:
        text = "Complete: the attributions of each row add up to its prediction less that of the background, to within"
        return Notice(f"{text} {tolerance:.0%} of the median change.", "good")
    return Notice("Exact: the attributions of each row add up to its prediction less that of the background.", "good")


def _classes(found: Mapping[str, Any]) -> list[str]:
    """Return what the means are of, in the order of their figures: all rows (""), then each true class with its n."""
    words = []
    for name, means in (found.get("means") or {}).items():
        rows = means.get("rows") if isinstance(means, Mapping) else None
        held = [sum(filter(None, map(real, place))) for place in rows or [] if isinstance(place, list)]
        words.append("" if name == "all" else f"{name}{f', n = {count(max(held))}' if held else ''}")
    return words


def _small(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2g}"
