"""The recipe `genotool run sgrna`: its plan, and a whole run from a file in a public layout that names no genes."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from genotool.errors import UsageError
from genotool.recipe import Plan, Request
from genotool_sgrna.recipe import GuideRecipe, RecipeConfig


def planned(request: Request | None = None, **settings: object) -> Plan:
    return GuideRecipe().plan(RecipeConfig(**settings), request or Request(data="demo"))  # type: ignore[arg-type]


def words(plan: Plan, key: str) -> list[str]:
    return list(next(step for step in plan.steps if step.key == key).arguments)


def after(arguments: list[str], flag: str) -> list[str]:
    return [value for name, value in itertools.pairwise(arguments) if name == flag]


def test_every_line_keeps_all_the_others_beside_it_but_learns_only_the_sound_ones_along() -> None:
    arguments = words(planned(cell=["hct116"]), "transfer-hct116")
    assert after(arguments, "--beside") == ["hela", "hek293", "hl60"]
    assert after(arguments, "--with") == ["hela", "hl60"], "HEK293's labels carry a warning"


def test_all_means_the_four_lines_in_any_case() -> None:
    assert list(planned(cell=["ALL"]).models) == ["HCT116", "HeLa", "HEK293", "HL60"]
    assert list(planned(cell=["hl60", "HELA"]).models) == ["HL60", "HeLa"]


def test_a_search_avoids_what_any_line_holds_out() -> None:
    plan = planned(search=True, trials=3, export="h5")
    arguments = words(plan, "tune-benchmark")
    assert after(arguments, "--avoid") == ["hct116", "hela", "hek293", "hl60"]
    assert after(arguments, "--search-trials") == ["3"]
    assert after(arguments, "--export") == ["h5"]
    assert words(plan, "transfer-hct116")[0] == "{tune-benchmark}"


def test_as_published_means_one_line_alone_by_row_with_smote() -> None:
    arguments = words(planned(preset="rnas-sgrna"), "transfer-hct116")
    assert after(arguments, "--split") == ["row"]
    assert after(arguments, "--balance") == ["smote"]
    assert "--with" not in arguments


def test_an_unknown_line_is_named_with_the_nearest_one() -> None:
    with pytest.raises(UsageError, match="'HCT16'") as raised:
        planned(cell=["HCT16"])
    assert "HCT116" in str(raised.value.hint)
    with pytest.raises(UsageError, match="--search"):
        planned(Request(data="some.csv"), export="h5")


def public_layout(file: Path) -> None:
    """Write simulated guides in the layout of CNN-XG's files: positions, no genes, the label called Efficacy."""
    rng = np.random.default_rng(3)
    lines = ["chr,start,end,direction,seq,ctcf,dnase,h3k4me3,rrbs,Normalized efficacy,Efficacy"]
    for _ in range(700):
        guide = "".join(rng.choice(list("ACGT"), 20)) + rng.choice(list("ACGT")) + "GG"
        chance = 0.25 + 0.3 * (guide[19] == "G") + 0.2 * (guide[16] in "AG")
        start, mark = int(rng.integers(1, 80_000_000)), "A" * 23
        label = int(rng.random() < chance)
        cells = [f"chr{rng.integers(1, 12)}", start, start + 22, "+", guide, mark, mark, mark, mark, chance, label]
        lines.append(",".join(map(str, cells)))
    file.write_text("\n".join(lines) + "\n")


@pytest.mark.keras
def test_a_whole_run_from_a_file_in_a_public_layout_without_genes(tmp_path: Path) -> None:
    data = tmp_path / "HCT116.csv"
    public_layout(data)
    out = tmp_path / "run"
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("GENOTOOL", "KERAS"))}
    command = [
        sys.executable,
        "-m",
        "genotool",
        "run",
        "sgrna",
        "--cell",
        "HCT116",
        "--data",
        str(data),
        "-o",
        str(out),
    ]
    command += ["--explain", "40", "--set", "transfer.epochs=2", "--set", "transfer.head_epochs=1"]
    environment["GENOTOOL_CACHE"] = str(tmp_path / "empty-cache")
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    summary = json.loads((out / "summary.json").read_text())
    transferred = out / summary["models"]["HCT116"]
    record = json.loads((transferred / "run.json").read_text())
    assert record["split"]["method"] == "neighbourhood"
    metrics = json.loads((transferred / "metrics.json").read_text())
    assert set(metrics["test"]["floors"]) >= {"majority", "memoriser", "linear", "lightgbm", "lightgbm+pretrained"}
    assert metrics["test"]["verdict"] in ("above", "below", "equivalent", "undecided")
    report = (out / "report.html").read_text()
    assert "Is it real?" in report
    assert "Not at hand" in report, "independent sets that were not evaluated are said so"
