"""EvoAug: each augmentation against an independent NumPy version of the authors' algorithm, and what never changes."""

import numpy as np
import pytest
from genotool.augment import EvoAug
from genotool.config import settings
from genotool.errors import UsageError
from genotool.sequences import Sequences
from scipy import stats

ROWS, LENGTH = 3_000, 120
OFF = {
    "per_row": 1, "deletion_max": 0, "reverse_complement": 0.0, "insertion_max": 0, "translocation_max": 0,
    "inversion_max": 0, "mutation": 0.0, "noise_sd": 0.0,
}  # fmt: skip
EYE = np.eye(4, dtype=np.float32)


def only(**on):
    return EvoAug(**OFF | on)


@pytest.fixture(scope="module")
def letters():
    return np.random.default_rng(3).integers(0, 4, (ROWS, LENGTH))


def augmented(what, letters, epoch=0):
    x = what.augment(EYE[letters], np.arange(len(letters)), seed=1, epoch=epoch)
    assert x.shape == (*letters.shape, 4)
    assert set(np.unique(x)) == {0.0, 1.0}
    assert (x.sum(2) == 1).all()
    return x.argmax(2)


def delete(row, rng):
    length, start = rng.integers(5, 21), rng.integers(0, LENGTH - 20 + 1)
    pad = rng.integers(0, 4, length)
    return np.r_[pad[: length // 2], row[:start], row[start + length :], pad[length // 2 :]]


def insert(row, rng):
    length, start = rng.integers(4, 17), rng.integers(0, LENGTH)
    before = (16 - length) // 2
    random = rng.integers(0, 4, 16)
    whole = np.r_[
        random[:before], row[:start], random[before : before + length], row[start:], random[before + length :]
    ]
    return whole[8 : 8 + LENGTH]


def shift(row, rng):
    return np.roll(row, rng.integers(3, 16) * rng.choice([-1, 1]))


def invert(row, rng):
    length, start = rng.integers(10, 31), rng.integers(0, LENGTH - 30 + 1)
    return np.r_[row[:start], 3 - row[start : start + length][::-1], row[start + length :]]


def mutate(row, rng):
    row = row.copy()
    count = round(0.1 / 0.75 * LENGTH)
    row[rng.permutation(LENGTH)[:count]] = rng.integers(0, 4, count)
    return row


def reverse(row, rng):
    return 3 - row[::-1] if rng.random() < 0.3 else row


CASES = {
    "deletion": (only(deletion_min=5, deletion_max=20), delete),
    "insertion": (only(insertion_min=4, insertion_max=16), insert),
    "translocation": (only(translocation_min=3, translocation_max=15), shift),
    "inversion": (only(inversion_min=10, inversion_max=30), invert),
    "mutation": (only(mutation=0.1), mutate),
    "reverse complement": (only(reverse_complement=0.3), reverse),
}


def features(made, original):
    """What the augmentations do to a row, in numbers: places and amounts of what is the same, shifted, turned."""
    same = made == original
    shifts = np.stack([(np.roll(made, s, 1) == original).sum(1) for s in range(-15, 16)])
    return {
        "matches": same.sum(1),
        "first mismatch": (~same).argmax(1),
        "last mismatch": (~same)[:, ::-1].argmax(1),
        "centre of the mismatches": ((~same) * np.arange(LENGTH)).sum(1) / np.maximum((~same).sum(1), 1),
        "best shift": shifts.argmax(0),
        "its matches": shifts.max(0),
        "turned": (made == 3 - original[:, ::-1]).sum(1),
        "first letter": made[:, 0],
        "share of A": (made == 0).sum(1),
    }


@pytest.mark.parametrize("name", CASES)
def test_distributions_are_those_of_the_reference(name, letters):
    what, reference = CASES[name]
    rng = np.random.default_rng(7)
    ours = features(augmented(what, letters), letters)
    theirs = features(np.stack([reference(row, rng) for row in letters]), letters)
    for feature, values in ours.items():
        assert stats.ks_2samp(values, theirs[feature]).pvalue > 1e-4, feature


def test_noise_is_gaussian(letters):
    x = EYE[letters[:500]]
    made = only(noise_mean=0.5, noise_sd=0.2).augment(x, np.arange(500), seed=1, epoch=0)
    assert stats.kstest((made - x).reshape(-1), "norm", args=(0.5, 0.2)).pvalue > 1e-4
    rows = (made - x).reshape(500, -1)
    assert abs(np.corrcoef(rows)[np.triu_indices(500, 1)].mean()) < 1e-3  # rows have numbers of their own


def test_reverse_complement_twice_is_the_row(letters):
    what = only(reverse_complement=1.0)
    once = augmented(what, letters)
    np.testing.assert_array_equal(once, 3 - letters[:, ::-1])
    np.testing.assert_array_equal(augmented(what, once), letters)


def test_a_deletion_keeps_its_flanks(letters):
    made = augmented(only(deletion_min=12, deletion_max=12), letters)
    for row, was in zip(made[:200], letters[:200], strict=True):
        # six letters of padding, the first part, the second part, six letters of padding
        assert any(
            np.array_equal(row[6 : 6 + cut], was[:cut]) and np.array_equal(row[6 + cut : -6], was[cut + 12 :])
            for cut in range(LENGTH - 12 + 1)
        )


@pytest.mark.parametrize("mode", ["hard", "soft"])
def test_a_row_gets_as_many_augmentations_as_asked(mode, letters):
    # Each leaves a mark of its own: a roll by 1, the reverse complement, a mean of 5.
    what = only(per_row=2, mode=mode, translocation_min=7, translocation_max=7, reverse_complement=1.0, noise_mean=5.0)
    made = what.augment(EYE[letters], np.arange(ROWS), seed=2, epoch=0)
    noisy = made.min((1, 2)) > 4
    plain = np.where(noisy[:, None, None], made - 5, made).argmax(2)
    turned = 3 - letters[:, ::-1]
    rolled = {name: [np.roll(rows, s, 1) for s in (-7, 7)] for name, rows in (("no", letters), ("yes", turned))}
    is_rolled = np.any([(plain == rows).all(1) for part in rolled.values() for rows in part], axis=0)
    is_turned = np.any([(plain == rows).all(1) for rows in [turned, *rolled["yes"]]], axis=0)
    count = noisy.astype(int) + is_rolled + is_turned
    expected = {2: 1.0} if mode == "hard" else {1: 0.5, 2: 0.5}
    assert set(np.unique(count)) == set(expected)
    for marks in (noisy, is_rolled, is_turned):  # each is as likely as the others
        share = sum(number * part for number, part in expected.items()) / 3
        assert stats.binomtest(int(marks.sum()), ROWS, share).pvalue > 1e-4
    if mode == "soft":
        assert stats.binomtest(int((count == 1).sum()), ROWS, 0.5).pvalue > 1e-4


def test_a_row_does_not_depend_on_threads_batch_or_layout(letters):
    what, x, rows = EvoAug(inversion_max=20, per_row=5), EYE[letters[:300]], np.arange(300)
    first = what.augment(x, rows, seed=5, epoch=3, threads=1)
    np.testing.assert_array_equal(first, what.augment(x, rows, seed=5, epoch=3, threads=3))
    order = np.random.default_rng(0).permutation(300)[:77]
    np.testing.assert_array_equal(first[order], what.augment(x[order], order, seed=5, epoch=3))
    for other in ({"seed": 6, "epoch": 3}, {"seed": 5, "epoch": 4}):
        assert (what.augment(x, rows, **other) != first).any((1, 2)).mean() > 0.9
    calm = EvoAug(inversion_max=20, per_row=5, noise_sd=0.0)
    turned = calm.augment(x.transpose(0, 2, 1).copy(), rows, seed=5, epoch=3, layout="ncl")
    np.testing.assert_array_equal(turned.transpose(0, 2, 1), calm.augment(x, rows, seed=5, epoch=3))


def test_letters_get_what_their_encoding_gets(letters):
    sequences = Sequences(np.frombuffer(b"ACGT", np.uint8)[letters[:200]].reshape(-1), np.arange(201) * LENGTH)
    what, rows = EvoAug(noise_sd=0.0, inversion_max=20, per_row=4), np.arange(200)
    made = what.augment_sequences(sequences, rows, seed=1, epoch=2)
    expected = what.augment(sequences.one_hot("float32"), rows, seed=1, epoch=2)
    np.testing.assert_array_equal(made.one_hot("float32"), expected)
    with pytest.raises(UsageError, match="noise"):
        EvoAug().augment_sequences(sequences, rows, seed=1, epoch=2)


def test_unknown_letters_move_and_nothing_on_changes_nothing():
    x = np.zeros((1, 40, 4), np.float32)
    x[0, :10] = EYE[0]
    made = only(translocation_min=5, translocation_max=5).augment(x, [0], seed=1, epoch=0)
    assert made.sum() == 10
    assert (made != x).any()
    for what in (EvoAug.none(), only(), only(per_row=0, mutation=0.5)):
        assert not what.enabled
        np.testing.assert_array_equal(what.augment(x, [0], seed=1, epoch=0), x)
    assert EvoAug().enabled


def test_out_is_written_and_what_cannot_be_is_refused(letters):
    x, out = EYE[letters[:4]], np.empty((4, LENGTH, 4), np.float32)
    assert EvoAug().augment(x, range(4), seed=1, epoch=0, out=out) is out
    what = only(deletion_max=LENGTH + 1)
    for call in (
        lambda: EvoAug().augment(x, range(4), seed=1, epoch=0, out=x),
        lambda: EvoAug().augment(x.astype(np.float64), range(4), seed=1, epoch=0),
        lambda: EvoAug().augment(x, range(4), seed=1, epoch=0, layout="ncl"),
        lambda: EvoAug().augment(x, range(3), seed=1, epoch=0),
        lambda: EvoAug().augment(x, range(4), seed=-1, epoch=0),
        lambda: EvoAug().augment(x, range(4), seed=1, epoch=1 << 64),
        lambda: what.augment(x, range(4), seed=1, epoch=0),
        lambda: only(insertion_min=5, insertion_max=4).augment(x, range(4), seed=1, epoch=0),
    ):
        with pytest.raises(UsageError):
            call()


def test_it_is_a_config_that_a_family_can_nest():
    names = [setting.name for setting in settings(EvoAug)]
    assert names[0] == "per_row"
    assert len(names) == 14
