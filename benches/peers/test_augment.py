"""EvoAug against the authors' package: the same distributions, feature by feature, and the time a batch takes."""

import sys
import types

import numpy as np
import pytest
from genotool.augment import EvoAug
from side_by_side import goal, race

ROWS, LENGTH = 1_024, 1_000
OFF = {
    "deletion_max": 0, "reverse_complement": 0.0, "insertion_max": 0, "translocation_max": 0, "mutation": 0.0,
    "noise_sd": 0.0, "per_row": 1,
}  # fmt: skip
CASES = {
    "deletion": ({"deletion_min": 3, "deletion_max": 30}, ("RandomDeletion", 3, 30)),
    "reverse complement": ({"reverse_complement": 0.5}, ("RandomRC", 0.5)),
    "insertion": ({"insertion_min": 3, "insertion_max": 20}, ("RandomInsertion", 3, 20)),
    "translocation": ({"translocation_min": 3, "translocation_max": 20}, ("RandomTranslocation", 3, 20)),
    "inversion": ({"inversion_min": 30, "inversion_max": 60}, ("RandomInversion", 30, 60)),
    "mutation": ({"mutation": 0.05}, ("RandomMutation", 0.05)),
    "noise": ({"noise_mean": 0.1, "noise_sd": 0.2}, ("RandomNoise", 0.1, 0.2)),
}


def batch(rows, length, seed=0):
    letters = np.random.default_rng(seed).integers(0, 4, (rows, length))
    return np.eye(4, dtype=np.float32)[letters].transpose(0, 2, 1).copy()


def features(x, original):
    """What an augmentation leaves of rows: letters that match in place, the ends of what does not, values."""
    same = x.argmax(1) == original.argmax(1)
    shifted = np.stack([(np.roll(x.argmax(1), s, 1) == original.argmax(1)).sum(1) for s in range(-20, 21)])
    reverse = (x.argmax(1) == original[:, ::-1, ::-1].argmax(1)).sum(1)
    return {
        "matches": same.sum(1),
        "first mismatch": (~same).argmax(1),
        "last mismatch": (~same)[:, ::-1].argmax(1),
        "best shift": shifted.argmax(0),
        "matches of the best shift": shifted.max(0),
        "matches of the reverse complement": reverse,
        "share of A": x[:, 0].sum(1),
        "largest value": x.max((1, 2)),
        "sum": x.sum((1, 2)),
    }


@pytest.mark.parametrize("name", CASES)
def test_distributions_are_those_of_evoaug(name):
    augment = pytest.importorskip("evoaug.augment", reason="a peer; see benches/requirements.txt")
    stats, torch = pytest.importorskip("scipy.stats"), pytest.importorskip("torch")
    rows, length = 2_000, 200
    ours, (peer, *settings) = CASES[name]
    original = batch(rows, length)
    made = EvoAug(**OFF | ours).augment(original, np.arange(rows), seed=1, epoch=0, layout="ncl")
    torch.set_num_threads(1)
    torch.manual_seed(1)
    theirs = getattr(augment, peer)(*settings)(torch.from_numpy(original)).numpy()
    if name == "insertion":  # the authors' rows are longer: ours are their middle
        theirs = theirs[:, :, settings[1] // 2 :][:, :, :length]
    for feature, values in features(made, original).items():
        p = stats.ks_2samp(values, features(theirs, original)[feature]).pvalue
        assert p > 1e-4, (name, feature, p)
    if name == "noise":
        assert stats.ks_2samp((made - original).reshape(-1), (theirs - original).reshape(-1)).pvalue > 1e-4


def test_against_evoaug():
    sys.modules.setdefault("pytorch_lightning", types.SimpleNamespace(LightningModule=object))
    evoaug = pytest.importorskip("evoaug.evoaug", reason="a peer; see benches/requirements.txt")
    augment, torch = pytest.importorskip("evoaug.augment"), pytest.importorskip("torch")
    torch.set_num_threads(1)
    peers = [
        augment.RandomDeletion(0, 30), augment.RandomRC(0.5), augment.RandomInsertion(0, 20),
        augment.RandomTranslocation(0, 20), augment.RandomMutation(0.05), augment.RandomNoise(0, 0.3),
    ]  # fmt: skip
    robust = evoaug.RobustModel.__new__(evoaug.RobustModel)
    robust.augment_list, robust.max_augs_per_seq, robust.hard_aug = peers, 2, True
    robust.max_num_aug, robust.insert_max = len(peers), 20
    x = batch(ROWS, LENGTH)
    tensor, rows, out, copy = torch.from_numpy(x), np.arange(ROWS), np.empty_like(x), np.empty_like(x)
    last, out_last = np.ascontiguousarray(x.transpose(0, 2, 1)), np.empty((ROWS, LENGTH, 4), np.float32)
    calm = EvoAug(noise_sd=0.0, inversion_max=20)
    took = race(
        f"six augmentations, two a row, {ROWS} x 4 x {LENGTH} float32",
        {
            "memcpy": lambda: np.copyto(copy, x),
            "genotool ncl": lambda: EvoAug().augment(x, rows, seed=1, epoch=0, layout="ncl", out=out),
            "genotool nlc": lambda: EvoAug().augment(last, rows, seed=1, epoch=0, out=out_last),
            "genotool nlc, inversion for noise": lambda: calm.augment(last, rows, seed=1, epoch=0, out=out_last),
            "evoaug": lambda: robust._apply_augment(tensor),
        },
    )
    for name in [name for name in took if name.startswith("genotool")]:
        print(f"  {name}: {ROWS / took[name] / 1e0:.0f} k rows a second")
        goal(f"evoaug / {name}", took["evoaug"] / took[name], 25, at_least=True)
        goal(f"memcpy / {name}", took["memcpy"] / took[name], 0.25, at_least=True)
