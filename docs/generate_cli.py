"""Writes docs/cli.md from the commands themselves: `python docs/generate_cli.py`; a test says when to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from genotool.cli.main import VERBS, app

PAGE = Path(__file__).parent / "cli.md"
WIDTH = 100
FAMILIES = ("deepdife", "sgrna", "transcriptome")
"""The families of this repository: those that happen to be installed are not documented here."""
HEAD = """# Commands

Written by `python docs/generate_cli.py` from the commands themselves; do not edit.

Results go to stdout, everything else to stderr. Exit codes are in [errors.md](errors.md), settings and their
order in [config.md](config.md). `genotool --help` and `genotool VERB --help` show the same texts.
"""


def text() -> str:
    """Return the page."""
    parts = [HEAD]
    for words, command in commands():
        name = " ".join(["genotool", *words])
        parts.append(f"## `{name}`\n\n```text\n{help_of(command, name)}\n```\n")
    return "\n".join(parts)


def commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every command, groups before what is in them; of the families only those of this repository."""
    top = typer.main.get_command(app)
    yield (), top
    for verb in (*VERBS, *FAMILIES):
        yield from _below((verb,), top.get_command(None, verb))


def _below(words: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield words, command
    if hasattr(command, "list_commands"):
        for name in command.list_commands(None):
            if words[0] not in ("train", "tune", "run") or name in FAMILIES:
                yield from _below((*words, name), command.get_command(None, name))


def help_of(command: Any, name: str) -> str:
    """Return the help of a command at a fixed width, without spaces at the ends of lines."""
    context = command.context_class(command, info_name=name, terminal_width=WIDTH)
    return "\n".join(line.rstrip() for line in command.get_help(context).strip().splitlines())


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
