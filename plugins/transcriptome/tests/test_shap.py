"""SHAP of networks whose attributions are known: linear ones, on the TensorFlow backend."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from genotool.dataset import Dataset, Kind, Task
from genotool.errors import InputError
from genotool.frameworks.keras import KerasModel, start
from genotool_transcriptome.encoder import IMAGE, ExpressionEncoder
from genotool_transcriptome.ranking import Method, explained
from numpy.typing import NDArray

pytestmark = pytest.mark.keras

GENES, TISSUES = 7, ("leaf", "root", "seed")


class Clock:
    """Times nothing."""

    @contextmanager
    def timed(self, name: str) -> Any:
        yield


def linear(weights: NDArray[Any], side: int, activation: str, task: Task) -> KerasModel:
    keras = start(0)
    image = keras.layers.Input((side, side, 1), name=IMAGE)
    head = keras.layers.Dense(weights.shape[1], use_bias=False, name="logit")
    output = keras.layers.Activation(activation)(head(keras.layers.Flatten()(image)))
    network = keras.Model(image, output)
    head.set_weights([weights.astype(np.float32)])
    return KerasModel(network, task)


def made(tissues: int) -> tuple[Any, Dataset, NDArray[Any], ExpressionEncoder]:
    """Return a linear model, rows that it gets right but for the first, its weights by gene, and the encoder."""
    rng = np.random.default_rng(2)
    values = rng.normal(8, 2, (18, GENES)).astype(np.float32)
    ids, genes = np.arange(18).astype(np.str_), np.array([f"g{number}" for number in range(GENES)])
    classes = TISSUES[:tissues]
    rows = Dataset("x", Kind.MATRIX, ids, {"expression": values}, np.zeros(18, np.int64), classes, features=genes)
    encoder = ExpressionEncoder(layout="correlation").fit([rows])
    units = tissues if tissues > 2 else 1
    weights = np.zeros((encoder.side**2, units), np.float32)
    weights[:GENES] = rng.normal(size=(GENES, units))
    task = Task.MULTICLASS if tissues > 2 else Task.BINARY
    model = linear(weights, encoder.side, "softmax" if tissues > 2 else "sigmoid", task)
    score = model.predict(encoder.encode(rows))
    target = (score.argmax(axis=1) if tissues > 2 else score >= 0.5).astype(np.int64)
    target[0] = (target[0] + 1) % tissues
    rows = Dataset("x", Kind.MATRIX, ids, {"expression": values}, target, classes, features=genes)
    trained = SimpleNamespace(model=model, encoder=encoder, predict=lambda r: model.predict(encoder.encode(r)))
    by_gene = np.empty((GENES, units))
    by_gene[encoder.order] = weights[:GENES]
    return trained, rows, by_gene, encoder


@pytest.mark.parametrize(("explainer", "tissues"), [("deep", 3), ("gradient", 3), ("gradient", 2)])
def test_a_linear_network_is_explained_exactly(explainer: str, tissues: int) -> None:
    trained, rows, weights, encoder = made(tissues)
    background = rows.take(np.arange(5, 6))  # of one row every path starts there: expected gradients are exact as well
    how = Method(explainer, points=4)
    found = explained(trained, rows, background, how=how, seed=0, run=Clock())  # type: ignore[arg-type]
    assert found.wrong == ("0",)
    assert found.ids.tolist() == [str(number) for number in range(1, 18)]
    moved = encoder.table(rows)[1:] - encoder.table(background)
    own = weights[:, found.target].T if tissues > 2 else weights.T * np.where(found.target == 1, 1, -1)[:, None]
    np.testing.assert_allclose(found.values, moved * own, atol=1e-4)
    assert "however many samples and tissues" in found.said[1]


def test_the_probability_is_explained_as_in_the_original() -> None:
    trained, rows, _, _ = made(3)
    background = rows.take(np.arange(5, 6))
    how = Method("deep", "probability")
    found = explained(trained, rows, background, how=how, seed=0, run=Clock())  # type: ignore[arg-type]
    score = trained.predict(rows)[1:]
    change = score[np.arange(17), found.target] - trained.predict(background)[0, found.target]
    np.testing.assert_allclose(found.values.sum(axis=1), change, atol=1e-4)


def test_nothing_is_ranked_where_every_row_is_taken_for_another() -> None:
    trained, rows, _, _ = made(3)
    assert rows.target is not None
    wrong = (rows.target[1:] + 1) % 3
    other = Dataset("x", Kind.MATRIX, rows.ids[1:], {"expression": np.asarray(rows.columns["expression"])[1:]}, wrong,
                    TISSUES, features=rows.features)  # fmt: skip
    with pytest.raises(InputError, match="every one of the 17 rows"):
        explained(trained, other, other, how=Method(), seed=0, run=Clock())  # type: ignore[arg-type]


def test_a_trained_run_is_ranked_and_its_tables_are_written(tmp_path: Path) -> None:
    from genotool.stages.begun import FitRequest
    from genotool.stages.rows import RowsRequest
    from genotool.stages.train import train
    from genotool_transcriptome.family import ExpressionFamily
    from genotool_transcriptome.rank_stage import RankRequest, rank
    from genotool_transcriptome.ranked import open_ranked
    from genotool_transcriptome.settings import ExpressionConfig

    rng = np.random.default_rng(0)
    target = np.repeat(np.arange(3), 14)
    values = rng.normal(6, 0.5, (42, 12))
    values[np.arange(42), target] += 4
    lines = ["sample_id," + ",".join(f"g{gene}" for gene in range(12)) + ",tissue"]
    lines += [f"s{row}," + ",".join(f"{v:.3f}" for v in values[row]) + f",{TISSUES[target[row]]}" for row in range(42)]
    (tmp_path / "m.csv").write_text("\n".join(lines) + "\n")
    config = ExpressionConfig(filters=[4], kernels=[3], strides=[1], pools=[2], dense=[8], input_dropout=0.0, towers=1)
    train(
        FitRequest(RowsRequest(str(tmp_path / "m.csv")), ExpressionFamily(), config, tmp_path / "model", floors=False)
    )
    request = RankRequest(
        str(tmp_path / "model"), tmp_path / "ranked", ("shap", "anova"), how=Method(points=10), export=("pkl",)
    )
    run = rank(request)
    fold = open_ranked(run.path).folds[0]
    assert [each.method for each in fold.lists] == ["shap", "shap-rule", "anova"]
    assert set(fold.lists[0].genes.tolist()) == {f"g{gene}" for gene in range(12)}
    assert set(fold.lists[2].top(3).genes.tolist()) == {"g0", "g1", "g2"}
    names = {"shap_scores-1", "ranks-1", "shap_genes-1"}
    assert {file.stem for file in run.path.glob("*.pkl")} == names <= {file.stem for file in run.path.glob("*.tsv")}
    test_rows = [
        line.split("\t")[0] for line in (tmp_path / "model/split.tsv").read_text().splitlines() if "\ttest" in line
    ]
    with np.load(run.file("shap_scores-1.npz")) as held:
        assert held["values"].shape == held["ranks"].shape
        assert not set(held["ids"].tolist()) & set(test_rows)
        assert (np.sort(held["ranks"], axis=1) == np.arange(1, 13)).all()
    assert len(test_rows) == json.loads(run.file("ranking.json").read_text())["rows_left"][0]
