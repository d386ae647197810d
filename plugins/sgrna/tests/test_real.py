"""The shipped model moved to a real line: what must hold whatever the figures are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.data, pytest.mark.keras]


def genotool(*words: object) -> None:
    command = [sys.executable, "-m", "genotool", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_transfer_to_hl60_beats_the_cheats_and_remembers_what_it_has_seen(tmp_path: Path) -> None:
    moved, elsewhere = tmp_path / "moved", tmp_path / "elsewhere"
    lines = [word for line in ("hct116", "hela", "hek293") for word in ("--beside", line)]
    genotool("transfer", "sgrna", "hl60", *lines, "--no-refit", "--set", "transfer.epochs=4", "-o", moved)
    test = json.loads((moved / "metrics.json").read_text())["test"]
    floors = {name: values["roc_auc"]["value"] for name, values in test["floors"].items()}
    assert test["groups"] >= 20
    assert test["metrics"]["roc_auc"]["low"] > max(floors["majority"], floors["shuffled"])
    assert test["metrics"]["roc_auc"]["value"] > floors["memoriser"]
    assert test["verdict"] in ("above", "below", "equivalent", "undecided")

    genotool("evaluate", moved, "k562", "nb4", "--no-floors", "-o", elsewhere)
    sets = json.loads((elsewhere / "metrics.json").read_text())["sets"]
    assert sets["k562"]["seen_rows_left_out"] >= 86, "guides of K562 that the shipped model was trained on"
    assert sets["k562"]["metrics"]["spearman"]["low"] > 0.2
    assert set(sets["nb4"]["by_group"]) == {"CD13", "CD33"}
    assert sets["nb4"]["metrics"]["spearman"]["low"] is None, "two genes give no interval"
