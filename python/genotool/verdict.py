"""The verdict in words: is a model above the floors, below them, equivalent, or undecided?

Each floor is compared with the model on the same test rows by a paired bootstrap, resampled by group. **above** (every
floor) or **below** (the best): the 95 % interval of the difference excludes 0 and so does Holm's correction over all
floors; **equivalent**: the interval lies inside the margin; **undecided** otherwise, with the smallest difference that
this test set could have shown. Fewer than 20 groups, 20 rows or ten rows of a class give no verdict.

A model that is above on the test rows may be there by luck: where classes lie far apart, one fitted to labels that say
nothing is right about all rows or wrong about all. So **above** also asks that the model beats every model of shuffled
labels, and that it is better than chance on its validation rows.

DeLong's and McNemar's tests stand beside each comparison and decide nothing; where DeLong's disagrees with the
bootstrap the sentence says so.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genotool.dataset import Task
from genotool.floors import Floor
from genotool.metrics import HEADLINE, LOWER_IS_BETTER, TITLES, compute
from genotool.metrics import decide as labels
from genotool.statistics.delong import delong_p
from genotool.statistics.intervals import FEW_GROUPS, Difference, paired
from genotool.statistics.mcnemar import mcnemar

__all__ = ["LEVEL", "MARGIN", "Comparison", "Verdict", "decide", "judge"]

MARGIN = 0.01
LEVEL = 0.05
CHANCE = {Task.BINARY: ("roc_auc", 0.5), Task.MULTICLASS: ("mcc", 0.0), Task.REGRESSION: ("spearman", 0.0)}
"""The metric of each task by which a model is better than chance, and what chance gives."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The model against one floor.

    Attributes
    ----------
    p_holm
        Of the bootstrap, corrected over all floors.
    delong_p, mcnemar_p
        Of DeLong's test of the two ROC-AUCs and of McNemar's of the decided classes, by group where groups exist, each
        for itself; None where the task, the metric or the rows give none.
    """

    against: str
    word: str
    difference: Difference
    p_holm: float | None
    delong_p: float | None = None
    mcnemar_p: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the test rows say of a model.

    Attributes
    ----------
    word
        above, below, equivalent or undecided: against the best floor.
    against
        The best floor's name; "" without floors.
    metric
        The metric compared; a positive difference means that the model is better.
    smallest
        The smallest difference that this test set could have shown (5 % level, four times in five).
    sentence
        All of it in words, for a report.
    margin
        Differences inside ± this count as equal.
    each
        Every floor's comparison.
    doubts
        Why a model that is above on the test rows is called undecided; empty where nothing speaks against them.
    """

    word: str
    against: str
    metric: str
    difference: float | None
    low: float | None
    high: float | None
    p_holm: float | None
    smallest: float | None
    sentence: str
    margin: float = MARGIN
    each: tuple[Comparison, ...] = ()
    doubts: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON holds them: ``verdict`` is the word, ``comparisons`` every floor."""
        fields = dataclasses.asdict(self)
        return {"verdict": fields.pop("word"), "comparisons": fields.pop("each"), **fields}


def judge(
    task: Task | str,
    target: NDArray[Any],
    score: NDArray[Any],
    floors: Sequence[Floor] | Mapping[str, NDArray[Any]],
    *,
    groups: NDArray[np.str_] | None = None,
    metric: str | None = None,
    margin: float = MARGIN,
    threshold: float | None = None,
    valid: Mapping[str, Any] | None = None,
    draws: int = 2000,
    seed: int,
) -> Verdict:
    """Compare a model's score with every floor's on the same test rows.

    Parameters
    ----------
    floors
        The fitted floors, or their scores by name.
    metric
        Default: the task's headline metric.
    margin
        Differences inside ± this are equivalent.
    threshold
        From where on the model's binary score is class 1 (a floor's: one half); None: the score is on another scale
        than the classes, and no decisions are compared.
    valid
        The model's metrics on its validation rows, before any fit to them, as ``metrics.json`` holds them.
    """
    task = Task(task)
    metric = metric or HEADLINE[task]
    scores = floors if isinstance(floors, Mapping) else {floor.name: floor.scores for floor in floors}
    undecided = set() if isinstance(floors, Mapping) else {floor.name for floor in floors if not _decides(floor)}
    differences = {
        name: paired(task, target, score, other, metric, groups, draws=draws, seed=seed)
        for name, other in scores.items()
    }
    beside = {
        name: (
            delong_p(task, target, score, other, groups) if metric == "roc_auc" else None,
            None if name in undecided else _mcnemar_p(task, target, score, other, groups, threshold),
        )
        for name, other in scores.items()
    }
    found = decide(differences, metric, margin, beside)
    if found.word != "above":
        return found
    reached = compute(task, target, score, raw=task is Task.BINARY and threshold is None)[metric]
    lucky = () if isinstance(floors, Mapping) else [floor.luck for floor in floors if floor.luck is not None]
    doubts = [*_by_luck(metric, reached, lucky), *_not_learned(task, valid or {})]
    return found if not doubts else _doubted(found, doubts)


def _by_luck(metric: str, reached: float | None, lucky: Sequence[float]) -> Iterator[str]:
    """Yield a sentence if a model of shuffled labels came as high."""
    if reached is not None and lucky and reached <= max(lucky):
        yield f"a linear model of shuffled labels reached {TITLES.get(metric, metric)} {max(lucky):.3f} here by luck"


def _not_learned(task: Task, valid: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence if the interval on the validation rows holds what chance gives; nothing without an interval."""
    metric, chance = CHANCE[task]
    found = valid.get(metric) or {}
    if found.get("low") is not None and found["low"] <= chance:
        between = f"{found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"
        yield f"on its validation rows the model is no better than chance ({TITLES.get(metric, metric)} {between})"


