"""`genotool run deepdife`: audit, cross-validate by gene family, evaluate elsewhere, explain, report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from genotool import registry
from genotool.config import Field
from genotool.errors import UnavailableError, UsageError
from genotool.recipe import Plan, Request, Step

from genotool_deepdife.presets import Network

__all__ = ["PromoterRecipe", "RecipeConfig"]

DEMO = "demo-promoters"

SEARCHED = 100
"""Promoters that are explained at least before motifs are looked for."""

MOTIFS = ("--window", "15", "--clusterings", "10")
"""modisco-lite takes 21 positions and 50. Sites of plants' factors have six to twelve letters; in 21 positions two that
are near each other outweigh any that stands alone, which is then below the threshold that all have in common. That
gives twice the seqlets; on the demo the best of ten clusterings of them was as good as that of fifty."""


class Relatives(NamedTuple):
    """What goes with a data set: sets of its genes' orthologs, and sets to evaluate on."""

    orthologs: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()


RELATIVES = {
    "aba-aly": Relatives(("aba-chi", "aba-cru"), ("aba-epd",)),
    "aba-chi": Relatives(("aba-aly", "aba-cru"), ("aba-epd",)),
    "aba-cru": Relatives(("aba-aly", "aba-chi"), ("aba-epd",)),
    DEMO: Relatives((f"{DEMO}-kin",), (f"{DEMO}-far",)),
}


@dataclass(frozen=True, slots=True)
class RecipeConfig:
    """The settings of `genotool run deepdife`."""

    orthologs: Annotated[
        list[str] | None, Field("data sets of other species to learn along; none: those that are known, if at hand")
    ] = None
    ortholog_fasta: Annotated[
        list[str] | None, Field("FASTA files of orthologs, SPECIES=FILE, as in `train`; they need no labels")
    ] = None
    ortholog_table: Annotated[Path | None, Field("table of whose orthologs these are, as in `train`")] = None
    ortholog_distance: Annotated[float | None, Field("leave out orthologs of that table that are further away")] = None
    elsewhere: Annotated[
        list[str] | None, Field("data sets to evaluate on; none: those that are known, if at hand")
    ] = None
    network: Annotated[
        Network,
        Field(
            "motifs: JASPAR's, a weight each and window; compact: three of two convolutions; published: the original's"
        ),
    ] = "motifs"
    augment: Annotated[Literal["none", "evoaug"], Field("augmentation of the training rows")] = "evoaug"
    folds: Annotated[int, Field("folds by gene family", ge=2)] = 5
    repeats: Annotated[int, Field("times that the folds are dealt out anew, each with seeds of its own", ge=1)] = 1
    ablate: Annotated[
        bool, Field("also train without augmentation and orthologs, and with each alone, and compare all four")
    ] = False
    explain: Annotated[
        int,
        Field(
            "promoters to explain at most, each by the model that did not see it; of 100 or more the motifs too; "
            "0: none",
            ge=0,
        ),
    ] = 3000
    backgrounds: Annotated[int, Field("dinucleotide shuffles of a promoter that its explanation starts from", ge=1)] = 3
    fail_on: Annotated[Literal["none", "note", "warning", "severe"], Field("stop on a finding of the audit")] = "none"


class PromoterRecipe:
    """DeepDifE (Opdebeeck et al. 2025, bioRxiv), with the audit, the floors and the intervals."""

    name = "deepdife"
    summary = "audit, cross-validate by gene family, evaluate elsewhere, explain, report"
    config_type = RecipeConfig

    def plan(self, config: RecipeConfig, request: Request) -> Plan:
        """Return the steps; data sets that cannot be had are said before anything runs."""
        sources = Sources.of(config, request)
        learned = _learned_along(config, sources)
        if config.ablate and (not learned or config.augment == "none"):
            raise UsageError(
                "--ablate compares augmentation and orthologs",
                hint="it needs both: --augment evoaug, and orthologs",
            )
        # orthologs share names and families on purpose: training audits them, against what is held out
        audit = (sources.data, *sources.elsewhere, "--fail-on", config.fail_on)
        steps = [Step(("audit",), "", audit, findings_stop=config.fail_on != "none")]
        steps.append(_training(config, request, sources, "model", config.augment, learned))
        steps += _ablation(config, request, sources) if config.ablate else []
        if sources.elsewhere:
            steps.append(Step(("evaluate",), "elsewhere", ("{train-model}", *sources.elsewhere)))
        if config.explain:
            # promoters that hold the same motifs would take from what a motif is worth: TF-MoDISco wants shuffles
            counts = ("--count", str(config.explain), "--backgrounds", str(config.backgrounds))
            steps.append(Step(("explain",), "", ("{train-model}", *counts, "--background", "shuffled")))
        if config.explain >= SEARCHED:
            steps.append(Step(("deepdife", "motifs"), "", ("{explain}", *MOTIFS, "--if-enough")))
        models = {Path(sources.data).stem: "train-model"}
        return Plan(tuple(steps), models, _asked(config, sources, request), sources.data_dir)


