"""From a run folder to ``report.html``: one file, no network, no script."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Any

from markupsafe import Markup

from genotool.errors import InputError
from genotool.report.asked import alarms, asked, provenance, said, warnings
from genotool.report.blocks import Section
from genotool.report.collect import Collected, collect
from genotool.report.compared import comparison
from genotool.report.elsewhere import generalisation
from genotool.report.explained import explanation
from genotool.report.genes import genes
from genotool.report.motifs import motifs
from genotool.report.pictures import Pictures
from genotool.report.real import real_section
from genotool.report.results import curves_section, metrics_section, search
from genotool.report.runs import runs_section
from genotool.report.short import in_short
from genotool.run import write_atomically

__all__ = ["render", "write_report"]

UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
"""Control characters, marks that turn the direction of text, and halves of characters."""
PARTS = {
    "metrics": "metrics on test rows",
    "curves": "curves",
    "generalisation": "data of other origin",
    "comparison": "a comparison of data sets",
    "search": "a search for an architecture or settings",
    "explanation": "an explanation of predictions",
    "motifs": "motifs in an explanation",
    "genes": "gene lists and their test against random genes",
}
"""What a report says of a section for which nothing ran."""


def write_report(path: Path) -> Path:
    """Write ``report.html`` into a run's or a recipe's folder, and the figures it drew into ``figures/``.

    Raises
    ------
    UsageError
        If there is no such folder.
    InputError
        If it is no run folder, which writes nothing; or if a file in it is damaged: the report is written first,
        without what cannot be read, and says so.
    """
    pictures = Pictures()
    collected = collect(path)
    page = render(collected, pictures)
    (path / "figures").mkdir(exist_ok=True)
    for name, text in pictures.files.items():
        write_atomically(path / "figures" / re.sub(r"[^\w.-]", "_", name), text)
    file = path / "report.html"
    write_atomically(file, page)
    if damage := collected.damage:
        more = f" (and {len(damage) - 1} more)" if len(damage) > 1 else ""
        raise InputError(f"{damage[0]}{more}", file=path, hint=f"{file} is written without it; make that run again")
    return file


def render(collected: Collected, pictures: Pictures) -> str:
    """Return the page; every name and text from the data is escaped."""
    import jinja2

    first = [
        in_short(collected),
        asked(collected),
        real_section(collected, pictures),
        runs_section(collected, pictures),
    ]
    rest = {
        "metrics": metrics_section(collected),
        "curves": curves_section(collected, pictures),
        "generalisation": generalisation(collected, pictures),
        "comparison": comparison(collected, pictures),
        "search": search(collected, pictures),
        "explanation": explanation(collected, pictures),
        "motifs": motifs(collected, pictures),
        "genes": genes(collected, pictures),
    }
    sections: list[Section] = [*filter(None, [*first, *rest.values()]), provenance(collected)]
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("genotool.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(
        title=title_of(collected),
        style=Markup(files("genotool.report").joinpath("style.css").read_text(encoding="utf-8")),
        simulated=collected.simulated,
        asked=said(collected),
        alarms=alarms(collected),
        warnings=warnings(collected),
        sections=sections,
        absent=[PARTS[name] for name, section in rest.items() if section is None],
        record=collected.top.record,
    )


def visible(value: Any) -> Any:
    """Return text without characters that turn, hide or break what follows: controls and lone surrogates."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else UNSEEN.sub("\ufffd", value)


def title_of(collected: Collected) -> str:
    """Return what the page is about: family and models, or verb and data."""
    record: Any = collected.top.record
    names = list(collected.models) or [str(item.get("name")) for item in collected.top.data]
    words = f"{record.get('family') or ''} {record.get('verb') or ''}".split()
    about = " ".join(dict.fromkeys(words))  # a family's own verb begins with its name
    return f"{about}: {', '.join(names)}" if names else about
