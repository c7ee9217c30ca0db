"""Attacks on the line between a check and student code: frames, replies, callbacks, handles.

The check below asks a function, serves a callback, keeps a handle and calls its method. Honest code
passes it; each cell of hostile_lines.toml abuses one of these, and must neither pass, nor stop the
grader, nor make it say more than a sentence.
"""

import sys
import tomllib

import pytest
from attack_corpus import HERE

from labs.engine.checks import assert_equal, check, judge
from labs.engine.sandbox.confine import walls_missing
from labs.engine.sandbox.desk import Desk
from labs.engine.sandbox.limits import MIB, Limits
from labs.engine.student import callback

LINES = tomllib.loads((HERE / "hostile_lines.toml").read_text(encoding="utf-8"))
LIMITS = Limits(memory_bytes=512 * MIB, cpu_s=1.0, wall_s=2.0)
HONEST = """
def f(n, ask):
    return ask(n) + 38
def k():
    return type("K", (), {"step": lambda self: 42})()
"""

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the payloads are for Linux"),
    pytest.mark.skipif(walls_missing() is not None, reason=f"no walls here: {walls_missing()}"),
]


@check("9.9", sentence="It asks once a call, and is right.")
def asks(student, rng):
    for n in range(3, 8):
        oracle = callback(lambda value: value + 1 + 0 * int(value))
        got = student.f(n, oracle)
        assert_equal(got, n + 39, what="f")
        assert oracle.calls == [(n,)], f"asked with {len(oracle.calls)} calls"
    handle = student.k.keep()
    assert_equal(handle.method("step"), 42, what="step")
    assert_equal(student.f(3, callback(lambda value: 4)), 42, what="f again")


def graded(code):
    """Return what the check finds at a desk in which a cell has run."""
    with Desk(limits=LIMITS) as desk:
        desk.run_cell(HONEST)
        desk.run_cell(code)
        return judge([asks.__course_case__], desk.student)


def test_honest_code_passes():
    assert graded("").status == "passed"


@pytest.mark.parametrize("name", LINES)
def test_it_gains_nothing(name):
    outcome = graded(LINES[name]["code"])
    assert outcome.share == 0.0, outcome
    for case in outcome.cases:
        assert 0 < len(case.message) < 2000
        assert len(repr(case.calls)) < 5000
    assert outcome.status in ("failed", "not attempted")


def test_one_desk_does_not_hear_of_another():
    """A stopped desk answers nothing; the next one, made meanwhile, is not touched."""
    with Desk(limits=LIMITS) as first, Desk(limits=LIMITS) as second:
        first.run_cell(HONEST + LINES["answered_twice"]["code"])
        second.run_cell(HONEST)
        assert judge([asks.__course_case__], first.student).share == 0.0
        assert not first.is_alive
        assert judge([asks.__course_case__], second.student).status == "passed"
        assert judge([asks.__course_case__], first.student).share == 0.0
