"""Orthologs are learned, and never come from behind the split."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from genotool import registry
from genotool.dataset import ORIGIN, Dataset
from genotool.errors import UsageError
from genotool.folds import make_folds
from genotool.split import Part
from genotool.stages import rows as stage
from genotool.stages.rows import Rows, RowsRequest, select

MAIN, KIN = "demo-promoters", "demo-promoters-kin"


def families(rows: Dataset) -> set[str]:
    assert rows.groups is not None
    return set(rows.groups.tolist())


def of_kin(rows: Dataset) -> Dataset:
    return rows.take(np.flatnonzero(np.asarray(rows.columns[ORIGIN]) == KIN))


@pytest.mark.parametrize("fold", range(3))
def test_every_ortholog_trains_but_those_of_families_that_a_fold_holds_out(
    demo: Path, tmp_path: Path, fold: int
) -> None:
    main, kin = (registry.load(name, data_dir=demo) for name in (MAIN, KIN))
    key, split = list(make_folds(main, "3", None, seed=1, repeats=1).splits(main, 0.15))[fold]
    split.save(tmp_path / "split.tsv", main.ids)
    rows = select(RowsRequest(MAIN, demo, split=str(tmp_path / "split.tsv"), together=(f"{KIN}:all",)))
    held = families(main.take(np.flatnonzero(split.parts != Part.TRAIN)))
    assert not families(rows.train) & held, key
    learned, every = of_kin(rows.train), [family for family in kin.groups.tolist() if family not in held]  # type: ignore[union-attr]
    assert sorted(learned.groups.tolist()) == sorted(every), "every other ortholog is learned"  # type: ignore[union-attr]
    assert not len(of_kin(rows.valid)), "none is used to stop early"
    assert len(rows.train) - len(learned) == int((split.parts == Part.TRAIN).sum()), "no own row is lost for it"


def test_a_split_by_row_keeps_the_orthologs_of_held_out_families_out_all_the_same(demo: Path) -> None:
    rows = select(RowsRequest(MAIN, demo, split="row", together=(f"{KIN}:all",)))
    assert not families(of_kin(rows.train)) & (
        families(rows.test) | families(rows.dataset.take(rows.split.rows(Part.VALID)))
    )


def test_a_set_without_groups_or_a_row_without_one_is_not_trusted(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load = stage.load_labelled

    def without(request: RowsRequest, operand: str) -> Dataset:
        rows = load(request, operand)
        groups = rows.groups.copy()  # type: ignore[union-attr]
        groups[:50] = ""
        return rows if operand == MAIN else dataclasses.replace(rows, groups=groups if partly else None)

    monkeypatch.setattr(stage, "load_labelled", without)
    partly = True
    rows = select(RowsRequest(MAIN, demo, together=(f"{KIN}:all",)))
    assert "" not in families(of_kin(rows.train))
    partly = False
    with pytest.raises(UsageError, match=f"{KIN} has no groups"):
        select(RowsRequest(MAIN, demo, together=(f"{KIN}:all",)))


def shared(rows: Rows) -> list[tuple[str, str]]:
    return [(one.code, one.severity) for one in rows.audit.findings if KIN in " ".join(one.data) and len(one.data) == 2]


def test_the_audit_knows_orthologs_that_stay_on_their_side_from_those_that_cross(
    demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = RowsRequest(MAIN, demo, together=(f"{KIN}:all",))
    assert not shared(select(request)), "they share names and families with the rows on purpose"
    load = stage.load_labelled

    def renamed(request: RowsRequest, operand: str) -> Dataset:
        rows = load(request, operand)
        if operand == MAIN:
            return rows
        _, firsts = np.unique(np.asarray(rows.columns["ortholog"]), return_index=True)
        rows = rows.take(np.sort(firsts))
        called = np.asarray(rows.columns["ortholog"])
        return dataclasses.replace(rows, ids=called, groups=np.char.add("other ", rows.groups))

    monkeypatch.setattr(stage, "load_labelled", renamed)
    found = dict(shared(select(request)))
    assert found["shared-names"] == "severe", "nothing keeps those of held-out genes out any more"
