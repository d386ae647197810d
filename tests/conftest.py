"""What many tests need: `genotool` run in this process, and small data sets."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Iterator
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
