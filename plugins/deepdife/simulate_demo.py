"""Simulate the promoters of ``genotool_deepdife/demo-promoters``: small, with a known truth, no stand-in for real data.

Run by ``make demo-data``; the same bytes every time. A promoter is random DNA with planted sites of JASPAR's motifs,
each drawn from its matrix. Its log-odds add sites up and hold what neither k-mer counts nor the best score of a motif
can say: two motifs that act only near each other, one that acts only at its place at the start, and how many sites
there are. Genes of a family share their sites, and so do orthologs in the species ``kin``; the letters between the
sites have drifted. ``far`` holds other genes with the same truth. ``truth.tsv`` says what was planted. The script then
measures how good a score can be: the simple floors and the truth itself.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from genotool_deepdife.jaspar import BASES, Motif, motifs

SEED = 20_271
FOLDER = Path(__file__).parent / "src" / "genotool_deepdife" / "demo-promoters"
LENGTH, START = 200, 150
"""Letters of a promoter, and where transcription starts."""
FAMILIES = {"SIM": 2400, "FAR": 500}
"""Gene families of one to three genes."""
BACKGROUND = (0.32, 0.18, 0.18, 0.32)
RELEASE = "JASPAR2024"
MATRICES = {
    "ABF1": "MA0570.3", "HSFA6A": "MA1760.1", "TRB2": "MA1355.2", "SPL5": "MA1059.3", "WRKY21": "MA1079.3",
    "ATHB-7": "MA0954.3",
}  # fmt: skip
STRONG = 0.7
"""A site scores at least this share of its motif's best log-odds: weaker ones are drawn again."""
PAIR = {"near": 0.36, "apart": 0.06, "ABF1 alone": 0.18, "HSFA6A alone": 0.06, "neither": 0.34}
"""How often a gene family has ABF1 and HSFA6A so."""
NEAR, APART = 12, 50
"""Letters between the two at most where they act together, and at least where they are apart."""
PLACED = {"in place": 0.25, "elsewhere": 0.15, "nowhere": 0.6}
"""How often it has TRB2 so."""
PLACE, MARGIN = (START - 10, START + 10), 8
"""Where TRB2 starts in its place, and the letters around it in which it starts never."""
ANYWHERE = {"SPL5": 0.5, "WRKY21": 0.6, "ATHB-7": 0.5}
"""How many sites a gene family has of each, on average; ATHB-7 is a decoy without effect."""
EFFECTS = {"intercept": -1.4, "pair": 1.8, "TRB2": 2.2, "SPL5": 1.0, "WRKY21": -0.9}
ONE_WAY = ("TRB2",)
"""Motifs on the strand of the gene only: their place then means the same to a network that reads both strands."""
DRIFT = {"paralog": 0.25, "kin": 0.4}
"""Share of the letters between the sites that are drawn anew."""
COMPLEMENT = str.maketrans("ACGT", "TGCA")

Site = tuple[str, int, str]
"""Motif, first letter, the letters as they stand on the forward strand."""
Span = tuple[int, int]
"""A first letter and an end."""


@dataclass(frozen=True)
class Gene:
    """A promoter with its sites, and the family that it belongs to."""

    name: str
    family: str
    letters: str
    sites: tuple[Site, ...]
    label: int = 0

    def spans(self, motif: str) -> list[Span]:
        """Return where the sites of a motif are."""
        return [span(site) for site in self.sites if site[0] == motif]

    @property
    def paired(self) -> bool:
        """Whether an ABF1 and a HSFA6A have at most `NEAR` letters between them."""
        return any(gap(one, other) <= NEAR for one in self.spans("ABF1") for other in self.spans("HSFA6A"))

    @property
    def placed(self) -> bool:
        """Whether a TRB2 is in its place."""
        return any(PLACE[0] <= first <= PLACE[1] for first, _ in self.spans("TRB2"))

    @property
    def logit(self) -> float:
        """The truth."""
        counted = sum(EFFECTS[motif] * len(self.spans(motif)) for motif in ("SPL5", "WRKY21"))
        return EFFECTS["intercept"] + EFFECTS["pair"] * self.paired + EFFECTS["TRB2"] * self.placed + counted


def span(site: Site) -> Span:
    """Return the first letter of a site and its end."""
    return site[1], site[1] + len(site[2])


def gap(one: Span, other: Span) -> int:
    """Return the letters between two sites; below 0 where they overlap."""
    return max(one[0], other[0]) - min(one[1], other[1])


