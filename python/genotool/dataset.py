"""Dataset: named rows of one kind, with their columns, target and groups.

A column is whatever `take_rows` works on: `Sequences`, a NumPy array, a memory map, a sparse CSR array, or a lazy
column that fetches rows when asked. Nothing here copies a column before rows are asked for.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from genotool.errors import UsageError
from genotool.row_view import RowView, taken
from genotool.sequences import Sequences

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = [
    "KEY_COLUMNS", "ORIGIN", "About", "Column", "Dataset", "Kind", "LazyColumn", "Task", "are_row_numbers",
    "concatenate", "take_rows",
]  # fmt: skip

Rows: TypeAlias = NDArray[np.int64]

MOST_VALUES = 2**24
"""Values of a matrix that are encoded at once: 64 MiB."""

ORIGIN = "joined from"
"""The column of joined data sets that names the set of each row; no file has it, a role has no space."""


class Kind(StrEnum):
    """What one row of a data set is."""

    GUIDES = "guides"
    SEQUENCES = "sequences"
    PAIRS = "pairs"
    MATRIX = "matrix"


class Task(StrEnum):
    """What is predicted for one row: one of two classes, one of many, or a number."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"


KEY_COLUMNS: Mapping[Kind, tuple[str, ...]] = {
    Kind.GUIDES: ("guide",),
    Kind.SEQUENCES: ("sequence",),
    Kind.PAIRS: ("seq1", "seq2"),
    Kind.MATRIX: ("expression",),
}
"""The columns that say what a row is, by kind: the audit compares them, the encoders read them."""


@runtime_checkable
class LazyColumn(Protocol):
    """A column that fetches its rows when asked, such as an on-disk embedding store."""

    def __len__(self) -> int:
        """Return the number of rows."""
        ...

    def take(self, rows: Rows) -> Any:
        """Return the given rows, in that order, as an array or `Sequences`."""
        ...


Column: TypeAlias = "Sequences | NDArray[Any] | csr_array | LazyColumn"


def take_rows(column: Column, rows: Rows) -> Any:
    """Return the given rows of a column, in that order; sparse stays sparse, `Sequences` stay packed.

    Many rows of a wide table are a `RowView`, which copies nothing.
    """
    if isinstance(column, np.ndarray):
        return taken(column, rows)
    if isinstance(column, RowView):
        return column.view(rows)
    if isinstance(column, LazyColumn):  # Sequences too
        return column.take(rows)
    return column[rows]


