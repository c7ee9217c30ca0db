"""Toy exercises over a desk, as in the notebook, and everything that can go wrong there."""

import gc
import queue
import time

import numpy as np
import psutil
import pytest

from labs.engine.errors import LabFormatError
from labs.engine.sandbox.confine import walls_missing
from labs.engine.sandbox.desk import Desk, StoppedError
from labs.engine.sandbox.limits import Limits
from labs.engine.student import (
    NotAttemptedError,
    Student,
    StudentError,
    callback,
    local_student,
    ranks,
    ref,
)
from labs.engine.together import together

WAYS = [
    pytest.param(
        False,
        id="walled",
        marks=pytest.mark.skipif(walls_missing() is not None, reason=str(walls_missing())),
    ),
    pytest.param(True, id="cold"),
]

SOLUTION = """
def scale(x, factor=2):
    return {"scaled": x * factor, "kind": type(x).__name__}

def next_after(x):
    return x + 1

def make_box(start):
    class Box:
        def __init__(self):
            self.content = start
        def add(self, number):
            self.content += number
            return self.content
        def __call__(self):
            return self.content
    return Box()

def take_out(box):
    return box.content

def minimise(oracle, low, high):
    for _ in range(20):
        third = (high - low) / 3
        if oracle(low + third) < oracle(high - third):
            high -= third
        else:
            low += third
    return (low + high) / 2

def ring_sum(rank, size, value, send, recv):
    total, passing = value, value
    for _ in range(size - 1):
        send((rank + 1) % size, passing)
        passing = recv((rank - 1) % size)
        total = total + passing
    return total

def stub():
    raise NotImplementedError()

def leaves():
    raise SystemExit(0)

def strange():
    return object()
"""


@pytest.fixture(scope="module", params=WAYS)
def cold(request):
    return request.param


@pytest.fixture(scope="module")
def toy(cold):
    with Desk(cold=cold) as desk:
        assert desk.run_cell(SOLUTION).is_ok
        yield desk


@pytest.fixture(params=["here", "desk"])
def student(request, toy):
    if request.param == "desk":
        return toy.student()
    space: dict = {}
    exec(SOLUTION, space)
    return local_student(space)


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


def test_data(student):
    answer = student.scale(np.array([1.0, 2.0]), factor=3)
    assert type(answer["scaled"]) is np.ndarray
    assert answer["scaled"].tolist() == [3.0, 6.0]
    assert answer["kind"] == "ndarray"


def test_refs(student):
    assert student.take_out(ref("types:SimpleNamespace", content=5)) == 5


def test_handles(student):
    box = student.make_box.keep(3)
    assert box.method("add", 4) == 7
    assert box() == student.take_out(box) == 7


def test_callbacks(student):
    oracle = callback(lambda x: (x - 1.0) ** 2)
    assert student.minimise(oracle, -4.0, 4.0) == pytest.approx(1.0, abs=8 * (2 / 3) ** 20)
    assert len(oracle.calls) == 40


def test_errors(student):
    for name in ("stub", "no_such_function"):
        with pytest.raises(NotAttemptedError):
            getattr(student, name)()
    with pytest.raises(StudentError, match="leaves raised SystemExit"):
        student.leaves()
    with pytest.raises(StudentError, match="scale raised TypeError"):
        student.scale()
    with pytest.raises(StudentError, match="object"):
        student.strange()


def test_an_error_says_the_same_here_and_there(toy):
    space: dict = {}
    exec(SOLUTION, space)
    said = []
    for student in (local_student(space), toy.student()):
        with pytest.raises(StudentError) as caught:
            student.scale(None, factor=[])
        said.append(str(caught.value).partition(" at ")[0])  # only cells have lines to quote
    assert "TypeError" in said[0]
    with pytest.raises(StudentError, match=r"at `return \{\"scaled\": x \* factor"):
        toy.student().scale(None, factor=[])


def test_ranks_on_desks_of_their_own(cold):
    size, made = 3, []
    boxes = {(a, b): queue.Queue() for a in range(size) for b in range(size)}
    sent = []

    def rank() -> Student:
        desk = Desk(cold=cold)
        made.append(desk)
        desk.run_cell(SOLUTION)
        return desk.student()

    def call(number, student):
        def send(to, value):
            sent.append((number, to))
            boxes[number, to].put(value)

        def receive(sender):
            return boxes[sender, number].get(timeout=20)

        value = np.full(4, number + 1.0)
        return lambda: student.ring_sum(number, size, value, callback(send), callback(receive))

    try:
        with Desk(cold=cold) as first:
            students = ranks(first.student(rank=rank), size)
            results = together([call(number, s) for number, s in enumerate(students)])
    finally:
        for desk in made:
            desk.close()
    assert [r.tolist() for r in results] == [[6.0] * 4] * size
    assert len(sent) == size * (size - 1)


