"""`rank`, `clusters`, `test` and `enrich` from a matrix to their tables, and what they refuse."""

from __future__ import annotations

import csv
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from genotool.cli.main import app
from genotool.errors import InputError, UsageError
from genotool_transcriptome import set_stages
from genotool_transcriptome.clustering import Clustering
from genotool_transcriptome.enrichment import EnrichRequest, enrich, read_gmt
from genotool_transcriptome.rank_stage import RankRequest, rank
from genotool_transcriptome.ranked import Ranked, open_ranked
from genotool_transcriptome.set_stages import SetRequest
from typer.testing import CliRunner

MARKERS, WIDTH, EACH = 8, 50, 12
QUICK = Clustering(starts=5)


def table(path: Path, *, each: int = EACH, seed: int = 0) -> Path:
    """Write a matrix of four tissues: eight genes tell them apart, one is constant, the others are noise."""
    rng = np.random.default_rng(seed)
    target = np.repeat(np.arange(4), each)
    values = rng.normal(5, 1, (len(target), WIDTH)).clip(0.1)
    for gene in range(MARKERS):
        values[:, gene] += 4.0 * (target == gene % 4)
    values[:, -1] = 1.5
    lines = [",".join(["sample_id", *(f"ENSG{gene:05d}.1" for gene in range(WIDTH)), "tissue"])]
    lines += [
        ",".join([f"s{row}", *(f"{value:.4f}" for value in values[row]), f"tissue{target[row]}"])
        for row in range(len(target))
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def rows(file: Path) -> list[dict[str, str]]:
    with file.open() as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


@pytest.fixture(scope="module")
def ranked(tmp_path_factory: pytest.TempPathFactory) -> Ranked:
    folder = tmp_path_factory.mktemp("ranked")
    rank(RankRequest(str(table(folder / "matrix.csv")), folder / "run", ("logistic", "anova")))
    return open_ranked(folder / "run")


def test_lists_are_chosen_on_one_half_and_clustered_on_the_other(ranked: Ranked) -> None:
    assert [len(fold.fitted_on) for fold in ranked.folds] == [24, 24]
    assert not set(ranked.folds[0].fitted_on.tolist()) & set(ranked.folds[1].fitted_on.tolist())
    for held, fold in zip(ranked.rows(), ranked.folds, strict=True):
        assert held.table.shape == (24, WIDTH - 1)  # the constant gene is no gene to choose
        found = {each.method: set(each.top(MARKERS).genes.tolist()) for each in fold.lists}
        assert found["anova"] == found["logistic"] == {f"ENSG{gene:05d}.1" for gene in range(MARKERS)}
        assert all((each.fitted_on == fold.fitted_on).all() for each in fold.lists)
    about = ranked.run.read_json("ranking.json")
    assert about["genes_not_ranked"] == {f"ENSG{WIDTH - 1:05d}.1": "constant in the training rows"}
    assert rows(ranked.run.file("gene_lists.tsv"))[0]["rank"] == "1"


def test_a_list_does_not_depend_on_the_rows_that_are_clustered(tmp_path: Path, ranked: Ranked) -> None:
    """Expression of the other half exchanged for noise: the lists of the first fold stay as they were."""
    file = table(tmp_path / "matrix.csv")
    lines, met = file.read_text().splitlines(), set(ranked.folds[0].fitted_on.tolist())
    rng = np.random.default_rng(1)
    for number, line in enumerate(lines[1:], start=1):
        cells = line.split(",")
        if cells[0] not in met:
            cells[1:-1] = [f"{value:.4f}" for value in rng.normal(5, 1, WIDTH).clip(0.1)]
        lines[number] = ",".join(cells)
    file.write_text("\n".join(lines) + "\n")
    rank(RankRequest(str(file), tmp_path / "run", ("logistic", "anova")))
    again = open_ranked(tmp_path / "run")
    for one, other in zip(ranked.folds[0].lists, again.folds[0].lists, strict=True):
        assert one.genes.tolist() == other.genes.tolist()


def test_tests_and_figures(ranked: Ranked, tmp_path: Path) -> None:
    request = SetRequest(tmp_path / "test", QUICK, top=MARKERS, draws=60, export=("pkl",))
    run = set_stages.against_chance(ranked, request)
    found = {row["method"]: row for row in rows(run.file("tests.tsv"))}
    assert {row["verdict"] for row in found.values()} == {"above"}
    assert all(row["sample"] == "out of sample" for row in found.values())
    assert float(found["anova"]["p"]) == pytest.approx(1 / 61)
    about = run.read_json("tests.json")
    assert "MEAN" in about["asks"]["t_p"]
    assert run.file("figures/Fig_t.svg").read_text().startswith("<?xml")
    with np.load(run.file("rand_gauss.npz")) as held:
        assert held["null:anova"].shape == (60,)
        assert held["gauss:anova"].shape == (10_000,)
    assert list(pickle.loads(run.file("rand_gauss.pkl").read_bytes()).columns) == ["V-Measure"]


def test_in_sample_is_labelled_everywhere(ranked: Ranked, tmp_path: Path) -> None:
    run = set_stages.clusters(ranked, SetRequest(tmp_path / "in", QUICK, top=5, draws=2, in_sample=True))
    assert run.read_json("clusters.json")["sample"].startswith("IN SAMPLE")
    assert {row["sample"] for row in rows(run.file("clusters.tsv"))} == {"IN SAMPLE"}


@pytest.mark.parametrize("matched", [False, True])
def test_clusters_of_lists_files_and_random_sets(ranked: Ranked, tmp_path: Path, matched: bool) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("ENSG00000.7\nENSG00001\nENSG00002\nENSG00003\nnowhere\n")
    request = SetRequest(tmp_path / "out", QUICK, top=MARKERS, files=(mine,), draws=6, matched=matched)
    run = set_stages.clusters(ranked, request)
    about = run.read_json("clusters.json")
    assert set(about["scores"]) == {"logistic", "anova", "mine", "all genes"}
    assert about["absent_from_the_matrix"] == {"mine": {"count": 1, "genes": ["nowhere"]}}
    better = about["scores"]["anova"][0] - about["random_means"]["anova"][0]
    assert (better > 0.2) is not matched, "the planted genes are the highest: sets of their expression are as good"
    assert len(rows(run.file("random_sets.tsv"))) == 3 * 6
    assert {row["genes"] for row in rows(run.file("clusters.tsv"))} == {"8", "4", "49"}


def test_commands_speak_and_take_flags(ranked: Ranked, tmp_path: Path) -> None:
    words = ["transcriptome", "test", str(ranked.run.path), "--draws", "4", "--starts", "3", "--threads", "2"]
    done = CliRunner().invoke(app, [*words, "--json", "-o", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    found = json.loads(done.output.splitlines()[-1])
    assert [row["method"] for row in found["tests"]] == ["logistic", "anova"]
    assert found["draws"] == 4


def test_what_is_refused(ranked: Ranked, tmp_path: Path) -> None:
    file = str(table(tmp_path / "small.csv", each=2))
    with pytest.raises(InputError, match="one training sample"):
        rank(RankRequest(file, tmp_path / "a", ("anova",)))
    rank(RankRequest(file, tmp_path / "all", ("anova",), in_sample=True))
    with pytest.raises(UsageError, match="none is left to cluster"):
        set_stages.clusters(open_ranked(tmp_path / "all"), SetRequest(tmp_path / "b", QUICK))
    with pytest.raises(UsageError, match="SHAP needs a trained network"):
        rank(RankRequest(file, tmp_path / "c", ("shap",)))
    made = set_stages.clusters(ranked, SetRequest(tmp_path / "d", QUICK, draws=1))
    with pytest.raises(UsageError, match="holds no gene lists"):
        open_ranked(made.path)
    empty = tmp_path / "anova.txt"
    empty.write_text("ENSG00001\n")
    with pytest.raises(UsageError, match="a list of the run is called 'anova'"):
        set_stages.clusters(ranked, SetRequest(tmp_path / "e", QUICK, files=(empty,)))
    assert not any((tmp_path / name).exists() for name in "bce")


def test_a_tissue_with_one_training_sample_is_left_out_and_named(tmp_path: Path) -> None:
    file = table(tmp_path / "m.csv")
    lines = file.read_text().splitlines()
    file.write_text("\n".join(lines[: -(EACH - 2)]) + "\n")  # two samples of the last tissue: one in each half
    rank(RankRequest(str(file), tmp_path / "run", ("anova",)))
    made = open_ranked(tmp_path / "run")
    assert sum(len(each.fitted_on) for each in made.folds) == len(lines) - 1 - (EACH - 2)
    said = " ".join(made.run.read_json("ranking.json")["said"])
    assert "tissue3 has one training sample in fold 1" in said
    assert "tissue3 has one training sample in fold 2" in said


def test_a_matrix_that_has_changed_is_no_longer_the_one(tmp_path: Path) -> None:
    file = table(tmp_path / "m.csv")
    rank(RankRequest(str(file), tmp_path / "run", ("anova",)))
    table(file, seed=4)
    with pytest.raises(InputError, match="not what the genes were ranked on"):
        open_ranked(tmp_path / "run")


# -- enrichment -------------------------------------------------------------------------------------------------


def gmt(path: Path) -> Path:
    markers = "\t".join(f"ensg{gene:05d}.9" for gene in range(MARKERS))
    noise = "\t".join(f"ENSG{gene:05d}" for gene in range(20, 30))
    path.write_text(f"markers\tplanted\t{markers}\nnoise\t\t{noise}\nsmall\tx\tENSG00001\n")
    return path


@pytest.mark.parametrize("how", ["prerank", "top"])
def test_planted_sets_are_enriched(ranked: Ranked, tmp_path: Path, how: str) -> None:
    request = EnrichRequest(gmt(tmp_path / "s.gmt"), tmp_path / "out", "anova", how, top=MARKERS, permutations=200)
    run = enrich(ranked, request)
    found = {row["set"]: float(row["fdr"]) for row in rows(run.file("enrichment.tsv"))}
    assert found["markers"] < 0.05
    assert found.get("noise", 1.0) > 0.05
    assert "small" not in found
    assert run.read_json("enrichment.json")["sets_tested"] == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no set of genes"),
        (b"one\tonly a description\n", "needs a name and genes"),
        (b"a\t\tg1\na\t\tg2\n", "row 2: a set occurs twice"),
        (b"\x1f\x8b\x08\xff", "not readable as text"),
    ],
)
def test_bad_gmt(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "bad.gmt"
    file.write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_gmt(file)


def test_sets_of_other_names_are_no_sets(ranked: Ranked, tmp_path: Path) -> None:
    file = tmp_path / "s.gmt"
    file.write_text("other\t\tTP53\tMYC\tEGFR\tKRAS\tBRAF\n")
    with pytest.raises(InputError, match=r"no set has 5 to 500 of the 49 ranked genes \(most: 0\)"):
        enrich(ranked, EnrichRequest(file, tmp_path / "out", "anova"))
    given: dict[str, Any] = {"gmt": file, "out": tmp_path / "out"}
    with pytest.raises(UsageError, match="no list 'shap'"):
        enrich(ranked, EnrichRequest(**given))
    with pytest.raises(UsageError, match="no such file"):
        read_gmt(tmp_path / "absent.gmt")
