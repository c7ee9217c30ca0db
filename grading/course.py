"""The course as data: ``course.toml`` at the root of the repository, and where things are.

The file holds a title, the folder of the answers, and one table a lab that counts in the course::

    title = "Machine learning systems"
    answers = "grading/answers"   # optional; a private folder may stand here

    [labs.quickstart]
    weight = 0.0                  # share of the course's grade, relative to the other labs

This module reads and checks it; it builds and grades nothing.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from grading.errors import CourseFileError
from labs.engine.catalog import Lab, check_files, did_you_mean, find_lab, find_labs
from labs.engine.errors import UsageError

COURSE_FILE = "course.toml"
ANSWERS = "grading/answers"
_COURSE_KEYS = ("title", "answers", "labs")
_LAB_KEYS = ("weight",)


@dataclass(frozen=True)
class Course:
    """One course: its root folder and what its ``course.toml`` says.

    Parameters
    ----------
    root
        Absolute path of the folder that holds ``course.toml`` and ``labs``.
    title
        Title of the course.
    answers
        Absolute path of the folder with one folder of answers a lab.
    weights
        Name of a lab -> its share of the grade, relative to the others; >= 0.
    """

    root: Path
    title: str
    answers: Path
    weights: Mapping[str, float]

    @property
    def labs(self) -> tuple[Lab, ...]:
        """Every lab in the tree, by number, whether or not it counts in the course."""
        return find_labs(self.root / "labs")

    def lab(self, name: str) -> Lab:
        """Return the lab of this name.

        Raises
        ------
        UnknownLabError
            If there is none.
        """
        return find_lab(name, root=self.root / "labs")

    def source(self, lab: Lab) -> Path:
        """Return where the cells of a lab are written."""
        return self.answers / lab.name / "source.py"

    def hidden(self, lab: Lab) -> tuple[Path, ...]:
        """Return the files of its hidden checks: ``hidden.py``, those of ``hidden/``, or none."""
        return check_files(self.answers / lab.name, "hidden")

    def reference(self, lab: Lab) -> Path:
        """Return where its reference notebook is built."""
        return self.answers / lab.name / "reference.ipynb"

    def variants(self, lab: Lab) -> Path:
        """Return the folder of its solutions written differently and its typical mistakes."""
        return self.answers / lab.name / "variants"

    def shown(self, path: Path) -> str:
        """Return a path as messages show it: from the root on, where it lies under it.

        Examples
        --------
        >>> Course(Path("/course"), "", Path("/x"), {}).shown(Path("/course/labs/toy"))
        'labs/toy'
        """
        return (
            path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)
        )


def find_root(start: str | Path | None = None) -> Path:
    """Return the nearest folder upwards that holds ``course.toml``, else the one of this package.

    Parameters
    ----------
    start
        Where to begin; the working directory by default.

    Raises
    ------
    UsageError
        If neither has one.
    """
    begin = Path.cwd() if start is None else Path(start).resolve()
    package_root = Path(__file__).resolve().parents[1]
    for folder in (begin, *begin.parents, package_root):
        if (folder / COURSE_FILE).is_file():
            return folder
    raise UsageError(
        f"no {COURSE_FILE} in {begin} or above it; run this inside the course's repository"
    )


def read_course(root: str | Path) -> Course:
    """Return the course in a folder.

    Raises
    ------
    CourseFileError
        If its ``course.toml`` is missing, is no TOML, names a lab that is not there, or a key in
        it is unknown, missing or ill-typed.
    """
    folder = Path(root).resolve()
    path = folder / COURSE_FILE
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as err:
        raise CourseFileError(f"{path} is missing; the root of a course holds one") from err
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        raise CourseFileError(f"{path} is no TOML: {err}") from err
    _check_keys(path, "", table, _COURSE_KEYS)
    title, answers = table.get("title"), table.get("answers", ANSWERS)
    if not (isinstance(title, str) and title.strip()):
        raise CourseFileError(f"{path}: title = {title!r}; allowed: a text")
    if not (isinstance(answers, str) and answers.strip()):
        raise CourseFileError(f"{path}: answers = {answers!r}; allowed: the path of a folder")
    weights = _read_weights(path, table.get("labs", {}))
    course = Course(folder, title, (folder / answers).resolve(), weights)
    known = [lab.name for lab in course.labs]
    for name in weights:
        if name not in known:
            hint = did_you_mean(name, known)
            raise CourseFileError(f"{path}: [labs.{name}] is no lab{hint} ({', '.join(known)})")
    return course


def _read_weights(path: Path, labs: Any) -> dict[str, float]:
    if not isinstance(labs, dict):
        raise CourseFileError(f"{path}: labs = {labs!r}; allowed: one table [labs.NAME] a lab")
    weights: dict[str, float] = {}
    for name, table in labs.items():
        if not isinstance(table, dict):
            raise CourseFileError(f"{path}: labs.{name} = {table!r}; allowed: a table")
        _check_keys(path, f"labs.{name}.", table, _LAB_KEYS)
        weight = table.get("weight")
        if not (_is_number(weight) and 0 <= weight < math.inf):
            raise CourseFileError(
                f"{path}: labs.{name}.weight = {weight!r}; allowed: a number >= 0"
            )
        weights[name] = float(weight)
    return weights


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_keys(path: Path, prefix: str, table: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in table:
        if key not in known:
            raise CourseFileError(
                f"{path}: unknown key {prefix}{key}{did_you_mean(key, known)} "
                f"(known: {', '.join(known)})"
            )
