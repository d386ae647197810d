"""SVG made fit for a page: nothing active, nothing fetched, ids of its own, the colours of the page."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from markupsafe import Markup

from genotool.errors import InputError
from genotool.figures.style import FIRST, GRID, INK, MUTED

__all__ = ["inline"]

SVG = "{http://www.w3.org/2000/svg}"
XLINK = "{http://www.w3.org/1999/xlink}href"
TAGS = frozenset(
    ("svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan", "defs",
     "clipPath", "use", "image", "linearGradient", "radialGradient", "stop")
)  # fmt: skip
ATTRIBUTES = frozenset(
    ("class", "clip-path", "clip-rule", "cx", "cy", "d", "dx", "dy", "fill", "fill-opacity", "fill-rule",
     "font-family", "font-size", "font-style", "font-weight", "gradientTransform", "gradientUnits", "height",
     "href", "id", "offset", "opacity", "points", "preserveAspectRatio", "r", "rx", "ry", "stop-color",
     "stop-opacity", "stroke", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "stroke-opacity",
     "stroke-width", "style", "text-anchor", "transform", "viewBox", "width", "x", "x1", "x2", "y", "y1",
     "y2")
)  # fmt: skip
REFERENCE = re.compile(r"url\(\s*#")
FETCHES = re.compile(r"url\(\s*(?!#)|@import|expression|javascript:|\\", re.IGNORECASE)
THEME = {INK: "var(--ink)", MUTED: "var(--muted)", GRID: "var(--grid)", FIRST: "var(--first)"}
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What no XML can hold."""
PICTURE = "data:image/png;base64,"


def inline(text: str, prefix: str, title: str, description: str = "") -> Markup:
    """Return a figure as markup for the page.

    Only known elements and attributes stay; scripts, styles, links and whatever fetches are dropped. Ids get
    `prefix`, as two figures of one page may share theirs. The ink colours follow the page's theme.

    Parameters
    ----------
    title, description
        What the figure is, and what it shows, for readers who do not see it.

    Raises
    ------
    InputError
        If it is no SVG.
    """
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise InputError(f"a figure is no SVG: {error}") from error
    if root.tag != f"{SVG}svg":
        raise InputError("a figure is no SVG", value=root.tag)
    _clean(root, prefix)
    width = root.attrib.get("width", "")
    for name in ("width", "height"):
        root.attrib.pop(name, None)
    root.set("role", "img")
    _describe(root, prefix, {"title": title, "desc": description})
    root.set("style", f"max-width: {_pixels(width)}px")
    _unqualify(root)
    root.set("xmlns", "http://www.w3.org/2000/svg")
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _describe(root: ElementTree.Element, prefix: str, words: dict[str, str]) -> None:
    """Put title and description before all else, as the figure's name for a screen reader."""
    held = {tag: text for tag, text in words.items() if text}
    for place, (tag, text) in enumerate(held.items()):
        element = ElementTree.Element(tag, {"id": f"{prefix}{tag}"})
        element.text = UNWRITABLE.sub("\ufffd", text)
        root.insert(place, element)
    root.set("aria-labelledby", " ".join(f"{prefix}{tag}" for tag in held))


def _pixels(width: str) -> int:
    """Return the natural width in CSS pixels and a quarter more; 560 where the file names none."""
    match = re.fullmatch(r"([\d.]+)(pt|px)?", width)
    if match is None:
        return 560
    return round(float(match[1]) * (4 / 3 if match[2] == "pt" else 1) * 1.25)


def _clean(element: ElementTree.Element, prefix: str) -> None:
    for child in list(element):
        if not isinstance(child.tag, str) or child.tag.removeprefix(SVG) not in TAGS:
            element.remove(child)
        else:
            _clean(child, prefix)
    for name, value in list(element.attrib.items()):
        del element.attrib[name]
        kept = _attribute("href" if name == XLINK else name, value, prefix)
        if kept is not None:
            element.set("href" if name == XLINK else name, kept)


def _attribute(name: str, value: str, prefix: str) -> str | None:
    if name not in ATTRIBUTES or FETCHES.search(value):
        return None
    if name == "id":
        return prefix + value
    if name == "href":
        if value.startswith("#"):
            return f"#{prefix}{value[1:]}"
        return value if value.startswith(PICTURE) else None
    value = REFERENCE.sub(f"url(#{prefix}", value)
    for colour, variable in THEME.items():
        value = value.replace(colour, variable) if name == "style" else value
    return value


def _unqualify(root: ElementTree.Element) -> None:
    for element in root.iter():
        element.tag = element.tag.removeprefix(SVG)
