"""Downloads against a real server on this machine: digests, resuming, redirects, failures."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from genotool import download, registry
from genotool.catalogue import Catalogue, Entry, parse_catalogue
from genotool.errors import GenotoolError, InputError, UnavailableError

CONTENT = b"guide\tlabel\n" + b"".join(
    f"{'ACGT'[i % 4]}{'ACGT'[i // 4 % 4]}GTACGTACGTACGTACGTAGG\t{i % 2}\n".encode() for i in range(16_000)
)
SHA = hashlib.sha256(CONTENT).hexdigest()
BLOB = hashlib.sha1(b"blob %d\0" % len(CONTENT) + CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves CONTENT; how is told by the path. Notes the Range header of each request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges: list[str | None] = []
        self.broken = 0

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{path}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.ranges.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/file")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path in ("/missing", "/broken"):
            self.send_error(404 if self.path == "/missing" else 503)
        elif start >= len(CONTENT) and self.path != "/plain":
            self.send_error(416)
        else:
            self.body(start if self.path != "/plain" else 0)

    def body(self, start: int) -> None:
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        if self.path == "/cut" or (self.path == "/cut-once" and self.server.broken == 0):
            self.server.broken += 1
            self.wfile.write(CONTENT[start : start + 100_000])
            self.wfile.flush()
            self.connection.close()
        else:
            self.wfile.write(CONTENT[start:])


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def entry(url: str, digest: str = f'sha256 = "{SHA}"') -> Entry:
    made: Catalogue = parse_catalogue(
        f"""format = 1
