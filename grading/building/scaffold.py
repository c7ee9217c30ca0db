"""Makes a new lab: a copy of the quickstart under another name, number and title.

A copy of a lab that works is a lab that works: the author changes it step by step with every gate
green. Nothing that exists is changed but ``course.toml``, which gets a table for the new lab at its
end. If anything fails, the new folders are removed again.
"""

import itertools
import keyword
import logging
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from course_utils.records import write_atomically
from grading.course import COURSE_FILE, Course
from labs.engine.catalog import LAB_FILE, Lab, read_lab
from labs.engine.errors import UsageError

TEMPLATE = "quickstart"
_TEXT_SUFFIXES = {".py", ".md", ".toml", ".txt"}
_LEFT_OUT = shutil.ignore_patterns("__pycache__", ".*", "*.ipynb")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """A new lab before it exists.

    Parameters
    ----------
    course
        The course that gets it.
    template
        The lab that is copied.
    name, title
        Name and title of the new lab.
    number
        First part of the ids of its exercises.
    group
        Folder in ``labs/`` that holds it beside others of its kind, such as ``seminar``; empty if
        it stands alone.
    """

    course: Course
    template: Lab
    name: str
    title: str
    number: int
    group: str = ""

    @property
    def folder(self) -> Path:
        """Folder of the new lab."""
        return self.course.root / "labs" / self.group / self.name

    @property
    def answers(self) -> Path:
        """Folder of its answers."""
        return self.course.answers / self.name

    def renamed(self, text: str) -> str:
        """Return a text of the template with name, title and exercise ids of the new lab.

        Ids change where they are ids: in quotes, after the word Exercise, and between the bars of
        a table. A number such as 0.1 elsewhere stays.
        """
        text = text.replace(self.template.title, self.title)
        if self.group:
            alone = rf"\blabs([./]){re.escape(self.template.name)}\b"
            text = re.sub(alone, rf"labs\g<1>{self.group}\g<1>{self.name}", text)
        text = re.sub(rf"\b{re.escape(self.template.name)}\b", self.name, text)
        ids = "|".join(re.escape(exercise) for exercise in self.template.exercises)
        if not ids:
            return text
        listed = rf"(?:{ids})(?:(?:, | and | to | or )(?:{ids}))*(?!\d)"
        patterns = (
            rf"""(?<=["'])(?:{ids})(?=["'])""",
            rf"(?<=\b[Ee]xercise ){listed}",
            rf"(?<=\b[Ee]xercises ){listed}",
            rf"(?<=\| )(?:{ids})(?= \|)",
        )
        for pattern in patterns:
            text = re.sub(pattern, lambda found: self._renumbered(found[0]), text)
        return text

    def _renumbered(self, text: str) -> str:
        return re.sub(rf"\b{self.template.number}\.", f"{self.number}.", text)


def plan(course: Course, name: str, *, title: str | None = None, number: int | None = None) -> Plan:
    """Return the plan of a new lab.

    Parameters
    ----------
    course
        The course that gets it.
    name
        Name of the lab, its folder and import name; ``seminar/NAME`` puts it into a folder of such.
    title
        Its title; made of the name if not given.
    number
        First part of the ids of its exercises; the lowest free one if not given.

    Raises
    ------
    UsageError
        If the name is no lower-case Python name or is taken, the title is not one line of text, or
        the number is taken.
    """
    *groups, alone = name.split("/")
    if len(groups) > 1 or not all(map(_is_name, [*groups, alone])):
        raise UsageError(
            f"{name!r} cannot be the name of a lab: use lower-case letters, digits and _, "
            "beginning with a letter"
        )
    group, name = "".join(groups), alone
    title = name.replace("_", " ").capitalize() if title is None else title.strip()
    if not title or not title.isprintable() or set(title) & set('"\\'):
        raise UsageError(f"title {title!r}: give one line without quotes and backslashes")
    taken = {lab.number: lab.name for lab in course.labs}
    number = next(n for n in itertools.count() if n not in taken) if number is None else number
    if number in taken or number < 0:
        owner = f"belongs to {taken[number]}" if number in taken else "is negative"
        raise UsageError(f"number {number} {owner}; give a free one, or none")
    new = Plan(course, course.lab(TEMPLATE), name, title, number, group)
    for path in (new.folder, new.answers):
        if path.exists() or path.with_suffix(".py").exists():
            raise UsageError(f"{course.shown(path)} exists; give the new lab another name")
    if (new.folder.parent / LAB_FILE).exists():
        raise UsageError(f"{course.shown(new.folder.parent)} is a lab; give another folder")
    if name in {lab.name for lab in course.labs}:
        raise UsageError(f"there is a lab {name} in {course.lab(name).folder}; give another name")
    return new


