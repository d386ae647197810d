"""JASPAR's motifs as pyjaspar bundles them: which there are, what they say, and what is asked for that is not there."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import numpy as np
import pyjaspar
import pytest
from genotool.errors import UsageError
from genotool_deepdife import jaspar
from genotool_deepdife.jaspar import Motif, motifs


def test_the_motifs_are_those_that_pyjaspar_gives() -> None:
    theirs = {
        motif.matrix_id: (motif.name, set(motif.tf_family), set(motif.tf_class), [motif.counts[b] for b in "ACGT"])
        for motif in pyjaspar.jaspardb("JASPAR2014").fetch_motifs(collection="CORE", tax_group="plants")
    }
    ours = motifs("core", "Plants", "JASPAR2014")
    assert [motif.matrix_id for motif in ours] == sorted(theirs)
    for motif in ours:
        name, families, classes, counts = theirs[motif.matrix_id]
        assert (motif.name, set(motif.families), set(motif.classes)) == (name, families, classes)
        np.testing.assert_array_equal(motif.counts, np.array(counts).T)


def test_the_newest_release_is_the_default_and_holds_the_latest_version_of_each() -> None:
    found = motifs()
    bases = [motif.matrix_id.partition(".")[0] for motif in found]
    assert len(found) == len(set(bases)) > 800
    abf = next(motif for motif in found if motif.matrix_id.startswith("MA0930."))
    assert (abf.matrix_id, abf.name, abf.families) == ("MA0930.3", "ABF3", ("Group A",))
    assert "".join("ACGT"[base] for base in abf.counts.argmax(axis=1)) == "ACGTGTC"
    assert motifs() is found, "read once"


def test_nothing_that_is_shared_can_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        motifs()[0].counts[0, 0] = 1


def test_probabilities_and_log_odds_are_those_computed_by_hand() -> None:
    motif = Motif("M1.1", "one", (), (), np.array([[7.2, 0, 0, 0], [1.0, 1.0, 1.0, 1.0]]))
    # (7.2 + .2) / (7.2 + .8), .2 / 8; of even counts a quarter whatever is added
    np.testing.assert_allclose(motif.probabilities(), [[0.925, 0.025, 0.025, 0.025], [0.25] * 4])
    np.testing.assert_allclose(
        motif.log_odds(), [[1.8875252707, -3.3219280949, -3.3219280949, -3.3219280949], [0] * 4], atol=1e-9
    )
    np.testing.assert_allclose(motif.log_odds([0.5, 0.125, 0.125, 0.25])[1], [-1, 1, 1, 0])
    np.testing.assert_allclose(motif.probabilities(pseudocount=7.2)[0], [0.625, 0.125, 0.125, 0.125])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("CORE", "plant", None), "no taxon 'plant'.*did you mean 'plants'.*fungi"),
        (("PHYLO", "plants", None), "no collection 'PHYLO'.*CORE, UNVALIDATED"),
        (("CORE", "plants", "JASPAR2025"), "no release 'JASPAR2025'.*JASPAR2024"),
        (("UNVALIDATED", "diatoms", None), "no motif of the taxon 'diatoms' in the collection 'UNVALIDATED'"),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(given: tuple[str, str, str | None], said: str) -> None:
    with pytest.raises(UsageError, match=f"(?s){said}"):
        motifs(*given)


def test_the_bundled_file_is_opened_to_read_only() -> None:
    with closing(jaspar._opened("JASPAR2014")) as database, pytest.raises(sqlite3.OperationalError, match="readonly"):
        database.execute("DELETE FROM MATRIX")
