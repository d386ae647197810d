"""predict --scan: every site of some sequences, scored, ranked, chosen from and written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genotool.audit import RELATIONS
from genotool.dataset import About, Dataset, Kind, Task
from genotool.errors import InputError, UsageError
from genotool.guides import Listing, Ranking, RestrictionSite, ScoredSites, lines, parse_sites, score_sites
from genotool.guides.scan import check_pam, chunks
from genotool.sequences import Sequences
from genotool.stages.output import writing
from genotool.stages.predict import ScanRequest, Summary, labels, predict, seen_words

if TYPE_CHECKING:
    from genotool.trained import Trained

__all__ = ["run_scan"]

Letters = NDArray[np.uint8]
BLOCK = 1 << 20
GENE = [re.compile(rf"\b{word}[=:]([^\s\];,|]+)") for word in ("gene_symbol", "gene_name", "gene")]
"""The gene in a header: ``gene=TP53``, ``[gene=TP53]`` (NCBI), ``gene_symbol:TP53`` (Ensembl)."""


def run_scan(
    trained: Trained,
    data: str,
    out: Path | None,
    request: ScanRequest,
    *,
    batch_size: int,
    data_dir: Path | None,
) -> Summary:
    """Score every site of the sequences and write those asked for, best first.

    Raises
    ------
    UsageError
        If the family takes no guides or gives no single number a guide, or a flag is wrong.
    InputError
        If the sequences hold no site.
    """
    if Kind.GUIDES not in trained.family.kinds or trained.task is Task.MULTICLASS:
        raise UsageError(f"--scan ranks guides by one score; this {trained.family.name} model gives none")
    pam = check_pam(request.pam)
    avoid = parse_sites(request.avoid_sites) if request.avoid_sites is not None else ()
    records = _records(data, data_dir)
    sites, ambiguous = score_sites(
        chunks(records),
        lambda guides: predict(trained, guides, batch_size=batch_size),
        pam=pam,
        batch_size=batch_size,
    )
    if not len(sites):
        said = f", {ambiguous} hold N" if ambiguous else ""
        raise InputError(f"no {pam} site in {len(records)} records{said}", file=records.about.path or data)
    ranking = Ranking.of(sites)
    places, counts = _chosen(sites, ranking, avoid, request)
    seen: Counter[str] = Counter()
    listing = Listing(
        sites, ranking, places, avoid, _seen(trained, seen), _labels(trained),
        probability=trained.task is Task.BINARY, simulated=trained.simulated or records.about.simulated,
    )  # fmt: skip
    with writing(out) as handle:
        handle.writelines(lines(listing, request.style))
    counts = {"a letter other than A, C, G, T in the site": ambiguous, **counts}
    overlap = None if trained.keys is None else {word: seen[word] for word in RELATIONS}
    about = {
        "name": records.name, "path": records.about.path, "digest": records.digest, "records": len(records),
        "bases": int(sites.lengths.sum()), "pam": pam, "simulated": records.about.simulated,
    }  # fmt: skip
    warnings = tuple(filter(None, (records.about.warning,)))
    return Summary(out, len(sites), len(places), overlap, counts, warnings, {"data": about})


def _records(data: str, data_dir: Path | None) -> Dataset:
    """Read the sequences, a FASTA file or a registered set; groups are the genes that headers name."""
    from genotool import registry
    from genotool.readers.fasta import read_fasta

    if not registry.is_path(data, data_dir=data_dir):
        return registry.load(data, data_dir=data_dir, labelled=False)
    read = read_fasta(data)
    return Dataset(
        name=Path(data).name,
        kind=Kind.SEQUENCES,
        ids=np.array(read.names, dtype=np.str_),
        columns={"sequence": read.sequences},
        groups=np.array([_gene(text) for text in read.descriptions], dtype=np.str_),
        about=About(path=data),
    )


def _gene(description: str) -> str:
    return next((found[1] for pattern in GENE if (found := pattern.search(description))), "")


def _chosen(
    sites: ScoredSites, ranking: Ranking, avoid: tuple[RestrictionSite, ...], request: ScanRequest
) -> tuple[NDArray[np.int64], dict[str, int]]:
    """Return the places of the ranking to write, and how many sites each rule left out."""
    library = request.style == "mageck"
    choosing = library or any(n is not None for n in (request.per_record, request.per_gene, request.top))
    out = np.zeros(len(sites), bool)
    counts = {}
    if choosing and avoid:
        out = _holding(sites, avoid)
        counts[f"a site of {', '.join(site.name for site in avoid)}"] = int(out.sum())
    if library:
        again = ranking.repeated(sites)
        counts["a spacer listed before: MAGeCK counts a sequence once"] = int((again & ~out).sum())
        out |= again
    places = ranking.chosen(sites, avoid=out, per_record=request.per_record, per_gene=request.per_gene, top=request.top)
    if (beyond := int((~out).sum()) - len(places)) > 0:
        counts["not among the best asked for"] = beyond
    return places, counts


def _holding(sites: ScoredSites, avoid: tuple[RestrictionSite, ...]) -> NDArray[np.bool_]:
    holds = np.zeros(len(sites), bool)
    for start in range(0, len(sites), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(sites)), dtype=np.int64)
        spacers = sites.letters(rows)[:, : sites.spacer]
        for site in avoid:
            holds[rows] |= site.found_in(spacers)
    return holds


def _seen(trained: Trained, counted: Counter[str]) -> Callable[[Letters], list[str]] | None:
    if trained.keys is None:
        return None

    def words(letters: Letters) -> list[str]:
        offsets = np.arange(len(letters) + 1, dtype=np.int64) * letters.shape[1]
        guides = Sequences(letters.reshape(-1), offsets)
        found = seen_words(
            trained, Dataset("guides", Kind.GUIDES, np.arange(len(guides)).astype(np.str_), {"guide": guides})
        )
        counted.update(found)
        return found

    return words


def _labels(trained: Trained) -> Callable[[NDArray[np.float64]], list[str]] | None:
    return None if trained.task is Task.REGRESSION else lambda score: labels(trained, score)
