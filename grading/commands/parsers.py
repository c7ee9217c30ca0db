"""How every command of ``course`` is declared: with a description and an example in its help."""

import argparse
from collections.abc import Callable
from typing import Any

from grading.course import Course

Run = Callable[[argparse.Namespace, Course], int]


def add_command(
    commands: Any, name: str, *, text: str, about: str, examples: str, run: Run
) -> argparse.ArgumentParser:
    """Add one command and return its parser.

    Parameters
    ----------
    commands
        What ``add_subparsers`` returned.
    name
        The word to type.
    text, about
        What it does: in a line of the list of commands, and in sentences for its own help.
    examples
        Lines of examples for its help.
    run
        Carries the command out and returns the exit code.
    """
    lines = "\n".join(f"  {line}" for line in examples.strip().splitlines())
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=about,
        epilog=f"examples:\n{lines}\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser
