"""`genotool data`, run as a user runs it: what goes to stdout, and which exit code comes back."""

import hashlib
import json
from pathlib import Path

import pytest
from genotool.cli.data import app
from genotool.errors import InputError, UsageError
from typer.testing import CliRunner

A, B = "ACGTACGTACGTACGTACGTAGG", "TTGCATTGCATTGCATTGCATGG"
TEXT = f"sgRNA,label,gene\n{A},1,G1\n{B},0,G2\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("GENOTOOL_DATA", raising=False)
    monkeypatch.setenv("GENOTOOL_CACHE", str(tmp_path / "cache"))
    made = tmp_path / "data"
    made.mkdir()
    (made / "screen.csv").write_text(TEXT)
    return made


def run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, [str(word) for word in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_add_then_list_describe_get_verify(folder: Path) -> None:
    said = json.loads(run("add", folder / "screen.csv", "--data-dir", folder, "--cell", "HL60", "--json"))
    assert said["rows"] == 2
    listed = json.loads(run("list", "--data-dir", folder, "--json"))
    assert listed[0]["name"] == "screen"
    assert listed[0]["cell"] == "HL60"
    about = json.loads(run("describe", "screen", "--data-dir", folder, "--json"))
    assert about["target"] == {"0": 1, "1": 1}
    assert about["groups"] == 2
    assert about["files"]["data"]["sha256"] == hashlib.sha256(TEXT.encode()).hexdigest()
    assert json.loads(run("get", "screen", "--data-dir", folder, "--json"))["files"] == {
        "data": str(folder / "screen.csv")
    }
    assert "screen\tok\t" in run("verify", "screen", "--data-dir", folder)


def test_add_keeps_the_rest_of_the_catalogue_byte_for_byte(folder: Path) -> None:
    catalogue = folder / "catalogue.toml"
    before = b"# mine, with  odd   spacing\r\nformat = 1 # yes\nx-note = 'kept'"
    catalogue.write_bytes(before)
    run("add", folder / "screen.csv", "--data-dir", folder, "--name", "first")
    first = catalogue.read_bytes()
    run("add", folder / "screen.csv", "--data-dir", folder, "--name", "second")
    assert first.startswith(before)
    assert catalogue.read_bytes().startswith(first)
    names = [row.split("\t")[0] for row in run("list", "--data-dir", folder).splitlines()[1:3]]
    assert names == ["first", "second"]


def test_add_says_what_it_took_and_takes_what_it_is_told(folder: Path) -> None:
    rows = f"{A},{B},1,0.5\n{B},{A},0,1.5\n"
    (folder / "two.csv").write_text("x,y,hit,fold\n" + rows)
    with pytest.raises(InputError, match="'x' and 'y' could be the guides"):
        run("add", folder / "two.csv", "--data-dir", folder)
    add = ("add", folder / "two.csv", "--data-dir", folder, "--json", "--column", "guide=y")
    said = json.loads(run(*add))
    assert said["taken"].startswith("guides from the column 'y'; no target: nothing can be learned until")
    said = json.loads(run(*add, "--name", "hits", "--target", "hit"))
    assert "the target is the column 'hit', 2 classes: 0, 1;" in said["taken"]
    assert said["target"] == {"0": 1, "1": 1}
    said = json.loads(run(*add, "--name", "folds", "--column", "efficacy=fold"))
    assert "the target is the column 'fold', a number;" in said["taken"]
    assert json.loads(run("describe", "folds", "--data-dir", folder, "--json"))["task"] == "regression"


def test_another_target_leaves_the_classes_of_the_first_behind(folder: Path) -> None:
    (folder / "both.csv").write_text(f"guide,label,efficacy\n{A},1,0.25\n{B},0,0.75\n")
    said = json.loads(run("add", folder / "both.csv", "--data-dir", folder, "--target", "efficacy", "--json"))
    assert said["task"] == "regression"
    assert said["rows"] == 2


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (["--column", "guide"], UsageError, "ROLE=COLUMN"),
        (["--column", "guide=sgRNA", "--column", "guide=gene"], UsageError, "the role 'guide' twice"),
        (["--column", "guide=sgRMA"], InputError, "did you mean 'sgRNA'"),
        (["--target", "labels"], InputError, "did you mean 'label'"),
        (["--kind", "guide"], UsageError, "did you mean 'guides'"),
    ],
)
def test_add_with_a_wrong_column_changes_nothing(folder: Path, words, error, said: str) -> None:
    with pytest.raises(error, match=said):
        run("add", folder / "screen.csv", "--data-dir", folder, *words)
    assert [file.name for file in folder.iterdir()] == ["screen.csv"]


def test_three_labels_where_two_are_asked_are_not_added(folder: Path) -> None:
    (folder / "three.csv").write_text(TEXT + f"{A},2,G3\n")
    with pytest.raises(InputError, match=r"row 4: the column 'label' may hold 0 or 1 only \(found '2'\)"):
        run("add", folder / "three.csv", "--data-dir", folder)


def test_add_to_a_catalogue_that_is_no_text(folder: Path) -> None:
    (folder / "catalogue.toml").write_bytes(b"format = 1 # \xff\n")
    with pytest.raises(InputError, match="not UTF-8"):
        run("add", folder / "screen.csv", "--data-dir", folder)


def test_what_cannot_be_added_changes_nothing(folder: Path, tmp_path: Path) -> None:
    run("add", folder / "screen.csv", "--data-dir", folder)
    before = (folder / "catalogue.toml").read_bytes()
    (folder / "bad.csv").write_text(TEXT.replace(B, B[:22]))
    outside = tmp_path / "outside.csv"
    outside.write_text(TEXT)
    for file, error in (
        (folder / "bad.csv", InputError),
        (folder / "screen.csv", UsageError),
        (outside, UsageError),
    ):
        with pytest.raises(error):
            run("add", file, "--data-dir", folder)
    with pytest.raises(UsageError, match="cannot be a name"):
        run("add", folder / "screen.csv", "--data-dir", folder, "--name", "a.b")
    with pytest.raises(UsageError, match="no data folder"):
        run("add", folder / "screen.csv")
    assert (folder / "catalogue.toml").read_bytes() == before
    assert sorted(file.name for file in folder.iterdir()) == ["bad.csv", "catalogue.toml", "screen.csv"]


def test_verify_names_the_file_that_changed(folder: Path) -> None:
    run("add", folder / "screen.csv", "--data-dir", folder)
    (folder / "screen.csv").write_text(TEXT + f"{A},1,G3\n")
    with pytest.raises(InputError, match=r"screen\.csv: \[screen\]: not what its sha256 says"):
        run("verify", "--data-dir", folder)


def test_describe_takes_a_path_and_a_set_not_at_hand(folder: Path) -> None:
    assert "rows\t2" in run("describe", folder / "screen.csv")
    far = json.loads(run("describe", "cnnxg-hct116", "--json"))
    assert far["at_hand"] is False
    assert far["files"]["data"]["url"].startswith("https://")


def test_the_list_without_a_folder_has_the_registry_and_the_demo(folder: Path) -> None:
    rows = {row["name"]: row for row in json.loads(run("list", "--json"))}
    assert rows["demo"]["simulated"] is True
    assert rows["cnnxg-hek293"]["warning"]
    assert not (folder.parent / "cache").exists()
