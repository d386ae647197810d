"""Folds: each row of a data set tests once, k times over or group by group, and trains in all other folds.

Units (genes, donors, chromosomes, homology clusters, equal rows) go to folds whole. From a thousand units on a unit's
fold is ``hash(seed, unit)`` alone, as with a single split, so one assignment holds for all data sets of that size; of
fewer units the hash leaves folds of very unequal sizes, and scikit-learn's ``StratifiedGroupKFold`` deals them out with
an equal share of rows and classes in each.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from genotool.dataset import Dataset
from genotool.errors import InputError, UsageError
from genotool.run import escaped, write_atomically
from genotool.split import Part, Split, default_method, hash_fraction
from genotool.split.files import read_sheet
from genotool.split.methods import class_rank
from genotool.split.parts import source_line
from genotool.split.units import Units, is_by_units, units_of

__all__ = ["Folds", "folds_from_file", "kfold", "leave_one_out", "make_folds"]

Numbers: TypeAlias = NDArray[np.int64]

MANY_UNITS = 1000
MOST_LEFT_OUT = 100
"""More models than this are no leave-one-out that anybody wants."""
NO_UNIT = "(no group)"
"""What the fold of the rows without a group is called."""


@dataclass(frozen=True, slots=True, eq=False)
class Folds:
    """The fold in which each row tests, in each repeat.

    Attributes
    ----------
    numbers
        (n, repeats) from 1 to `k`.
    method
        What stays together: a word of ``--split``, or ``file``.
    names
        The unit that each fold leaves out, where it is one; else empty.
    leaves_open
        What these folds do not guard against, in words for the report.
    """

    numbers: Numbers
    method: str
    seed: int
    leaves_open: str
    names: tuple[str, ...] = ()

    @property
    def k(self) -> int:
        """Folds a repeat."""
        return int(self.numbers.max())

    @property
    def repeats(self) -> int:
        """How often each row tests."""
        return int(self.numbers.shape[1])

    @property
    def keys(self) -> list[tuple[int, int]]:
        """(repeat, fold) of every fold, from 1, in order."""
        return [(repeat, fold) for repeat in range(1, self.repeats + 1) for fold in range(1, self.k + 1)]

    def seed_of(self, repeat: int) -> int:
        """Return the seed of a repeat: the first has that of all."""
        return _seed(self.seed, repeat)

    def splits(self, dataset: Dataset, valid_share: float) -> Iterator[tuple[tuple[int, int], Split]]:
        """Yield the (repeat, fold) of every fold with the fold as a split.

        Its rows test; of the rest a share validates, carved by the same units: the carved part whose classes are most
        like the rest.

        Raises
        ------
        InputError
            If fewer than two units are left to train and to validate.
        """
        units = _units(dataset, fold_method(dataset) if self.method == "file" else self.method)
        most = round(1 / valid_share) if valid_share else 7
        for repeat, fold in self.keys:
            test = self.numbers[:, repeat - 1] == fold
            rest = np.flatnonzero(~test).astype(np.int64)
            left = dataset.take(rest)
            inner = _assigned(left, units and units.take(rest), most, _seed(self.seed, repeat, fold), fewer=True)
            parts = np.full(len(dataset), Part.TRAIN, np.int8)
            parts[rest[inner == _most_alike(left, inner)]] = Part.VALID
            parts[test] = Part.TEST
            which = f"{self.names[fold - 1]} tests" if self.names else f"fold {fold} of {self.k} tests"
            yield (repeat, fold), Split(parts, self.method, self.seed, f"{self.leaves_open}; {which}")

    def save(
        self, file: Path, ids: NDArray[np.str_], *, simulated: bool = False, source: tuple[str, str] | None = None
    ) -> None:
        """Write ``id<TAB>fold-1<TAB>fold-2…``, a column a repeat, after comment lines that say how they were made."""
        lines = [f"# method\t{self.method}", f"# seed\t{self.seed}", f"# leaves_open\t{self.leaves_open}"]
        lines += source_line(source)
        lines += [f"# fold\t{number}\t{escaped(name)}" for number, name in enumerate(self.names, start=1)]
        mark = ["yes"] if simulated else []
        lines.append(
            "\t".join(["id", *(f"fold-{r + 1}" for r in range(self.repeats)), *(["simulated"] if mark else [])])
        )
        rows = zip(map(escaped, ids.tolist()), self.numbers.tolist(), strict=True)
        lines += ["\t".join([row, *map(str, numbers), *mark]) for row, numbers in rows]
        write_atomically(file, "\n".join(lines) + "\n")


def make_folds(dataset: Dataset, asked: str, method: str | None, *, seed: int, repeats: int = 1) -> Folds:
    """Make the folds that the command line asks for.

    Parameters
    ----------
    asked
        A number of folds, or ``groups``: each unit is left out once.
    method
        What stays together, as ``--split`` says it; the path of a file of folds; None: `fold_method`.

    Raises
    ------
    UsageError
        If these do not go together, or the data set lacks what the method needs.
    """
    if asked != "groups" and not (asked.isdigit() and int(asked) >= 2):
        hint = "a single split is what `train` makes without --folds" if asked == "1" else "such as --folds 5"
        raise UsageError(f"--folds takes a number from 2 on, or `groups`, not {asked!r}", hint=hint)
    if repeats < 1:
        raise UsageError(f"--repeats is at least 1, not {repeats}", hint="1 is the default")
    if method is not None and not is_by_units(method) and method != "stratified":
        return _asked_from_file(method, dataset, asked, repeats)
    if asked == "groups":
        if repeats > 1:
            raise UsageError("leaving each group out once is the same every time", hint="--repeats goes with a number")
        return leave_one_out(dataset, method or fold_method(dataset), seed=seed)
    return kfold(dataset, method or fold_method(dataset), int(asked), seed=seed, repeats=repeats)


def _asked_from_file(file: str, dataset: Dataset, asked: str, repeats: int) -> Folds:
    if "/" not in file and "." not in file:
        hint = "row, stratified, group, chromosome, neighbourhood, homology, by:COLUMN, or a file of folds"
        raise UsageError(f"--split {file} gives no folds", hint=hint)
    folds = folds_from_file(Path(file), dataset)
    if (asked != "groups" and folds.k != int(asked)) or repeats > folds.repeats:
        raise UsageError(f"{file} holds {folds.k} folds, repeated {folds.repeats} times: --folds or --repeats differ")
    return dataclasses.replace(folds, numbers=folds.numbers[:, :repeats])


def fold_method(dataset: Dataset) -> str:
    """Return the safest method for folds: that of a split, but for a published one, which is a single split."""
    columns = {role: column for role, column in dataset.columns.items() if role != "split"}
    return default_method(dataclasses.replace(dataset, columns=columns))


def kfold(dataset: Dataset, method: str, k: int, *, seed: int, repeats: int = 1) -> Folds:
    """Deal the rows out into `k` folds, units whole, anew in each repeat.

    Raises
    ------
    InputError
        If there are fewer units than folds.
    """
    units = _units(dataset, method)
    columns = [_assigned(dataset, units, k, _seed(seed, repeat)) for repeat in range(1, repeats + 1)]
    open_ = "rows of one gene, donor or locus may straddle the parts" if units is None else units.leaves_open
    return Folds(np.stack(columns, axis=1), method, seed, open_.replace("the parts", "the folds"))


def leave_one_out(dataset: Dataset, method: str, *, seed: int) -> Folds:
    """Leave each named unit out once; rows without one are a last fold.

    Raises
    ------
    UsageError
        If the method names no units.
    InputError
        If there are fewer than three units, or more than a hundred.
    """
    units = units_of(dataset, method) if is_by_units(method) else None
    if units is None or not units.named.any():
        raise UsageError(f"there are no groups in a split by {method} to leave out", hint="--folds takes a number")
    known = units.known
    if not 3 <= len(known) <= MOST_LEFT_OUT:
        said = f"leaving one out needs 3 to {MOST_LEFT_OUT} {units.word}, there are {len(known)}"
        raise InputError(said, hint=f"--folds 5 --split {method} takes several at once")
    number = {name: at for at, name in enumerate(known, start=1)}
    numbers = np.array([number.get(name, len(known) + 1) for name in units.names], np.int64)
    names = (*known, NO_UNIT) if numbers.max() > len(known) else tuple(known)
    return Folds(numbers[:, None], method, seed, units.leaves_open, names)


def _units(dataset: Dataset, method: str) -> Units | None:
    """Return the units of a method; None for single rows in equal shares of each class."""
    return None if method == "stratified" else units_of(dataset, method)


def _seed(seed: int, repeat: int, fold: int = 0) -> int:
    """Return a seed of its own for a repeat and a fold; the first repeat's is the seed itself."""
    if repeat == 1 and fold == 0:
        return seed
    return int(np.random.SeedSequence([seed % 2**32, repeat, fold]).generate_state(1)[0])