@dataclass(frozen=True, slots=True)
class Sources:
    """Which data sets are used, and those that are known but not at hand."""

    data: str
    orthologs: tuple[str, ...]
    elsewhere: tuple[str, ...]
    missing: tuple[str, ...]
    data_dir: Path | None
    simulated: bool

    @classmethod
    def of(cls, config: RecipeConfig, request: Request) -> Sources:
        """Resolve the words of the command line."""
        if request.data is None:
            hint = "`--data demo` is simulated; `genotool data list` shows what is at hand"
            raise UsageError("--data names the promoters to learn from", hint=hint)
        simulated = request.data in ("demo", DEMO)
        data_dir = Path(__file__).parent / DEMO if simulated else request.data_dir
        data = DEMO if simulated else request.data
        known = RELATIVES.get(data, Relatives())
        orthologs, gone = _at_hand(config.orthologs, known.orthologs, data_dir)
        elsewhere, away = _at_hand(config.elsewhere, known.elsewhere, data_dir)
        return cls(data, orthologs, elsewhere, (*gone, *away), data_dir, simulated)


def _at_hand(
    asked: Sequence[str] | None, known: Sequence[str], data_dir: Path | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the sets that were asked for; else those that are known, and which of these are not at hand."""
    if asked is not None:
        return tuple(asked), ()
    found = []
    for name in known:
        try:
            if registry.find(name, data_dir=data_dir).at_hand:
                found.append(name)
        except (UnavailableError, UsageError):
            continue
    return tuple(found), tuple(name for name in known if name not in found)


def _learned_along(config: RecipeConfig, sources: Sources) -> tuple[str, ...]:
    """Return the flags of the orthologs that are learned along: data sets, and files."""
    words = [word for name in sources.orthologs for word in ("--with", f"{name}:all")]
    words += [word for file in config.ortholog_fasta or () for word in ("--ortholog-fasta", file)]
    valued = {"--ortholog-table": config.ortholog_table, "--ortholog-distance": config.ortholog_distance}
    return (*words, *(word for flag, value in valued.items() if value is not None for word in (flag, str(value))))


def _training(
    config: RecipeConfig, request: Request, sources: Sources, what: str, augment: str, learned: Sequence[str]
) -> Step:
    words = ["deepdife", sources.data, "--folds", str(config.folds), "--augment", augment]
    words += ["--repeats", str(config.repeats)] if config.repeats > 1 else []
    words += learned
    words += ["--network", config.network]
    words += [word for setting in request.settings for word in ("--set", setting)]
    return Step(("train",), what, tuple(words))


def _ablation(config: RecipeConfig, request: Request, sources: Sources) -> list[Step]:
    """Return the trainings with less than everything, and their paired comparison."""
    learned = _learned_along(config, sources)
    less = {"none": ("none", ()), config.augment: (config.augment, ()), "orthologs": ("none", learned)}
    # the model has the floors of all: on the same rows, with orthologs and without
    steps = [
        _training(config, request, sources, what, augment, (*kin, "--no-floors"))
        for what, (augment, kin) in less.items()
    ]
    runs = ["{train-model}", *(f"{{{step.key}}}" for step in steps)]
    return [*steps, Step(("compare",), "ablation", (*runs, "--baseline", "{train-none}"))]


def _asked(config: RecipeConfig, sources: Sources, request: Request) -> str:
    text = f"Does the promoter of {sources.data} say what it asks? {config.folds} folds, gene families kept apart"
    text += f", by the network {config.network}"
    text += f", with {config.augment}" if config.augment != "none" else ", without augmentation"
    kin = [*sources.orthologs, *(config.ortholog_fasta or ())]
    text += f" and orthologs of {', '.join(kin)}." if kin else "."
    if sources.missing:
        text += f" Not at hand, so not used: {', '.join(sources.missing)}."
    return text + (" SIMULATED data." if sources.simulated else "") + f" Seed {request.seed}."
