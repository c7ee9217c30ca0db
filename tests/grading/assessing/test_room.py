"""Functions of ours on what student code gave: a process of their own, in the room's time."""

import dataclasses
import importlib.util
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from grading.assessing.assess import Terms, assess
from grading.assessing.kit import MeteredDesk
from grading.assessing.room import APART, ExerciseRoom
from grading.building import build
from grading.submissions import Submission
from labs.engine.checks import Case
from labs.engine.errors import SandboxError
from labs.engine.pieces import Piece
from labs.engine.sandbox.confine import walls_missing
from labs.engine.sandbox.desk import CellEnding, StoppedError
from labs.engine.sandbox.limits import Limits
from labs.engine.student import ApartError, Student, apart, local_student

_SPEC = importlib.util.spec_from_file_location("toys", Path(__file__).with_name("toys.py"))
toys = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(toys)
BRIEF = "labs.engine.evidence:brief"
WAYS = [
    pytest.param(
        False,
        id="walled",
        marks=pytest.mark.skipif(walls_missing() is not None, reason=str(walls_missing())),
    ),
    pytest.param(True, id="cold"),
]


@dataclass
class Desks:
    """Opens desks that answer here; each is told beforehand what will stop its calls."""

    stops: list[str] = field(default_factory=list)
    opened: list["PlayedDesk"] = field(default_factory=list)
    cpu_of_a_call_s: float = 0.25

    def open(self) -> "PlayedDesk":
        self.opened.append(PlayedDesk(self))
        return self.opened[-1]


class PlayedDesk:
    walls = ("played",)

    def __init__(self, desks: Desks) -> None:
        self._desks = desks
        self.is_alive, self.is_closed, self.cpu_s = True, False, 0.0

    def run_cell(self, code: str) -> CellEnding:
        return CellEnding(True, True)

    def student(self, *, rank=None) -> Student:
        answers = local_student({"f": lambda: "text"})

        def request(message, serve):
            self.cpu_s += self._desks.cpu_of_a_call_s
            if self._desks.stops and (name := self._desks.stops.pop(0)):
                self.is_alive = False
                raise StoppedError(BRIEF, name, "took too long and was stopped")
            return answers._request(message, serve)

        return Student(request, rank=rank)

    def close(self) -> None:
        self.is_alive, self.is_closed = False, True


@pytest.fixture
def desks():
    """Those of student code, and those of ours."""
    return Desks(), Desks()


@pytest.fixture
def room(desks):
    pieces = [Piece("solution", "f = 1", "9.1")]
    theirs, ours = desks
    with ExerciseRoom(
        "9.1", pieces, open_desk=theirs.open, open_apart=ours.open, limits=Limits(), fatal={}
    ) as room:
        yield room
    assert all(desk.is_closed for desk in (*theirs.opened, *ours.opened))


def case(function) -> Case:
    return Case("9.1", function.__name__, "It holds.", 1.0, function)


@case
def asks(student, rng):
    assert apart(student, BRIEF, value=student.f()) == "'text'"


@case
def does_not_ask(student, rng):
    assert student.f() == "text"


def test_a_room_without_such_calls_opens_nothing_more(room, desks):
    assert room.try_case(does_not_ask, seed=1).result.passed
    assert [len(each.opened) for each in desks] == [1, 0]


def test_one_process_serves_all_cases_and_its_time_counts(room, desks):
    theirs, ours = desks
    assert all(room.try_case(asks, seed=1).result.passed for _ in range(3))
    assert [len(each.opened) for each in desks] == [1, 1]
    assert room.cpu_s == theirs.opened[0].cpu_s + ours.opened[0].cpu_s == 6 * 0.25


@pytest.mark.parametrize("name", ["TimeoutError", "MemoryError", "ProcessEnded"])
def test_a_stop_costs_the_case_and_the_next_gets_another_process(room, desks, name):
    desks[1].stops += ["", name]
    tried = [room.try_case(asks, seed=1) for _ in range(4)]
    assert [each.result.passed for each in tried] == [True, False, True, True]
    assert [each.stopped for each in tried] == ["", APART + name, "", ""]
    assert tried[1].result.message.startswith(f"the course's function {BRIEF} took too long")
    assert [len(each.opened) for each in desks] == [1, 2]
    assert room.restarts == 0
    assert room.try_case(does_not_ask, seed=1).result.passed


def test_stops_that_a_check_survives_are_stops_of_ours(room, desks):
    desks[1].stops += ["TimeoutError"]

    @case
    def survives(student, rng):
        with pytest.raises(ApartError) as caught:
            apart(student, BRIEF, value=1)
        assert (caught.value.name, caught.value.is_stopped) == ("TimeoutError", True)
        assert apart(student, BRIEF, value=1) == "1"

    assert room.try_case(survives, seed=1).result.passed
    assert room.cpu_s > Limits().cpu_s  # it has taken that, whatever the check makes of it


