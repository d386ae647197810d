"""`genotool`: finds the verb, imports only that, and turns errors into one line and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from typing import Any

import typer
from typer.core import TyperGroup

from genotool.errors import GenotoolError, InputError, UsageError, nearest

__all__ = ["VERBS", "app", "main"]

VERBS: dict[str, str] = {
    "run": "run a family's recipe from data to report: genotool run sgrna --cell HCT116",
    "train": "train a family on a data set",
    "transfer": "go on from a trained model on another data set",
    "tune": "search for an architecture or settings",
    "evaluate": "score a model on its test rows or on other sets, beside its floors",
    "predict": "score rows that have no label; --scan every site of a FASTA",
    "explain": "attribute predictions to the input",
    "compare": "rank runs on the test rows they share; or judge repeats of a model as one, --pooled",
    "audit": "look for leaks within a data set, between sets, in a run",
    "import-model": "make a run folder from a model file that another tool wrote",
    "report": "write the report of a run as one HTML file",
    "replay": "run a finished run again from its run.json, and say what differs",
    "data": "list, describe, get, verify and add data sets",
    "plugins": "list what is installed",
    "doctor": "check this installation",
}


class Verbs(TyperGroup):
    """The verbs, each imported when it is asked for; after them the commands that plugins bring."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the verbs."""
        return [*VERBS, *self._own_commands()]

    def _own_commands(self) -> dict[str, Any]:
        from genotool.plugins import specs

        return {spec.name: spec for _, spec in specs("commands")}

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import a verb's module and return its command."""
        if cmd_name in VERBS:
            module = importlib.import_module(f"genotool.cli.{cmd_name.replace('-', '_')}")
            command = typer.main.get_command(module.app)
        elif (own := self._own_commands()).get(cmd_name):
            from genotool.plugins import resolve

            command = typer.main.get_command(resolve(own[cmd_name]))
        else:
            hint = nearest(cmd_name, self.list_commands(ctx))
            raise UsageError(f"unknown verb {cmd_name!r}", hint=hint)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the table of verbs from what is written above, without importing any."""
        rows = [*VERBS.items(), *((name, spec.summary) for name, spec in self._own_commands().items())]
        with formatter.section("Verbs"):
            formatter.write_dl(rows)


app = typer.Typer(cls=Verbs, rich_markup_mode=None, no_args_is_help=True, add_completion=True)


def _version(value: bool) -> None:
    if value:
        from genotool import __version__

        typer.echo(f"genotool {__version__}")
        raise typer.Exit


@app.callback()
def top(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="print the version"),
) -> None:
    """Deep models on genomic data, and whether they are real."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; leave with the exit code that the error carries."""
    argv = sys.argv[1:] if arguments is None else arguments
    try:
        folder = _resume_folder(argv)
        if folder is not None:
            argv = _resumed(argv, folder)
        code = 0 if folder is not None and not argv else app(argv, standalone_mode=False)
    except GenotoolError as error:
        sys.exit(_say(argv, str(error), error.exit_code))
    except KeyboardInterrupt:
        sys.exit(_say(argv, "stopped", 130))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except MemoryError:
        sys.exit(_say(argv, "out of memory\nhint: a smaller --batch-size, or a machine with more", 1))
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        sys.exit(_say(argv, f"{place}{error.strerror or error}", 1))
    except Exception as error:
        sys.exit(_unforeseen(argv, error))
    sys.exit(code if isinstance(code, int) else 0)


def _resume_folder(argv: list[str]) -> str | None:
    """Return what follows ``--resume``; None without that flag, UsageError if nothing does."""
    for place, word in enumerate(argv):
        if word.startswith("--resume="):
            return word.partition("=")[2]
        if word == "--resume":
            if place + 1 == len(argv):
                raise UsageError("--resume takes a run folder")
            return argv[place + 1]
    return None


def _resumed(argv: list[str], folder: str) -> list[str]:
    """Return the command that made the run folder behind ``--resume``; empty if that run is finished.

    Raises
    ------
    UsageError
        If the folder was made by another verb.
    InputError
        If its ``run.json`` holds no command, as of a run that was made in Python.
    """
    from pathlib import Path

    from genotool.run import Run

    run = Run.open(Path(folder).absolute())
    command = run.record.get("command")
    if not isinstance(command, list) or len(command) < 2 or not run.record.get("cwd"):
        raise InputError("run.json names no command to go on with", file=run.path)
    if argv[0] != command[1]:
        raise UsageError(f"{folder} was made by `genotool {command[1]}`, not `genotool {argv[0]}`")
    if run.finished:
        print(f"{folder}: finished already", file=sys.stderr)
        return []
    Run.resumed = run.path
    os.chdir(run.record["cwd"])
    return [str(word) for word in command[1:] if word != "--overwrite"]


def _unforeseen(argv: list[str], error: Exception) -> int:
    """Say what went wrong outside our own errors; typer's usage errors keep their text and exit code 2."""
    if type(error).__name__ == "NoArgsIsHelpError":
        print(error, file=sys.stderr)
        return 2
    if hasattr(error, "format_message"):
        return _say(argv, error.format_message(), getattr(error, "exit_code", 2))
    if type(error).__name__ == "Exit":
        return int(getattr(error, "exit_code", 0))
    if type(error).__name__ == "Abort":
        return 130
    return _say(argv, f"{type(error).__name__}: {error}\nhint: this is a fault of genotool; -vv shows where", 1)


def _say(argv: list[str], message: str, code: int) -> int:
    if code in (75, 130) and os.environ.get("GENOTOOL_PART"):
        return code  # the command that started this one says that it was stopped (`genotool.spawned.PART`)
    if any(word.startswith("-v") and word.count("v") >= 2 for word in argv):
        traceback.print_exc()
    print(f"error: {message}", file=sys.stderr)
    return code
