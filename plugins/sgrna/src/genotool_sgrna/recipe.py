"""`genotool run sgrna`: audit, benchmark model, transfer to cell lines, generalise, compare, explain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from genotool import registry
from genotool.config import Field
from genotool.errors import UnavailableError, UsageError, nearest
from genotool.recipe import Plan, Request, Step

__all__ = ["GuideRecipe", "RecipeConfig"]

LINES = ("HCT116", "HeLa", "HEK293", "HL60")
INDEPENDENT = ("A549", "K562", "NB4")
SMALL = ["--towers", "1", "--training-batch-size", "64"]
"""The simulated benchmark has 4,000 guides, and a demo should not take long."""


@dataclass(frozen=True, slots=True)
class RecipeConfig:
    """The settings of `genotool run sgrna`."""

    cell: Annotated[list[str], Field("cell lines to transfer to, any case, comma-separated; `all`: the four")] = field(
        default_factory=lambda: ["HCT116"]
    )
    search: Annotated[bool, Field("search an architecture on the benchmark instead of taking the shipped model")] = (
        False
    )
    trials: Annotated[int, Field("architectures that the search tries, at most", ge=1)] = 8
    minutes: Annotated[float | None, Field("stop asking for trials after this many minutes", gt=0)] = None
    benchmark: Annotated[str, Field("data set or file to search and pre-train on")] = "deephf-wt"
    joint: Annotated[bool, Field("learn the other lines along, a head each")] = True
    balance: Annotated[
        Literal["none", "under", "smote", "smoten", "weights"], Field("resampling of the training rows")
    ] = "none"
    split: Annotated[
        Literal["group", "row"] | None, Field("group: by gene; row: by guide; none: the safest there is")
    ] = None
    preset: Annotated[
        Literal["rnas-sgrna"] | None,
        Field("transfer as published: SMOTE, split by row, one line alone; the benchmark model is ours"),
    ] = None
    repeats: Annotated[
        int, Field("gene splits on which each transfer is made, from seeds one apart; judged as one", ge=1)
    ] = 1
    independent: Annotated[list[str], Field("cell lines or data sets to generalise to")] = field(
        default_factory=lambda: list(INDEPENDENT)
    )
    explain: Annotated[int, Field("test guides to explain; 0: none", ge=0)] = 300
    fail_on: Annotated[Literal["none", "note", "warning", "severe"], Field("stop on a finding of the audit")] = "none"
    export: Annotated[
        Literal["h5"] | None, Field("h5: the searched model also as best_autokeras_model.h5; with --search")
    ] = None


class GuideRecipe:
    """RNAS-sgRNA (Rafiq and Assad 2025, J Comput Biol), with the audit, the floors and the intervals."""

    name = "sgrna"
    summary = "audit, search on the benchmark, transfer to cell lines, generalise, explain, report"
    config_type = RecipeConfig

    def plan(self, config: RecipeConfig, request: Request) -> Plan:
        """Return the steps; unknown cells and data sets that cannot be had are said before anything runs."""
        sources = Sources.of(config, request)
        model, first = self._pretrained(config, request, sources)
        others = [name for name in sources.lines.values() if name not in sources.chosen.values()]
        everything = [*sources.chosen.values(), *others, *sources.independent]
        operand = model if not first else config.benchmark
        steps = [Step(("audit",), "", (operand, *everything, *_stop(config)), findings_stop=config.fail_on != "none")]
        steps += first
        for cell, name in sources.chosen.items():
            steps += self._line(config, request, sources, cell, name, model)
        steps += self._repeats(config, request, sources, model)
        statistics = [config.benchmark] if not sources.file_only else []
        draws = "200" if sources.simulated else "1000"
        steps.append(
            Step(
                ("sgrna", "compare"),
                "",
                (*statistics, *sources.chosen.values(), *sources.independent, "--permutations", draws),
            )
        )
        models = {cell: f"transfer-{_word(cell)}" for cell in sources.chosen}
        return Plan(tuple(steps), models, _asked(config, sources, request), sources.data_dir)

    def _pretrained(self, config: RecipeConfig, request: Request, sources: Sources) -> tuple[str, list[Step]]:
        """Return the operand of the model to transfer and the steps that make it: none for the shipped one."""
        if not config.search and not sources.simulated:
            if config.export:
                raise UsageError("--export goes with --search", hint="the shipped model is imported as it is")
            return "sgrna", []
        verb = "tune" if config.search else "train"
        avoid = [word for name in sources.lines.values() for word in ("--avoid", name)]
        rows = ["--target", "efficacy", "--split", "row", "--valid-share", "0.15", "--test-share", "0.085"]
        flags = ["--search-trials", str(config.trials)] if config.search else []
        flags += ["--search-minutes", str(config.minutes)] if config.search and config.minutes else []
        flags += ["--export", config.export] if config.export else []
        flags += SMALL if sources.simulated else []
        step = Step((verb,), "benchmark", ("sgrna", config.benchmark, *rows, *avoid, *flags, *_set(request)))
        return f"{{{step.key}}}", [step]

    def _line(
        self, config: RecipeConfig, request: Request, sources: Sources, cell: str, name: str, model: str
    ) -> list[Step]:
        """Return what is done for one cell line: transfer, generalise, explain."""
        key = _word(cell)
        moved = f"{{transfer-{key}}}"
        steps = [Step(("transfer",), key, self._transfer(config, request, sources, name, model))]
        if sources.independent:
            steps.append(Step(("evaluate",), f"{key}-elsewhere", (moved, *sources.independent)))
        if config.explain:
            steps.append(Step(("explain",), key, (moved, "--count", str(config.explain))))
        return steps

    def _repeats(self, config: RecipeConfig, request: Request, sources: Sources, model: str) -> list[Step]:
        """Return the transfers on further splits, and the verdict over all: of lines without a warning, if any."""
        if config.repeats == 1:
            return []
        steps = [
            Step(
                ("transfer",),
                f"{_word(cell)}-{number + 1}",
                self._transfer(config, request, sources, name, model),
                seed=request.seed + number,
            )
            for number in range(1, config.repeats)
            for cell, name in sources.chosen.items()
        ]
        judged = [_word(cell) for cell, name in sources.chosen.items() if name in sources.sound]
        judged = judged or [_word(cell) for cell in sources.chosen]
        runs = [f"{{transfer-{key}}}" for key in judged]
        runs += [f"{{{step.key}}}" for step in steps if step.what.rpartition("-")[0] in judged]
        return [*steps, Step(("compare",), "repeats", (*runs, "--pooled"))]

    def _transfer(
        self, config: RecipeConfig, request: Request, sources: Sources, name: str, model: str
    ) -> tuple[str, ...]:
        published = config.preset == "rnas-sgrna"
        others = [other for other in sources.lines.values() if other != name]
        arguments = [word for other in others for word in ("--beside", other)]
        if config.joint and not published:
            arguments += [word for other in others if other in sources.sound for word in ("--with", other)]
        split = "row" if published and config.split is None else config.split
        arguments += ["--split", split] if split else []
        arguments += ["--balance", "smote" if published and config.balance == "none" else config.balance]
        return (model, name, *arguments, *_set(request))


@dataclass(frozen=True, slots=True)
class Sources:
    """Which data set stands for what.

    Attributes
    ----------
    lines
        Cell line to data set, all that are known.
    chosen
        Those that were asked for.
    sound
        Data sets of lines without a warning: fit to be learned along.
    """

    lines: dict[str, str]
    chosen: dict[str, str]
    sound: tuple[str, ...]
    independent: tuple[str, ...]
    data_dir: Path | None
    simulated: bool
    file_only: bool
    missing: tuple[str, ...]

    @classmethod
    def of(cls, config: RecipeConfig, request: Request) -> Sources:
        """Resolve the words of the command line."""
        data_dir, simulated, file = request.data_dir, False, None
        if request.data == "demo":
            data_dir, simulated = Path(__file__).parent / "demo", True
        elif request.data is not None and (Path(request.data) / "catalogue.toml").is_file():
            data_dir = Path(request.data)
        elif request.data is not None:
            file = request.data
        lines = _known(LINES, data_dir)
        if file is not None:
            chosen = {_only(config.cell): file}
            lines = {}
        else:
            chosen = _chosen(config.cell, lines)
        independent, missing = _independent(config.independent, data_dir)
        lines |= chosen
        sound = tuple(
            name for name in lines.values() if name != file and not registry.find(name, data_dir=data_dir).entry.warning
        )
        return cls(lines, chosen, sound, independent, data_dir, simulated, file is not None, missing)


def _known(cells: Iterable[str], data_dir: Path | None) -> dict[str, str]:
    found = {cell: registry.by_cell(cell, data_dir=data_dir) for cell in cells}
    return {cell: _preferred(cell, names) for cell, names in found.items() if names}


def _preferred(cell: str, names: Sequence[str]) -> str:
    return next((name for name in names if name.casefold() == cell.casefold()), names[0])


def _chosen(cells: Sequence[str], lines: dict[str, str]) -> dict[str, str]:
    if [cell.casefold() for cell in cells] == ["all"]:
        cells = list(lines)
    by_case = {cell.casefold(): cell for cell in lines}
    for cell in cells:
        if cell.casefold() not in by_case:
            raise UsageError(f"unknown cell line {cell!r}", hint=nearest(cell, [*lines, "all"]))
    return {by_case[cell.casefold()]: lines[by_case[cell.casefold()]] for cell in cells}


def _only(cells: Sequence[str]) -> str:
    if len(cells) != 1:
        raise UsageError("--data names one file: give one --cell", hint="a folder with a catalogue.toml holds several")
    return cells[0]


def _independent(words: Sequence[str], data_dir: Path | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the data sets to generalise to, and those that are not at hand (said in the report)."""
    names: list[str] = []
    missing: list[str] = []
    for word in words:
        cells = registry.by_cell(word, data_dir=data_dir)
        name = _preferred(word, cells) if cells else word
        try:
            at_hand = registry.find(name, data_dir=data_dir).at_hand
        except (UnavailableError, UsageError):
            if list(words) != list(INDEPENDENT):
                raise
            at_hand = False
        (names if at_hand else missing).append(name)
    return tuple(names), tuple(missing)


