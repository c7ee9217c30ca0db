"""Withholds names from student code: the answer "import it" must not work, however it is written.

`withheld` serves the visible check, in the student's own kernel: for the length of one call the
modules cannot be imported, their attributes raise, operators of torch raise by whatever name they
are called, and references kept from earlier cells raise too where they are Python functions. A
reference kept to another compiled function still works there, and so does a module's file loaded by
its path.

`withhold` serves the grader's sandbox: the same for good and from before the first cell runs, so
there is no reference to keep, and the files that `hidden_files` names are not there. Student code
could still write out what is withheld; it cannot name it. This module decides nothing: names come
from ``withhold`` in lab.toml.
"""

import functools
import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import threading
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labs.engine import operators
from labs.engine.errors import LabFormatError

_REASON = "is withheld in this exercise: write it yourself"
_ASKED_BY_PYTHON = ("__getattr__", "__dir__")  # of a module, also by who only looks through it
# Where functions hide in a module, besides its own classes and functions.
_HOLDERS = (
    *(dict, list, tuple, set, frozenset, staticmethod, classmethod, property),
    *(types.CellType, types.MethodType, types.MappingProxyType, type(functools.cache(print))),
    *(functools.partial, functools.partialmethod, functools.cached_property),
)
_lock = threading.Lock()
_holds: dict[tuple[str, ...], "_Hold"] = {}


class WithheldError(RuntimeError):
    """Student code used a name that the exercise withholds."""


@contextmanager
def withheld(names: Iterable[str]) -> Iterator[None]:
    """Take names away for the length of a block.

    Blocks with the same names may overlap, as those of ranks in several threads do: the first
    takes the names away, the last gives them back.

    Parameters
    ----------
    names
        Dotted names of modules (``torch.nn.utils.prune``) or of attributes
        (``pandas.crosstab``), and patterns of torch's operators (``aten::renorm*``).

    Raises
    ------
    LabFormatError
        If a name does not exist: a misspelt one would withhold nothing.

    Examples
    --------
    >>> import math
    >>> with withheld(["math.hypot"]):
    ...     math.hypot(3, 4)
    Traceback (most recent call last):
    ...
    labs.engine.withhold.WithheldError: math.hypot is withheld in this exercise: write it yourself
    """
    wanted = tuple(names)
    _enter(wanted)
    try:
        yield
    finally:
        _leave(wanted)


@dataclass
class _Hold:
    """How many blocks hold the same names, and what gives those back."""

    blocks: int
    restore: ExitStack


def _enter(names: tuple[str, ...]) -> None:
    with _lock:
        if names in _holds:
            _holds[names].blocks += 1
            return
        with ExitStack() as restore:  # gives back what was taken before a misspelt name
            _take_all(names, restore)
            _holds[names] = _Hold(1, restore.pop_all())


def _leave(names: tuple[str, ...]) -> None:
    with _lock:
        _holds[names].blocks -= 1
        if not _holds[names].blocks:
            _holds.pop(names).restore.close()


def withhold(names: Iterable[str]) -> None:
    """Take names away for the rest of this process, as the grader's sandbox does.

    A module that is not loaded is not loaded for this; a name that does not exist is passed over,
    since the visible check has found it on a complete installation.

    Examples
    --------
    >>> withhold([])
    """
    _take_all(names, None)


def hidden_files(names: Iterable[str]) -> tuple[Path, ...]:
    """Return the files of withheld modules, of a package its folder.

    They are hidden in the sandbox, where a module's file could otherwise be loaded by its path.
    Nothing is imported to find them.

    Parameters
    ----------
    names
        As for `withheld`; attributes and operators have no file of their own.

    Examples
    --------
    >>> [path.name for path in hidden_files(["course_utils.units", "math.hypot", "aten::renorm"])]
    ['units.py']
    >>> [path.name for path in hidden_files(["course_utils"])]
    ['course_utils']
    """
    found = []
    for name in names:
        top, *parts = name.split(".")
        spec = importlib.util.find_spec(top) if top.isidentifier() else None
        for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
            place = Path(folder, *parts)
            candidates = (place, place.with_suffix(".py"))
            found += [path for path in candidates if path.exists()]
    return tuple(sorted(set(found)))


