"""Gene lists: genes in the order in which one method finds them to tell tissues apart, from training rows alone.

The methods beside the network: gain of LightGBM's trees (Ke 2017 NeurIPS 30:3146), weights of a multinomial logistic
regression, F of an analysis of variance, and mutual information with the tissue (Ross 2014 PLoS ONE 9:e87357).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from genotool.errors import InputError, UsageError
from numpy.typing import NDArray

from genotool_transcriptome.genes import matched

__all__ = ["METHODS", "GeneList", "TrainingRows", "fit_list", "read_list"]

Floats: TypeAlias = NDArray[np.float64]

LONGEST = 500
"""Characters of a gene's name in a file that a user gives."""
MOST_BINS = 63


@dataclass(frozen=True, slots=True, eq=False)
class GeneList:
    """Genes in the order of one method, the best first.

    Attributes
    ----------
    method
        Who made it: a word of `METHODS`, ``shap``, ``shap-rule``, or the name of a file.
    genes
        (m,) text.
    scores
        (m,) what the method says of each; higher is better within the list.
    fitted_on
        (n,) the ids of the rows that the method saw: genes are out of sample on every other row. Empty: not known.
    """

    method: str
    genes: NDArray[np.str_]
    scores: Floats
    fitted_on: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.genes)

    def top(self, count: int) -> GeneList:
        """Return the first genes, all where they are fewer."""
        return replace(self, genes=self.genes[:count], scores=self.scores[:count])


@dataclass(frozen=True, slots=True, eq=False)
class TrainingRows:
    """What a method is fitted on.

    Attributes
    ----------
    table
        (n, m) scaled values, finite.
    target
        (n,) codes of tissues.
    """

    table: NDArray[np.float32]
    genes: NDArray[np.str_]
    target: NDArray[np.int64]
    ids: NDArray[np.str_]
    classes: tuple[str, ...]
    seed: int = 0
    threads: int = 1

    def __post_init__(self) -> None:
        held = np.bincount(self.target, minlength=len(self.classes))
        single = [name for name, count in zip(self.classes, held.tolist(), strict=True) if count == 1]
        if single:
            raise InputError(
                f"genes cannot be chosen for a tissue with one training sample: {', '.join(single[:5])}",
                hint="leave these samples out, or --folds that leave two of each in training",
            )
        if (held > 0).sum() < 2:
            raise InputError("the training rows are of one tissue: no gene can tell it from another")


def fit_list(method: str, rows: TrainingRows) -> GeneList:
    """Fit one method and return every gene in its order; equal scores keep the order of the matrix.

    Raises
    ------
    UsageError
        If there is no such method.
    """
    if method not in METHODS:
        raise UsageError(f"unknown method {method!r}", hint=f"one of {', '.join(METHODS)}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a constant gene has no F, which is 0 here
        scores = np.nan_to_num(np.asarray(METHODS[method](rows), np.float64), posinf=np.inf)
    scores[np.ptp(rows.table, axis=0) == 0] = 0.0  # estimates of information have noise even there
    order = np.argsort(-scores, kind="stable")
    return GeneList(method, rows.genes[order], scores[order], rows.ids)


def _logistic(rows: TrainingRows) -> Floats:
    """Mean size of a gene's weight over tissues: on z-scores, that of a step of one deviation."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(max_iter=500, random_state=rows.seed).fit(rows.table, rows.target)
    return np.asarray(np.abs(fitted.coef_).mean(axis=0), np.float64)


def _lightgbm(rows: TrainingRows) -> Floats:
    from lightgbm import LGBMClassifier

    fewest = int(np.bincount(rows.target)[np.unique(rows.target)].min())
    fitted = LGBMClassifier(
        n_estimators=100, num_leaves=7, learning_rate=0.1, min_child_samples=max(2, fewest // 2), max_bin=MOST_BINS,
        colsample_bytree=0.3, importance_type="gain", random_state=rows.seed, n_jobs=rows.threads, deterministic=True,
        force_row_wise=True, verbosity=-1,
    ).fit(rows.table, rows.target)  # fmt: skip
    return np.asarray(fitted.feature_importances_, np.float64)


def _anova(rows: TrainingRows) -> Floats:
    from sklearn.feature_selection import f_classif

    return np.asarray(f_classif(rows.table, rows.target)[0], np.float64)


def _mutual_information(rows: TrainingRows) -> Floats:
    from sklearn.feature_selection import mutual_info_classif

    return np.asarray(
        mutual_info_classif(rows.table, rows.target, random_state=rows.seed, n_jobs=rows.threads), np.float64
    )


METHODS: Mapping[str, Callable[[TrainingRows], Any]] = {
    "lightgbm": _lightgbm,
    "logistic": _logistic,
    "anova": _anova,
    "mutual-information": _mutual_information,
}
"""The methods that need no trained network."""


def read_list(file: Path, known: Sequence[str], mapping: Mapping[str, str] | None = None) -> tuple[GeneList, list[str]]:
    """Read a list of genes, one a line, the best first; return it in the matrix's names, and the genes it lacks.

    Raises
    ------
    InputError
        If the file is empty or no text, or the matrix has none of its genes.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise UsageError(f"{file}: no such file", hint="a gene list is a text file, one gene a line") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("not readable as text", file=file, hint="one gene a line") from error
    names = list(dict.fromkeys(line.split("\t")[0].strip() for line in lines if line.strip()))
    if not names:
        raise InputError("the gene list is empty", file=file, hint="one gene a line")
    if any(len(name) > LONGEST for name in names):
        raise InputError("no list of genes: a line is longer than any name", file=file, hint="one gene a line")
    place = matched(names, known, mapping)
    if (place < 0).all():
        hint = f"the matrix has {known[0]!r}, such names are needed"
        raise InputError("the matrix has none of these genes", file=file, value=names[0], hint=hint)
    found = np.asarray(known, np.str_)[list(dict.fromkeys(place[place >= 0].tolist()))]
    absent = [name for name, at in zip(names, place.tolist(), strict=True) if at < 0]
    scores = np.arange(len(found), 0, -1, dtype=np.float64)
    return GeneList(file.stem, found, scores, np.empty(0, np.str_)), absent
