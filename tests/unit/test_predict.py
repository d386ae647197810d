"""predict: scores of a table and of a scan, labels, what was seen in training, provenance, and refusals."""

from __future__ import annotations

import dataclasses
import json
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from genotool import hookimpl, plugins
from genotool.audit import write_keys
from genotool.dataset import Dataset, Kind, Task
from genotool.errors import GenotoolError, InputError, UsageError
from genotool.hookspecs import Spec
from genotool.persist import load_json, save_json
from genotool.run import Run
from genotool.sequences import Sequences
from genotool.stages.predict import run_predict

SEEN = "ACGTACGATCCATGCATTACTGG"


@dataclasses.dataclass(frozen=True)
class Nothing:
    """A config without settings."""


class GcModel:
    """Predicts a weighted share of G and C."""

    def __init__(self, task: Task, weight: float) -> None:
        self.task, self.weight = task, weight

    def predict(self, batch: dict[str, np.ndarray]) -> np.ndarray:
        return self.weight * batch["gc"]

    def save(self, directory: Path) -> None:
        save_json(directory / "model.json", {"task": self.task.value, "weight": self.weight})


class GcEncoder:
    """Encodes a guide as its share of G and C."""

    def fit(self, batches: object) -> GcEncoder:
        return self

    def encode(self, batch: Dataset) -> dict[str, np.ndarray]:
        guides = batch.columns["guide"]
        return {"gc": np.array([(text.count("G") + text.count("C")) / len(text) for text in guides])}

    def save(self, directory: Path) -> None:
        save_json(directory / "encoder.json", {})

    def load(self, directory: Path) -> GcEncoder:
        load_json(directory / "encoder.json")
        return self


class GcFamily:
    """The whole family."""

    name, summary = "gc", "share of G and C"
    tasks = frozenset({Task.BINARY, Task.REGRESSION})
    kinds = frozenset({Kind.GUIDES})
    config_type = Nothing

    def encoder(self, config: Nothing, task: Task) -> GcEncoder:
        return GcEncoder()

    def load(self, directory: Path) -> GcModel:
        held = load_json(directory / "model.json")
        return GcModel(Task(held["task"]), held["weight"])


class Plugin:
    """Brings the family."""

    @hookimpl
    def genotool_families(self) -> list[Spec]:
        return [Spec("gc", "share of G and C", "family", "gc_family_of_a_test:GcFamily")]


@pytest.fixture(autouse=True)
def family() -> Iterator[None]:
    module = types.ModuleType("gc_family_of_a_test")
    module.GcFamily = GcFamily  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    plugin = Plugin()
    plugins.manager().register(plugin, name="gc-of-a-test")
    plugins.specs.cache_clear()
    yield
    plugins.manager().unregister(plugin)
    plugins.specs.cache_clear()
    del sys.modules[module.__name__]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return finished_run(tmp_path / "run")


def finished_run(
    path: Path, *, task: Task = Task.BINARY, keys: bool = True, simulated: bool = False, weight: float = 1.0
) -> Path:
    data = {
        "name": "t",
        "digest": "d",
        "rows": 1,
        "classes": ["low", "high"],
        "warning": "",
        "simulated": simulated,
    }
    run = Run.create(path, verb="train", family="gc", task=task.value, data=[data])
    with run:
        GcModel(task, weight).save(path)
        GcEncoder().save(run.folder("encoder"))
        run.update(threshold=0.6)
        if keys:
            rows = Dataset("t", Kind.GUIDES, np.array(["1"]), {"guide": Sequences.from_strings([SEEN])})
            write_keys(path / "training_keys.bin", rows)
    return path


@pytest.fixture
def guides(tmp_path: Path) -> Path:
    file = tmp_path / "guides.tsv"
    rows = [SEEN, "TT" + SEEN[2:], "G" * 20 + "AGG", "a" * 20 + "tgg"]
    file.write_text("guide\n" + "\n".join(rows) + "\n")
    return file


def table(file: Path) -> list[dict[str, str]]:
    head, *rows = (line.split("\t") for line in file.read_text().splitlines())
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_scores_labels_and_what_was_seen(model: Path, guides: Path, tmp_path: Path) -> None:
    summary = run_predict(str(model), str(guides), tmp_path / "scores.tsv", batch_size=3)
    rows = table(tmp_path / "scores.tsv")
    assert [row["guide"] for row in rows] == [SEEN, "TT" + SEEN[2:], "G" * 20 + "AGG", "A" * 20 + "TGG"]
    assert [float(row["score"]) for row in rows] == pytest.approx([11 / 23, 10 / 23, 22 / 23, 2 / 23], rel=1e-5)
    assert [row["label"] for row in rows] == ["low", "low", "high", "low"]  # threshold .6, not .5
    assert [row["seen"] for row in rows] == ["exact", "variant", "no", "no"]
    assert summary.overlap == {"exact": 1, "reverse_complement": 0, "variant": 1, "swapped": 0}
    assert (summary.rows, summary.written) == (4, 4)


