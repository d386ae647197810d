"""Simulate the promoters of ``genotool_deepdife/demo-promoters``: small, with a known truth, no stand-in for real data.

Run by ``make demo-data``; the same bytes every time. A promoter is random DNA with planted sites of the consensus
motifs below, on either strand. Its log-odds add the sites up and hold what k-mer counts cannot say: two motifs that act
only near each other, and one that acts only at its place before the start. Genes of a family share their sites, and so
do orthologs in the species ``kin``; the letters between the sites have drifted. ``far`` holds other genes with the same
truth. The script then measures how good a score can be: the simple floors and the truth itself.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SEED = 20_270
FOLDER = Path(__file__).parent / "src" / "genotool_deepdife" / "demo-promoters"
LENGTH, START = 200, 150
"""Letters of a promoter, and where transcription starts."""
BACKGROUND = (0.32, 0.18, 0.18, 0.32)
MOTIFS = {"ABRE": "ACGTG[GT]C", "DRE": "[AG]CCGACA", "W-box": "TTGACC[AT]", "MYB": "TAACTGC", "TATA": "TATAAATA"}
CHANCE = {"ABRE": 0.75, "DRE": 0.6, "W-box": 0.5, "MYB": 0.5, "TATA": 0.7}
"""How many sites a gene family has of each, on average; MYB is a decoy without effect."""
NEAR = 25
"""Letters between an ABRE and a DRE, at most, that act together."""
PLACE = (START - 38, START - 24)
"""Where a TATA box acts."""
EFFECTS = {"intercept": -1.7, "ABRE": 0.7, "W-box": -1.1, "ABRE near DRE": 3.0, "TATA in place": 1.8}
DRIFT = {"paralog": 0.25, "kin": 0.4}
"""Share of the letters between the sites that are drawn anew."""
COMPLEMENT = str.maketrans("ACGT", "TGCA")

Site = tuple[str, int, str]
"""Motif, first letter, the letters as they stand on the forward strand."""


@dataclass(frozen=True)
class Gene:
    """A promoter with its sites, and the family that it belongs to."""

    name: str
    family: str
    letters: str
    sites: tuple[Site, ...]
    label: int = 0

    @property
    def logit(self) -> float:
        """The truth."""
        at = {name: [first for motif, first, _ in self.sites if motif == name] for name in MOTIFS}
        near = any(abs(i - j) <= NEAR for i in at["ABRE"] for j in at["DRE"])
        placed = any(PLACE[0] <= first <= PLACE[1] for first in at["TATA"])
        total = EFFECTS["intercept"] + EFFECTS["ABRE"] * len(at["ABRE"]) + EFFECTS["W-box"] * len(at["W-box"])
        return total + EFFECTS["ABRE near DRE"] * near + EFFECTS["TATA in place"] * placed


def random_letters(rng: np.random.Generator, count: int) -> str:
    """Return letters of the background."""
    return "".join(rng.choice(list("ACGT"), count, p=BACKGROUND))


def instance(rng: np.random.Generator, motif: str) -> str:
    """Return a site of a consensus, on the forward or (but for the TATA box) the reverse strand."""
    text, consensus = "", MOTIFS[motif]
    while consensus:
        if consensus[0] == "[":
            choices, _, consensus = consensus[1:].partition("]")
            text += str(rng.choice(list(choices)))
        else:
            text, consensus = text + consensus[0], consensus[1:]
    turned = motif != "TATA" and rng.random() < 0.5
    return text.translate(COMPLEMENT)[::-1] if turned else text


def place(rng: np.random.Generator, motif: str, sites: list[Site]) -> int:
    """Return where a new site starts: half of the DREs near an ABRE, half of the TATA boxes in their place."""
    abres = [first for name, first, _ in sites if name == "ABRE"]
    if motif == "DRE" and abres and rng.random() < 0.5:
        return int(rng.choice(abres)) + int(rng.integers(-NEAR, NEAR + 1))
    if motif == "TATA" and rng.random() < 0.6:
        return int(rng.integers(PLACE[0], PLACE[1] + 1))
    return int(rng.integers(0, LENGTH - 8))


def planted(rng: np.random.Generator) -> tuple[Site, ...]:
    """Return the sites of a gene family; none overlaps another."""
    sites: list[Site] = []
    for motif, chance in CHANCE.items():
        for _ in range(rng.poisson(chance)):
            letters, first = instance(rng, motif), place(rng, motif, sites)
            free = all(first + len(letters) <= other or other + len(own) <= first for _, other, own in sites)
            if free and 0 <= first <= LENGTH - len(letters):
                sites.append((motif, first, letters))
    return tuple(sites)


def written(letters: str, sites: tuple[Site, ...]) -> str:
    """Return letters with the sites in them."""
    for _, first, site in sites:
        letters = letters[:first] + site + letters[first + len(site) :]
    return letters


def drifted(rng: np.random.Generator, gene: Gene, share: float) -> Gene:
    """Return a relative of a gene: its sites, in letters of which a share is drawn anew."""
    new, anew = random_letters(rng, LENGTH), rng.random(LENGTH) < share
    mixed = "".join(n if a else old for n, a, old in zip(new, anew.tolist(), gene.letters, strict=True))
    return replace(gene, letters=written(mixed, gene.sites))


def labelled(rng: np.random.Generator, gene: Gene) -> Gene:
    """Return the gene with a label drawn from its log-odds."""
    return replace(gene, label=int(rng.random() < 1 / (1 + np.exp(-gene.logit))))


def genes(rng: np.random.Generator, families: int, prefix: str) -> list[Gene]:
    """Return families of one to three genes, each with its label."""
    made: list[Gene] = []
    for family in range(families):
        sites = planted(rng)
        first = Gene("", f"{prefix}F{family:04d}", written(random_letters(rng, LENGTH), sites), sites)
        for _ in range(int(rng.choice([1, 2, 3], p=[0.6, 0.25, 0.15]))):
            copy = drifted(rng, first, DRIFT["paralog"])
            made.append(labelled(rng, replace(copy, name=f"{prefix}{len(made):05d}")))
    return made


def write(name: str, rows: list[tuple[Gene, str]]) -> str:
    """Write a set, each gene with its ortholog's name; return its entry in the catalogue."""
    lines = ["gene\tsequence\tlabel\tfamily\tortholog"]
    lines += [f"{gene.name}\t{gene.letters}\t{gene.label}\t{gene.family}\t{other}" for gene, other in rows]
    content = gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0)
    file = FOLDER / f"{name}.tsv.gz"
    file.write_bytes(content)
    entry = [
        f"[{name}]",
        'kind = "sequences"',
        'reader = "table"',
        f'files = {{ data = {{ path = "{file.name}", sha256 = "{hashlib.sha256(content).hexdigest()}" }} }}',
        'columns = { sequence = "sequence", ortholog = "ortholog" }',
        'id = "gene"',
        'target = "label"',
        'classes = ["0", "1"]',
        'groups = "family"',
        "simulated = true",
        'cite = "simulated by genotool: plugins/deepdife/simulate_demo.py"',
        'licence = "MIT"',
        "",
    ]
    return "\n".join(entry)


