"""Motif discovery: planted motifs are found by name, matches are those of the literature, bad input is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from genotool.errors import InputError
from genotool.persist import save_arrays
from genotool.run import Run
from genotool_deepdife.attributed import read
from genotool_deepdife.cores import bits, consensus, core
from genotool_deepdife.discovery import check_seqlets, find_motifs
from genotool_deepdife.evidence import Sites, evidence, sites
from genotool_deepdife.jaspar import Motif, motifs
from genotool_deepdife.matching import Match, Matched, matched
from genotool_deepdife.modisco import Pattern, check_enough, seqlets_of, shuffled
from genotool_deepdife.motif_figures import panels
from genotool_deepdife.motif_results import Result, given_motifs
from genotool_deepdife.motif_settings import MotifConfig
from numpy.typing import NDArray

ROWS, LENGTH = 160, 200
PLANTED = {"ABF2": 1, "WRKY40": -1}
"""What raises the prediction, in rows of class 1 only, and what lowers it, in all."""


def known(name: str) -> Motif:
    return next(motif for motif in motifs() if motif.name == name)


IN_CLASS_1 = 135


def planted(
    rng: np.random.Generator, hypothetical: NDArray[np.float64], codes: NDArray[np.int64], name: str, at: int
) -> None:
    """Put a site of a motif, on either strand, and what it is worth, which varies, into a row."""
    shares = known(name).probabilities()
    site = np.array([rng.choice(4, p=row) for row in shares])
    worth = PLANTED[name] * rng.lognormal(0, 0.2) * np.log(shares / 0.25) * bits(shares)[:, None] / 4
    if rng.random() < 0.5:
        site, worth = 3 - site[::-1], worth[::-1, ::-1]
    codes[at : at + len(site)] = site
    hypothetical[at : at + len(site)] = worth


def arrays(seed: int = 0, *, sites_planted: bool = True) -> dict[str, NDArray[np.generic]]:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (ROWS, LENGTH))
    hypothetical = rng.normal(0, 0.02, (ROWS, LENGTH, 4))
    target = (np.arange(ROWS) < IN_CLASS_1).astype(np.int64)
    for row in range(ROWS if sites_planted else 0):
        if target[row]:
            planted(rng, hypothetical[row], codes[row], "ABF2", int(rng.integers(50, 70)))
        planted(rng, hypothetical[row], codes[row], "WRKY40", int(rng.integers(115, 135)))
    inputs = np.eye(4, dtype=np.uint8)[codes]
    return {
        "values": (hypothetical * inputs).astype(np.float32), "inputs": inputs, "target": target,
        "hypothetical": hypothetical.astype(np.float32), "ids": np.array([f"g{row}" for row in range(ROWS)]),
    }  # fmt: skip


def explanation(
    path: Path, held: dict[str, NDArray[np.generic]], config: dict[str, object] | None = None, **about: object
) -> Path:
    record = {"name": "made", "digest": "0" * 64, "rows": ROWS, "classes": ["no", "yes"], "simulated": True}
    given = {"verb": "explain", "family": "deepdife", "task": "binary", "config": config}
    with Run.create(path, **given, seed=0, data=[record]) as run:
        save_arrays(run.file("attributions.npz"), held)
        said = {"format": 1, "method": "DeepSHAP", "n": ROWS, "data": "made", "exact": True, "alphabet": list("ACGT")}
        run.write_json("explanation.json", {**said, **about})
    return path


def genotool(*arguments: object) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("GENOTOOL", "KERAS"))}
    command = [sys.executable, "-m", "genotool", "deepdife", "motifs", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


FEW = ("--clusterings", 2, "--min-seqlets", 40)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("motifs")
    done = genotool(explanation(folder / "explain", arrays()), "-o", folder / "run", *FEW, "--threads", 1)
    assert done.returncode == 0, done.stderr[-2000:]
    assert f"seqlets in {ROWS} rows" in done.stderr
    assert "for class yes" in done.stdout
    assert "SIMULATED" in done.stdout
    return folder / "run"


def table(file: Path) -> list[dict[str, str]]:
    head, *rows = [line.split("\t") for line in file.read_text().splitlines()]
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_planted_motifs_are_found_by_name_with_their_sign(found: Path) -> None:
    patterns = table(found / "patterns.tsv")
    largest = {
        sign: max((row for row in patterns if row["sign"] == sign), key=lambda row: int(row["seqlets"]))
        for sign in ("1", "-1")
    }
    assert largest["1"]["speaks_for"] == "class yes"
    assert largest["-1"]["speaks_for"] == "class no"
    assert "bZIP" in largest["1"]["match_class"]
    assert {row["match_family"] for row in patterns if row["sign"] == "-1"} == {"WRKY"}
    assert all(float(row["match_q"]) < 0.05 for row in patterns), "every pattern is one that was planted"
    matched = {(row["pattern"], row["match_name"]) for row in table(found / "matches.tsv")}
    assert (largest["1"]["pattern"], "ABF2") in matched
    assert (largest["-1"]["pattern"], "WRKY40") in matched
    assert int(largest["1"]["sequences"]) > IN_CLASS_1 / 2
    assert largest["1"]["sequences_class_no"] == "0", "planted in the other class only"
    assert 51 <= float(largest["1"]["median_position"]) <= 83
    assert 116 <= float(largest["-1"]["median_position"]) <= 148


def test_seqlets_lie_on_what_was_planted(found: Path) -> None:
    held = arrays()
    strength = np.abs(held["values"].sum(axis=2))  # type: ignore[call-overload]
    rows = {name: row for row, name in enumerate(held["ids"].tolist())}
    seqlets = table(found / "seqlets.tsv")
    assert len(seqlets) > ROWS
    inside = [strength[rows[one["id"]], int(one["start"]) - 1 : int(one["end"])].sum() for one in seqlets]
    sums = [abs(float(one["contribution"])) for one in seqlets]
    assert np.median(inside) > 3
    assert np.all(np.array(sums) <= np.array(inside) + 1e-4)
    assert {one["strand"] for one in seqlets} == {"+", "-"}


def test_other_tools_read_the_h5_and_the_report_shows_each_pattern(found: Path) -> None:
    names = [row["pattern"] for row in table(found / "patterns.tsv")]
    with h5py.File(found / "modisco.h5") as file:
        stored = [f"{group[:3]}_{name.removeprefix('pattern_')}" for group in file for name in file[group]]
        counted = {
            f"{group[:3]}_{name.removeprefix('pattern_')}": int(file[group][name]["seqlets/n_seqlets"][0])
            for group in file
            for name in file[group]
        }
    assert sorted(stored) == sorted(names)
    assert {row["pattern"]: int(row["seqlets"]) for row in table(found / "patterns.tsv")} == counted
    page = (found / "report.html").read_text()
    assert "Motifs that the model reads" in page
    assert all(f"{name}: what its bases contribute" in page for name in names)
    assert "SIMULATED" in page
    assert (found / "DONE").is_file()


def test_the_same_explanation_gives_the_same_bytes_on_two_threads(found: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    done = genotool(found.parent / "explain", "-o", again, *FEW, "--threads", 2)
    assert done.returncode == 0, done.stderr[-2000:]
    for name in ("patterns.tsv", "matches.tsv", "seqlets.tsv", "motifs.json"):
        assert (again / name).read_bytes() == (found / name).read_bytes(), name


def test_contributions_of_zero_have_no_pattern_and_that_is_a_result(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    held = arrays()
    held["hypothetical"] = np.zeros_like(held["hypothetical"])
    explained = explanation(tmp_path / "explain", held, exact=False)
    find_motifs(explained, out=tmp_path / "run", config=MotifConfig(null=True))
    assert "NOT EXACT" in capfd.readouterr().err
    content = json.loads((tmp_path / "run/motifs.json").read_text())
    assert content["patterns"] == []
    assert content["null"]["patterns"] == {"pos": [], "neg": []}
    assert len((tmp_path / "run/patterns.tsv").read_text().splitlines()) == 1
    page = (tmp_path / "run/report.html").read_text()
    assert "No pattern was found." in page
    assert "NOT EXACT" in page


def test_too_little_is_said_before_anything_is_clustered(tmp_path: Path) -> None:
    held = {name: array[:12] for name, array in arrays().items()}
    with pytest.raises(InputError, match="12 rows of 200 positions hold 96 seqlets at most"):
        find_motifs(explanation(tmp_path / "explain", held), out=tmp_path / "run", config=MotifConfig())
    assert not (tmp_path / "run").exists()
    with pytest.raises(InputError, match="rows of 23 positions are too short: a seqlet has 41"):
        check_enough(5000, 23, MotifConfig(), tmp_path)
    with pytest.raises(InputError, match=r"(?s)34 positive and 7 negative seqlets.*about 1486"):
        check_seqlets({"pos": 34, "neg": 7}, 500, MotifConfig(), tmp_path)
    check_seqlets({"pos": 101, "neg": 7}, 500, MotifConfig(), tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hypothetical": None}, "no hypothetical contributions"),
        ({"hypothetical": np.full((ROWS, LENGTH, 4), np.nan, np.float32)}, "not all finite"),
        ({"hypothetical": np.zeros((ROWS, LENGTH - 1, 4), np.float32)}, "do not fit"),
        ({"inputs": np.full((ROWS, LENGTH, 4), 1, np.uint8)}, "not one-hot"),
        ({"ids": np.array(["a", "b"])}, f"{ROWS} rows have ids"),
        ({"target": np.full(ROWS, 7)}, "no codes of 2 classes"),
    ],
)
def test_a_damaged_explanation_is_refused(tmp_path: Path, change: dict[str, object], said: str) -> None:
    held = {name: array for name, array in {**arrays(), **change}.items() if array is not None}
    with pytest.raises(InputError, match=said):
        read(explanation(tmp_path / "explain", held))  # type: ignore[arg-type]


def test_what_is_no_explanation_of_dna_is_refused(tmp_path: Path) -> None:
    with Run.create(tmp_path / "train", verb="train", seed=0):
        pass
    with pytest.raises(InputError, match=r"no explanation.*'train'"):
        read(tmp_path / "train")
    with pytest.raises(InputError, match="A C G T"):
        read(explanation(tmp_path / "genes", arrays(), alphabet=["expression"]))
    (explanation(tmp_path / "cut", arrays()) / "attributions.npz").write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(InputError, match="not an NPZ file"):
        read(tmp_path / "cut")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (None, "None"),
        ({"init_motifs": "none", "filters": [64]}, "None"),
        (
            {"init_motifs": "jaspar", "filters": [0]},
            "nothing but fixed filters that are JASPAR's own motifs (CORE, plants)",
        ),
        ({"init_motifs": "jaspar", "filters": [64, 32]}, "own motifs (CORE, plants), beside its own"),
    ],
)
def test_what_a_network_was_given_is_no_discovery(tmp_path: Path, config: dict[str, object] | None, said: str) -> None:
    config = None if config is None else {**config, "motif_collection": "CORE", "motif_taxon": "plants"}
    explained = read(explanation(tmp_path / "explain", arrays(), config))
    assert said in str(given_motifs(explained.model))


def pattern_of(motif: Motif, *, beside: int = 4, turned: bool = False, sign: int = 1) -> Pattern:
    shares = np.full((len(motif.counts) + 2 * beside, 4), 0.25)
    shares[beside : len(shares) - beside] = motif.probabilities()
    shares = shares[::-1, ::-1] if turned else shares
    worth = sign * shares * np.log(shares / 0.25)
    none = np.array([], np.int64)
    return Pattern("pos_0", sign, shares, worth, none, none, none, none.astype(np.bool_))


@pytest.mark.parametrize("turned", [False, True])
def test_a_motif_matches_itself_best_on_either_strand(turned: bool) -> None:
    chosen = [known(name) for name in ("ABF2", "WRKY40", "DREB2C")]
    found = matched([pattern_of(one, turned=turned) for one in chosen], motifs())
    for [(_, ranked)], motif in zip(found, chosen, strict=True):
        assert ranked[0].motif.matrix_id == motif.matrix_id
        assert ranked[0].turned is turned
        assert ranked[0].q < 1e-5
        assert len(ranked) == len(motifs())
        assert [one.p for one in ranked] == sorted(one.p for one in ranked)
        assert all(one.q >= one.p for one in ranked)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("name", ["ABF2", "DREB2C", "AGL3"])
def test_the_best_match_is_drawn_under_the_bases_that_it_matches(name: str, turned: bool) -> None:
    pattern = pattern_of(known(name), turned=turned)
    none = np.array([], np.int64)
    where = Sites(none, none, none, none.astype(np.bool_), none.astype(np.float64))
    (found,) = matched([pattern], motifs())
    worth, own, below = panels(Result(pattern, where, {}, found), 0.05)
    assert worth.heights.shape == own.heights.shape == below.heights.shape
    assert len(own.heights) >= len(known(name).counts)
    np.testing.assert_allclose(own.heights, below.heights, atol=0.02)
    assert known(name).matrix_id in below.title
    assert ("reverse complement" in below.title) is turned


def side_by_side(first: Motif, second: Motif, worth: float = 1.0) -> Pattern:
    """Return a pattern of two motifs, three letters apart; the second one's contributions are `worth` of its own."""
    one, other = pattern_of(first, beside=3), pattern_of(second, beside=3)
    shares = np.concatenate([one.sequence, other.sequence[3:]])
    moved = np.concatenate([one.contributions, worth * other.contributions[3:]])
    return Pattern("pos_0", 1, shares, moved, one.rows, one.rows, one.rows, one.turned)


