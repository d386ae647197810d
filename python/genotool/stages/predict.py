"""The verb predict: a model's score of every row of a table, or of every site of scanned sequences."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np
from numpy.typing import NDArray

from genotool.audit import RELATIONS
from genotool.companions import Companions
from genotool.dataset import KEY_COLUMNS, Dataset, Kind, Task
from genotool.errors import InputError, UsageError, nearest
from genotool.metrics import TITLES
from genotool.persist import save_json
from genotool.run import escaped, versions
from genotool.sequences import Sequences
from genotool.stages.output import check_out, folder_digest, provenance_file, writing

if TYPE_CHECKING:
    from genotool.statistics.conformal import Conformal
    from genotool.trained import Trained

__all__ = ["ScanRequest", "Summary", "classes_of", "predict", "run_predict", "seen_words", "write_predictions"]

BATCH_ROWS = 65_536
SPACER = 20
"""The longest guide without a PAM."""
OWN_TEST = {"above": "above its floors", "below": "below its best floor", "equivalent": "equal to its best floor",
            "undecided": "undecided against its floors"}  # fmt: skip
"""What a verdict says of a model, in a line."""
MODEL_FILES = ("model*", "*.keras", "encoder/*", "config.toml")


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """What the command line says of a listing of guides.

    Attributes
    ----------
    style
        ``tsv``, ``bed``, ``crispor`` or ``mageck``.
    avoid_sites
        ``BsmBI,GAATTC``: marked in a full list, left out of a choice (the next three, ``mageck``).
    per_record, per_gene, top
        Keep the best of each record, of each gene, and of all.
    """

    style: str = "tsv"
    avoid_sites: str | None = None
    per_record: int | None = None
    per_gene: int | None = None
    top: int | None = None
    pam: str = "NGG"


@dataclass(frozen=True, slots=True)
class Summary:
    """What a prediction did.

    Attributes
    ----------
    out
        The file written; None for standard output.
    rows, written
        Rows or sites scored, and how many of them are in the file.
    overlap
        Written rows by what the model saw of them in training, by each of `genotool.audit.RELATIONS`; None where the
        model carries no training keys.
    counts
        What was left out, by reason.
    provenance
        The content of ``FILE.json``.
    remark
        How the rows were brought into the model's terms; "" where they are.
    """

    out: Path | None
    rows: int
    written: int
    overlap: dict[str, int] | None
    counts: dict[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    provenance: dict[str, Any] = field(default_factory=dict)
    remark: str = ""


def predict(trained: Trained, rows: Dataset, *, batch_size: int = BATCH_ROWS) -> NDArray[np.float64]:
    """Return the model's prediction of every row: (n,) or, for many classes, (n, classes).

    Raises
    ------
    UsageError
        If the family does not take this kind of rows.
    InputError
        If the model gives a number that is not finite: it is damaged.
    """
    if rows.kind not in trained.family.kinds:
        takes = ", ".join(sorted(trained.family.kinds))
        hint = "--scan finds the guides in sequences" if Kind.GUIDES in trained.family.kinds else None
        raise UsageError(f"{rows.name} holds {rows.kind}, the {trained.family.name} family takes {takes}", hint=hint)
    parts = [np.asarray(trained.predict(batch), np.float64) for batch in rows.batches(batch_size)]
    score = np.concatenate(parts) if parts else np.empty(0, np.float64)
    if not np.isfinite(score).all():
        raise InputError("the model predicts numbers that are not finite: it is damaged", file=trained.run.path)
    return score


def seen_words(trained: Trained, rows: Dataset) -> list[str]:
    """Return how the model met each row in training: the first relation, ``no``, or ``unknown`` without keys."""
    from genotool.audit.relations import overlap_with_keys

    if trained.keys is None:
        return ["unknown"] * len(rows)
    found = overlap_with_keys(rows, trained.keys)
    words = np.full(len(rows), "no", "U20")
    for relation in reversed(RELATIONS):
        words[found[relation]] = relation
    return [str(word) for word in words]


def classes_of(trained: Trained) -> tuple[str, ...]:
    """Return the names of the classes that the model was trained on."""
    data = trained.run.record.get("data") or [{}]
    return tuple(map(str, data[0].get("classes") or (("0", "1") if trained.task is Task.BINARY else ())))


def labels(trained: Trained, score: NDArray[np.float64]) -> list[str]:
    """Return the class of each prediction; of two, at the threshold that was chosen on validation rows."""
    classes = classes_of(trained)
    codes = (score >= trained.threshold).astype(int) if trained.task is Task.BINARY else score.argmax(axis=1)
    return [classes[code] if classes else str(code) for code in codes.tolist()]


def write_predictions(
    handle: TextIO,
    trained: Trained,
    rows: Dataset,
    score: NDArray[np.float64],
    seen: Sequence[str],
    *,
    header: bool,
    conformal: Conformal | None = None,
) -> None:
    """Write one line a row, in their order: id, key columns, score (one a class if many), label, seen.

    With `conformal` limits also ``set``, the classes that they leave joined by ``|``, or ``low`` and ``high``.
    """
    columns: dict[str, Sequence[object]] = {"id": rows.ids.tolist()}
    for role in KEY_COLUMNS[rows.kind]:
        if isinstance(column := rows.columns[role], Sequences):
            columns[role] = list(column)
    wide = score if score.ndim == 2 else score[:, None]
    names = [f"score_{name}" for name in classes_of(trained)] if score.ndim == 2 else ["score"]
    columns |= {name: [f"{value:.6g}" for value in wide[:, place]] for place, name in enumerate(names)}
    if trained.task is not Task.REGRESSION:
        columns["label"] = labels(trained, score)
    if conformal is not None:
        columns |= _conformal_columns(trained, conformal, score)
    columns["seen"] = seen
    if trained.simulated or rows.about.simulated:
        columns["simulated"] = ["yes"] * len(rows)
    if header:
        handle.write("\t".join(columns) + "\n")
    rows_of_text = zip(*columns.values(), strict=True)
    handle.writelines("\t".join(escaped(str(cell)) for cell in row) + "\n" for row in rows_of_text)


def _conformal_columns(trained: Trained, conformal: Conformal, score: NDArray[np.float64]) -> dict[str, list[str]]:
    if trained.task is Task.REGRESSION:
        ends = zip(("low", "high"), conformal.interval(score), strict=True)
        return {name: [f"{value:.6g}" for value in values] for name, values in ends}
    sets = conformal.sets(score)
    classes = classes_of(trained) or tuple(map(str, range(sets.shape[1])))
    return {"set": ["|".join(np.array(classes)[row]) for row in sets]}


def run_predict(
    model: str,
    data: str,
    out: Path | None,
    *,
    key: str | None = None,
    scan: bool = False,
    output_format: str = "tsv",
    avoid_sites: str | None = None,
    per_record: int | None = None,
    per_gene: int | None = None,
    top: int | None = None,
    pam: str | None = None,
    coverage: float | None = None,
    data_dir: Path | None = None,
    batch_size: int = BATCH_ROWS,
    overwrite: bool = False,
    command: Sequence[str] | None = None,
    companions: Companions | None = None,
) -> Summary:
    """Score a data set, a table or a FASTA file and write the scores, their provenance beside them.

    Parameters
    ----------
    model
        A run folder, a recipe's folder (`key` then chooses), or a family that ships a model.
    data
        A data set's name, a table, a FASTA file, features with `companions`; with `scan` a FASTA file of any sequences.
    out
        The file; None or ``-`` is standard output, then without provenance.
    coverage
        The share of rows whose truth a conformal set or interval, written beside the score, shall hold.
    companions
        The genome and the window of a BED or GFF3 file.

    Raises
    ------
    UsageError
        If a flag is wrong or fits no other, the file exists and `overwrite` is not set, or the model's validation rows
        cannot give the coverage.
    """
    from genotool.stages.scan import run_scan
    from genotool.trained import open_trained

    request = ScanRequest(output_format, avoid_sites, per_record, per_gene, top, pam or "NGG")
    _check_flags(request, scan, pam, batch_size)
    if scan and coverage is not None:
        raise UsageError("--coverage does not go with --scan", hint="score the sites as a table")
    if companions:
        companions.check_used([data])
        if scan:
            raise UsageError("--genome does not go with --scan", hint="--scan looks at every site of a FASTA file")
    target = check_out(out, overwrite)
    trained = open_trained(model, key=key, data_dir=data_dir)
    conformal = None if coverage is None else _limits(trained, coverage)
    if scan:
        summary = run_scan(trained, data, target, request, batch_size=batch_size, data_dir=data_dir)
    else:
        rows = _rows(trained, data, data_dir, companions)
        summary = _run_table(trained, rows, target, conformal, batch_size=batch_size)
    summary.provenance.update(_provenance(trained, model, command, summary))
    if conformal is not None:
        made = {"method": conformal.method, "coverage": conformal.level, "limits": conformal.limits.tolist()}
        summary.provenance["model"]["conformal"] = made
    if target is not None:
        save_json(provenance_file(target), summary.provenance)
    return summary


def _check_flags(request: ScanRequest, scan: bool, pam: str | None, batch_size: int) -> None:
    from genotool.guides import FORMATS

    if request.style not in FORMATS:
        raise UsageError(f"unknown --format {request.style!r}", hint=nearest(request.style, FORMATS))
    counts = {"--per-record": request.per_record, "--per-gene": request.per_gene, "--top": request.top}
    given = {**counts, "--avoid-site": request.avoid_sites, "--pam": pam}
    named = [flag for flag, value in given.items() if value is not None]
    if not scan and (named or request.style != "tsv"):
        flag = (*named, "--format")[0]
        raise UsageError(f"{flag} goes with --scan", hint="without it every row keeps its place")
    for flag, value in {**counts, "--batch-size": batch_size}.items():
        if value is not None and value < 1:
            raise UsageError(f"{flag} is at least 1, not {value}")


def _limits(trained: Trained, coverage: float) -> Conformal:
    from genotool.statistics.conformal import FILE, read_calibration
    from genotool.trained import Ensemble

    if isinstance(trained, Ensemble):  # errors of single folds' models promise nothing about their mean
        raise UsageError("--coverage takes a single model", hint=f"name a fold, such as {trained.members[0].run.path}")
    return read_calibration(trained.run.file(FILE), trained.task).at(coverage)


def _rows(trained: Trained, data: str, data_dir: Path | None, companions: Companions | None) -> Dataset:
    from genotool import registry

    kinds = trained.family.kinds
    kind = next(iter(kinds)) if len(kinds) == 1 else None
    return registry.load(data, data_dir=data_dir, labelled=False, kind=kind, companions=companions)


def _run_table(
    trained: Trained, rows: Dataset, out: Path | None, conformal: Conformal | None, *, batch_size: int
) -> Summary:
    here, adapted = trained.adapted(rows)
    warnings = tuple(filter(None, (rows.about.warning, *_shape_warnings(trained, rows))))
    score = predict(here, rows, batch_size=batch_size)
    seen = seen_words(trained, rows)
    with writing(out) as handle:
        write_predictions(handle, trained, rows, score, seen, header=True, conformal=conformal)
    about = {
        "name": rows.name, "path": rows.about.path, "digest": rows.digest, "rows": len(rows),
        "simulated": rows.about.simulated, "cite": rows.about.cite, "licence": rows.about.licence,
    }  # fmt: skip
    about |= {} if adapted is None else {"adapted": dict(adapted.said)}
    said = "" if adapted is None else adapted.sentence
    return Summary(
        out, len(rows), len(rows), overlap_counts(seen), dict(rows.about.left_out), warnings, {"data": about}, said
    )


def _shape_warnings(trained: Trained, rows: Dataset) -> list[str]:
    """Say which rows are scored, but not as they would be whole: guides without their PAM, sequences cut or padded."""
    if rows.kind is Kind.SEQUENCES:
        return trained.row_warnings(rows)
    if rows.kind is not Kind.GUIDES:
        return []
    bare = sum(int((column.lengths <= SPACER).sum()) for column in rows.keys if isinstance(column, Sequences))
    said = f"{bare} of {len(rows)} guides have no PAM: its bases and missing distal ones count as unknown"
    return [f"{said}, which moves the scores"] if bare else []


def overlap_counts(seen: Sequence[str]) -> dict[str, int] | None:
    """Return how many rows stand in each relation to a training row; None where the model has no keys."""
    if seen and seen[0] == "unknown":
        return None
    return {relation: sum(word == relation for word in seen) for relation in RELATIONS}


def _provenance(trained: Trained, model: str, command: Sequence[str] | None, summary: Summary) -> dict[str, Any]:
    record = trained.run.record
    return {
        "format": 1,
        "verb": "predict",
        "model": {
            "operand": model,
            "path": str(trained.run.path),
            "family": trained.family.name,
            "task": trained.task.value,
            "digest": folder_digest(trained.run.path, MODEL_FILES),
            "threshold": trained.threshold if trained.task is Task.BINARY else None,
            "score": _meaning(trained),
            "trained_on": [{name: item.get(name) for name in ("name", "digest", "rows")} for item in record["data"]],
            "leaky": bool(record.get("leaky")),
            "own_test": _own_test(trained),
        },
        "rows": summary.rows,
        "written": summary.written,
        "left_out": summary.counts,
        "overlap_with_training": summary.overlap if summary.overlap is not None else "unknown",
        "simulated": trained.simulated or bool(summary.provenance["data"].get("simulated")),
        "warnings": [*summary.warnings, *_model_warnings(trained)],
        "command": list(command if command is not None else ["genotool", *sys.argv[1:]]),
        "versions": versions(),
        "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _own_test(trained: Trained) -> str | None:
    """Return in a line what the model's own test rows said of it; None where it has no test."""
    file = trained.run.file("metrics.json")
    test = (trained.run.read_json("metrics.json") if file.is_file() else {}).get("test") or {}
    metric = str(test.get("headline"))
    item = (test.get("metrics") or {}).get(metric) or {}
    if item.get("value") is None:
        return None
    interval = "" if item.get("low") is None else f" [{item['low']:.3f}, {item['high']:.3f}]"
    word = test.get("verdict") if test.get("floors") else None
    said = OWN_TEST.get(str(word), "no floors were fitted: nothing says that it is more than a cheat")
    return f"{TITLES.get(metric, metric)} {item['value']:.3f}{interval}, {said}"


def _meaning(trained: Trained) -> str:
    """Return what a score is, in words."""
    data = (trained.run.record.get("data") or [{}])[0]
    where = ", ".join(str(data[name]) for name in ("name", "cell") if data.get(name)) or "data that are not known"
    if trained.task is Task.REGRESSION:
        return f"the number that {data.get('target') or 'the target'} was in {where}: no probability"
    if trained.task is Task.MULTICLASS:
        return f"a column for each class: its probability, as labelled in {where}"
    return f"the probability of the positive class as labelled in {where}"


def _model_warnings(trained: Trained) -> list[str]:
    said = [str(item["warning"]) for item in trained.run.record["data"] if item.get("warning")]
    if trained.keys is None:
        said.append("the model carries no training keys: overlap with what it has seen is unknown")
    if trained.run.record.get("leaky"):
        said.append("the model was trained with --overlap keep: its own metrics are leaky")
    return said
