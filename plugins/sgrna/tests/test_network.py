"""What is done to guide networks: heads, merging, freezing. Each must leave the networks that it starts from alone."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from genotool.dataset import ORIGIN, Dataset, Kind, Task
from genotool.encoding import EncodedView
from genotool.errors import UsageError
from genotool.run import Run
from genotool.sequences import Sequences

pytestmark = pytest.mark.keras


@pytest.fixture(scope="module")
def keras() -> Any:
    from genotool.frameworks.keras import start

    return start(0)


@pytest.fixture(scope="module")
def config() -> Any:
    from genotool_sgrna.settings import GuideConfig, Transfer

    fast = Transfer(head_epochs=1, epochs=1, batch_size=32)
    return GuideConfig(filters=[8], kernels=[3], dense=[6], towers=1, transfer=fast)


def guides(count: int, seed: int) -> Dataset:
    """Simulated guides with classes; half of them from a second line."""
    rng = np.random.default_rng(seed)
    texts = ["".join(rng.choice(list("ACGT"), 21)) + "GG" for _ in range(count)]
    return Dataset(
        name="simulated",
        kind=Kind.GUIDES,
        ids=np.array([str(row) for row in range(count)]),
        columns={
            "guide": Sequences.from_strings(texts),
            ORIGIN: np.array(["one", "two"])[np.arange(count) % 2],
        },
        target=np.array([int(text[19] == "G") for text in texts], np.int64),
        classes=("0", "1"),
    )


def inputs(count: int = 7) -> np.ndarray:
    rng = np.random.default_rng(5)
    return np.eye(4, dtype=np.float32)[rng.integers(0, 4, (count, 23))]


def test_merged_towers_give_the_mean_of_their_outputs(keras: Any, config: Any) -> None:
    from genotool_sgrna import network as networks

    towers = [networks.build(keras, config, Task.REGRESSION) for _ in range(3)]
    whole = networks.merged(keras, towers)
    expected = np.mean([np.asarray(tower(inputs())) for tower in towers], axis=0)
    np.testing.assert_allclose(np.asarray(whole(inputs())), expected, atol=1e-6)


def test_towers_come_apart_as_they_were_merged(keras: Any, config: Any) -> None:
    """Layer names too, so that towers can be moved, merged and moved again."""
    from genotool_sgrna import network as networks

    towers = [networks.build(keras, config, Task.REGRESSION) for _ in range(3)]
    for tower in towers:
        tower.layers[-1].bias.assign([0.5])
    apart = networks.towers_of(keras, networks.merged(keras, towers))
    assert [layer.name for layer in apart[2].layers] == [layer.name for layer in towers[2].layers]
    before, after = (np.stack([np.asarray(tower(inputs())) for tower in found]) for found in (towers, apart))
    np.testing.assert_allclose(after - after.mean(axis=0), before - before.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(after.mean(axis=0), before.mean(axis=0), atol=1e-6)


def test_each_tower_is_moved_by_itself(keras: Any, config: Any, tmp_path: Path) -> None:
    """The first tower of a moved model is what it becomes without the others beside it."""
    from genotool.frameworks.keras import KerasModel
    from genotool_sgrna import network as networks
    from genotool_sgrna.family import GuideFamily

    family, rows = GuideFamily(), guides(64, 1)
    view = EncodedView(rows, family.encoder(config, Task.BINARY).fit([rows]))
    towers = [networks.build(keras, config, Task.REGRESSION) for _ in range(2)]
    moved = []
    for parent in (networks.merged(keras, towers), towers[0]):
        with Run.create(tmp_path / parent.name, verb="transfer") as run:
            model = KerasModel(parent, Task.REGRESSION)
            moved.append(family.transfer(model, config, Task.BINARY, view, view, run).network)
    first, alone = (networks.towers_of(keras, network)[0] for network in moved)
    for weight, other in zip(first.get_weights()[:-2], alone.get_weights()[:-2], strict=True):
        np.testing.assert_array_equal(weight, other)


def test_a_head_taken_out_of_a_joint_network_gives_what_the_joint_one_gave(keras: Any, config: Any) -> None:
    from genotool_sgrna import network as networks

    joint = networks.joint_head(keras, networks.build(keras, config, Task.REGRESSION), 3, Task.BINARY)
    line = np.zeros((7, 3), np.float32)
    line[:, 1] = 1
    single = networks.take_head(keras, joint, 1)
    np.testing.assert_allclose(np.asarray(single(inputs())), np.asarray(joint([inputs(), line])), atol=1e-6)


@pytest.mark.parametrize("lines", [1, 2])
def test_a_transfer_leaves_the_model_that_it_starts_from_as_it_was(
    keras: Any, config: Any, tmp_path: Path, lines: int
) -> None:
    """Else a second transfer would go on from the first, and the parent's score as a floor would know the test."""
    from genotool.frameworks.keras import KerasModel
    from genotool_sgrna.family import GuideFamily

    family = GuideFamily()
    from genotool_sgrna import network as networks

    parent = KerasModel(networks.build(keras, config, Task.REGRESSION), Task.REGRESSION)
    before = [weight.copy() for weight in parent.network.get_weights()]
    rows = guides(128, 1)
    if lines == 1:
        rows = dataclasses.replace(rows, columns={"guide": rows.columns["guide"]})
    encoder = family.encoder(config, Task.BINARY).fit([rows])
    view = EncodedView(rows, encoder)
    with Run.create(tmp_path / "run", verb="transfer") as run:
        moved = [family.transfer(parent, config, Task.BINARY, view, view, run) for _ in range(2)]
    for weight, now in zip(before, parent.network.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, now)
    scores = [model.predict(encoder.encode(rows)) for model in moved]
    np.testing.assert_array_equal(scores[0], scores[1])
    assert np.ptp(scores[0]) > 0


