"""The handout of a lab: the zip that students get.

It holds the labs of course.toml up to the one released, in the order of that file, with all that
they need and their own README, Makefile, titles and deadlines; no grading, no tests and no
course.toml. It is the same bytes for the same files. It is refused while a notebook is not what its
source gives or holds outputs, while a file lies there that has no place in a handout, and while any
answer of any lab is found in it.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grading.building import build
from grading.course import Course
from grading.errors import ReleaseError
from grading.handout import files as handout
from grading.handout.leaks import find_leaks, read_answers
from grading.moodle.zips import zip_bytes
from labs.engine.catalog import Lab, did_you_mean
from labs.engine.sweeps.studies import notebooks as notebooks_of

DATES = "labs/course_dates.toml"
COPIED = (
    "CHANGELOG.md",
    "LICENSE",
    "LICENSE-CONTENT",
    "constraints.txt",
    "environment.yml",
    "labs/__init__.py",
    "pyproject.toml",
)
FOLDERS = ("course_utils", "datasets", "labs/engine", "labs/shared", "labs/seminar/material")
# What labs, modules and bundled data consist of; anything else lies there by mistake.
SUFFIXES = (
    *(".py", ".md", ".toml", ".ipynb", ".csv", ".npz", ".ogg", ".png", ".mplstyle"),
    *(".json", ".txt", ".c", ".h", ".s", ".ld", ".html", ".tex", ".sql"),
)
_NOT_OURS = re.compile(r"(?:^|/)(?:\.|__pycache__(?:/|$)|[^/]+\.egg-info(?:/|$))|\.pyc$")


@dataclass(frozen=True)
class Release:
    """A handout.

    Parameters
    ----------
    name
        Name of the zip, without its suffix, and of the folder in it.
    labs
        The labs that it holds.
    files
        Path in that folder -> content.
    """

    name: str
    labs: tuple[Lab, ...]
    files: Mapping[str, bytes]

    def content(self) -> bytes:
        """Return the zip."""
        return zip_bytes({f"{self.name}/{path}": self.files[path] for path in self.files})


def release(course: Course, lab: Lab) -> Release:
    """Return the handout of a lab.

    Raises
    ------
    ReleaseError
        Listing everything that keeps it from being handed out, one line each.
    """
    labs = released_labs(course, lab)
    files = _copied(course, labs)
    problems = [
        *_strange(course, files, labs=labs),
        *(line for each in labs for line in _notebook_problems(course, each)),
        *find_leaks(read_answers(course), files),
    ]
    if problems:
        raise ReleaseError("\n".join(problems))
    made = {
        "README.md": handout.readme(course, lab, labs=labs),
        "Makefile": handout.makefile((course.root / "Makefile").read_text(encoding="utf-8")),
        DATES: handout.course_dates(course, labs),
    }
    files |= {path: text.encode() for path, text in made.items()}
    return Release(f"{lab.name}-{course.release(lab)}", labs, files)


def released_labs(course: Course, lab: Lab) -> tuple[Lab, ...]:
    """Return the labs that students have once a lab is released.

    Those are the labs of course.toml up to this one, in the order of that file.

    Raises
    ------
    ReleaseError
        If course.toml has no table for the lab.
    """
    names = list(course.plans)
    if lab.name not in names:
        raise ReleaseError(
            f"course.toml has no [labs.{lab.name}]{did_you_mean(lab.name, names)}; add one with a "
            "weight, below the labs that are handed out before it"
        )
    return tuple(course.lab(name) for name in names[: names.index(lab.name) + 1])


def _copied(course: Course, labs: Sequence[Lab]) -> dict[str, bytes]:
    """Return the files that are handed out as they are."""
    places = [lab.folder.relative_to(course.root) for lab in labs]
    # A lab may lie in a folder of its kind, such as labs/seminar, which is a package as well.
    kinds = {place.parent / "__init__.py" for place in places} - {Path("labs/__init__.py")}
    folders = [*FOLDERS, *(place.as_posix() for place in places)]
    names = [*COPIED, *(name for folder in folders for name in _names(course.root, folder))]
    names += [kind.as_posix() for kind in kinds]
    try:
        return {name: (course.root / name).read_bytes() for name in sorted(names)}
    except FileNotFoundError as err:
        raise ReleaseError(f"{err.filename} is missing; a handout needs it") from err


def _names(root: Path, folder: str) -> Iterator[str]:
    for path in sorted((root / folder).rglob("*")):
        name = path.relative_to(root).as_posix()
        if _NOT_OURS.search(name):
            continue
        if path.is_symlink():
            raise ReleaseError(f"{name} is a link; put the file itself there")
        if path.is_file():
            yield name


def _strange(course: Course, files: Mapping[str, bytes], *, labs: Sequence[Lab]) -> Iterator[str]:
    """Yield files that have no place in a handout."""
    paths = [path for lab in labs for path in notebooks_of(lab)]
    notebooks = {path.relative_to(course.root).as_posix() for path in paths}
    for name in files:
        path = Path(name)
        if path.suffix == ".ipynb" and name not in notebooks:
            yield f"{name} is no notebook of a lab or its studies; move it out of labs/"
        elif name not in COPIED and path.suffix not in SUFFIXES:
            yield f"{name} has no place in a handout; move it away, or name its kind in release.py"


def _notebook_problems(course: Course, lab: Lab) -> Iterator[str]:
    """Yield what is wrong with a student notebook: no outputs, and what the source gives."""
    name = course.shown(lab.notebook)
    if not lab.notebook.exists():
        yield f"{name} is missing; course build {lab.name}"
        return
    content = lab.notebook.read_bytes()
    if content != build.to_text(build.build(course, lab).student).encode():
        yield f"{name} is not what its source gives; course build {lab.name}"
    yield from _outputs(name, content, remedy=f"course build {lab.name}")
    for path in notebooks_of(lab)[1:]:
        yield from _outputs(course.shown(path), path.read_bytes(), remedy="clear all outputs")


def _outputs(name: str, content: bytes, *, remedy: str) -> Iterator[str]:
    """Yield that a notebook holds outputs, if it does."""
    try:
        cells = json.loads(content)["cells"]
        with_outputs = [number for number, cell in enumerate(cells) if cell.get("outputs")]
    except (ValueError, KeyError, TypeError, AttributeError):
        yield f"{name} is no notebook; {remedy}"
        return
    if with_outputs:
        yield f"{name}: cell {with_outputs[0]} holds outputs; {remedy}"
