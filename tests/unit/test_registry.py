"""Data sets by name: what is looked up where, and what is said of a name that is not there."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from genotool import plugins, registry
from genotool.dataset import Kind, Task
from genotool.errors import InputError, UnavailableError, UsageError

A, B = "ACGTACGTACGTACGTACGTAGG", "TTGCATTGCATTGCATTGCATGG"
TEXT = f"guide\tlabel\tefficacy\tgene\n{A}\t1\t0.5\tG1\n{B}\t0\t0.25\tG2\n"


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No data folder and an empty cache, unless a test says so."""
    monkeypatch.delenv("GENOTOOL_DATA", raising=False)
    monkeypatch.setenv("GENOTOOL_CACHE", str(tmp_path / "cache"))


def folder(tmp_path: Path, name: str = "mine", more: str = "") -> Path:
    made = tmp_path / "data"
    made.mkdir(exist_ok=True)
    (made / "mine.tsv").write_text(TEXT)
    sha = hashlib.sha256(TEXT.encode()).hexdigest()
    (made / "catalogue.toml").write_text(
        f"""format = 1
[{name}]
kind = "guides"
reader = "table"
files = {{ data = {{ path = "mine.tsv", sha256 = "{sha}" }} }}
columns = {{ guide = "guide", efficacy = "efficacy" }}
target = "label"
classes = ["0", "1"]
groups = "gene"
cell = "HL60"
cite = "me"
licence = "mine"
{more}
"""
    )
    return made


def test_a_name_of_the_folder(tmp_path: Path) -> None:
    data = registry.load("mine", data_dir=folder(tmp_path, more='warning = "careful"\nsimulated = true'))
    assert (data.name, data.kind, data.task, data.classes) == ("mine", Kind.GUIDES, Task.BINARY, ("0", "1"))
    assert data.groups.tolist() == ["G1", "G2"]
    about = data.about
    assert (about.cite, about.licence, about.warning, about.cell) == ("me", "mine", "careful", "HL60")
    assert about.simulated
    assert about.path == str(tmp_path / "data" / "mine.tsv")


def test_the_target_can_be_another_column(tmp_path: Path) -> None:
    data = registry.load("mine", data_dir=folder(tmp_path), target="efficacy")
    assert data.task is Task.REGRESSION
    assert data.target.tolist() == [0.5, 0.25]
    assert registry.load("mine", data_dir=folder(tmp_path), task="regression").target.tolist() == [1, 0]


def test_a_file_that_is_not_what_its_digest_says(tmp_path: Path) -> None:
    made = folder(tmp_path)
    (made / "mine.tsv").write_text(TEXT.replace("0.5", "0.6"))
    with pytest.raises(InputError, match=r"not what its sha256 says: declared [0-9a-f]{64}, found [0-9a-f]{64}"):
        registry.load("mine", data_dir=made)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    made = folder(tmp_path)
    (made / "mine.tsv").unlink()
    with pytest.raises(InputError, match=r"mine\.tsv: \[mine\]: the catalogue names a file that is not there"):
        registry.load("mine", data_dir=made)


def test_an_unknown_name_gets_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown data set 'mina'\nhint: did you mean 'mine'"):
        registry.load("mina", data_dir=folder(tmp_path))


def test_a_cell_line_where_a_name_is_needed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="hint: sets of that cell line: mine, cnnxg-hl60, rnas-hl60"):
        registry.load("HL60", data_dir=folder(tmp_path))


def test_the_given_folder_comes_before_the_environment_and_the_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = folder(tmp_path, name="deephf-wt")
    monkeypatch.setenv("GENOTOOL_DATA", str(made))
    assert registry.find("deephf-wt").where == f"the folder {made} (GENOTOOL_DATA)"
    demo = registry.shipped_folder("demo", "sgrna")
    assert registry.find("deephf-wt", data_dir=demo).where == f"the folder {demo} (--data-dir)"
    monkeypatch.delenv("GENOTOOL_DATA")
    assert registry.find("deephf-wt").where == "the registry of the plugin sgrna"
    assert registry.names().count("deephf-wt") == 1


def test_a_known_set_that_cannot_be_had_has_three_ways_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nothing listens there
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with pytest.raises(UnavailableError) as caught:
        registry.load("cnnxg-hct116")
    assert caught.value.exit_code == 4
    assert all(way in str(caught.value) for way in ("(1)", "(2)", "(3)"))


@pytest.mark.parametrize("word", ["HL60", "hl60", "hl-60", "HL 60"])
def test_cell_lines_in_any_spelling(tmp_path: Path, word: str) -> None:
    assert registry.by_cell(word, data_dir=folder(tmp_path))[:2] == ["mine", "cnnxg-hl60"]
    assert "HL60" in registry.cells(data_dir=folder(tmp_path))
    assert registry.by_cell("unheard", data_dir=folder(tmp_path)) == []


def test_a_word_that_is_a_name_and_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = folder(tmp_path)
    monkeypatch.chdir(tmp_path)
    Path("mine").write_text(TEXT)
    Path("other").write_text(TEXT)
    with pytest.raises(UsageError, match=r"a data set and a file in this folder\nhint: write ./mine"):
        registry.load("mine", data_dir=made)
    assert len(registry.load("./mine", data_dir=made)) == 2
    assert registry.load("other", data_dir=made).name == "other"


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_a_folder_without_a_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    if how == "environment":
        monkeypatch.setenv("GENOTOOL_DATA", str(tmp_path))
    with pytest.raises(UsageError, match=r"has no catalogue\.toml"):
        registry.load("mine", data_dir=tmp_path if how == "argument" else None)


