"""Whether a lab's source, its ``lab.toml`` and its checks speak of the same exercises.

Everything here is read, nothing is run: the sentences of the checks are taken from the text of
``checks.py`` and ``hidden.py``.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from grading.building.nbgrader_format import Role
from grading.building.source import Cell, Source, parse
from grading.errors import SourceError
from labs.engine.catalog import LAB_FILE, Exercise, Lab
from labs.engine.errors import LabFormatError, ParameterError
from labs.engine.parameters import PARAMETERS_TAG, parse_parameters, resolve

_POINTS = re.compile(r"\b(\d+) points?\b")


@dataclass(frozen=True)
class WrittenCheck:
    """One check as its file has it."""

    exercise: str
    name: str
    sentence: str
    place: str


def problems(
    source: Source, lab: Lab, *, visible: Sequence[Path], hidden: Sequence[Path]
) -> list[str]:
    """Return what does not agree, one line each, naming file, line and cell.

    Parameters
    ----------
    source
        The lab's source.
    lab
        What its ``lab.toml`` declares.
    visible, hidden
        The files of its checks and hidden checks; there may be none if no exercise has code.
    """
    found = [
        f"{source.place(cell)}: exercise {cell.exercise} is not in {lab.folder / LAB_FILE} "
        f"(there: {', '.join(lab.exercises) or 'none'})"
        for cell in source.cells
        if cell.exercise and cell.exercise not in lab.exercises
    ]
    open_checks = [check for path in visible for check in written_checks(path)]
    hidden_checks = [check for path in hidden for check in written_checks(path)]
    for exercise in lab.exercises.values():
        found += _cell_problems(source, exercise)
        if exercise.kind == "code" and exercise.id not in {c.exercise for c in open_checks}:
            found.append(f"{lab.folder / 'checks.py'}: no check of exercise {exercise.id}")
    found += _preset_problems(source, lab)
    for check in (*open_checks, *hidden_checks):
        if check.exercise not in lab.exercises:
            found.append(f"{check.place}: {check.name} checks {check.exercise}, no exercise here")
    for check in hidden_checks:
        if not has_sentence(source, check):
            found.append(
                f"{check.place}: {check.name} tests a sentence that exercise {check.exercise} "
                f"does not say: {check.sentence!r}"
            )
    return found


def _preset_problems(source: Source, lab: Lab) -> list[str]:
    """Return the presets that name no parameter, or give one a value of another type."""
    cells = [cell for cell in source.cells if PARAMETERS_TAG in cell.tags]
    if len(cells) != 1:  # said by grading.building.style
        return []
    found = []
    for name, values in lab.presets.items():
        try:
            resolve(parse_parameters(cells[0].solved), values)
        except ParameterError as err:
            found.append(f"{lab.folder / LAB_FILE}: [presets.{name}]: {err}")
        except LabFormatError:  # said by grading.building.style, too
            return []
    return found


def _cell_problems(source: Source, exercise: Exercise) -> list[str]:
    roles: tuple[Role, ...] = ("solution", "check") if exercise.kind == "code" else ("text",)
    found: list[str] = []
    for role in ("solution", "check", "text"):
        cells = source.cells_of(exercise.id, role)
        if role not in roles:
            found += [
                f"{source.place(cell)}: exercise {exercise.id} is of kind {exercise.kind!r} in "
                f"lab.toml, but this is a {role} cell"
                for cell in cells
            ]
        elif not cells:
            found.append(f"{source.path}: exercise {exercise.id} has no {role} cell")
        else:
            found += [
                f"{source.place(cell)}: exercise {exercise.id} has a {role} cell already, {first}"
                for first in [cells[0].id]
                for cell in cells[1:]
            ]
    if all(source.cells_of(exercise.id, role) for role in roles):
        found += _order_problems(source, exercise)
        found += _statement_problems(source, exercise)
    return found


def _order_problems(source: Source, exercise: Exercise) -> list[str]:
    if exercise.kind != "code":
        return []
    answer = source.cells_of(exercise.id, "solution")[0]
    check = source.cells_of(exercise.id, "check")[0]
    found = []
    if check.index < answer.index:
        found.append(f"{source.place(check)}: the check of {exercise.id} stands before its answer")
    defined = {
        node.name
        for node in parse(answer, source).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    if missing := [name for name in exercise.functions if name not in defined]:
        found.append(
            f"{source.place(answer)}: lab.toml says that exercise {exercise.id} defines "
            f"{', '.join(missing)}; the cell defines {', '.join(sorted(defined)) or 'nothing'}"
        )
    return found


def _statement_problems(source: Source, exercise: Exercise) -> list[str]:
    statement = source.statement(exercise.id)
    answer = next(c for c in source.cells if c.exercise == exercise.id)
    if not statement or statement[0].index > answer.index:
        return [
            f"{source.place(answer)}: no text before it sets exercise {exercise.id}; "
            f"a heading says '### Exercise {exercise.id}'"
        ]
    return [
        f"{source.place(cell)}: it says {said} points, lab.toml says {exercise.points}"
        for cell in statement
        for said in _POINTS.findall(_heading(cell))
        if int(said) != exercise.points
    ]


def _heading(cell: Cell) -> str:
    return "\n".join(line for line in cell.text.split("\n") if line.startswith("#"))


def has_sentence(source: Source, check: WrittenCheck) -> bool:
    """Say whether the statement of an exercise holds a check's sentence, but for line breaks."""
    statement = " ".join(cell.stubbed for cell in source.statement(check.exercise))
    return _one_line(check.sentence) in _one_line(statement)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def written_checks(path: Path) -> tuple[WrittenCheck, ...]:
    """Return the checks that a file holds, without importing it.

    Raises
    ------
    SourceError
        If the file is not UTF-8 or not Python, or exercise and sentence are not written out as
        texts.
    """
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as err:
        raise SourceError(f"{path}:{err.lineno}: not Python: {err.msg}") from err
    except UnicodeDecodeError as err:
        raise SourceError(f"{path} is not UTF-8 ({err}); save it as UTF-8") from err
    return tuple(
        WrittenCheck(**_arguments(call, path), place=f"{path}:{node.lineno}", name=node.name)
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        for call in _check_decorators(node)
    )


def _check_decorators(node: ast.FunctionDef) -> Iterator[ast.Call]:
    for decorator in node.decorator_list:
        match decorator:
            case ast.Call(func=ast.Name(id="check") | ast.Attribute(attr="check")):
                yield decorator


def _arguments(call: ast.Call, path: Path) -> dict[str, str]:
    given = {"exercise": call.args[0]} if call.args else {}
    given |= {word.arg: word.value for word in call.keywords if word.arg}
    try:
        values = {key: ast.literal_eval(given[key]) for key in ("exercise", "sentence")}
    except (KeyError, ValueError) as err:
        raise SourceError(
            f'{path}:{call.lineno}: write exercise and sentence out: check("0.1", sentence="...")'
        ) from err
    return {key: str(value) for key, value in values.items()}
