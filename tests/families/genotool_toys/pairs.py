"""Pairs of sequences: what each holds of every k-mer, and a regression on it. Saved through skops."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np
from genotool.config import Field
from genotool.controls import shuffled_sequences
from genotool.dataset import Kind, Task
from genotool.family import Attribution, Control
from genotool.persist import load_json, load_sklearn, save_json, save_sklearn


@dataclass(frozen=True)
class Words:
    k: Annotated[Literal[3, 4], Field("length of a word")] = 3


@dataclass(frozen=True)
class PairConfig:
    strength: Annotated[float, Field("inverse of the ridge penalty", gt=0)] = 1.0
    words: Words = field(default_factory=Words)


class PairEncoder:
    def __init__(self, k):
        self.k = k

    def fit(self, batches):
        return self

    def encode(self, batch):
        return {role: self._counts(batch.columns[role]) for role in ("seq1", "seq2")}

    def _counts(self, sequences):
        tokens = sequences.kmers(self.k, special_tokens=False)
        return np.stack([np.bincount(row, minlength=5 + 4**self.k)[5:] for row in tokens]).astype(np.float32)

    def save(self, directory):
        save_json(directory / "encoder.json", {"k": self.k})

    def load(self, directory):
        return PairEncoder(load_json(directory / "encoder.json")["k"])


class PairModel:
    def __init__(self, task, estimator):
        self.task, self.estimator = task, estimator

    def predict(self, batch):
        rows = np.hstack([batch["seq1"], batch["seq2"]])
        if self.task is Task.REGRESSION:
            return self.estimator.predict(rows).astype(np.float64)
        probability = self.estimator.predict_proba(rows).astype(np.float64)
        return probability[:, 1] if self.task is Task.BINARY else probability

    def save(self, directory):
        save_sklearn(self.estimator, directory / "model.skops")
        save_json(directory / "model.json", {"task": self.task.value})


class Pairs:
    name = "toy-pairs"
    summary = "logistic regression on the k-mers of two sequences"
    tasks = frozenset(Task)
    kinds = frozenset({Kind.PAIRS})
    config_type = PairConfig

    def encoder(self, config, task):
        return PairEncoder(config.words.k)

    def fit(self, config, task, train, valid, run):
        from sklearn.linear_model import LogisticRegression, Ridge

        rows = train.arrays()
        inputs = np.hstack([rows.inputs["seq1"], rows.inputs["seq2"]])
        regression = task is Task.REGRESSION
        estimator = Ridge(1 / config.strength) if regression else LogisticRegression(C=config.strength, max_iter=500)
        return PairModel(task, estimator.fit(inputs, rows.target, sample_weight=rows.weight))

    def transfer(self, model, config, task, train, valid, run):
        run.log(f"starts from a model of {model.task}")
        return self.fit(config, task, train, valid, run)

    def controls(self, config, kind):
        return {"dinucleotide shuffle": Control("both sequences shuffled, dinucleotides kept", shuffled_sequences)}

    def explain(self, model, config, rows, background, run):
        """Share each word's coefficient among its bases, against two sequences without words."""
        k, coefficients = config.words.k, model.estimator.coef_.ravel()
        inputs, shares = [], []
        for place, role in enumerate(("seq1", "seq2")):
            sequences = rows.dataset.columns[role]
            words = sequences.kmers(k, special_tokens=False) - 5 + place * 4**k
            share = np.zeros((len(sequences), words.shape[1] + k - 1))
            for offset in range(k):
                share[:, offset : offset + words.shape[1]] += coefficients[words] / k
            inputs.append(sequences.one_hot())
            shares.append(share)
        inputs, shares = np.concatenate(inputs, axis=1), np.concatenate(shares, axis=1)
        encoded = rows.arrays().inputs
        change = np.hstack([encoded["seq1"], encoded["seq2"]]) @ coefficients
        values = (inputs * shares[..., None]).astype(np.float32)
        error = np.abs(values.sum(axis=(1, 2), dtype=np.float64) - change)
        return Attribution(values, inputs, tuple("ACGT"), error, np.abs(change), "words of the log-odds")

    def natural_features(self, dataset):
        encoded = PairEncoder(3).encode(dataset)
        return np.hstack([encoded["seq1"], encoded["seq2"]])

    def load(self, directory):
        return PairModel(Task(load_json(directory / "model.json")["task"]), load_sklearn(directory / "model.skops"))
