from __future__ import annotations

import io
import sys

import pytest
from genotool import progress
from genotool.progress import Bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def go(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch, *, quiet: bool = False) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(Bar, "quiet", quiet)
    monkeypatch.setenv("TERM", "xterm")
    bar = Bar("epoch", 2)
    bar.advance("loss 0.5")
    bar.advance()
    bar.close()
    bar.advance()  # after its end it has nothing to say
    return stream.getvalue()


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "epoch" in go(Terminal(), monkeypatch)


def test_no_bar_where_stderr_is_no_terminal_or_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    assert go(io.StringIO(), monkeypatch) == ""
    assert go(Terminal(), monkeypatch, quiet=True) == ""


def test_a_log_gets_a_plain_line_every_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.0)
    assert go(io.StringIO(), monkeypatch) == "epoch: 1 of 2 loss 0.5\nepoch: 2 of 2\n"
    assert go(io.StringIO(), monkeypatch, quiet=True) == ""
