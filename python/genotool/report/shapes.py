"""What the JSON files of a run folder must look like: parts of another shape are taken out, and said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["SHAPES", "fitted"]

TEXT = (str,)
NUMBER = (int, float)
LIST = (list,)
TABLE = (dict,)


@dataclass(frozen=True, slots=True)
class Each:
    """A table of any keys, or a list: every value has this shape."""

    shape: Any
    of: tuple[type, ...] = TABLE


@dataclass(frozen=True, slots=True)
class Keys:
    """A table: a key that is named here has this shape, another one `rest` where that is given."""

    known: Mapping[str, Any]
    rest: Any = None


ESTIMATE = Keys({"value": NUMBER, "low": NUMBER, "high": NUMBER, "n": NUMBER, "groups": NUMBER, "reason": TEXT})
COMPARISON = Keys({"against": TEXT, "word": TEXT, "difference": ESTIMATE, "p_holm": NUMBER,
                   "delong_p": NUMBER, "mcnemar_p": NUMBER})  # fmt: skip
COVERED = Keys({"coverage": ESTIMATE, "size": ESTIMATE, "coverage_of_groups": ESTIMATE,
                "coverage_of_classes": Each(ESTIMATE, LIST)})  # fmt: skip
CONFORMAL = Keys({"level": NUMBER, "used": TEXT, "calibrated_rows": NUMBER, "sentence": TEXT, "reason": TEXT,
                  "methods": Each(COVERED)})  # fmt: skip
MEASURED = Keys(
    {
        "n": NUMBER, "groups": NUMBER, "headline": TEXT, "verdict": TEXT, "against": TEXT, "sentence": TEXT,
        "difference": NUMBER, "low": NUMBER, "high": NUMBER, "p_holm": NUMBER, "smallest": NUMBER, "margin": NUMBER,
        "metrics": Each(ESTIMATE), "floors": Each(Keys({"summary": TEXT}, ESTIMATE)),
        "controls": Each(Keys({"summary": TEXT, "sentence": TEXT}, ESTIMATE)),
        "comparisons": Each(COMPARISON, LIST), "by_group": Each(Each(NUMBER)), "within_group": ESTIMATE,
        "conformal": CONFORMAL, "seen_rows_left_out": NUMBER, "warning": TEXT, "note": TEXT,
        "classes_unknown": Each(NUMBER), "classes_absent": LIST,
    }
)  # fmt: skip
COMPARED = Keys({"run": TEXT, "against_floors": TEXT, "word": TEXT}, NUMBER)
FINDING = Keys(
    {"code": TEXT, "severity": TEXT, "message": TEXT, "remedy": TEXT, "count": NUMBER, "total": NUMBER,
     "data": LIST, "examples": LIST, "effect": Each(TABLE)}
)  # fmt: skip
FOLDED = Keys(
    {"headline": TEXT, "sentence": TEXT, "method": TEXT, "mean_of_folds": Each(Each(NUMBER)),
     "floors_mean_of_folds": Each(Each(NUMBER)), "t_tests": Each(Each(NUMBER)),
     "folds": Each(Keys({"fold": TEXT, "tests": TEXT, "metrics": Each(NUMBER), "floors": Each(NUMBER)}, NUMBER), LIST)},
    NUMBER,
)  # fmt: skip
MATCHES = Each(Keys({"id": TEXT, "name": TEXT, "family": TEXT, "class": TEXT, "p": NUMBER, "q": NUMBER}), LIST)
PATTERN = Keys(
    {"name": TEXT, "consensus": TEXT, "speaks_for": TEXT, "seqlets": NUMBER, "median_position": NUMBER, "alike": LIST,
     "evidence": Each(Each(NUMBER)), "matches": MATCHES,
     "beside": Each(Keys({"consensus": TEXT, "matches": MATCHES}), LIST)}
)  # fmt: skip
SHAPES: Mapping[str, Any] = {
    "metrics": Keys(
        {"task": TEXT, "threshold": NUMBER, "refit": (bool,), "met": NUMBER, "test": MEASURED, "valid": MEASURED,
         "balance": Keys({"method": TEXT, "sentence": TEXT}),
         "cross_validation": FOLDED, "with_overlap": MEASURED, "without_overlap": MEASURED, "sets": Each(MEASURED)}
    ),
    "audit": Keys({"data": LIST, "findings": Each(FINDING, LIST)}),
    "comparison": Keys({"notes": LIST}),
    "leaderboard": Keys({"metric": TEXT, "margin": NUMBER, "runs": Each(COMPARED, LIST), "floors": Each(ESTIMATE),
                         "baseline": TEXT, "gains": Each(COMPARED, LIST)}),
    "pooled": Keys({**MEASURED.known, "task": TEXT, "runs": Each(COMPARED, LIST), "by_data": Each(MEASURED),
                    "settings_differ": LIST, "floors_left_out": LIST}),
    "explanation": Keys({"exact": (bool,), "means": TABLE}),
    "motifs": Keys({"patterns": Each(PATTERN, LIST), "notes": LIST, "not_clustered": LIST, "seqlets": Each(NUMBER),
                    "covered": Each(NUMBER), "settings": TABLE, "jaspar": TABLE,
                    "null": Keys({"patterns": Each(Each(NUMBER, LIST))})}),
    "tests": Keys({"sample": TEXT, "against": TEXT, "draws": NUMBER, "scores": Each(NUMBER),
                   "expression_matched": (bool,),
                   "tests": Each(Keys({"method": TEXT, "verdict": TEXT}, NUMBER), LIST)}),
    "ranking": Keys({"folds": NUMBER, "genes_not_ranked": TABLE, "rows_that_chose": Each(NUMBER, LIST),
                     "rows_left": Each(NUMBER, LIST), "said": LIST}),
    "clusters": Keys({"sample": TEXT, "against": TEXT, "space": TEXT, "starts": NUMBER, "score_names": LIST,
                      "scores": Each(Each(NUMBER, LIST)), "random_means": Each(Each(NUMBER, LIST))}),
    "enrichment": Keys({"how": TEXT, "list": TEXT, "genes": NUMBER, "sets_tested": NUMBER, "sets_at_fdr_05": NUMBER}),
    "summary": Keys({"asked": TEXT, "models": Each(TEXT)}),
    "run": Keys(
        {"asked": TEXT, "error": TEXT, "leaky": (bool,), "steps": LIST, "versions": TABLE, "search": TABLE,
         "overlap": TEXT, "together": LIST, "beside": LIST, "parents": LIST,
         "data": Each(Keys({"left_out": Each(NUMBER), "classes": LIST, "warning": TEXT}), LIST),
         "split": Keys({"method": TEXT, "leaves_open": TEXT, "rows": Each(NUMBER), "counts": Each(NUMBER)})}
    ),
}  # fmt: skip
"""The shape of each JSON file that a report reads, by stem; `None` is allowed everywhere."""


def fitted(stem: str, content: Any, problems: list[str]) -> Any:
    """Return the content of a JSON file without the parts that are of another shape, each named in `problems`.

    None where the file as a whole is something else.
    """
    if not isinstance(content, dict):
        problems.append(f"{stem}.json is damaged: it holds {_called(content)} where a table belongs")
        return None
    if stem == "audit" and not isinstance(content.get("findings"), list):
        problems.append("audit.json is damaged: it has no findings, not even an empty list")
    return _kept(content, SHAPES[stem], f"{stem}.json", problems)


def _kept(value: Any, shape: Any, place: str, problems: list[str]) -> Any:
    """Return the value, its misfits taken out; None for a misfit."""
    if value is None:
        return None
    types = shape.of if isinstance(shape, Each) else TABLE if isinstance(shape, Keys) else shape
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        problems.append(f"{place} is damaged: {_called(value)}")
        return None
    if isinstance(value, list) and isinstance(shape, Each):
        held = [_kept(item, shape.shape, f"{place}[{at}]", problems) for at, item in enumerate(value)]
        return [item for item in held if item is not None]
    if isinstance(value, dict) and isinstance(shape, Each | Keys):
        return _table(value, shape, place, problems)
    return value


def _table(value: dict[str, Any], shape: Each | Keys, place: str, problems: list[str]) -> dict[str, Any]:
    kept = {}
    for key, item in value.items():
        inner = shape.shape if isinstance(shape, Each) else shape.known.get(key, shape.rest)
        held = item if inner is None else _kept(item, inner, f"{place}: {key}", problems)
        if held is not None or (item is None and not isinstance(inner, Each | Keys)):
            kept[key] = held
    return kept


def _called(value: Any) -> str:
    """Return what a value of the wrong shape is, in a few letters."""
    names = {dict: "a table", list: "a list", str: "text", bool: "yes or no", type(None): "nothing (null)"}
    return names.get(type(value), f"the number {str(value)[:20]}")
