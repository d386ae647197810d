"""What the predictions rest on: logos and heat maps of attributions, each with how exact it is."""

from __future__ import annotations

from genotool.report.blocks import Block, Notice, Section, Text
from genotool.report.collect import Collected, Step
from genotool.report.numbers import count, real
from genotool.report.pictures import Pictures

__all__ = ["explanation"]


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
    said = (
        f"{found.get('method')}; n = {n} rows of {data}; background: {found.get('background')}. "
        f"Largest additivity error {_small(error)}, median change that is explained {_small(delta)}."
    )
    blocks: list[Block] = [Text(said, title=step.title)]
    if found.get("exact"):
        blocks.append(Notice("Exact: the attributions of each row add up to its prediction.", "good"))
    else:
        text = f"NOT EXACT: the additivity error is above {_small(real(found.get('threshold')))}. "
        blocks.append(Notice(text + "The attributions do not add up to the predictions: do not read them.", "bad"))
    captions = {
        "logo": f"Mean attribution of each base where rows have it, n = {n}; above the line it raises.",
        "heatmap": f"The same means as colours, n = {n}: orange raises, purple lowers, blank is rare.",
        "top": "The rows with the highest predictions: each base as high as its position's attribution.",
    }
    figures = sorted(step.figures.items(), key=lambda item: list(captions).index(item[0]) if item[0] in captions else 9)
    shown = [(text, captions.get(name, "Mean attribution of one class alone.")) for name, text in figures]
    return [*blocks, *pictures.found(shown, wide=True)]


def _small(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2g}"