def test_both_motifs_of_a_pattern_are_named_and_drawn() -> None:
    pattern = side_by_side(known("WRKY40"), known("ABF2"))
    (found,) = matched([pattern], motifs())
    best = [one.matches[0].motif.name for one in found]
    assert sorted(best) == ["ABF2", "WRKY40"]
    none = np.array([], np.int64)
    where = Sites(none, none, none, none.astype(np.bool_), none.astype(np.float64))
    result = Result(pattern, where, {}, found)
    assert [one.matches[0].motif.name for one in result.beside(0.05)] == best[1:]
    assert result.beside(0.0) == []
    _, own, *below = panels(result, 0.05)
    np.testing.assert_allclose(own.heights, sum(panel.heights for panel in below), atol=0.05)
    every = sorted((match for one in found for match in one.matches), key=lambda match: match.p)
    assert every[-1].q == pytest.approx(every[-1].p, rel=1e-6), "corrected over both stretches: the last by nothing"
    assert every[0].q == pytest.approx(every[0].p * 2 * len(motifs()), rel=1e-6)


def test_what_the_model_does_not_read_beside_a_motif_is_not_matched() -> None:
    (found,) = matched([side_by_side(known("WRKY40"), known("ABF2"), worth=0.01)], motifs())
    assert [one.matches[0].motif.name for one in found] == ["WRKY40"]


