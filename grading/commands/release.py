"""``course release``: the handout of a lab."""

import argparse
import logging
from pathlib import Path
from typing import Any

from grading.commands.parsers import add_command
from grading.course import Course
from grading.handout.release import release

_log = logging.getLogger("grading")

_EXAMPLES = "course release quickstart -o handouts"


def add(commands: Any) -> None:
    """Add ``release``."""
    parser = add_command(
        commands,
        "release",
        text="make the zip that students get",
        about="Zip a lab with the labs before it, all that they need, and titles and deadlines; "
        "never grading, tests or course.toml. Refused if any answer of any lab is found in it.",
        examples=_EXAMPLES,
        run=_run,
    )
    parser.add_argument("lab", metavar="LAB", help="name of the lab")
    parser.add_argument("-o", "--output", metavar="DIR", type=Path, required=True, help="where to")


def _run(options: argparse.Namespace, course: Course) -> int:
    made = release(course, course.lab(options.lab))
    path: Path = options.output / f"{made.name}.zip"
    content = made.content()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_bytes(content)
    temporary.replace(path)
    print(path)
    names = ", ".join(lab.name for lab in made.labs)
    _log.info("%s: %d files, %d bytes; labs: %s", made.name, len(made.files), len(content), names)
    return 0
