"""A finished run folder: is it what the run wrote, did its fitted states see training rows alone, do its numbers hold?

Three things are compared: the files with the manifest in ``run.json``; the digests in ``fitted.json`` with the rows
that ``split.tsv`` names; ``predictions.tsv`` with the data, and ``metrics.json`` with what those predictions give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genotool.audit.claims import false_claims
from genotool.audit.findings import Audit, Finding, shown
from genotool.audit.keys import read_keys
from genotool.audit.relations import overlap_mask
from genotool.balance import under_sampled
from genotool.dataset import Dataset, Task
from genotool.errors import GenotoolError, InputError
from genotool.fitted_rows import FILE, digest_of, row_digests
from genotool.manifest import RECORD, manifest_of, record_digest
from genotool.metrics import TITLES, compute
from genotool.predictions import TestRows, read_table, read_test_rows
from genotool.run import Run, escaped
from genotool.split import Part, Split, from_file

__all__ = ["verify"]

AGAIN = "take the folder from where it was made, or make the run again; believe no number of this one"
SPLIT, PREDICTIONS, METRICS, KEYS = "split.tsv", "predictions.tsv", "metrics.json", "training_keys.bin"
CLOSE = 1e-4
"""How far a metric may lie from the one measured: predictions.tsv holds six digits of a score."""
SATURATED = 0.99999
"""A probability from which on six digits may make ties that the score does not have."""


def verify(run: Run, load: Callable[[], Dataset] | None = None) -> Audit:
    """Verify a finished run folder against its manifest, its data and its own predictions.

    Parameters
    ----------
    load
        Loads the data that the run was made from; what it raises becomes a finding, and the rest is verified. None: the
        run has no model, its files and metrics alone are verified.
    """
    findings = [*_files(run), *_measured(run)]
    dataset: Dataset | None = None
    if run.record["data"] and load is not None:
        try:
            dataset = load()
        except GenotoolError as error:
            findings.append(_not_at_hand(run, error))
    if dataset is not None:
        findings += _against_data(run, dataset)
    return Audit.of(findings, [run.path.name])


def _severe(run: Run, code: str, message: str, count: int = 1, total: int = 1, examples: Any = ()) -> Finding:
    return Finding(code, "severe", count, total, message, AGAIN, shown(examples), data=(run.path.name,))


def _note(run: Run, code: str, message: str, remedy: str) -> Finding:
    return Finding(code, "note", 1, 1, message, remedy, data=(run.path.name,))


def _not_at_hand(run: Run, error: GenotoolError) -> Finding:
    changed = isinstance(error, InputError)
    message = f"what the run was fitted on could not be compared with its data: {error.message}"
    remedy = "give --data-dir as it was; the files and the metrics were verified without the data"
    return Finding(
        "data-changed" if changed else "data-not-at-hand", "warning" if changed else "note", 1, 1, message, remedy,
        data=(run.path.name,),
    )  # fmt: skip


def _files(run: Run) -> Iterator[Finding]:
    kept = run.record.get("manifest")
    if kept is None and run.file(FILE).is_file():
        yield _severe(run, "no-manifest", f"{RECORD} has no manifest, and the version that wrote {FILE} writes one")
        return
    if kept is None:
        message = "the folder has no manifest: it was made before there was one, and a changed file would not show"
        yield _note(run, "no-manifest", message, "make the run again with this version")
        return
    there = {**manifest_of(run.path), RECORD: record_digest(run.record)}
    for name, digest in kept.items():
        if name not in there:
            file = run.path / name
            now = "a link now" if file.is_symlink() else "no file any more" if file.exists() else "gone"
            yield _severe(run, "file-missing", f"{name} is {now}: the run wrote it", total=len(kept))
        elif there[name] != digest:
            yield _severe(run, "file-changed", f"{name} is not the file that the run wrote", total=len(kept))


def _against_data(run: Run, dataset: Dataset) -> Iterator[Finding]:
    split = None
    if run.file(SPLIT).is_file() and run.record.get("folds") is None:  # folds: each is a run that is verified itself
        try:
            split = from_file(run.file(SPLIT), dataset)
        except InputError as error:
            yield _severe(run, "split-damaged", f"{SPLIT} is no split of {dataset.name}: {error.message}")
    if split is not None:
        yield from _fitted(run, dataset, split)
        yield from _seen(run, dataset, split)
    if run.file(PREDICTIONS).is_file():
        yield from _predicted(run, dataset, split)


def _fitted(run: Run, dataset: Dataset, split: Split) -> Iterator[Finding]:
    if not run.file(FILE).is_file():
        message = f"the folder has no {FILE}: which rows its encoder, model and threshold saw is not known"
        yield _note(run, "no-digests", message, "make the run again with this version")
        return
    try:
        states = {str(name): _state(state) for name, state in run.read_json(FILE)["states"].items()}
    except (InputError, KeyError, TypeError, ValueError, AttributeError) as error:
        yield _severe(run, "digests-damaged", f"{FILE} is damaged: {error}")
        return
    digests = row_digests(dataset)
    for name, (parts, sets) in states.items():
        found = digest_of(digests[_rows(run, dataset, split, name, parts)])
        if sets.get(dataset.name) != found:
            yield _other_rows(run, digests, split, name, sets.get(dataset.name) or {}, found["n"])
    if others := sorted({other for _, sets in states.values() for other in sets} - {dataset.name}):
        message = f"the rows of {', '.join(others)}, learned jointly, were not compared with {FILE}"
        yield _note(run, "joined-not-verified", message, "audit a run of each set alone, or replay this one")


def _state(state: Mapping[str, Any]) -> tuple[list[Part], dict[str, Any]]:
    return [Part[name.upper()] for name in state["parts"]], dict(state["sets"])


def _rows(run: Run, dataset: Dataset, split: Split, state: str, parts: list[Part]) -> NDArray[np.int64]:
    """Return the rows of the parts; of a model with fewer rows of the commoner classes those that were drawn."""
    rows = np.flatnonzero(np.isin(split.parts, parts)).astype(np.int64)
    if run.record.get("balance") != "under" or state not in ("model", "refit") or dataset.target is None:
        return rows
    return rows[under_sampled(dataset.target[rows], int(run.record.get("seed") or 0))]


def _other_rows(
    run: Run, digests: NDArray[Any], split: Split, state: str, stored: Mapping[str, Any], expected: int
) -> Finding:
    """Return the finding on a state that saw other rows, and which parts those are where that can be told."""
    said = f"{FILE}: the {state} was fitted on {stored.get('n', 'no')} rows that are not the {expected} of {SPLIT}"
    for size in range(1, len(Part) + 1):
        for parts in combinations(Part, size):
            if digest_of(digests[np.isin(split.parts, parts)]) == stored:
                names = ", ".join(part.name.lower().replace("_", " ") for part in parts)
                tested = "; test rows were fitted on" if Part.TEST in parts else ""
                return _severe(run, "fitted-rows", f"{said}: they are its rows of {names}{tested}")
    return _severe(run, "fitted-rows", said)


def _seen(run: Run, dataset: Dataset, split: Split) -> Iterator[Finding]:
    """Yield the test rows that are among the training keys, where overlap was not kept on purpose."""
    file, rows = run.file(KEYS), split.rows(Part.TEST)
    if not file.is_file() or run.record.get("leaky") or not len(rows):
        return
    try:
        keys = read_keys(file, frozenset({dataset.kind}))
    except InputError as error:
        yield _severe(run, "keys-damaged", f"{KEYS} cannot be read: {error.message}")
        return
    met = overlap_mask(dataset.take(rows), keys, relations=("exact",))
    if met.any():
        message = f"{int(met.sum())} test rows of {SPLIT} are among the rows of {KEYS} that the model was trained on"
        yield _severe(run, "test-rows-trained", message, int(met.sum()), len(rows), dataset.ids[rows[met]])


def _predicted(run: Run, dataset: Dataset, split: Split | None) -> Iterator[Finding]:
    """Yield what predictions.tsv says of the rows otherwise than the data and the split do."""
    try:
        table = read_table(run.file(PREDICTIONS))
    except InputError as error:
        yield _severe(run, "predictions-damaged", f"{PREDICTIONS} is damaged: {error.message}")
        return
    ids = [escaped(row) for row in dataset.ids.tolist()]
    if [row.get("id") for row in table] != ids:
        yield _severe(run, "predictions-rows", f"the rows of {PREDICTIONS} are not those of {dataset.name}, in order")
        return
    wrong = np.flatnonzero([row.get("target") != told for row, told in zip(table, _targets(dataset), strict=True)])
    if len(wrong):
        message = f"the target of {len(wrong)} rows of {PREDICTIONS} is not that of {dataset.name}"
        yield _severe(run, "predictions-target", message, len(wrong), len(ids), dataset.ids[wrong])
    names = {part.value: part.name.lower() for part in Part}
    parts = [] if split is None else [names[part] for part in split.parts.tolist()]
    moved = np.flatnonzero([row.get("split") != part for row, part in zip(table, parts, strict=False)])
    if len(moved):
        message = f"the part of {len(moved)} rows differs between {SPLIT} and {PREDICTIONS}"
        yield _severe(run, "predictions-split", message, len(moved), len(ids), dataset.ids[moved])


def _targets(dataset: Dataset) -> list[str]:
    if dataset.target is None:
        return [""] * len(dataset)
    if dataset.classes:
        return [escaped(dataset.classes[code]) for code in dataset.target.tolist()]
    return [str(value) for value in dataset.target]


def _measured(run: Run) -> Iterator[Finding]:
    """Yield the metrics of the test rows that predictions.tsv does not give."""
    if not (run.file(METRICS).is_file() and run.file(PREDICTIONS).is_file()):
        return
    try:
        content = run.read_json(METRICS)
        told = content["test"]["metrics"] if content.get("test") else {}
        rows = read_test_rows(run, run.path.name) if told else None
        values = {} if rows is None else _again(rows, float(content["threshold"]))
        seed = int(run.record.get("seed") or 0)
        claims = [] if rows is None else list(false_claims(rows, content["test"], float(content["threshold"]), seed))
    except (InputError, KeyError, TypeError, ValueError, AttributeError) as error:
        yield _severe(run, "metrics-damaged", f"{METRICS} and {PREDICTIONS} do not fit: {error}")
        return
    if "threshold" in run.record and content["threshold"] != run.record["threshold"]:
        yield _severe(run, "threshold", f"the threshold of {METRICS} is not that of {RECORD}")
    for claim in claims:
        yield _severe(run, "claims-differ", f"{METRICS}: {claim}")
    for name, (value, allowed) in values.items():
        said = (told.get(name) or {}).get("value")
        if said != value and (said is None or value is None or not abs(said - value) <= allowed):
            found = "none" if value is None else f"{value:.4f}"
            message = f"{METRICS} says {TITLES.get(name, name)} {said}, the test rows of {PREDICTIONS} give {found}"
            yield _severe(run, "metrics-differ", message)


def _again(rows: TestRows, threshold: float) -> dict[str, tuple[float | None, float]]:
    """Return each metric measured again, and by how much six digits of a score may have moved it."""
    values = compute(rows.task, rows.target, rows.score, threshold=threshold)
    return {name: (value, CLOSE + _rounding(rows, name, threshold)) for name, value in values.items() if name != "ece"}


def _rounding(rows: TestRows, metric: str, threshold: float) -> float:
    """Return by how much a metric may differ for the ties, and rows at the threshold, that six digits make."""
    if rows.task is Task.REGRESSION or metric == "brier":
        return 0.0
    if rows.task is Task.MULTICLASS:
        highest = np.sort(rows.score, axis=1)[:, -2:]
        return float((highest[:, 0] == highest[:, 1]).mean())
    if metric not in ("roc_auc", "pr_auc"):
        return float(4 * np.isclose(rows.score, threshold, rtol=1e-5, atol=0).mean())
    top = rows.score >= SATURATED
    positive, negative = ((top & (rows.target == code)).sum() / max(1, (rows.target == code).sum()) for code in (1, 0))
    return float(positive * negative / 2 if metric == "roc_auc" else min(positive, negative))
