"""A run of `genotool transcriptome rank`: gene lists of each fold, with the rows that they were not fitted on."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from genotool import registry
from genotool.dataset import Dataset, Kind
from genotool.errors import InputError, UsageError
from genotool.persist import load_arrays, save_arrays
from genotool.run import DAMAGED, Run
from numpy.typing import NDArray

from genotool_transcriptome.clustering import check_rows
from genotool_transcriptome.encoder import ExpressionEncoder
from genotool_transcriptome.gene_lists import GeneList, read_list
from genotool_transcriptome.random_sets import ClusterRows

__all__ = ["IN_SAMPLE", "OUT_OF_SAMPLE", "Fold", "Ranked", "open_ranked"]

OUT_OF_SAMPLE = "out of sample: genes chosen on other rows than those that are clustered"
IN_SAMPLE = "IN SAMPLE: genes chosen on the very rows that are clustered, which flatters every list"
WHOLE = ("shap-rule",)
"""Lists that are a set of their own size, of which no top is taken."""


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """Gene lists fitted on some rows, and the encoder that was fitted on the same rows.

    Attributes
    ----------
    fitted_on
        (k,) ids of the rows that the lists have seen.
    """

    lists: tuple[GeneList, ...]
    encoder: ExpressionEncoder
    fitted_on: NDArray[np.str_]

    def save(self, run: Run, number: int) -> None:
        """Write ``lists-NUMBER.npz`` and the encoder."""
        arrays: dict[str, NDArray[Any]] = {"fitted_on": self.fitted_on}
        for each in self.lists:
            arrays |= {f"genes:{each.method}": each.genes, f"scores:{each.method}": each.scores}
        save_arrays(run.file(f"lists-{number}.npz"), arrays)
        self.encoder.save(run.folder(f"encoder-{number}"))

    @classmethod
    def load(cls, folder: Path, number: int) -> Fold:
        """Read what `save` wrote.

        Raises
        ------
        InputError
            If it is damaged.
        """
        file = folder / f"lists-{number}.npz"
        held = load_arrays(file)
        methods = [name.removeprefix("genes:") for name in held if name.startswith("genes:")]
        fitted_on = held.get("fitted_on", np.empty(0, np.str_))
        texts = [fitted_on, *(held[f"genes:{method}"] for method in methods)]
        if not methods or any(text.dtype.kind != "U" or text.ndim != 1 for text in texts):
            raise InputError("no gene lists", file=file, hint=DAMAGED)
        lists = [
            GeneList(name, held[f"genes:{name}"], held.get(f"scores:{name}", np.empty(0)), fitted_on)
            for name in methods
        ]
        if any(len(each.genes) != len(each.scores) for each in lists):
            raise InputError("no gene lists", file=file, hint=DAMAGED)
        encoder = ExpressionEncoder()
        try:
            encoder.load(folder / f"encoder-{number}")
        except (KeyError, TypeError, ValueError) as error:
            raise InputError("the encoder is damaged", file=folder / f"encoder-{number}", hint=DAMAGED) from error
        return cls(tuple(lists), encoder, fitted_on)


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """The gene lists of every fold and the data set that they were made from.

    Attributes
    ----------
    dataset
        Its target is what clusters are compared with: the tissues that the genes were chosen for, or `against`.
    against
        The column that was asked for instead; "" for none.
    """

    run: Run
    dataset: Dataset
    folds: tuple[Fold, ...]
    against: str = ""

    def rows(self, *, in_sample: bool = False) -> Iterator[ClusterRows]:
        """Yield for each fold the rows to cluster: those that its lists have not seen; `in_sample`: those they have.

        Raises
        ------
        UsageError
            If the lists of a fold have seen every row.
        """
        for fold in self.folds:
            met = np.isin(self.dataset.ids, fold.fitted_on)
            chosen = np.flatnonzero(met if in_sample else ~met).astype(np.int64)
            if not len(chosen):
                hint = "rank with --folds, or --in-sample, which is labelled so"
                raise UsageError("the gene lists were fitted on every row: none is left to cluster", hint=hint)
            part = self.dataset.take(chosen)
            assert part.target is not None
            check_rows(np.asarray(part.target))
            yield ClusterRows(fold.encoder.table(part), np.asarray(part.target, np.int64), fold.encoder.fill)

    def sets(
        self, top: int, files: Sequence[Path] = ()
    ) -> tuple[dict[str, list[NDArray[np.int64]]], dict[str, list[str]]]:
        """Return for each list the places of its genes in the table of every fold; and what given files lack.

        Parameters
        ----------
        top
            Genes of a list that are taken; of a set of its own size, and of a file, all.
        files
            Lists that the user gives, one gene a line.

        Raises
        ------
        UsageError
            If a file is called like another list.
        """
        found: dict[str, list[NDArray[np.int64]]] = {}
        absent: dict[str, list[str]] = {}
        shared = set.intersection(*({each.method for each in fold.lists} for fold in self.folds))
        for fold in self.folds:
            kept = [each if each.method in WHOLE else each.top(top) for each in fold.lists if each.method in shared]
            for file in files:
                given, lacks = read_list(file, fold.encoder.genes.tolist(), fold.encoder.mapping)
                if given.method in shared:
                    raise UsageError(f"{file}: a list of the run is called {given.method!r}", hint="rename the file")
                kept.append(given)
                absent[given.method] = lacks
            for each in kept:
                found.setdefault(each.method, []).append(_places(fold, each))
        return found, absent


def _places(fold: Fold, chosen: GeneList) -> NDArray[np.int64]:
    place = {gene: number for number, gene in enumerate(fold.encoder.genes.tolist())}
    absent = [gene for gene in chosen.genes.tolist() if gene not in place]
    if absent:
        raise InputError("a gene of the list is none of the encoder's", value=absent[0], hint=DAMAGED)
    if not len(chosen):
        raise InputError(f"the list {chosen.method!r} is empty", hint="rank again")
    return np.array([place[gene] for gene in chosen.genes.tolist()], np.int64)


def data_of(dataset: Dataset, operand: str, data_dir: Path | None, target: str | None) -> dict[str, Any]:
    """Return what ``run.json`` says of the data, enough to load them again."""
    from genotool.stages.begun import data_record

    folder = data_dir or os.environ.get("GENOTOOL_DATA")
    return {
        **data_record(dataset),
        "operand": str(Path(operand).absolute()) if Path(operand).exists() else operand,
        "target": target,
        "data_dir": str(Path(folder).absolute()) if folder else None,
    }


def open_ranked(path: Path, *, data_dir: Path | None = None, against: str | None = None) -> Ranked:
    """Open a finished run of `rank` and load its data.

    Parameters
    ----------
    against
        A column of the data whose values clusters are compared with, such as the organ; None: the tissues.

    Raises
    ------
    UsageError
        If it is a run of another command.
    InputError
        If it is unfinished or damaged, or the data behind the name have changed since.
    """
    run = Run.open(path)
    if run.record.get("verb") != "transcriptome rank":
        hint = "name the folder that `genotool transcriptome rank` wrote"
        raise UsageError(f"{path}: a run of `{run.record.get('verb')}` holds no gene lists", hint=hint)
    if not run.finished:
        raise InputError("the run is not finished: it has no DONE", file=path, hint="rank again with --overwrite")
    dataset = _loaded(run, data_dir, against)
    count = run.read_json("ranking.json").get("folds")
    if not isinstance(count, int) or count < 1:
        raise InputError("ranking.json names no folds", file=path, value=count, hint=DAMAGED)
    return Ranked(run, dataset, tuple(Fold.load(path, number) for number in range(1, count + 1)), against or "")


def _loaded(run: Run, data_dir: Path | None, against: str | None) -> Dataset:
    known: Mapping[str, Any] = (run.record["data"] or [{}])[0]
    if not known.get("operand") or "digest" not in known:
        raise InputError("the run names no data", file=run.path, hint=DAMAGED)
    folder = data_dir or known.get("data_dir")
    dataset = registry.load(known["operand"], data_dir=folder, target=known.get("target"), kind=Kind.MATRIX)
    if dataset.digest != known["digest"]:
        hint = "name the data of that time with --data-dir, or rank again"
        raise InputError(f"{known['operand']} is not what the genes were ranked on", file=run.path, hint=hint)
    if against is None:
        return dataset
    other = registry.load(known["operand"], data_dir=folder, target=against, kind=Kind.MATRIX)
    if not other.classes:
        raise InputError(f"the column {against!r} holds numbers, clusters are compared with classes", file=run.path)
    return other
