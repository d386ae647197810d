"""The promoter network: as published, of both strands, saved and explained as one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from genotool.dataset import Dataset, Kind, Task
from genotool.encoding import EncodedView
from genotool.errors import InputError, UsageError
from genotool.frameworks.keras import KerasModel, start
from genotool.run import Run
from genotool.sequences import Sequences
from genotool_deepdife import network as networks
from genotool_deepdife.encoder import PromoterEncoder
from genotool_deepdife.family import PromoterFamily
from genotool_deepdife.settings import PromoterConfig

pytestmark = pytest.mark.keras

LENGTH = 150


def promoters(count: int, length: int = LENGTH, seed: int = 0) -> Dataset:
    bases = np.random.default_rng(seed).integers(0, 4, (count, length))
    text = ["".join("ACGT"[base] for base in row) for row in bases]
    ids = np.array([f"p{row}" for row in range(count)])
    return Dataset("random", Kind.SEQUENCES, ids, {"sequence": Sequences.from_strings(text)}, np.zeros(count))


def model(task: Task, units: int = 1) -> KerasModel:
    """Return an untrained model whose dense layers are not small, so that the strands differ."""
    keras = start(3)
    strand = networks.build(keras, PromoterConfig(), LENGTH, units)
    rng = np.random.default_rng(1)
    strand.set_weights([weight + rng.normal(0, 0.1, weight.shape) for weight in strand.get_weights()])
    return KerasModel(networks.both_strands(keras, strand, task), task)


def score(fitted: KerasModel, rows: Dataset) -> Any:
    return fitted.predict(PromoterEncoder(LENGTH).encode(rows))


def test_the_default_is_the_network_as_published() -> None:
    strand = networks.build(start(0), PromoterConfig(), 600, 1)
    shapes = [tuple(layer.output.shape[1:]) for layer in strand.layers if layer.weights]
    assert shapes == [(600, 64), (17, 64), (3, 32), (256,), (128,), (1,)]
    rates = [layer.rate for layer in strand.layers if type(layer).__name__ == "Dropout"]
    assert rates == [0.25] * 4, "behind each convolution and the first dense layer"


@pytest.mark.parametrize(("task", "units"), [(Task.BINARY, 1), (Task.REGRESSION, 1), (Task.MULTICLASS, 3)])
def test_a_row_and_its_reverse_complement_score_the_same(task: Task, units: int, tmp_path: Path) -> None:
    rows, fitted = promoters(40), model(task, units)
    turned = Dataset("turned", rows.kind, rows.ids, {"sequence": rows.columns["sequence"].reverse_complement()})
    one = score(fitted, rows)
    np.testing.assert_allclose(score(fitted, turned), one, atol=1e-6)
    fitted.save(tmp_path)
    np.testing.assert_array_equal(score(PromoterFamily().load(tmp_path), rows), one)


def test_the_prediction_is_the_mean_of_the_log_odds_of_both_strands() -> None:
    keras = start(3)
    strand = networks.build(keras, PromoterConfig(), LENGTH, 1)
    rows = PromoterEncoder(LENGTH).encode(promoters(20))["sequence"].astype(np.float32)
    logits = [np.asarray(strand(one))[:, 0] for one in (rows, rows[:, ::-1, ::-1].copy())]
    assert np.abs(logits[0] - logits[1]).max() > 1e-3, "the strands differ before their mean"
    whole = np.asarray(networks.both_strands(keras, strand, Task.BINARY)(rows))[:, 0]
    np.testing.assert_allclose(whole, 1 / (1 + np.exp(-np.mean(logits, axis=0))), atol=1e-6)


def test_attributions_of_both_strands_add_up_and_mirror(tmp_path: Path) -> None:
    fitted, family, config = model(Task.BINARY), PromoterFamily(), PromoterConfig(length=LENGTH)
    encoder = PromoterEncoder(LENGTH)
    rows, background = promoters(6), promoters(20, seed=5)
    run = Run.create(tmp_path / "explain", verb="explain", command=["genotool"])

    def explained(rows: Dataset, background: Dataset) -> Any:
        return family.explain(fitted, config, EncodedView(rows, encoder), EncodedView(background, encoder), run)

    def turned(rows: Dataset) -> Dataset:
        return Dataset("t", rows.kind, rows.ids, {"sequence": rows.columns["sequence"].reverse_complement()})

    found = explained(rows, background)
    assert found.method == "DeepSHAP of the log-odds"
    assert found.additivity_error.max() < 1e-3 * np.median(found.delta)
    mirrored = explained(turned(rows), turned(background))
    np.testing.assert_allclose(mirrored.values[:, ::-1, ::-1], found.values, atol=1e-5)


@pytest.mark.parametrize("align", ["left", "right"])
def test_shorter_rows_are_padded_and_longer_ones_trimmed_at_the_end_that_is_not_aligned(align: str) -> None:
    rows = Sequences.from_strings(["ACG", "AACGTT"])
    data = Dataset("unlike", Kind.SEQUENCES, np.array(["a", "b"]), {"sequence": rows})
    encoded = PromoterEncoder(4, align).encode(data)["sequence"]  # type: ignore[arg-type]
    text = ["".join("ACGT"[row.argmax()] if row.any() else "-" for row in one) for one in encoded]
    assert text == (["ACG-", "AACG"] if align == "left" else ["-ACG", "CGTT"])
    assert PromoterEncoder().fit([data]).length == 6, "the longest training row's"


def test_lists_of_unlike_length_are_refused() -> None:
    with pytest.raises(UsageError, match="2 filters, 3 kernels"):
        networks.build(start(0), PromoterConfig(filters=[8, 8]), 50, 1)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"filters": [], "kernels": [], "strides": [], "pools": []}, "without a convolution"),
        ({"dense": [8, 0]}, "dense holds 0"),
        ({"dense": [-1]}, "dense holds -1"),
    ],
)
def test_a_network_that_reads_nothing_or_has_an_empty_layer_is_refused(values: dict[str, list[int]], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        networks.build(start(0), PromoterConfig(**values), 50, 1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        '{"align": "left"}',
        '{"length": -3, "align": "left"}',
        '{"length": 1e400, "align": "left"}',
        '{"length": 9, "align": 7}',
    ],
)
def test_a_damaged_encoder_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "encoder.json").write_text(content)
    with pytest.raises(InputError, match=r"encoder\.json: no length and end"):
        PromoterEncoder().load(tmp_path)


def test_a_network_of_another_length_than_its_encoder_is_refused(tmp_path: Path) -> None:
    keras = start(0)
    config = PromoterConfig(filters=[2], kernels=[3], strides=[1], pools=[4], dense=[])
    KerasModel(networks.one_strand(keras, networks.build(keras, config, 50, 1), Task.BINARY), Task.BINARY).save(
        tmp_path
    )
    (tmp_path / "encoder").mkdir()
    PromoterEncoder(50).save(tmp_path / "encoder")
    assert PromoterFamily().load(tmp_path).task is Task.BINARY
    PromoterEncoder(40).save(tmp_path / "encoder")
    with pytest.raises(InputError, match=r"does not take what the encoder gives.*50"):
        PromoterFamily().load(tmp_path)
