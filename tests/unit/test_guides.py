"""Guides in sequences: where they are found, how they are ranked, described and written."""

from __future__ import annotations

import numpy as np
import pytest
from genotool.dataset import Dataset, Kind
from genotool.errors import UsageError
from genotool.guides import Listing, Ranking, ScoredSites, lines, parse_sites, scan, score_sites
from genotool.guides.annotate import gc_fraction, hairpin_stem, longest_run, poly_t
from genotool.guides.ranked import best_of_each, pack, unpack
from genotool.guides.scan import chunks
from genotool.sequences import Sequences

SPACER = "ACGTACGATCCATGCATTAC"


def records(**named: str) -> Dataset:
    sequences = Sequences.from_strings(list(named.values()))
    return Dataset("hand", Kind.SEQUENCES, np.array(list(named), dtype=np.str_), {"sequence": sequences})


def reverse_complement(text: str) -> str:
    return text[::-1].translate(str.maketrans("ACGT", "TGCA"))


def letters(*texts: str) -> np.ndarray:
    return np.frombuffer("".join(texts).encode(), np.uint8).reshape(len(texts), -1)


def gc_score(guides: Dataset) -> np.ndarray:
    return np.array([(text.count("G") + text.count("C")) / len(text) for text in guides.columns["guide"]])


def scored(named: Dataset) -> ScoredSites:
    return score_sites(chunks(named), gc_score, batch_size=7)[0]


def listing(sites: ScoredSites, /, **changed: object) -> Listing:
    ranking = Ranking.of(sites)
    places = ranking.chosen(sites, avoid=np.zeros(len(sites), bool))
    fields: dict[str, object] = {
        "scored": sites, "ranking": ranking, "places": places, "sites": (), "seen": None, "label": None,
        "probability": True, "simulated": False,
    }  # fmt: skip
    return Listing(**{**fields, **changed})  # type: ignore[arg-type]


def table(text: list[str]) -> list[dict[str, str]]:
    head, *rows = (line.rstrip("\n").split("\t") for line in text)
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_sites_at_the_edges_of_a_record_on_both_strands() -> None:
    forward = "A" * 20 + "TGG"
    reverse = "CCT" + "A" * 20
    found = scan(records(f=forward, r=reverse, short=forward[1:])).guides
    assert found.ids.tolist() == ["f:0-23:+", "r:0-23:-"]
    assert list(found.columns["guide"]) == [forward, "T" * 20 + "AGG"]


def test_every_site_equals_a_plain_search() -> None:
    text = "".join(np.random.default_rng(4).choice(list("ACGT"), 4000))
    plain = {(i, "+", text[i : i + 23]) for i in range(len(text) - 22) if text[i + 21 : i + 23] == "GG"}
    plain |= {(i, "-", reverse_complement(text[i : i + 23])) for i in range(len(text) - 22) if text[i : i + 2] == "CC"}
    found = scan(records(r=text)).guides
    starts, strands = found.columns["start"].tolist(), found.columns["strand"].tolist()
    assert set(zip(starts, strands, found.columns["guide"], strict=True)) == plain
    assert len(found) == len(plain)


def test_lower_case_counts_and_n_is_left_out_and_counted() -> None:
    soft = scan(records(r=("A" * 20 + "TGG").lower()))
    assert list(soft.guides.columns["guide"]) == ["A" * 20 + "TGG"]
    masked = scan(records(r="A" * 10 + "N" + "A" * 9 + "TGG"))
    assert (len(masked.guides), masked.ambiguous) == (0, 1)


def test_another_pam_is_searched_and_a_wrong_one_refused() -> None:
    text = "A" * 20 + "TAG"
    assert len(scan(records(r=text)).guides) == 0
    assert list(scan(records(r=text), pam="nag").guides.columns["guide"]) == [text]
    with pytest.raises(UsageError, match="--pam"):
        scan(records(r=text), pam="TTTV")


def test_scan_takes_sequences_only() -> None:
    guides = Dataset("g", Kind.GUIDES, np.array(["a"]), {"guide": Sequences.from_strings([SPACER + "TGG"])})
    with pytest.raises(UsageError, match="guides"):
        scan(guides)