def test_provenance_lies_beside_the_file(model: Path, guides: Path, tmp_path: Path) -> None:
    run_predict(str(model), str(guides), tmp_path / "s.tsv", command=["genotool", "predict"])
    held = json.loads((tmp_path / "s.tsv.json").read_text())
    assert held["command"] == ["genotool", "predict"]
    assert held["overlap_with_training"] == {"exact": 1, "reverse_complement": 0, "variant": 1, "swapped": 0}
    assert held["data"]["rows"] == 4
    assert held["simulated"] is False
    assert len(held["model"]["digest"]) == 64
    assert held["versions"]["numpy"] == np.__version__
    other = finished_run(tmp_path / "other", weight=0.5)
    run_predict(str(other), str(guides), tmp_path / "o.tsv")
    assert json.loads((tmp_path / "o.tsv.json").read_text())["model"]["digest"] != held["model"]["digest"]


def test_the_verdict_of_the_model_comes_along(guides: Path, tmp_path: Path) -> None:
    model = finished_run(tmp_path / "run")
    assert run_predict(str(model), str(guides), None).provenance["model"]["own_test"] is None
    metrics = {"roc_auc": {"value": 0.6, "low": 0.51, "high": 0.69}}
    test = {"headline": "roc_auc", "metrics": metrics, "floors": {"linear": {}}, "verdict": "undecided"}
    (model / "metrics.json").write_text(json.dumps({"test": test}))
    own = run_predict(str(model), str(guides), None).provenance["model"]["own_test"]
    assert own == "ROC-AUC 0.600 [0.510, 0.690], undecided against its floors"


def test_a_model_without_keys_says_so(guides: Path, tmp_path: Path) -> None:
    model = finished_run(tmp_path / "run", keys=False)
    summary = run_predict(str(model), str(guides), tmp_path / "s.tsv")
    assert {row["seen"] for row in table(tmp_path / "s.tsv")} == {"unknown"}
    assert summary.overlap is None
    assert any("unknown" in warning for warning in summary.provenance["warnings"])


def test_simulated_models_mark_the_rows(guides: Path, tmp_path: Path) -> None:
    model = finished_run(tmp_path / "run", simulated=True)
    summary = run_predict(str(model), str(guides), tmp_path / "s.tsv")
    assert {row["simulated"] for row in table(tmp_path / "s.tsv")} == {"yes"}
    assert summary.provenance["simulated"] is True


def test_a_number_has_no_label(guides: Path, tmp_path: Path) -> None:
    model = finished_run(tmp_path / "run", task=Task.REGRESSION)
    run_predict(str(model), str(guides), tmp_path / "s.tsv")
    assert "label" not in table(tmp_path / "s.tsv")[0]


def test_spacers_without_pam_and_fasta_are_taken(model: Path, tmp_path: Path) -> None:
    fasta = tmp_path / "g.fa"
    fasta.write_text(f">one\n{SEEN[:20]}\n>two\n{SEEN}\n")
    run_predict(str(model), str(fasta), tmp_path / "s.tsv")
    assert [row["id"] for row in table(tmp_path / "s.tsv")] == ["one", "two"]


