"""The compiled kernels; use them through `genotool.sequences` and `genotool.readers.fasta`."""

from os import PathLike
from typing import Any

from numpy import bool_, float32, float64, int8, int64, uint8
from numpy.typing import NDArray

__version__: str

class KernelError(ValueError):
    """What a kernel refused: args are (kind, message, row, value, hint); row counts from zero."""

def pack_texts(texts: list[str]) -> tuple[NDArray[uint8], NDArray[int64]]: ...
def read_fasta(
    path: str | PathLike[str], duplicates: bool, empty: bool
) -> tuple[list[str], list[str], NDArray[uint8], NDArray[int64]]: ...
def normalise(data: NDArray[uint8], offsets: NDArray[int64]) -> None: ...
def validate(data: NDArray[uint8], offsets: NDArray[int64], allowed: str) -> None: ...
def take(
    data: NDArray[uint8],
    offsets: NDArray[int64],
    rows: NDArray[int64],
    out: NDArray[uint8],
    out_offsets: NDArray[int64],
) -> None: ...
def one_hot(
    data: NDArray[uint8],
    offsets: NDArray[int64],
    out: NDArray[Any],
    layout: str,
    length: int,
    align: str,
    strict: bool,
    threads: int | None,
) -> None: ...
def kmers(
    data: NDArray[uint8],
    offsets: NDArray[int64],
    out: NDArray[Any],
    k: int,
    length: int,
    special: bool,
    truncate: bool,
    threads: int | None,
) -> None: ...
def reverse_complement(
    data: NDArray[uint8], offsets: NDArray[int64], out: NDArray[uint8], threads: int | None
) -> None: ...
def dinucleotide_shuffle(
    data: NDArray[uint8], offsets: NDArray[int64], out: NDArray[uint8], seed: int, threads: int | None
) -> None: ...
def row_hashes(data: NDArray[uint8], offsets: NDArray[int64], out: NDArray[Any], threads: int | None) -> None: ...
def sites(
    data: NDArray[uint8], offsets: NDArray[int64], pam: str, spacer: int, threads: int | None
) -> tuple[NDArray[int64], NDArray[int64], NDArray[bool_], NDArray[uint8], NDArray[int64], int]: ...
def overlaps(
    data: NDArray[uint8],
    offsets: NDArray[int64],
    references: tuple[NDArray[uint8], NDArray[int64]] | None,
    mismatches: int,
    reverse: bool,
    ignore: list[int],
    best: bool,
    threads: int | None,
) -> tuple[NDArray[int64], NDArray[int64], NDArray[uint8], NDArray[int8]]: ...
def homologs(
    data: NDArray[uint8],
    offsets: NDArray[int64],
    others: tuple[NDArray[uint8], NDArray[int64]] | None,
    k: int,
    shared: int,
    threads: int | None,
) -> tuple[NDArray[int64], NDArray[int64], NDArray[int64], NDArray[int64], int, int]: ...
def augment_one_hot(
    values: NDArray[float32],
    rows: NDArray[int64],
    out: NDArray[float32],
    layout: str,
    given: tuple[Any, ...],
    seed: int,
    epoch: int,
    threads: int | None,
) -> None: ...
def augment_letters(
    data: NDArray[uint8],
    offsets: NDArray[int64],
    rows: NDArray[int64],
    out: NDArray[uint8],
    given: tuple[Any, ...],
    seed: int,
    epoch: int,
    threads: int | None,
) -> None: ...
def choose_orthologs(
    offsets: NDArray[int64],
    members: NDArray[int64],
    rows: NDArray[int64],
    out: NDArray[int64],
    rate: float,
    seed: int,
    epoch: int,
) -> None: ...
def gather_one_hot(
    data: NDArray[uint8],
    offsets: NDArray[int64],
    rows: NDArray[int64],
    out: NDArray[Any],
    layout: str,
    length: int,
    align: str,
    threads: int | None,
) -> None: ...
def index_fasta(path: str | PathLike[str]) -> list[tuple[str, int, int, int, int]]: ...
def fetch_windows(
    file: NDArray[uint8],
    index: list[tuple[int, int, int, int]],
    contig: NDArray[int64],
    start: NDArray[int64],
    end: NDArray[int64],
    minus: NDArray[bool_],
    out: NDArray[uint8],
    layout: str | None,
    threads: int | None,
) -> None: ...
def kmeans(
    values: NDArray[float64],
    draws: NDArray[float64],
    clusters: int,
    tolerance: float,
    iterations: int,
    threads: int | None,
) -> tuple[NDArray[int64], NDArray[float64]]: ...
