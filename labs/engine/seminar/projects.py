"""A student's project: a folder whose main figure is one ``lab sweep``, and all that goes with it.

`plan_project` decides what the folder holds, `write_project` writes it; nothing that exists is
overwritten, and after a failure nothing is left behind. The files come from
``labs/seminar/material/project`` and work before anybody has changed them.
"""

import importlib.metadata
import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from labs.engine.errors import UsageError
from labs.engine.seminar import material
from labs.engine.seminar.notebooks import notebook_text
from labs.engine.seminar.topics import Topic, proposal

COURSE = "mlsys-course"
MAIN = "sweep experiment.ipynb --study main -o results/first"
# Path in the project -> file of the material.
FILES = {
    "README.md": "project/readme.txt",
    "studies.toml": "project/studies.txt",
    "Makefile": "project/makefile.txt",
    "tests/test_experiment.py": "project/test_experiment.txt",
    ".gitignore": "project/gitignore.txt",
    "CITATION.cff": "project/citation.txt",
    "LICENSE.md": "project/license.txt",
    "results/README.md": "project/results.txt",
    "report/report.md": "report.md",
    "report/report.tex": "report.tex",
    "one_pager.md": "one_pager.md",
    "reading_sheet.md": "reading_sheet.md",
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_FIELD = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True)
class Project:
    """A project before it is written.

    Parameters
    ----------
    folder
        Where it shall lie.
    files
        Path in the folder -> text.
    """

    folder: Path
    files: Mapping[str, str]


def plan_project(name: str, *, topic: Topic | None = None, folder: Path | None = None) -> Project:
    """Return what a new project holds.

    Parameters
    ----------
    name
        Of the project, and of its folder if none is given: letters, digits, dot, dash, underscore.
    topic
        What fills proposal, title and first figure; all are open without it.
    folder
        Where it shall lie: not there yet, or empty.

    Raises
    ------
    UsageError
        If the name has other characters, or the folder holds something.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be a project's name: use letters, digits, '.', '-' and '_', and "
            "begin with a letter or digit"
        )
    place = Path(name) if folder is None else folder
    _check_free(place)
    values = _values(name, topic)
    files = {path: fill(material.read(file), values) for path, file in FILES.items()}
    files["experiment.ipynb"] = notebook_text(fill(material.read("project/experiment.txt"), values))
    files["proposal.md"] = proposal(topic) if topic else material.template("proposal")
    files["constraints.txt"] = pins()
    files["one_pagers/.gitkeep"] = ""  # git keeps no empty folder
    return Project(place, dict(sorted(files.items())))


def write_project(project: Project) -> list[Path]:
    """Write a project, whole or not at all, and return its files.

    Parameters
    ----------
    project
        What `plan_project` returned.

    Raises
    ------
    UsageError
        If the folder holds something by now.
    OSError
        If it cannot be written.
    """
    _check_free(project.folder)
    was_there = project.folder.is_dir()
    written: list[Path] = []
    try:
        for name, text in project.files.items():
            path = project.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                written.append(path)
                file.write(text)
    except BaseException:
        _remove(project.folder, written, keep_folder=was_there)
        raise
    return written


def start_repository(folder: Path) -> bool:
    """Make a folder a git repository without a commit, and return whether it is one now.

    Where git is missing, or the folder lies in a repository already, nothing is done.

    Parameters
    ----------
    folder
        Of the project.
    """
    git = shutil.which("git")
    if git is None:
        return False
    inside = [git, "-C", str(folder), "rev-parse", "--is-inside-work-tree"]
    if subprocess.run(inside, check=False, capture_output=True).returncode == 0:
        return False
    made = subprocess.run(
        [git, "-C", str(folder), "init", "--quiet"], check=False, capture_output=True
    )
    return made.returncode == 0


def pins() -> str:
    """Return the installed versions of what the course needs, as a file of constraints."""
    try:
        version = importlib.metadata.version(COURSE)
        lines = importlib.metadata.requires(COURSE) or []
    except importlib.metadata.PackageNotFoundError:
        version, lines = "not installed", []
    names = [each.name for each in map(Requirement, lines) if "extra" not in str(each.marker)]
    found = {name: _installed(name) for name in sorted(names, key=str.lower)}
    head = f"# The versions that this project was made with; the course: {COURSE} {version}"
    return "\n".join([head, *(f"{n}=={v}" for n, v in found.items() if v)]) + "\n"


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return a text with its fields ``{{name}}`` filled in.

    Parameters
    ----------
    text
        Of a file of the skeleton.
    values
        Name of a field -> its text.

    Examples
    --------
    >>> fill("# {{title}}", {"title": "Bits"})
    '# Bits'
    """
    return _FIELD.sub(lambda field: values[field[1]], text)


def _values(name: str, topic: Topic | None) -> dict[str, str]:
    title = topic.title if topic else name.replace("-", " ").replace("_", " ").capitalize()
    question = topic.question if topic else "[The question that this project answers.]"
    command = topic.first_figure.command if topic else f"lab {MAIN}"
    return {
        "name": name,
        "title": title,
        "title_quoted": json.dumps(title, ensure_ascii=False),
        "question": question,
        "first_arguments": command.removeprefix("lab "),
        "course": COURSE,
    }


def _installed(name: str) -> str:
    try:
        return importlib.metadata.version(name).partition("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return ""


def _check_free(folder: Path) -> None:
    if folder.is_dir() and not folder.is_symlink():
        if any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty, and nothing is overwritten; give another -o")
    elif folder.exists() or folder.is_symlink():
        raise UsageError(f"{folder} exists and is no folder; give another -o")


def _remove(folder: Path, written: list[Path], *, keep_folder: bool) -> None:
    """Remove what was written, and the folders made for it."""
    for path in written:
        path.unlink(missing_ok=True)
    inside = [path for path in folder.rglob("*") if path.is_dir()] if folder.is_dir() else []
    for path in sorted(inside, reverse=True):
        path.rmdir()
    if not keep_folder and folder.is_dir():
        folder.rmdir()
