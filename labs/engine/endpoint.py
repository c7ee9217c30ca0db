"""The student's end of a check: answers requests by calling the functions of a namespace.

It runs where student code runs (the notebook's kernel, or the sandbox when grading) and knows no
expected value and no verdict. `labs.engine.student` is the other end, `labs.engine.codec` the form
of what passes between them.

A request is ``{"call": NAME or handle, "method": NAME or None, "args": [...], "kwargs": {...},
"keep": bool}``; as a name, ``module:function`` stands for a function of the labs, whatever the
namespace holds. A reply is ``{"value": ...}``, ``{"kept": id}`` or ``{"error": {...}}``. While a
call runs, the endpoint may itself ask: ``{"callback": id, "args": [...]}``.
"""

import importlib
import re
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from labs.engine import codec
from labs.engine.errors import ExchangeError
from labs.engine.withhold import withheld

Exchange = Callable[[bytes], bytes]
MESSAGE_CHARACTERS = 500
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_ENGINE = Path(__file__).parent


class Endpoint:
    """Serves calls to the functions of one namespace, and keeps the results it is told to keep.

    Parameters
    ----------
    namespace
        Where functions are looked up by name; read at each call, never written.
    withhold
        Dotted names that do not exist while student code runs.
    """

    def __init__(self, namespace: Mapping[str, Any], *, withhold: Iterable[str] = ()) -> None:
        self._namespace = namespace
        self._withhold = tuple(withhold)
        self._kept: dict[int, Any] = {}

    def handle(self, message: bytes, exchange: Exchange) -> bytes:
        """Answer one request.

        Parameters
        ----------
        message
            An encoded request.
        exchange
            Sends a callback's message to the check and returns its answer.
        """
        request = codec.decode(message, special=_Resolver(self._kept, exchange), tensors=True)
        try:
            function = self._function(request["call"], request["method"])
            with withheld(self._withhold):
                result = function(*request["args"], **request["kwargs"])
            return self._reply(result, keep=request["keep"])
        except (Exception, SystemExit) as err:  # whatever student code raises is data
            return codec.encode({"error": describe(err)})

    def _function(self, target: Any, method: str | None) -> Callable[..., Any]:
        if isinstance(target, str) and ":" in target:
            return _ours(target)
        if isinstance(target, str):
            if target not in self._namespace:
                raise NotImplementedError(f"there is no function {target}")
            target = self._namespace[target]
        function = getattr(target, method) if method else target
        if not callable(function):
            raise TypeError(f"a {type(function).__name__} is not a function")
        return function  # type: ignore[no-any-return]  # any callable of the student's

    def _reply(self, result: Any, *, keep: bool) -> bytes:
        if keep:
            key = len(self._kept)
            self._kept[key] = result
            return codec.encode({"kept": key})
        return codec.encode({"value": result})


def _ours(name: str) -> Callable[..., Any]:
    """Return a function of the labs that is given as ``module:function``."""
    module, _, attribute = name.partition(":")
    function = getattr(importlib.import_module(module), attribute, None)
    if not callable(function) or not str(function.__module__).startswith("labs."):
        raise ExchangeError(f"{module} has no function {attribute} of its own")
    return function  # type: ignore[no-any-return]  # any callable of ours


class _Resolver:
    """Turns the tags of a request into objects of this process."""

    def __init__(self, kept: Mapping[int, Any], exchange: Exchange) -> None:
        self._kept = kept
        self._exchange = exchange

    def __call__(self, tag: str, content: Any) -> Any:
        if tag == "handle" and content in self._kept:
            return self._kept[content]
        if tag == "ref":
            module, _, name = content["name"].partition(":")
            return getattr(importlib.import_module(module), name)(**content["kwargs"])
        if tag == "callback":
            return self._proxy(content)
        raise ExchangeError(f"a request with the unknown tag {tag!r}")

    def _proxy(self, key: int) -> Callable[..., Any]:
        def ask(*args: Any) -> Any:
            answer = codec.decode(
                self._exchange(codec.encode({"callback": key, "args": list(args)})), tensors=True
            )
            if "error" in answer:
                raise RuntimeError(answer["error"]["message"])
            return answer["value"]

        return ask


def describe(err: BaseException) -> dict[str, str]:
    """Return an error of student code as plain text: its ``name``, ``message`` and ``line``.

    Each is short and the same in every run: no file of a cell, no address of an object. Nothing
    that the error's own methods do gets out of here.

    Examples
    --------
    >>> describe(ValueError("no <Layer object at 0x7f2c30>"))
    {'name': 'ValueError', 'message': 'no <Layer object at 0x...>', 'line': ''}
    """
    if isinstance(err, SyntaxError):
        message = f"{err.msg} (line {err.lineno})" if err.lineno else str(err.msg)
        return _shortened(type(err).__name__, message, (err.text or "").strip())
    try:
        message = str(err)
    except BaseException:  # a __str__ of the student's
        message = "an error that cannot be shown"
    # The last line of the student's, or of what it called: ours would only confuse.
    lines = [
        frame.line
        for frame in traceback.extract_tb(err.__traceback__)
        if frame.line and not _is_ours(Path(frame.filename))
    ]
    return _shortened(type(err).__name__, message, lines[-1] if lines else "")


def _is_ours(path: Path) -> bool:
    return path.is_relative_to(_ENGINE) or "IPython" in path.parts


def _shortened(name: str, message: str, line: str) -> dict[str, str]:
    message = _ADDRESS.sub(" at 0x...", message[: 2 * MESSAGE_CHARACTERS])
    texts = {"name": name, "message": message, "line": line}
    return {key: text[:MESSAGE_CHARACTERS] for key, text in texts.items()}
