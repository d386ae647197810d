"""The page: its sections, its marks and names; it fetches nothing, and the same run gives the same page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from genotool.report import write_report
from genotool.report.numbers import count, estimate, p_value, seconds

SECTIONS = (
    "short",
    "asked",
    "real",
    "metrics",
    "curves",
    "generalisation",
    "comparison",
    "search",
    "explanation",
    "provenance",
)


def test_every_section_is_there_in_order(page: str) -> None:
    assert tuple(re.findall(r'<section id="(\w+)"', page)) == SECTIONS


def test_real_data_carry_no_simulated_banner(page: str) -> None:
    assert "SIMULATED" not in page


def test_simulated_data_are_marked_in_title_banner_and_figures(tmp_path: Path, make_recipe, words) -> None:
    page = write_report(make_recipe(tmp_path / "r", simulated=True)).read_text()
    assert re.search(r"<title>SIMULATED ", page)
    assert "SIMULATED DATA. Everything below" in words(page)
    figures = re.findall(r"<svg.*?</svg>", page, re.S)
    assert len(figures) >= 8
    assert all("SIMULATED DATA" in figure for figure in figures)


def test_nothing_is_fetched_and_nothing_runs(page: str, tags) -> None:
    seen = tags(page)
    assert not {"script", "iframe", "link", "object", "embed", "form", "base"} & {tag for tag, _ in seen}
    for tag, attributes in seen:
        for name, value in attributes:
            assert not name.startswith("on"), (tag, name)
            if name in ("href", "src", "xlink:href"):
                assert value.startswith(("#", "data:image/png;base64,")), (tag, value[:60])
    assert set(re.findall(r"https?://[^\s\"'<)]+", page)) == {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in page
    assert "@import" not in page


def test_ids_are_unique_and_references_resolve(page: str, tags) -> None:
    ids = [value for _, attributes in tags(page) for name, value in attributes if name == "id"]
    assert len(ids) == len(set(ids))
    used = set(re.findall(r"url\(#([^)]+)\)", page)) | set(re.findall(r'href="#([^"]+)"', page))
    assert used
    assert used <= set(ids)


def test_the_same_run_gives_the_same_page(tmp_path: Path, make_recipe) -> None:
    path = make_recipe(tmp_path / "r")
    assert write_report(path).read_bytes() == write_report(path).read_bytes()


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        (estimate({"value": -0.1234, "low": -0.2, "high": 0.0}), "−0.123\u00a0[−0.200,\u00a00.000]"),
        (estimate({"value": None}), "–"),
        (count(54915), "54\u202f915"),
        (count(None), "–"),
        (p_value(0.00001), "< 0.001"),
        (p_value(0.0456), "0.046"),
        (seconds(75), "1 min 15 s"),
        (seconds(float("nan")), "–"),
    ],
)
def test_numbers(shown: str, wanted: str) -> None:
    assert shown == wanted


def test_every_section_of_simulated_data_is_marked(tmp_path: Path, make_recipe) -> None:
    page = write_report(make_recipe(tmp_path / "r", simulated=True)).read_text()
    heads = re.findall(r"<h2.*?</h2>", page)
    assert len(heads) == len(SECTIONS)
    assert all("simulated data" in head for head in heads)


def test_figures_and_tables_are_named_for_those_who_do_not_see_them(page: str, tags) -> None:
    figures = re.findall(r"<svg.*?</svg>", page, re.S)
    for figure in figures:
        named = re.search(r'aria-labelledby="([^"]+)"', figure)
        assert named
        assert all(f'id="{key}"' in figure for key in named[1].split())
        assert re.search(r"<title[^>]*>[^<]+</title><desc", figure)
    assert not [dict(attributes) for tag, attributes in tags(page) if tag == "th" and "scope" not in dict(attributes)]


@pytest.mark.parametrize("theme", [0, 1])
def test_text_stands_out_from_its_ground(page: str, theme: int) -> None:
    """WCAG 2, 1.4.3: at least 4.5 to 1 for text, in the light and in the dark colours."""
    colours = [dict(re.findall(r"--(\w+): (#\w{6})", block)) for block in re.findall(r":root \{([^}]*)\}", page)]
    held = colours[theme]
    for ground in ("paper", "panel"):
        for ink in ("ink", "muted", "link", "good", "bad", "warn"):
            assert contrast(held[ink], held[ground]) >= 4.5, (ink, ground)


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, WCAG 2."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        line = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * line[0] + 0.7152 * line[1] + 0.0722 * line[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_report_json_is_untouched(tmp_path: Path, make_recipe) -> None:
    path = make_recipe(tmp_path / "r")
    before = json.loads((path / "run.json").read_text())
    write_report(path)
    assert json.loads((path / "run.json").read_text()) == before
