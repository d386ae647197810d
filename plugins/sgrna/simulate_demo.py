"""Simulate the guide sets of ``genotool_sgrna/demo``: small, with a known truth, never a stand-in for real
data.

Run by ``make demo-data``; the same bytes every time. What is true of every set is `activity` below: effects
of a base at its position (which a linear model finds), of neighbours and of distant pairs, and of motifs
wherever they stand in the spacer (which a model of positions finds only piece by piece, and a convolution at
once). A line adds an effect for each gene and noise. The script then measures how good a score can be: the
best floor and the truth itself.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SEED = 20_260
FOLDER = Path(__file__).parent / "src" / "genotool_sgrna" / "demo"
BASES = np.array(list("ACGT"))
HEADER = ("guide", "context", "label", "efficacy", "dataset", "cell_line", "raw_value", "gene")
WARNING = "simulated with the sign turned, as the published HEK293 labels are: report only"

MOTIFS = {"GCT": 1.3, "CAG": 1.1, "TTT": -1.5, "AAC": -1.2, "GGA": 0.9}
"""Motif to effect, counted once wherever it stands in bases 4 to 20."""
NEIGHBOURS = {(20, "GG"): 0.6, (17, "CA"): 0.6, (19, "TT"): -0.7}
"""(first base of the pair, from 1, letters) to effect."""
PAIRS = {((8, "C"), (18, "A")): 0.9, ((10, "G"), (16, "T")): -0.9}
"""Two distant bases that act only together."""
NOISE = 1.0
GENE_EFFECT = 0.45
SHARED_NOISE = 0.83
"""Correlation of the noise of HCT116 with that of HeLa: it makes about nine labels in ten agree."""

Letters = NDArray[np.str_]


def position_effects() -> NDArray[np.float64]:
    """(20, 4): the effect of A, C, G, T at each base: mean zero, strongest next to the PAM."""
    rng = np.random.default_rng([SEED, 0])
    scale = np.linspace(0.05, 0.27, 20)[:, None]
    effects = rng.normal(size=(20, 4)) * scale
    return np.round(effects - effects.mean(axis=1, keepdims=True), 3)


def activity(guides: Letters) -> NDArray[np.float64]:
    """The truth: what a guide of 20 to 23 nt does, before the gene and the noise; mean about 0."""
    letters = np.array([list(guide[:20]) for guide in guides.tolist()])
    index = np.searchsorted(BASES, letters)
    score = position_effects()[np.arange(20), index].sum(axis=1)
    for motif, effect in MOTIFS.items():
        score += effect * np.array([motif in guide[3:20] for guide in guides.tolist()])
    for (at, pair), effect in NEIGHBOURS.items():
        score += effect * np.array([guide[at - 1 : at + 1] == pair for guide in guides.tolist()])
    for ((i, x), (j, y)), effect in PAIRS.items():
        score += effect * ((letters[:, i - 1] == x) & (letters[:, j - 1] == y))
    return score


def random_contexts(rng: np.random.Generator, count: int) -> Letters:
    """30 nt as the public sets give it: 4 before, 20 of spacer, NGG, 3 after."""
    letters = BASES[rng.choice(4, size=(count, 30), p=[0.24, 0.26, 0.27, 0.23])]
    letters[:, 25:27] = "G"
    return np.array(["".join(row) for row in letters])


def guides_of(contexts: Letters) -> Letters:
    """The 23 nt of spacer and PAM."""
    return np.array([context[4:27] for context in contexts.tolist()])


@dataclass(frozen=True)
class Rows:
    """The rows of one simulated set; `latent` is the noisy activity that labels and efficacies come from."""

    contexts: Letters
    genes: Letters
    latent: NDArray[np.float64]

    @property
    def guides(self) -> Letters:
        return guides_of(self.contexts)

    def take(self, rows: NDArray[np.int64]) -> Rows:
        return Rows(self.contexts[rows], self.genes[rows], self.latent[rows])


def gene_names(first: int, sizes: NDArray[np.int64]) -> Letters:
    """``SIM0001`` and so on, each as often as its size."""
    return np.repeat([f"SIM{first + i:04d}" for i in range(len(sizes))], sizes)


def screen(rng: np.random.Generator, genes: Letters, contexts: Letters | None = None) -> Rows:
    """Guides against genes: activity, an effect for each gene, noise."""
    contexts = random_contexts(rng, len(genes)) if contexts is None else contexts
    _, index = np.unique(genes, return_inverse=True)
    effect = rng.normal(scale=GENE_EFFECT, size=index.max() + 1)[index]
    noise = rng.normal(scale=NOISE, size=len(genes))
    return Rows(contexts, genes, activity(guides_of(contexts)) + effect + noise)


def two_lines(rng: np.random.Generator) -> tuple[Rows, Rows]:
    """HCT116 and HeLa: one library, so nearly all guides of the first are in the second, labels alike."""
    genes = gene_names(1, rng.integers(4, 10, size=200))
    hela = screen(rng, genes)
    own = hela.latent - activity(hela.guides)
    turned = own * SHARED_NOISE + rng.normal(scale=own.std() * np.sqrt(1 - SHARED_NOISE**2), size=len(own))
    rows = np.sort(rng.choice(len(genes), 1_180, replace=False))
    alone = screen(rng, genes[rng.choice(len(genes), 20, replace=False)])
    shared = Rows(hela.contexts, genes, activity(hela.guides) + turned).take(rows)
    return (
        Rows(
            np.concatenate([shared.contexts, alone.contexts]),
            np.concatenate([shared.genes, alone.genes]),
            np.concatenate([shared.latent, alone.latent]),
        ),
        hela,
    )


def pam_distal_variants(rng: np.random.Generator, contexts: Letters) -> Letters:
    """The same guides with other bases 1 and 2, as the published benchmark was made larger."""
    made = []
    for context in contexts.tolist():
        first, second = (rng.choice([base for base in "ACGT" if base != context[4 + i]]) for i in (0, 1))
        made.append(context[:4] + first + second + context[6:])
    return np.array(made)


def benchmark(rng: np.random.Generator, lines: list[Rows]) -> Rows:
    """4,000 guides without genes; some are the lines' own or their PAM-distal variants, for the audit."""
    parts = [random_contexts(rng, 3_700)]
    for line in lines:
        picked = line.contexts[rng.choice(len(line.contexts), 100, replace=False)]
        parts += [picked[:50], pam_distal_variants(rng, picked[50:])]
    contexts = np.concatenate(parts)
    contexts = contexts[np.sort(np.unique(contexts, return_index=True)[1])]
    contexts = contexts[rng.permutation(len(contexts))]
    latent = activity(guides_of(contexts)) + rng.normal(scale=0.6 * NOISE, size=len(contexts))
    return Rows(contexts, np.full(len(contexts), ""), latent)


