"""The first screen: is each model real? Its metric, the best floor, the difference, the leaks; numbers only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from genotool.assessment import NO_FLOORS
from genotool.report.audits import findings_of, how_many
from genotool.report.blocks import Block, Notice, Section, Tone, Verdict
from genotool.report.collect import Collected, Step, models_of
from genotool.report.numbers import count, estimate, named, number, p_value, real, title_of
from genotool.report.real import headline_of
from genotool.verdict import LEVEL

__all__ = ["in_short"]

WORDS: Mapping[str, tuple[str, Tone]] = {
    "above": ("above the best floor", "good"),
    "below": ("below the best floor", "bad"),
    "within": ("no better than the best floor", "warn"),
    "equivalent": ("equal to the best floor", "warn"),
    "undecided": ("undecided", "warn"),
}
CHEATS = ("majority", "shuffled", "memoriser")
"""Floors that know nothing of how sequence makes a target; the others are simple models."""
NOT_ABOVE = {("below",): "below", ("equivalent",): "equal to", ("undecided", "None"): "not shown to be above"}
LEAKS = ("straddling-groups", "rows-across-parts")
"""Findings of an audit that concern the parts of the split as they are, after all that was done."""


def in_short(collected: Collected) -> Section:
    """Return a card a model; of a run that only looked at other data a card a data set; of one that rests on
    a model, that model's."""
    models = models_of(collected)
    blocks: list[Block] = [_card(label, step, step.content["metrics"]["test"]) for label, step in models]
    blocks += [_repeated(step) for step in collected.having("pooled")]
    measured = {label for label, _ in models}
    lacking = [label for label in collected.models if label not in measured]
    blocks += [
        Notice(f"{label} has no metrics on test rows that can be read: there is no verdict.", "bad")
        for label in lacking
    ]
    if not blocks:
        blocks += [_card(name, step, held, own=False) for step, name, held in _elsewhere(collected)]
    if not blocks and collected.behind is not None:
        step = collected.behind
        label = f"The run {step.name} ({step.verb}), whose model is looked at here"
        blocks.append(_card(label, step, step.content["metrics"]["test"]))
    if not blocks and any(collected.having("leaderboard")):
        blocks.append(
            Notice("Models are compared here on the test rows that they share: see the runs together.", "plain")
        )
    if not blocks:
        blocks.append(Notice("No model was measured on test rows: there is no verdict.", "plain"))
        blocks += [Notice(text, "plain") for text in _audited(collected)]
    return Section("short", "In short", blocks)


def _elsewhere(collected: Collected) -> Iterator[tuple[Step, str, Mapping[str, Any]]]:
    for step in collected.having("metrics"):
        for name, held in (step.content.get("metrics", {}).get("sets") or {}).items():
            yield step, str(name), held


def _audited(collected: Collected) -> Iterator[str]:
    for step in collected.having("audit"):
        worst = [item for item in findings_of(step) if item.get("severity") == "severe"]
        first = f", the first: {_message(worst[0])}" if worst else ""
        yield f"The audit found {how_many(findings_of(step))}{first}."


def _card(label: str, step: Step, measured: Mapping[str, Any], *, own: bool = True) -> Verdict:
    name = headline_of(step, measured)
    item = (measured.get("metrics") or {}).get(name) or {}
    word, tone = WORDS.get(str(measured.get("verdict")), ("no verdict", "plain"))
    rows = f"n = {count(measured.get('n'))} {'test ' if own else ''}rows"
    groups = _groups(measured)
    interval = ", 95 % interval" if real(item.get("low")) is not None else f", {item.get('reason') or 'no interval'}"
    said = [*_against_floors(measured, name), *(_leaks(step) if own else _seen(measured)), *_warnings(step, measured)]
    said += [str(item.get("sentence") or "") for item in (measured.get("controls") or {}).values()]
    if own and (resampled := _resampled(step)):
        said.append(resampled)
    if step.record.get("leaky"):
        word, tone = "leaky", "bad"
    return Verdict(label, estimate(item), f"{title_of(name)}{interval}, {rows}{groups}", word, said, tone)


