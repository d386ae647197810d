"""Random sequences with the dinucleotides of others: what is left of a signal when only its composition is."""

from __future__ import annotations

import numpy as np

from genotool import _native
from genotool.errors import UsageError
from genotool.kernels import kernel_errors, natural
from genotool.sequences import Sequences

__all__ = ["dinucleotide_shuffle"]


def dinucleotide_shuffle(sequences: Sequences, *, seed: int, threads: int | None = None) -> Sequences:
    """Shuffle each row so that every dinucleotide occurs as often as before and the first and last letter stay [1]_.

    Each sequence with these dinucleotides and ends is as likely as any other (the tree of last exits is drawn as by
    Wilson [2]_). Row i depends on its letters, `seed` and i alone: equal rows are shuffled differently, and the thread
    count does not matter. N and the other IUPAC letters are letters as any; a row of up to three letters, or of one
    letter throughout, stays as it is.

    Parameters
    ----------
    seed
        0 to 2**64 - 1.

    Returns
    -------
    Sequences
        As many rows, each of its length.

    Raises
    ------
    UsageError
        A seed that is no such number.

    References
    ----------
    .. [1] Altschul and Erickson (1985), Mol Biol Evol 2, 526. doi:10.1093/oxfordjournals.molbev.a040370
    .. [2] Wilson (1996), Proc. 28th ACM Symposium on Theory of Computing, 296. doi:10.1145/237814.237880
    """
    if natural("seed", seed) >= 1 << 64:
        raise UsageError(f"seed must be below 2**64, {seed} is not")
    out = np.empty_like(sequences.data)
    with kernel_errors():
        _native.dinucleotide_shuffle(sequences.data, sequences.offsets, out, int(seed), threads)
    return Sequences(out, sequences.offsets)