def test_q_is_corrected_over_all_patterns_and_motifs() -> None:
    found = matched([pattern_of(known("ABF2")), pattern_of(known("WRKY40"))], motifs()[:60])
    together = sorted((match for ones in found for one in ones for match in one.matches), key=lambda match: match.p)
    count = len(together)
    by_hand, least = [], 1.0
    for place in range(count, 0, -1):
        least = min(least, together[place - 1].p * count / place)
        by_hand.append(least)
    np.testing.assert_allclose([one.q for one in together], by_hand[::-1], rtol=1e-9)


def test_a_core_leaves_out_what_tells_nothing_or_moves_nothing() -> None:
    pattern = pattern_of(known("DREB2C"), beside=6)
    first, last = core(pattern)
    assert first >= 6
    assert last <= len(pattern.sequence) - 6
    assert "CCGAC" in consensus(pattern.sequence[first:last]) or "GTCGG" in consensus(pattern.sequence[first:last])
    conserved = pattern.sequence.copy()
    conserved[:3] = [0.97, 0.01, 0.01, 0.01]  # a neighbour that all promoters have and the model does not read
    other = Pattern("pos_0", 1, conserved, pattern.contributions, *[pattern.rows] * 3, pattern.turned)
    assert core(other) == (first, last)


@pytest.mark.parametrize(
    ("shares", "letter"),
    [((0.6, 0.2, 0.1, 0.1), "A"), ((0.51, 0.3, 0.1, 0.09), "M"), ((0.4, 0.1, 0.4, 0.1), "R"), ((0.25,) * 4, "N")],
)
def test_the_consensus_follows_cavener(shares: tuple[float, ...], letter: str) -> None:
    assert consensus(np.array([shares])) == letter