def _doubted(found: Verdict, doubts: Sequence[str]) -> Verdict:
    """Return the verdict as undecided, with what speaks against the test rows."""
    said = f"Undecided: {'; and '.join(doubts)}. On the test rows alone: {found.sentence}"
    return dataclasses.replace(found, word="undecided", sentence=said, doubts=tuple(doubts))


def _decides(floor: Floor) -> bool:
    """Return whether a floor's score is a probability that can be cut: the raw score of another model is none."""
    accuracy = floor.estimates.get("accuracy")
    return accuracy is not None and accuracy.value is not None


def _mcnemar_p(
    task: Task,
    target: NDArray[Any],
    score: NDArray[Any],
    other: NDArray[Any],
    groups: NDArray[np.str_] | None,
    threshold: float | None,
) -> float | None:
    if task is Task.REGRESSION or threshold is None:
        return None
    return mcnemar(target, labels(task, score, threshold), labels(task, other), groups).p


def decide(
    differences: Mapping[str, Difference],
    metric: str,
    margin: float = MARGIN,
    beside: Mapping[str, tuple[float | None, float | None]] | None = None,
) -> Verdict:
    """Return the verdict on the differences to each floor, corrected over all of them.

    Parameters
    ----------
    beside
        The p-values of DeLong's and McNemar's tests against each floor, told and not judged by.
    """
    from genotool.statistics.tables import holm

    if not differences:
        reason = "There is no floor to compare with."
        return Verdict("undecided", "", metric, None, None, None, None, None, reason, margin)
    known = [name for name, difference in differences.items() if difference.p is not None]
    corrected = dict(zip(known, holm([differences[name].p or 0.0 for name in known]), strict=True))
    each = tuple(
        Comparison(
            name, _word(difference, corrected.get(name), margin), difference, corrected.get(name),
            *(beside or {}).get(name, (None, None)),
        )
        for name, difference in differences.items()
    )  # fmt: skip
    return _verdict(_best(each), each, metric, margin)


