"""What ends a desk: limits, processes that end, lines that are garbled; and what must not."""

import pytest

from labs.engine import codec
from labs.engine.checks import Case, judge
from labs.engine.sandbox import line
from labs.engine.sandbox.confine import walls_missing
from labs.engine.sandbox.desk import Desk, StoppedError
from labs.engine.sandbox.limits import MIB, Limits
from labs.engine.student import StudentError, callback

WAYS = [
    pytest.param(
        False,
        id="walled",
        marks=pytest.mark.skipif(walls_missing() is not None, reason=str(walls_missing())),
    ),
    pytest.param(True, id="cold"),
]


@pytest.fixture(scope="module", params=WAYS)
def cold(request):
    return request.param


@pytest.fixture
def fresh(cold):
    """A function that makes a desk with small limits and runs a cell in it."""
    made = []

    def make(code: str, **limits) -> Desk:
        desk = Desk(cold=cold, limits=Limits(**{"cpu_s": 1.0, "wall_s": 60.0, **limits}))
        made.append(desk)
        ending = desk.run_cell(code)
        assert ending.is_ok, ending
        return desk

    yield make
    for desk in made:
        desk.close()


def stopped(desk: Desk, *, name: str, match: str, cell: str | None = None) -> None:
    """Assert that a call (or a cell) ends the desk, and that nothing is answered any more."""
    if cell is None:
        with pytest.raises(StoppedError, match=rf"^f {match}") as caught:
            desk.student().f()
        assert caught.value.name == name
    else:
        ending = desk.run_cell(cell)
        assert (ending.is_ok, ending.is_alive, ending.name) == (False, False, name)
        assert ending.message.startswith(match)
    assert not desk.is_alive
    with pytest.raises(StoppedError, match="was not called, because what ran before it"):
        desk.student().f()
    again = desk.run_cell("1")
    assert (again.is_ok, again.is_alive, again.name) == (False, False, name)


def test_an_endless_loop_takes_processor_time(fresh):
    code = "def f():\n    while True: pass"
    stopped(fresh(code), name="TimeoutError", match=r"took more than 1 s of processor time")
    stopped(
        fresh(""), name="TimeoutError", match="took more than 1 s of processor", cell="while 1: 1"
    )


def test_processor_time_of_a_child_counts(fresh):
    code = "import os\ndef f():\n    if os.fork() == 0:\n        while True: pass\n    os.wait()"
    stopped(fresh(code), name="TimeoutError", match="took more than 1 s of processor time")


def test_sleeping_for_ever_ends_by_the_wall_clock(fresh):
    desk = fresh("import time\ndef f():\n    time.sleep(1000)", wall_s=2.0)
    stopped(desk, name="TimeoutError", match=r"had not returned after 2 s")


def test_a_byte_now_and_then_ends_by_the_wall_clock(fresh):
    body = "raw(header(9_000_000, b'A', number()))\n    while True: raw(b'x'); time.sleep(0.01)"
    desk = fresh(CHANNEL + f"def f():\n    {body}", wall_s=2.0)
    stopped(desk, name="TimeoutError", match=r"had not returned after 2 s")


@pytest.mark.parametrize(
    ("code", "how"),
    [
        ("os._exit(0)", "ended itself with code 0"),
        ("os._exit(7)", "ended itself with code 7"),
        ("os.kill(os.getpid(), 9)", "was ended by SIGKILL"),
        ("import ctypes; ctypes.string_at(0)", "was ended by SIGSEGV"),
    ],
)
def test_a_process_that_ends(fresh, code, how):
    match = f"did not return: its process {how}"
    stopped(fresh(f"import os\ndef f():\n    {code}"), name="ProcessEnded", match=match)
    stopped(fresh("import os"), name="ProcessEnded", match=match, cell=code)


# Finds the channel whatever its number is, as student code could.
CHANNEL = """
import gc, os, socket, struct, time
def is_open(it):
    try:
        return isinstance(it, socket.socket) and bool(it.getpeername() or True)
    except OSError:
        return False
channel = next(it for it in gc.get_objects() if is_open(it))
raw = channel.sendall
def header(size, kind, number):
    return struct.pack(">IcI", size, kind, number)
def number():
    import sys
    frame = sys._getframe()
    while frame and "exchange" not in frame.f_locals:
        frame = frame.f_back
    return frame.f_locals["exchange"]._number
def answer(value, number):
    from labs.engine import codec
    content = codec.encode(value)
    raw(header(len(content), b"A", number) + content)
"""


@pytest.mark.parametrize(
    "body",
    [
        "raw(b'nonsense' * 10)",
        "raw(header(2**31, b'A', number()))",
        "raw(header(4, b'D', number()) + b'null')",
        "raw(header(4, b'?', number()) + b'null')",
        "answer({'value': 1}, number() + 1)",
        "answer({'value': 1}, number() - 1)",
        "raw(header(0, b'C', number() + 1))",
    ],
    ids=["nonsense", "too long", "done", "unknown kind", "early", "late", "callback"],
)
def test_a_garbled_line(fresh, body):
    desk = fresh(CHANNEL + f"def f():\n    {body}\n    time.sleep(30)")
    stopped(desk, name="Garbled", match=r"(garbled its line|sent what nobody had asked for)")


