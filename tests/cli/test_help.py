"""`--help` says what there is, at once: no framework, no NumPy."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from genotool.cli.main import VERBS
from genotool.testing import HEAVY

PROGRAM = """
import json, sys
from genotool.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    code = end.code
print(json.dumps([code, sorted(sys.modules)]))
"""


def loaded_by(*words: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, check=True)
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == 0, done.stderr
    return {name.partition(".")[0] for name in modules}


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["plugins", "list"]])
def test_nothing_heavy_is_imported(words: list[str]) -> None:
    assert loaded_by(*words) & HEAVY == set()


def test_help_names_every_verb_and_the_commands_of_plugins(genotool) -> None:
    shown = genotool("--help")
    assert shown.returncode == 0
    words = shown.stdout.split()
    assert [verb for verb in VERBS if verb not in words] == []
    assert "sgrna" in words


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str, genotool) -> None:
    shown = genotool(verb, "--help")
    assert shown.returncode == 0, shown.stderr
    assert f"genotool {verb}" in shown.stdout or "Usage:" in shown.stdout
    assert shown.stderr == ""


@pytest.mark.parametrize("verb", ["train", "tune", "run"])
def test_a_family_brings_its_settings_as_flags(verb: str, genotool) -> None:
    shown = genotool(verb, "sgrna", "--help")
    assert shown.returncode == 0, shown.stderr
    flag = "--cell" if verb == "run" else "--training-learning-rate"
    assert flag in shown.stdout
    assert "--seed" in shown.stdout


def test_no_words_show_the_help(genotool) -> None:
    shown = genotool()
    assert shown.returncode == 2
    assert "Verbs:" in shown.stdout + shown.stderr


def test_the_version(genotool) -> None:
    assert genotool("--version").stdout.startswith("genotool ")