def create(new: Plan) -> Lab:
    """Copy the template's two folders under the new name, and return the new lab.

    Its notebooks are not built yet, and ``course.toml`` is as it was.

    Raises
    ------
    OSError
        If a folder cannot be written; nothing is left behind.
    """
    sources = {new.template.folder: new.folder, new.course.source(new.template).parent: new.answers}
    try:
        if new.group:
            _make_group(new)
        for source, target in sources.items():
            shutil.copytree(source, target, ignore=_LEFT_OUT)
            for path in _texts(target):
                _rewrite(path, new)
            for path in sorted(target.rglob("*")):
                _rename(path, new)
        _renumber(new.folder / LAB_FILE, new)
        _tidy([path for target in sources.values() for path in sorted(target.rglob("*.py"))])
        return read_lab(new.folder)
    except BaseException:
        remove(new)
        raise


def remove(new: Plan) -> None:
    """Remove the two folders that `create` made."""
    for path in (new.folder, new.answers):
        shutil.rmtree(path, ignore_errors=True)
    if new.group and [path.name for path in new.folder.parent.glob("*")] == ["__init__.py"]:
        shutil.rmtree(new.folder.parent)


def register(new: Plan) -> Path:
    """Add the lab to ``course.toml`` with weight 0, and return the file."""
    path = new.course.root / COURSE_FILE
    text = path.read_text(encoding="utf-8").rstrip("\n")
    return write_atomically(path, f"{text}\n\n[labs.{new.name}]\nweight = 0.0\n")


def _is_name(word: str) -> bool:
    return re.fullmatch(r"[a-z][a-z0-9_]*", word) is not None and not keyword.iskeyword(word)


def _make_group(new: Plan) -> None:
    """Make the folder of a group a package, which the labs in it are imported from."""
    marker = new.folder.parent / "__init__.py"
    if not marker.exists():
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.write_text(f'"""The labs of the {new.group}."""\n', encoding="utf-8")


def _texts(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.suffix in _TEXT_SUFFIXES)


def _rewrite(path: Path, new: Plan) -> None:
    path.write_text(new.renamed(path.read_text(encoding="utf-8")), encoding="utf-8")


def _rename(path: Path, new: Plan) -> None:
    """Rename a folder that is called after an exercise, such as ``variants/0.1``."""
    if path.is_dir() and path.name in new.template.exercises:
        _, position = path.name.split(".")
        path.rename(path.with_name(f"{new.number}.{position}"))


def _renumber(path: Path, new: Plan) -> None:
    text = path.read_text(encoding="utf-8")
    renumbered = re.sub(r"(?m)^number = \d+", f"number = {new.number}", text, count=1)
    path.write_text(renumbered, encoding="utf-8")


def _tidy(paths: list[Path]) -> None:
    """Sort imports and wrap lines again: another name sorts elsewhere and has another length."""
    if find_spec("ruff") is None:
        _log.warning("ruff is not installed: sort the imports of the new lab yourself")
        return
    names = [str(path) for path in paths]
    for verb in (["check", "--select", "I", "--fix", "--quiet"], ["format", "--quiet"]):
        command = [sys.executable, "-m", "ruff", *verb, "--no-cache", *names]
        subprocess.run(command, check=False, capture_output=True)
