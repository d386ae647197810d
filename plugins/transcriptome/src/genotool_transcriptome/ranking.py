"""Genes ranked by SHAP: how much each moved the network towards the tissue of a sample (Lundberg and Lee 2017).

Each sample is explained for its own tissue alone, and samples that the network takes for another tissue are left out:
the values are (samples, genes), however many tissues there are.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from genotool.dataset import Dataset
from genotool.errors import GenotoolError, InputError, UnavailableError, UsageError
from numpy.typing import NDArray

from genotool_transcriptome.encoder import IMAGE, ExpressionEncoder
from genotool_transcriptome.gene_lists import GeneList

if TYPE_CHECKING:
    from genotool.run import Run
    from genotool.trained import Trained

__all__ = [
    "EXPLAINERS", "OUTPUTS", "Method", "Shap", "by_rule", "explained", "medians", "ranks_of_samples",
    "ranks_of_tissues", "shap_lists",
]  # fmt: skip

Floats: TypeAlias = NDArray[np.float32]
Places: TypeAlias = NDArray[np.int64]

EXPLAINERS = ("gradient", "deep")
OUTPUTS = ("logit", "probability")
ROWS_AT_ONCE = 16
POINTS_AT_ONCE = 50
"""Of a row, by shap itself."""
BACKGROUND = {"gradient": 200, "deep": 50}
"""Training rows that attributions start from, at most; the original takes all. DeepSHAP computes each of them anew."""
UNIQUE = 0.5


@dataclass(frozen=True, slots=True)
class Method:
    """How a prediction is attributed.

    Attributes
    ----------
    explainer
        ``gradient``: expected gradients (`shap.GradientExplainer`), as in the original; ``deep``: DeepSHAP, exact for
        this family's layers.
    output
        ``probability`` of the tissue, as in the original, or what the softmax reads (``logit``): a network that is sure
        has a probability that nothing moves.
    points
        Points between a row and the background at which gradients are taken.
    """

    explainer: str = "gradient"
    output: str = "logit"
    points: int = 100

    def __post_init__(self) -> None:
        for word, known in ((self.explainer, EXPLAINERS), (self.output, OUTPUTS)):
            if word not in known:
                raise UsageError(f"SHAP knows no {word!r}", hint=f"one of {', '.join(known)}")


@dataclass(frozen=True, slots=True, eq=False)
class Shap:
    """SHAP values of the samples that the network takes for what they are.

    Attributes
    ----------
    values
        (n, m) how much each gene moved the output of the sample's own tissue.
    ids, target
        (n,) of these samples.
    wrong
        Ids of the samples that are left out, the network taking them for another tissue.
    said
        The method and its memory, in words.
    """

    values: Floats
    genes: NDArray[np.str_]
    ids: NDArray[np.str_]
    target: NDArray[np.int64]
    classes: tuple[str, ...]
    wrong: tuple[str, ...]
    said: tuple[str, ...]


def explained(trained: Trained, rows: Dataset, background: Dataset, *, how: Method, seed: int, run: Run) -> Shap:
    """Attribute the prediction of each row's own tissue to the genes.

    Parameters
    ----------
    rows
        What to explain: the rows that the genes are chosen on.
    background
        Training rows that attributions start from; drawn down to `BACKGROUND`.

    Raises
    ------
    UnavailableError
        If Keras does not run on TensorFlow in this process.
    InputError
        If the network takes every row for another tissue.
    """
    from genotool.frameworks.keras import start

    if start(seed).backend.backend() != "tensorflow":
        hint = "repeat the command with --backend tensorflow"
        raise UnavailableError("SHAP of this family runs on the TensorFlow backend", hint=hint)
    encoder, predicted = _encoder(trained), _by_block(trained, rows)
    right = np.flatnonzero(predicted == rows.target).astype(np.int64)
    if not len(right):
        raise InputError(f"the network takes every one of the {len(rows)} rows for another tissue: nothing to rank")
    wrong = rows.ids[predicted != rows.target]
    explainer = _Explainer(trained, _drawn(background, BACKGROUND[how.explainer], seed), how, seed)
    values = np.empty((len(right), len(encoder.genes)), np.float32)
    with run.timed("shap"):
        for first in range(0, len(right), ROWS_AT_ONCE):
            part = rows.take(right[first : first + ROWS_AT_ONCE])
            values[first : first + len(part)] = encoder.by_gene(explainer.images(part))
    target = np.asarray(rows.target, np.int64)[right]
    said = (explainer.said, explainer.memory(values))
    return Shap(values, encoder.genes, rows.ids[right], target, rows.classes, tuple(wrong.tolist()), said)


class _Explainer:
    """A SHAP explainer of a trained network; a few rows at a time, each for its own tissue."""

    def __init__(self, trained: Trained, background: Dataset, how: Method, seed: int) -> None:
        import shap

        self.trained, self.how, self.seed = trained, how, seed
        self.network = _output(trained.model, how.output)
        self.reference = self._encoded(background)
        gradient = how.explainer == "gradient"
        with _quiet():
            made = shap.GradientExplainer if gradient else shap.DeepExplainer
            self.explainer = made(self.network, self.reference)
        points = f", {how.points} points" if gradient else ""
        name = "expected gradients" if gradient else "DeepSHAP"
        self.said = f"{name} of the {how.output} of each row's own tissue{points}, from {len(background)} training rows"

    def images(self, rows: Dataset) -> Floats:
        """Return (n, side, side) values of the tissue that the network finds, which is the rows' own."""
        more: dict[str, Any] = {"nsamples": self.how.points, "rseed": self.seed % 2**32}
        more = more if self.how.explainer == "gradient" else {"check_additivity": False}
        encoded = self._encoded(rows)
        if self.network.outputs[0].shape[-1] == 1:  # two tissues: the output is that of the second
            with _quiet():
                values = np.asarray(self.explainer.shap_values(encoded, **more)).reshape(encoded.shape[:3])
            sign = np.where(np.asarray(rows.target) == 1, 1.0, -1.0)[:, None, None]
            return np.asarray(values * sign, np.float32)
        with _quiet():
            values, found = self.explainer.shap_values(encoded, ranked_outputs=1, **more)
        if not np.array_equal(np.asarray(found)[:, 0], np.asarray(rows.target)):
            raise GenotoolError("the network that is explained does not predict what the model predicts")
        return np.asarray(values, np.float32).reshape(encoded.shape[:3])

    def memory(self, values: Floats) -> str:
        """Return what the values take, and at most a block of rows beside the network, in words.

        Of a row shap holds the points between it and the background, what each is away from it, the gradients twice and
        their products; of the points whose gradients are taken at once, what every layer puts out and its gradient.
        """
        image, gradient = self.reference[0].nbytes, self.how.explainer == "gradient"
        points = self.how.points if gradient else 2 * len(self.reference)
        held = image * (6 * points + ROWS_AT_ONCE * 4) + self.reference.nbytes
        block = held + 2 * min(points, POINTS_AT_ONCE if gradient else points) * _put_out(self.network)
        return (
            f"{values.shape[0]} samples x {values.shape[1]} genes: {values.nbytes / 2**20:.0f} MiB of values, "
            f"at most {block / 2**20:.0f} MiB for {ROWS_AT_ONCE} rows at a time, however many samples and tissues"
        )

    def _encoded(self, rows: Dataset) -> Floats:
        return np.asarray(self.trained.encoder.encode(rows)[IMAGE], np.float32)


