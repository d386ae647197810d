"""EvoAug: evolution-inspired augmentations of training sequences, which keep their length.

Training rows are changed anew in every epoch; validation and prediction see the rows as they are. A row's changes
follow from seed, epoch and row number alone: they are the same for any thread count, batch size and order of batches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genotool import _native
from genotool.config import Field
from genotool.errors import UsageError
from genotool.kernels import choice, kernel_errors, natural, target_array
from genotool.sequences import Sequences

__all__ = ["EvoAug"]


@dataclass(frozen=True, slots=True)
class EvoAug:
    """Which augmentations [1]_ rows get; a family nests this in its config. The defaults are the paper's for enhancers.

    Applied in this order: deletion, reverse complement, insertion, translocation, inversion, mutation, noise. Each row
    gets `per_row` of those that are on, drawn anew in every epoch. The distributions are those of the authors' package
    (evoaug 1.0.6), but for the length, which stays: of a row made longer by an insertion, the middle is kept.

    References
    ----------
    .. [1] Lee, Tang, Koo (2023), Genome Biol 24, 105. doi:10.1186/s13059-023-02941-w
    """

    per_row: Annotated[int, Field("augmentations a row; 0: none at all", ge=0, le=7)] = 2
    mode: Annotated[Literal["hard", "soft"], Field("hard: exactly so many a row; soft: 1 to so many")] = "hard"
    deletion_min: Annotated[int, Field("fewest letters taken out", ge=0)] = 0
    deletion_max: Annotated[
        int, Field("most letters taken out, made up for by random ones at both ends; 0: off", ge=0)
    ] = 30
    reverse_complement: Annotated[float, Field("probability of the reverse complement; 0: off", ge=0, le=1)] = 0.5
    insertion_min: Annotated[int, Field("fewest random letters put in", ge=0)] = 0
    insertion_max: Annotated[int, Field("most random letters put in, both ends being cut; 0: off", ge=0)] = 20
    translocation_min: Annotated[int, Field("fewest letters by which a row is rolled, either way", ge=0)] = 0
    translocation_max: Annotated[int, Field("most letters by which a row is rolled; 0: off", ge=0)] = 20
    inversion_min: Annotated[int, Field("shortest stretch turned into its reverse complement", ge=0)] = 0
    inversion_max: Annotated[int, Field("longest stretch turned into its reverse complement; 0: off", ge=0)] = 0
    mutation: Annotated[float, Field("share of letters that become another one; 0: off", ge=0, le=0.75)] = 0.05
    noise_mean: Annotated[float, Field("mean of the Gaussian noise added to every value")] = 0.0
    noise_sd: Annotated[float, Field("its standard deviation; 0, with a mean of 0: off", ge=0)] = 0.3

    @classmethod
    def none(cls) -> EvoAug:
        """Return the settings that leave every row as it is."""
        return cls(per_row=0)

    @property
    def enabled(self) -> bool:
        """Whether any row is ever changed."""
        on = (
            self.deletion_max, self.reverse_complement, self.insertion_max, self.translocation_max, self.inversion_max,
            self.mutation, self.noise_mean, self.noise_sd,
        )  # fmt: skip
        return self.per_row > 0 and any(on)

    def augment(
        self,
        x: NDArray[np.float32],
        rows: ArrayLike,
        *,
        seed: int,
        epoch: int,
        layout: Literal["nlc", "ncl"] = "nlc",
        out: NDArray[np.float32] | None = None,
        threads: int | None = None,
    ) -> NDArray[np.float32]:
        """Augment a one-hot batch.

        Parameters
        ----------
        x
            (n, length, 4) float32, or (n, 4, length) in the layout "ncl"; A, C, G, T. N (zeros) moves as it is.
        rows
            (n,) the number of each row in the training data: equal numbers get equal random numbers.
        seed, epoch
            0 to 2**64 - 1.
        out
            Where to write: C-contiguous, of the shape and dtype of `x`, not `x` itself.

        Returns
        -------
        As `x`.

        Raises
        ------
        UsageError
            Another shape or dtype, a stretch longer than the rows, a minimum above its maximum.
        """
        choice("layout", layout, ("nlc", "ncl"))
        channel = 2 if layout == "nlc" else 1
        if not isinstance(x, np.ndarray) or x.dtype != np.float32 or x.ndim != 3 or x.shape[channel] != 4:
            found = f"{x.dtype} {x.shape}" if isinstance(x, np.ndarray) else type(x).__name__
            raise UsageError(f"a one-hot batch in the layout {layout} is float32 with 4 channels, not {found}")
        target = target_array(out, x.shape, x.dtype)
        if np.may_share_memory(target, x):
            raise UsageError("out must not be the batch itself")
        values, target_values = np.ascontiguousarray(x).reshape(-1), target.reshape(-1)
        numbers = _numbers(rows, len(x))
        with kernel_errors():
            _native.augment_one_hot(
                values, numbers, target_values, layout, self._settings(), *_seeds(seed, epoch), threads
            )
        return target

    def augment_sequences(
        self, sequences: Sequences, rows: ArrayLike, *, seed: int, epoch: int, threads: int | None = None
    ) -> Sequences:
        """Augment letters, each row at its own length: what `augment` does to their one-hot encoding.

        Raises
        ------
        UsageError
            If noise, which letters cannot take, is on; a stretch longer than a row.
        """
        out, numbers = np.empty_like(sequences.data), _numbers(rows, len(sequences))
        with kernel_errors():
            _native.augment_letters(
                sequences.data, sequences.offsets, numbers, out, self._settings(), *_seeds(seed, epoch), threads
            )
        return Sequences._made(out, sequences.offsets)

    def _settings(self) -> tuple[Any, ...]:
        return (
            self.per_row,
            self.mode == "hard",
            (self.deletion_min, self.deletion_max),
            self.reverse_complement,
            (self.insertion_min, self.insertion_max),
            (self.translocation_min, self.translocation_max),
            (self.inversion_min, self.inversion_max),
            self.mutation,
            (self.noise_mean, self.noise_sd),
        )


def _numbers(rows: ArrayLike, count: int) -> NDArray[np.int64]:
    numbers = np.ascontiguousarray(rows, np.int64)
    if numbers.shape != (count,):
        raise UsageError(f"{count} row numbers are needed, not an array of shape {numbers.shape}")
    return numbers


def _seeds(seed: int, epoch: int) -> tuple[int, int]:
    for name, number in (("seed", seed), ("epoch", epoch)):
        if natural(name, number) >= 1 << 64:
            raise UsageError(f"{name} must be below 2**64, {number} is not")
    return int(seed), int(epoch)
