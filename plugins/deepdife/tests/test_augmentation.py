"""What training rows become in an epoch: orthologs on the right strand, changed anew, the same for the same seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from genotool.dataset import ORIGIN
from genotool.encoding import EncodedView
from genotool.run import Run
from genotool.stages.rows import Rows, RowsRequest, select
from genotool_deepdife.augmentation import augmentation, own_rows, with_reverse_complements
from genotool_deepdife.encoder import INPUT, PromoterEncoder
from genotool_deepdife.settings import PromoterConfig

MAIN, KIN = "demo-promoters", "demo-promoters-kin"
ENCODER = PromoterEncoder(200)


@pytest.fixture(scope="module")
def rows(demo: Path) -> Rows:
    return select(RowsRequest(MAIN, demo, together=(f"{KIN}:all",)))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path / "run", verb="train", command=["genotool"])


def views(rows: Rows) -> tuple[EncodedView, EncodedView]:
    return EncodedView(rows.train, ENCODER), EncodedView(rows.valid, ENCODER)


def test_reverse_complements_follow_with_their_target_and_weight(rows: Rows) -> None:
    view = EncodedView(rows.valid, ENCODER, np.linspace(1, 2, len(rows.valid)).astype(np.float32))
    both, count = with_reverse_complements(view).arrays(), len(rows.valid)
    turned = rows.valid.columns["sequence"].reverse_complement()  # type: ignore[union-attr]
    np.testing.assert_array_equal(both.inputs[INPUT][count:], turned.one_hot("uint8"))
    np.testing.assert_array_equal(both.target[count:], both.target[:count])
    np.testing.assert_array_equal(both.weight[count:], both.weight[:count])


def test_orthologs_are_further_rows_or_swapped_in(rows: Rows) -> None:
    train, _ = views(rows)
    assert len(own_rows(PromoterConfig(), train)) == len(rows.train)
    own = own_rows(PromoterConfig(orthologs="swap"), train).dataset
    assert set(own.columns[ORIGIN].tolist()) == {MAIN}  # type: ignore[union-attr]


def test_a_swapped_row_is_its_ortholog_on_its_strand(rows: Rows, run: Run) -> None:
    train, valid = views(rows)
    config = PromoterConfig(orthologs="swap", swap_rate=1.0)
    own = own_rows(config, train)
    augment = augmentation(config, train, valid, run)
    assert augment is not None
    both, count = with_reverse_complements(own).arrays(), len(own)
    numbers = np.array([*range(40), *range(count, count + 40)])
    x = both.inputs[INPUT][numbers].astype(np.float32)
    changed = augment(x, numbers, 0)
    kin = np.asarray(rows.train.columns[ORIGIN]) == KIN
    orthologs = dict(zip(rows.train.columns["ortholog"][kin], np.flatnonzero(kin), strict=True))  # type: ignore[index]
    swapped = 0
    for place, number in enumerate(numbers.tolist()):
        name = own.dataset.columns["ortholog"][number % count]  # type: ignore[index]
        wanted = x[place]
        if name in orthologs:
            (text,) = rows.train.columns["sequence"].take([orthologs[name]])  # type: ignore[union-attr]
            one = np.array([["ACGT".index(letter) for letter in text]])
            wanted = np.eye(4, dtype=np.float32)[one[0]][:: 1 if number < count else -1]
            wanted = wanted if number < count else wanted[:, ::-1]
            swapped += 1
        np.testing.assert_array_equal(changed[place], wanted)
    assert 40 < swapped < 80, "most rows have an ortholog, not all"


def test_evoaug_changes_rows_anew_in_every_epoch_and_the_same_for_one_seed(rows: Rows, run: Run) -> None:
    train, valid = views(rows)
    x, numbers = train.arrays().inputs[INPUT][:50].astype(np.float32), np.arange(50)
    augment = augmentation(PromoterConfig(augment="evoaug", orthologs="rows"), train, valid, run)
    assert augment is not None
    first = augment(x, numbers, 0)
    assert first.shape == x.shape
    assert not np.array_equal(first, x)
    np.testing.assert_array_equal(augment(x[20:], numbers[20:], 0), first[20:])
    assert not np.array_equal(augment(x, numbers, 1), first)
    assert augmentation(PromoterConfig(), train, valid, run) is None, "nothing is asked for"