def test_standard_output_gets_the_same_bytes(
    model: Path, guides: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_predict(str(model), str(guides), tmp_path / "s.tsv")
    summary = run_predict(str(model), str(guides), Path("-"))
    assert capsys.readouterr().out == (tmp_path / "s.tsv").read_text()
    assert summary.out is None


def test_a_file_that_exists_is_kept_unless_told(model: Path, guides: Path, tmp_path: Path) -> None:
    out = tmp_path / "s.tsv"
    out.write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        run_predict(str(model), str(guides), out)
    assert out.read_text() == "mine"
    run_predict(str(model), str(guides), out, overwrite=True)
    assert table(out)[0]["seen"] == "exact"


def test_nothing_is_half_written(guides: Path, tmp_path: Path) -> None:
    model = finished_run(tmp_path / "run")
    (model / "model.json").write_text('{"task": "binary", "weight": 1e999}')
    with pytest.raises(InputError, match="not finite"):
        run_predict(str(model), str(guides), tmp_path / "s.tsv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["guides.tsv", "run"]


def test_an_unwritable_folder_is_an_error_of_ours(model: Path, guides: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        run_predict(str(model), str(guides), tmp_path / "none" / "s.tsv")
    with pytest.raises(UsageError, match="is a folder"):
        run_predict(str(model), str(guides), tmp_path)


def test_scan_ranks_marks_and_records(model: Path, tmp_path: Path) -> None:
    fasta = tmp_path / "gene.fa"
    fasta.write_text(f">g1 first\n{SEEN}AAAA{'G' * 20}AGG\n>g2\n{'ACGTNACGTA' * 2}TGG\n")
    summary = run_predict(str(model), str(fasta), tmp_path / "s.tsv", scan=True, avoid_sites="GGGGGG")
    rows = table(tmp_path / "s.tsv")
    scores = [float(row["score"]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert {row["guide"]: row["seen"] for row in rows}[SEEN] == "exact"
    assert rows[0]["label"] == "high"
    assert rows[0]["sites"] == "GGGGGG"  # marked, not dropped: nothing was chosen
    assert summary.counts["a letter other than A, C, G, T in the site"] >= 1
    assert summary.overlap is not None
    assert summary.overlap["exact"] == 1
    held = json.loads((tmp_path / "s.tsv.json").read_text())
    assert (held["data"]["records"], held["data"]["pam"]) == (2, "NGG")
    assert held["written"] == len(rows) == summary.written


def test_a_choice_leaves_out_what_is_avoided(model: Path, tmp_path: Path) -> None:
    fasta = tmp_path / "gene.fa"
    fasta.write_text(f">g1\n{SEEN}AAAA{'G' * 20}AGG\n")
    summary = run_predict(str(model), str(fasta), tmp_path / "s.tsv", scan=True, avoid_sites="GGGG", per_record=1)
    rows = table(tmp_path / "s.tsv")
    assert len(rows) == summary.written == 1
    assert rows[0]["sites"] == ""
    assert int(rows[0]["rank"]) > 1
    assert summary.counts["a site of GGGG"] > 0


def test_a_mageck_library_holds_each_spacer_once(model: Path, tmp_path: Path) -> None:
    fasta = tmp_path / "genes.fa"
    fasta.write_text(f">TP53\n{SEEN}\n>MYC\n{SEEN}A\n")
    summary = run_predict(str(model), str(fasta), tmp_path / "s.tsv", scan=True, output_format="mageck")
    rows = table(tmp_path / "s.tsv")
    assert [(row["sequence"], row["gene"]) for row in rows] == [(SEEN[:20], "TP53")]
    assert summary.counts["a spacer listed before: MAGeCK counts a sequence once"] == 1


def test_the_best_of_each_gene_that_headers_name(model: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    one, two, three = ("".join(rng.choice(list("ACGT"), 300)) for _ in range(3))
    fasta = tmp_path / "exons.fa"
    fasta.write_text(f">e1 gene=TP53\n{one}\n>e2 [gene=TP53] x\n{two}\n>e3 cds gene:ENSG1 gene_symbol:MYC\n{three}\n")
    run_predict(str(model), str(fasta), tmp_path / "s.tsv", scan=True, output_format="mageck", per_gene=2)
    genes = [row["gene"] for row in table(tmp_path / "s.tsv")]
    assert sorted(genes) == ["MYC", "MYC", "TP53", "TP53"]
    run_predict(str(model), str(fasta), tmp_path / "r.tsv", scan=True, per_record=2)
    assert len(table(tmp_path / "r.tsv")) == 6


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"output_format": "bed"}, "--format goes with --scan"),
        ({"top": 5}, "--top goes with --scan"),
        ({"pam": "NGG"}, "--pam goes with --scan"),
        ({"scan": True, "output_format": "bad"}, "bed"),
        ({"scan": True, "per_record": 0}, "--per-record is at least 1"),
        ({"scan": True, "pam": "NGGG"}, "--pam takes three"),
        ({"scan": True, "avoid_sites": "NoSuchI"}, "unknown enzyme"),
        ({"batch_size": 0}, "--batch-size is at least 1"),
    ],
)
def test_flags_are_checked(model: Path, guides: Path, flags: dict[str, object], said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        run_predict(str(model), str(guides), tmp_path / "s.tsv", **flags)  # type: ignore[arg-type]
    assert said in str(caught.value)


def test_scan_without_a_site_is_an_error(model: Path, tmp_path: Path) -> None:
    fasta = tmp_path / "g.fa"
    fasta.write_text(">one\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n")
    with pytest.raises(InputError, match="no NGG site"):
        run_predict(str(model), str(fasta), tmp_path / "s.tsv", scan=True)
    assert not (tmp_path / "s.tsv").exists()


def test_a_run_folder_without_a_model_is_refused(guides: Path, tmp_path: Path) -> None:
    run = Run.create(tmp_path / "audit", verb="audit", family="gc")
    with run:
        pass
    with pytest.raises(GenotoolError, match="holds no model"):
        run_predict(str(run.path), str(guides), tmp_path / "s.tsv")
