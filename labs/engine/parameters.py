"""The parameters of a notebook: names, types and defaults from its cell tagged ``parameters``.

That cell is their one home. Each of its statements assigns a literal to a name, and a comment on
the same line says what it is, with the unit::

    epochs = 20  # passes over the training data
    learning_rates = [0.01, 0.1]  # step sizes to try

Types are ``int``, ``float``, ``bool``, ``str`` and lists of one of those. The cell is parsed,
never executed. This module starts no notebook and knows no lab.
"""

import ast
import io
import json
import math
import re
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labs.engine.catalog import did_you_mean
from labs.engine.errors import LabFormatError, ParameterError

PARAMETERS_TAG = "parameters"
_ALLOWED_TEXT = {
    int: "a whole number such as 3",
    float: "a number such as 0.5",
    bool: "true or false",
    str: "a text",
}


@dataclass(frozen=True)
class Parameter:
    """One parameter: its default fixes its type.

    Parameters
    ----------
    name
        The Python name assigned in the cell.
    default
        The literal assigned to it.
    comment
        The comment on its line: meaning and unit; empty if there is none.
    """

    name: str
    default: Any
    comment: str

    @property
    def element_type(self) -> type:
        """The type of the value, or of each element of a list."""
        if not isinstance(self.default, list):
            return type(self.default)
        types = {type(element) for element in self.default}
        return float if types == {int, float} else types.pop()

    @property
    def type_name(self) -> str:
        """The type in words, such as ``int`` or ``list of float``."""
        prefix = "list of " if isinstance(self.default, list) else ""
        return prefix + self.element_type.__name__

    def typed(self, value: Any) -> Any:
        """Return a value with this parameter's type; text is read as that type.

        A list is written as JSON, ``[1, 2]``, or with commas, ``1,2``.

        Raises
        ------
        ParameterError
            If the value has another type; the message says which are allowed.

        Examples
        --------
        >>> epochs = Parameter("epochs", 20, "passes over the training data")
        >>> epochs.typed("3"), Parameter("rates", [0.1], "").typed("1,0.5")
        (3, [1.0, 0.5])
        >>> epochs.typed("3.5")
        Traceback (most recent call last):
        ...
        labs.engine.errors.ParameterError: parameter epochs = '3.5' is not of type int; give a \
whole number such as 3
        """
        is_list = isinstance(self.default, list)
        try:
            if is_list:
                return [_typed_scalar(x, self.element_type) for x in _elements(value)]
            return _typed_scalar(value, self.element_type)
        except (ValueError, OverflowError) as err:
            allowed = _ALLOWED_TEXT[self.element_type]
            form = f"a list, 1,2 or [1, 2], of which each is {allowed}" if is_list else allowed
            raise ParameterError(
                f"parameter {self.name} = {value!r} is not of type {self.type_name}; give {form}"
            ) from err


def read_parameters(notebook: str | Path | Mapping[str, Any]) -> dict[str, Parameter]:
    """Return the parameters of a notebook by name; none if no cell has the tag.

    Parameters
    ----------
    notebook
        Path of the notebook, or its content as `read_notebook` gives it.

    Raises
    ------
    LabFormatError
        If two cells carry the tag, or the cell holds anything but literals assigned to names; the
        message begins with the path, if one was given.
    OSError
        If the file cannot be read.
    """
    content = notebook if isinstance(notebook, Mapping) else read_notebook(notebook)
    tagged = [
        cell
        for cell in content["cells"]
        if PARAMETERS_TAG in cell.get("metadata", {}).get("tags", [])
    ]
    if len(tagged) > 1:
        raise LabFormatError(
            f"{len(tagged)} cells are tagged {PARAMETERS_TAG!r}; keep the tag on one"
        )
    try:
        return parse_parameters(cell_source(tagged[0])) if tagged else {}
    except LabFormatError as err:
        if isinstance(notebook, Mapping):
            raise
        raise LabFormatError(f"{notebook}: {err}") from err


