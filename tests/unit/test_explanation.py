"""Explanations: which rows, against what, how exact, drawn and exported."""

from __future__ import annotations

import dataclasses
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from genotool.background import drawn, shuffles
from genotool.dataset import Dataset, Kind
from genotool.errors import InputError, UnsupportedStageError, UsageError
from genotool.explanation import Explained, mean_by_base, write_explanation, write_modisco
from genotool.family import Attribution
from genotool.figures.profile import strongest
from genotool.report.explained import _exactness
from genotool.run import Run
from genotool.sequences import Sequences
from genotool.stages.explain import _averaged, _joined, ids_of

LENGTH = 120


def rows_of(count: int, seed: int = 0) -> Dataset:
    bases = np.random.default_rng(seed).integers(0, 4, (count, LENGTH))
    text = ["".join("ACGT"[base] for base in row) for row in bases]
    ids = np.array([f"p{row}" for row in range(count)])
    target = np.arange(count) % 2
    return Dataset("random", Kind.SEQUENCES, ids, {"sequence": Sequences.from_strings(text)}, target, ("no", "yes"))


def attributed(rows: Dataset, seed: int = 0, error: float = 0.0) -> Attribution:
    sequences = rows.columns["sequence"]
    assert isinstance(sequences, Sequences)
    inputs = sequences.one_hot(np.uint8, "nlc")
    scores = np.random.default_rng(seed).normal(size=inputs.shape).astype(np.float32)
    count = len(rows)
    return Attribution(scores * inputs, inputs, tuple("ACGT"), np.full(count, error), np.ones(count), "numbers", scores)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path / "explain", verb="explain", command=["genotool"])


def test_shuffles_keep_the_dinucleotides_of_each_row_and_the_seed_says_which() -> None:
    rows = rows_of(5)
    made = shuffles(object(), None, rows, 4, seed=1)
    assert made.per_row == 4
    assert made.said == "4 dinucleotide shuffles of each row"
    texts, own = list(made.rows.columns["sequence"]), list(rows.columns["sequence"])  # type: ignore[call-overload]
    for place, text in enumerate(texts):
        before = own[place // 4]
        assert Counter(pairwise(text)) == Counter(pairwise(before))
    assert len(set(texts)) == 20
    assert list(shuffles(object(), None, rows, 4, seed=1).rows.columns["sequence"]) == texts  # type: ignore[call-overload]
    assert list(shuffles(object(), None, rows, 4, seed=2).rows.columns["sequence"]) != texts  # type: ignore[call-overload]


def test_rows_without_sequences_are_not_shuffled() -> None:
    matrix = Dataset("m", Kind.MATRIX, np.array(["a"]), {"expression": np.ones((1, 2))})
    with pytest.raises(UsageError, match="no sequences"):
        shuffles(object(), None, matrix, 4, seed=1)


def test_rows_are_drawn_by_the_seed_in_their_order() -> None:
    rows = rows_of(50)
    first, again, other = (drawn(rows, 10, seed).ids.tolist() for seed in (1, 1, 2))
    assert first == again != other
    assert first == sorted(first, key=lambda name: int(name[1:]))
    assert drawn(rows, 50, 1) is rows


def test_ids_come_from_words_or_a_file(tmp_path: Path) -> None:
    assert ids_of("b, a,") == ("b", "a")
    file = tmp_path / "ids.txt"
    file.write_text("# chosen\nb\t1\n\na,c\t2\n")
    assert ids_of(str(file)) == ("b", "a,c")
    file.write_text("\n")
    with pytest.raises(InputError, match="names no rows"):
        ids_of(str(file))


def test_the_mean_of_models_is_that_of_hypothetical_scores_too() -> None:
    rows = rows_of(6)
    one, two = attributed(rows, 1), attributed(rows, 2)
    mean = _averaged([one, two])
    for name in ("values", "hypothetical", "additivity_error"):
        np.testing.assert_allclose(getattr(mean, name), (getattr(one, name) + getattr(two, name)) / 2)
    assert mean.method == "numbers; mean over 2 models"


def test_rows_of_several_models_are_put_back_in_order() -> None:
    whole, order = attributed(rows_of(6)), np.array([4, 0, 5, 1, 3, 2])
    parts = [
        Attribution(*(array[at] for array in (whole.values, whole.inputs)), whole.alphabet,
                    whole.additivity_error[at], whole.delta[at], "numbers", whole.hypothetical[at])
        for at in (order[:4], order[4:])
    ]  # fmt: skip
    joined = _joined(parts, np.argsort(order))
    for name in ("values", "inputs", "hypothetical"):
        np.testing.assert_array_equal(getattr(joined, name), getattr(whole, name))


def test_modiscolite_reads_what_is_exported(run: Run) -> None:
    cli = pytest.importorskip("modiscolite.cli")
    found = attributed(rows_of(7))
    write_modisco(run, found)
    sequences, scores = (cli._load_input(run.file(f"modisco/{name}.npz")) for name in ("sequences", "attributions"))
    assert sequences.shape == scores.shape == (7, 4, LENGTH)
    assert found.hypothetical is not None
    np.testing.assert_array_equal(sequences.transpose(0, 2, 1), found.inputs)
    np.testing.assert_array_equal(scores.transpose(0, 2, 1), found.hypothetical)


def test_nothing_is_exported_without_hypothetical_scores(run: Run) -> None:
    with pytest.raises(UnsupportedStageError, match="no hypothetical scores"):
        write_modisco(run, dataclasses.replace(attributed(rows_of(2)), hypothetical=None))
    assert not run.file("modisco").exists()


@pytest.mark.parametrize(
    ("error", "tolerance", "exact", "tone", "says"),
    [
        (1e-4, 1e-3, True, "good", "Exact"),
        (2e-3, 1e-3, False, "bad", "NOT EXACT"),
        (2e-3, 5e-2, True, "good", "to within 5%"),
        (np.nan, 0.0, None, "plain", "Not additive"),
    ],
)
def test_an_explanation_says_how_exact_it_is(
    error: float, tolerance: float, exact: bool | None, tone: str, says: str, run: Run
) -> None:
    rows = rows_of(12)
    found = dataclasses.replace(attributed(rows, error=error), tolerance=tolerance)
    write_explanation(run, Explained(rows, found, np.linspace(0, 1, 12), "none"))
    content = run.read_json("explanation.json")
    assert content["exact"] is exact
    notice = _exactness(content)
    assert (notice.tone, says in notice.text) == (tone, True)  # type: ignore[union-attr]


def test_long_rows_are_drawn_as_a_profile_and_the_strongest_window(run: Run) -> None:
    rows = rows_of(12)
    score = np.linspace(0, 1, 12)
    write_explanation(run, Explained(rows, attributed(rows), score, "none"))
    assert [row["id"] for row in run.read_json("explanation.json")["top"]] == ["p11", "p10", "p9", "p8"]
    assert "p11: score 1.000" in run.file("figures/top.svg").read_text()
    assert "class yes" in run.file("figures/logo-class-2.svg").read_text()
    profile = np.zeros(LENGTH)
    profile[70:80] = -1
    assert strongest(profile, 10) == 70


def test_the_profile_of_many_rows_is_their_mean_share_whatever_the_base() -> None:
    found = attributed(rows_of(40))
    means = mean_by_base(found.values, found.inputs, fewest=1)
    np.testing.assert_allclose(means.along, found.values.sum(axis=2).mean(axis=0), atol=1e-6)