def _encoder(trained: Trained) -> ExpressionEncoder:
    if not isinstance(trained.encoder, ExpressionEncoder):
        raise UsageError(f"{trained.run.path} is no model of expression", hint="name a run of `train transcriptome`")
    return trained.encoder


def _by_block(trained: Trained, rows: Dataset) -> Places:
    """Return the predicted tissue of each row, as many rows at once as are explained at once."""
    return np.concatenate([_predicted(trained.predict(part)) for part in rows.batches(ROWS_AT_ONCE)])


def _predicted(score: NDArray[Any]) -> Places:
    return np.asarray(score.argmax(axis=1) if score.ndim == 2 else score >= 0.5, np.int64)


def _output(model: Any, output: str) -> Any:
    """Return the network, or that up to what its last activation reads."""
    import keras

    network = model.network
    if output == "probability" or not isinstance(network.layers[-1], keras.layers.Activation):
        return network
    return keras.Model(network.inputs[0], network.layers[-1].input)


def _put_out(network: Any) -> int:
    """Return the bytes that all layers put out for one row."""
    return sum(
        _put_out(layer) if hasattr(layer, "layers") else 4 * math.prod(layer.output.shape[1:])
        for layer in network.layers
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back shap's remarks on graph mode and Keras' on a list of one input."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def _drawn(rows: Dataset, count: int, seed: int) -> Dataset:
    if len(rows) <= count:
        return rows
    return rows.take(np.sort(np.random.default_rng(seed).choice(len(rows), count, replace=False)))


def ranks_of_samples(values: Floats) -> NDArray[np.int32]:
    """Return (n, m) the rank of each gene within each sample, from 1, the highest value first; row by row."""
    ranks = np.empty(values.shape, np.int32)
    place = np.arange(1, values.shape[1] + 1, dtype=np.int32)
    for row, found in zip(values, ranks, strict=True):
        found[np.argsort(-row, kind="stable")] = place
    return ranks


def medians(values: Floats, target: Places, count: int) -> tuple[Places, Floats]:
    """Return the tissues that have a sample, and (tissues, m) the median size of each gene's value over their samples.

    Size, as a gene that speaks against its tissue moves the network as well. One tissue at a time: no second array of
    the size of `values`.
    """
    held = np.flatnonzero(np.bincount(target, minlength=count)).astype(np.int64)
    return held, np.stack([np.median(np.abs(values[target == code]), axis=0) for code in held.tolist()])


def ranks_of_tissues(median: Floats) -> Places:
    """Return (tissues, m) the places of the genes in the order of each tissue, the highest median first."""
    return np.argsort(-median, axis=1, kind="stable").astype(np.int64)


def by_rule(order: Places) -> Places:
    """Return the places of the genes that the original's rule chooses, ascending.

    Its rule, in words: rank the genes of each tissue by the median size of their SHAP values over the tissue's samples.
    Go down the ranks, all tissues at once, and collect the genes; the more tissues name the same genes, the smaller the
    share of names that are new. At the first rank where the different genes are at most half of all names collected,
    stop: the set is the genes of the ranks before it (where that is the first rank: its own). Where that never happens
    it is all genes.

    Parameters
    ----------
    order
        (tissues, m), as `ranks_of_tissues` returns it.
    """
    seen: set[int] = set()
    for rank in range(order.shape[1]):
        new = seen | set(order[:, rank].tolist())
        if len(new) <= UNIQUE * (rank + 1) * len(order):
            return np.array(sorted(seen or new), np.int64)
        seen = new
    return np.array(sorted(seen), np.int64)


def shap_lists(found: Shap, fitted_on: NDArray[np.str_]) -> tuple[GeneList, GeneList]:
    """Return all genes by SHAP, and the genes that the original's rule chooses of them.

    The order of all, and its score: the share that a gene has in what all genes move the network by in a tissue,
    averaged over tissues. So no tissue counts more for having more samples, or because the network is surer of it.
    """
    held, median = medians(found.values, found.target, len(found.classes))
    size = np.stack([np.abs(found.values[found.target == code]).mean(axis=0) for code in held.tolist()])
    size = (size / np.maximum(size.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)).mean(axis=0)
    overall = np.argsort(-size, kind="stable")
    scores = np.asarray(size[overall], np.float64)
    whole = GeneList("shap", found.genes[overall], scores, fitted_on)
    chosen = np.isin(overall, by_rule(ranks_of_tissues(median)))
    return whole, GeneList("shap-rule", whole.genes[chosen], scores[chosen], fitted_on)
