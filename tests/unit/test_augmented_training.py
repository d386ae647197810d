"""Training on augmented batches: what the network sees, which rows and epochs, and never in validation."""

import numpy as np
import pytest
from genotool.augment import EvoAug
from genotool.dataset import Dataset, Kind
from genotool.encoding import EncodedView
from genotool.sequences import Sequences

pytestmark = pytest.mark.keras


class OneHot:
    def encode(self, batch):
        return {"x": batch.columns["sequence"].one_hot("float32")}


class Losses:
    def write_table(self, name, header, rows):
        self.rows = rows


def view(rows, seed):
    letters = np.random.default_rng(seed).integers(0, 4, rows * 30)
    sequences = Sequences(np.frombuffer(b"ACGT", np.uint8)[letters], np.arange(rows + 1) * 30)
    target = np.arange(rows) % 2
    ids = np.arange(rows).astype(str)
    return EncodedView(Dataset("d", Kind.SEQUENCES, ids, {"sequence": sequences}, target, ("0", "1")), OneHot())


def trained(augment, in_memory=2**30):
    from genotool.frameworks import keras as ours

    keras = ours.start(3)
    x = keras.Input((30, 4), name="x")
    network = keras.Model(x, keras.layers.Dense(1, activation="sigmoid")(keras.layers.Flatten()(x)))
    losses = Losses()
    training = ours.Training(epochs=3, batch_size=16)
    given = {"seed": 3, "augment": augment, "in_memory": in_memory}
    ours.train(network, training, "binary_crossentropy", view(50, 1), view(20, 2), losses, **given)
    return network.get_weights(), losses.rows


def test_every_row_is_augmented_once_an_epoch_and_validation_never():
    seen = []

    def augment(x, rows, epoch):
        np.testing.assert_array_equal(x, view(50, 1).arrays().inputs["x"][rows])
        seen.append((epoch, rows))
        return np.zeros_like(x)

    trained(augment)
    for epoch in (1, 2, 3):
        rows = np.sort(np.concatenate([rows for at, rows in seen if at == epoch]))
        # Keras looks at the first batches of the first epoch before it trains, to learn their shape.
        assert set(rows.tolist()) == set(range(50))
        assert epoch == 1 or len(rows) == 50


def test_what_is_learned_is_the_same_each_time_and_for_rows_that_are_streamed():
    what = EvoAug(deletion_max=5, insertion_max=5, translocation_max=5)

    def augment(x, rows, epoch):
        return what.augment(x, rows, seed=3, epoch=epoch)

    first, losses = trained(augment)
    for again in (trained(augment)[0], trained(augment, in_memory=0)[0]):
        for left, right in zip(first, again, strict=True):
            np.testing.assert_array_equal(left, right)
    plain, other = trained(None)
    assert not np.array_equal(plain[0], first[0])
    assert losses != other


def test_rows_that_are_made_a_few_batches_at_once_are_learned_batch_by_batch(monkeypatch):
    def halved(x, rows, epoch):
        return np.where(((rows + epoch) % 2)[:, None, None] == 0, x, 0).astype(np.float32)

    every, _ = trained(halved)
    monkeypatch.setattr("genotool.frameworks.keras_feeding.AT_ONCE", 30 * 4 * 4 * 16 * 2)  # two batches
    for left, right in zip(every, trained(halved)[0], strict=True):
        np.testing.assert_array_equal(left, right)


def test_an_error_in_the_thread_ends_the_training():
    def augment(x, _, epoch):
        if epoch == 2:
            raise ValueError("the second epoch")
        return x

    with pytest.raises(Exception, match="the second epoch"):
        trained(augment)
