"""What many tests need: `genotool` run in this process, and small data sets."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

LEFT_BEHIND = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)


class Done(NamedTuple):
    """What a command left: its exit code and what it printed."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def genotool(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Done]]:
    """Return a function that runs a command line in this process; what it sets is undone."""
    from genotool.cli.main import main
    from genotool.run import Run

    environment, handlers = dict(os.environ), {number: signal.getsignal(number) for number in LEFT_BEHIND}
    folder = os.getcwd()

    def run(*words: object) -> Done:
        argv = [str(word) for word in words]
        monkeypatch.setattr("sys.argv", ["genotool", *argv])
        Run.resumed = None
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(argv)
        code = ended.value.code
        return Done(code if isinstance(code, int) else 0, *capsys.readouterr())

    yield run
    Run.resumed = None
    logging.getLogger("genotool").handlers.clear()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture(scope="module")
def nearest_family() -> Iterator[None]:
    """Have the example plugin of `examples/` installed, for the tests of one module."""
    from genotool import plugins

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[1] / "examples/genotool-nearest/src"))
        import genotool_nearest

        plugins.manager().register(genotool_nearest, name="nearest")
        plugins.specs.cache_clear()
        yield
        plugins.manager().unregister(name="nearest")
        plugins.specs.cache_clear()


@pytest.fixture
def toy_table(tmp_path: Path) -> Path:
    """Return a TSV file of the toy sequences: sequence, label, group."""
    from genotool.dataset import Kind, Task
    from genotool.testing import toy_dataset

    rows = toy_dataset(Kind.SEQUENCES, Task.BINARY)
    assert rows.target is not None
    assert rows.groups is not None
    file = tmp_path / "toy.tsv"
    cells = zip(rows.columns["sequence"], rows.target.tolist(), rows.groups.tolist(), strict=True)
    file.write_text("sequence\tlabel\tgroup\n" + "".join(f"{s}\t{t}\t{g}\n" for s, t, g in cells))
    return file
