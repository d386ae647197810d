"""What the name of a column says it holds: a batch or a unit that rows were made in, the target, the split, a role."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = [
    "BATCHES", "CLASSES", "EFFICACY", "GENE", "GROUPS", "GUIDE", "LABEL", "OTHER_ROLES", "PAIR", "SEQUENCE", "SPLIT",
    "TARGETS", "TELLING", "UNITS", "named_split", "named_target", "plain", "tells_no_target",
]  # fmt: skip

BATCHES = frozenset({
    "batch", "plate", "file", "filename", "sourcefile", "source", "origin", "run", "lane", "flowcell", "centre",
    "center", "site", "lab", "laboratory", "library", "experiment", "dataset", "study", "cohort", "series", "chip",
    "array", "platform", "technology", "date", "operator", "technician", "replicate", "rep", "sequencer", "instrument",
    "pool",
})  # fmt: skip
UNITS = frozenset({
    "donor", "patient", "subject", "individual", "participant", "animal", "mouse", "sample", "specimen",
})  # fmt: skip
TARGETS = ("label", "target", "class", "y")
"""The names of a matrix's target, the most telling first."""
SPLIT = "split"
PARTS = frozenset({SPLIT, "part", "fold"})
GUIDE = ("guide", "sgrna", "grna", "guideseq", "guidesequence", "sgrnasequence", "sgrnaseq", "grnasequence",
         "spacer", "protospacer", "23mer", "20mer", "target", "targetseq", "targetsequence", "seq",
         "sequence")  # fmt: skip
TELLING = GUIDE[: GUIDE.index("target")]
"""Names of a guide's column whatever the cells say; the others may head anything."""
LABEL = ("label", "class", "efficient", "active", "y", "islabel", "efficacy", "target", "binarylabel")
CLASSES = ("label", "class", "efficient", "active", "islabel", "binarylabel")
"""Names of a class; under the other names of `LABEL` all cells of the file decide, not the first ones."""
EFFICACY = ("efficacy", "normalizedefficacy", "normalisedefficacy", "indel", "indels", "indelfrequency",
            "efficiency", "activity", "score")  # fmt: skip
"""No fold changes: in a drop-out screen active means negative, and the sign is the author's to say."""
OTHER_ROLES = {
    "context": ("context", "30mer", "extendedsequence"),
    "chrom": ("chrom", "chr", "chromosome", "seqname", "seqnames"),
    "start": ("start", "chromstart", "position", "pos"),
    "end": ("end", "chromend", "stop"),
    "strand": ("strand", "direction"),
    "raw_value": ("rawvalue",),
    "dataset": ("dataset",),
}
GENE = ("gene", "genesymbol", "genename", "targetgene", "symbol", "hgncsymbol", "hgnc", "geneid", "ensemblid")
PAIR = (("seq1", "seq2"), ("sequence1", "sequence2"), ("on", "off"))
SEQUENCE = ("sequence", "seq", "dna", "promoter")
GROUPS = ("gene", "genesymbol", "group", "simgroup", "family", "genefamily", "orthogroup", "locuscluster", "patient",
          "donor")  # fmt: skip


def plain(name: str) -> str:
    """Return the letters of a name, small, without an ending such as ``_id``."""
    return re.sub(r"[^a-z]", "", re.sub(r"[_. ](id|name|no|number|nr)$", "", name.casefold()))


def tells_no_target(name: str) -> bool:
    """Return whether a column says how rows were made or dealt out, and so is nothing to predict unasked."""
    return plain(name) in BATCHES | UNITS | PARTS


def named_target(names: Iterable[str]) -> str:
    """Return the column that is called as a target is, or ""; a ``y`` beside an ``x`` is a place."""
    by_word: dict[str, str] = {}
    for name in names:
        by_word.setdefault(name.strip().casefold(), name)
    words = TARGETS[:-1] if "x" in by_word else TARGETS
    return next((by_word[word] for word in words if word in by_word), "")


def named_split(names: Iterable[str]) -> str:
    """Return the column that is called ``split``, or ""."""
    return next((name for name in names if name.strip().casefold() == SPLIT), "")
