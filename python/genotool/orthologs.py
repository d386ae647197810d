"""PhyloAug: a training sequence is swapped for one of its orthologs.

`Orthologs` is a table of orthologs by the id of the row that they belong to. `Orthologs.of` matches it with training
rows and makes sure that nothing comes in from behind the split: an ortholog that belongs to a group outside the
training rows, or whose sequence is a held-out row, is refused (or dropped and counted).

Duncan, Mitchell, Moses (2024), Bioinformatics 40, btae190. doi:10.1093/bioinformatics/btae190
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genotool import _native
from genotool.dataset import Dataset
from genotool.errors import InputError, UsageError, nearest
from genotool.kernels import choice, dtype_of, kernel_errors, natural, row_numbers, target_array
from genotool.sequences import Sequences

__all__ = ["Orthologs", "Partners"]

Ints: TypeAlias = NDArray[np.int64]
Texts: TypeAlias = NDArray[np.str_]
Align: TypeAlias = Literal["left", "right"]

FORBIDDEN = 'split by groups that keep orthologs together, or drop them with conflicts="drop"'


@dataclass(frozen=True, slots=True, eq=False)
class Orthologs:
    """Orthologs, each with the row that it belongs to.

    Attributes
    ----------
    parents
        (m,) text: the id of the row that has this ortholog.
    ids, species
        (m,) text: what the ortholog is called, and whose it is.
    sequences
        m rows.
    groups
        (m,) text: the group of the ortholog in its own data set; "" where it has none.
    distance
        (m,) float64, how far it is from its parent; NaN where unknown.
    """

    parents: Texts
    ids: Texts
    species: Texts
    sequences: Sequences
    groups: Texts
    distance: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def from_datasets(cls, dataset: Dataset, others: Sequence[Dataset], on: str = "ortholog") -> Orthologs:
        """Join data sets of other species on a column that they share with `dataset`, such as the reference gene.

        Every row of the others with the same, non-empty value is an ortholog; each data set's name is its species.

        Raises
        ------
        UsageError
            A data set without the column, or without sequences.
        """
        own = _texts(dataset, on)
        parts = [cls._joined(dataset.ids, own, other, on) for other in others]
        if not parts:
            raise UsageError("no data set of orthologs was given")
        return cls(
            np.concatenate([part.parents for part in parts]),
            np.concatenate([part.ids for part in parts]),
            np.concatenate([part.species for part in parts]),
            Sequences.concat([part.sequences for part in parts]),
            np.concatenate([part.groups for part in parts]),
            np.concatenate([part.distance for part in parts]),
        )

    @classmethod
    def _joined(cls, ids: Texts, own: Texts, other: Dataset, on: str) -> Orthologs:
        by_value: dict[str, list[int]] = {}
        for row, value in enumerate(_texts(other, on).tolist()):
            by_value.setdefault(value, []).append(row)
        pairs = [(parent, row) for parent, value in enumerate(own.tolist()) if value for row in by_value.get(value, ())]
        parents, rows = np.array(pairs, np.int64).reshape(-1, 2).T
        groups = np.full(len(other), "") if other.groups is None else other.groups
        species = np.full(len(rows), other.name)
        sequences = _sequences(other).take(rows)
        return cls(ids[parents], other.ids[rows], species, sequences, groups[rows], np.full(len(rows), math.nan))

    def of(
        self,
        training: Dataset,
        *,
        held_out: Dataset | None = None,
        max_distance: float | None = None,
        conflicts: Literal["error", "drop"] = "error",
    ) -> Partners:
        """Match the orthologs with training rows.

        Parameters
        ----------
        training
            The rows that may have orthologs: training rows and no others.
        held_out
            Validation or test rows, where they are at hand: no ortholog may share their group or their sequence.
        max_distance
            The largest distance of an ortholog; those of unknown distance then stay out.
        conflicts
            What becomes of an ortholog that belongs to rows or groups outside the training rows: "error" or "drop".

        Raises
        ------
        InputError
            An ortholog from behind the split, with its id and group.
        """
        choice("conflicts", conflicts, ("error", "drop"))
        index = {name: row for row, name in enumerate(training.ids.tolist())}
        rows = np.array([index.get(name, -1) for name in self.parents.tolist()], np.int64)
        keep = rows >= 0
        if max_distance is not None:
            keep &= self.distance <= max_distance
        behind = keep & self._behind(training, rows, held_out)
        if behind.any() and conflicts == "error":
            first = int(np.argmax(behind))
            message = f"the ortholog '{self.ids[first]}' of '{self.parents[first]}' belongs to held-out rows"
            raise InputError(message, value=str(self.groups[first]) or None, hint=FORBIDDEN)
        kept = np.flatnonzero(keep & ~behind)
        kept = kept[np.argsort(rows[kept], kind="stable")]
        offsets = np.searchsorted(rows[kept], np.arange(len(training) + 1))
        return Partners(training, self, kept, offsets.astype(np.int64), dropped=int(behind.sum()))

    def _behind(self, training: Dataset, rows: Ints, held_out: Dataset | None) -> NDArray[np.bool_]:
        """Return which orthologs are those of rows, of groups or of sequences outside the training rows."""
        names = np.char.add(np.char.add(self.species, "\t"), self.ids)
        behind = np.isin(names, names[rows < 0])
        if training.groups is not None:
            behind |= (self.groups != "") & ~np.isin(self.groups, training.groups)
        if held_out is not None:
            behind |= np.isin(self.sequences.row_digests(), _sequences(held_out).row_digests())
            if held_out.groups is not None:
                known = held_out.groups[held_out.groups != ""]
                own = np.full(len(self), "") if training.groups is None else training.groups[np.maximum(rows, 0)]
                behind |= np.isin(self.groups, known) | np.isin(own, known)
        return behind


@dataclass(frozen=True, slots=True, eq=False)
class Partners:
    """Training rows with their permitted orthologs.

    Attributes
    ----------
    training
        The rows.
    orthologs
        All orthologs; those permitted are `members`.
    members
        Numbers of orthologs: those of row i are ``members[offsets[i]:offsets[i + 1]]``.
    dropped
        Orthologs left out because they belong to held-out rows.
    """

    training: Dataset
    orthologs: Orthologs
    members: Ints
    offsets: Ints
    dropped: int
    _pool: list[Sequences] = dataclasses.field(default_factory=list)

    @property
    def missing(self) -> int:
        """The rows without an ortholog."""
        return int((np.diff(self.offsets) == 0).sum())

    @property
    def pool(self) -> Sequences:
        """The training sequences, and behind them the permitted orthologs."""
        if not self._pool:
            own = _sequences(self.training)
            self._pool.append(Sequences.concat([own, self.orthologs.sequences.take(self.members)]))
        return self._pool[0]

    def choose(self, rows: ArrayLike, rate: float, *, seed: int, epoch: int) -> Ints:
        """Draw what stands in for each row: with probability `rate` one of its orthologs, each as likely, else itself.

        Returns
        -------
        (n,) int64
            Rows of `pool`. They follow from seed, epoch and row number alone.

        Raises
        ------
        UsageError
            A rate that is no probability, a seed that is no number from 0 to 2**64 - 1.
        """
        numbers = row_numbers(rows, len(self.training))
        for name, number in (("seed", seed), ("epoch", epoch)):
            if natural(name, number) >= 1 << 64:
                raise UsageError(f"{name} must be below 2**64, {number} is not")
        members = np.arange(len(self.members), dtype=np.int64) + len(self.training)
        picks = np.empty(len(numbers), np.int64)
        with kernel_errors():
            _native.choose_orthologs(self.offsets, members, numbers, picks, float(rate), int(seed), int(epoch))
        return picks

    def one_hot(
        self,
        rows: ArrayLike,
        rate: float,
        *,
        seed: int,
        epoch: int,
        dtype: Literal["uint8", "float32"] = "float32",
        layout: Literal["nlc", "ncl"] = "nlc",
        length: int | None = None,
        align: Align = "left",
        out: NDArray[Any] | None = None,
        threads: int | None = None,
    ) -> NDArray[Any]:
        """Encode the sequences that stand in for the rows (see `choose`), as `Sequences.one_hot` does.

        Parameters
        ----------
        length
            None: all rows and orthologs must have one length. Else shorter ones are padded with zeros and longer ones
            cut: at the right, or at the left where `align` is "right" (promoters that end at their start).

        Returns
        -------
        (n, length, 4) or (n, 4, length)
        """
        picks = self.choose(rows, rate, seed=seed, epoch=epoch)
        choice("layout", layout, ("nlc", "ncl"))
        choice("align", align, ("left", "right"))
        width = _one_length(self.pool) if length is None else natural("length", length)
        shape = (len(picks), width, 4) if layout == "nlc" else (len(picks), 4, width)
        target = target_array(out, shape, dtype_of(dtype, ("uint8", "float32")))
        with kernel_errors():
            _native.gather_one_hot(
                self.pool.data, self.pool.offsets, picks, target.reshape(-1), layout, width, align, threads
            )
        return target


def _one_length(sequences: Sequences) -> int:
    lengths = np.unique(sequences.lengths)
    if len(lengths) > 1:
        message = f"rows and orthologs have {lengths[0]} to {lengths[-1]} letters"
        raise InputError(message, hint="give length=, and align= for the end that is cut or padded")
    return int(lengths[0]) if len(lengths) else 0


def _sequences(dataset: Dataset) -> Sequences:
    column = dataset.columns.get("sequence")
    if not isinstance(column, Sequences):
        raise UsageError(f"{dataset.name} has no sequences, its kind is {dataset.kind}")
    return column


def _texts(dataset: Dataset, role: str) -> Texts:
    if role not in dataset.columns:
        raise UsageError(f"{dataset.name} has no column {role!r}", hint=nearest(role, dataset.columns))
    return np.asarray(dataset.columns[role]).astype(np.str_)
