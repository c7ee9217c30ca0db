"""The settings of a sweep: which parameters take which values, one setting a run.

They come as a grid (every combination), as a list (a CSV or TOML file, a row a setting) or drawn
at random from ranges, and each may be repeated with several seeds. Every name and value is checked
against the notebook's parameters before anything runs. Nothing is run or stored here.

On the command line an axis is ``name=value,value`` or, to draw from, ``name=low..high``, with
``:log`` behind it where the logarithm is to be uniform.
"""

import csv
import itertools
import json
import math
import random
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labs.engine.errors import ParameterError, UsageError
from labs.engine.parameters import Parameter, resolve

SEED = "seed"
ROWS = "settings"  # the table of a TOML file that holds the list
Setting = dict[str, Any]
Declared = Mapping[str, Parameter]


@dataclass(frozen=True)
class Values:
    """Some values of a parameter, in the order in which they were given.

    Parameters
    ----------
    name
        Of the parameter.
    values
        Typed and distinct, one at least.
    """

    name: str
    values: tuple[Any, ...]

    def draw(self, rng: random.Random) -> Any:
        """Return one of them, all equally likely."""
        return rng.choice(self.values)


@dataclass(frozen=True)
class Range:
    """Numbers to draw a parameter from.

    Parameters
    ----------
    name
        Of the parameter.
    low, high
        Ends, of its type; both belong to it.
    is_log
        Whether the logarithm is uniform, which needs ``low`` > 0.
    """

    name: str
    low: float
    high: float
    is_log: bool = False

    def draw(self, rng: random.Random) -> Any:
        """Return a number of the type of the ends."""
        is_whole = isinstance(self.low, int)
        if not self.is_log:
            return rng.randint(int(self.low), int(self.high)) if is_whole else self._between(rng)
        drawn = math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
        return round(drawn) if is_whole else min(max(drawn, self.low), self.high)

    def _between(self, rng: random.Random) -> float:
        return rng.uniform(self.low, self.high)


Axis = Values | Range


def parse_axis(text: str, declared: Declared) -> Axis:
    r"""Return an axis as it is written on the command line.

    Parameters
    ----------
    text
        ``name=value,value`` or ``name=low..high`` or ``name=low..high:log``; a value that is a list
        stands in brackets.
    declared
        The notebook's parameters.

    Raises
    ------
    UsageError
        If the text has another form, a value is given twice, or ends of a range are no numbers in
        order; `ParameterError` if there is no such parameter or a value has the wrong type.

    Examples
    --------
    >>> from labs.engine.parameters import parse_parameters
    >>> declared = parse_parameters("alpha = 0.3\nwidths = [8]")
    >>> parse_axis("alpha=0.1,1", declared)
    Values(name='alpha', values=(0.1, 1.0))
    >>> parse_axis("widths=[8],[8,16]", declared).values
    ([8], [8, 16])
    >>> parse_axis("alpha=0.01..10:log", declared)
    Range(name='alpha', low=0.01, high=10.0, is_log=True)
    """
    name, equals, listed = text.partition("=")
    name = name.strip()
    if not equals or not name or not listed.strip():
        raise UsageError(f"{text!r} is no axis; write name=value,value, or name=low..high to draw")
    if ".." in listed and _is_number(declared.get(name)):
        return _range(name, listed, declared)
    return axis_of(name, _split(listed), declared=declared)


def axis_of(name: str, values: Iterable[Any], *, declared: Declared) -> Values:
    """Return an axis from its values.

    Parameters
    ----------
    name
        Of the parameter.
    values
        Of its type, or texts to be read as such.
    declared
        The notebook's parameters.

    Raises
    ------
    UsageError
        If there is no value or one occurs twice; `ParameterError` as for `parse_axis`.
    """
    typed = [resolve(declared, {name: value})[name] for value in values]
    if not typed:
        raise UsageError(f"axis {name} has no value; give one at least")
    for position, value in enumerate(typed):
        if value in typed[:position]:
            raise UsageError(f"axis {name} has {value!r} twice; give it once")
    return Values(name, tuple(typed))


def grid(axes: Sequence[Axis]) -> list[Setting]:
    """Return every combination of the values of some axes; the last axis changes fastest.

    Raises
    ------
    UsageError
        If two axes have the same parameter, or one is a range.

    Examples
    --------
    >>> grid([Values("a", (1, 2)), Values("b", (5,))])
    [{'a': 1, 'b': 5}, {'a': 2, 'b': 5}]
    """
    _check_names(axes)
    listed = []
    for axis in axes:
        if isinstance(axis, Range):
            raise UsageError(
                f"{axis.name} is a range, which a grid cannot have; list its values, or say how "
                "many settings to draw with --draws"
            )
        listed.append([(axis.name, value) for value in axis.values])
    return [dict(combination) for combination in itertools.product(*listed)]


def drawn(axes: Sequence[Axis], count: int, *, seed: int = 0) -> list[Setting]:
    """Return settings drawn at random, all different; the same seed draws the same ones.

    Parameters
    ----------
    axes
        To draw from.
    count
        How many, >= 1.
    seed
        Start of the random numbers.

    Raises
    ------
    UsageError
        If two axes have the same parameter, there is none, or not so many different settings
        were found.

    Examples
    --------
    >>> [each["a"] for each in drawn([Values("a", (1, 2, 3))], 3, seed=4)]
    [1, 2, 3]
    """
    _check_names(axes)
    if count < 1 or not axes:
        raise UsageError(f"{count} settings of {len(axes)} axes; draw one at least, from one axis")
    rng, found = random.Random(seed), dict[str, Setting]()  # noqa: S311 - no secret
    for _ in range(100 * count):
        setting = {axis.name: axis.draw(rng) for axis in axes}
        found.setdefault(_key(setting), setting)
        if len(found) == count:
            return list(found.values())
    raise UsageError(
        f"only {len(found)} different settings in {100 * count} draws; ask for fewer than {count}"
    )


