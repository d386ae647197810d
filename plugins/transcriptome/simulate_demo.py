"""Simulate the matrices of ``genotool_transcriptome/demo-tissues``: small, known truth, no stand-in for real data.

Run by ``make demo-data``; the same bytes every time. Counts of 320 genes in samples of eight tissues from ten
donors: a tissue raises its own marker genes, donors have their own levels, and programmes that have nothing to do with
tissue (stress, cell cycle) move many genes at once. ``array`` holds other samples as another platform gives them:
logarithms with an offset and a slope of each gene, other names for the genes, a fifth of them gone, one tissue absent
and one that is new. The script then measures how good a score can be: simple models, and one that saw twenty-five
times as many samples.
"""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SEED = 20_280
FOLDER = Path(__file__).parent / "src" / "genotool_transcriptome" / "demo-tissues"
TISSUES = ("anther", "embryo", "endosperm", "leaf", "pollen", "root", "seed coat", "silk")
ELSEWHERE = ("embryo", "endosperm", "leaf", "pollen", "root", "seed coat", "silk", "tassel")
"""Tissues of the second platform: anther is absent, tassel is new."""
GENES, MARKERS = 320, 4
"""Genes, and how many of them each tissue raises."""
RISE = 2.1
"""By how much a tissue raises its markers, as a natural logarithm, on average."""
DONORS, PROGRAMMES = 10, 6
SPREAD = {"donor": 0.25, "programme": 0.3, "gene": 1.08}
EACH = 20
"""Samples of each tissue."""
DEPTH = (12_000, 30_000)
LOST = 0.2
"""Share of the genes that the second platform does not have."""

Rates = NDArray[np.float64]


class World:
    """The truth: levels, markers, programmes and donors, the same for every sample."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.level = rng.normal(0, 1.2, GENES)
        self.level[-3:] = -40  # three genes that no sample expresses
        order = rng.permutation(GENES - 3)
        names = sorted({*TISSUES, *ELSEWHERE})
        self.markers = {name: np.sort(order[i * MARKERS : (i + 1) * MARKERS]) for i, name in enumerate(names)}
        self.rise = {name: rng.normal(RISE, 0.25, MARKERS) for name in names}
        self.programmes = rng.normal(0, 1, (PROGRAMMES, GENES)) * (rng.random((PROGRAMMES, GENES)) < 0.4)
        self.donors = rng.normal(0, SPREAD["donor"], (DONORS, GENES))
        self.offset, self.slope = rng.normal(0, 1.5, GENES), rng.uniform(0.6, 1.3, GENES)
        self.kept = np.sort(rng.choice(GENES, round(GENES * (1 - LOST)), replace=False))

    def counts(self, tissues: list[str], donors: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """Return (samples, genes) counts: Poisson at rates that vary from sample to sample."""
        n = len(tissues)
        log_rate = self.level + self.donors[donors] + rng.normal(0, SPREAD["gene"], (n, GENES))
        log_rate += rng.normal(0, SPREAD["programme"], (n, PROGRAMMES)) @ self.programmes
        for row, tissue in enumerate(tissues):
            log_rate[row, self.markers[tissue]] += self.rise[tissue]
        share = np.exp(log_rate)
        depth = rng.uniform(*DEPTH, n)[:, None]
        return rng.poisson(depth * share / share.sum(axis=1, keepdims=True))


def samples(tissues: tuple[str, ...], each: int, rng: np.random.Generator) -> tuple[list[str], NDArray[np.int64]]:
    """Return tissues and donors of samples in a random order."""
    names = [tissue for tissue in tissues for _ in range(each)]
    donors = np.tile(np.arange(each) % DONORS, len(tissues))
    order = rng.permutation(len(names))
    return [names[i] for i in order], donors[order]


def write(name: str, header: list[str], rows: list[list[object]]) -> str:
    """Write a gzipped CSV without time or name in it; return its SHA-256."""
    text = "\n".join(",".join(map(str, row)) for row in [header, *rows]) + "\n"
    packed = gzip.compress(text.encode(), mtime=0)
    (FOLDER / name).write_bytes(packed)
    return hashlib.sha256(packed).hexdigest()


def gene(number: int) -> str:
    """Return the id of a gene on the first platform."""
    return f"SIMG{number + 1:05d}"


def symbol(number: int) -> str:
    """Return the name of the same gene on the second."""
    return f"sim{number + 1}"


def f1(world: World, train: int, rng: np.random.Generator) -> float:
    """Return the macro F1 of logistic regression on log counts, fitted to so many samples a tissue."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    parts = []
    for each in (train, 60):
        tissues, donors = samples(TISSUES, each, rng)
        counts = world.counts(tissues, donors, rng)
        parts.append((np.log2(1e6 * counts / counts.sum(axis=1, keepdims=True) + 1), tissues))
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500)).fit(*parts[0])
    return float(f1_score(parts[1][1], model.predict(parts[1][0]), average="macro"))


def main() -> None:
    """Write the matrices, the markers as a GMT file, the names of the genes, the catalogue and what is true."""
    rng = np.random.default_rng(SEED)
    world = World(rng)
    FOLDER.mkdir(parents=True, exist_ok=True)
    tissues, donors = samples(TISSUES, EACH, rng)
    counts = world.counts(tissues, donors, rng)
    rows = [[f"s{i + 1:03d}", *counts[i], f"d{donors[i] + 1:02d}", tissues[i]] for i in range(len(tissues))]
    own = write("demo-tissues.csv.gz", ["sample_id", *map(gene, range(GENES)), "donor", "tissue"], rows)
    tissues, donors = samples(ELSEWHERE, 8, rng)
    other = world.counts(tissues, donors, rng)
    logs = np.log2(1e6 * other / other.sum(axis=1, keepdims=True) + 1) * world.slope / 2 + 4 + world.offset
    logs = np.round(np.maximum(logs, 0), 2)[:, world.kept]
    rows = [[f"a{i + 1:03d}", *logs[i], tissues[i]] for i in range(len(tissues))]
    array = write("demo-tissues-array.csv.gz", ["sample_id", *map(symbol, world.kept), "tissue"], rows)
    pairs = [f"{symbol(i)}\t{gene(i)}" for i in range(GENES)]
    (FOLDER / "genes.tsv").write_text("\n".join(["symbol\tid", *pairs]) + "\n")
    sets = [f"{t} markers\tsimulated\t" + "\t".join(map(gene, world.markers[t])) for t in TISSUES]
    (FOLDER / "markers.gmt").write_text("\n".join(sets) + "\n")
    (FOLDER / "catalogue.toml").write_text(CATALOGUE.format(own=own, array=array))
    found = {"as many samples as here": f1(world, EACH, rng), "twenty-five times as many": f1(world, 25 * EACH, rng)}
    said = "\n".join(f"- logistic regression, {name}: {value:.3f}" for name, value in found.items())
    (FOLDER / "README.md").write_text(README.format(said=said, markers=MARKERS, genes=GENES))


CATALOGUE = """\
# Simulated, with a known truth (README.md), by plugins/transcriptome/simulate_demo.py.
format = 1

[demo-tissues]
kind = "matrix"
reader = "matrix"
files = {{ data = {{ path = "demo-tissues.csv.gz", sha256 = "{own}" }} }}
target = "tissue"
groups = "donor"
simulated = true
cite = "simulated by genotool: plugins/transcriptome/simulate_demo.py"
licence = "MIT"

[demo-tissues-array]
kind = "matrix"
reader = "matrix"
files = {{ data = {{ path = "demo-tissues-array.csv.gz", sha256 = "{array}" }} }}
target = "tissue"
simulated = true
cite = "simulated by genotool: plugins/transcriptome/simulate_demo.py"
licence = "MIT"
"""

README = """\
# Simulated tissues

Every row here is simulated by `plugins/transcriptome/simulate_demo.py` (`make demo-data`); none was measured.

| set | samples | genes | values |
|---|---|---|---|
| demo-tissues | 160: 8 tissues, 10 donors | {genes} | counts |
| demo-tissues-array | 64: 7 of these tissues, and tassel, which is new | 256 of these, by other names | logarithms of an array |

## What is true

Each tissue raises {markers} genes of its own (`markers.gmt`) by a factor of about eight. Donors, and six programmes
that have nothing to do with tissue, move many genes at once. The last three genes are 0 in every sample. The array
gives every gene an offset and a slope of its own; `genes.tsv` has both names of a gene.

## What a score can reach

Macro F1 on new samples of the same donors:

{said}
"""  # noqa: E501


if __name__ == "__main__":
    main()
