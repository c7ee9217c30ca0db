"""From a submission to a verdict, with processes for student code that are played in this one."""

import dataclasses
import json
from dataclasses import dataclass, field

import pytest

from grading.assessing.assess import Terms, assess, clean_text
from grading.assessing.assessment import to_json
from grading.assessing.room import CASES_CPU, MAX_RESTARTS
from grading.building import build
from grading.submissions import Submission
from labs.engine.checks import Case, assert_equal, load_checks
from labs.engine.pieces import Piece
from labs.engine.sandbox.desk import CellEnding, StoppedError
from labs.engine.sandbox.limits import Limits
from labs.engine.seeds import open_seed
from labs.engine.student import Student, local_student, ranks

RIGHT = """\
# Exercise 9.1
def clipped_sum(values, limit):
    return sum(min(value, limit) for value in values)
"""
TEXT = "#### Exercise 9.2\n\nOne outlier would decide the sum. Its true size gets lost."


class Dies(BaseException):
    """What code of these tests raises to end its process: Dies("TimeoutError")."""


@dataclass
class Theatre:
    """Opens desks that run code here; counts what happened."""

    opened: int = 0
    cells: list[str] = field(default_factory=list)
    cpu_of_a_call_s: float = 0.0

    def open(self, exercise) -> "PlayedDesk":
        self.opened += 1
        return PlayedDesk(self)


class PlayedDesk:
    """A desk without a process: dies when its code raises `Dies`."""

    walls = ("played",)

    def __init__(self, theatre: Theatre) -> None:
        self._theatre = theatre
        self._space = {"Dies": Dies, "theatre": theatre}
        self.is_alive = True
        self.cpu_s = 0.0

    def run_cell(self, code: str) -> CellEnding:
        assert self.is_alive
        self._theatre.cells.append(code)
        try:
            exec(compile(code, "cell", "exec"), self._space)
        except Dies as err:
            self.is_alive = False
            return CellEnding(False, False, str(err), "was stopped")
        except Exception as err:
            return CellEnding(False, True, type(err).__name__, str(err), "a line")
        return CellEnding(True, True)

    def student(self, *, rank=None) -> Student:
        student = local_student(self._space)

        def request(message, serve):
            if not self.is_alive:
                raise StoppedError("it", "ProcessEnded", "was not called")
            self.cpu_s += self._theatre.cpu_of_a_call_s
            try:
                return student._request(message, serve)
            except Dies as err:
                self.is_alive = False
                raise StoppedError("it", str(err), "was stopped") from None

        return Student(request, rank=rank)

    def close(self) -> None:
        self.is_alive = False


@pytest.fixture
def theatre():
    return Theatre()


@pytest.fixture
def grade(toy, theatre):
    """Return the function that grades the toy lab's notebook after some cells were replaced."""
    build.write(toy.built())
    lab = toy.course.lab("toy")
    visible = load_checks(toy.folder / "checks.py")
    hidden = load_checks(toy.answers / "hidden.py")
    seeds = {
        "9.1": {case.name: open_seed("9.1", case.name) for case in everything(visible, hidden)}
    }
    terms = Terms(lab, ("9.1", "9.2"), visible, hidden, seeds=seeds, open_desk=theatre.open)

    def run(*cells, code=None, text=None, change=None, **options):
        changed = dataclasses.replace(terms, **(change or {}))
        content = notebook(toy, cells, code=code, text=text)
        return assess(changed, Submission("anna", content, notes=("late",)), **options)

    return run


def everything(*checks) -> list[Case]:
    return [case for each in checks for cases in each.values() for case in cases]


def notebook(toy, extra=(), *, code=None, text=None) -> bytes:
    """The student notebook with answers written in, and cells of the student's own in front."""
    content = json.loads(toy.student.read_text(encoding="utf-8"))
    for cell in content["cells"]:
        mark = cell["metadata"].get("nbgrader", {}).get("grade_id")
        given = {"answer-9-1": code, "answer-9-2": text}.get(mark)
        if given is not None:
            cell["source"] = given
    own = [
        {"cell_type": "code", "id": f"own{n}", "metadata": {}, "outputs": [], "source": source}
        | {"execution_count": None}
        for n, source in enumerate(extra)
    ]
    place = next(n for n, cell in enumerate(content["cells"]) if "LIMIT" in str(cell["source"]))
    content["cells"][place + 1 : place + 1] = own
    return json.dumps(content).encode()


