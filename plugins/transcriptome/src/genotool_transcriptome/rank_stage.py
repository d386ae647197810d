"""`genotool transcriptome rank`: gene lists of a trained network, and of the methods beside it on the same rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from genotool import registry
from genotool.dataset import Dataset, Kind
from genotool.errors import InputError, UsageError
from genotool.folds import make_folds
from genotool.run import Run
from genotool.split import Part
from genotool.trained import Ensemble, Trained, open_trained
from numpy.typing import NDArray

from genotool_transcriptome.encoder import ExpressionEncoder
from genotool_transcriptome.gene_lists import METHODS, GeneList, TrainingRows, fit_list
from genotool_transcriptome.ranked import Fold, data_of
from genotool_transcriptome.ranking import Method, Shap, explained, shap_lists
from genotool_transcriptome.settings import ExpressionConfig
from genotool_transcriptome.shap_files import write_shap

__all__ = ["RankRequest", "rank"]

SHAP = "shap"
SHOWN = 1000
"""Genes of a list in ``gene_lists.tsv``; all of them are in the NPZ."""


@dataclass(frozen=True, slots=True)
class RankRequest:
    """What the command line says.

    Attributes
    ----------
    operand
        A run of the family (its training and validation rows choose the genes, its test rows cluster later), or a data
        set, whose `folds` do the same for the methods that need no network.
    methods
        ``shap`` and words of `METHODS`; none: all that can be.
    in_sample
        Whether, of a data set, every row chooses genes: nothing is then left to cluster out of sample.
    """

    operand: str
    out: Path
    methods: tuple[str, ...] = ()
    folds: str = "2"
    split: str | None = None
    target: str | None = None
    in_sample: bool = False
    how: Method = field(default_factory=Method)
    export: tuple[str, ...] = ()
    seed: int = 0
    threads: int = 1
    data_dir: Path | None = None
    overwrite: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Rows that genes are chosen on, their encoder, and the network that was trained on them, where there is one."""

    rows: Dataset
    encoder: ExpressionEncoder
    trained: Trained | None = None


def rank(request: RankRequest) -> Run:
    """Rank genes and write the run folder: lists and encoders of each fold, SHAP tables where there is a network.

    Raises
    ------
    UsageError
        If a method is unknown, or SHAP is asked for without a network.
    """
    dataset, parts, data, parents = _source(request)
    methods = _methods(request.methods, parts[0].trained is not None)
    run = Run.create(
        request.out, verb="transcriptome rank", family="transcriptome", seed=request.seed, data=[data], parents=parents,
        config={"methods": methods, **asdict(request.how)},
        overwrite=request.overwrite,
    )  # fmt: skip
    with run:
        folds, said = [], []
        for number, part in enumerate(parts, start=1):
            fold, shap = _ranked(part, methods, request, run)
            fold.save(run, number)
            folds.append(fold)
            single = [part.rows.classes[code] for code in _alone(part.rows).tolist()]
            said += [f"{name} has one training sample in fold {number}: only SHAP takes it" for name in single]
            if shap is not None:
                write_shap(run, number, shap, pickles="pkl" in request.export)
                said += [*shap.said, f"{len(shap.wrong)} samples taken for another tissue are left out"]
        _write(run, dataset, folds, said)
    return run


def _methods(asked: Sequence[str], network: bool) -> list[str]:
    known = ([SHAP] if network else []) + list(METHODS)
    for method in asked:
        if method == SHAP and not network:
            raise UsageError("SHAP needs a trained network", hint="name a run of `genotool train transcriptome`")
        if method not in known:
            raise UsageError(f"unknown method {method!r}", hint=f"one of {', '.join(known)}")
    return list(dict.fromkeys(asked)) or known


def _source(request: RankRequest) -> tuple[Dataset, list[_Part], dict[str, Any], list[Path]]:
    if Path(request.operand, "run.json").is_file():
        return _of_run(request)
    dataset = registry.load(request.operand, data_dir=request.data_dir, kind=Kind.MATRIX, target=request.target)
    if dataset.target is None or not dataset.classes:
        raise InputError(f"{request.operand} has no tissues", hint="name the column of tissues with --target")
    config = ExpressionConfig()
    parts = []
    for rows in _fitted_rows(dataset, request):
        encoder = ExpressionEncoder(config.normalize, config.scaling, "mean", config.layout).fit([dataset.take(rows)])
        parts.append(_Part(dataset.take(rows), encoder))
    return dataset, parts, data_of(dataset, request.operand, request.data_dir, request.target), []