def test_a_closed_line(fresh, monkeypatch):
    monkeypatch.setattr(line, "ENDS_WITHIN_S", 0.3)
    desk = fresh(CHANNEL + "def f():\n    os.close(channel.fileno())\n    time.sleep(30)")
    stopped(desk, name="Garbled", match="closed its line")


def test_a_cell_that_garbles_its_ending(fresh):
    desk = fresh(CHANNEL)
    for content in (b"[]", b"{", b'{"error": 1}', b'{"error": {"name": 1}}', b"[" * 9000):
        ending = desk.run_cell(f"raw(header({len(content)}, b'D', number()) + {content!r})")
        assert (ending.is_ok, ending.name) == (False, "Garbled")
        assert not desk.run_cell("1").is_alive  # the true ending came second: late, and refused
        desk = fresh(CHANNEL)


def test_a_forged_answer_is_that_calls_answer_and_no_others(fresh):
    desk = fresh(CHANNEL + "def f():\n    answer({'value': 42}, number())\n    return 43")
    student = desk.student()
    assert student.f() == 42
    with pytest.raises(StoppedError, match="garbled"):  # the true answer comes late
        student.f()
    assert not desk.is_alive


def test_a_child_and_a_thread_that_answer_too(fresh):
    body = "def f():\n    pid = os.fork()\n    return os.getpid() if pid else 42"
    desk = fresh(CHANNEL + body)  # the child comes back to our loop, which ends it there
    student = desk.student()
    assert student.f() > 1
    assert student.f() > 1
    body = (
        "import threading\ndef f():\n    n = number()\n    later = lambda: (time.sleep(0.3),"
        " answer({'value': 42}, n))\n    threading.Thread(target=later).start()\n    return 1\n"
        "def g():\n    time.sleep(1)\n    return 2"
    )
    desk = fresh(CHANNEL + body)
    student = desk.student()
    assert student.f() == 1
    with pytest.raises(StoppedError, match="g garbled its line"):
        student.g()


def test_callbacks_that_flood(fresh, monkeypatch):
    monkeypatch.setattr(line, "MAX_CALLBACKS", 100)
    desk = fresh(
        "def f(ask):\n    while True:\n        try: ask(1)\n        except Exception: pass"
    )
    asked = callback(lambda x: x)
    with pytest.raises(StoppedError, match="called back more than 100 times"):
        desk.student().f(asked)
    assert len(asked.calls) == 100
    monkeypatch.setattr(codec, "MAX_BYTES", 10 * MIB)
    desk = fresh("def f(ask):\n    while True: ask('x' * 3_000_000)")
    with pytest.raises(StoppedError, match="bytes in all"):
        desk.student().f(callback(lambda x: 0))


def test_a_callback_nobody_may_ask_for(fresh):
    desk = fresh(CHANNEL)
    ending = desk.run_cell("raw(header(2, b'C', number()) + b'{}')")
    assert (ending.is_ok, ending.is_alive, ending.name) == (False, False, "Garbled")


def test_a_giant_answer(fresh):
    desk = fresh("import numpy as np\ndef f(): return np.zeros(80 * 2**20, dtype=np.uint8)")
    with pytest.raises(StudentError, match="at most") as caught:
        desk.student().f()
    assert caught.value.name == "ExchangeError"
    assert desk.is_alive


def test_no_memory_is_an_error_like_any_other(fresh):
    code = "def f(): return len(bytearray(4 * 2**30))\ndef g(): return 1"
    desk = fresh(code, memory_bytes=256 * MIB)
    with pytest.raises(StudentError, match="f raised MemoryError"):
        desk.student().f()
    assert desk.student().g() == 1


def test_endless_recursion_is_an_error_like_any_other(fresh):
    desk = fresh("def f(): return f()")
    with pytest.raises(StudentError, match="f raised RecursionError"):
        desk.student().f()


PATCHED = """
import builtins, json, socket, sys
import numpy as np
def f():
    return 1
def wrong(*_, **__):
    return b'"nonsense"'
"""


@pytest.mark.parametrize(
    "patch",
    [
        "json.dumps = wrong",
        "json.loads = wrong",
        "np.lib.format.write_array = wrong",
        "socket.socket.sendall = wrong",
        "socket.socket.recv = wrong",
        "builtins.len = lambda x: 3",
        "builtins.isinstance = lambda *a: True",
        "from labs.engine import codec; codec.encode = lambda v: b'x' * 100",
        "sys.modules.clear()",
        "get_ipython().run_cell = wrong",
        "from labs.engine.endpoint import Endpoint; Endpoint.handle = wrong",
    ],
)
def test_a_patched_process_harms_only_itself(fresh, patch):
    desk = fresh(PATCHED, wall_s=1.0)
    assert desk.run_cell("1").is_alive
    desk.run_cell(patch)
    outcome = judge([Case("0.1", "case", "It returns 2.", 1.0, _returns_two)], desk.student)
    assert outcome.share == 0


def _returns_two(student, rng):
    assert student.f() == 2, "f returns 2"


def test_a_stop_is_a_failed_case_with_a_sentence(fresh):
    desk = fresh("import os\ndef f(): os._exit(0)")
    outcome = judge([Case("0.1", "case", "It returns 2.", 1.0, _returns_two)], desk.student)
    assert outcome.status == "failed"
    (case,) = outcome.cases
    assert case.message == "f did not return: its process ended itself with code 0"
