"""What bases add to a prediction: hypothetical scores, integrated gradients, mutagenesis, references of a row's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from genotool.background import Background
from genotool.dataset import Dataset, Kind, Task
from genotool.encoding import EncodedView
from genotool.errors import UsageError
from genotool.family import Attribution, ExplainsBy
from genotool.frameworks.attribution import explain
from genotool.frameworks.keras import KerasModel, TargetScale, start
from genotool.run import Run
from genotool.sequences import Sequences
from genotool_deepdife import network as networks
from genotool_deepdife.encoder import INPUT, PromoterEncoder
from genotool_deepdife.family import PromoterFamily
from genotool_deepdife.settings import PromoterConfig
from scipy.special import logit

pytestmark = pytest.mark.keras

LENGTH = 60


def promoters(count: int, seed: int = 0, letters: str = "ACGT") -> Dataset:
    bases = np.random.default_rng(seed).integers(0, len(letters), (count, LENGTH))
    text = ["".join(letters[base] for base in row) for row in bases]
    ids = np.array([f"p{row}" for row in range(count)])
    return Dataset("random", Kind.SEQUENCES, ids, {"sequence": Sequences.from_strings(text)}, np.zeros(count))


def view(rows: Dataset, per_row: int = 0) -> EncodedView:
    return Background(rows, PromoterEncoder(LENGTH), per_row=per_row)


@pytest.fixture(scope="module")
def linear() -> tuple[KerasModel, Any]:
    """Return a network that adds a weight for each base, and the weights (length, 4)."""
    keras = start(0)
    rows, head = keras.layers.Input((LENGTH, 4), name=INPUT), keras.layers.Dense(1, activation="sigmoid")
    network = keras.Model(rows, head(keras.layers.Flatten()(rows)))
    weights = np.random.default_rng(4).normal(0, 0.1, (LENGTH, 4))
    head.set_weights([weights.reshape(-1, 1), np.array([0.2])])
    return KerasModel(network, Task.BINARY), weights


@pytest.fixture(scope="module")
def convolutional() -> KerasModel:
    """Return an untrained promoter network of both strands whose weights are not small."""
    keras = start(3)
    config = PromoterConfig(filters=[8, 8], kernels=[6, 4], strides=[1, 2], pools=[3, 1], dense=[8])
    strand = networks.build(keras, config, LENGTH, 1)
    rng = np.random.default_rng(1)
    strand.set_weights([weight + rng.normal(0, 0.2, weight.shape) for weight in strand.get_weights()])
    return KerasModel(networks.both_strands(keras, strand, Task.BINARY), Task.BINARY)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path / "explain", verb="explain", command=["genotool"])


def present(found: Attribution) -> Any:
    """Return what is hypothetical of the bases that the rows have, (n, length)."""
    assert found.hypothetical is not None
    return (found.hypothetical * found.inputs).sum(axis=2)


@pytest.mark.parametrize("method", ["deepshap", "integrated-gradients"])
def test_a_linear_network_gives_its_weights(linear: tuple[KerasModel, Any], method: str, run: Run) -> None:
    model, weights = linear
    rows, background = promoters(9, letters="ACGTN"), promoters(20, seed=5)
    found = explain(model, view(rows), view(background), method=method, seed=0, run=run)
    share = PromoterEncoder(LENGTH).encode(background)[INPUT].mean(axis=0)
    np.testing.assert_allclose(found.values, weights * (found.inputs - share), atol=1e-6)
    wanted = weights - (weights * share).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.hypothetical, np.broadcast_to(wanted, found.values.shape), atol=1e-6)
    assert found.additivity_error.max() < 1e-5


def test_mutagenesis_of_a_linear_network_gives_its_weights_less_their_mean(
    linear: tuple[KerasModel, Any], run: Run
) -> None:
    model, weights = linear
    found = explain(
        model, view(promoters(5, letters="ACGTN")), view(promoters(1)), method="mutagenesis", seed=0, run=run
    )
    known = found.inputs.any(axis=2, keepdims=True)
    wanted = (weights - weights.mean(axis=1, keepdims=True)) * known
    assert known.mean() < 0.95, "a letter that is no base has no score"
    np.testing.assert_allclose(found.hypothetical, wanted, atol=1e-5)
    np.testing.assert_allclose(found.values, wanted * found.inputs, atol=1e-5)
    assert np.isnan(found.additivity_error).all()


@pytest.mark.parametrize("method", ["deepshap", "integrated-gradients", "mutagenesis"])
def test_hypothetical_of_the_base_that_is_there_is_the_sum_of_the_values(
    convolutional: KerasModel, method: str, run: Run
) -> None:
    found = explain(convolutional, view(promoters(7)), view(promoters(12, seed=5)), method=method, seed=0, run=run)
    np.testing.assert_allclose(present(found), found.values.sum(axis=2), atol=1e-6)
    assert np.abs(present(found)).max() > 0.1


@pytest.mark.parametrize(("method", "most"), [("deepshap", 1e-3), ("integrated-gradients", 0.05)])
def test_values_add_up_to_what_the_model_says(convolutional: KerasModel, method: str, most: float, run: Run) -> None:
    rows, background = promoters(30), promoters(50, seed=5)
    found = explain(convolutional, view(rows), view(background), method=method, seed=0, run=run)

    def log_odds(data: Dataset) -> Any:
        return logit(convolutional.predict(PromoterEncoder(LENGTH).encode(data)))

    moved = log_odds(rows) - log_odds(background).mean()
    gap = np.abs(found.values.sum(axis=(1, 2)) - moved)
    np.testing.assert_allclose(found.additivity_error, gap, atol=1e-4)
    assert gap.max() < most * np.median(np.abs(moved))


def test_mutagenesis_is_what_the_model_says_of_every_mutant(convolutional: KerasModel, run: Run) -> None:
    found = explain(convolutional, view(promoters(2)), view(promoters(1)), method="mutagenesis", seed=0, run=run)
    for row, scores in zip(found.inputs, found.hypothetical, strict=True):  # type: ignore[arg-type]
        for place in (0, 17, LENGTH - 1):
            said = []
            for base in range(4):
                mutant = row.copy()
                mutant[place] = np.eye(4)[base]
                said.append(float(logit(convolutional.predict({INPUT: mutant[None]})[0])))
            np.testing.assert_allclose(scores[place], np.array(said) - np.mean(said), atol=1e-4)


def test_references_of_a_rows_own_are_what_it_alone_is_compared_with(convolutional: KerasModel, run: Run) -> None:
    rows, own = promoters(4), promoters(24, seed=8)
    found = explain(convolutional, view(rows), view(own, per_row=6), seed=0, run=run)
    for row in range(4):
        theirs = view(own.take(np.arange(6 * row, 6 * row + 6)))
        alone = explain(convolutional, view(rows.take(np.array([row]))), theirs, seed=0, run=run)
        np.testing.assert_allclose(found.values[row], alone.values[0], atol=1e-6)
        np.testing.assert_allclose(found.delta[row], alone.delta[0], atol=1e-5)
    assert found.additivity_error.max() < 1e-3 * np.median(found.delta)


def test_hypothetical_scores_are_in_the_targets_unit(linear: tuple[KerasModel, Any], run: Run) -> None:
    number = KerasModel(linear[0].network, Task.REGRESSION)
    scaled = KerasModel(linear[0].network, Task.REGRESSION, TargetScale((5.0, 15.0), (0.0, 1.0)))
    one, ten = (
        explain(model, view(promoters(3)), view(promoters(5, seed=5)), seed=0, run=run) for model in (number, scaled)
    )
    np.testing.assert_allclose(ten.hypothetical, 10 * one.hypothetical, atol=1e-5)  # type: ignore[operator]


def test_the_family_explains_by_the_method_asked_for(linear: tuple[KerasModel, Any], run: Run) -> None:
    family, config = PromoterFamily(), PromoterConfig(length=LENGTH)
    assert isinstance(family, ExplainsBy)
    for method, words in zip(
        family.methods, ("DeepSHAP", "integrated gradients", "in-silico mutagenesis"), strict=True
    ):
        found = family.explain(linear[0], config, view(promoters(1)), view(promoters(2)), run, method=method)
        assert found.method == f"{words} of the log-odds"


def test_an_unknown_method_is_refused(linear: tuple[KerasModel, Any], run: Run) -> None:
    with pytest.raises(UsageError, match="no method 'saliency'"):
        explain(linear[0], view(promoters(1)), view(promoters(1)), method="saliency", seed=0, run=run)
