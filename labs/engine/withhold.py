"""Withholds names from student code: the answer "import it" must not work, however it is written.

`withheld` serves the visible check, in the student's own kernel: for the length of one call the
modules cannot be imported, their attributes raise, and references kept from earlier cells raise
too where they are Python functions. A reference kept to a compiled function still works there; when
grading, names are withheld before the first cell of the exercise runs (`withhold`), so there is
none. This module decides nothing: names come from ``withhold`` in lab.toml.
"""

import functools
import importlib
import importlib.abc
import importlib.machinery
import sys
import threading
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from labs.engine.errors import LabFormatError

_REASON = "is withheld in this exercise: write it yourself"
_ASKED_BY_PYTHON = ("__getattr__", "__dir__")  # of a module, also by who only looks through it
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
        (``torch.quantize_per_tensor``).

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

    Examples
    --------
    >>> withhold([])
    """
    _take_all(names, ExitStack())


def _take_all(names: Iterable[str], restore: ExitStack) -> None:
    # All are imported before the first is taken: one may import another.
    for name, module in [(name, _module(name)) for name in names]:
        parent_name, _, attribute = name.rpartition(".")
        if module is None:
            _take_attribute(parent_name, attribute, restore)
            continue
        for inner in [m for key, m in sys.modules.items() if key.startswith(name + ".")]:
            _poison_functions(inner, restore)
        _poison_functions(module, restore)
        _block_import(name, restore)
        if parent_name:
            _replace(importlib.import_module(parent_name), attribute, name, restore)


def _module(name: str) -> types.ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _take_attribute(parent_name: str, attribute: str, restore: ExitStack) -> None:
    try:
        owner: Any = importlib.import_module(parent_name)
    except (ImportError, ValueError):
        module_name, _, class_name = parent_name.rpartition(".")
        owner = getattr(sys.modules.get(module_name), class_name, None)
    if owner is None or not hasattr(owner, attribute):
        raise LabFormatError(f"withhold names {parent_name}.{attribute}, which does not exist")
    _replace(owner, attribute, f"{parent_name}.{attribute}", restore)


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


def _replace(owner: Any, attribute: str, name: str, restore: ExitStack) -> None:
    kept = getattr(owner, attribute)
    stand_in: Any = _Absent(name) if isinstance(kept, types.ModuleType) else _raiser(name)
    try:
        setattr(owner, attribute, stand_in)
    except (AttributeError, TypeError) as err:
        raise LabFormatError(f"withhold names {name}, which cannot be replaced: {err}") from err
    restore.callback(setattr, owner, attribute, kept)


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


def _block_import(name: str, restore: ExitStack) -> None:
    kept = {k: m for k, m in sys.modules.items() if k == name or k.startswith(name + ".")}
    blocker = _Blocker(name)
    sys.meta_path.insert(0, blocker)
    restore.callback(sys.meta_path.remove, blocker)
    for key in kept:
        del sys.modules[key]
    restore.callback(sys.modules.update, kept)


def _poison_functions(module: types.ModuleType, restore: ExitStack) -> None:
    """Make every Python function of a module raise, for references kept from earlier cells."""
    for holder in (module, *(x for x in vars(module).values() if isinstance(x, type))):
        if getattr(holder, "__module__", module.__name__) != module.__name__:
            continue
        for function in list(vars(holder).values()):
            function = getattr(function, "__func__", function)  # noqa: PLW2901 - unwrap class methods
            if getattr(function, "__module__", None) != module.__name__:
                continue
            if isinstance(function, types.FunctionType):
                if holder is module and function.__name__ in _ASKED_BY_PYTHON:
                    continue
                kept = function.__code__
                name = f"{module.__name__}.{function.__name__}"
                function.__code__ = _raising_code(name, kept.co_freevars)
                restore.callback(setattr, function, "__code__", kept)


@functools.cache  # one large package has thousands of functions, and a check calls often
def _raising_code(name: str, free_variables: tuple[str, ...]) -> types.CodeType:
    """Return code that raises and takes as many closure cells as the function has."""
    source = f"def refuse(*_, **__):\n    raise RuntimeError({name + ' ' + _REASON!r})\n"
    space: dict[str, Any] = {}
    exec(source, space)  # noqa: S102 - the only input is the name of a function of ours
    code: types.CodeType = space["refuse"].__code__
    return code.replace(co_freevars=free_variables)