def test_scoring_in_chunks_and_batches_changes_nothing() -> None:
    text = "".join(np.random.default_rng(5).choice(list("ACGT"), 900))
    named = records(a=text[:300], b=text[300:600], c=text[600:])
    whole, _ = score_sites([named], gc_score, batch_size=10_000)
    parts, _ = score_sites(chunks(named, bases=350), gc_score, batch_size=3)
    assert [len(part) for part in chunks(named, bases=350)] == [1, 1, 1]
    for field in ("codes", "record", "start", "minus", "score", "lengths"):
        np.testing.assert_array_equal(getattr(whole, field), getattr(parts, field))
    assert parts.records == ("a", "b", "c")


def test_packing_is_undone_by_unpacking() -> None:
    guides = letters(SPACER + "TGG", "T" * 23, "A" * 23)
    np.testing.assert_array_equal(unpack(pack(guides), 23), guides)
    assert pack(guides)[2] == 0


def test_rank_follows_the_score_and_ties_the_place() -> None:
    sites = scored(records(b="A" * 20 + "TGG", a="A" * 20 + "TGG" + "A", c="C" * 20 + "TGG"))
    rows = table(list(lines(listing(sites), "tsv")))
    best_first = [float(row["score"]) for row in rows]
    assert best_first == sorted(best_first, reverse=True)
    assert [row["rank"] for row in rows] == [str(place + 1) for place in range(len(rows))]
    ties = [row["record"] for row in rows if row["guide"] == "A" * 20 + "TGG"]
    assert ties == ["b", "a"]  # the order of the file
    assert {row["copies"] for row in rows if row["record"] in "ab"} == {"2"}


def test_the_best_of_each_record_and_of_all() -> None:
    assert best_of_each(np.arange(6), np.array([1, 0, 1, 1, 0, 0]), 2).tolist() == [0, 1, 2, 4]
    text = "".join(np.random.default_rng(6).choice(list("ACGT"), 1000))
    sites = scored(records(a=text[:500], b=text[500:]))
    ranking, none = Ranking.of(sites), np.zeros(len(sites), bool)
    places = ranking.chosen(sites, avoid=none, per_record=3)
    for record in (0, 1):
        own = np.flatnonzero(sites.record[ranking.order] == record)
        assert [place for place in places.tolist() if sites.record[ranking.order[place]] == record] == own[:3].tolist()
    assert ranking.chosen(sites, avoid=none, per_record=3, top=4).tolist() == places[:4].tolist()


def test_what_is_avoided_is_not_among_the_best() -> None:
    sites = scored(records(a="C" * 20 + "TGG" + "A" * 20 + "TGG"))
    ranking = Ranking.of(sites)
    first = np.zeros(len(sites), bool)
    first[ranking.order[0]] = True
    assert ranking.chosen(sites, avoid=first, per_record=1).tolist() == [1]


@pytest.mark.parametrize("style", ["tsv", "bed"])
def test_coordinates_lead_back_to_the_guide(style: str) -> None:
    text = "".join(np.random.default_rng(7).choice(list("ACGT"), 600))
    rows = table(list(lines(listing(scored(records(chr1=text))), style)))
    assert {row["strand"] for row in rows} == {"+", "-"}
    for row in rows:
        piece = text[int(row["start"]) : int(row["end"])]
        assert (piece if row["strand"] == "+" else reverse_complement(piece)) == row["guide"]


def test_bed_has_six_columns_first_and_scores_of_0_to_1000() -> None:
    sites = scored(records(chr1="C" * 20 + "TGG" + "A" * 30 + "TGG"))
    text = list(lines(listing(sites), "bed"))
    assert text[0].startswith("#chrom\tstart\tend\tname\tscore\tstrand\t")
    rows = table(text)
    assert [int(row["score"]) for row in rows] == [round(1000 * float(row["genotoolScore"])) for row in rows]
    numbers = listing(sites, probability=False)
    scaled = [int(row["score"]) for row in table(list(lines(numbers, "bed")))]
    assert (scaled[0], scaled[-1]) == (1000, 0)


