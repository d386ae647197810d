"""What a catalogue may say, and what it may not."""

from pathlib import Path

import pytest
from genotool.catalogue import read_catalogue
from genotool.dataset import Kind
from genotool.errors import InputError

SHA = "a" * 64
ENTRY = """
[hct116]
kind = "guides"
reader = "table"
files = { data = { path = "sgrna/x.tsv", sha256 = "SHA" } }
columns = { guide = "guide" }
target = "label"
classes = ["0", "1"]
where = { dataset = "a", gene = ["b", "c"] }
simulated = true
x-note = { anything = [1, 2] }
""".replace("SHA", SHA)


def read(tmp_path: Path, text: str):
    file = tmp_path / "catalogue.toml"
    file.write_text(text, encoding="utf-8")
    return read_catalogue(file)


def test_an_entry_is_read_whole(tmp_path: Path) -> None:
    entry = read(tmp_path, "format = 1\nx-maker = 3\n" + ENTRY).entries["hct116"]
    assert entry.kind is Kind.GUIDES
    assert (entry.files["data"].path, entry.files["data"].sha256) == ("sgrna/x.tsv", SHA)
    assert entry.where == {"dataset": ("a",), "gene": ("b", "c")}
    assert entry.classes == ("0", "1")
    assert entry.simulated
    assert entry.extra == {"x-note": {"anything": [1, 2]}}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("target =", "targt =", "did you mean 'target'"),
        ("sha256 =", "sha265 =", "did you mean 'sha256'"),
        ("data = {", "date = {", "did you mean 'data'"),
        ('"guides"', '"guide"', "did you mean 'guides'"),
        ('"table"', '"tabel"', "did you mean 'table'"),
        ('kind = "guides"\n', "", "'kind' is missing"),
        ('path = "sgrna/x.tsv", ', "", "path' is missing"),
        ('"sgrna/x.tsv"', '"../x.tsv"', "inside the folder"),
        ('"sgrna/x.tsv"', '"/etc/passwd"', "inside the folder"),
        ('"label"', "7", "'target' must be text"),
        ('["0", "1"]', '["0", 1]', "'classes' must be text"),
        ('["0", "1"]', '["0", "0"]', "different names"),
        ("simulated = true", 'simulated = "yes"', "true or false"),
        ("[hct116]", '["hct.116"]', "cannot be taken for a path"),
        (SHA, "abc", "no such digest"),
        ('path = "sgrna/x.tsv"', 'path = "x", url = "ftp://a/b"', "no http"),
        ("sha256 = ", 'url = "https://a/b", x-old = ', "needs a digest"),
    ],
)
def test_a_slip_of_the_pen_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in ENTRY
    with pytest.raises(InputError) as caught:
        read(tmp_path, "format = 1\n" + ENTRY.replace(old, new))
    assert said in str(caught.value)
    assert "catalogue.toml" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "format = 1"),
        ("format = 2", "format = 1"),
        ("format = 1\n[a", "not valid TOML"),
        ("format = 1\nnote = 3", "must start with `x-`"),
    ],
)
def test_a_file_that_is_no_catalogue(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read(tmp_path, text)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.toml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        read_catalogue(file)
