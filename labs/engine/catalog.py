"""The labs that are here: every ``lab.toml``, read and checked.

A lab is a folder with a ``lab.toml``. What stands in it stands nowhere else: number, title, time,
presets, declared results, and the points and kind of every exercise. The names, types and
defaults of parameters are not here but in the notebook (`labs.engine.parameters`). This module
imports no lab and opens no notebook.
"""

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from labs.engine.errors import LabFormatError, UnknownLabError

LABS_ROOT = Path(__file__).resolve().parents[1]
LAB_FILE = "lab.toml"
SMOKE, DEFAULT = "smoke", "default"  # the presets that every lab has


@dataclass(frozen=True)
class Exercise:
    """One exercise of a lab, as its ``lab.toml`` declares it.

    Parameters
    ----------
    id
        Lab number, a dot, position from 1: ``"0.1"``.
    title
        What the exercise is about, in a few words.
    points
        Points of a full solution; 0 in an extension.
    kind
        ``code`` (checked) or ``text`` (marked by a person).
    tier
        ``core`` (carries points) or ``extension`` (carries none).
    student_minutes
        Minutes that a student should need.
    functions
        Names that a code solution must define; empty for text.
    withhold
        Dotted names, and torch's operators as in ``aten::renorm*``, that its solution cannot use.
    hidden_kinds
        What the hidden cases vary, in a few words each; students see this list.
    """

    id: str
    title: str
    points: int
    kind: Literal["code", "text"]
    tier: Literal["core", "extension"]
    student_minutes: int
    functions: tuple[str, ...] = ()
    withhold: tuple[str, ...] = ()
    hidden_kinds: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lab:
    """One lab: its folder and what its ``lab.toml`` declares.

    Parameters
    ----------
    folder
        Absolute path of the lab's folder; its last part is the lab's name.
    number
        First part of the ids of its exercises.
    title, summary, hardware
        Texts for people; `summary` is one sentence.
    minutes
        Student minutes for the whole lab.
    datasets, extras
        Names of the data sets, and of the optional parts of the project, that it needs.
    presets
        Name of a preset -> parameter -> value; always holds ``smoke`` and ``default``.
    results
        Name of a result -> the sentence that explains it.
    exercises
        Id -> exercise, in the order of the file.
    """

    folder: Path
    number: int
    title: str
    summary: str
    minutes: int
    hardware: str
    datasets: tuple[str, ...]
    extras: tuple[str, ...]
    presets: Mapping[str, Mapping[str, Any]]
    results: Mapping[str, str]
    exercises: Mapping[str, Exercise]

    @property
    def name(self) -> str:
        """The lab's name: that of its folder."""
        return self.folder.name

    @property
    def notebook(self) -> Path:
        """The student notebook, whether or not it has been built yet."""
        return self.folder / f"{self.name}.ipynb"

    @property
    def modules(self) -> tuple[Path, ...]:
        """The Python files of the lab's folder, sorted by name."""
        return tuple(sorted(self.folder.glob("*.py")))

    @property
    def package(self) -> str:
        """The lab's import name, such as ``labs.quickstart``."""
        parts, folder = [self.name], self.folder.parent
        while (folder / "__init__.py").exists():
            parts.append(folder.name)
            folder = folder.parent
        return ".".join(reversed(parts))

    @property
    def points(self) -> int:
        """All points of the lab."""
        return sum(exercise.points for exercise in self.exercises.values())

    def module_name(self, module: str) -> str:
        """Return the import name of one of its modules: ``checks`` -> ``labs.x.checks``."""
        return f"{self.package}.{module}"


def check_files(folder: Path, name: str) -> tuple[Path, ...]:
    """Return the files of a lab's checks: ``name.py``, or those of the package ``name``.

    Parameters
    ----------
    folder
        Where they lie.
    name
        ``checks`` or ``hidden``.

    Returns
    -------
    tuple of Path
        In the order of their names; none if there is neither.

    Raises
    ------
    LabFormatError
        If both exist: one would hide the other.
    """
    single, package = folder / f"{name}.py", folder / name
    if single.exists() and package.is_dir():
        raise LabFormatError(f"{single} and {package} both exist; keep one of them")
    if package.is_dir():
        return tuple(sorted(package.glob("*.py")))
    return (single,) if single.exists() else ()