def _stop(config: RecipeConfig) -> list[str]:
    return ["--fail-on", config.fail_on]


def _set(request: Request) -> list[str]:
    return [word for setting in request.settings for word in ("--set", setting)]


def _word(cell: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in cell.casefold())


def _asked(config: RecipeConfig, sources: Sources, request: Request) -> str:
    cells = ", ".join(sources.chosen)
    how = (
        f"an AutoKeras search of {config.trials} trials on {config.benchmark}"
        if config.search
        else (f"a CNN trained on {config.benchmark}" if sources.simulated else "the model that genotool ships")
    )
    by_row = config.split == "row" or (config.preset == "rnas-sgrna" and config.split is None)
    kept = "split by guide: genes straddle training and test" if by_row else "with genes kept apart"
    kept = "split as the file allows" if sources.file_only and not by_row else kept
    text = f"Which guides are efficient in {cells}? Starting from {how}, transferred {kept}."
    if config.repeats > 1:
        text += f" Each transfer is made on {config.repeats} gene splits."
    if config.preset:
        text += " SMOTE and one line alone, as RNAS-sgRNA published its transfer; the benchmark model is ours."
    if sources.missing:
        text += f" Not at hand, so not evaluated: {', '.join(sources.missing)}."
    return text + (" SIMULATED data." if sources.simulated else "") + f" Seed {request.seed}."