def test_the_kind_must_fit(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown kind 'guide'\nhint: did you mean 'guides'"):
        registry.load("mine", data_dir=folder(tmp_path), kind="guide")
    with pytest.raises(UsageError, match="mine holds guides, pairs are needed"):
        registry.load("mine", data_dir=folder(tmp_path), kind="pairs")


# -- what the sgrna plugin ships ----------------------------------------------------------------------------


def test_every_entry_of_the_registries_can_be_checked() -> None:
    found = [one for one in registry.entries() if not one.at_hand]
    assert {"cnnxg-hct116", "rnas-hl60", "deephf-wt", "crnncrispr-benchmark"} <= {f.entry.name for f in found}
    for one in found:
        for spec in one.entry.files.values():
            assert spec.sha256 or spec.git_blob
            assert spec.url.isascii()
    assert "leaks" in registry.find("crnncrispr-benchmark").entry.warning
    assert "sign turned" in registry.find("cnnxg-hek293").entry.warning


def demo(name: str):
    return registry.load(name, data_dir="demo")


def test_the_demo_folder_is_simulated_and_small() -> None:
    where = registry.shipped_folder("demo", "sgrna")
    entries = [found.entry for found in registry.entries(where) if found.folder == where]
    names = {"deephf-wt", "hct116", "hela", "hl60", "hek293", "k562", "a549", "nb4", "demo"}
    assert names == {entry.name for entry in entries}
    assert all(entry.simulated for entry in entries)
    assert sum(file.stat().st_size for file in where.iterdir()) < 400_000
    assert registry.load("demo").about.simulated
    for name in names - {"deephf-wt"}:
        assert all(gene.startswith("SIM") for gene in demo(name).groups.tolist())


def test_the_demo_has_what_the_audit_looks_for() -> None:
    hct116, hela, bench = demo("hct116"), demo("hela"), demo("deephf-wt")
    ours, theirs = list(hct116.columns["guide"]), dict(zip(hela.columns["guide"], hela.target, strict=True))
    shared = [(label, theirs[guide]) for guide, label in zip(ours, hct116.target, strict=True) if guide in theirs]
    assert len(shared) / len(ours) > 0.95
    assert 0.87 < np.mean([a == b for a, b in shared]) < 0.93
    known = set(bench.columns["guide"])
    exact = {guide for guide in ours if guide in known}
    assert 40 < len(exact) < 200
    tails = {guide[2:] for guide in known}
    assert len({guide for guide in ours if guide[2:] in tails} - exact) >= 40


def test_the_shapes_of_the_other_demo_sets() -> None:
    assert {len(guide) for guide in demo("a549").columns["guide"]} == {17, 18, 19, 20}
    assert demo("a549").about.left_out == {"dataset is not simulated_a549:essential": 408}
    assert len(set(demo("nb4").groups.tolist())) == 2
    assert len(set(demo("hct116").groups.tolist())) >= 150
    assert "sign turned" in demo("hek293").about.warning


# -- the real data ------------------------------------------------------------------------------------------

REAL = os.environ.get("GENOTOOL_DATA")


@pytest.mark.data
def test_every_set_of_the_real_catalogue_loads() -> None:
    there = [found for found in registry.entries(REAL) if str(found.folder) == str(Path(REAL or ""))]
    assert len(there) >= 24
    rows = {found.entry.name: registry.load(found.entry.name, data_dir=REAL) for found in there}
    assert len(rows["hct116"]) == 3590
    assert np.bincount(rows["hct116"].target).tolist() == [1286, 2304]
    assert len(rows["a549"]) == 3024
    assert rows["a549"].about.left_out == {"dataset is not guidescan2_a549:essential": 5925}
    assert rows["maize-walley"].columns["expression"].shape == (68, 31423)
    assert len(rows["gse20181"]) == 92
    assert rows["aba-aly"].columns["ortholog"][0].startswith("AT")
    assert sum(len(rows[name]) for name in ("aba-aly", "aba-chi", "aba-cru")) == 2224


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "task", "roles"),
    [
        ("cnnxg_HCT116.head.csv", Task.BINARY, {"chrom", "start", "strand", "efficacy"}),
        ("deephf_WT.head.csv", Task.REGRESSION, {"efficacy"}),
        ("rnas_hct116.head.csv", Task.BINARY, {"label"}),
    ],
)
def test_the_public_layouts_load(file: str, task: Task, roles: set[str]) -> None:
    data = registry.load(Path(REAL or "") / "sgrna" / "raw_format" / file)
    assert data.kind is Kind.GUIDES
    assert data.task is task
    assert roles <= set(data.columns)


def test_plugins_name_their_catalogues() -> None:
    assert [name for name, _ in plugins.catalogues("registry", "sgrna")] == ["sgrna"]


@pytest.mark.parametrize("damage", ["missing", "no TOML"])
def test_a_plugin_with_a_damaged_catalogue_costs_its_own_sets_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    known = registry.names()
    broken = tmp_path / "broken" / "catalogue.toml"
    if damage == "no TOML":
        broken.parent.mkdir()
        broken.write_text("[[[")
    shipped = plugins.catalogues
    monkeypatch.setattr(plugins, "catalogues", lambda kind, plugin=None: (("broken", broken), *shipped(kind, plugin)))
    assert registry.names() == known
    assert "the data sets of the plugin broken cannot be listed" in caplog.text