def random_letters(rng: np.random.Generator, count: int) -> str:
    """Return letters of the background."""
    return "".join(rng.choice(list(BASES), count, p=BACKGROUND))


@cache
def matrix(motif: str) -> Motif:
    """Return JASPAR's matrix of a motif."""
    return next(found for found in motifs(release=RELEASE) if found.matrix_id == MATRICES[motif])


def instance(rng: np.random.Generator, motif: str) -> str:
    """Return a strong site drawn from its matrix, on the forward or (but for `ONE_WAY`) the reverse strand."""
    share, score = matrix(motif).probabilities(), matrix(motif).log_odds()
    drawn, least = [0] * len(share), STRONG * score.max(axis=1).sum()
    while score[np.arange(len(drawn)), drawn].sum() < least:
        drawn = (rng.random((len(share), 1)) > share.cumsum(axis=1)[:, :3]).sum(axis=1).tolist()
    text = "".join(BASES[base] for base in drawn)
    turned = motif not in ONE_WAY and rng.random() < 0.5
    return text.translate(COMPLEMENT)[::-1] if turned else text


def put(rng: np.random.Generator, sites: list[Site], motif: str, fits: Callable[[Span], bool] = lambda _: True) -> None:
    """Plant a site where it overlaps none and `fits`, if there is such a place."""
    letters = instance(rng, motif)
    spans = [(first, first + len(letters)) for first in range(LENGTH - len(letters) + 1)]
    free = [here for here in spans if fits(here) and all(gap(here, span(site)) >= 0 for site in sites)]
    if free:
        sites.append((motif, free[int(rng.integers(len(free)))][0], letters))


def planted(rng: np.random.Generator) -> tuple[Site, ...]:
    """Return the sites of a gene family."""
    sites: list[Site] = []
    pair, rve = (str(rng.choice(list(table), p=list(table.values()))) for table in (PAIR, PLACED))
    if pair in ("near", "apart", "ABF1 alone"):
        put(rng, sites, "ABF1")
    if pair == "near":
        put(rng, sites, "HSFA6A", lambda here: gap(here, span(sites[0])) <= NEAR)
    elif pair == "apart":
        put(rng, sites, "HSFA6A", lambda here: gap(here, span(sites[0])) >= APART)
    elif pair == "HSFA6A alone":
        put(rng, sites, "HSFA6A")
    if rve == "in place":
        put(rng, sites, "TRB2", lambda here: PLACE[0] <= here[0] <= PLACE[1])
    elif rve == "elsewhere":
        put(rng, sites, "TRB2", lambda here: not PLACE[0] - MARGIN <= here[0] <= PLACE[1] + MARGIN)
    for motif, mean in ANYWHERE.items():
        for _ in range(rng.poisson(mean)):
            put(rng, sites, motif)
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


def reached(rows: list[Gene], others: list[Gene]) -> dict[str, float]:
    """Return the ROC-AUC on other genes of the truth, and of simple models of 6-mers and motif scores of some rows."""
    from genotool.features import kmer_features
    from genotool.sequences import Sequences
    from genotool_deepdife.motif_scores import best_scores
    from lightgbm import LGBMClassifier
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    trees = LGBMClassifier(
        n_estimators=100, num_leaves=15, learning_rate=0.06, colsample_bytree=0.3, verbose=-1, seed=0, n_jobs=1
    )
    motif_scores = ("the best scores of JASPAR's plant motifs in three windows", lambda s: best_scores(s, motifs()))
    six = ("6-mers", lambda sequences: csr_matrix(kmer_features(sequences)))
    sequences = [Sequences.from_strings([gene.letters for gene in part]) for part in (rows, others)]
    label, expected = (np.array([gene.label for gene in part]) for part in (rows, others))
    found = {"the truth (Bayes optimum)": float(roc_auc_score(expected, [gene.logit for gene in others]))}
    logistic = LogisticRegression(C=0.01, max_iter=2000)
    fits = (("LightGBM", trees, six), ("logistic regression", logistic, six), ("LightGBM", trees, motif_scores))
    for name, model, (words, features) in fits:
        seen, unseen = (features(part) for part in sequences)
        score = model.fit(seen, label).predict_proba(unseen)[:, 1]
        found[f"{name} on {words}"] = float(roc_auc_score(expected, score))
    return found