def test_crispor_names_a_guide_by_its_pam() -> None:
    rows = table(list(lines(listing(scored(records(s="A" * 20 + "TGG", t="CCT" + "A" * 20))), "crispor")))
    assert [row["guideId"] for row in rows if row["#seqId"] == "s"] == ["21forw"]
    assert [row["guideId"] for row in rows if row["#seqId"] == "t"] == ["1rev"]
    assert not [name for name in rows[0] if "Doench" in name or "SpecScore" in name]


def test_mageck_library_has_three_columns_and_spacers() -> None:
    text = list(lines(listing(scored(records(TP53="A" * 20 + "TGG"))), "mageck"))
    assert text == ["sgRNA\tsequence\tgene\n", f"TP53:0-23:+\t{'A' * 20}\tTP53\n"]


def test_the_cut_is_three_bases_from_the_pam() -> None:
    rows = table(list(lines(listing(scored(records(s="A" * 20 + "TGG", t="CCT" + "A" * 20))), "tsv")))
    cut = {row["record"]: (row["cut"], row["position"]) for row in rows}
    assert cut == {"s": ("17", "0.7391"), "t": ("6", "0.2609")}


def test_an_empty_choice_still_writes_the_header() -> None:
    sites = scored(records(s="A" * 20 + "TGG"))
    text = list(lines(listing(sites, places=np.empty(0, np.int64)), "tsv"))
    assert len(text) == 1
    assert text[0].startswith("id\trecord\t")


def test_simulated_models_mark_every_row() -> None:
    rows = table(list(lines(listing(scored(records(s="A" * 20 + "TGG")), simulated=True), "tsv")))
    assert [row["simulated"] for row in rows] == ["yes"]


def test_composition_by_hand() -> None:
    spacers = letters("ACGTACGTACGTACGTACGT", "TTTTACGACGACGACGACGA", "GGGGGGGACTACTACTACTA", "TTTACTTTACTTTACTTTAC")
    assert gc_fraction(spacers).tolist() == [0.5, 0.5, pytest.approx(11 / 20), 0.2]
    assert poly_t(spacers).tolist() == [False, True, False, False]
    assert longest_run(spacers).tolist() == [1, 4, 7, 3]
    assert longest_run(spacers, "T").tolist() == [1, 4, 1, 3]


def plain_stem(text: str, loop: int = 3) -> int:
    """Try every pair of equal pieces that are reverse complements with a loop between them."""
    best = 0
    for size in range(1, len(text) // 2 + 1):
        for left in range(len(text) - size + 1):
            for right in range(left + size + loop, len(text) - size + 1):
                if text[left : left + size] == reverse_complement(text[right : right + size]):
                    best = size
    return best


def test_hairpin_stem_equals_a_search_by_pieces() -> None:
    rng = np.random.default_rng(8)
    texts = ["".join(rng.choice(list("ACGT"), 20)) for _ in range(60)] + ["ACGTGCTTTTTTTTGCACGT", "A" * 20]
    assert hairpin_stem(letters(*texts)).tolist() == [plain_stem(text) for text in texts]
    assert hairpin_stem(letters("ACGTGCTTTTTTTTGCACGT")).tolist() == [6]


def test_restriction_sites_on_both_strands_by_name_and_by_sequence() -> None:
    bsmbi, own = parse_sites("bsmbi, gaaNtc")
    assert (bsmbi.name, bsmbi.sequence, own.sequence) == ("BsmBI", "CGTCTC", "GAANTC")
    spacers = letters("CGTCTC" + "A" * 14, "A" * 14 + "GAGACG", "A" * 8 + "CGTATC" + "A" * 6, "GAACTC" + "A" * 14)
    assert bsmbi.found_in(spacers).tolist() == [True, True, False, False]
    assert own.found_in(spacers).tolist() == [False, False, False, True]


def test_the_column_names_the_sites_found() -> None:
    sites = scored(records(s="CGTCTC" + "A" * 14 + "TGG"))
    rows = table(list(lines(listing(sites, sites=parse_sites("BsmBI,BbsI,CTCAA")), "tsv")))
    assert rows[0]["sites"] == "BsmBI,CTCAA"


@pytest.mark.parametrize(
    ("text", "said"), [("BsmBX", "BsmBI"), ("", "names no enzyme"), ("ACGT" * 6, "longer than a spacer")]
)
def test_wrong_sites_are_named(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_sites(text)
    assert said in str(caught.value)
