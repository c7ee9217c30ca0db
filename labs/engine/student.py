"""The check's end: a student's functions as something to call, with plain data coming back.

``student.quantize(weights)`` sends a request and returns exact builtins and ndarrays. Four forms of
argument and result exist:

- data: numbers, texts, lists, tuples, dicts, arrays, tensors (`labs.engine.codec`);
- ``ref("labs.shared.networks:ds_cnn", width=1.0)``: a public builder, called where the student is;
- ``handle = student.build.keep(3)``: a result that stays there, named in later calls;
- ``callback(function)``: a function of the check's, served here whenever student code calls it.

`apart` calls a function of ours in a process that holds no student code, for what a check must not
do itself with an answer, such as compile a program that a student wrote.

What a callback was called with is recorded here (``callback.calls``), so bytes, messages and calls
are observed, never reported by student code. The same code serves the notebook (`local_student`)
and a sandbox (any other `Request`); nothing here judges.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labs.engine import codec
from labs.engine.endpoint import MESSAGE_CHARACTERS, Endpoint
from labs.engine.errors import ExchangeError
from labs.engine.evidence import brief

Serve = Callable[[bytes], bytes]
Request = Callable[[bytes, Serve], bytes]
Apart = Callable[[bytes], bytes]
_OURS = re.compile(r"labs(\.[a-z][a-z0-9_]*)+:[A-Za-z][A-Za-z0-9_]*")


class StudentError(Exception):
    """Student code raised, or answered with something that is no data."""

    def __init__(self, function: str, name: str, message: str, line: str = "") -> None:
        at = f" at `{line}`" if line else ""
        super().__init__(
            f"{function} raised {name}{at}: {message}"
            if message
            else f"{function} raised {name}{at}"
        )
        self.name = name


class NotAttemptedError(StudentError):
    """The function is missing or still the stub."""


class ApartError(Exception):
    """A function of ours raised, or was stopped, at work on what student code gave.

    No `StudentError`: `labs.engine.checks.raises` must not take it for what the student's function
    raised.

    Parameters
    ----------
    sentence
        What happened.
    name
        Class of the error, or the name of what stopped the function.
    is_stopped
        Whether it was stopped, and did not end by itself.
    """

    def __init__(self, sentence: str, *, name: str, is_stopped: bool = False) -> None:
        super().__init__(sentence)
        self.name = name
        self.is_stopped = is_stopped


@dataclass(frozen=True)
class Ref:
    """A public builder by name, with the keyword arguments to call it with."""

    name: str
    kwargs: Mapping[str, Any]


def ref(name: str, **kwargs: Any) -> Ref:
    """Return an argument that is built where student code runs.

    Parameters
    ----------
    name
        ``module:function`` of a public builder.
    kwargs
        Plain data for the builder.

    Examples
    --------
    >>> ref("labs.shared.networks:ds_cnn", width=0.5).name
    'labs.shared.networks:ds_cnn'
    """
    if name.count(":") != 1:
        raise ExchangeError(f"ref({name!r}): write it as 'module:function'")
    return Ref(name, kwargs)


@dataclass
class Callback:
    """A function of the check's that student code may call; `calls` holds each call's arguments."""

    function: Callable[..., Any]
    calls: list[tuple[Any, ...]] = field(default_factory=list)

    def __repr__(self) -> str:
        return getattr(self.function, "__name__", "callback")

    def __call__(self, *args: Any) -> Any:
        """Record the arguments and call the function."""
        self.calls.append(args)
        return self.function(*args)


def callback(function: Callable[..., Any]) -> Callback:
    """Return a function as an argument that student code can call.

    Examples
    --------
    >>> double = callback(lambda x: 2 * x)
    >>> double(3), double.calls
    (6, [(3,)])
    """
    return Callback(function)


@dataclass(frozen=True)
class Call:
    """One call that a check made, as text for the table under the exercise."""

    request: str
    answer: str


class Student:
    """A student's functions, each an attribute to call.

    Parameters
    ----------
    request
        Sends an encoded request, serves the callbacks that come back meanwhile, returns the reply.
    rank
        Makes a further student with state of its own, for exercises with several ranks.
    apart
        Sends an encoded request to where no student code is and returns the reply.
    """

    def __init__(
        self,
        request: Request,
        *,
        rank: Callable[[], "Student"] | None = None,
        apart: Apart | None = None,
    ) -> None:
        self._request = request
        self._rank = rank
        self._apart = apart
        self._calls: list[Call] = []

    def __getattr__(self, name: str) -> "StudentFunction":
        if name.startswith("_"):
            raise AttributeError(name)
        return StudentFunction(self, name)


@dataclass(frozen=True)
class Handle:
    """Something that stays where student code runs; call it, or one of its methods."""

    student: Student
    key: int
    label: str

    def __repr__(self) -> str:
        return self.label

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the object itself, as in ``model(x)``."""
        return _send(self.student, self, args=args, kwargs=kwargs)

    def method(self, name: str, *args: Any) -> Any:
        """Call a method of the object, as in ``optimizer.method("step")``."""
        return _send(self.student, self, args=args, kwargs={}, method=name)