def test_a_fresh_student_has_no_results_of_the_one_before(toy):
    box = toy.student().make_box.keep(3)
    assert box() == 3
    toy.student()
    with pytest.raises(StudentError, match="handle"):
        box()


def test_cells_are_those_of_a_notebook(toy):
    for cell in (
        "%%capture\nprint(1)",
        "import asyncio\nawait asyncio.sleep(0)",
        "%timeit -n1 -r1 1",
        "print('x' * 10_000)\n1 + 1",
        "display({'text/html': '<b>'}, raw=True)",
        "later = 1",
    ):
        assert toy.run_cell(cell).is_ok, cell
    assert toy.run_cell("assert later == 1").is_ok


@pytest.mark.parametrize(
    ("cell", "name", "message", "line"),
    [
        ("1 / 0", "ZeroDivisionError", "division by zero", "1 / 0"),
        ("def f(:", "SyntaxError", "invalid syntax (line 1)", "def f(:"),
        ("a\0b", "SyntaxError", "source code string cannot contain null bytes", ""),
        ("import sys\nsys.exit(3)", "SystemExit", "3", "sys.exit(3)"),
        ("exit()", "SystemExit", "", "exit()"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", "", "raise KeyboardInterrupt"),
        ("raise ValueError(object())", "ValueError", "<object object at 0x...>", None),
        ("raise ValueError('\\ud800')", "ValueError", "?", None),
        ("x = '\ud800'", "UnicodeEncodeError", None, None),
        ("(" * 300, "SyntaxError", None, None),
        ("%nomagic", "UsageError", "Line magic function `%nomagic` not found.", None),
        ("class E(Exception):\n    def __str__(self): 1 / 0\nraise E", "E", None, "raise E"),
        ("raise type('N' * 9999, (Exception,), {})('m' * 9999)", "N" * 500, "m" * 500, None),
    ],
)
def test_what_a_cell_raises_is_data(toy, cell, name, message, line):
    ending = toy.run_cell(cell)
    assert (ending.is_ok, ending.is_alive, ending.name) == (False, True, name)
    assert message is None or ending.message == message
    assert line is None or ending.line == line
    assert toy.student().next_after(1) == 2


def test_random_numbers_start_the_same(fresh):
    code = "import random\nimport numpy as np\ndrawn = [random.random(), np.random.rand()]"
    one, two = (fresh(code + "\ndef f(): return drawn").student().f() for _ in range(2))
    assert one == two


def test_names_are_gone_before_the_first_cell(cold):
    with Desk(cold=cold, withhold=["course_utils.units", "math.hypot"]) as desk:
        ending = desk.run_cell("import course_utils.units")
        assert "withheld in this exercise" in ending.message
        assert "math.hypot is withheld" in desk.run_cell("import math; math.hypot(3, 4)").message


def test_a_name_that_cannot_be_withheld_is_our_mistake(cold):
    with pytest.raises(LabFormatError, match="cannot be replaced"):
        Desk(cold=cold, withhold=["builtins.int.real"])


def test_close_ends_what_it_started_and_wakes_who_waits(cold):
    desk = Desk(cold=cold)
    desk.run_cell("import time, os\ndef f():\n    os.fork()\n    time.sleep(1000)")
    below = psutil.Process(desk._process.pid).children(recursive=True)
    student = desk.student()
    start_s = time.perf_counter()
    with pytest.raises(StudentError, match="no end after"):
        together([student.f], timeout_s=0.5)
    desk.close()
    desk.close()
    assert time.perf_counter() - start_s < 30
    _, alive = psutil.wait_procs(below, timeout=10)
    assert not alive
    assert not desk.is_alive
    with pytest.raises(StoppedError, match="closed"):
        student.f()


def test_desks_leave_no_open_files(cold):
    with Desk(cold=cold):
        pass
    before = psutil.Process().num_fds()
    for _ in range(2):
        with Desk(cold=cold) as desk:
            desk.run_cell("1")
    gc.collect()
    assert psutil.Process().num_fds() <= before