def _resampled(step: Step) -> str:
    """Return how the classes of the training rows were balanced, and what share of synthetic rows is no DNA."""
    balance = step.content["metrics"].get("balance") or {}
    method = str(balance.get("method") or "none")
    if method == "none":
        return ""
    more = f": {balance['sentence']}" if balance.get("sentence") else ""
    return f"The classes of the training rows were balanced ({method}){more}; test rows never are."


def _groups(measured: Mapping[str, Any]) -> str:
    groups = real(measured.get("groups"))
    return f", {count(groups)} group{'' if groups == 1 else 's'}" if groups else ""


def _repeated(step: Step) -> Verdict:
    """Return the card of runs that were judged as one."""
    found = step.content["pooled"]
    name = str(found.get("headline"))
    word, tone = WORDS.get(str(found.get("verdict")), ("no verdict", "plain"))
    runs = len(found.get("runs") or [])
    groups = _groups(found)
    detail = f"mean {title_of(name)} over {runs} runs, 95 % interval, n = {count(found.get('n'))} test rows{groups}"
    mean = estimate((found.get("metrics") or {}).get(name) or {})
    said = _against_floors(found, name)
    if step.record.get("leaky"):
        word, tone = "leaky", "bad"
        said.append(
            "In one or more of the runs rows that meet held-out rows were kept: no number here is to be believed."
        )
    return Verdict(f"All {runs} runs together", mean, detail, word, said, tone)


def _against_floors(measured: Mapping[str, Any], name: str) -> list[str]:
    """Return what the floors say of a model, from their numbers; the stored sentence where those are not there."""
    judged = {str(item.get("against")): item for item in measured.get("comparisons") or []}
    best = judged.get(str(measured.get("against")))
    if best is None:
        stored = named(str(measured.get("sentence") or ""))
        return [stored or NO_FLOORS]
    floor = (measured.get("floors") or {}).get(str(measured["against"]), {})
    reached = f"The best of them, {_floor(measured['against'])}, reaches {estimate(floor.get(name) or {})}. "
    return [
        *_doubts(measured),
        _ranked(judged),
        reached + _difference(best, real(measured.get("smallest"))) + _otherwise(best),
    ]


def _doubts(measured: Mapping[str, Any]) -> list[str]:
    """Return why a model that is above the floors on its test rows is called undecided."""
    doubts = [named(str(item)) for item in measured.get("doubts") or []]
    return [f"Above the floors on the test rows, and yet undecided: {'; '.join(doubts)}."] if doubts else []


def _floor(name: object) -> str:
    return "the model before the transfer" if name == "pretrained" else str(name).replace("_", " ").replace("+", " + ")


def _ranked(judged: Mapping[str, Mapping[str, Any]]) -> str:
    """Return which cheats and which simple models the model is above, and how it stands to those it is not above."""
    parts = []
    for kind, known in (("cheat", True), ("simple model", False)):
        held = [name for name in judged if (name in CHEATS) == known]
        if held and all(judged[name].get("word") == "above" for name in held):
            parts.append(f"above every {kind} ({', '.join(map(_floor, held))})")
            continue
        for word, said in NOT_ABOVE.items():
            if among := [_floor(name) for name in held if str(judged[name].get("word")) in word]:
                these = f"{'this' if len(among) == 1 else 'these'} {kind}{'s' if len(among) > 1 else ''}"
                parts.append(f"{said} {these}: {', '.join(among)}")
    return f"Against the floors (cheats and simple models on the same rows) the model is {'; '.join(parts)}."


