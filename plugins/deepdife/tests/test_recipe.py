"""The recipe `genotool run deepdife`: its plan, and a whole run on the simulated promoters, resumed at the end."""

from __future__ import annotations

import gzip
import hashlib
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from genotool import registry
from genotool.errors import UsageError
from genotool.recipe import Plan, Request
from genotool_deepdife.recipe import PromoterRecipe, RecipeConfig

KIN, FAR = "demo-promoters-kin", "demo-promoters-far"


def planned(request: Request | None = None, **settings: object) -> Plan:
    return PromoterRecipe().plan(RecipeConfig(**settings), request or Request(data="demo"))  # type: ignore[arg-type]


def words(plan: Plan, key: str) -> list[str]:
    return list(next(step for step in plan.steps if step.key == key).arguments)


def after(arguments: list[str], flag: str) -> list[str]:
    return [value for name, value in itertools.pairwise(arguments) if name == flag]


def test_the_demo_learns_its_orthologs_and_is_evaluated_elsewhere() -> None:
    plan = planned()
    assert [step.key for step in plan.steps] == ["audit", "train-model", "evaluate-elsewhere", "explain", "motifs"]
    assert after(words(plan, "train-model"), "--with") == [f"{KIN}:all"]
    assert after(words(plan, "train-model"), "--augment") == ["evoaug"]
    assert words(plan, "evaluate-elsewhere") == ["{train-model}", FAR]
    assert "SIMULATED" in plan.asked
    assert after(words(plan, "motifs"), "--window") == ["15"]
    assert planned(explain=99).steps[-1].key == "explain", "too few to look for motifs"


def test_an_ablation_trains_all_four_and_compares_them() -> None:
    plan = planned(ablate=True)
    asked = {
        key: (after(words(plan, f"train-{key}"), "--augment"), after(words(plan, f"train-{key}"), "--with"))
        for key in ("model", "none", "evoaug", "orthologs")
    }
    kin = [f"{KIN}:all"]
    assert asked == {
        "model": (["evoaug"], kin),
        "none": (["none"], []),
        "evoaug": (["evoaug"], []),
        "orthologs": (["none"], kin),
    }
    bare = [key for key in asked if "--no-floors" in words(plan, f"train-{key}")]
    assert bare == ["none", "evoaug", "orthologs"], "the model's floors hold for all: the same rows, with and without"
    compared = words(plan, "compare-ablation")
    assert len(compared) == 6
    assert compared[-2:] == ["--baseline", "{train-none}"], "what each brings over none is told, with its interval"
    repeated = planned(ablate=True, repeats=3)
    assert all(after(list(step.arguments), "--repeats") == ["3"] for step in repeated.steps if step.verb == ("train",))
    with pytest.raises(UsageError, match="--ablate"):
        planned(ablate=True, orthologs=[])


def test_orthologs_may_come_from_files() -> None:
    files = {"ortholog_fasta": ["kin=kin.fa"], "ortholog_table": Path("t.tsv"), "ortholog_distance": 0.3}
    plan = planned(orthologs=[], ablate=True, **files)
    said = ["--ortholog-fasta", "kin=kin.fa", "--ortholog-table", "t.tsv", "--ortholog-distance", "0.3"]
    for key in ("model", "orthologs"):
        assert [word for word in words(plan, f"train-{key}") if word in said] == said
    for key in ("none", "evoaug"):
        assert "--ortholog-fasta" not in words(plan, f"train-{key}")
    assert "orthologs of kin=kin.fa." in plan.asked


def test_relatives_that_are_not_at_hand_are_said_and_not_used(demo: Path) -> None:
    plan = planned(Request(data="aba-aly", data_dir=demo))
    assert "Not at hand, so not used: aba-chi, aba-cru, aba-epd." in plan.asked
    assert not after(words(plan, "train-model"), "--with")
    with pytest.raises(UsageError, match="--data"):
        planned(Request())