def _assigned(dataset: Dataset, units: Units | None, k: int, seed: int, *, fewer: bool = False) -> Numbers:
    """Return (n,) fold numbers from 1; of fewer than `k` units a fold each, where that will do."""
    if units is None:
        return np.floor(class_rank(dataset, seed) * k).astype(np.int64) + 1
    code = {name: at for at, name in enumerate(sorted(set(units.names)))}
    k = min(k, len(code)) if fewer else k
    if len(code) < max(k, 2):
        said = f"{dataset.name} has {len(code)} {units.word} where {max(k, 2)} are needed"
        raise InputError(said, hint="fewer folds, or another --split")
    if len(code) >= MANY_UNITS:
        return np.floor(hash_fraction(seed, units.names) * k).astype(np.int64) + 1
    return _dealt(dataset, np.array([code[name] for name in units.names], np.int64), k, seed)


def _dealt(dataset: Dataset, codes: Numbers, k: int, seed: int) -> Numbers:
    """Return fold numbers with about an equal share of rows and classes in each fold."""
    from sklearn.model_selection import StratifiedGroupKFold

    classes = dataset.target if dataset.classes and dataset.target is not None else np.zeros(len(codes), np.int64)
    numbers = np.zeros(len(codes), np.int64)
    splitter = StratifiedGroupKFold(k, shuffle=True, random_state=seed % 2**32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a class in fewer rows than folds: its metrics say so
        for number, (_, test) in enumerate(splitter.split(codes, classes, codes), start=1):
            numbers[test] = number
    return numbers


def _most_alike(dataset: Dataset, numbers: Numbers) -> int:
    """Return the fold whose rows of each class are nearest to an even share: of few units some hold one class only."""
    classes = dataset.target if dataset.classes and dataset.target is not None else np.zeros(len(dataset), np.int64)
    counts = np.zeros((numbers.max(), classes.max() + 1))
    np.add.at(counts, (numbers - 1, classes), 1)
    return int(np.abs(counts - counts.mean(axis=0)).sum(axis=1).argmin()) + 1


def folds_from_file(file: Path, dataset: Dataset) -> Folds:
    """Read folds that `Folds.save` wrote, or any table with the columns ``id`` and ``fold``.

    Raises
    ------
    InputError
        If the file is no such table, a fold is empty, or an id of the data set is missing.
    """
    sheet = read_sheet(file)
    columns = [at for at, name in enumerate(sheet.header) if name == "fold" or name.startswith("fold-")]
    if not columns:
        raise InputError("a file of folds has the columns id and fold", file=file, hint="without --folds it is a split")
    for number, cells in sheet.lines:
        if len(cells) <= columns[-1] + 1 or not all(
            cells[at + 1].isdecimal() and len(cells[at + 1]) < 7 for at in columns
        ):
            raise InputError("a fold is a number from 1", file=file, row=number, value="\t".join(cells))
    numbers = np.array([[int(cells[at]) for at in columns] for cells in sheet.rows(dataset)], np.int64)
    for repeat in numbers.T:
        found = np.unique(repeat)
        if found.tolist() != list(range(1, len(found) + 1)) or len(found) < 2 or numbers.max() != len(found):
            raise InputError(
                f"the folds of {dataset.name} are not 1 to k, two at least", file=file, value=found.tolist()
            )
    method = sheet.said("method", "file")
    method = method if is_by_units(method) or method == "stratified" else "file"
    named: Mapping[str, str] = {c[1]: c[2] for c in sheet.comments if c[0] == "# fold" and len(c) == 3}
    names = tuple(named.get(str(number), "") for number in range(1, int(numbers.max()) + 1))
    said = sheet.said("leaves_open", "what the file's author left open")
    return Folds(numbers, method, sheet.seed, said, names if all(names) else ())
