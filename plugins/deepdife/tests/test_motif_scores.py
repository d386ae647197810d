"""The best score of each motif in each window, against a loop over every place, strand and letter."""

from __future__ import annotations

import numpy as np
import pytest
from genotool.sequences import Sequences
from genotool_deepdife import motif_scores
from genotool_deepdife.jaspar import Motif, motifs
from genotool_deepdife.motif_scores import best_scores

COMPLEMENT = str.maketrans("ACGT", "TGCA")


def texts(lengths: list[int], letters: str = "ACGT", seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list(letters), length)) for length in lengths]


def slow(text: str, motif: Motif, windows: int) -> list[float]:
    table, width, best = motif.log_odds(), len(motif.counts), [0.0] * windows
    found: dict[int, list[float]] = {}
    for start in range(len(text) - width + 1):
        site = text[start : start + width]
        window = int((start + width / 2) / (len(text) / windows))
        for strand in (site, site.translate(COMPLEMENT)[::-1]):
            score = sum(table[at]["ACGT".index(base)] for at, base in enumerate(strand) if base != "N")
            found.setdefault(window, []).append(score)
    for window, values in found.items():
        best[window] = max(values)
    return best


@pytest.mark.parametrize("windows", [1, 3])
def test_scores_are_those_of_a_loop(windows: int) -> None:
    some = [*motifs()[:40:4], max(motifs(), key=lambda motif: len(motif.counts))]
    lines = [*texts([60, 60, 61, 9, 90], "ACGTN"), "N" * 60, ""]
    expected = [[value for motif in some for value in slow(text, motif, windows)] for text in lines]
    found = best_scores(Sequences.from_strings(lines), some, windows)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=0.003)


def test_a_site_is_found_on_either_strand_in_the_window_of_its_middle() -> None:
    abre = next(motif for motif in motifs() if motif.matrix_id == "MA0930.3")
    most = abre.log_odds().max(axis=1).sum()
    plain = "T" * 40
    lines = [f"ACGTGTC{'T' * 80}{'T' * 33}", f"{plain}{plain}GACACGT{'T' * 33}"]
    found = best_scores(Sequences.from_strings(lines), [abre])
    assert (np.abs(found - most) < 0.001).tolist() == [[True, False, False], [False, False, True]]


def test_a_row_scores_the_same_to_the_last_bit_in_any_company(monkeypatch: pytest.MonkeyPatch) -> None:
    some, rows = motifs()[::20], Sequences.from_strings(texts([80] * 30, seed=3))
    whole = best_scores(rows, some)
    monkeypatch.setattr(motif_scores, "MOST_VALUES", 1)
    np.testing.assert_array_equal(best_scores(rows, some), whole)
    np.testing.assert_array_equal(best_scores(rows.reverse_complement(), some, windows=1),
                                  whole.reshape(30, -1, 3).max(axis=2))  # fmt: skip


def test_no_rows_and_no_motifs_give_an_empty_table() -> None:
    assert best_scores(Sequences.from_strings([]), motifs()[:2]).shape == (0, 6)
    assert best_scores(Sequences.from_strings(["ACGT"]), []).shape == (1, 0)
    with pytest.raises(ValueError, match="one window at least"):
        best_scores(Sequences.from_strings(["ACGT"]), motifs()[:2], windows=0)