@dataclass(frozen=True, slots=True)
class About:
    """Where the rows come from: what a report must say of them.

    Attributes
    ----------
    simulated
        Whether the rows were simulated; every output then says so.
    left_out
        Rows of the source that are not in the data set, by reason.
    roles
        The columns of the source that are the ``target``, ``groups``, ``split`` and ``id``, where it has them.
    window
        What was cut out of a genome, in words, where the rows are that.
    """

    cite: str = ""
    licence: str = ""
    warning: str = ""
    cell: str = ""
    path: str = ""
    simulated: bool = False
    left_out: Mapping[str, int] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    window: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Named rows of one kind.

    Attributes
    ----------
    name
        The registered name, or the stem of the file.
    kind
        What a row is.
    ids
        (n,) text: one id a row, unique.
    columns
        Role to column, each of n rows. `KEY_COLUMNS` names the roles that say what a row is.
    target
        (n,) int64 class codes where `classes` is not empty, (n,) float64 for a number, None where unknown.
    classes
        The names of the class codes, in order.
    groups
        (n,) text of what must not straddle a split (gene, donor, locus); "" where unknown. None: no groups.
    features
        (m,) text: the column names of a matrix.
    about
        Citation, licence, warning, whether simulated.
    """

    name: str
    kind: Kind
    ids: NDArray[np.str_]
    columns: Mapping[str, Column]
    target: NDArray[Any] | None = None
    classes: tuple[str, ...] = ()
    groups: NDArray[np.str_] | None = None
    features: NDArray[np.str_] | None = None
    about: About = field(default_factory=About)

    def __post_init__(self) -> None:
        count = len(self.ids)
        sizes = {role: _rows_of(column) for role, column in self.columns.items()}
        sizes |= {
            role: len(values)
            for role, values in (("target", self.target), ("groups", self.groups))
            if values is not None
        }
        for role, size in sizes.items():
            if size != count:
                raise ValueError(f"{self.name}: column {role!r} has {size} rows, ids have {count}")

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def digest(self) -> str:
        """SHA-256 of the content (ids, key columns, target, groups), whatever the file format; computed anew."""
        return content_digest(self)

    @property
    def source(self) -> tuple[str, str]:
        """The name, and the SHA-256 of ids and key columns: the rows, whatever is learned of them; computed anew."""
        return self.name, rows_digest(self)

    @property
    def task(self) -> Task | None:
        """The task that the target asks for; None without a target."""
        if self.target is None:
            return None
        if not self.classes:
            return Task.REGRESSION
        return Task.BINARY if len(self.classes) == 2 else Task.MULTICLASS

    @property
    def keys(self) -> tuple[Column, ...]:
        """The columns that say what a row is."""
        return tuple(self.columns[role] for role in KEY_COLUMNS[self.kind])

    def take(self, rows: Rows) -> Dataset:
        """Return the given rows, in that order, as a data set of the same name."""
        rows = np.asarray(rows, dtype=np.int64)
        return dataclasses.replace(
            self,
            ids=self.ids[rows],
            columns={role: take_rows(column, rows) for role, column in self.columns.items()},
            target=None if self.target is None else self.target[rows],
            groups=None if self.groups is None else self.groups[rows],
        )

    def batches(self, size: int) -> Iterator[Dataset]:
        """Yield the rows in order, at most `size` at a time; lazy columns fetch only those rows."""
        if size < 1:
            raise UsageError(f"a batch holds at least one row, not {size}")
        for start in range(0, len(self), size):
            yield self.take(np.arange(start, min(start + size, len(self)), dtype=np.int64))

    def rows_at_once(self, most: int) -> int:
        """Return how many rows, `most` at most, to encode at a time so that a wide matrix does not fill the memory."""
        return max(1, min(most, MOST_VALUES // max(1 if self.features is None else len(self.features), 1)))

    def with_target(self, role: str) -> Dataset:
        """Return the same rows with a numeric column as the target: a number to regress on."""
        values = np.asarray(self.columns[role], dtype=np.float64)
        return dataclasses.replace(self, target=values, classes=())


def _rows_of(column: Column) -> int:
    if isinstance(column, LazyColumn):
        return len(column)
    return int(column.shape[0])


def content_digest(dataset: Dataset) -> str:
    """Return the SHA-256 of ids, key columns, target and groups: the same rows give the same digest."""
    digest = hashlib.sha256()
    digest.update(f"{dataset.kind}|{len(dataset)}|{','.join(dataset.classes)}".encode())
    digest.update("\n".join(dataset.ids.tolist()).encode())
    for column in dataset.keys:
        digest.update(_column_bytes(column))
    if dataset.target is not None:
        digest.update(np.ascontiguousarray(dataset.target).tobytes())
    if dataset.groups is not None:
        digest.update("\n".join(dataset.groups.tolist()).encode())
    return digest.hexdigest()


def rows_digest(dataset: Dataset) -> str:
    """Return the SHA-256 of ids and key columns."""
    return content_digest(dataclasses.replace(dataset, target=None, classes=(), groups=None))


def are_row_numbers(ids: Iterable[str], most: int) -> bool:
    """Return whether all ids are plain numbers of rows up to `most`: they name no row outside their own file."""
    longest = len(str(most))
    return all(
        len(row) <= longest and row.isascii() and row.isdecimal() and row == str(int(row)) and int(row) <= most
        for row in ids
    )


def _column_bytes(column: Column) -> bytes:
    if isinstance(column, Sequences):
        return column.digest().encode()
    if isinstance(column, np.ndarray):
        return _array_digest(column)
    if isinstance(column, RowView):
        return column.digest_bytes()
    if isinstance(column, LazyColumn):  # one that knows its own content says so
        return str(getattr(column, "digest", "")).encode()
    return b"".join(map(_array_digest, (column.indptr, column.indices, column.data)))


def _array_digest(array: NDArray[Any]) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data).digest()


def concatenate(datasets: list[Dataset], name: str) -> Dataset:
    """Stack data sets of one kind and task; the text column `ORIGIN` says where each row came from.

    Only columns that all of them have are kept. Ids become ``name:id``, so they stay unique.
    """
    from scipy import sparse

    def stack(parts: list[Any]) -> Any:
        if isinstance(parts[0], Sequences):
            return Sequences.concat(parts)
        return sparse.vstack(parts, format="csr") if sparse.issparse(parts[0]) else np.concatenate(parts)

    first = datasets[0]
    if any(other.kind != first.kind or other.classes != first.classes for other in datasets):
        raise UsageError(f"{', '.join(d.name for d in datasets)} differ in kind or classes and cannot be joined")
    shared = set.intersection(*(set(d.columns) for d in datasets)) - {ORIGIN}
    columns = {role: stack([d.columns[role] for d in datasets]) for role in sorted(shared)}
    columns[ORIGIN] = np.repeat([d.name for d in datasets], [len(d) for d in datasets])
    has_groups = all(d.groups is not None for d in datasets)
    has_target = all(d.target is not None for d in datasets)
    return Dataset(
        name=name,
        kind=first.kind,
        ids=np.concatenate([np.char.add(f"{d.name}:", d.ids) for d in datasets]),
        columns=columns,
        target=np.concatenate([d.target for d in datasets if d.target is not None]) if has_target else None,
        classes=first.classes,
        groups=np.concatenate([d.groups for d in datasets if d.groups is not None]) if has_groups else None,
        features=first.features,
        about=About(
            simulated=any(d.about.simulated for d in datasets),
            warning="; ".join(f"{d.name}: {d.about.warning}" for d in datasets if d.about.warning),
        ),
    )
