"""A sparse matrix: mean and deviation of each column, learned batch by batch; classes are centroids."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from genotool.config import Field
from genotool.controls import shuffled_features
from genotool.dataset import Kind, Task
from genotool.family import Control
from genotool.persist import load_arrays, save_arrays
from scipy.sparse import issparse


@dataclass(frozen=True)
class MatrixConfig:
    sharpness: Annotated[float, Field("how fast a probability falls with the distance", gt=0)] = 0.5


class Standardised:
    def __init__(self):
        self.mean = self.scale = np.empty(0, np.float32)

    def fit(self, batches):
        count, total, squares = 0, 0.0, 0.0
        for batch in batches:
            rows = batch.columns["expression"]
            assert issparse(rows), "the column was made dense on its way"
            count += rows.shape[0]
            total = total + np.asarray(rows.sum(axis=0), np.float64)
            squares = squares + np.asarray((rows * rows).sum(axis=0), np.float64)
        mean = total / count
        self.mean = mean.astype(np.float32)
        self.scale = np.sqrt(np.maximum(squares / count - mean**2, 1e-6)).astype(np.float32)
        return self

    def encode(self, batch):
        return {"z": (batch.columns["expression"].toarray() - self.mean) / self.scale}

    def save(self, directory):
        save_arrays(directory / "encoder.npz", {"mean": self.mean, "scale": self.scale})

    def load(self, directory):
        stored = load_arrays(directory / "encoder.npz")
        self.mean, self.scale = stored["mean"], stored["scale"]
        return self


class Centroids:
    def __init__(self, task, centroids, sharpness):
        self.task, self.centroids, self.sharpness = task, centroids, sharpness

    def predict(self, batch):
        distance = np.square(batch["z"][:, None] - self.centroids).mean(axis=2, dtype=np.float64)
        weight = np.exp(-self.sharpness * (distance - distance.min(axis=1, keepdims=True)))
        probability = weight / weight.sum(axis=1, keepdims=True)
        return probability[:, 1] if self.task is Task.BINARY else probability

    def save(self, directory):
        arrays = {"task": np.array(self.task.value), "sharpness": np.array(self.sharpness)}
        save_arrays(directory / "model.npz", {**arrays, "centroids": self.centroids})


class Matrix:
    name = "toy-matrix"
    summary = "nearest centroid of standardised counts"
    tasks = frozenset({Task.BINARY, Task.MULTICLASS})
    kinds = frozenset({Kind.MATRIX})
    config_type = MatrixConfig

    def encoder(self, config, task):
        return Standardised()

    def fit(self, config, task, train, valid, run):
        rows = train.arrays()
        classes = range(int(rows.target.max()) + 1)
        centroids = np.stack([rows.inputs["z"][rows.target == code].mean(axis=0) for code in classes])
        return Centroids(task, centroids, config.sharpness)

    def controls(self, config, kind):
        return {
            "shuffled gene layout": Control("genes in another place, their values kept", shuffled_features),
            "shuffled component order": Control("inputs in another order", order={"z": 1}),
        }

    def embed(self, model, batch):
        return batch["z"]

    def load(self, directory):
        stored = load_arrays(directory / "model.npz")
        return Centroids(Task(str(stored["task"])), stored["centroids"], float(stored["sharpness"]))
