"""PhyloAug: who the orthologs of a row are, how they are drawn, and that none comes in from behind the split."""

import dataclasses
import os

import numpy as np
import pytest
from genotool.augment import EvoAug
from genotool.dataset import Dataset, Kind
from genotool.errors import InputError, UsageError
from genotool.orthologs import Orthologs
from genotool.sequences import Sequences
from scipy import stats


def dataset(name, genes, texts, groups=None):
    return Dataset(
        name,
        Kind.SEQUENCES,
        np.array([f"{name}{i}" for i in range(len(genes))]),
        {"sequence": Sequences.from_strings(texts), "ortholog": np.array(genes)},
        target=np.arange(len(genes)) % 2,
        classes=("0", "1"),
        groups=np.array(genes if groups is None else groups),
    )


@pytest.fixture
def aly():
    return dataset("aly", ["g1", "g2", "g3", ""], ["AAAA", "CCCC", "GGGG", "TTTT"])


@pytest.fixture
def orthologs(aly):
    chi = dataset("chi", ["g1", "g2", "g9", ""], ["AAAC", "CCCA", "GATC", "TTTA"])
    cru = dataset("cru", ["g1"], ["AAAG"])
    return Orthologs.from_datasets(aly, [chi, cru])


def test_data_sets_are_joined_on_a_column(aly, orthologs):
    found = list(zip(orthologs.parents.tolist(), orthologs.ids.tolist(), orthologs.sequences, strict=True))
    assert found == [("aly0", "chi0", "AAAC"), ("aly1", "chi1", "CCCA"), ("aly0", "cru0", "AAAG")]
    assert orthologs.of(aly).missing == 2
    with pytest.raises(UsageError, match="no column 'genes'"):
        Orthologs.from_datasets(aly, [aly], on="genes")


def test_a_swap_draws_each_ortholog_as_often(aly, orthologs):
    partners = orthologs.of(aly)
    drawn = (partners.choose([0, 1, 2], 0.7, seed=1, epoch=epoch) for epoch in range(3000))
    picks = [list(partners.pool.take(rows)) for rows in drawn]
    first, second, third = zip(*picks, strict=True)
    counts = [first.count(text) for text in ("AAAA", "AAAC", "AAAG")]
    assert stats.chisquare(counts, [900, 1050, 1050]).pvalue > 1e-4
    assert stats.binomtest(second.count("CCCA"), 3000, 0.7).pvalue > 1e-4
    assert set(third) == {"GGGG"}
    assert abs(np.corrcoef(np.array(first) == "AAAA", np.array(second) == "CCCC")[0, 1]) < 0.09


def test_a_row_does_not_depend_on_its_batch(aly, orthologs):
    partners = orthologs.of(aly)
    every = partners.choose(np.arange(4), 0.5, seed=3, epoch=1)
    np.testing.assert_array_equal(partners.choose([2, 0], 0.5, seed=3, epoch=1), every[[2, 0]])
    x = partners.one_hot([2, 0, 1], 0.5, seed=3, epoch=1, layout="ncl", threads=2)
    chosen = partners.choose([2, 0, 1], 0.5, seed=3, epoch=1)
    expected = partners.pool.take(chosen).one_hot("float32", "ncl")
    np.testing.assert_array_equal(x, expected)
    with pytest.raises(UsageError, match="rate"):
        partners.choose([0], 1.5, seed=1, epoch=0)


def test_an_ortholog_of_a_held_out_group_never_comes_in(aly, orthologs):
    train = aly.take(np.array([0, 2, 3]))
    assert list(orthologs.of(train).pool)[3:] == ["AAAC", "AAAG"]
    crossed = dataclasses.replace(orthologs, groups=np.array(["g2", "g2", "g1"]))
    with pytest.raises(InputError, match=r"'chi0' of 'aly0' belongs to held-out rows .*'g2'"):
        crossed.of(train)
    partners = crossed.of(train, conflicts="drop")
    assert partners.dropped == 1
    assert list(partners.pool)[3:] == ["AAAG"]
    with pytest.raises(InputError, match="held-out"):  # the training row's own group is held out
        orthologs.of(train, held_out=aly.take(np.array([0])))
    same = dataset("val", ["g7"], ["AAAC"])
    assert orthologs.of(train, held_out=same, conflicts="drop").dropped == 1
    shared = dataclasses.replace(orthologs, ids=np.array(["x", "x", "y"]), groups=np.array(["", "", ""]))
    with pytest.raises(InputError, match="'x' of 'aly0'"):  # an ortholog of a row that is not in training
        shared.of(train)


def test_lengths_are_cut_or_padded_only_where_asked(aly):
    chi = dataset("chi", ["g1", "g2"], ["ACGTAC", "GT"])
    partners = Orthologs.from_datasets(aly, [chi]).of(aly)
    with pytest.raises(InputError, match="2 to 6 letters"):
        partners.one_hot([0], 1.0, seed=1, epoch=0)
    x = partners.one_hot([0, 1], 1.0, seed=1, epoch=0, length=4, align="right")
    np.testing.assert_array_equal(x, Sequences.from_strings(["GTAC", "NNGT"]).one_hot("float32"))


def test_it_composes_with_evoaug(aly, orthologs):
    rows = np.arange(4)
    swapped = orthologs.of(aly).one_hot(rows, 0.7, seed=1, epoch=2)
    what = EvoAug(per_row=1, deletion_max=0, insertion_max=0, translocation_max=0, mutation=0, noise_sd=0)
    turned = dataclasses.replace(what, reverse_complement=1.0).augment(swapped, rows, seed=1, epoch=2)
    np.testing.assert_array_equal(turned, swapped[:, ::-1, ::-1])


@pytest.mark.data
@pytest.mark.skipif("GENOTOOL_DATA" not in os.environ, reason="needs GENOTOOL_DATA")
def test_real_promoters_stay_on_their_side():
    from genotool.registry import load

    aly, chi, cru = (load(f"aba-{name}") for name in ("aly", "chi", "cru"))
    groups = np.unique(aly.groups)
    held = np.isin(aly.groups, groups[::5])
    train, test = aly.take(np.flatnonzero(~held)), aly.take(np.flatnonzero(held))
    partners = Orthologs.from_datasets(train, [chi, cru]).of(train, held_out=test)
    assert partners.dropped == 0
    known = {*chi.columns["ortholog"].tolist(), *cru.columns["ortholog"].tolist()}
    assert partners.missing == sum(gene not in known for gene in train.columns["ortholog"].tolist())
    assert len(partners.members) > 0.5 * len(train)
    x = partners.one_hot(np.arange(50), 0.7, seed=1, epoch=0, length=600)
    assert x.shape == (50, 600, 4)
