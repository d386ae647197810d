"""TF-MoDISco: short stretches of large contributions ("seqlets"), clustered to patterns, both strands together.

Shrikumar et al. 2018 (arXiv:1811.00416), through the package modisco-lite. All of its randomness has fixed seeds, and
its result does not depend on the number of threads. Its own workers are forked: no framework may be in this process.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from genotool.errors import InputError
from numpy.typing import NDArray

from genotool_deepdife.motif_settings import MotifConfig

__all__ = ["SIGNS", "Pattern", "Patterns", "check_enough", "discover", "seqlets_of", "shuffled"]

SIGNS = {"pos": 1, "neg": -1}
"""What patterns are called by the sign of their contributions: they raise or lower the prediction."""


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """A cluster of aligned seqlets.

    Attributes
    ----------
    name
        ``pos_0``: in ``modisco.h5`` the group ``pos_patterns/pattern_0``.
    sign
        1: raises the prediction; -1: lowers it.
    sequence
        (width, 4) float64: the share of each base among the seqlets.
    contributions
        (width, 4) float64: the mean contribution of each base, 0 where a seqlet has another.
    rows, starts, ends
        (m,) int64: where the seqlets are; positions from 0, the end not included.
    turned
        (m,) bool: whether a seqlet is on the reverse strand.
    """

    name: str
    sign: int
    sequence: NDArray[np.float64]
    contributions: NDArray[np.float64]
    rows: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    turned: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Patterns:
    """What TF-MoDISco found; `found` are the package's own objects, by sign, None where a sign was not clustered."""

    patterns: tuple[Pattern, ...]
    found: Mapping[str, Sequence[Any] | None]

    def save(self, file: Path, length: int) -> None:
        """Write the HDF5 file of modisco-lite, which other tools read."""
        from modiscolite.io import save_hdf5

        temporary = file.with_name(f".{file.name}.part")
        try:
            save_hdf5(temporary, self.found["pos"], self.found["neg"], length)
            temporary.replace(file)
        finally:
            temporary.unlink(missing_ok=True)


def check_enough(rows: int, length: int, settings: MotifConfig, file: Path) -> None:
    """Raise InputError where so few or so short rows cannot hold the seqlets that TF-MoDISco asks for."""
    least = settings.window + 2 * settings.flank
    places = length - least + 1
    if places < 1:
        raise InputError(f"rows of {length} positions are too short: a seqlet has {least}", file=file)
    apart = settings.window // 2 + settings.flank + 1
    each = -(-places // apart)
    if rows * each <= settings.min_seqlets:
        said = f"{rows} rows of {length} positions hold {rows * each} seqlets at most; TF-MoDISco clusters more than "
        hint = f"explain more rows, at least {settings.min_seqlets // each + 1}, better several hundred: --count"
        raise InputError(f"{said}{settings.min_seqlets}", file=file, hint=hint)


def seqlets_of(contributions: NDArray[np.float32], settings: MotifConfig) -> dict[str, int]:
    """Return how many seqlets of each sign TF-MoDISco will cluster: seconds, where clustering takes minutes.

    Raises
    ------
    InputError
        If the contributions are not of both signs: their null distribution cannot be fitted.
    """
    from modiscolite import precompile
    from modiscolite.extract_seqlets import extract_seqlets

    precompile.start()  # keeps what numba compiles: else every run compiles again for longer than it clusters
    if not contributions.any():
        return dict.fromkeys(SIGNS, 0)
    try:
        found, threshold = extract_seqlets(
            attribution_scores=contributions,
            window_size=settings.window,
            flank=settings.flank,
            suppress=settings.window // 2 + settings.flank,
            target_fdr=settings.seqlet_fdr,
            min_passing_windows_frac=0.03,
            max_passing_windows_frac=0.2,
            weak_threshold_for_counting_sign=0.8,
        )
    except (ValueError, IndexError, ZeroDivisionError) as error:
        hint = "it needs contributions of both signs, not the same in all rows"
        raise InputError(f"TF-MoDISco cannot tell these contributions from noise: {error}", hint=hint) from error
    middle = slice(settings.flank, -settings.flank)
    sums = np.array([contributions[one.example_idx, one.start : one.end][middle].sum() for one in found])
    return {name: int((sums * sign > threshold).sum()) for name, sign in SIGNS.items()}


def discover(inputs: NDArray[np.uint8], hypothetical: NDArray[np.float32], settings: MotifConfig) -> Patterns:
    """Return the patterns of both signs.

    Parameters
    ----------
    inputs, hypothetical
        (n, length, 4).
    """
    from modiscolite.tfmodisco import TFMoDISco

    # float32 tracks, one shape: what the package's faster kernels ask for
    with contextlib.redirect_stdout(io.StringIO()):
        positive, negative = TFMoDISco(
            inputs.astype(np.float32),
            hypothetical,
            sliding_window_size=settings.window,
            flank_size=settings.flank,
            target_seqlet_fdr=settings.seqlet_fdr,
            max_seqlets_per_metacluster=settings.max_seqlets,
            min_metacluster_size=settings.min_seqlets,
            final_min_cluster_size=settings.min_pattern,
            n_leiden_runs=settings.clusterings,
        )
    found = {"pos": positive, "neg": negative}
    return Patterns(tuple(_pattern(name, number, one) for name, ones in found.items()
                          for number, one in enumerate(ones or ())), found)  # fmt: skip


def _pattern(sign: str, number: int, found: Any) -> Pattern:
    seqlets = found.seqlets
    return Pattern(
        name=f"{sign}_{number}",
        sign=SIGNS[sign],
        sequence=np.asarray(found.sequence, np.float64),
        contributions=np.asarray(found.contrib_scores, np.float64),
        rows=np.array([int(one.example_idx) for one in seqlets], np.int64),
        starts=np.array([int(one.start) for one in seqlets], np.int64),
        ends=np.array([int(one.end) for one in seqlets], np.int64),
        turned=np.array([bool(one.is_revcomp) for one in seqlets], np.bool_),
    )


def shuffled(
    inputs: NDArray[np.uint8], hypothetical: NDArray[np.float32], seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return both with the positions of each row in a random order: the same contributions, and no motif left."""
    rng = np.random.default_rng(seed)
    order = rng.permuted(np.tile(np.arange(inputs.shape[1]), (len(inputs), 1)), axis=1)[:, :, None]
    return np.take_along_axis(inputs, order, axis=1), np.take_along_axis(hypothetical, order, axis=1)