def _best(each: Sequence[Comparison]) -> Comparison:
    """Return the best floor: the one by which the model leads least, of those that it is not above if there are any.

    A floor without any spread, such as the majority, may lie nearest and be beaten for certain, while a better model
    is not.
    """
    least = sorted(each, key=lambda item: np.inf if item.difference.value is None else item.difference.value)
    if least[0].word != "above":
        return least[0]
    return next((item for item in least if item.word != "above"), least[0])


def _word(difference: Difference, p_holm: float | None, margin: float) -> str:
    low, high = difference.low, difference.high
    if low is None or high is None or p_holm is None:
        return "undecided"
    if -margin < low and high < margin:
        return "equivalent"
    if p_holm <= LEVEL and (low > 0 or high < 0):
        return "above" if low > 0 else "below"
    return "undecided"


def _verdict(best: Comparison, each: tuple[Comparison, ...], metric: str, margin: float) -> Verdict:
    found = best.difference
    return Verdict(
        word=best.word,
        against=best.against,
        metric=metric,
        difference=found.value,
        low=found.low,
        high=found.high,
        p_holm=best.p_holm,
        smallest=found.smallest_detectable,
        sentence=_sentence(best, each, metric, margin) + _otherwise(best),
        margin=margin,
        each=each,
    )


def _sentence(best: Comparison, each: tuple[Comparison, ...], metric: str, margin: float) -> str:
    found = best.difference
    if found.value is None:
        return f"No verdict: {found.reason}."
    name = TITLES.get(metric, metric) + (" (turned, less is better)" if metric in LOWER_IS_BETTER else "")
    value = f"{found.value:+.3f} {name}"
    if found.low is None:
        few = found.reason == "too few groups"
        why = f"too few groups, {found.groups} of at least {FEW_GROUPS}" if few else found.reason
        behind = _behind(found.value)
        return f"Undecided ({why}): {value} against {best.against}{behind}; see the values by group."
    interval = f"{value} (95 % interval {found.low:+.3f} to {found.high:+.3f}, Holm p {_p(best.p_holm, found)})"
    text = {
        "above": f"Above the best floor, {best.against}, by {interval}.",
        "below": f"Below the best floor, {best.against}: {interval}.",
        "equivalent": f"Equivalent to the best floor, {best.against}, within ±{margin:g}: {interval}.",
        "undecided": f"Undecided against the best floor, {best.against}: {interval}{_behind(found.value)}. "
        "This test set "
        f"could have shown a difference of {found.smallest_detectable:.3f}.",
    }[best.word]
    return text + _others(best, each)


def _others(best: Comparison, each: tuple[Comparison, ...]) -> str:
    """Return which of the other floors the model is not above either, each by what was shown; "" for none."""
    named = {"below": "below these", "equivalent": "equivalent to these", "undecided": "undecided against these"}
    parts = []
    for word, said in named.items():
        if held := [item.against for item in each if item.word == word and item is not best]:
            parts.append(f"{said}{' too' if word == best.word else ''}: {', '.join(held)}")
    text = "; ".join(parts)
    return f" {text[0].upper()}{text[1:]}." if text else ""


def _behind(difference: float) -> str:
    return ", the model is below this floor on these rows" if difference < 0 else ""


def _p(p: float | None, drawn: Difference) -> str:
    """Return a p-value of the bootstrap, as a bound where it is the least that the draws could give."""
    if p is None:
        return "none"
    return f"≤ {p:.3g}" if drawn.p is not None and drawn.p == drawn.least_p else f"{p:.3g}"


def _otherwise(best: Comparison) -> str:
    """Return in words that DeLong's test and the bootstrap fall on two sides of .05, each uncorrected; "" if not."""
    drawn, delong = best.difference.p, best.delong_p
    if drawn is None or delong is None or (drawn <= LEVEL) == (delong <= LEVEL):
        return ""
    how = " by group" if best.difference.groups is not None else ""
    own = _p(drawn, best.difference)
    return f" DeLong's test{how} disagrees at .05: p {delong:.3g}, the bootstrap's {own} before correction."