def genotool(*arguments: object) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("GENOTOOL", "KERAS"))}
    command = [sys.executable, "-m", "genotool", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


PART = {"part": 500, "part-kin": 400, "part-far": 150}


@pytest.fixture
def part(demo: Path, tmp_path: Path) -> Path:
    """The first rows of the simulated promoters, as data sets of their own."""
    folder = tmp_path / "data"
    folder.mkdir()
    catalogue = (demo / "catalogue.toml").read_text()
    for name, rows in PART.items():
        whole = (demo / f"{name.replace('part', 'demo-promoters')}.tsv.gz").read_bytes()
        lines = gzip.decompress(whole).splitlines(keepends=True)[: rows + 1]
        content = gzip.compress(b"".join(lines), mtime=0)
        (folder / f"{name}.tsv.gz").write_bytes(content)
        catalogue = catalogue.replace(hashlib.sha256(whole).hexdigest(), hashlib.sha256(content).hexdigest())
    (folder / "catalogue.toml").write_text(catalogue.replace("demo-promoters", "part"))
    return folder


@pytest.mark.keras
def test_a_whole_run_on_the_simulated_promoters(part: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    data = ["--data", "part", "--data-dir", part, "--orthologs", "part-kin", "--elsewhere", "part-far"]
    small = ["training.epochs=2", "finetune.epochs=1", "filters=16,8,8", "dense=16"]
    network = ["--network", "published", *(word for setting in small for word in ("--set", setting))]
    genotool("run", "deepdife", *data, "--folds", 2, "--explain", 12, *network, "--threads", 1, "-o", out)
    summary = json.loads((out / "summary.json").read_text())
    trained = out / summary["models"]["part"]
    metrics = json.loads((trained / "metrics.json").read_text())
    assert metrics["test"]["n"] == PART["part"], "every promoter is tested by the fold that did not see it"
    assert set(metrics["test"]["floors"]) >= {"majority", "linear", "lightgbm", "lightgbm_motifs"}
    fold = json.loads((trained / "folds/1-1/run.json").read_text())
    assert fold["together"] == ["part-kin:all"]
    assert 50 < fold["learned_along"]["part-kin"] < 350, "orthologs of held-out families are not learned"
    assert (trained / "folds/1-1/history-finetune.tsv").is_file(), "the second stage on rows as they are"
    elsewhere = json.loads((out / "steps/03-evaluate-elsewhere/metrics.json").read_text())
    assert elsewhere["sets"]["part-far"]["n"] == PART["part-far"]
    assert summary["simulated"] is True
    explained = json.loads((out / "steps/04-explain/explanation.json").read_text())
    assert explained["exact"] is True
    assert "Is it real?" in (out / "report.html").read_text()

    longer = tmp_path / "longer.fa"
    far = registry.load("part-far", data_dir=part)
    made = zip(far.ids.tolist(), far.columns["sequence"], strict=True)
    longer.write_text("".join(f">{name}\nGATTACA{letters}\n" for name, letters in made))
    (tmp_path / "far.tsv").write_text(
        "id\tlabel\n"
        + "".join(f"{name}\t{far.classes[code]}\n" for name, code in zip(far.ids, far.target, strict=True))
    )
    words = (longer, "--labels", tmp_path / "far.tsv", "--target", "label", "--threads", 1, "-o", tmp_path / "longer")
    genotool("evaluate", trained, *words, "--data-dir", part)
    (found,) = json.loads((tmp_path / "longer/metrics.json").read_text())["sets"].values()
    assert "were trimmed" in found["warning"]
    same = json.loads((out / "steps/03-evaluate-elsewhere/metrics.json").read_text())["sets"]["part-far"]
    for name, floor in same["floors"].items():
        value = found["floors"][name]["roc_auc"]["value"]
        assert value == floor["roc_auc"]["value"], f"{name} reads what the network reads"

    (tmp_path / "new.fa").write_text(">a\n" + "ACGT" * 100 + "\n>b\nGATTACA\n")
    genotool("predict", trained, tmp_path / "new.fa", "--threads", 1, "-o", tmp_path / "scores.tsv")
    assert len((tmp_path / "scores.tsv").read_text().splitlines()) == 3
    warnings = json.loads((tmp_path / "scores.tsv.json").read_text())["warnings"]
    assert any("1 are shorter, and were padded" in said for said in warnings), (
        "the mean of both folds scores any length"
    )

    before = {file: file.stat().st_mtime_ns for file in trained.rglob("model.keras")}
    (out / "DONE").unlink()
    genotool("run", "--resume", out)
    assert {file: file.stat().st_mtime_ns for file in trained.rglob("model.keras")} == before, "finished steps stay"
