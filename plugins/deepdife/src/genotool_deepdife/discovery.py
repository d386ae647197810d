"""`genotool deepdife motifs`: patterns of an explanation by TF-MoDISco, matched to JASPAR, with tables and a report."""

from __future__ import annotations

import dataclasses
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from genotool.config import to_mapping
from genotool.errors import InputError
from genotool.progress import Bar
from genotool.run import Run

from genotool_deepdife.attributed import Attributed, read
from genotool_deepdife.evidence import evidence, sites
from genotool_deepdife.jaspar import Motif, latest_release, motifs
from genotool_deepdife.matching import matched
from genotool_deepdife.modisco import SIGNS, Patterns, check_enough, discover, seqlets_of, shuffled
from genotool_deepdife.motif_figures import figures
from genotool_deepdife.motif_results import Result, given_motifs, summarised, write_tables
from genotool_deepdife.motif_settings import MotifConfig

__all__ = ["find_motifs"]


def find_motifs(folder: Path, *, out: Path, config: MotifConfig, seed: int = 0, overwrite: bool = False) -> Run:
    """Find and match the motifs of an explanation and write a run folder.

    Parameters
    ----------
    folder
        The run folder of `genotool explain`.
    seed
        Of the shuffled positions (`null`); all else has no choice to make.

    Returns
    -------
    Run
        With ``motifs.json``, ``patterns.tsv``, ``matches.tsv``, ``seqlets.tsv``, ``modisco.h5``, figures and
        ``report.html``. That no pattern is found is a result too.

    Raises
    ------
    UsageError
        If there is no such folder, or no such part of JASPAR.
    InputError
        If it is no explanation that patterns can be found in, or holds too little; before anything is clustered.
    """
    from genotool.report import write_report

    Run.check_free(out, overwrite)
    explained, known = read(folder), motifs(config.collection, config.taxon, config.release)
    counts, remarks = _counted(explained, config)
    run = Run.create(
        out, verb="deepdife motifs", family="deepdife", task=explained.run.record.get("task"),
        config=to_mapping(config), seed=seed, data=explained.run.record["data"], parents=[folder], overwrite=overwrite,
    )  # fmt: skip
    run.update(simulated=run.record["simulated"] or bool(explained.run.record.get("simulated")))
    packages = {name: metadata.version(name) for name in ("modisco-lite", "memelite", "pyjaspar")}
    run.update(versions=run.record["versions"] | packages)
    with run:
        _carry_out(run, explained, known, counts, remarks, config, seed)
    write_report(run.path)
    return run


def _counted(explained: Attributed, config: MotifConfig) -> tuple[dict[str, int], list[str]]:
    """Return the seqlets of each sign and what must be said of them: that they are too few, where that is no error."""
    rows, length = explained.inputs.shape[:2]
    counts, remarks = dict.fromkeys(SIGNS, 0), []
    try:
        check_enough(rows, length, config, explained.run.file("attributions.npz"))
        counts = seqlets_of(explained.contributions, config)
        check_seqlets(counts, rows, config, explained.run.path)
    except InputError as error:
        if not config.if_enough:
            raise
        said = error.message.removeprefix(f"{error.file}: ")
        remarks.append(f"Too little to look for patterns: {said}.")
    given = given_motifs(explained.model)
    return counts, remarks if given is None else [given, *remarks]


def check_seqlets(counts: dict[str, int], rows: int, config: MotifConfig, file: Path) -> None:
    """Raise InputError where no sign has enough seqlets to be clustered; contributions that are all 0 have none."""
    if 0 < max(counts.values()) <= config.min_seqlets:
        said = " and ".join(f"{count} {_word(name)}" for name, count in counts.items())
        more = -(-rows * (config.min_seqlets + 1) // max(counts.values()))
        raise InputError(
            f"the {rows} rows have {said} seqlets; TF-MoDISco clusters more than {config.min_seqlets} of a sign",
            file=file,
            hint=f"explain more rows, about {more} or better several times that: --count",
        )


def _word(sign: str) -> str:
    return "positive" if SIGNS[sign] > 0 else "negative"


def _carry_out(
    run: Run, explained: Attributed, known: tuple[Motif, ...], counts: dict[str, int], remarks: list[str],
    config: MotifConfig, seed: int,
) -> None:  # fmt: skip
    if explained.exact is False:
        _say(run, "the attributions are NOT EXACT: they do not add up to the predictions, nor may what is found here")
    for remark in remarks:
        run.log(remark)
    said = " and ".join(f"{count} {_word(name)}" for name, count in counts.items())
    enough = max(counts.values()) > config.min_seqlets
    _say(run, f"{said} seqlets in {len(explained.ids)} rows{'; clustering them takes minutes' if enough else ''}")
    with run.timed("modisco"):
        found = _discovered(explained, counts, config)
    found.save(run.file("modisco.h5"), explained.inputs.shape[1])
    _say(run, f"{len(found.patterns)} patterns; matching them to {len(known)} motifs")
    with run.timed("matching"):
        results = _results(found, explained, known, config.q)
    null = _null(run, explained, config, seed) if config.null else None
    summary = summarised(
        results, explained, seqlets=counts, settings=to_mapping(config), motifs=len(known),
        release=config.release or latest_release(), null=null, remarks=remarks,
    )  # fmt: skip
    run.write_json("motifs.json", summary)
    write_tables(run, results, explained, config.q)
    _say(run, "drawing the patterns, writing the report")
    for name, figure in figures(results, explained, config.q, bool(run.record.get("simulated"))):
        run.write_text(f"figures/{name}.svg", figure)


def _discovered(explained: Attributed, counts: dict[str, int], config: MotifConfig) -> Patterns:
    if max(counts.values()) <= config.min_seqlets:
        return Patterns((), dict.fromkeys(SIGNS))
    return discover(explained.inputs, explained.hypothetical, config)


def _results(found: Patterns, explained: Attributed, known: tuple[Motif, ...], q: float) -> list[Result]:
    """Return the patterns with what they come to, the largest share of the evidence first, those that raise first."""
    made = []
    for pattern, stretches in zip(found.patterns, matched(found.patterns, known, q), strict=True):
        where = sites(pattern, explained.contributions)
        made.append(Result(pattern, where, evidence(where, pattern.sign, explained), stretches))
    return sorted(made, key=lambda result: (-result.pattern.sign, -result.evidence["all"].share))


def _null(run: Run, explained: Attributed, config: MotifConfig, seed: int) -> dict[str, Any]:
    """Return what is found where there is nothing to find: the same contributions, each row's positions shuffled."""
    inputs, hypothetical = shuffled(explained.inputs, explained.hypothetical, seed)
    moved = dataclasses.replace(explained, inputs=inputs, hypothetical=hypothetical)
    counts = seqlets_of(moved.contributions, config)
    _say(run, f"the null, positions of each row shuffled: {' and '.join(map(str, counts.values()))} seqlets")
    with run.timed("null"):
        found = _discovered(moved, counts, config)
    sizes = {name: [len(one.rows) for one in found.patterns if one.sign == sign] for name, sign in SIGNS.items()}
    return {"what": "positions of each row shuffled, its contributions kept", "seqlets": counts, "patterns": sizes}


def _say(run: Run, text: str) -> None:
    """Write a line of progress to the log and, unless that is not wanted, to stderr."""
    run.log(text)
    if not Bar.quiet:
        print(text, file=sys.stderr, flush=True)