@dataclass(frozen=True)
class _Key:
    """What one key of a ``lab.toml`` may hold, and the words that say so."""

    allowed: str
    accepts: Callable[[Any], bool]
    default: Any = None  # None: the key must be there


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean ...?"`` for a name close to a known one, else an empty text.

    Examples
    --------
    >>> did_you_mean("alhpa", ["alpha", "epochs"])
    "; did you mean 'alpha'?"
    >>> did_you_mean("zebra", ["alpha"])
    ''
    """
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and "\n" not in value


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(name, str) and re.fullmatch(r"[\w.-]+", name) for name in value
    )


def _is_withheld(value: Any) -> bool:
    pattern = re.compile(r"[\w.]+|\w+::[\w.*]+")
    return _is_texts(value) and all(map(pattern.fullmatch, value))


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


_TEXT = _Key("one line of text", _is_text)
_COUNT = _Key("a whole number >= 0", _is_count)
_NAMES = _Key("a list of names", _is_names, default=())
_TABLE = _Key("a table", _is_table, default=MappingProxyType({}))

_LAB_KEYS = {
    "number": _COUNT,
    "title": _TEXT,
    "summary": _TEXT,
    "minutes": _COUNT,
    "hardware": _TEXT,
    "datasets": _NAMES,
    "extras": _NAMES,
    "presets": _Key(f"a table that holds at least [presets.{SMOKE}]", _is_table),
    "results": _TABLE,
    "exercises": _TABLE,
}
_EXERCISE_KEYS = {
    "title": _TEXT,
    "points": _COUNT,
    "kind": _Key("'code' or 'text'", lambda value: value in ("code", "text")),
    "tier": _Key("'core' or 'extension'", lambda value: value in ("core", "extension")),
    "student_minutes": _COUNT,
    "functions": _NAMES,
    "withhold": _Key("a list of dotted names and operators (aten::renorm*)", _is_withheld, ()),
    "hidden_kinds": _Key("a list of texts", _is_texts, default=()),
}


def read_lab(folder: str | Path) -> Lab:
    """Return the lab in a folder.

    Raises
    ------
    LabFormatError
        If its ``lab.toml`` is missing, is no TOML, or a key in it is unknown, missing or
        ill-typed; the message names file, key, value and what is allowed.
    """
    path = Path(folder).resolve() / LAB_FILE
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as err:
        raise LabFormatError(f"{path} is missing; a lab's folder holds one") from err
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        raise LabFormatError(f"{path} is no TOML: {err}") from err
    fields = _checked(table, _LAB_KEYS, path, prefix="")
    presets = _read_presets(fields.pop("presets"), path)
    for name, sentence in fields["results"].items():
        if not (name.isidentifier() and _is_text(sentence)):
            raise _refused(path, f"results.{name}", sentence, "name = 'a sentence'")
    exercises = {
        exercise_id: _read_exercise(exercise_id, entry, fields["number"], path)
        for exercise_id, entry in fields.pop("exercises").items()
    }
    return Lab(folder=path.parent, presets=presets, exercises=exercises, **fields)


def find_labs(root: str | Path | None = None) -> tuple[Lab, ...]:
    """Return every lab under a folder, by number.

    Parameters
    ----------
    root
        Folder to search, however deep; the installed ``labs`` by default.

    Raises
    ------
    LabFormatError
        If a ``lab.toml`` is not as documented, or two labs share a name or a number.
    """
    base = LABS_ROOT if root is None else Path(root).resolve()
    files = [
        path
        for path in sorted(base.rglob(LAB_FILE))
        if not any(part.startswith(".") for part in path.relative_to(base).parts)
    ]
    labs = sorted((read_lab(path.parent) for path in files), key=lambda lab: lab.number)
    seen: dict[str | int, Lab] = {}
    for lab in labs:
        for key in (lab.name, lab.number):
            if key in seen:
                raise LabFormatError(
                    f"{lab.folder} and {seen[key].folder} are both lab {key!r}; change one"
                )
            seen[key] = lab
    return tuple(labs)


def find_lab(name: str, *, root: str | Path | None = None) -> Lab:
    """Return the lab of this name.

    Raises
    ------
    UnknownLabError
        If there is none; the message lists the labs and the one that was probably meant.
    """
    labs = {lab.name: lab for lab in find_labs(root)}
    if name not in labs:
        known = ", ".join(labs) or "none"
        raise UnknownLabError(f"no lab {name!r}{did_you_mean(name, labs)} (labs: {known})")
    return labs[name]


def find_lab_by_number(number: int, *, root: str | Path | None = None) -> Lab:
    """Return the lab of this number.

    Raises
    ------
    UnknownLabError
        If there is none; the message lists the numbers.
    """
    labs = {lab.number: lab for lab in find_labs(root)}
    if number not in labs:
        known = ", ".join(f"{lab.number} {lab.name}" for lab in labs.values()) or "none"
        raise UnknownLabError(f"no lab has the number {number} (labs: {known})")
    return labs[number]


def lab_of_exercise(exercise_id: str, *, root: str | Path | None = None) -> Lab:
    """Return the lab that holds an exercise.

    Raises
    ------
    UnknownLabError
        If no lab has an exercise of this id; the message lists what there is.
    """
    labs = find_labs(root)
    for lab in labs:
        if exercise_id in lab.exercises:
            return lab
    known = ", ".join(known_id for lab in labs for known_id in lab.exercises) or "none"
    raise UnknownLabError(f"no exercise {exercise_id!r} (exercises: {known})")


def _refused(path: Path, key: str, value: Any, allowed: str) -> LabFormatError:
    return LabFormatError(f"{path}: {key} = {value!r}; allowed: {allowed}")


def _checked(
    table: Mapping[str, Any], keys: Mapping[str, _Key], path: Path, prefix: str
) -> dict[str, Any]:
    """Return the table with defaults filled in and lists as tuples, every key checked."""
    for key in table:
        if key not in keys:
            hint = did_you_mean(key, keys)
            raise _refused(path, prefix + key, table[key], f"the keys {', '.join(keys)}{hint}")
    fields: dict[str, Any] = {}
    for key, rule in keys.items():
        if key not in table:
            if rule.default is None:
                raise LabFormatError(f"{path}: {prefix}{key} is missing; it is {rule.allowed}")
            fields[key] = rule.default
            continue
        if not rule.accepts(table[key]):
            raise _refused(path, prefix + key, table[key], rule.allowed)
        fields[key] = tuple(table[key]) if isinstance(rule.default, tuple) else table[key]
    return fields


def _read_presets(table: dict[str, Any], path: Path) -> dict[str, dict[str, Any]]:
    """Return the presets; ``default`` is there even when the file leaves it out."""
    for name, values in table.items():
        if not isinstance(values, dict):
            raise _refused(path, f"presets.{name}", values, "a table of parameter = value")
        for parameter, value in values.items():
            if not isinstance(value, int | float | str | list):
                allowed = "a number, true or false, a text, or a list of those"
                raise _refused(path, f"presets.{name}.{parameter}", value, allowed)
    if SMOKE not in table:
        raise _refused(path, "presets", sorted(table), f"at least [presets.{SMOKE}]")
    return {DEFAULT: {}, **table}


def _read_exercise(exercise_id: str, table: Any, number: int, path: Path) -> Exercise:
    """Return one exercise, with the rules that hold between its keys."""
    where = f'exercises."{exercise_id}"'
    if not re.fullmatch(rf"{number}\.[1-9]\d*", exercise_id):
        raise _refused(path, where, exercise_id, f'"{number}.1", "{number}.2" and so on')
    if not isinstance(table, dict):
        raise _refused(path, where, table, "a table")
    fields = _checked(table, _EXERCISE_KEYS, path, prefix=f"{where}.")
    functions = fields["functions"]
    if not all(name.isidentifier() for name in functions):
        raise _refused(path, f"{where}.functions", list(functions), "Python names")
    if (fields["kind"] == "code") != bool(functions):
        allowed = "at least one name for kind 'code', none for 'text'"
        raise _refused(path, f"{where}.functions", list(functions), allowed)
    if fields["tier"] == "extension" and fields["points"] != 0:
        raise _refused(path, f"{where}.points", fields["points"], "0 for tier 'extension'")
    return Exercise(id=exercise_id, **fields)