@dataclass(frozen=True)
class StudentFunction:
    """One function of a student."""

    student: Student
    name: str

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it; the result comes back as plain data."""
        return _send(self.student, self.name, args=args, kwargs=kwargs)

    def keep(self, *args: Any, **kwargs: Any) -> Handle:
        """Call it; the result stays where it is and a `Handle` comes back."""
        key = _send(self.student, self.name, args=args, kwargs=kwargs, keep=True)
        return Handle(self.student, key, f"{self.name}(...)")


def _send(
    student: Student,
    target: str | Handle,
    *,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    method: str | None = None,
    keep: bool = False,
) -> Any:
    """Send one request to student code and return what came back.

    Raises
    ------
    NotAttemptedError
        If the function is missing or still the stub.
    StudentError
        If it raised something else, or returned what is no data.
    ExchangeError
        If the reply is malformed.
    """
    label = target if isinstance(target, str) else target.label
    label = f"{label}.{method}" if method else label
    line = _Line(student)
    request = {"call": target, "method": method, "args": list(args), "kwargs": dict(kwargs)}
    message = codec.encode(request | {"keep": keep}, special=line.tag)
    reply = codec.decode(student._request(message, line.serve))
    line.raise_pending()
    text = f"{label}({', '.join(map(brief, args))})"
    if error := _error_in(reply):
        student._calls.append(Call(text, error["name"]))
        kind = NotAttemptedError if error["name"] == "NotImplementedError" else StudentError
        raise kind(label, **error)
    wanted = "kept" if keep else "value"
    is_key = not keep or (isinstance(reply, dict) and type(reply.get("kept")) is int)
    if not isinstance(reply, dict) or set(reply) != {wanted} or not is_key:
        raise ExchangeError(f"a reply to {label} that is neither a result nor an error")
    student._calls.append(Call(text, "kept" if keep else brief(reply[wanted])))
    return reply[wanted]


def _error_in(reply: Any) -> dict[str, str]:
    """Return name, message and line of the error in a reply; nothing if there is none."""
    if isinstance(reply, dict) and set(reply) == {"error"} and isinstance(reply["error"], dict):
        texts = {key: str(reply["error"].get(key, "")) for key in ("name", "message", "line")}
        return {key: text[:MESSAGE_CHARACTERS] for key, text in texts.items()}
    return {}


class _Line:
    """The callbacks of one request: tags them on the way out, serves them on the way back."""

    def __init__(self, student: Student) -> None:
        self._student = student
        self._callbacks: list[Callback] = []
        self._pending: BaseException | None = None

    def tag(self, value: Any) -> dict[str, Any] | None:
        if isinstance(value, Ref):
            return {"t": "ref", "v": {"name": value.name, "kwargs": dict(value.kwargs)}}
        if isinstance(value, Handle):
            if value.student is not self._student:
                raise ExchangeError(f"{value.label} lives with another rank; send its data instead")
            return {"t": "handle", "v": value.key}
        if isinstance(value, Callback):
            self._callbacks.append(value)
            return {"t": "callback", "v": len(self._callbacks) - 1}
        return None

    def serve(self, message: bytes) -> bytes:
        try:
            function, args = self._asked(codec.decode(message))
            return codec.encode({"value": function(*args)})
        except Exception as err:  # raised again in the check, once the call is over
            self._pending = self._pending or err
            return codec.encode({"error": {"message": "the check refused this call"}})

    def _asked(self, message: Any) -> tuple[Callback, list[Any]]:
        match message:
            case {"callback": int(key), "args": list(args), **rest} if not rest:
                if 0 <= key < len(self._callbacks):
                    return self._callbacks[key], args
        raise ExchangeError("a malformed callback")

    def raise_pending(self) -> None:
        """Raise what a callback of the check raised: student code cannot swallow it."""
        if self._pending is not None:
            raise self._pending


def local_student(namespace: Mapping[str, Any], *, withhold: Iterable[str] = ()) -> Student:
    """Return a student whose functions live in a namespace of this process.

    Every request still goes through the encoder and decoder, so a check sees the same plain data
    here and when grading.

    Parameters
    ----------
    namespace
        Where the functions are looked up by name.
    withhold
        Dotted names that do not exist while student code runs.

    Examples
    --------
    >>> student = local_student({"double": lambda x: 2 * x})
    >>> student.double(4)
    8
    """
    names = tuple(withhold)

    def fresh() -> Student:
        request = Endpoint(namespace, withhold=names).handle
        return Student(
            request, rank=fresh, apart=lambda each: Endpoint({}).handle(each, no_callback)
        )

    return fresh()


def ranks(student: Student, number: int) -> tuple[Student, ...]:
    """Return several students with the same functions and separate state, one a rank.

    Raises
    ------
    ExchangeError
        If this student cannot be multiplied.
    """
    if student._rank is None:
        raise ExchangeError("this student has a single rank")
    return tuple(student._rank() for _ in range(number))


def apart(student: Student, function: str, /, **kwargs: Any) -> Any:
    """Call a function of ours where there is no student code, and return what it returns.

    In a notebook that is here. When grading it is a process behind the same walls as student code,
    in which nothing is withheld and programs may start. What it is given may be hostile: it must
    not run what a student wrote as a native program, which could then answer in its place.

    Parameters
    ----------
    student
        Whose answer it works on: the call stands among theirs, and its time counts as theirs.
    function
        ``module:function``, public and of the labs.
    kwargs
        Plain data for it.

    Raises
    ------
    ApartError
        If the function raised, or was stopped at a limit.
    ExchangeError
        If the name is not of that form, an argument is no data, or this student has no such place.

    Examples
    --------
    >>> apart(local_student({}), "labs.engine.evidence:brief", value="a" * 9, characters=4)
    "'aa…"
    """
    if not _OURS.fullmatch(function):
        raise ExchangeError(
            f"apart({function!r}): name a public function of the labs as 'labs.module:function'"
        )
    if student._apart is None:
        raise ExchangeError(f"apart({function!r}): this student has no place apart")
    request: dict[str, Any] = {"call": function, "method": None, "args": [], "keep": False}
    reply = codec.decode(student._apart(codec.encode(request | {"kwargs": kwargs})))
    # Short: a student did not write this call.
    given = ", ".join(f"{name}={brief(value, characters=24)}" for name, value in kwargs.items())
    called = f"{function.partition(':')[2]}({given})"
    if error := _error_in(reply):
        student._calls.append(Call(called, error["name"]))
        sentence = f"the course's function {function} raised {error['name']}: {error['message']}"
        raise ApartError(sentence, name=error["name"])
    if not isinstance(reply, dict) or set(reply) != {"value"}:
        raise ExchangeError(f"a reply to {function} that is neither a result nor an error")
    student._calls.append(Call(called, brief(reply["value"], characters=24)))
    return reply["value"]


def no_callback(_: bytes) -> bytes:
    """Serve the callbacks of a request that has none: raises `ExchangeError`."""
    raise ExchangeError("a callback that nobody had offered")


def calls_of(student: Student) -> tuple[Call, ...]:
    """Return the calls made so far, oldest first."""
    return tuple(student._calls)