def test_evidence_counts_a_position_once_and_by_class(tmp_path: Path) -> None:
    held = arrays(sites_planted=False)
    values = np.zeros((ROWS, LENGTH, 4), np.float32)
    values[:, 20:26] = 1.0  # everywhere
    values[:40, 50:56] = 2.0  # 12 of 18 in some rows of class 1
    held["hypothetical"] = values
    explained = read(explanation(tmp_path / "explain", held))
    rows = np.repeat(np.arange(40), 2)
    ends = np.full(80, 63)
    shares = np.full((20, 4), 0.25)
    shares[7:13] = [0.97, 0.01, 0.01, 0.01]
    twice = Pattern("pos_0", 1, shares, shares - 0.25, rows, ends - 20, ends, np.zeros(80, np.bool_))
    found = sites(twice, explained.contributions)
    assert set(zip(found.starts.tolist(), found.ends.tolist(), strict=True)) == {(50, 56)}
    said = evidence(found, 1, explained)
    assert (said["all"].rows, said["yes"].rows, said["no"].rows) == (40, 40, 0)
    assert said["all"].share == pytest.approx(480 / (ROWS * 6 + 480))
    assert said["yes"].share == pytest.approx(480 / (IN_CLASS_1 * 6 + 480))


def test_the_null_keeps_the_contributions_and_breaks_their_order() -> None:
    held = arrays()
    inputs, hypothetical = held["inputs"], held["hypothetical"]
    moved, worth = shuffled(inputs, hypothetical, 1)  # type: ignore[arg-type]
    assert not np.array_equal(moved, inputs)
    before, after = (hypothetical * inputs).sum(axis=2), (worth * moved).sum(axis=2)  # type: ignore[operator]
    np.testing.assert_array_equal(np.sort(before, axis=1), np.sort(after, axis=1))
    again = shuffled(inputs, hypothetical, 1)[0]  # type: ignore[arg-type]
    np.testing.assert_array_equal(moved, again)