def where() -> dict[str, tuple[str, str, str]]:
    """Return for each motif the class that it speaks for, its effect on the log-odds, and where it acts."""
    pair = f"with {{}} at most {NEAR} letters away, on any strand"
    return {
        "ABF1": ("1", f"{EFFECTS['pair']:+}", pair.format("HSFA6A")),
        "HSFA6A": ("1", f"{EFFECTS['pair']:+}", pair.format("ABF1")),
        "TRB2": ("1", f"{EFFECTS['TRB2']:+}", f"starts at {PLACE[0] - START} to {PLACE[1] - START}, forward strand"),
        "SPL5": ("1", f"{EFFECTS['SPL5']:+}", "anywhere, each site, on any strand"),
        "WRKY21": ("0", f"{EFFECTS['WRKY21']:+}", "anywhere, each site, on any strand"),
        "ATHB-7": ("none", "0", "a decoy"),
    }


def acts(gene: Gene, motif: str) -> bool:
    """Whether a motif acts in a promoter."""
    if motif in ("ABF1", "HSFA6A"):
        return gene.paired
    return gene.placed if motif == "TRB2" else motif != "ATHB-7" and bool(gene.spans(motif))


def truth(rows: list[Gene]) -> str:
    """Return the table of what was planted: a row a motif, with the share of promoters that have it, and it acting."""
    lines = ["motif\tmatrix_id\tfamily\tclass\teffect\twhere\trate\trate_acting\tsimulated"]
    for motif, (label, effect, place) in where().items():
        rate = float(np.mean([bool(gene.spans(motif)) for gene in rows]))
        acting = float(np.mean([acts(gene, motif) for gene in rows]))
        family = "; ".join(matrix(motif).families)
        cells = [motif, MATRICES[motif], family, label, effect, place, f"{rate:.3f}", f"{acting:.3f}", "yes"]
        lines.append("\t".join(cells))
    return "\n".join(lines) + "\n"


def readme(sets: dict[str, list[Gene]]) -> str:
    """Return what the folder says of itself."""
    own = sets["demo-promoters"]
    figures = reached(own, sets["demo-promoters-far"])
    counts = [f"| {name} | {len(rows)} | {np.mean([gene.label for gene in rows]):.2f} |" for name, rows in sets.items()]
    rows = [line.split("\t") for line in truth(own).splitlines()[1:]]
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
            f"Sites are drawn from the matrices of {RELEASE}. `truth.tsv` holds this table.",
            "",
            "| motif | matrix | family | class | log-odds | acts | promoters with a site | with one that acts |",
            "|---|---|---|---|---|---|---|---|",
            *("| " + " | ".join(row[:-1]) + " |" for row in rows),
            "",
            f"The log-odds of class 1 are {EFFECTS['intercept']} and these, the pair counted once. ABF1 and HSFA6A do",
            f"nothing alone or {APART} letters apart, and TRB2 nothing elsewhere: both are planted so, too.",
            "",
            "## What a score can reach",
            "",
            "ROC-AUC on `-far` of what was fitted to `demo-promoters`.",
            "",
            *(f"- {name}: {value:.3f}" for name, value in figures.items()),
            "",
        ]
    )


def main() -> None:
    """Write all files of the folder."""
    rng = np.random.default_rng(SEED)
    FOLDER.mkdir(parents=True, exist_ok=True)
    own = genes(rng, FAMILIES["SIM"], "SIM")
    kept = [gene for gene in own if rng.random() < 0.8]
    kin = [replace(drifted(rng, gene, DRIFT["kin"]), name=gene.name.replace("SIM", "KIN")) for gene in kept]
    far = genes(rng, FAMILIES["FAR"], "FAR")
    entries = [
        write("demo-promoters", [(gene, gene.name) for gene in own]),
        write("demo-promoters-kin", [(gene, parent.name) for gene, parent in zip(kin, kept, strict=True)]),
        write("demo-promoters-far", [(gene, "") for gene in far]),
    ]
    head = "# Simulated, with a known truth (truth.tsv), by plugins/deepdife/simulate_demo.py.\nformat = 1\n"
    (FOLDER / "catalogue.toml").write_text("\n".join([head, *entries]), encoding="utf-8")
    (FOLDER / "truth.tsv").write_text(truth(own), encoding="utf-8")
    text = readme({"demo-promoters": own, "demo-promoters-kin": kin, "demo-promoters-far": far})
    (FOLDER / "README.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
