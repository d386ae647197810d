"""What motif discovery comes to: ``motifs.json``, and the tables of patterns, matches and seqlets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from genotool.run import Run
from numpy.typing import NDArray

from genotool_deepdife.attributed import Attributed
from genotool_deepdife.cores import LEAST_SITE_BITS, SITE, Stretch, consensus, core, site_bits
from genotool_deepdife.evidence import Evidence, Sites, covered
from genotool_deepdife.matching import FEW_MOTIFS, Match, Matched
from genotool_deepdife.modisco import Pattern

__all__ = ["Result", "given_motifs", "speaks_for", "summarised", "write_tables"]

MATCHES_SHOWN = 5
MOTIF = ("id", "name", "family", "class", "p", "q")
"""What the tables say of a match."""
NOTES = (
    "a pattern is what the model reads, not where a protein binds: a factor of the same family, or none that is known, "
    "may be behind it",
    "q is that of a match, by Benjamini and Hochberg over all patterns x all motifs of the run: it says whether two "
    "motifs are alike by more than chance. It says nothing of whether the pattern is real, and nothing of the model",
    f"a core whose best {SITE} letters tell fewer than {LEAST_SITE_BITS:g} bits is called no motif, whatever its "
    "match: TOMTOM finds wide, faint patterns alike for what they lack",
    "two sites that are often near each other make one pattern: what the best match leaves of a core is matched by "
    "itself, where it tells as much as a site, and is named as the motif beside it",
    "motifs of one family are alike: read the family before the name of the best match; patterns that match one family "
    "may be forms of one site, which TF-MoDISco has not put together: each says which others do",
    "a share is what the cores of a pattern's seqlets hold of all contributions of its sign, wherever these lie in the "
    "rows; contributions of no pattern, noise among them, are in the whole",
    "seqlets are the windows of largest contributions, at least 3 % of all windows whatever the model has learned: "
    "how many there are is no evidence, that they are alike is",
)


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """A pattern with its sites, its evidence over all rows and each class, and what its core and the rest match."""

    pattern: Pattern
    sites: Sites
    evidence: Mapping[str, Evidence]
    matched: Sequence[Matched]

    @property
    def matches(self) -> Sequence[Match]:
        """Those of the core, the likeliest first."""
        return self.matched[0].matches

    def shares(self, stretch: Stretch) -> NDArray[np.float64]:
        """Return (width, 4) the share of each base."""
        return self.pattern.sequence[slice(*stretch)]

    def under(self, q: float) -> list[Match]:
        """Return the matches of the core with no larger q; none of a core that tells too little."""
        return [match for match in self.matches if match.q <= q] if self._tells else []

    def beside(self, q: float) -> list[Matched]:
        """Return what is left of the core and has such a match by itself, with those matches alone."""
        found = [Matched(one.stretch, [match for match in one.matches if match.q <= q]) for one in self.matched[1:]]
        return [one for one in found if one.matches] if self._tells else []

    @property
    def _tells(self) -> bool:
        return site_bits(self.shares(core(self.pattern))) >= LEAST_SITE_BITS


def given_motifs(config: Mapping[str, Any]) -> str | None:
    """Return what is to be said of a model that was given motifs to read with; None of one that was not."""
    if config.get("init_motifs") != "jaspar":
        return None
    whose = f"JASPAR's own motifs ({config.get('motif_collection')}, {config.get('motif_taxon')})"
    alone = config.get("filters") == [0]
    how = f"nothing but fixed filters that are {whose}" if alone else f"fixed filters that are {whose}, beside its own"
    return (
        f"The model reads sequences with {how}: that patterns are like motifs of JASPAR was built in. It is no "
        "discovery, nor does it show that a factor binds; which of them count, for what and where, was learned."
    )


def speaks_for(sign: int, classes: Sequence[str]) -> str:
    """Return the class that contributions of a sign are evidence for; of a number, whether it is higher or lower."""
    if len(classes) == 2:
        return f"class {classes[1] if sign > 0 else classes[0]}"
    return "higher" if sign > 0 else "lower"


def summarised(
    results: Sequence[Result], explained: Attributed, *, seqlets: Mapping[str, int], settings: Mapping[str, Any],
    motifs: int, release: str, null: Mapping[str, Any] | None, remarks: Sequence[str] = (),
) -> dict[str, Any]:  # fmt: skip
    """Return the content of ``motifs.json``."""
    contributions = explained.contributions
    rows, length = contributions.shape
    notes, most = list(NOTES), settings["max_seqlets"]
    if motifs < FEW_MOTIFS:
        notes.append(f"{motifs} motifs are few: p-values depend on which they are")
    if max(seqlets.values()) > most:
        notes.append(f"of the seqlets of a sign only the first {most} were clustered, in the order of the rows")
    return {
        "format": 1,
        "data": str(explained.about.get("data", "")),
        "rows": rows,
        "length": length,
        "method": str(explained.about.get("method", "")),
        "exact": explained.exact,
        "classes": list(explained.classes),
        "settings": dict(settings),
        "remarks": list(remarks),
        "jaspar": {**{name: settings[name] for name in ("collection", "taxon")}, "release": release, "motifs": motifs},
        "seqlets": dict(seqlets),
        "not_clustered": [sign for sign, count in seqlets.items() if count <= settings["min_seqlets"]],
        "comparisons": motifs * sum(len(result.matched) for result in results),
        "covered": covered([(result.pattern, result.sites) for result in results], contributions),
        "patterns": [
            _described(result, explained.classes, settings["q"]) | {"alike": _alike(result, results, settings["q"])}
            for result in results
        ],
        "null": null,
        "notes": notes,
    }


def _described(result: Result, classes: Sequence[str], q: float) -> dict[str, Any]:
    pattern, found = result.pattern, result.sites
    return {
        "name": pattern.name,
        "sign": pattern.sign,
        "speaks_for": speaks_for(pattern.sign, classes),
        "consensus": consensus(result.shares(core(pattern))),
        "bits": round(site_bits(result.shares(core(pattern))), 2),
        "seqlets": len(found.rows),
        "evidence": {name: asdict(held) for name, held in result.evidence.items()},
        "median_position": _middle(found),
        "matched": bool(result.under(q)),
        "matches": [_match(match) for match in result.matches[:MATCHES_SHOWN]],
        "beside": [
            {"consensus": consensus(result.shares(one.stretch)), "matches": [*map(_match, one.matches[:MATCHES_SHOWN])]}
            for one in result.beside(q)
        ],
    }


def _alike(result: Result, results: Sequence[Result], q: float) -> list[str]:
    """Return the other patterns of its sign that match the same motif best, or one of the same family."""

    def known(one: Result) -> tuple[object, ...]:
        best = next(iter(one.under(q)), None)
        return () if best is None else (one.pattern.sign, best.motif.families or best.motif.matrix_id)

    others = [one for one in results if one is not result and known(one)]
    return [one.pattern.name for one in others if known(one) == known(result)]


def _middle(found: Sites) -> float:
    """Return the median position of the middles of cores, from 1."""
    return float(np.median((found.starts + found.ends - 1) / 2 + 1))


def _match(match: Match) -> dict[str, Any]:
    motif = match.motif
    return {
        "id": motif.matrix_id, "name": motif.name, "family": ", ".join(motif.families),
        "class": ", ".join(motif.classes), "p": match.p, "q": match.q, "turned": match.turned,
    }  # fmt: skip


def write_tables(run: Run, results: Sequence[Result], explained: Attributed, q: float) -> None:
    """Write ``patterns.tsv``, ``matches.tsv`` (those with a q of `q` or less) and ``seqlets.tsv``."""
    classes = explained.classes if explained.target is not None else ()
    parts = [f"{what}_{name}" for name in classes for what in ("sequences_class", "share_class")]
    own = ("pattern", "sign", "speaks_for", "seqlets", "sequences", "consensus", "bits", "share")
    head = (*own, *parts, "median_position", *(f"match_{name}" for name in MOTIF), "beside")
    run.write_table("patterns.tsv", head, (_pattern(result, explained, q) for result in results))
    head = ("pattern", *(f"match_{name}" for name in MOTIF[:4]), "p", "q", "offset", "overlap", "strand", "letters")
    run.write_table("matches.tsv", head, (line for result in results for line in _lines(result, q)))
    head = ("id", "start", "end", "strand", "pattern", "contribution")
    run.write_table("seqlets.tsv", head, (line for result in results for line in _seqlets(result, explained)))


def _pattern(result: Result, explained: Attributed, q: float) -> list[object]:
    said, every = _described(result, explained.classes, q), result.evidence["all"]
    held = [result.evidence[name] for name in (explained.classes if explained.target is not None else ())]
    parts = [value for one in held for value in (one.rows, one.share)]
    beside = (
        f"{one['consensus']}: {one['matches'][0]['name']} ({one['matches'][0]['family']})" for one in said["beside"]
    )
    return [
        said["name"], said["sign"], said["speaks_for"], said["seqlets"], every.rows, said["consensus"], said["bits"],
        every.share, *parts, said["median_position"], *_cells(result.matches[0]), "; ".join(beside),
    ]  # fmt: skip


def _lines(result: Result, q: float) -> Iterator[list[object]]:
    """Yield the matches of a core, then of what is beside its best one."""
    for one in (Matched(core(result.pattern), result.under(q)), *result.beside(q)):
        letters = consensus(result.shares(one.stretch))
        for match in one.matches:
            strand = "-" if match.turned else "+"
            yield [result.pattern.name, *_cells(match), match.offset, match.overlap, strand, letters]


def _cells(match: Match) -> list[object]:
    said = _match(match)
    return [said[name] for name in MOTIF]


def _seqlets(result: Result, explained: Attributed) -> Iterator[list[object]]:
    found = result.sites
    for row, start, end, turned, sum_ in zip(
        found.rows.tolist(), found.starts.tolist(), found.ends.tolist(), found.turned.tolist(),
        found.contributions.tolist(), strict=True,
    ):  # fmt: skip
        yield [explained.ids[row], start + 1, end, "-" if turned else "+", result.pattern.name, round(sum_, 6)]
