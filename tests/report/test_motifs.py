"""The section of motifs: a page for patterns, for none, and for what is damaged."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from genotool.errors import InputError
from genotool.figures.motifs import Panel, aligned_logos, places
from genotool.report import write_report
from genotool.run import Run

MATCH = {"id": "MA0941.2", "name": "ABF2", "family": "Group A", "class": "bZIP", "p": 1e-12, "q": 2e-9, "turned": True}
FOUND: dict[str, Any] = {
    "data": "made", "rows": 160, "length": 200, "method": "DeepSHAP", "exact": False, "seqlets": {"pos": 129, "neg": 7},
    "settings": {"q": 0.05, "min_seqlets": 100}, "not_clustered": ["neg"], "covered": {"pos": 0.5, "neg": 0.0},
    "jaspar": {"release": "JASPAR2026", "collection": "CORE", "taxon": "plants", "motifs": 927}, "comparisons": 927,
    "null": {"what": "positions shuffled", "patterns": {"pos": [41, 22], "neg": []}}, "notes": ["a note"],
    "patterns": [{
        "name": "pos_0", "speaks_for": "class yes", "consensus": "ACACGTG", "seqlets": 129, "median_position": 65.0,
        "evidence": {"all": {"share": 0.5862, "rows": 120, "of": 160}, "yes": {"share": 0.6, "rows": 119, "of": 135}},
        "matched": True, "matches": [MATCH],
    }],
}  # fmt: skip


def page_of(path: Path, **changes: Any) -> str:
    with Run.create(path, verb="deepdife motifs", family="deepdife", seed=0) as run:
        run.write_json("motifs.json", {**copy.deepcopy(FOUND), **changes})
        logo = np.eye(4)[[0, 1, 2, 3]]
        run.write_text("figures/motif-pos_0.svg", aligned_logos([Panel(logo, "pos_0: its bases", "bits")] * 2))
        run.write_text("figures/motif-pos_0-places.svg", places({"class yes": np.array([3, 60, 61])}, 200))
    return write_report(path).read_text()


def test_a_pattern_has_its_match_its_share_and_its_figures(tmp_path: Path) -> None:
    page = page_of(tmp_path / "run")
    for words in (
        "ABF2, bZIP, Group A",
        "58.6 %",
        "119\u00a0of\u00a0135, 60.0\u00a0%",
        "MA0941.2",
        "a note",
        "JASPAR2026 CORE, plants",
    ):
        assert words in page
    assert page.count("<svg") == 2
    assert "pos_0: its bases" in page
    assert "class yes (3)" in page


def test_what_was_not_looked_for_and_what_chance_gives_are_said(tmp_path: Path) -> None:
    page = page_of(tmp_path / "run")
    assert "NOT EXACT" in page
    assert "there are 7 seqlets, and TF-MoDISco clusters more than 100" in page
    assert "gives 2 patterns, the largest of 41 seqlets: what chance alone does" in page
    assert "was not asked" in page_of(tmp_path / "unasked", null=None)


def test_that_the_model_was_given_the_motifs_is_said_above_the_patterns(tmp_path: Path) -> None:
    page = page_of(tmp_path / "run", remarks=["The model reads with JASPAR's own motifs."])
    assert page.index("own motifs.") < page.index("119\u00a0of\u00a0135")


def test_no_pattern_is_said_and_no_damage(tmp_path: Path) -> None:
    assert "No pattern was found." in page_of(tmp_path / "run", patterns=[])


@pytest.mark.parametrize("changes", [{"patterns": [3]}, {"patterns": [{"matches": 7}]}, {"settings": 4}, {"null": [1]}])
def test_damage_is_said_and_the_rest_is_shown(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"motifs\.json: .* is damaged"):
        page_of(tmp_path / "run", **changes)
    assert "Motifs that the model reads" in (tmp_path / "run/report.html").read_text()


def test_a_pattern_without_a_match_is_in_brackets(tmp_path: Path) -> None:
    pattern = json.loads(json.dumps(FOUND["patterns"][0])) | {"matched": False}
    assert "(ABF2, bZIP, Group A)" in page_of(tmp_path / "run", patterns=[pattern])


def test_a_motif_beside_the_best_one_is_named_and_has_its_matches(tmp_path: Path) -> None:
    other = {**MATCH, "id": "MA1085.3", "name": "WRKY40", "class": "GCM", "family": "WRKY", "q": 0.004}
    beside = {"beside": [{"consensus": "TTGAC", "matches": [other]}], "alike": ["pos_3"]}
    page = page_of(tmp_path / "run", patterns=[FOUND["patterns"][0] | beside])
    assert "ABF2, bZIP, Group A; beside it WRKY40, GCM, WRKY (q 0.004); the same family: pos_3" in page
    assert "pos_0, TTGAC: the likeliest motifs" in page
    assert "WRKY40 (MA1085.3)" in page


def test_patterns_of_one_family_say_so_and_a_long_consensus_is_cut_in_the_table(tmp_path: Path) -> None:
    pattern = json.loads(json.dumps(FOUND["patterns"][0])) | {"alike": ["pos_3"], "consensus": "A" * 19 + "CGTACGTACGT"}
    page = page_of(tmp_path / "run", patterns=[pattern])
    assert "ABF2, bZIP, Group A; the same family: pos_3" in page
    assert "A" * 15 + "…" in page
    assert "A" * 19 + "CGTACGTACGT" in page, "whole in the heading of its figures"


def test_the_model_behind_an_explanation_keeps_its_verdict_and_its_audit(tmp_path: Path, measured: Any) -> None:
    with Run.create(tmp_path / "mine", verb="train", family="deepdife", seed=0) as model:
        model.write_json("metrics.json", {"format": 1, "task": "binary", "test": measured("above")})
        finding = {"code": "shared-names", "severity": "severe", "message": "names are shared", "count": 3, "total": 4}
        model.write_json("audit.json", {"format": 1, "data": ["made"], "findings": [finding]})
    with Run.create(tmp_path / "explained", verb="explain", family="deepdife", seed=0, parents=[model.path]):
        pass
    with Run.create(tmp_path / "run", verb="deepdife motifs", family="deepdife", seed=0,
                    parents=[tmp_path / "explained"]) as run:  # fmt: skip
        run.write_json("motifs.json", copy.deepcopy(FOUND) | {"exact": True})
    page = write_report(tmp_path / "run").read_text()
    assert "The run mine (train), whose model is looked at here" in page
    assert "above the best floor" in page
    assert "names are shared" in page
    assert "No audit was run" not in page
    shutil.rmtree(model.path)
    page = write_report(tmp_path / "run").read_text()
    assert "there is no verdict" in page
    assert "No audit was run" in page
