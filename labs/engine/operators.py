"""Takes operators of torch away, by whatever name they are called.

One operator has many names (``torch.renorm``, ``Tensor.renorm_``, ``torch._VF``,
``torch.ops.aten``, TorchScript), and all of them end at one dispatcher. `take` puts a function that
raises in the place of its kernels there, for every thread; `python_forms` finds what torch has of
the same operator in Python (``_refs``, decompositions), for the caller to make raise. Which
operators an exercise withholds is known to `labs.engine.withhold`.
"""

import ctypes
import functools
import importlib
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from fnmatch import translate
from typing import Any

from labs.engine.errors import LabFormatError

SEPARATOR = "::"
# Every other way to an operator ends in the kernel of a device.
_KEYS = ("CPU", "CUDA", "QuantizedCPU", "QuantizedCUDA")


def matching(pattern: str) -> tuple[str, ...]:
    """Return the operators whose name matches a pattern, with their overloads.

    Parameters
    ----------
    pattern
        ``NAMESPACE::NAME``; ``*`` stands for any characters.

    Raises
    ------
    LabFormatError
        If there is none: a misspelt pattern would withhold nothing.

    Examples
    --------
    >>> matching("aten::renorm*")
    ('aten::renorm', 'aten::renorm.out', 'aten::renorm_')
    """
    import torch  # noqa: PLC0415 - only exercises that withhold operators pay for torch

    wanted = re.compile(translate(pattern))
    # An overload is written after a dot; who names the operator means all of them.
    found = sorted(
        name
        for name in torch._C._dispatch_get_all_op_names()
        if wanted.match(name) or wanted.match(name.partition(".")[0])
    )
    if not found:
        raise LabFormatError(f"withhold names {pattern}, and torch has no such operator")
    return tuple(found)


def take(
    names: Iterable[str],
    *,
    refusal: Callable[[str], Callable[..., Any]],
    restore: ExitStack | None,
) -> None:
    """Make operators raise in every thread of this process.

    Parameters
    ----------
    names
        Operators with overloads, as `matching` returns them.
    refusal
        Gives the function that raises for a name.
    restore
        Gives the operators back when it is closed; None takes them away for good.
    """
    import torch  # noqa: PLC0415 - as above

    by_namespace: dict[str, list[str]] = {}
    for name in names:
        by_namespace.setdefault(name.partition(SEPARATOR)[0], []).append(name)
    for namespace, members in by_namespace.items():
        # What torch.library.Library wraps: that class would be found and undone by student code.
        library = torch._C._dispatch_library("IMPL", namespace, "", __file__, 0)
        with warnings.catch_warnings():  # torch says once that kernels are overridden: they are
            warnings.simplefilter("ignore")
            for name in members:
                for key in _KEYS:
                    library.impl(name, key, refusal(name))
        if restore is None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(library))  # never freed, never found
        else:
            restore.callback(library.reset)


def python_forms(names: Iterable[str]) -> Iterator[Callable[..., Any]]:
    """Yield the functions with which torch itself writes these operators in Python."""
    bare = {name.partition(SEPARATOR)[2].partition(".")[0] for name in names}
    for operator, function in _decompositions():
        if operator.partition(SEPARATOR)[2].partition(".")[0] in bare:
            yield function


@functools.cache
def _decompositions() -> tuple[tuple[str, Callable[..., Any]], ...]:
    try:
        importlib.import_module("torch._refs")  # registers itself among the decompositions
        from torch._decomp import global_decomposition_table  # noqa: PLC0415 - as above
    except ImportError:  # another torch keeps them elsewhere; the operators themselves still raise
        return ()
    tables: Iterable[Mapping[Any, Callable[..., Any]]] = [
        table for kind, table in global_decomposition_table.items() if kind != "meta"
    ]  # those of kind "meta" know shapes and no numbers
    return tuple(
        (operator.name(), function)
        for table in tables
        for operator, function in table.items()
        if hasattr(operator, "name")
    )