[far]
kind = "guides"
reader = "table"
columns = {{ guide = "guide" }}
target = "label"
classes = ["0", "1"]
files = {{ data = {{ path = "sub/far.tsv", {digest}, url = "{url}" }} }}
licence = "CC0"
cite = "somebody"
""",
        Path("registry.toml"),
    )
    return made.entries["far"]


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".lock"))


@pytest.mark.parametrize("digest", [f'sha256 = "{SHA}"', f'git_blob = "{BLOB}"'])
def test_a_file_arrives_and_is_kept(
    server: Server, tmp_path: Path, digest: str, capsys: pytest.CaptureFixture[str]
) -> None:
    download.fetch(entry(server.url("file"), digest), tmp_path)
    said = capsys.readouterr()
    download.fetch(entry(server.url("file"), digest), tmp_path)
    assert (tmp_path / "sub" / "far.tsv").read_bytes() == CONTENT
    assert files(tmp_path) == ["far.tsv"]
    assert server.ranges == [None]
    assert "licence: CC0; cite: somebody" in said.err
    assert said.out == ""


def test_a_redirect_is_followed(server: Server, tmp_path: Path) -> None:
    download.fetch(entry(server.url("moved")), tmp_path)
    assert (tmp_path / "sub" / "far.tsv").read_bytes() == CONTENT


def test_another_content_is_refused_and_removed(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        download.fetch(entry(server.url("file"), f'sha256 = "{"0" * 64}"'), tmp_path)
    assert "0" * 64 in str(caught.value)
    assert SHA in str(caught.value)
    assert files(tmp_path) == []


def test_a_cut_connection_is_taken_up_where_it_broke(server: Server, tmp_path: Path) -> None:
    download.fetch(entry(server.url("cut-once")), tmp_path)
    assert (tmp_path / "sub" / "far.tsv").read_bytes() == CONTENT
    assert server.ranges[0] is None
    assert server.ranges[1] is not None
    assert 0 < int(server.ranges[1].removeprefix("bytes=").rstrip("-")) <= 100_000


def test_an_interrupted_download_goes_on_the_next_time(server: Server, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "far.tsv.part").write_bytes(CONTENT[:150_000])
    download.fetch(entry(server.url("file")), tmp_path)
    assert server.ranges == ["bytes=150000-"]
    assert (tmp_path / "sub" / "far.tsv").read_bytes() == CONTENT


def test_what_had_all_arrived_is_only_checked(server: Server, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "far.tsv.part").write_bytes(CONTENT)
    download.fetch(entry(server.url("file")), tmp_path)
    assert (tmp_path / "sub" / "far.tsv").read_bytes() == CONTENT


@pytest.mark.parametrize(("path", "begun"), [("plain", CONTENT[:1000]), ("file", b"something else")])
def test_a_resumed_file_that_comes_out_wrong_is_fetched_whole(
    server: Server, tmp_path: Path, path: str, begun: bytes
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "far.tsv.part").write_bytes(begun)
    download.fetch(entry(server.url(path)), tmp_path)
    assert (tmp_path / "sub" / "far.tsv").read_bytes() == CONTENT
    assert server.ranges[-1] is None


@pytest.mark.parametrize(
    ("path", "said"),
    [("missing", "answered 404"), ("broken", "answered 503"), ("cut", "could not be downloaded")],
)
def test_a_server_that_does_not_deliver(server: Server, tmp_path: Path, path: str, said: str) -> None:
    with pytest.raises(UnavailableError, match=said) as caught:
        download.fetch(entry(server.url(path)), tmp_path)
    assert caught.value.exit_code == 4
    assert all(way in str(caught.value) for way in ("(1)", "(2)", "(3)", "--data-dir", "data get far"))
    assert "far.tsv" not in files(tmp_path)
    if path != "cut":
        assert files(tmp_path) == []
    else:  # what came is kept for the next time
        assert 0 < (tmp_path / "sub" / "far.tsv.part").stat().st_size < len(CONTENT)


def test_no_network(tmp_path: Path) -> None:
    with Server() as closed:
        url = closed.url("file")
    with pytest.raises(UnavailableError, match="could not be downloaded") as caught:
        download.fetch(entry(url), tmp_path)
    assert "\n" not in caught.value.message


def test_a_server_that_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "TIMEOUT", (0.2, 0.2))
    with Server() as silent, pytest.raises(UnavailableError, match="timed out"):
        download.fetch(entry(silent.url("file")), tmp_path)  # it listens, nobody answers


def test_a_damaged_file_of_the_cache_is_fetched_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "far.tsv").write_bytes(CONTENT[:-1])
    download.fetch(entry(server.url("file")), tmp_path)
    assert (tmp_path / "sub" / "far.tsv").read_bytes() == CONTENT


def test_a_cache_that_cannot_be_written(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(GenotoolError, match="cannot be written") as caught:
        download.fetch(entry(server.url("file")), tmp_path / "file")
    assert caught.value.exit_code == 1


def test_many_at_once_leave_one_whole_file(server: Server, tmp_path: Path) -> None:
    threads = [threading.Thread(target=download.fetch, args=(entry(server.url("file")), tmp_path)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert files(tmp_path) == ["far.tsv"]
    assert (tmp_path / "sub" / "far.tsv").read_bytes() == CONTENT


def test_a_name_of_a_registry_loads_and_comes_from_the_cache_after(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "registry.toml"
    file.write_text(
        f"""format = 1
[far]
kind = "guides"
reader = "table"
files = {{ data = {{ path = "far.tsv", sha256 = "{SHA}", url = "{server.url("file")}" }} }}
"""
    )
    known = {"registry": (("some", file),), "folder": ()}
    monkeypatch.setattr("genotool.plugins.catalogues", lambda kind, _plugin=None: known[kind])
    monkeypatch.setenv("GENOTOOL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GENOTOOL_DATA", raising=False)
    assert registry.find("far").where == "the registry of the plugin some"
    data = registry.load("far")
    assert len(data) == 16_000
    assert data.classes == ("0", "1")
    assert registry.find("far").where == f"the download cache {tmp_path / 'cache' / 'some'}"
    registry.load("far")
    assert len(server.ranges) == 1
    (tmp_path / "cache" / "some" / "far.tsv").write_bytes(CONTENT[:-1])  # damaged: fetched again
    assert len(registry.load("far")) == 16_000
    assert len(server.ranges) == 2