def first(assessment):
    return assessment.verdict.exercises[0]


def case(assessment, name):
    return next(each for each in first(assessment).cases if each.name == name)


def test_a_right_answer_gets_all_points(grade, theatre):
    assessed = grade(code=RIGHT, text=TEXT)
    code, text = assessed.verdict.exercises
    assert (code.status, code.points, code.sentence) == ("passed", 4.0, "All 4 cases pass.")
    assert (text.status, text.points) == ("to mark", None)
    assert (assessed.verdict.status, assessed.verdict.flags) == ("needs_marking", ())
    assert assessed.verdict.walls == ("played",)
    assert [answer.how for answer in assessed.answers] == ["by its id", "by its id"]
    assert [(c.name, c.is_hidden) for c in code.cases] == [
        ("clips", False),
        ("drawn", False),
        ("empty", True),
        ("all_above", True),
    ]
    assert theatre.opened == 1


def test_an_untouched_notebook_is_not_attempted_and_runs_nothing(grade, theatre):
    verdict = grade().verdict
    assert [each.status for each in verdict.exercises] == ["not attempted", "not attempted"]
    assert (verdict.status, verdict.points, theatre.opened) == ("graded", 0.0, 0)


def test_each_case_is_worth_its_share(grade):
    assessed = grade(
        code=RIGHT.replace("    return", "    if not values:\n        return 1\n    return")
    )
    exercise = first(assessed)
    assert (exercise.status, exercise.points) == ("partly", 3.0)
    assert exercise.sentence == "3 of 4 cases pass; look again at: “An empty list gives 0.”"
    failed = case(assessed, "empty")
    assert "expected 0, you have 1" in failed.message
    assert failed.calls == (("clipped_sum([], 3)", "1"),)


def test_a_syntax_error_is_named_and_gets_nothing(grade):
    exercise = first(grade(code="# Exercise 9.1\ndef clipped_sum(values, limit)\n    pass"))
    assert (exercise.status, exercise.points) == ("failed", 0.0)
    assert "the cell itself stops with SyntaxError" in exercise.sentence


def test_an_error_behind_the_function_costs_nothing(grade):
    exercise = first(grade(code=RIGHT + "\nprint(undefined)\n"))
    assert (exercise.status, exercise.points) == ("passed", 4.0)
    assert any("NameError" in note for note in exercise.notes)


def test_what_is_only_partly_written_gets_the_points_of_what_is_there(grade):
    code = RIGHT.replace(
        "    return", "    if not values:\n        raise NotImplementedError\n    return"
    )
    exercise = first(grade(code=code))
    assert (exercise.status, exercise.points) == ("partly", 3.0)


def test_a_stub_with_a_comment_is_not_attempted(grade):
    code = RIGHT.replace("return sum(", "x = 1\n    raise NotImplementedError(")
    exercise = first(grade(code=code))
    assert (exercise.status, exercise.points) == ("not attempted", 0.0)


@pytest.mark.parametrize("name", ["TimeoutError", "ProcessEnded", "Garbled"])
def test_a_process_that_ends_costs_the_case_and_the_next_gets_another(grade, theatre, name):
    stop = f"    if values == [1, 5, 2]:\n        raise Dies('{name}')\n    return"
    assessed = grade(code=RIGHT.replace("    return", stop))
    exercise = first(assessed)
    assert (exercise.status, exercise.points) == ("stopped", 3.0)
    assert "in 1 your code was stopped" in exercise.sentence
    assert [c.passed for c in exercise.cases] == [False, True, True, True]
    assert theatre.opened == 2
    assert "its process was replaced 1 times" in exercise.notes


def test_after_two_replacements_the_rest_is_not_run(grade, theatre):
    code = RIGHT.replace("    return", "    raise Dies('TimeoutError')\n    return")
    exercise = first(grade(code=code))
    assert (exercise.status, exercise.points, theatre.opened) == ("stopped", 0.0, 1 + MAX_RESTARTS)
    assert [c.message.startswith("was not run") for c in exercise.cases] == [False] * 3 + [True]
    assert "in 3 your code was stopped: it took too much time; after that, 1 were not run" in (
        exercise.sentence
    )


