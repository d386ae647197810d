"""Figures: the same bytes for the same numbers, the numbers in the picture, the simulated mark."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree

import numpy as np
import pytest
from genotool.dataset import Task
from genotool.family import Trial
from genotool.figures import curves, distributions, floors, forest, logo, scatter, search
from genotool.metrics import curves as curve_points

RNG = np.random.default_rng(3)
TARGET = RNG.integers(0, 2, 80)
SCORE = np.clip(0.5 * TARGET + RNG.uniform(0, 0.5, 80), 0, 1)
FOUND = curve_points(Task.BINARY, TARGET, SCORE)
MEAN = np.linspace(-1, 1, 5 * 4).reshape(5, 4)
MODEL = floors.Point("model", 0.76, 0.74, 0.78)
BELOW = [floors.Point("memoriser", 0.54, 0.52, 0.56), floors.Point("lightgbm", 0.72)]

FIGURES: dict[str, Callable[..., str]] = {
    "roc": lambda **more: curves.roc(FOUND, label="area 0.9", **more),
    "pr": lambda **more: curves.precision_recall(FOUND, prevalence=0.5, **more),
    "calibration": lambda **more: curves.calibration(FOUND, **more),
    "confusion": lambda **more: curves.confusion(FOUND["confusion"], ["no", "yes"], **more),
    "history": lambda **more: curves.history(
        {"epoch": np.arange(1.0, 4), "loss": np.array([3.0, 2, 1]), "val_loss": np.array([3.0, 1, 2])}, **more
    ),
    "scores": lambda **more: distributions.scores(SCORE, TARGET, ["0", "1"], threshold=0.5, **more),
    "scatter": lambda **more: scatter.scatter(SCORE, SCORE**2, **more),
    "logo": lambda **more: logo.logo(MEAN, "ACGT", regions={"PAM": (4, 5)}, **more),
    "heatmap": lambda **more: logo.heatmap(MEAN, "ACGT", regions={"PAM": (4, 5)}, **more),
    "search-history": lambda **more: search.history(
        [Trial(0, 0.5, 9, 1.0), Trial(1, None, 9, 1.0, pruned="epoch 2"), Trial(2, None, 0, 1.0, failure="no memory")],
        "ROC-AUC",
        **more,
    ),
    "search-importance": lambda **more: search.importance({"kernel": 0.7, "dropout": 0.3}, **more),
    "forest": lambda **more: forest.forest(
        [MODEL, floors.Point("second", 0.7, 0.68, 0.72)],
        [floors.Point("second", 0.06, 0.02, 0.1)],
        BELOW,
        metric="ROC-AUC",
        margin=0.01,
        **more,
    ),
    "floors": lambda **more: floors.floors(MODEL, BELOW, metric="ROC-AUC", chance=0.5, **more),
}


@pytest.mark.parametrize("name", FIGURES)
def test_same_numbers_give_the_same_bytes(name: str) -> None:
    assert FIGURES[name]() == FIGURES[name]()


@pytest.mark.parametrize("name", FIGURES)
def test_simulated_data_is_marked_and_real_data_is_not(name: str) -> None:
    assert "SIMULATED DATA" in texts(FIGURES[name](simulated=True))
    assert "SIMULATED DATA" not in texts(FIGURES[name]())


def test_no_date_and_no_version_in_a_figure() -> None:
    picture = FIGURES["roc"]()
    assert "dc:date" not in picture
    assert "Matplotlib v" not in picture


def test_a_forest_names_runs_and_floors_and_gives_every_number() -> None:
    words = texts(FIGURES["forest"]())
    assert [word for word in words if word in ("model", "second", "memoriser", "lightgbm")] == [
        "model", "second", "memoriser", "lightgbm", "second",
    ]  # fmt: skip
    assert {"0.760", "0.700", "0.540", "0.060"} <= set(words)


def test_every_point_of_a_calibration_has_its_rows_beside_it() -> None:
    words = texts(FIGURES["calibration"]())
    assert sum(int(word) for word in words if word.isdigit()) >= len(TARGET)
    assert "share of positives" in words
    assert "share that is right" in texts(FIGURES["calibration"](many=True))


def test_floors_are_drawn_highest_first_below_the_model() -> None:
    words = texts(FIGURES["floors"]())
    labels = [word for word in words if word in ("model", "memoriser", "lightgbm")]
    assert labels == ["model", "lightgbm", "memoriser"]
    assert {"0.760", "0.720", "0.540"} <= set(words)


def test_history_marks_the_epoch_of_the_best_validation_loss() -> None:
    assert "lowest: epoch 2" in texts(FIGURES["history"]())


def test_confusion_cells_have_count_and_share() -> None:
    words = texts(curves.confusion(np.array([[30, 10], [5, 55]]), ["0", "1"]))
    assert {"30", "75%", "10", "25%", "5", "8%", "55", "92%"} <= set(words)


def test_legend_counts_finite_rows_only() -> None:
    picture = distributions.histograms(
        {"a": np.array([1.0, 2, np.nan]), "b": np.array([1.0]), "c": np.array([])}, label="x"
    )
    words = texts(picture)
    assert "a (2)" in words
    assert "b (1)" in words
    assert not any(word.startswith("c ") for word in words)


def test_a_feature_that_comes_in_steps_has_no_gaps() -> None:
    steps = np.random.default_rng(0).integers(9, 15, 3000) / 20
    edges = distributions._edges(np.append(steps, 0.55 + 1 / 19))
    assert np.allclose(np.diff(edges), 0.05)
    assert (np.histogram(steps, edges)[0][:6] > 0).all()
    assert len(distributions._edges(np.random.default_rng(0).normal(size=3000))) == distributions.BINS + 1


@pytest.mark.parametrize("name", ["$x_1$", "$", "x" * 4000, "a\x00\ud800b", "\U0001f9ec \u05d2", "a\nb"])
def test_any_name_fits_into_a_figure(name: str) -> None:
    held = {f"{name}{number}": np.arange(9.0) for number in range(7)}
    pictures = [
        distributions.histograms(held, label="x"),
        curves.confusion(np.array([[3, 1], [1, 3]]), [name, "other"]),
        floors.floors(MODEL, [floors.Point(name, 0.5)], metric="m"),
    ]
    for picture in pictures:
        assert max(map(len, texts(picture))) < 60
        width = float(ElementTree.fromstring(picture).attrib["width"].removesuffix("pt"))
        assert width < 400


def test_many_points_become_hexagons() -> None:
    many = np.random.default_rng(0).normal(size=scatter.MANY + 1)
    assert "PolyCollection" in scatter.scatter(many, many)
    assert "PolyCollection" not in scatter.scatter(many[:300], many[:300])


def test_logo_letters_stand_on_the_side_of_their_sign() -> None:
    mean = np.zeros((3, 4))
    mean[0, 2], mean[2, 3] = 1.0, -0.5
    boxes = letter_boxes(logo.logo(mean, "ACGT"))
    line = zero_line(logo.logo(mean, "ACGT"))
    (top_g, bottom_g), (top_t, bottom_t) = boxes["#e69f00"], boxes["#d55e00"]
    assert bottom_g == pytest.approx(line, abs=1.5)
    assert top_t == pytest.approx(line, abs=1.5)
    assert (bottom_g - top_g) == pytest.approx(2 * (bottom_t - top_t), rel=0.05)


def test_names_from_data_are_escaped_in_a_figure() -> None:
    picture = distributions.histograms({"<script>alert(1)</script>": np.arange(9.0)}, label="x")
    assert "<script>" not in picture
    ElementTree.fromstring(picture)


def texts(picture: str) -> list[str]:
    """Return the words of a figure: SVG text elements, in order."""
    return [
        "".join(node.itertext()).strip()
        for node in ElementTree.fromstring(picture).iter()
        if node.tag.endswith("}text")
    ]


def letter_boxes(picture: str) -> dict[str, tuple[float, float]]:
    """Return top and bottom of the filled glyph of each colour, in SVG units (y grows downwards)."""
    boxes = {}
    for node in ElementTree.fromstring(picture).iter():
        match = re.search(r"fill: (#\w+)", node.get("style", ""))
        numbers = re.findall(r"-?[\d.]+ (-?[\d.]+)", node.get("d", ""))
        if match and match[1] in ("#e69f00", "#d55e00") and numbers:
            heights = [float(number) for number in numbers]
            if max(heights) - min(heights) > 1:
                boxes[match[1]] = (min(heights), max(heights))
    return boxes


def zero_line(picture: str) -> float:
    """Return the height of the baseline: the widest level line in the muted colour."""
    for node in ElementTree.fromstring(picture).iter():
        match = re.fullmatch(r"M ([\d.]+) ([\d.]+)\s*\n?L ([\d.]+) ([\d.]+)\s*", node.get("d", ""))
        if match and match[2] == match[4] and float(match[3]) - float(match[1]) > 100:
            return float(match[2])
    raise AssertionError("no baseline")
