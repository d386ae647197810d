"""The figures of a pattern: its contributions, its bases and its best match below each other; where it lies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from genotool.figures.motifs import Panel, aligned_logos, places
from numpy.typing import NDArray

from genotool_deepdife.attributed import Attributed
from genotool_deepdife.matching import Match, bits, core
from genotool_deepdife.motif_results import Result

__all__ = ["figures"]

BESIDE = 3
"""Positions that are shown on each side of a core."""


def figures(results: Sequence[Result], explained: Attributed, simulated: bool) -> Iterator[tuple[str, str]]:
    """Yield (file stem, SVG): the logos and the places of each pattern."""
    for result in results:
        yield f"motif-{result.pattern.name}", aligned_logos(_panels(result), simulated=simulated)
        yield f"motif-{result.pattern.name}-places", _places(result, explained, simulated)


def _panels(result: Result) -> list[Panel]:
    pattern, match = result.pattern, result.matches[0]
    first, last = core(pattern)
    left, right = min(BESIDE, first), min(BESIDE, len(pattern.sequence) - last)
    shown = slice(first - left, last + right)
    shares = pattern.sequence[shown]
    known = _aligned(match, len(shares), left)
    strand = ", reverse complement" if match.turned else ""
    return [
        Panel(pattern.contributions[shown], f"{pattern.name}: what its bases contribute", "contribution"),
        Panel(shares * bits(shares)[:, None], f"{pattern.name}: its bases", "bits"),
        Panel(known, f"{match.motif.name} ({match.motif.matrix_id}{strand})", "bits"),
    ]


def _aligned(match: Match, width: int, left: int) -> NDArray[np.float64]:
    """Return the motif's logo below `width` positions of which the pattern's core starts at `left`."""
    shares = match.motif.probabilities()
    heights = shares * bits(shares)[:, None]
    heights = heights[::-1, ::-1] if match.turned else heights
    shown, at = np.zeros((width, 4)), np.arange(len(heights)) + left - match.offset
    inside = (at >= 0) & (at < width)
    shown[at[inside]] = heights[inside]
    return shown


def _places(result: Result, explained: Attributed, simulated: bool) -> str:
    found = result.sites
    middles = (found.starts + found.ends - 1) / 2 + 1
    held = {"all rows": middles}
    if explained.target is not None:
        codes = explained.target[found.rows]
        held = {f"class {name}": middles[codes == code] for code, name in enumerate(explained.classes)}
    return places(held, explained.inputs.shape[1], simulated=simulated)
