"""The network: as published, and several as one."""

from __future__ import annotations

import tomllib
from pathlib import Path

import genotool_transcriptome
import numpy as np
import pytest
from genotool import config as configs
from genotool.dataset import Task
from genotool.errors import UsageError
from genotool.frameworks.keras import start
from genotool_transcriptome.network import averaged, build
from genotool_transcriptome.settings import ExpressionConfig

pytestmark = pytest.mark.keras

PUBLISHED = Path(genotool_transcriptome.__file__).with_name("published.toml")


def test_the_published_settings_are_the_published_network() -> None:
    config = configs.build(ExpressionConfig, configs.flatten(tomllib.loads(PUBLISHED.read_text())))
    network = build(start(0), config, 9, 4, Task.MULTICLASS)
    kinds = [type(layer).__name__ for layer in network.layers if type(layer).__name__ != "BatchNormalization"]
    block = ["Conv2D", "ReLU"]
    pooled = [*block, "MaxPooling2D", "Dropout"]
    head = ["Flatten", "Dense", "ReLU", "Dropout", "Dense", "Activation"]
    assert kinds == ["InputLayer", *block, *pooled, *block, *pooled, *head]
    assert [layer.filters for layer in network.layers if type(layer).__name__ == "Conv2D"] == [32, 64, 128, 256]
    assert config.optimizer == "rmsprop"
    assert (config.training.batch_size, config.training.epochs, config.training.learning_rate) == (64, 50, 1e-4)


def test_several_networks_are_one_of_their_mean_logits() -> None:
    config = ExpressionConfig(filters=[3], kernels=[3], strides=[2], pools=[1], dense=[5])
    networks = [build(start(seed), config, 6, 4, Task.MULTICLASS) for seed in (1, 2)]
    whole = averaged(start(0), networks, Task.MULTICLASS)
    images = np.random.default_rng(0).normal(size=(7, 6, 6, 1)).astype(np.float32)
    scores = [np.log(np.asarray(network(images))) for network in networks]
    mean = np.exp(np.mean(scores, axis=0))
    np.testing.assert_allclose(np.asarray(whole(images)), mean / mean.sum(axis=1, keepdims=True), atol=1e-5)
    assert averaged(start(0), networks[:1], Task.MULTICLASS) is networks[0]


def test_lists_of_unlike_length_and_a_layer_beyond_memory_are_refused() -> None:
    with pytest.raises(UsageError, match="2 filters, 1 kernels"):
        build(start(0), ExpressionConfig(filters=[3, 3], kernels=[3]), 6, 4, Task.MULTICLASS)
    huge = ExpressionConfig(filters=[64], kernels=[3], strides=[1], pools=[1], dense=[20_000])
    with pytest.raises(UsageError, match="weights"):
        build(start(0), huge, 178, 4, Task.MULTICLASS)