def test_the_budget_of_the_exercise_holds_for_ours_too(room, desks, monkeypatch):
    monkeypatch.setattr("grading.assessing.room.LOOK_EVERY_S", -1.0)
    desks[1].cpu_of_a_call_s = 61.0
    tried = [room.try_case(asks, seed=1) for _ in range(2)]
    assert [each.result.passed for each in tried] == [True, False]
    assert "took too much time" in tried[1].result.message


def test_no_process_is_a_failure_of_the_grader_not_of_the_answer(room, monkeypatch):
    def fails():
        raise SandboxError("no sandbox: no memory")

    monkeypatch.setattr(room, "_open_apart", fails)
    with pytest.raises(SandboxError, match="no memory"):
        room.try_case(asks, seed=1)


def test_the_verdict_says_what_stopped_and_nothing_is_withheld_from_ours(toy, room, desks):
    build.write(toy.built())
    lab = toy.course.lab("toy")
    exercise = dataclasses.replace(lab.exercises["9.1"], withhold=("math.hypot",))
    theirs, ours = desks
    ours.stops += ["", "TimeoutError"]
    terms = Terms(
        dataclasses.replace(lab, exercises={"9.1": exercise}),
        ("9.1",),
        {"9.1": (asks, dataclasses.replace(asks, name="again"))},
        {},
        seeds={"9.1": {"asks": 1, "again": 1}},
        open_desk=lambda exercise: theirs.open() if exercise.withhold else ours.open(),
    )
    verdict = assess(terms, Submission("anna", toys.notebook(toy, toys.RIGHT))).verdict
    (found,) = verdict.exercises
    assert ([each.passed for each in found.cases], found.status) == ([True, False], "stopped")
    assert "in 1 your code was stopped: what it gave took too much time" in found.sentence
    assert [len(each.opened) for each in desks] == [2, 1]


# With processes

PATCHES = """
import numpy as np
from labs.engine import endpoint, evidence, student
evidence.brief = lambda *_, **__: "forged"
endpoint.Endpoint.handle = lambda self, message, exchange: b"forged"
np.asarray = np.array = None
"""
GIVES = 'def gives():\n    return "a" * 9\n'
SLOW = "labs.engine.catalog:did_you_mean"


@pytest.fixture
def real():
    """Return the function that opens a room with processes in it."""

    def open_room(cold: bool, *cells: str, cpu_s: float = 10.0) -> ExerciseRoom:
        limits = Limits(cpu_s=cpu_s, wall_s=60.0)

        def desk(**options):
            return MeteredDesk(limits=limits, cold=cold, **options)

        return ExerciseRoom(
            "9.1",
            [Piece("solution", cell, "9.1") for cell in cells],
            open_desk=lambda: desk(withhold=["labs.shared.features"]),
            open_apart=desk,
            limits=limits,
            fatal={},
        )

    return open_room


@pytest.mark.parametrize("cold", WAYS)
def test_student_code_has_no_hand_in_it(real, cold):
    @case
    def is_true(student, rng):
        assert apart(student, BRIEF, value="a" * 9, characters=4) == "'aa\u2026"

    @case
    def is_there(student, rng):
        got = apart(student, "labs.shared.features:dct_matrix", bands=4, coefficients=2)
        assert sorted(got.shape) == [2, 4]

    with real(cold, GIVES, PATCHES) as room:
        for each in (is_true, is_there):
            tried = room.try_case(each, seed=1)
            assert tried.result.passed, tried.result.message


@pytest.mark.parametrize("cold", WAYS)
def test_ours_is_stopped_at_the_limit_and_leaves_nothing(real, cold):
    @case
    def endless(student, rng):
        apart(student, SLOW, name="ab" * 99, known=["ba" * 99] * 10_000)

    @case
    def goes_on(student, rng):
        assert apart(student, BRIEF, value=student.gives(), characters=4) == "'aa\u2026"

    with real(cold, GIVES, cpu_s=0.5) as room:
        tried = room.try_case(endless, seed=1)
        assert tried.stopped == f"{APART}TimeoutError"
        assert f"the course's function {SLOW} took more than 0.5 s" in tried.result.message
        assert room.try_case(goes_on, seed=1).result.passed
        assert room.restarts == 0
        started = [psutil.Process(desk._process.pid) for desk in room._open()]
        assert len(started) == 2
    assert not any(process.is_running() for process in started)