def labels(latent: NDArray[np.float64], share: float) -> NDArray[np.int64]:
    """1 for the upper `share` of the rows."""
    return (latent > np.quantile(latent, 1 - share)).astype(np.int64)


def logistic(latent: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-(latent - latent.mean())))


def write(name: str, cell: str, rows: Rows, efficacy: NDArray[np.float64], **columns: Letters) -> dict[str, str]:
    """Write one table; gzip without a time, so that the same rows are the same bytes."""
    count = len(efficacy)
    number = [f"{value:.4f}" for value in efficacy]
    values = {
        "guide": rows.guides,
        "context": rows.contexts,
        "label": np.full(count, ""),
        "efficacy": number,
        "dataset": np.full(count, f"simulated_{name}"),
        "cell_line": np.full(count, cell),
        "raw_value": number,
        "gene": rows.genes,
    } | columns
    lines = ["\t".join(map(str, row)) for row in zip(*(values[key] for key in HEADER), strict=True)]
    data = gzip.compress("\n".join(["\t".join(HEADER), *lines, ""]).encode(), 9, mtime=0)
    file = FOLDER / f"{name.replace('-', '_')}.tsv.gz"
    file.write_bytes(data)
    return {"path": file.name, "sha256": hashlib.sha256(data).hexdigest()}


def write_line(name: str, cell: str, rows: Rows, share: float) -> tuple[dict[str, str], NDArray[np.int64]]:
    """A cell line: classes, and the number they come from."""
    classes = labels(rows.latent, share)
    return write(name, cell, rows, logistic(rows.latent), label=classes.astype(str)), classes


