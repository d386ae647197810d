"""The recipe `genotool run transcriptome`: its plan; training and transfer on the simulated tissues."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from genotool.errors import UsageError
from genotool.frameworks.keras import Training
from genotool.recipe import Plan, Request
from genotool.stages.begun import FitRequest
from genotool.stages.evaluate import EvaluateRequest, evaluate
from genotool.stages.predict import run_predict
from genotool.stages.rows import RowsRequest
from genotool.stages.train import train
from genotool.trained import open_trained
from genotool_transcriptome.family import ExpressionFamily
from genotool_transcriptome.recipe import ExpressionRecipe, RecipeConfig
from genotool_transcriptome.settings import ExpressionConfig

FOLDER = Path(__file__).parents[1] / "src/genotool_transcriptome/demo-tissues"
CATALOGUE = """\
format = 1
[maize]
kind = "matrix"
reader = "matrix"
files = { data = { path = "a.csv" } }
groups = "rep"
"""


def planned(request: Request | None = None, **settings: object) -> Plan:
    return ExpressionRecipe().plan(RecipeConfig(**settings), request or Request(data="demo"))  # type: ignore[arg-type]


def words(plan: Plan, key: str) -> list[str]:
    return list(next(step for step in plan.steps if step.key == key).arguments)


def after(arguments: list[str], flag: str) -> list[str]:
    return [value for name, value in itertools.pairwise(arguments) if name == flag]


def test_the_demo_is_evaluated_on_the_other_platform_by_a_map() -> None:
    plan = planned()
    keys = ["audit", "train-model", "evaluate-elsewhere", "rank", "clusters", "test", "enrich"]
    assert [step.key for step in plan.steps] == keys
    assert after(words(plan, "train-model"), "--elsewhere") == ["set"]
    other = words(planned(Request(data="./a.csv"), elsewhere=["./b.csv"]), "train-model")
    assert after(other, "--scaling") == ["rank"], "other platforms are read by ranks"
    assert after(other, "--elsewhere") == ["set"], "whose means are the set's"
    assert after(words(plan, "train-model"), "--gene-map") == [str(FOLDER / "genes.tsv")]
    assert words(plan, "evaluate-elsewhere") == ["{train-model}", "demo-tissues-array"]
    assert "SIMULATED" in plan.asked


def test_replicates_are_left_out_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "catalogue.toml").write_text(CATALOGUE)
    plan = planned(Request(data="maize", data_dir=tmp_path), explain=False, preset="published")
    assert [step.key for step in plan.steps] == ["audit", "train-model"]
    trained = words(plan, "train-model")
    assert after(trained, "--folds") == ["groups"]
    assert after(trained, "--split") == ["by:rep"]
    assert Path(after(trained, "--config")[0]).is_file()
    assert after(words(planned(Request(data="./a.csv"), folds="3"), "train-model"), "--folds") == ["3"]
    whole = Request(data="maize", data_dir=tmp_path)
    plan = planned(whole)
    assert "--in-sample" in words(plan, "test"), "one sample a tissue is left: nothing to cluster by tissue"
    assert "IN SAMPLE" in plan.asked
    assert "--in-sample" not in words(planned(whole, folds="5"), "test")
    by_organ = words(planned(whole, against="organ"), "clusters")
    assert (after(by_organ, "--against"), "--in-sample" in by_organ) == (["organ"], False)
    with pytest.raises(UsageError, match="--data"):
        planned(Request())


@pytest.mark.keras
def test_training_and_another_platform_on_the_simulated_tissues(tmp_path: Path) -> None:
    family, settings = (
        ExpressionFamily(),
        {"filters": [8], "kernels": [3], "strides": [1], "pools": [2], "dense": [16], "towers": 2},
    )
    config = ExpressionConfig(
        **settings, scaling="rank", gene_map=FOLDER / "genes.tsv", training=Training(epochs=2, batch_size=32)
    )  # type: ignore[arg-type]
    rows = RowsRequest("demo-tissues", data_dir=FOLDER)
    trained = train(FitRequest(rows, family, config, tmp_path / "model", floors=False))
    header = trained.file("history.tsv").read_text().split("\n")[0]
    assert {"accuracy", "val_accuracy", "loss", "val_loss"} <= set(header.split("\t"))
    assert trained.file("history-2.tsv").is_file(), "a history of each network"
    topology = json.loads(trained.file("model_topology.json").read_text())
    assert topology["class_name"] == "Functional"
    assert trained.file("model.weights.h5").is_file()
    assert "SIMG00320\t\t\t0 in every training row" in trained.file("genes.tsv").read_text()
    assert "the values look like counts" in trained.file("log.txt").read_text()

    request = EvaluateRequest(tmp_path / "elsewhere", ("demo-tissues-array",), FOLDER)
    found = evaluate(open_trained(str(trained.path)), request)
    measured = found.read_json("metrics.json")["sets"]["demo-tissues-array"]
    assert measured["n"] == 48
    assert measured["classes_unknown"] == {"tassel": 16}
    assert measured["classes_absent"] == ["anther"]
    assert measured["adapted"]["genes_not_learned"] + measured["adapted"]["genes_shared"] == 256
    assert "ranks within each sample" in measured["note"]
    assert set(measured["floors"]) >= {"majority", "memoriser", "linear", "lightgbm"}
    out = tmp_path / "scores.tsv"
    summary = run_predict(str(trained.path), str(FOLDER / "demo-tissues-array.csv.gz"), out)
    assert "of the model's" in summary.remark
    assert len(out.read_text().splitlines()) == 65
