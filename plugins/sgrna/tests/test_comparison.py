"""Statistics of guide sets: planted differences are found, noise is not, and no sentence claims too much."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from Bio.SeqUtils import MeltingTemp
from genotool.dataset import About, Dataset, Kind
from genotool.errors import InputError, UsageError
from genotool.run import Run
from genotool.sequences import Sequences
from genotool.statistics.tables import BOUNDS, Comparison
from genotool_sgrna import features
from genotool_sgrna.comparison import compare, contrasts
from genotool_sgrna.comparison_summary import agreement, sentences
from genotool_sgrna.contrast import HEADER, Contrast, concluded
from genotool_sgrna.guide_set import GuideSet, shared_genes, shared_rows, under_sampled


def made(
    name: str,
    n: int,
    seed: int,
    *,
    gc: float = 0.5,
    classes: bool = False,
    genes: int = 0,
    simulated: bool = False,
) -> Dataset:
    rng = np.random.default_rng(seed)
    share = [(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2]
    texts = ["".join(row) + "AGG" for row in rng.choice(list("ACGT"), (n, 20), p=share)]
    efficacy = rng.normal(size=n)
    return Dataset(
        name,
        Kind.GUIDES,
        np.arange(n).astype(np.str_),
        {"guide": Sequences.from_strings(texts), "efficacy": efficacy},
        target=(rng.random(n) < 0.3).astype(np.int64) if classes else efficacy,
        classes=("0", "1") if classes else (),
        groups=rng.integers(0, genes, n).astype(np.str_) if genes else None,
        about=About(simulated=simulated),
    )


def written(path: Path, *sets: Dataset, seed: int = 0) -> list[dict[str, str]]:
    data = [{"name": rows.name, "simulated": rows.about.simulated} for rows in sets]
    run = Run.create(path, verb="sgrna compare", data=data)
    with run:
        compare(list(sets), out=run, seed=seed, permutations=50)
    with (path / "stats.tsv").open() as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def compared(*sets: Dataset, permutations: int = 50) -> list[dict[str, str]]:
    found = contrasts([GuideSet.of(rows) for rows in sets], 0, permutations)
    return [dict(zip(HEADER, map(str, test.cells()), strict=True)) for test in found]


def test_melting_temperature_is_biopythons() -> None:
    texts = ["ACGTACGATCCATGCATTAC", "GGGGCCCCGGGGCCCCGGGG", "ATATATATATATATATATAT"]
    guides = Sequences.from_strings([text + "TGG" for text in texts])
    rows = Dataset("t", Kind.GUIDES, np.array(["1", "2", "3"]), {"guide": guides})
    assert features.melting_temperature(rows).tolist() == [MeltingTemp.Tm_NN(text) for text in texts]
    assert features.gc_fraction(rows).tolist() == [0.45, 1.0, 0.0]


def test_short_spacers_are_aligned_at_the_pam() -> None:
    guides = Sequences.from_strings(["ACGTACGATCCATGCATTACTGG", "TACGATCCATGCATTAC", "N" * 20])
    bases = features.position_bases(Dataset("t", Kind.GUIDES, np.array(["1", "2", "3"]), {"guide": guides}))
    assert bases.shape == (3, 20)
    np.testing.assert_array_equal(bases[0, 3:], bases[1, 3:])
    assert bases[1, :3].tolist() == [-1, -1, -1]
    assert (bases[2] == -1).all()


def test_percentiles_share_ties_and_keep_gaps() -> None:
    ranks = features.percentiles(np.array([3.0, np.nan, 1.0, 1.0, 9.0]))
    assert ranks[[0, 2, 3, 4]].tolist() == [0.625, 0.25, 0.25, 0.875]
    assert np.isnan(ranks[1])


def test_rows_that_are_no_guides_are_refused() -> None:
    rows = Dataset("s", Kind.SEQUENCES, np.array(["1"]), {"sequence": Sequences.from_strings(["ACGT"])})
    with pytest.raises(InputError, match="no guides"):
        GuideSet.of(rows)


def test_a_planted_difference_in_gc_is_found() -> None:
    rows = compared(made("rich", 300, 1, gc=0.6), made("poor", 300, 2, gc=0.45))
    found = {(row["feature"], row["test"]): row for row in rows}
    for feature in ("gc", "tm"):
        assert found[feature, "Mann-Whitney U"]["conclusion"] == "different"
        assert found[feature, "Kolmogorov-Smirnov"]["conclusion"] == "different"
        assert float(found[feature, "Mann-Whitney U"]["effect"]) > 0.3
    assert "gc is higher in rich" in found["gc", "Mann-Whitney U"]["in_words"]
    assert {row["set_a"] for row in rows} == {"rich"}
    assert sum(row["test"] == "chi-squared" for row in rows) == 20


def test_noise_is_seldom_called_different() -> None:
    """At a false discovery rate of .05 one table of noise in twenty has a finding; of 6 seldom 2."""
    tables = [
        contrasts([GuideSet.of(made(name, 80, 2 * seed + place)) for place, name in enumerate("ab")], seed, 99)
        for seed in range(6)
    ]
    assert sum(any(test.comparison.conclusion == "different" for test in tests) for tests in tables) <= 1


def test_small_sets_are_undecided_and_large_ones_equivalent() -> None:
    small = compared(made("a", 20, 1), made("b", 20, 2))
    large = compared(made("a", 6000, 1), made("b", 6000, 2))
    gc_small, gc_large = (
        next(row for row in rows if row["feature"] == "gc" and row["test"].startswith("Mann"))
        for rows in (small, large)
    )
    assert (gc_small["conclusion"], gc_large["conclusion"]) == ("undecided", "equivalent")
    assert "neither a difference nor its absence is shown" in gc_small["in_words"]
    assert "differs by less than the bound of 0.147" in gc_large["in_words"]


def test_no_sentence_justifies_a_transfer() -> None:
    rows = compared(made("a", 200, 1, classes=True), made("b", 200, 2, classes=True))
    text = " ".join(row["in_words"] for row in rows)
    assert not any(word in text for word in ("justif", "transfer", "same distribution", "no difference"))


def test_shared_guides_are_compared_in_pairs(tmp_path: Path) -> None:
    a = made("a", 400, 1)
    rng = np.random.default_rng(3)
    rows = np.arange(100, 400)
    moved = {
        "guide": a.columns["guide"].take(rows),
        "efficacy": a.columns["efficacy"][rows] * 10 + rng.normal(size=300),
    }
    b = Dataset("b", Kind.GUIDES, rows.astype(np.str_), moved, target=moved["efficacy"])
    found = written(tmp_path / "r", a, b)
    paired = [row for row in found if row["test"] == "Wilcoxon signed-rank"]
    assert [row["feature"] for row in paired] == ["efficacy (shared guides)"]
    assert paired[0]["n_a"] == paired[0]["n_b"] == paired[0]["shared"] == "300"
    summary = json.loads((tmp_path / "r" / "comparison.json").read_text())
    assert summary["agreement"][0]["shared"] == 300
    assert summary["agreement"][0]["efficacy_spearman"]["value"] > 0.95
    in_a, in_b = shared_rows(GuideSet.of(a), GuideSet.of(b))
    assert in_a.tolist() == rows.tolist()
    assert in_b.tolist() == list(range(300))


def test_without_shared_guides_efficacy_of_two_sets_is_not_tested() -> None:
    rows = compared(made("a", 100, 1), made("b", 100, 2))
    assert not [row for row in rows if "efficacy" in row["feature"]]


def test_genes_are_permuted_where_guides_nest_in_them() -> None:
    """A difference between two genes is one between two genes, however many guides they have."""
    rng = np.random.default_rng(5)
    sets = []
    for name in ("a", "b"):
        level = np.repeat(rng.uniform(0.25, 0.75, 6), 60)  # each gene its own GC, no difference between the sets
        texts = ["".join(rng.choice(list("ACGT"), 20, p=[(1 - p) / 2, p / 2, p / 2, (1 - p) / 2])) for p in level]
        genes = np.char.add(name, np.repeat(np.arange(6), 60).astype(np.str_))
        sets.append(
            Dataset(
                name,
                Kind.GUIDES,
                np.arange(360).astype(np.str_),
                {"guide": Sequences.from_strings(texts)},
                groups=genes,
            )
        )
    nested = compared(*sets)
    flat = compared(*(Dataset(s.name, s.kind, s.ids, s.columns) for s in sets))
    p_nested, p_flat = (
        next(float(row["p"]) for row in rows if row["feature"] == "gc" and "Mann" in row["test"])
        for rows in (nested, flat)
    )
    assert p_nested > 0.05
    assert p_nested > p_flat
    assert {(row["unit"], row["p_by"], row["genes_a"]) for row in nested} == {("gene", "genes permuted", "6")}
    assert {(row["unit"], row["p_by"], row["genes_a"]) for row in flat} == {("guide", "guides", "None")}
    assert {row["low"] for row in nested} == {"None"}
    assert "no interval: a has 6 genes and b has 6 genes, under 20" in nested[0]["in_words"]


def test_under_sampling_makes_classes_equal_and_repeats_the_tests() -> None:
    rows = made("a", 200, 1, classes=True)
    balanced = under_sampled(GuideSet.of(rows), seed=3)
    assert balanced is not None
    assert balanced.rows.target is not None
    smaller = int(rows.target.sum())  # type: ignore[union-attr]
    assert np.bincount(balanced.rows.target).tolist() == [smaller, smaller]
    assert set(balanced.rows.ids.tolist()) <= set(rows.ids.tolist())
    found = compared(rows)
    assert {(row["kind"], row["sampling"]) for row in found} == {
        ("classes", "all"),
        ("classes", "under-sampled"),
    }
    assert {row["feature"] for row in found if row["test"].startswith("Kolm")} == {"gc", "tm", "efficacy"}
    assert {row["n_b"] for row in found if row["sampling"] == "under-sampled" and row["feature"] == "gc"} == {
        str(smaller)
    }


def test_corrected_over_the_whole_table_and_judged_by_its_own_bound() -> None:
    def row(effect_name: str, p: float, low: float, high: float) -> Contrast:
        found = Comparison("x", "t", 9, 9, None, None, 0.0, p, "rows", p, 0.1, effect_name, low, high, "")
        return Contrast("sets", "all", "a", "b", 0, found)

    tested = concluded([row("Cliff's delta", 0.01, 0.05, 0.12), row("D", 0.04, 0.05, 0.12), row("D", 0.9, 0.0, 0.2)])
    assert [test.comparison.q for test in tested] == pytest.approx([0.03, 0.06, 0.9])
    assert [test.comparison.conclusion for test in tested] == ["equivalent", "undecided", "undecided"]
    assert BOUNDS["D"] == 0.1


def cut(name: str, n: int, seed: int, noise: float) -> Dataset:
    """Return guides whose class is the better half of an efficacy, measured again with noise."""
    rows = made(name, n, seed, genes=40)
    efficacy = np.asarray(rows.columns["efficacy"])
    again = efficacy + noise * np.random.default_rng(seed).normal(size=n)
    target = (again > np.median(again)).astype(np.int64)
    return Dataset(name, rows.kind, rows.ids, rows.columns, target=target, classes=("0", "1"), groups=rows.groups)


def test_a_class_cut_from_efficacy_is_a_tautology_and_no_finding(tmp_path: Path) -> None:
    rows = written(tmp_path / "r", cut("a", 300, 1, noise=0.05))
    efficacy = [row for row in rows if row["feature"] == "efficacy"]
    assert len(efficacy) == 4  # two tests, all rows and under-sampled ones
    assert {(row["tautology"], row["conclusion"], row["q"]) for row in efficacy} == {("yes", "by construction", "")}
    assert all("differs by construction: it alone orders 9" in row["in_words"] for row in efficacy)
    others = [row for row in rows if row["feature"] != "efficacy"]
    assert {row["tautology"] for row in others} == {""}
    summary = json.loads((tmp_path / "r" / "comparison.json").read_text())
    assert summary["tautologies"] == 4
    assert sum(summary["conclusions"].values()) == len(others)
    assert {row["feature"] for row in summary["rows"] if row["tautology"]} == {"efficacy"}
    assert all(bool(row["reason"]) == row["tautology"] for row in summary["rows"])
    (sentence,) = summary["sentences"]
    assert "of 24 comparisons" in sentence
    assert sentence.endswith("Not counted, since the classes were cut from it: efficacy.")
    assert "by construction" not in sentence


def test_a_class_measured_elsewhere_is_no_tautology() -> None:
    """As noisy as a second screen: the efficacy orders about nine pairs in ten."""
    efficacy = [row for row in compared(cut("a", 300, 1, noise=0.7), permutations=999) if row["feature"] == "efficacy"]
    assert float(efficacy[1]["effect"]) > 0.6
    assert {(row["tautology"], row["conclusion"]) for row in efficacy} == {("", "different")}


def test_a_tautology_does_not_help_other_rows_to_a_small_q() -> None:
    def row(p: float, tautology: str = "") -> Contrast:
        found = Comparison("x", "t", 9, 9, None, None, 0.0, p, "rows", p, 0.5, "D", None, None, "")
        return Contrast("classes", "all", "a", "b", 0, found, tautology=tautology)

    certain = [row(1e-9, "cut") for _ in range(9)]
    tested = concluded([*certain, row(0.04), row(0.3)])
    assert [test.comparison.q for test in tested[-2:]] == pytest.approx([0.08, 0.3])
    assert [test.cells()[HEADER.index("q")] for test in tested[:9]] == [None] * 9


def test_shared_guides_are_flipped_gene_by_gene_and_the_sentence_says_what_ranks() -> None:
    rng = np.random.default_rng(3)
    a = made("a", 400, 1, genes=50)
    rows = np.arange(100, 400)
    efficacy = np.asarray(a.columns["efficacy"])[rows] + 2 * (np.arange(300) < 150) + 0.1 * rng.normal(size=300)
    columns = {"guide": a.columns["guide"].take(rows), "efficacy": efficacy}
    b = Dataset("b", Kind.GUIDES, rows.astype(np.str_), columns, target=efficacy)
    sets = GuideSet.of(a), GuideSet.of(b)
    assert shared_genes(*sets).tolist() == shared_genes(*reversed(sets)).tolist() == a.groups[rows].tolist()
    (paired,) = (row for row in compared(a, b) if row["test"] == "Wilcoxon signed-rank")
    assert (paired["unit"], paired["p_by"], paired["genes_a"]) == ("gene", "genes flipped", "50")
    assert "the shared guides" in paired["in_words"]
    assert "higher in" not in paired["in_words"]


def test_bases_name_the_one_that_differs_most_and_genes_without_a_partner_count() -> None:
    texts = (
        ["A" * 19 + ("G" if i % 4 else "C") for i in range(400)],
        ["A" * 19 + ("C" if i % 4 else "G") for i in range(400)],
    )
    names = np.repeat([f"g{i}" for i in range(40)], 10)
    sets = [
        Dataset(
            name, Kind.GUIDES, np.arange(400).astype(np.str_), {"guide": Sequences.from_strings(some)}, groups=genes
        )
        for name, some, genes in zip("ab", texts, (names, None), strict=True)
    ]
    last = next(row for row in compared(*sets, permutations=999) if row["feature"] == "base 20")
    assert "base 20 is distributed differently, most of all C, 25 % in a and 75 % in b" in last["in_words"]
    assert (last["unit"], last["genes_a"], last["genes_b"]) == ("gene", "40", "400")


def test_sentences_count_all_rows_only_and_say_what_is_shared() -> None:
    a = made("a", 300, 1, genes=30)
    found = contrasts([GuideSet.of(a), GuideSet.of(made("b", 300, 2, genes=30))], 0, 50)
    (alone,) = sentences(found, [])
    assert alone.startswith("a against b: of 24 comparisons 0 show a difference, ")
    assert "No intervals" not in alone
    (few,) = sentences(contrasts([GuideSet.of(made(name, 200, 1, genes=8)) for name in "ab"], 0, 50), [])
    assert "none can be shown to be within the bound: a has 8 genes and b has 8 genes." in few
    assert "0 show that none is beyond it" in few
    said = {
        "a": "a", "b": "b", "shared": 280, "n_a": 300, "n_b": 300, "same_label": 0.9,
        "efficacy_spearman": {"value": 0.8123, "low": None, "high": None},
    }  # fmt: skip
    (shared,) = sentences(found, [said])
    assert "280 guides are in both, 93.3 % of the smaller set: their likeness is that of the same guides" in shared
    assert "efficacy on them correlates by 0.81 (no interval); 90.0 % of them have the same label." in shared


def test_the_same_seed_gives_the_same_bytes_and_simulated_sets_are_marked(tmp_path: Path) -> None:
    sets = (made("a", 80, 1, classes=True, genes=9, simulated=True), made("b", 80, 2, genes=9))
    for name in ("one", "two"):
        written(tmp_path / name, *sets, seed=7)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.svg"))
    assert [file.name for file in files] == [
        "efficacy_by_class_a.svg", "gc_by_class_a.svg", "gc_by_set.svg", "tm_by_class_a.svg", "tm_by_set.svg",
    ]  # fmt: skip
    for file in (*files, Path("stats.tsv"), Path("comparison.json")):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    with (tmp_path / "one" / "stats.tsv").open() as handle:
        assert {row["simulated"] for row in csv.DictReader(handle, delimiter="\t")} == {"yes"}
    assert "SIMULATED" in (tmp_path / "one" / "figures/gc_by_set.svg").read_text()
    assert json.loads((tmp_path / "one" / "comparison.json").read_text())["simulated"] is True


def test_nothing_to_compare_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no two classes"):
        written(tmp_path / "one", made("a", 50, 1))
    with pytest.raises(UsageError, match="named twice"):
        written(tmp_path / "two", made("a", 50, 1), made("a", 50, 2))


@pytest.mark.data
def test_hct116_and_hela_are_one_library() -> None:
    from genotool import registry

    a, b = (GuideSet.of(registry.load(name)) for name in ("hct116", "hela"))
    found = agreement(a, b, seed=0)
    assert found["shared"] / found["n_a"] == pytest.approx(0.986, abs=0.002)
    assert found["same_label"] == pytest.approx(0.906, abs=0.002)
    assert found["efficacy_spearman"]["value"] == pytest.approx(0.81, abs=0.01)


def test_the_command_writes_a_run_folder(tmp_path: Path) -> None:
    from genotool_sgrna.commands import app
    from typer.testing import CliRunner

    files = []
    for place, name in enumerate("ab"):
        files.append(tmp_path / f"{name}.tsv")
        guides = made(name, 60, place)
        efficacy = guides.columns["efficacy"].tolist()  # type: ignore[union-attr]
        rows = [f"{text}\t{value}" for text, value in zip(guides.columns["guide"], efficacy, strict=True)]  # type: ignore[arg-type]
        files[-1].write_text("guide\tefficacy\n" + "\n".join(rows) + "\n")
    words = ["compare", *map(str, files), "-o", str(tmp_path / "run"), "--permutations", "99", "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert {item["name"] for item in json.loads(done.stdout)["sets"]} == {"a", "b"}
    assert (tmp_path / "run" / "DONE").is_file()
    assert (tmp_path / "run" / "stats.tsv").is_file()
    again = CliRunner().invoke(app, words)
    assert isinstance(again.exception, UsageError)