def _take_all(names: Iterable[str], restore: ExitStack | None) -> None:
    """Take names away; without `restore`, for good."""
    wanted = tuple(names)
    taking = _Taking(ExitStack() if restore is None else restore, is_for_good=restore is None)
    patterns = [name for name in wanted if operators.SEPARATOR in name]
    dotted = [name for name in wanted if name not in patterns]
    for name in dotted if restore is not None else ():
        _module(name)
    # All are looked up before the first is taken: one may import another.
    for place in [_place(name) for name in dotted]:
        taking.take(place)
    taking.take_operators(patterns)


def _module(name: str) -> types.ModuleType | None:
    try:
        return importlib.import_module(name)
    except (ImportError, WithheldError):
        return None


@dataclass(frozen=True)
class _Place:
    """Where a name is found: what holds it and what it stands for, each None if not there."""

    name: str
    owner: Any
    attribute: str
    value: Any


def _place(name: str) -> _Place:
    owner, attribute = _owner(name)
    return _Place(name, owner, attribute, _attribute(owner, attribute))


@dataclass(frozen=True)
class _Taking:
    """How names are taken away: what gives them back, and whether that will ever be asked for."""

    restore: ExitStack
    is_for_good: bool

    def take(self, place: _Place) -> None:
        if isinstance(sys.modules.get(place.name), types.ModuleType):
            self._take_module(place.name)
        elif place.value is not None and not isinstance(place.value, types.ModuleType):
            self._poison(_forms(place.value))
        elif place.value is None and self.is_for_good:
            self._block(place.name)  # a module that nobody has loaded, or nothing
        elif place.value is None:
            raise LabFormatError(f"withhold names {place.name}, which does not exist")
        if place.value is not None:
            self._replace(place)

    def take_operators(self, patterns: Sequence[str]) -> None:
        if not patterns:
            return
        names = _operators(tuple(patterns), is_strict=not self.is_for_good)
        for function in operators.python_forms(names):
            self._poison(_forms(function))
        restore = None if self.is_for_good else self.restore
        operators.take(names, refusal=_raiser, restore=restore)

    def _take_module(self, name: str) -> None:
        inner = name + "."
        loaded = {k: m for k, m in sys.modules.items() if k == name or k.startswith(inner)}
        for module in loaded.values():
            self._poison(_functions(module))
        self._block(name)
        for key in loaded:
            del sys.modules[key]
        self.restore.callback(sys.modules.update, loaded)

    def _poison(self, functions: Iterable[types.FunctionType]) -> None:
        """Make functions raise wherever a reference to them is kept."""
        kept = [(function, function.__code__) for function in functions]
        for function, code in kept:
            name = f"{function.__module__}.{function.__name__}"
            function.__code__ = _raising_code(name, code.co_freevars)
        self.restore.callback(_heal, kept)

    def _replace(self, place: _Place) -> None:
        is_module = isinstance(place.value, types.ModuleType)
        stand_in: Any = _Absent(place.name) if is_module else _raiser(place.name)
        is_held = place.attribute in vars(place.owner)
        held = vars(place.owner).get(place.attribute)  # a static method, not the function in it
        try:
            setattr(place.owner, place.attribute, stand_in)
        except (AttributeError, TypeError) as err:
            raise LabFormatError(
                f"withhold names {place.name}, which cannot be replaced: {err}"
            ) from err
        if is_held:
            self.restore.callback(setattr, place.owner, place.attribute, held)
        else:  # inherited, or made when asked for
            self.restore.callback(delattr, place.owner, place.attribute)

    def _block(self, name: str) -> None:
        blocker = _Blocker(name)
        sys.meta_path.insert(0, blocker)
        self.restore.callback(sys.meta_path.remove, blocker)