def test_an_answer_that_ends_its_process_as_it_is_read_runs_no_case(grade, theatre):
    assessed = grade(code=RIGHT + "\nraise Dies('ProcessEnded')\n", text=TEXT)
    exercise = first(assessed)
    assert (exercise.status, exercise.points) == ("stopped", 0.0)
    assert exercise.sentence.startswith("No case could run, because the cell itself was stopped")
    assert [c.passed for c in exercise.cases] == [False] * 4
    assert assessed.verdict.exercises[1].status == "to mark"
    assert theatre.opened == 2  # the second without that cell


def test_an_own_cell_that_ends_the_process_runs_once_and_costs_nothing(grade, theatre):
    stop = RIGHT.replace(
        "    return", "    if not values:\n        raise Dies('Garbled')\n    return"
    )
    exercise = first(grade("x = 1", "raise Dies('TimeoutError')", "y = x + 1", code=stop))
    assert exercise.points == 3.0
    assert sum("Dies('TimeoutError')" in cell for cell in theatre.cells) == 1
    assert sum("y = x + 1" in cell for cell in theatre.cells) == 2
    assert any(note.startswith("left out: ") for note in exercise.notes)


def test_own_cells_that_wait_and_end_the_process_again_and_again_have_a_limit(grade, theatre):
    """Every process that ends lets the cells before it run again: that is not for free."""
    wait = "import time; time.sleep(0.2)"
    ends = [f"x = {n}; raise Dies('ProcessEnded')" for n in range(15)]
    exercise = first(grade(wait, *ends, code=RIGHT, change={"limits": Limits(wall_s=0.5)}))
    assert theatre.cells.count(wait) < 10
    assert exercise.points == 4.0
    assert any("took too much time" in note for note in exercise.notes)


def test_an_own_cell_that_fails_costs_nothing(grade):
    assert first(grade("1 / 0", "import no_such_module", code=RIGHT)).points == 4.0


def test_own_cells_that_take_long_leave_room_for_the_answer(grade, theatre, monkeypatch):
    monkeypatch.setattr("grading.assessing.room.LOOK_EVERY_S", -1.0)
    monkeypatch.setattr(PlayedDesk, "cpu_s", 21.0, raising=False)
    monkeypatch.setattr(PlayedDesk, "__init__", slow_desk)
    exercise = first(grade("a = 1", "b = 2", code=RIGHT))
    assert exercise.points == 4.0
    assert "b = 2" not in theatre.cells
    assert any("took too much time" in note for note in exercise.notes)


def slow_desk(self, theatre) -> None:
    self._theatre, self._space, self.is_alive = theatre, {}, True


def test_all_cases_together_have_a_limit_too(grade, theatre, monkeypatch):
    """No single call is too long, and together they are."""
    monkeypatch.setattr("grading.assessing.room.LOOK_EVERY_S", -1.0)
    theatre.cpu_of_a_call_s = CASES_CPU * Limits().cpu_s / 2 + 1  # `clips` makes two calls
    exercise = first(grade(code=RIGHT))
    assert [c.passed for c in exercise.cases] == [True, False, False, False]
    assert exercise.points == 0.0  # the hidden case of that sentence did not run
    assert "took too much time" in exercise.cases[1].message


def test_several_ranks_have_a_process_each_and_only_for_their_case(grade, theatre):
    def together(student, rng):
        a, b = ranks(student, 2)
        assert_equal(a.clipped_sum([5], 3), 3, what="a")
        assert_equal(b.clipped_sum([5], 3), 3, what="b")

    many = Case("9.1", "together", "It works with several.", 1.0, together)
    seeds = {"9.1": {"together": 1, "again": 2}}
    change = {"visible": {"9.1": (many, dataclasses.replace(many, name="again"))}, "hidden": {}}
    assert first(grade(code=RIGHT, change={**change, "seeds": seeds})).points == 4.0
    assert theatre.opened == 1 + 2 * 2


