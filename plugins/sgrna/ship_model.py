"""Make the model that ships with the package out of a finished run: `python plugins/sgrna/ship_model.py RUN`.

Copies what predicting, transferring and auditing need, drops what names the machine or holds labels (predictions,
split, log), fits the linear reference of the label-sign check on the same benchmark, and writes the model card.
"""

from __future__ import annotations

import json
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from genotool.family import ShipsModel
from genotool.manifest import RECORD, manifest_of, record_digest
from genotool.persist import save_arrays
from genotool.plugins import family
from genotool.run import write_atomically
from genotool.split import Part
from genotool.trained import Trained, open_trained

KEPT = ("model.keras", "model.json", "config.toml", "training_keys.bin", "metrics.json", "trials.tsv", "DONE")
PRIVATE = ("cwd", "host", "pid", "parents", "manifest")
RIDGE = 1000.0
WHY_JOINT = """A model of this screen alone ranks its held-out guides better
  (Spearman .868); this one was chosen because its transfers to cell lines are better (ROC-AUC, mean of three lines and
  five gene splits: .795, of the other .789)."""


def main(run: Path) -> None:
    """Write the shipped model's folder from a finished benchmark run."""
    trained = open_trained(str(run))
    shipping = trained.family
    assert isinstance(shipping, ShipsModel)
    target = shipping.shipped_model()
    shutil.rmtree(target, ignore_errors=True)
    (target / "encoder").mkdir(parents=True)
    for name in KEPT:
        if (run / name).is_file():
            shutil.copyfile(run / name, target / name)
    deflate(target / "model.keras")
    for file in (run / "encoder").iterdir():
        shutil.copyfile(file, target / "encoder" / file.name)
    record = {key: value for key, value in trained.run.record.items() if key not in PRIVATE}
    record["data"] = [{**item, "path": Path(item["path"]).name, "data_dir": None} for item in record["data"]]
    record["command"] = [word if "/" not in word else Path(word).name for word in record["command"]]
    save_arrays(target / "reference.npz", reference(trained))
    write_atomically(target / "MODEL_CARD.md", card(record, trained.run.read_json("metrics.json")))
    seal(target, record)
    print(f"{target}: {sum(file.stat().st_size for file in target.rglob('*') if file.is_file()):,} bytes")


def seal(target: Path, record: dict[str, Any]) -> None:
    """Write ``run.json`` with the manifest of what ships, by which `genotool audit` sees a file that was changed."""
    manifest = {**manifest_of(target), RECORD: record_digest(record)}
    write_atomically(target / RECORD, json.dumps({**record, "manifest": manifest}, indent=1) + "\n")


def deflate(file: Path) -> None:
    """Write a ``.keras`` file again with its members compressed: Keras stores them as they are."""
    with zipfile.ZipFile(file) as stored:
        members = {item.filename: stored.read(item) for item in stored.infolist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name, content in members.items():
            packed.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


def reference(trained: Trained) -> dict[str, Any]:
    """Return weights (m,) and intercept of a ridge regression on the training rows' natural features."""
    from sklearn.linear_model import Ridge

    rows = trained.load_dataset().take(trained.split.rows(Part.TRAIN))
    features = family("sgrna").natural_features(rows)  # type: ignore[attr-defined]
    model = Ridge(alpha=RIDGE).fit(features, rows.target)
    return {"weights": np.asarray(model.coef_, np.float32), "intercept": np.float32([model.intercept_])}


def card(record: dict[str, Any], metrics: dict[str, Any]) -> str:
    """Return the model card."""
    data, test = record["data"][0], metrics["test"]
    together = ", ".join(record.get("together") or [])
    jointly = f"- Learned jointly with {together}, a head each; its own is kept. {WHY_JOINT}\n" if together else ""

    def interval(values: dict[str, Any]) -> str:
        if values.get("value") is None:
            return "-"
        return f"{values['value']:.3f} [{values['low']:.3f}, {values['high']:.3f}]"

    floors = "\n".join(f"| floor: {name} | {interval(each['spearman'])} |" for name, each in test["floors"].items())
    counts = "\n".join(f"- {reason}: {count}" for reason, count in record["split"]["counts"].items())
    return f"""# Model card: the sgRNA model that ships with genotool-sgrna

What it is: a convolutional network over a 23-nt SpCas9 guide (20 bases and PAM), trained to predict the indel
fraction of DeepHF's wild-type SpCas9 screen in HEK293T. Use: ranking guides, and as the start of a transfer.
Not for: other nucleases, base editing, off-target effects, or a probability of phenotype.

- Data: {data["name"]}, {data["rows"]} guides ({data["cite"]}); licence: {data["licence"]}; the data themselves are not
  distributed, the training guides are, packed without labels, so that an audit can tell what the model has seen.
{jointly}- Content digest of the data: `{data["digest"]}`
- Command: `{" ".join(record["command"])}`
- Split: {record["split"]["method"]}, seed {record["seed"]}; rows {record["split"]["rows"]}
{counts}
- Leaves open: {record["split"]["leaves_open"]}

| on {test["n"]} held-out guides of the same screen | Spearman (95 % interval) |
|---|---|
| this model | {interval(test["metrics"]["spearman"])} |
{floors}

{test["sentence"]}

Known limits: every guide of the benchmark begins with G or A (the U6 promoter), so guides that begin with C or T,
about half of all sites of a genome, are of a kind that the model has not seen in that base. One cell line, one
delivery, indel fraction and not phenotype; on drop-out screens its ranking is
weaker (`genotool evaluate sgrna k562 nb4 a549` says by how much, beside the floors).
Licence of the weights: MIT, as the package. Versions: {record["versions"]}
"""


if __name__ == "__main__":
    main(Path(sys.argv[1]))
