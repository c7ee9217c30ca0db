"""What the commands of ``lab`` have in common: how they are declared, read, told and ended.

Only the standard library is imported here, so that ``--help`` is quick. Nothing is run here.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from labs.engine.catalog import Lab

EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2
EXIT_INTERRUPTED = 130  # what a shell gives for Ctrl-C


def add_command(
    commands: Any,
    name: str,
    *,
    text: str,
    example: str,
    run: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    """Add a command and return its parser.

    Parameters
    ----------
    commands
        What ``add_subparsers`` returned.
    name
        The word that is typed.
    text
        What it does, without a capital at its begin.
    example
        A line that can be typed.
    run
        Carries it out and returns the exit code.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=f"{text[0].upper()}{text[1:]}.", epilog=f"Example: {example}"
    )
    parser.set_defaults(run=run)
    return parser


def add_parameters(command: argparse.ArgumentParser) -> None:
    """Add the options that choose a notebook's parameters: ``-p`` and ``--preset``."""
    command.add_argument(
        *("-p", "--parameter"),
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="set a parameter; lab list shows them; may be repeated",
    )
    command.add_argument("--preset", help="a lab's named set of parameters, such as smoke")


def spaced(words: Iterable[str]) -> list[str]:
    """Return words with a space before each that begins like a negative number.

    argparse takes a value such as -1e-3 for an option; a space in front makes it a word.
    """
    return [f" {word}" if re.match(r"-\.?\d", word) else word for word in words]


def unspaced(word: str) -> str:
    """Return a word without the space that `spaced` put before it."""
    return re.sub(r"^ (?=-\.?\d)", "", word)


def parameters_given(pairs: Iterable[Sequence[str]]) -> dict[str, str]:
    """Return what ``-p NAME VALUE`` says, each name once.

    Parameters
    ----------
    pairs
        Names and values, as they were typed.

    Raises
    ------
    UsageError
        If a name is given twice.
    """
    from labs.engine.errors import UsageError  # noqa: PLC0415 - our packages may be missing

    parameters: dict[str, str] = {}
    for name, value in pairs:
        if name in parameters:
            raise UsageError(f"parameter {name} is given twice; keep one")
        parameters[name] = unspaced(value)
    return parameters


def find_target(word: str) -> tuple[Lab | None, Path]:
    """Return lab and notebook that a word means: a lab's name, or the path of a notebook.

    Raises
    ------
    UnknownLabError
        If there is no lab of that name.
    """
    from pathlib import Path  # noqa: PLC0415 - see above

    from labs.engine import catalog  # noqa: PLC0415 - see above
    from labs.engine.sweeps import studies  # noqa: PLC0415 - see above

    if not word.endswith(".ipynb"):
        lab = catalog.find_lab(word)
        return lab, lab.notebook
    return studies.lab_of(Path(word).resolve()), Path(word)


def say(line: str) -> None:
    """Write one line to stderr."""
    sys.stderr.write(" ".join(line.split()) + "\n")
    sys.stderr.flush()


def columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield rows as lines, every column as wide as its longest text."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()


@contextlib.contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM end what runs in a block as Ctrl-C does: cleanly."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
