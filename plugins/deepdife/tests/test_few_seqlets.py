"""Too little for TF-MoDISco: an error of the command, a result of the recipe, whose models have taken hours by then."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from genotool.errors import InputError
from genotool.persist import save_arrays
from genotool.recipe import Request
from genotool.run import Run
from genotool_deepdife.discovery import find_motifs
from genotool_deepdife.motif_settings import MotifConfig
from genotool_deepdife.recipe import MOTIFS, PromoterRecipe, RecipeConfig

ROWS, LENGTH = 12, 60


@pytest.fixture
def explained(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    inputs = np.eye(4, dtype=np.uint8)[rng.integers(0, 4, (ROWS, LENGTH))]
    hypothetical = rng.normal(0, 1, (ROWS, LENGTH, 4)).astype(np.float32)
    config = {"init_motifs": "jaspar", "filters": [0], "motif_collection": "CORE", "motif_taxon": "plants"}
    data = [{"name": "made", "digest": "0" * 64, "rows": ROWS, "classes": ["0", "1"]}]
    with Run.create(tmp_path / "explained", verb="explain", task="binary", seed=0, data=data, config=config) as run:
        ids = np.array([f"g{row}" for row in range(ROWS)])
        save_arrays(run.file("attributions.npz"), {"inputs": inputs, "hypothetical": hypothetical, "ids": ids})
        run.write_json("explanation.json", {"format": 1, "method": "DeepSHAP", "exact": True, "alphabet": list("ACGT")})
    return tmp_path / "explained"


def test_too_little_is_a_result_where_that_is_asked_for(explained: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="12 rows of 60 positions hold"):
        find_motifs(explained, out=tmp_path / "run", config=MotifConfig())
    assert not (tmp_path / "run").exists()
    found = find_motifs(explained, out=tmp_path / "run", config=MotifConfig(if_enough=True)).read_json("motifs.json")
    given, few = found["remarks"]
    assert "nothing but fixed filters that are JASPAR's own motifs (CORE, plants)" in given
    assert few.startswith("Too little to look for patterns: 12 rows of 60 positions hold")
    assert found["patterns"] == []
    page = (tmp_path / "run/report.html").read_text()
    assert "It is no discovery" in page
    assert "Too little to look for patterns" in page


def test_the_recipe_does_not_fail_on_its_last_step() -> None:
    plan = PromoterRecipe().plan(RecipeConfig(), Request(data="demo"))
    assert plan.steps[-1].arguments == ("{explain}", *MOTIFS, "--if-enough")