def reached(rows: list[Gene]) -> dict[str, float]:
    """Return the ROC-AUC of the truth and of simple models on 6-mers, by five folds of families."""
    from genotool.features import kmer_features
    from genotool.sequences import Sequences
    from lightgbm import LGBMClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import GroupKFold, cross_val_predict

    label = np.array([gene.label for gene in rows])
    features = kmer_features(Sequences.from_strings([gene.letters for gene in rows]))
    families, folds = np.array([gene.family for gene in rows]), GroupKFold(5, shuffle=True, random_state=0)
    models = {
        "LightGBM on 6-mers": LGBMClassifier(n_estimators=200, num_leaves=15, learning_rate=0.05, verbose=-1, seed=0),
        "logistic regression on 6-mers": LogisticRegression(C=0.01, max_iter=2000),
    }
    scores: dict[str, NDArray[np.float64]] = {"the truth (Bayes optimum)": np.array([gene.logit for gene in rows])}
    for name, model in models.items():
        found = cross_val_predict(model, features, label, groups=families, cv=folds, method="predict_proba")
        scores[name] = found[:, 1]
    return {name: float(roc_auc_score(label, score)) for name, score in scores.items()}


def readme(sets: dict[str, list[Gene]]) -> str:
    """Return what the folder says of itself."""
    own = sets["demo-promoters"]
    figures = reached(own)
    counts = [f"| {name} | {len(rows)} | {np.mean([gene.label for gene in rows]):.2f} |" for name, rows in sets.items()]
    return "\n".join(
        [
            "# Simulated promoters",
            "",
            "Every row here is simulated by `plugins/deepdife/simulate_demo.py` (`make demo-data`); none was measured.",
            f"A promoter has {LENGTH} letters; transcription starts at {START}.",
            "",
            "| set | promoters | share of class 1 |",
            "|---|---|---|",
            *counts,
            "",
            "`-kin` holds orthologs of most genes in a second species: same sites, same label; `-far` other genes.",
            "",
            "## What is true",
            "",
            "| motif | consensus | sites a gene family, on average |",
            "|---|---|---|",
            *(f"| {name} | `{MOTIFS[name]}` | {CHANCE[name]} |" for name in MOTIFS),
            "",
            f"The log-odds of class 1 are {EFFECTS['intercept']}, and",
            "",
            f"- {EFFECTS['ABRE']:+} for each ABRE, on either strand",
            f"- {EFFECTS['W-box']:+} for each W-box, on either strand",
            f"- {EFFECTS['ABRE near DRE']:+} if an ABRE and a DRE start within {NEAR} letters of each other",
            f"- {EFFECTS['TATA in place']:+} if a TATA box starts at -{START - PLACE[0]} to -{START - PLACE[1]}",
            "",
            "The MYB site is a decoy, and so are a DRE alone and a TATA box elsewhere.",
            "",
            "## What a score can reach",
            "",
            "ROC-AUC on `demo-promoters`, five folds by gene family.",
            "",
            *(f"- {name}: {value:.3f}" for name, value in figures.items()),
            "",
        ]
    )


def main() -> None:
    """Write all files of the folder."""
    rng = np.random.default_rng(SEED)
    FOLDER.mkdir(parents=True, exist_ok=True)
    own = genes(rng, 620, "SIM")
    kept = [gene for gene in own if rng.random() < 0.8]
    kin = [replace(drifted(rng, gene, DRIFT["kin"]), name=gene.name.replace("SIM", "KIN")) for gene in kept]
    far = genes(rng, 200, "FAR")
    entries = [
        write("demo-promoters", [(gene, gene.name) for gene in own]),
        write("demo-promoters-kin", [(gene, parent.name) for gene, parent in zip(kin, kept, strict=True)]),
        write("demo-promoters-far", [(gene, "") for gene in far]),
    ]
    head = "# Simulated, with a known truth (README.md), by plugins/deepdife/simulate_demo.py.\nformat = 1\n"
    (FOLDER / "catalogue.toml").write_text("\n".join([head, *entries]), encoding="utf-8")
    text = readme({"demo-promoters": own, "demo-promoters-kin": kin, "demo-promoters-far": far})
    (FOLDER / "README.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
