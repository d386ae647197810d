"""`genotool run transcriptome`: audit, cross-validate, evaluate elsewhere, rank genes and test the list, report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from genotool import registry
from genotool.catalogue import Entry
from genotool.config import Field
from genotool.dataset import Kind
from genotool.errors import UsageError
from genotool.recipe import Plan, Request, Step

__all__ = ["ExpressionRecipe", "RecipeConfig"]

DEMO, ELSEWHERE, MAP, MARKERS = "demo-tissues", "demo-tissues-array", "genes.tsv", "markers.gmt"
FOLDER = Path(__file__).parent / DEMO
SCALES = {
    "both": ["--scaling", "rank", "--elsewhere", "set"],
    "ranks": ["--scaling", "rank"],
    "set": ["--elsewhere", "set"],
    "training": [],
}
REPLICATES = ("rep", "replicate")
PUBLISHED = Path(__file__).with_name("published.toml")


@dataclass(frozen=True, slots=True)
class RecipeConfig:
    """The settings of `genotool run transcriptome`."""

    preset: Annotated[
        Literal["small", "published"], Field("the network and training for some hundred samples, or as published")
    ] = "small"
    folds: Annotated[
        str | None,
        Field("number of folds, or `groups` to leave each out; none: groups where the set names them as replicates"),
    ] = None
    split: Annotated[str | None, Field("what stays together in a fold, as `train --split` says it")] = None
    elsewhere: Annotated[list[str] | None, Field("other matrices to evaluate on")] = None
    scale: Annotated[
        Literal["both", "ranks", "set", "training"],
        Field(
            "how other matrices are read: by ranks within samples, by means of the set, by both (ranks, then their "
            "means in the set), or by the training rows' means"
        ),
    ] = "both"
    explain: Annotated[bool, Field("rank the genes and ask whether the list beats random ones")] = True
    top: Annotated[int, Field("genes of each list that is clustered", ge=1)] = 100
    draws: Annotated[int, Field("random gene sets that a list is tested against; as published: 100", ge=1)] = 1000
    against: Annotated[
        str | None, Field("a column that clusters of gene sets are compared with, such as the organ; none: the tissues")
    ] = None
    gmt: Annotated[Path | None, Field("gene sets (GMT) to look for among the ranked genes")] = None
    fail_on: Annotated[Literal["none", "note", "warning", "severe"], Field("stop on a finding of the audit")] = "none"


class ExpressionRecipe:
    """CNN-for-transcriptome (Front Genet 2023), with the audit, the floors and a test of the genes that is one."""

    name = "transcriptome"
    summary = "audit, cross-validate, evaluate elsewhere, rank genes, test them against random ones, report"
    config_type = RecipeConfig

    def plan(self, config: RecipeConfig, request: Request) -> Plan:
        """Return the steps; a data set that cannot be had is said before anything runs."""
        if request.data is None:
            hint = "`--data demo` is simulated; `genotool data list` shows what is at hand"
            raise UsageError("--data names the matrix to learn from", hint=hint)
        simulated = request.data in ("demo", DEMO)
        data = DEMO if simulated else request.data
        data_dir = FOLDER if simulated else request.data_dir
        elsewhere = tuple(config.elsewhere or ((ELSEWHERE,) if simulated else ()))
        compared = () if simulated else elsewhere  # of the demo the other platform's genes have other names
        audit = Step(("audit",), "", (data, *compared, "--fail-on", config.fail_on), config.fail_on != "none")
        steps = [audit, _training(config, request, data, data_dir, elsewhere)]
        if elsewhere:
            steps.append(Step(("evaluate",), "elsewhere", ("{train-model}", *elsewhere)))
        single = _one_left(config, data, data_dir)
        steps += _genes(config, simulated=simulated, single=single) if config.explain else []
        models = {Path(data).stem: "train-model"}
        asked = _asked(config, data, elsewhere, request, simulated=simulated, single=single and config.explain)
        return Plan(tuple(steps), models, asked, data_dir)


def _training(
    config: RecipeConfig, request: Request, data: str, data_dir: Path | None, elsewhere: tuple[str, ...]
) -> Step:
    """Return the cross-validation; its final fits see the validation rows too, since samples are few."""
    words = ["transcriptome", data, "--refit"]
    if config.preset == "published":
        words += ["--config", str(PUBLISHED)]
    folds, split = config.folds, config.split
    if folds is None:
        folds, split = _folds(data, data_dir, split)
    words += ["--folds", folds, *(("--split", split) if split is not None else ())]
    if elsewhere:
        words += SCALES[config.scale]
    if data == DEMO:
        words += ["--gene-map", str(FOLDER / MAP)]
    words += [word for setting in request.settings for word in ("--set", setting)]
    return Step(("train",), "model", tuple(words))


def _genes(config: RecipeConfig, *, simulated: bool, single: bool) -> list[Step]:
    """Return the ranking of genes, the clustering on each list, its test against random ones, and enrichment."""
    top = ("--top", str(config.top), *(("--against", config.against) if config.against else ()))
    top += ("--in-sample",) if single else ()
    steps = [
        Step(("transcriptome", "rank"), "", ("{train-model}",)),
        Step(("transcriptome", "clusters"), "", ("{rank}", *top)),
        Step(("transcriptome", "test"), "", ("{rank}", *top, "--draws", str(config.draws))),
    ]
    sets, few = (FOLDER / MARKERS, ("--smallest", "3")) if simulated and config.gmt is None else (config.gmt, ())
    if sets is not None:
        steps.append(Step(("transcriptome", "enrich"), "", ("{rank}", "--gmt", str(sets), *few)))
    return steps


def _one_left(config: RecipeConfig, data: str, data_dir: Path | None) -> bool:
    """Return whether a fold leaves one sample of each tissue out, which no clustering by tissue can be judged on."""
    if config.against or config.folds is not None or registry.is_path(data, data_dir=data_dir):
        return False
    return config.split is None and registry.find(data, data_dir=data_dir).entry.groups in REPLICATES


def _folds(data: str, data_dir: Path | None, split: str | None) -> tuple[str, str | None]:
    """Return folds and split: of replicates each is left out, of donors five folds keep each whole."""
    if split is not None or registry.is_path(data, data_dir=data_dir):
        return "5", split
    entry: Entry = registry.find(data, data_dir=data_dir).entry
    if entry.kind is not Kind.MATRIX:
        raise UsageError(f"{data} holds {entry.kind}, a matrix is needed", hint="`genotool data list` has the kinds")
    return ("groups", f"by:{entry.groups}") if entry.groups in REPLICATES else ("5", None)


def _asked(
    config: RecipeConfig, data: str, elsewhere: tuple[str, ...], request: Request, *, simulated: bool, single: bool
) -> str:
    text = f"Does expression tell the tissues of {data} apart, and which genes do? The network: {config.preset}."
    if elsewhere:
        text += f" Evaluated on {', '.join(elsewhere)}, genes matched by name; scale: {config.scale}."
    if single:
        text += " A replicate holds one sample a tissue: gene sets are compared IN SAMPLE; --against ORGAN is not."
    return text + (" SIMULATED data." if simulated else "") + f" Seed {request.seed}."