def _heal(kept: Iterable[tuple[types.FunctionType, types.CodeType]]) -> None:
    for function, code in kept:
        function.__code__ = code


def _owner(name: str) -> tuple[Any, str]:
    """Return the module or class that holds a name, or None, and the name's last part."""
    parent, _, attribute = name.rpartition(".")
    if not parent:
        return None, attribute
    if (module := _module(parent)) is not None:
        return module, attribute
    outer, inner = _owner(parent)
    return _attribute(outer, inner), attribute


def _attribute(owner: Any, name: str) -> Any:
    try:
        return getattr(owner, name, None)
    except Exception:  # a package that loads its modules when asked, and fails to
        return None


@functools.cache
def _operators(patterns: tuple[str, ...], *, is_strict: bool) -> tuple[str, ...]:
    names: list[str] = []
    for pattern in patterns:
        try:
            names += operators.matching(pattern)
        except LabFormatError:
            if is_strict:
                raise
    return tuple(dict.fromkeys(names))


def _raiser(name: str) -> Callable[..., Any]:
    def refuse(*_: Any, **__: Any) -> Any:
        raise WithheldError(f"{name} {_REASON}")

    return refuse


class _Absent(types.ModuleType):
    """Stands where a withheld module was; every attribute raises."""

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        raise WithheldError(f"{self.__name__}.{attribute} {_REASON}")


class _Blocker(importlib.abc.MetaPathFinder):
    """Refuses to find one module and everything below it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - the finder's signature
        target: types.ModuleType | None = None,  # noqa: ARG002 - the finder's signature
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname == self._name or fullname.startswith(self._name + "."):
            raise ModuleNotFoundError(f"{fullname} {_REASON}", name=fullname)
        return None


@functools.cache  # a check calls often, and a large package takes milliseconds
def _functions(module: types.ModuleType) -> tuple[types.FunctionType, ...]:
    """Return every Python function of a module, however deep in wrappers, closures or tables."""
    space = vars(module)
    found: list[types.FunctionType] = []
    seen = {id(space.get(name)) for name in _ASKED_BY_PYTHON}
    ahead: list[Any] = list(space.values())
    while ahead:
        each = ahead.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        kind = type(each)  # isinstance would ask the object itself, which may be taken already
        if issubclass(kind, types.FunctionType):
            if each.__globals__ is space or each.__module__ == module.__name__:
                found.append(each)
                ahead += (each.__closure__, each.__defaults__, each.__kwdefaults__, vars(each))
        elif issubclass(kind, type):
            if each.__module__ == module.__name__:
                ahead += vars(each).values()
        elif issubclass(kind, _HOLDERS) or kind.__module__ == module.__name__:
            ahead += gc.get_referents(each)
    return tuple(found)


def _forms(value: Any) -> Iterator[types.FunctionType]:
    """Yield the Python functions that an attribute consists of; none if it is compiled."""
    if isinstance(value, type):
        module = sys.modules.get(value.__module__)
        inner = f"{value.__qualname__}."
        found = _functions(module) if module is not None else ()
        yield from (each for each in found if each.__qualname__.startswith(inner))
        return
    while value is not None:
        value = getattr(value, "__func__", value)
        if isinstance(value, types.FunctionType):
            yield value
        value = getattr(value, "__wrapped__", None)


@functools.cache  # one large package has thousands of functions, and a check calls often
def _raising_code(name: str, free_variables: tuple[str, ...]) -> types.CodeType:
    """Return code that raises and takes as many closure cells as the function has."""
    source = f"def refuse(*_, **__):\n    raise RuntimeError({name + ' ' + _REASON!r})\n"
    space: dict[str, Any] = {}
    exec(source, space)  # noqa: S102 - the only input is the name of a function of ours
    code: types.CodeType = space["refuse"].__code__
    return code.replace(co_freevars=free_variables)