def listed(path: Path, declared: Declared) -> list[Setting]:
    """Return the settings of a file: a CSV with names in its first line, or TOML.

    A TOML file holds ``[[settings]]`` tables. What a row of a CSV leaves empty keeps its default.

    Parameters
    ----------
    path
        Ends in .csv or .toml.
    declared
        The notebook's parameters.

    Raises
    ------
    UsageError
        If the file is not there, is neither, or has no setting; `ParameterError` with the row's
        number if a name or value is wrong.
    """
    if path.suffix not in (".csv", ".toml"):
        raise UsageError(f"{path} is no list of settings; give a .csv or a .toml file")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as err:
        raise UsageError(f"{path} cannot be read: {err}; give a text file in UTF-8") from err
    rows = _csv_rows(text, path) if path.suffix == ".csv" else _toml_rows(text, path)
    settings = []
    for number, row in enumerate(rows, 1):
        try:
            settings.append(resolve(declared, row))
        except ParameterError as err:
            raise ParameterError(f"{path.name}, setting {number}: {err}") from err
    if not settings:
        raise UsageError(
            f"{path} has no setting; write one a line below the names, or one a table [[{ROWS}]]"
        )
    return settings


def with_seeds(settings: Sequence[Setting], count: int, *, declared: Declared) -> list[Setting]:
    r"""Return each setting with several seeds, which count up from the notebook's own.

    Parameters
    ----------
    settings
        Without a seed.
    count
        Seeds of each, >= 1.
    declared
        The notebook's parameters.

    Raises
    ------
    UsageError
        If the notebook has no whole number called seed, a setting has one already, or the count is
        below 1.

    Examples
    --------
    >>> from labs.engine.parameters import parse_parameters
    >>> with_seeds([{"a": 1}], 2, declared=parse_parameters("a = 0\nseed = 7"))
    [{'a': 1, 'seed': 7}, {'a': 1, 'seed': 8}]
    """
    if count < 1:
        raise UsageError(f"{count} seeds; give 1 or more")
    if SEED not in declared or declared[SEED].type_name != "int":
        raise UsageError("the notebook has no parameter seed that is a whole number; add one")
    if any(SEED in setting for setting in settings):
        raise UsageError("seed is a parameter of the settings already; leave out --seeds, or seed")
    first = declared[SEED].default
    return [setting | {SEED: first + each} for setting in settings for each in range(count)]


def check_distinct(settings: Sequence[Setting]) -> None:
    """Refuse settings that occur twice.

    Raises
    ------
    UsageError
        Naming the first that does, and both places.
    """
    places: dict[str, int] = {}
    for number, setting in enumerate(settings, 1):
        before = places.setdefault(_key(setting), number)
        if before != number:
            said = ", ".join(f"{name}={value}" for name, value in setting.items()) or "the defaults"
            raise UsageError(f"settings {before} and {number} are the same ({said}); keep one")


def _range(name: str, text: str, declared: Declared) -> Range:
    ends, _, way = text.partition(":")
    if way.strip() not in ("", "log"):
        raise UsageError(f"{name}={text}: {way.strip()!r} is no way to draw; write log, or nothing")
    low, high = (
        resolve(declared, {name: each.strip()})[name] for each in ends.split("..", maxsplit=1)
    )
    if low >= high:
        raise UsageError(f"{name}={text}: {low} is not below {high}; write the lower end first")
    if way and low <= 0:
        raise UsageError(f"{name}={text}: {low} has no logarithm; begin above 0, or leave out :log")
    return Range(name, low, high, is_log=bool(way))


def _is_number(parameter: Parameter | None) -> bool:
    return parameter is not None and parameter.type_name in ("int", "float")


def _split(text: str) -> list[str]:
    """Return the parts of a text between commas that stand in no brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += (character == "[") - (character == "]")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def _csv_rows(text: str, path: Path) -> list[dict[str, str]]:
    reader = csv.DictReader(text.splitlines())
    names = [name.strip() for name in reader.fieldnames or ()]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{path.name} has the column {name!r} twice; keep one")
    rows = []
    for row in reader:
        if None in row or None in row.values():
            raise UsageError(
                f"{path.name}, line {reader.line_num}: not as many fields as names; "
                "put a list in quotes"
            )
        rows.append({name.strip(): value.strip() for name, value in row.items() if value.strip()})
    return rows


def _toml_rows(text: str, path: Path) -> list[dict[str, Any]]:
    try:
        rows = tomllib.loads(text).get(ROWS, [])
    except tomllib.TOMLDecodeError as err:
        raise UsageError(f"{path} is no TOML: {err}; correct it") from err
    if not (isinstance(rows, list) and all(isinstance(row, dict) for row in rows)):
        raise UsageError(f"{path} has no tables [[{ROWS}]]; write one for each setting")
    return rows


def _check_names(axes: Sequence[Axis]) -> None:
    names = [axis.name for axis in axes]
    for position, name in enumerate(names):
        if name in names[:position]:
            raise UsageError(f"{name} is an axis twice; put all its values into one")


def _key(setting: Setting) -> str:
    return json.dumps(setting, sort_keys=True)