def _fitted_rows(dataset: Dataset, request: RankRequest) -> Iterator[NDArray[np.int64]]:
    if request.in_sample:
        yield np.arange(len(dataset))
        return
    made = make_folds(dataset, request.folds, request.split, seed=request.seed)
    for _, fold in made.keys:
        yield np.flatnonzero(made.numbers[:, 0] != fold).astype(np.int64)


def _of_run(request: RankRequest) -> tuple[Dataset, list[_Part], dict[str, Any], list[Path]]:
    trained = open_trained(request.operand, data_dir=request.data_dir)
    if trained.run.record.get("family") != "transcriptome":
        raise UsageError(f"{request.operand} is a run of {trained.run.record.get('family')}, not of transcriptome")
    parts = []
    for member in trained.members if isinstance(trained, Ensemble) else (trained,):
        parted = member.split
        rows = np.sort(np.concatenate([parted.rows(Part.TRAIN), parted.rows(Part.VALID)]))
        encoder: Any = member.encoder
        parts.append(_Part(member.load_dataset().take(rows), encoder, member))
    dataset = trained.load_dataset()
    return dataset, parts, dict(trained.run.record["data"][0]), [trained.run.path]


def _ranked(part: _Part, methods: Sequence[str], request: RankRequest, run: Run) -> tuple[Fold, Shap | None]:
    rows, lists, found = part.rows, list[GeneList](), None
    if SHAP in methods and part.trained is not None:
        background = rows.take(np.flatnonzero(np.isin(rows.ids, _training_ids(part.trained))).astype(np.int64))
        found = explained(part.trained, rows, background, how=request.how, seed=request.seed, run=run)
        lists += shap_lists(found, rows.ids)
    plain = [method for method in methods if method != SHAP]
    if plain:
        table = _training_rows(part, request)
    for method in plain:
        with run.timed(method):
            lists.append(fit_list(method, table))
    return Fold(tuple(lists), part.encoder, rows.ids), found


def _training_rows(part: _Part, request: RankRequest) -> TrainingRows:
    """Return what methods are fitted on, without the tissues of one sample where others are left."""
    alone = _alone(part.rows)
    target = np.asarray(part.rows.target, np.int64)
    kept = np.flatnonzero(~np.isin(target, alone)).astype(np.int64)
    rows = part.rows.take(kept if len(np.unique(target[kept])) > 1 else np.arange(len(target)))
    target = np.asarray(rows.target, np.int64)
    table = part.encoder.table(rows)
    return TrainingRows(table, part.encoder.genes, target, rows.ids, rows.classes, request.seed, request.threads)


def _alone(rows: Dataset) -> NDArray[np.int64]:
    """Return the codes of the tissues that one row has."""
    return np.flatnonzero(np.bincount(np.asarray(rows.target), minlength=len(rows.classes)) == 1).astype(np.int64)


def _training_ids(trained: Trained) -> NDArray[np.str_]:
    ids: NDArray[np.str_] = trained.load_dataset().ids[trained.split.rows(Part.TRAIN)]
    return ids


def _write(run: Run, dataset: Dataset, folds: Sequence[Fold], said: Sequence[str]) -> None:
    rows = [
        (number, each.method, place, gene, score)
        for number, fold in enumerate(folds, start=1)
        for each in fold.lists
        for place, (gene, score) in enumerate(
            zip(each.genes[:SHOWN].tolist(), each.scores[:SHOWN].tolist(), strict=True), start=1
        )
    ]
    run.write_table("gene_lists.tsv", ("fold", "method", "rank", "gene", "score"), rows)
    seen = [len(fold.fitted_on) for fold in folds]
    run.write_json(
        "ranking.json",
        {
            "format": 1, "folds": len(folds), "methods": [each.method for each in folds[0].lists],
            "genes": [len(fold.encoder.genes) for fold in folds],
            "genes_not_ranked": {gene: why for fold in folds for gene, why in fold.encoder.dropped.items()},
            "rows_that_chose": seen, "rows_left": [len(dataset) - count for count in seen],
            "rule": [len(each) for fold in folds for each in fold.lists if each.method == "shap-rule"],
            "said": list(dict.fromkeys([*said, *(s for fold in folds for s in fold.encoder.said)])),
        },
    )  # fmt: skip