def write_spacers(rng: np.random.Generator) -> dict[str, str]:
    """A549: bare spacers of 17 to 20 nt, cut at the PAM-distal end; only the essential genes drop out."""
    rows = screen(rng, gene_names(700, rng.integers(6, 12, size=100)))
    essential = np.isin(rows.genes, [f"SIM{700 + i:04d}" for i in range(50)])
    cut = rng.choice([0, 1, 2, 3], size=len(rows.genes), p=[0.85, 0.09, 0.04, 0.02])
    spacers = [guide[skip:20] for guide, skip in zip(rows.guides.tolist(), cut.tolist(), strict=True)]
    value = np.where(essential, rows.latent, rng.normal(scale=NOISE, size=len(cut)))
    kind = np.where(essential, "simulated_a549:essential", "simulated_a549:non_essential")
    return write("a549", "A549", rows, value, guide=np.array(spacers), context=np.full(len(cut), ""), dataset=kind)


def toml(name: str, cell: str, file: dict[str, str], *more: str) -> str:
    """One entry of the catalogue."""
    return "\n".join(
        [
            f"[{name}]",
            'kind = "guides"',
            'reader = "table"',
            f'files = {{ data = {{ path = "{file["path"]}", sha256 = "{file["sha256"]}" }} }}',
            'columns = { guide = "guide", context = "context", efficacy = "efficacy" }',
            f'cell = "{cell}"',
            *more,
            "simulated = true",
            'cite = "simulated by genotool: plugins/sgrna/simulate_demo.py"',
            'licence = "MIT"',
            "",
        ]
    )


def features(guides: Letters) -> NDArray[np.float32]:
    """One-hot bases and position dinucleotides: what the floors see."""
    index = np.searchsorted(BASES, np.array([list(guide) for guide in guides.tolist()]))
    pairs = index[:, :-1] * 4 + index[:, 1:]
    one = (index[:, :, None] == np.arange(4)).reshape(len(index), -1)
    two = (pairs[:, :, None] == np.arange(16)).reshape(len(index), -1)
    return np.concatenate([one, two], axis=1).astype(np.float32)


def floors(rows: Rows, classes: NDArray[np.int64]) -> dict[str, float]:
    """ROC-AUC over gene-grouped folds of two floors, and of the truth."""
    from lightgbm import LGBMClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import GroupKFold, cross_val_predict

    models = {
        "LightGBM": LGBMClassifier(
            n_estimators=200, learning_rate=0.05, num_leaves=15, min_child_samples=10, subsample=0.8,
            subsample_freq=1, colsample_bytree=0.4, random_state=0, n_jobs=1, deterministic=True, verbose=-1,
        ),
        "logistic regression": LogisticRegression(C=0.05, max_iter=2000),
    }  # fmt: skip
    x, folds = features(rows.guides), GroupKFold(5)
    scores = {
        name: cross_val_predict(model, x, classes, groups=rows.genes, cv=folds, method="predict_proba")[:, 1]
        for name, model in models.items()
    }
    return {name: float(roc_auc_score(classes, s)) for name, s in scores.items()} | {
        "the truth (Bayes optimum)": float(roc_auc_score(classes, activity(rows.guides)))
    }


