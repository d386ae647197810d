"""The figures of a pattern: its contributions, its bases and what it matches below each other; where it lies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from genotool.figures.motifs import Panel, aligned_logos, places
from numpy.typing import NDArray

from genotool_deepdife.attributed import Attributed
from genotool_deepdife.cores import bits, core
from genotool_deepdife.matching import Match
from genotool_deepdife.motif_results import Result

__all__ = ["figures", "panels"]

BESIDE = 3
"""Positions that are shown on each side of a core."""


def figures(results: Sequence[Result], explained: Attributed, q: float, simulated: bool) -> Iterator[tuple[str, str]]:
    """Yield (file stem, SVG): the logos and the places of each pattern."""
    for result in results:
        yield f"motif-{result.pattern.name}", aligned_logos(panels(result, q), simulated=simulated)
        yield f"motif-{result.pattern.name}-places", _places(result, explained, simulated)


def panels(result: Result, q: float) -> list[Panel]:
    """Return the logos over the core and the whole of what it matches, position under position."""
    pattern, (first, last) = result.pattern, core(result.pattern)
    matches = [(first, result.matches[0]), *((one.stretch[0], one.matches[0]) for one in result.beside(q))]
    known = [(begin - match.offset, _heights(match), match) for begin, match in matches]
    starts, ends = zip(*((start, start + len(heights)) for start, heights, _ in known), strict=True)
    shown = min(first - BESIDE, *starts), max(last + BESIDE, *ends)
    own = pattern.sequence * bits(pattern.sequence)[:, None]
    return [
        Panel(_between(pattern.contributions, 0, *shown), f"{pattern.name}: what its bases contribute", "contribution"),
        Panel(_between(own, 0, *shown), f"{pattern.name}: its bases", "bits"),
        *(Panel(_between(heights, start, *shown), _title(match), "bits") for start, heights, match in known),
    ]


def _heights(match: Match) -> NDArray[np.float64]:
    """Return (width, 4) the logo of a motif, on the strand that fits."""
    shares = match.motif.probabilities()
    return (shares * bits(shares)[:, None])[:: -1 if match.turned else 1, :: -1 if match.turned else 1]


def _title(match: Match) -> str:
    return f"{match.motif.name} ({match.motif.matrix_id}{', reverse complement' if match.turned else ''})"


def _between(heights: NDArray[np.float64], start: int, first: int, last: int) -> NDArray[np.float64]:
    """Return (last - first, 4) heights of positions, 0 where there are none; the first given ones are at `start`."""
    shown, at = np.zeros((last - first, 4)), np.arange(len(heights)) + start - first
    inside = (at >= 0) & (at < len(shown))
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
