"""The settings of `genotool deepdife motifs`: TF-MoDISco's, with the defaults of modisco-lite, and JASPAR's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from genotool.config import Field

__all__ = ["MotifConfig"]


@dataclass(frozen=True, slots=True)
class MotifConfig:
    """What is looked for, and what it is matched to."""

    collection: Annotated[str, Field("collection of JASPAR")] = "CORE"
    taxon: Annotated[str, Field("taxonomic group of JASPAR")] = "plants"
    release: Annotated[str | None, Field("release of JASPAR, such as JASPAR2024; none: the newest at hand")] = None
    q: Annotated[float, Field("largest q-value of a match that counts", gt=0, le=1)] = 0.05
    null: Annotated[
        bool, Field("also look for patterns where the positions of each row are shuffled; twice the time")
    ] = False
    if_enough: Annotated[
        bool, Field("rows that hold too little to be clustered are a result without patterns, not an error")
    ] = False
    window: Annotated[int, Field("positions over which contributions are added up to find seqlets", ge=3)] = 21
    flank: Annotated[int, Field("positions that a seqlet has on each side of that window", ge=1)] = 10
    seqlet_fdr: Annotated[float, Field("share of seqlets that may be noise", gt=0, lt=1)] = 0.2
    max_seqlets: Annotated[
        int, Field("seqlets of a sign that are clustered, at most: the first, in the order of the rows", ge=101)
    ] = 20_000
    min_seqlets: Annotated[int, Field("a sign with no more seqlets than this is not clustered", ge=20)] = 100
    min_pattern: Annotated[int, Field("seqlets that a pattern has at least", ge=2)] = 20
    clusterings: Annotated[int, Field("runs of the clustering, of which the best is taken", ge=1)] = 50
