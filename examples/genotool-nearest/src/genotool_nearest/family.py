from dataclasses import dataclass
from typing import Annotated

import numpy as np
from genotool.config import Field
from genotool.dataset import Kind, Task
from genotool.persist import load_arrays, save_arrays
from sklearn.neighbors import KNeighborsRegressor


@dataclass(frozen=True)
class Config:
    neighbours: Annotated[int, Field("training sequences to average", ge=1)] = 5


class Encoder:
    def fit(self, batches):
        return self  # fitted state would be learned here: from training rows, batch by batch

    def encode(self, batch):
        tokens = batch.columns["sequence"].kmers(4, special_tokens=False)
        return {"counts": np.stack([np.bincount(row, minlength=5 + 4**4)[5:] for row in tokens])}

    def save(self, directory): ...
    def load(self, directory):
        return self


class Model:
    def __init__(self, task, neighbours, counts, target):
        self.task = Task(str(task))
        self.arrays = {"task": np.array(task), "neighbours": neighbours, "counts": counts, "target": target}
        self.index = KNeighborsRegressor(int(neighbours), algorithm="brute").fit(counts, target)

    def predict(self, batch):
        return self.index.predict(batch["counts"])  # the share of class 1, or the mean

    def save(self, directory):
        save_arrays(directory / "model.npz", self.arrays)


class Nearest:
    name, summary, config_type = "nearest", "neighbours by k-mers", Config
    tasks, kinds = frozenset({Task.BINARY, Task.REGRESSION}), frozenset({Kind.SEQUENCES})

    def encoder(self, config, task):
        return Encoder()

    def fit(self, config, task, train, valid, run):
        return Model(task.value, np.array(config.neighbours), train.arrays().inputs["counts"], train.target)

    def load(self, directory):
        return Model(**load_arrays(directory / "model.npz"))