def readme(measured: dict[str, dict[str, float]], agreement: float, met: dict[str, int]) -> str:
    """What the sets are, what is true of them, and what a score on them can reach."""
    names = list(next(iter(measured.values())))
    table = ["| set | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    table += [f"| {s} | " + " | ".join(f"{v[n]:.3f}" for n in names) + " |" for s, v in measured.items()]
    effects = ["| base | A | C | G | T |", "|---|---|---|---|---|"]
    effects += [
        f"| {i} | " + " | ".join(f"{v:+.3f}" for v in row) + " |" for i, row in enumerate(position_effects(), start=1)
    ]
    return "\n".join(
        [
            "# Simulated guide sets",
            "",
            "Every row here is simulated by `plugins/sgrna/simulate_demo.py` (`make demo-data`); none was",
            "measured. The names are those of the real sets, so that a recipe runs on them unchanged; the",
            "genes are `SIM0001`, …",
            "",
            "## What is true",
            "",
            "The activity of a guide is the sum of the effects of its bases (table below) and of",
            "",
            *(f"- {v:+} if `{m}` stands anywhere in bases 4 to 20" for m, v in MOTIFS.items()),
            *(f"- {v:+} if bases {i} and {i + 1} are `{p}`" for (i, p), v in NEIGHBOURS.items()),
            *(f"- {v:+} if base {i} is {x} and base {j} is {y}" for ((i, x), (j, y)), v in PAIRS.items()),
            "",
            f"A line adds an effect for each gene (sd {GENE_EFFECT}) and noise (sd {NOISE}); its classes are",
            "the upper and the lower part. `hek293` has the sign turned, as the published set has. `a549`",
            "holds bare spacers of 17 to 20 nt, and only its `:essential` rows depend on the guide. The",
            f"benchmark `deephf-wt` has no genes. HCT116 and HeLa: {agreement:.1%} of shared guides agree.",
            "For the audit to find, the benchmark holds " + ", ".join(f"{n} guides of {s}" for s, n in met.items()),
            "and 50 PAM-distal variants (other bases 1 and 2) of guides of each of these lines.",
            "",
            "## What a score can reach",
            "",
            "ROC-AUC, five gene-grouped folds; one-hot bases and position dinucleotides for the floors.",
            "",
            *table,
            "",
            "## Effect of a base",
            "",
            *effects,
            "",
        ]
    )


def main() -> None:
    """Write all files of the folder."""
    rng = np.random.default_rng([SEED, 1])
    FOLDER.mkdir(parents=True, exist_ok=True)
    hct116, hela = two_lines(rng)
    hl60 = screen(rng, gene_names(150, rng.integers(3, 13, size=160)))
    lines = {"hct116": ("HCT116", hct116, 0.64), "hela": ("HeLa", hela, 0.625), "hl60": ("HL60", hl60, 0.70)}
    hek = screen(rng, gene_names(400, rng.integers(4, 10, size=150)))
    lines["hek293"] = ("HEK293", Rows(hek.contexts, hek.genes, -hek.latent), 0.51)
    bench = benchmark(rng, [hct116, hela, hl60])
    k562 = screen(rng, gene_names(550, rng.integers(3, 9, size=140)))
    nb4 = screen(rng, np.repeat(["SIM0900", "SIM0901"], [220, 80]))

    target = 'target = "efficacy"'
    file = write("deephf-wt", "HEK293T", bench, logistic(bench.latent))
    entries = [toml("deephf-wt", "HEK293T", file, target)]
    measured, classes = {}, {}
    for name, (cell, rows, share) in lines.items():
        file, classes[name] = write_line(name, cell, rows, share)
        more = ['target = "label"', 'classes = ["0", "1"]', 'groups = "gene"']
        entries.append(toml(name, cell, file, *more, *([f'warning = "{WARNING}"'] if name == "hek293" else [])))
        if name == "hct116":
            entries.append(toml("demo", cell, file, *more))
        if name != "hek293":
            measured[name] = floors(rows, classes[name])
    for name, cell, rows in (("k562", "K562", k562), ("nb4", "NB4", nb4)):
        entries.append(toml(name, cell, write(name, cell, rows, rows.latent), target, 'groups = "gene"'))
    where = 'where = { dataset = "simulated_a549:essential" }'
    entries.append(toml("a549", "A549", write_spacers(rng), target, 'groups = "gene"', where))

    head = "# Simulated, with a known truth (README.md), by plugins/sgrna/simulate_demo.py.\nformat = 1\n"
    (FOLDER / "catalogue.toml").write_text("\n".join([head, *entries]), encoding="utf-8")
    of_hela = dict(zip(hela.guides.tolist(), classes["hela"].tolist(), strict=True))
    both = [
        (label, of_hela[g]) for g, label in zip(hct116.guides.tolist(), classes["hct116"], strict=True) if g in of_hela
    ]
    known = set(bench.guides.tolist())
    met = {
        name: sum(g in known for g in rows.guides.tolist()) for name, (_, rows, _) in lines.items() if name != "hek293"
    }
    text = readme(measured, float(np.mean([a == b for a, b in both])), met)
    (FOLDER / "README.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
