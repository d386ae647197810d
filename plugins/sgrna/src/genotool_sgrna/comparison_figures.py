"""Histograms of what guide sets are compared on, by set and by class."""

from __future__ import annotations

from collections.abc import Iterator

from genotool.figures.distributions import histograms

from genotool_sgrna.guide_set import GuideSet

__all__ = ["figures"]

LABELS = {
    "gc": "GC fraction of the spacer",
    "tm": "melting temperature (°C)",
    "efficacy": "efficacy, percentile in its set",
}


def figures(sets: list[GuideSet], simulated: bool) -> Iterator[tuple[str, str]]:
    """Yield (file stem, SVG): GC and melting temperature by set, each feature by class in sets of two."""
    for feature in ("gc", "tm"):
        held = {guides.name: guides.numbers[feature] for guides in sets}
        yield f"{feature}_by_set", histograms(held, label=LABELS[feature], simulated=simulated)
    for guides in sets:
        pair = guides.classes()
        for feature in LABELS if pair is not None else ():
            if pair is not None and feature in guides.numbers:
                held = {part.name: part.numbers[feature] for part in pair}
                yield (
                    f"{feature}_by_class_{guides.name}",
                    histograms(held, label=LABELS[feature], simulated=simulated),
                )