def test_a_setup_of_ours_that_fails_is_flagged_and_one_that_is_withheld_is_not(
    grade, toy, monkeypatch
):
    source = Piece("given", "import no_such_module", label="our setup")
    from grading.assessing import assess as module

    real = module.pieces_for
    monkeypatch.setattr(module, "pieces_for", lambda *a, **k: [source, *real(*a, **k)])
    assert "our own setup fails with" in grade(code=RIGHT).verdict.flags[0]
    lab = toy.course.lab("toy")
    withheld = dataclasses.replace(lab.exercises["9.1"], withhold=("no_such_module",))
    changed = dataclasses.replace(lab, exercises={**lab.exercises, "9.1": withheld})
    assessed = grade(code=RIGHT, change={"lab": changed})
    assert (assessed.verdict.flags, first(assessed).notes) == ((), ())


def test_a_preset_sets_parameters_before_the_answer_runs(grade):
    code = RIGHT + "\nassert scale == 1.0\n"
    assert first(grade(code=code)).notes != ()
    assert first(grade(code=code, change={"parameters": {"scale": 1.0}})).notes == ()


def test_an_exercise_that_the_course_does_not_choose_is_skipped(grade):
    verdict = grade(code=RIGHT, change={"exercises": ("9.2",)}).verdict
    assert [each.exercise for each in verdict.exercises] == ["9.2"]


def test_an_exercise_at_which_the_grader_failed_is_left_to_a_person(grade, theatre):
    assessed = grade(code=RIGHT, text=TEXT, skip={"9.1": "its process died"})
    assert (first(assessed).status, first(assessed).points) == ("stopped", 0.0)
    assert assessed.verdict.flags == ("exercise 9.1: its process died",)
    assert (assessed.verdict.exercises[1].status, theatre.opened) == ("to mark", 0)


def test_a_notebook_that_the_grader_cannot_read_is_left_to_a_person(grade):
    verdict = grade(code=RIGHT, skip={"reading": "its process died"}).verdict
    assert verdict.flags == ("the notebook could not be read: its process died",)
    assert [each.points for each in verdict.exercises] == [0.0, 0.0]


@pytest.mark.parametrize(
    ("submission", "status"),
    [
        (Submission("x", None, problem="an encrypted zip"), "refused"),
        (Submission("x", b"%PDF-1.4"), "refused"),
        (Submission("x", b'{"cells": ' + b"[" * 500), "refused"),
        (Submission("x", None, problem="nothing was handed in", is_missing=True), "missing"),
    ],
)
def test_what_is_no_notebook_is_refused_with_a_reason(toy, theatre, submission, status):
    build.write(toy.built())
    terms = Terms(toy.course.lab("toy"), ("9.1",), {}, {}, seeds={}, open_desk=theatre.open)
    verdict = assess(terms, submission).verdict
    assert (verdict.status, verdict.exercises) == (status, ())
    assert verdict.problem


def test_nothing_of_a_hidden_case_is_in_the_sentence(grade):
    code = (
        "# Exercise 9.1\ndef clipped_sum(values, limit):\n    raise ValueError(f'seen {values}')\n"
    )
    assessed = grade(code=code)
    assert "seen [8, 9]" in case(assessed, "all_above").message
    assert "seen" not in first(assessed).sentence


def test_texts_of_a_student_are_short_and_without_control_characters(grade):
    code = RIGHT.replace("    return", "    raise ValueError('\\x1b[2J' + 'x' * 10**6)\n    return")
    assessed = grade(code=code)
    message = first(assessed).cases[0].message
    assert len(message) <= 600
    assert "\x1b" not in message
    assert len(json.dumps(to_json(assessed))) < 20_000


def test_progress_tells_what_begins(grade):
    steps = []
    grade(code=RIGHT, progress=steps.append)
    assert steps == [
        "reading",
        "9.1",
        *(f"9.1 {n}" for n in ("clips", "drawn", "empty", "all_above")),
    ]


def test_the_same_submission_gives_the_same_bytes(grade):
    one, two = (json.dumps(to_json(grade(code=RIGHT, text=TEXT))) for _ in range(2))
    assert one == two


def test_clean_text_keeps_lines():
    assert clean_text("a\n\tb\u202e\x00") == "a\n\tb\ufffd\ufffd"