def _difference(best: Mapping[str, Any], smallest: float | None) -> str:
    """Return the model less the best floor with its interval, and what that interval allows to say."""
    found = best.get("difference") or {}
    low, high = real(found.get("low")), real(found.get("high"))
    if real(found.get("value")) is None:
        return f"The difference cannot be had: {found.get('reason') or 'no reason is given'}."
    text = f"Model minus floor is {estimate(found)}"
    if low is None or high is None:
        return f"{text}, without an interval ({found.get('reason') or 'no reason is given'}): nothing is decided."
    p = f"p {p_value(best.get('p_holm'), found)} after Holm's correction"
    meaning = {
        "above": f"above 0 ({p})",
        "below": f"below 0 ({p}): the floor is better",
        "equivalent": "inside the margin within which they count as equal",
    }
    if (word := str(best.get("word"))) in meaning:
        return f"{text}, {meaning[word]}."
    why = "an interval that holds 0" if low <= 0 <= high else f"not beyond chance ({p})"
    could = f" A true difference of {number(smallest)} would have been shown four times in five." if smallest else ""
    return f"{text}, {why}: neither better nor worse is shown.{could}"


def _otherwise(best: Mapping[str, Any]) -> str:
    """Return that DeLong's test and the bootstrap fall on two sides of .05, each uncorrected; "" where they do not."""
    found = best.get("difference") or {}
    drawn, delong = real(found.get("p")), real(best.get("delong_p"))
    if drawn is None or delong is None or (drawn <= LEVEL) == (delong <= LEVEL):
        return ""
    own = p_value(drawn, found)
    return f" DeLong's test disagrees at .05: p {p_value(delong)}, the bootstrap's {own} before correction."


def _leaks(step: Step) -> list[str]:
    """Return what the model's own audit found, what was done about it, and what is left."""
    if "audit" not in step.content:
        return ["No audit of this model's rows can be read: whether rows leak is unknown."]
    findings = findings_of(step)
    left = [item for item in findings if item.get("code") in LEAKS]
    found = [item for item in findings if item.get("severity") == "severe" and item not in left]
    said = f"The audit of its rows: {how_many(findings)}"
    said += f"; the first: {_message(found[0])}." if found else "."
    if step.record.get("leaky"):
        return [said, "Rows that meet held-out rows were kept (--overlap keep): no number here is to be believed."]
    near = [item for item in findings if str(item.get("code")).endswith("-across-parts") and item not in left]
    done = " ".join(filter(None, (_done(step), _left(left, near))))
    return [f"{said} {done}".strip()]


def _message(item: Mapping[str, Any]) -> str:
    return named(str(item.get("message") or item.get("code") or "a finding without words"))


def _done(step: Step) -> str:
    """Return what was done with rows that meet: the split, and the rows that it moved or left out."""
    split = step.record.get("split") or {}
    if not split.get("method"):
        return ""
    counts = {reason: real(rows) for reason, rows in (split.get("counts") or {}).items()}
    moved = "; ".join(f"{reason} ({count(rows)})" for reason, rows in counts.items() if rows)
    name = step.data[0].get("name", "its set") if step.data else "its set"
    beside = list(dict.fromkeys(map(str, [*(step.record.get("together") or []), *(step.record.get("beside") or [])])))
    others = f", with {', '.join(beside)} beside it" if beside and step.record.get("overlap") == "drop" else ""
    rows = moved or f"no row of {name} had to be moved or left out after that"
    return f"Done about it: split by {split['method']}{others}; {rows}."


def _left(left: list[Mapping[str, Any]], near: list[Mapping[str, Any]]) -> str:
    if left:
        return f"STILL THERE: {'; '.join(_message(item) for item in left)}."
    if near:
        said = "; ".join(_message(item) for item in near)
        return f"After that none of its test rows equals one of its training or validation rows, but {said}."
    return "After that its test rows meet none of its training or validation rows."


def _seen(measured: Mapping[str, Any]) -> list[str]:
    left = real(measured.get("seen_rows_left_out"))
    return [f"{count(left)} rows that the model was trained on are left out."] if left else []


def _warnings(step: Step, measured: Mapping[str, Any]) -> list[str]:
    """Return the warnings of the data that the model was measured on."""
    own = step.data[0].get("warning") if step.data and "sets" not in step.content.get("metrics", {}) else ""
    return [f"WARNING about the data: {text}." for text in dict.fromkeys((own, measured.get("warning"))) if text]
