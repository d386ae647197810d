"""The figures of one page: each made safe, with ids of its own; those that the report drew become files."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from genotool.errors import InputError
from genotool.report.blocks import Block, Figure, Figures, Notice
from genotool.report.drawn import Drawn
from genotool.report.svg import inline

__all__ = ["Pictures"]


@dataclass(slots=True)
class Pictures:
    """Figures in the order they come.

    Attributes
    ----------
    files
        File name to SVG text of what the report drew itself, to be written beside it.
    """

    files: dict[str, str] = field(default_factory=dict)
    shown: int = 0

    def drawn(self, figures: Drawn, owner: str) -> list[Block]:
        """Return figures that the report drew as a block, none for none; `owner` is whose they are."""
        for name, text, _ in figures:
            self.files[f"{owner}-{name}.svg" if owner else f"{name}.svg"] = text
        return self.found([(text, caption) for _, text, caption in figures], owner)

    def found(self, figures: list[tuple[str, str]], owner: str = "", *, wide: bool = False) -> list[Block]:
        """Return SVG texts with captions as a block; a notice in the place of what is no SVG."""
        good: list[Figure] = []
        notices: list[Block] = []
        for text, caption in figures:
            self.shown += 1
            title = f"{re.split('[;:,.] ', caption)[0].rstrip('.')}{f' ({owner})' if owner else ''}"
            try:
                good.append(Figure(inline(text, f"f{self.shown}-", title, caption), caption, wide))
            except InputError as error:
                notices.append(Notice(f"A figure is missing ({caption}): {error.message}"))
        return [*([Figures(good)] if good else []), *notices]
