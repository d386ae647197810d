"""The numbers of each model: every metric, its curves, and the search that found its architecture."""

from __future__ import annotations

from collections.abc import Mapping

from genotool.dataset import Task
from genotool.errors import InputError
from genotool.metrics import LOWER_IS_BETTER
from genotool.report.beside import covered, other_tests
from genotool.report.blocks import Block, Grid, Notice, Section, Text
from genotool.report.by_class import by_class
from genotool.report.collect import Collected, Step, Table, models_of
from genotool.report.drawn import Drawn, classifier, losses, measured_against_predicted
from genotool.report.folded import folds_of
from genotool.report.numbers import real, tidy
from genotool.report.pictures import Pictures
from genotool.report.real import metric_rows, task_of

__all__ = ["curves_section", "metrics_section", "search"]

MOST_ROWS = 40


def metrics_section(collected: Collected) -> Section | None:
    """Return every metric of every model on its test rows."""
    blocks: list[Block] = []
    for label, step in models_of(collected):
        test = step.content["metrics"]["test"]
        rows = metric_rows(test, LOWER_IS_BETTER)
        head = ["metric", "value [95 % interval]", "n", "groups"]
        blocks.append(Grid(head, rows, numeric=frozenset({2, 3}), title=f"{label}: test rows"))
        blocks += [*by_class(label, step), *folds_of(label, step), *other_tests(label, step), *covered(label, step)]
        valid = step.content["metrics"].get("valid")
        if isinstance(valid, Mapping):
            rows = metric_rows(valid, LOWER_IS_BETTER)
            title = f"{label}: validation rows, which chose the threshold"
            title += ", before the final fit on them too" if step.content["metrics"].get("refit") else ""
            blocks.append(Grid(head, rows, numeric=frozenset({2, 3}), title=title, folded=True))
    return Section("metrics", "Metrics", blocks) if blocks else None


def curves_section(collected: Collected, pictures: Pictures) -> Section | None:
    """Return the curves of every model, and the losses of every step that trained."""
    blocks: list[Block] = []
    measured = models_of(collected)
    names = {step.name: label for label, step in measured}
    trained = [(step.verb, step) for step in collected.having("history") if step.name not in names]
    for label, step in [*measured, *trained]:
        drawn, notices = _curves(step) if step.name in names else ([], [])
        parts = [*notices, *pictures.drawn([*drawn, *losses(step)], step.name.removeprefix("steps/"))]
        if parts:
            blocks += [Text("", title=label), *parts]
    return Section("curves", "Curves", blocks) if blocks else None


def _curves(step: Step) -> tuple[Drawn, list[Block]]:
    """Return the figures of the test rows, and a notice where the rows cannot be drawn."""
    task = task_of(step)
    table = step.tables.get("predictions")
    if table is None:
        return [], [Notice("There is no predictions.tsv that can be read: no curves.")]
    try:
        if task is not Task.REGRESSION:
            return classifier(step, task), []
        correlation = (step.content["metrics"]["test"].get("metrics") or {}).get("spearman") or {}
        return measured_against_predicted(table, "test", correlation, "Test rows", simulated=step.simulated), []
    except InputError as error:
        return [], [Notice(f"No curves: {error.message}.")]


FIGURES = {
    "search-history": "The score of each trial, higher is better; a ring at the edge was stopped, a cross failed.",
    "search-importance": "How much each value explains of the scores of finished trials (functional ANOVA).",
}
"""What a search draws, with its caption."""


def search(collected: Collected, pictures: Pictures) -> Section | None:
    """Return the table of architectures or settings that were tried, and what the search drew."""
    blocks: list[Block] = []
    for step in collected.having("trials"):
        about = step.record.get("search") or {}
        engine, objective = about.get("engine", "the search"), about.get("objective", "the objective")
        trials = len(step.tables["trials"].rows)
        tried = f"{trials} architecture{'s' if trials != 1 else ''}"
        blocks.append(Text(f"{engine} tried {tried}; the score is {objective} of rows that were not learned."))
        blocks.append(_grid(step.tables["trials"], step.title))
        drawn = [(step.figures[name], caption) for name, caption in FIGURES.items() if name in step.figures]
        blocks += pictures.found(drawn, step.title)
    return Section("search", "Search", blocks) if blocks else None


def _grid(table: Table, title: str, most: int = MOST_ROWS) -> Grid:
    rows = [[tidy(cell) for cell in row] for row in table.rows[:most]]
    numeric = frozenset(
        place
        for place in range(len(table.header))
        if any(place < len(row) and real(row[place]) is not None for row in table.rows[:most])
    )
    head = [name.replace("_", " ") for name in table.header]
    return Grid(head, rows, numeric=numeric, title=title, left_out=max(0, len(table.rows) - most))