def read_notebook(path: str | Path) -> dict[str, Any]:
    """Return the content of a notebook file as plain data.

    Raises
    ------
    LabFormatError
        If the file is no notebook of format 4; the message names it.
    OSError
        If it cannot be read.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as err:
        raise LabFormatError(f"{path} is no notebook: {err}; save it as .ipynb again") from err
    if not isinstance(content, dict) or content.get("nbformat") != 4:
        raise LabFormatError(f"{path} is no notebook of format 4; save it with JupyterLab first")
    cells = content.get("cells")
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise LabFormatError(f"{path} is no notebook: it has no list of cells")
    for number, cell in enumerate(cells, start=1):
        if not _is_cell(cell):
            raise LabFormatError(
                f"{path} is no notebook: its cell {number} is not one of format 4; "
                "save it with JupyterLab first"
            )
    return content


def _is_cell(cell: Mapping[str, Any]) -> bool:
    source = cell.get("source")
    lines = source if isinstance(source, list) else [source]
    return (
        cell.get("cell_type") in ("code", "markdown", "raw")
        and isinstance(cell.get("metadata"), dict)
        and all(isinstance(line, str) for line in lines)
    )


def cell_source(cell: Mapping[str, Any]) -> str:
    r"""Return the source of a cell, which a file holds as one text or as a list of lines.

    Examples
    --------
    >>> cell_source({"source": ["a = 1\n", "b = 2"]})
    'a = 1\nb = 2'
    """
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def parse_parameters(source: str) -> dict[str, Parameter]:
    """Return the parameters that a cell's source assigns, in its order.

    Raises
    ------
    LabFormatError
        If a statement is not a literal of a known type assigned to one name, or a name is
        assigned twice.

    Examples
    --------
    >>> parse_parameters("epochs = 20  # passes over the training data")
    {'epochs': Parameter(name='epochs', default=20, comment='passes over the training data')}
    """
    try:
        statements = ast.parse(source).body
    except SyntaxError as err:
        raise LabFormatError(
            f"line {err.lineno} of the cell tagged {PARAMETERS_TAG!r} is no Python: {err.msg}; "
            "correct it"
        ) from err
    comments = _comments_by_line(source)
    parameters: dict[str, Parameter] = {}
    for statement in statements:
        name, default = _assignment(statement)
        if name in parameters:
            raise LabFormatError(f"parameter {name} is assigned twice; keep one")
        comment = comments.get(statement.end_lineno or statement.lineno, "")
        parameters[name] = Parameter(name, default, comment)
    return parameters


def resolve(declared: Mapping[str, Parameter], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given parameters with the types that their declarations ask for.

    Parameters
    ----------
    declared
        What `read_parameters` found.
    given
        Name -> value, or text to be read as one.

    Raises
    ------
    ParameterError
        If a name is not declared or a value has the wrong type.

    Examples
    --------
    >>> resolve(parse_parameters("alpha = 0.5  # step size"), {"alpha": "1"})
    {'alpha': 1.0}
    """
    for name in given:
        if name not in declared:
            known = ", ".join(declared) or f"none, as no cell is tagged {PARAMETERS_TAG!r}"
            raise ParameterError(
                f"no parameter {name!r}{did_you_mean(name, declared)} (parameters: {known})"
            )
    return {name: declared[name].typed(value) for name, value in given.items()}


def _comments_by_line(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {
        token.start[0]: token.string.lstrip("#").strip()
        for token in tokens
        if token.type == tokenize.COMMENT
    }


def _assignment(statement: ast.stmt) -> tuple[str, Any]:
    """Return name and literal of ``name = literal``, refusing any other statement."""
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    if isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    value = getattr(statement, "value", None)
    line = ast.unparse(statement)
    if len(targets) == 1 and isinstance(targets[0], ast.Name) and isinstance(value, ast.expr):
        try:
            default = ast.literal_eval(value)
        except (ValueError, TypeError):  # the latter: {[]: 1}
            pass
        else:
            if _is_supported(default):
                return targets[0].id, default
    raise LabFormatError(
        f"{line!r} in the cell tagged {PARAMETERS_TAG!r} is not name = literal; "
        "allowed: int, finite float, bool, str, or a list of one of those that is not empty"
    )


def _is_supported(value: Any) -> bool:
    if isinstance(value, list):
        types = {type(element) for element in value}
        is_uniform = len(types) == 1 or types == {int, float}
        return is_uniform and all(_is_supported(x) and not isinstance(x, list) for x in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int | str)


def _elements(value: Any) -> list[Any]:
    """Return the elements of a list given as such, as JSON, or as text with commas."""
    if isinstance(value, str):
        text = value.strip()
        if not text.startswith("["):
            return [element.strip() for element in text.split(",")]
        value = json.loads(text)
    if not isinstance(value, list | tuple):
        raise ValueError(f"{value!r} is no list")  # noqa: TRY004 - one class for all refusals
    return list(value)


def _typed_scalar(value: Any, target: type) -> Any:
    """Return the value as `target`; ValueError if it is of another type."""
    if target is str and isinstance(value, str):
        return value
    if target is not str and isinstance(value, str):
        value = _read_scalar(value.strip(), target)
    if target is float and type(value) in (int, float) and math.isfinite(value):
        return float(value)
    if type(value) is target and target is not float:
        return value
    raise ValueError(f"{value!r} is no {target.__name__}")


def _read_scalar(text: str, target: type) -> Any:
    """Return what a text says, as JSON has it; the caller compares the type."""
    if target is bool:
        return {"true": True, "false": False}.get(text.lower())
    pattern = r"[+-]?\d+" if target is int else r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
    return target(text) if re.fullmatch(pattern, text, re.ASCII) else None
