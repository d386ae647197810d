"""The documentation is complete and true: commands, hooks, protocols, settings and errors are all in it."""

from __future__ import annotations

import dataclasses
import inspect
import re
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from genotool import audit, config, dataset, encoding, errors, family, hookspecs, recipe, testing, verdict
from genotool.cli.main import VERBS
from genotool.cli.options import OPTIONS
from genotool.split import METHODS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.rglob("*.md")), *(ROOT / n for n in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"))]
PAGES += [
    ROOT / "plugins/sgrna/README.md",
    ROOT / "plugins/deepdife/README.md",
    ROOT / "plugins/transcriptome/README.md",
    ROOT / "examples/genotool-nearest/README.md",
]


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def named(name: str, text: str) -> bool:
    """Whether a name stands in the text as code."""
    return re.search(rf"`[^`\n]*\b{re.escape(name)}\b[^`\n]*`", text) is not None


def test_the_commands_are_as_documented() -> None:
    program = str(DOCS / "generate_cli.py")
    code = f"import runpy; print(runpy.run_path({program!r})['text'](), end='')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == page("cli.md"), "out of date: run `python docs/generate_cli.py`"


def test_every_verb_is_in_the_readme_and_the_pages() -> None:
    readme = (ROOT / "README.md").read_text()
    for verb in VERBS:
        assert f"| `{verb}` |" in readme
        assert f"## `genotool {verb}`" in page("cli.md")


def test_every_hook_with_its_arguments() -> None:
    text = page("hooks.md")
    hooks = [hook for name, hook in vars(hookspecs).items() if name.startswith("genotool_")]
    assert len(hooks) >= 5
    for hook in hooks:
        arguments = ", ".join(inspect.signature(hook).parameters)
        assert f"| `{hook.__name__}({arguments})` |" in text
    for field in dataclasses.fields(hookspecs.Spec):
        assert f"| `{field.name}` |" in text
    for kind in ("family", "recipe", "reader", "commands", "folder", "registry"):
        assert f"`{kind}`" in text


@pytest.mark.parametrize("name", [*family.__all__, *encoding.__all__])
def test_every_protocol_of_a_family(name: str) -> None:
    if name != "Batch":
        assert named(name, page("writing-a-family.md")), f"docs/writing-a-family.md says nothing of {name}"


@pytest.mark.parametrize("protocol", [family.Family, family.Model, family.Transfers, family.Tunes, family.Explains])
def test_every_method_of_a_protocol(protocol: type) -> None:
    text = page("writing-a-family.md")
    for name, member in vars(protocol).items():
        if inspect.isfunction(member) and not name.startswith("_"):
            assert named(name, text) or f"def {name}(" in text


@pytest.mark.parametrize("name", recipe.__all__)
def test_every_part_of_a_recipe(name: str) -> None:
    assert named(name, page("hooks.md"))


@pytest.mark.parametrize("name", [*config.__all__])
def test_every_function_of_a_config(name: str) -> None:
    assert named(name, page("config.md"))


def test_every_bound_and_flag() -> None:
    text = page("config.md")
    for field in dataclasses.fields(config.Field):
        assert named(field.name, text)
    for _kind, _default, flags, _help in OPTIONS.values():
        assert all(f"`{flag}`" in text for flag in flags), flags


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error(name: str) -> None:
    text = page("errors.md")
    assert named(name, text)
    error = getattr(errors, name)
    if inspect.isclass(error) and error is not errors.StoppedError:
        row = next(line for line in text.splitlines() if line.startswith("| ") and f"`{name}`" in line)
        assert row.startswith(f"| {error.exit_code} |")


def test_every_kind_split_and_check() -> None:
    text = page("data-sets.md")
    for kind in dataset.Kind:
        assert f"| `{kind}` |" in text
        assert all(named(column, text) for column in dataset.KEY_COLUMNS[kind])
    assert all(f"| `{method}` |" in text for method in METHODS)
    assert all(named(task, text) for task in dataset.Task)
    assert all(named(name, page("writing-a-family.md")) for name in testing.__all__ if name != "HEAVY")


def test_the_words_of_a_verdict() -> None:
    words = re.search(r"word\n\s+(.*?): against", inspect.getdoc(verdict.Verdict) or "")
    assert words is not None
    for word in re.split(r", | or ", words[1]):
        assert f"| `{word}` |" in page("run-folder.md")


def test_the_levels_of_a_finding() -> None:
    assert all(level in page("cli.md") for level in audit.SEVERITIES)


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_links_lead_somewhere(file: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", file.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (file.parent / target).exists(), f"{file.name} links to {target}"


def test_the_table_of_contributing_names_what_exists() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert text.splitlines()[2].startswith("| I want to add |")
    for path in re.findall(r"`((?:python|plugins|docs|rust|examples|tests)/[\w./-]+)`", text):
        if "VERB" not in path:
            assert (ROOT / path).exists(), path


def test_the_settings_in_the_docs_are_a_config() -> None:
    block = re.search(r"```python\n(from dataclasses.*?)```", page("config.md"), flags=re.DOTALL)
    assert block is not None
    names: dict[str, object] = {}
    exec(compile(block[1], "config.md", "exec", dont_inherit=True), names)
    config_type = names["Config"]
    assert isinstance(config_type, type)
    found = [setting.flag for setting in config.settings(config_type)]
    assert found == ["--filters", "--pooling", "--minutes", "--training-epochs"]


def test_the_catalogue_in_the_docs_is_one(tmp_path: Path) -> None:
    from genotool.catalogue import read_catalogue

    block = re.search(r"```toml\n(format = 1.*?)```", page("data-sets.md"), flags=re.DOTALL)
    assert block is not None
    file = tmp_path / "catalogue.toml"
    file.write_text(block[1].replace('sha256 = "…"', f'sha256 = "{"0" * 64}"'))
    entry = read_catalogue(file).entries["mine"]
    assert (entry.groups, entry.split, entry.where) == ("gene", "part", {"cell": ("K562",)})


STOPPABLE = """#!/bin/bash
echo "$@" >> calls.txt
trap 'mkdir -p runs/hct116; touch runs/hct116/run.json; exit 75' USR1
touch started
for i in $(seq 200); do sleep 0.05; done
"""


def test_the_batch_script_requeues_a_stopped_run_and_then_resumes_it(tmp_path: Path) -> None:
    block = re.search(r"```bash\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    assert block is not None
    (tmp_path / "job.sh").write_text(block[1])
    for name, text in (
        ("genotool", STOPPABLE),
        ("scontrol", '#!/bin/bash\necho "scontrol $@" >> calls.txt\n'),
    ):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "SLURM_CPUS_PER_TASK": "2", "SLURM_JOB_ID": "17"}
    for _ in range(2):
        job = subprocess.Popen(["bash", "job.sh"], cwd=tmp_path, env=environment)
        while not (tmp_path / "started").exists():
            time.sleep(0.02)
        (tmp_path / "started").unlink()
        job.send_signal(signal.SIGUSR1)
        assert job.wait(timeout=20) == 75
    assert (tmp_path / "calls.txt").read_text().splitlines() == [
        "run sgrna --cell HCT116 --threads 2 -o runs/hct116",
        "scontrol requeue 17",
        "run --resume runs/hct116",
        "scontrol requeue 17",
    ]


def test_the_generator_can_be_run() -> None:
    assert runpy.run_path(str(DOCS / "generate_cli.py"))["PAGE"] == DOCS / "cli.md"