def test_freezing_names_layers_and_never_all_of_them(keras: Any, config: Any) -> None:
    from genotool_sgrna import network as networks

    network = networks.single_head(keras, networks.build(keras, config, Task.REGRESSION), 1, Task.BINARY)
    assert networks.freeze(keras, network, ["dense1"], 1, norms=False) == ["conv1", "dense1"]
    with pytest.raises(UsageError, match="conv9"):
        networks.freeze(keras, network, ["conv9"], 0, norms=False)
    with pytest.raises(UsageError, match="nothing is left"):
        networks.freeze(keras, network, [], 99, norms=False)


@pytest.mark.parametrize("number", [0, 1])
def test_sets_learned_together_have_heads_of_their_own(number: int, config: Any, tmp_path: Path) -> None:
    """The second set's labels are turned: under one head both would come to nothing; the first one's head is kept."""
    from genotool.frameworks.keras import Training
    from genotool_sgrna.family import GuideFamily

    names = ["one", "two"] if number == 0 else ["two", "one"]
    rows = guides(1600, seed=1)
    turned = np.asarray(rows.columns[ORIGIN]) == "two"
    rows = dataclasses.replace(
        rows,
        columns={**rows.columns, ORIGIN: np.where(turned, names[1], names[0])},
        target=np.where(turned, 1 - rows.target, rows.target),
    )
    config = dataclasses.replace(config, towers=2, training=Training(epochs=6, batch_size=32, learning_rate=0.01))
    family = GuideFamily()
    encoder = family.encoder(config, Task.BINARY).fit([rows])
    train, valid = (EncodedView(rows.take(np.arange(*ends)), encoder) for ends in ((0, 1200), (1200, 1400)))
    with Run.create(tmp_path / "run", verb="train") as run:
        model = family.fit(config, Task.BINARY, train, valid, run)
    unseen = rows.take(np.arange(1400, 1600))
    score = model.predict(encoder.encode(unseen))
    first = np.asarray(unseen.columns[ORIGIN]) == names[0]
    own = np.asarray(unseen.target)[first]
    assert np.mean((score[first] > 0.5) == own) > 0.9
    assert [tensor.name for tensor in model.network.inputs] == ["guide"]


def test_a_column_of_that_name_in_a_file_joins_nothing(config: Any) -> None:
    """A published table may name the screen of each row; only sets that were asked for have heads of their own."""
    from genotool_sgrna.encoder import lines_of
    from genotool_sgrna.family import GuideFamily

    rows = guides(20, seed=1)
    rows = dataclasses.replace(rows, columns={"guide": rows.columns["guide"], "dataset": rows.columns[ORIGIN]})
    encoder = GuideFamily().encoder(config, Task.BINARY).fit([rows])
    assert lines_of(EncodedView(rows, encoder)) == 1