def test_seqlets_are_counted_as_they_are_clustered(found: Path) -> None:
    explained = read(found.parent / "explain")
    counts = seqlets_of(explained.contributions, MotifConfig())
    assert counts == json.loads((found / "motifs.json").read_text())["seqlets"]
    assert IN_CLASS_1 / 2 < counts["pos"] <= IN_CLASS_1 * 1.2
    assert ROWS / 2 < counts["neg"] <= ROWS * 1.2


def test_no_framework_is_imported() -> None:
    code = (
        "import sys, genotool_deepdife.discovery as d, genotool_deepdife.commands; "
        "import modiscolite.tfmodisco, memelite; assert not {'tensorflow', 'torch', 'keras'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("sharp", "times", "called"), [(0.97, 1, True), (0.45, 1, False), (0.6, 5, False)])
def test_a_pattern_that_tells_little_is_no_motif_whatever_its_q(sharp: float, times: int, called: bool) -> None:
    word = ["ACGT".index(letter) for letter in "CACGTGTC" * times]
    shares = np.where(np.eye(4)[word] == 1, sharp, (1 - sharp) / 3)
    none = np.zeros(1, np.int64)
    pattern = Pattern("pos_0", 1, shares, shares, none, none, none, none.astype(np.bool_))
    sites = Sites(none, none, none, none.astype(np.bool_), none.astype(np.float64))
    motif = Motif("MA0001.1", "made", (), (), shares)
    fit = Matched((0, len(word)), [Match("pos_0", motif, 1e-9, 1e-8, 0, 8, False)])
    result = Result(pattern, sites, {}, [fit, fit])
    assert bool(result.under(0.05)) is called
    assert bool(result.beside(0.05)) is called
