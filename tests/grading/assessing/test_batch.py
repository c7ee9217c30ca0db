"""Grading many submissions: what is graded, when, and what is refused; nothing runs for real."""

import importlib.util
from importlib import metadata
from pathlib import Path

import pytest

from grading.assessing.assessment import Assessment, to_json
from grading.assessing.batch import Order, grade_all
from grading.assessing.keys import Settings, grading_key, lab_fingerprint, seeds_mark
from grading.assessing.work import Description, Place, Result, Task
from grading.building import build
from grading.errors import WorkerError
from grading.store import Store
from grading.submissions import Submission
from grading.verdict import ExerciseVerdict, Verdict
from labs.engine.errors import UsageError
from labs.engine.sandbox.limits import Limits

# The folder of tests has no __init__.py: its helpers are loaded by their place.
_spec = importlib.util.spec_from_file_location("toys", Path(__file__).with_name("toys.py"))
assert _spec is not None
assert _spec.loader is not None
toys = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(toys)


@pytest.fixture
def lab(toy):
    build.write(toy.built())
    return toy


class Played:
    """An executor that gives everybody points by the length of the notebook, and counts."""

    def __init__(self, toy, *, fails: tuple[str, ...] = (), stops_after: int | None = None):
        self.graded: list[str] = []
        self.job = None
        self._toy, self._fails, self._stops_after = toy, fails, stops_after

    def describe(self, place: Place) -> Description:
        course = self._toy.course
        fingerprint = lab_fingerprint(course, course.lab("toy"))
        return Description({"9.1": ("clips", "empty"), "9.2": ()}, fingerprint)

    def run(self, job, tasks):
        self.job = job
        for task in tasks:
            if len(self.graded) == self._stops_after:
                raise KeyboardInterrupt
            self.graded.append(task.submission.id)
            yield self._result(task)

    def close(self) -> None: ...

    def _result(self, task: Task) -> Result:
        name, points = task.submission.id, float(len(task.submission.notebook or b"") % 5)
        exercise = ExerciseVerdict("9.1", "partly", points, 4.0, "Said.")
        verdict = Verdict(name, "graded", (exercise,))
        failed = ("9.1",) if name in self._fails else ()
        return Result(name, to_json(Assessment(verdict)), failed_at=failed)


# What is graded, and what is not.


def test_the_same_command_again_grades_nothing(lab, tmp_path):
    with Store(tmp_path) as store:
        assert (
            grade_all(
                store, toys.order(lab), roll=toys.roll(toys.some(lab)), executor=Played(lab)
            ).graded
            == 6
        )
        again = Played(lab)
        outcome = grade_all(store, toys.order(lab), roll=toys.roll(toys.some(lab)), executor=again)
        assert (outcome.graded, outcome.unchanged, again.graded) == (0, 6, [])
        assert again.job is None


def changed_checks(lab):
    lab.edit(lab.answers / "hidden.py", "the sum of nothing", "the sum of nothing at all")


def changed_secret(lab):
    (lab.root / ".course" / "secret").unlink()


def changed_module(lab):
    (lab.folder / "helper.py").write_text("x = 1\n")


@pytest.mark.parametrize("change", [changed_checks, changed_secret, changed_module])
def test_what_grades_depend_on_grades_everybody_again(lab, tmp_path, change):
    with Store(tmp_path) as store:
        grade_all(store, toys.order(lab), roll=toys.roll(toys.some(lab)), executor=Played(lab))
        change(lab)
        outcome = grade_all(
            store, toys.order(lab), roll=toys.roll(toys.some(lab)), executor=Played(lab)
        )
        assert outcome.graded == 6
        assert {c.reason for c in store.log()} == {"graded for the first time"}  # same points


def test_only_a_new_submission_is_graded_and_the_log_says_why(lab, tmp_path):
    with Store(tmp_path) as store:
        grade_all(store, toys.order(lab), roll=toys.roll(toys.some(lab)), executor=Played(lab))
        newer = Submission("anna", toys.notebook(lab, toys.ANSWERS["ben"]))
        others = [each for each in toys.some(lab) if each.id != "anna"]
        executor = Played(lab)
        grade_all(
            store, toys.order(lab), roll=toys.roll(toys.of(newer, *others)), executor=executor
        )
        assert executor.graded == ["anna"]
        assert store.log()[-1].reason == "another submission took its place"


def test_a_submission_that_is_gone_loses_its_row_and_keeps_its_log(lab, tmp_path):
    with Store(tmp_path) as store:
        grade_all(store, toys.order(lab), roll=toys.roll(toys.some(lab)), executor=Played(lab))
        grade_all(
            store, toys.order(lab), roll=toys.roll(toys.some(lab, "anna")), executor=Played(lab)
        )
        assert store.present() == ["anna"]
        assert {c.submission for c in store.log()} == set(toys.ANSWERS)


def test_only_one_is_graded_and_an_unknown_one_is_a_mistake(lab, tmp_path):
    with Store(tmp_path) as store:
        executor = Played(lab)
        grade_all(
            store, toys.order(lab, only="ben"), roll=toys.roll(toys.some(lab)), executor=executor
        )
        assert executor.graded == ["ben"]
        with pytest.raises(UsageError, match="did you mean 'ben'"):
            grade_all(
                store,
                toys.order(lab, only="bem"),
                roll=toys.roll(toys.some(lab)),
                executor=executor,
            )


def test_the_grades_of_another_lab_are_refused(lab, tmp_path):
    with Store(tmp_path) as store:
        store.put_facts({"lab": "quickstart"})
        with pytest.raises(UsageError, match="holds the grades of quickstart, not of toy"):
            grade_all(store, toys.order(lab), roll=toys.roll(toys.some(lab)), executor=Played(lab))


def test_an_interruption_keeps_what_is_done_and_the_next_command_goes_on(lab, tmp_path):
    whole = Store(tmp_path / "whole")
    with whole:
        grade_all(whole, toys.order(lab), roll=toys.roll(toys.some(lab)), executor=Played(lab))
        wanted, wanted_log = toys.dump(whole), toys.log(whole)
    with Store(tmp_path / "parts") as store:
        with pytest.raises(KeyboardInterrupt):
            grade_all(
                store,
                toys.order(lab),
                roll=toys.roll(toys.some(lab)),
                executor=Played(lab, stops_after=2),
            )
        rest = Played(lab)
        grade_all(store, toys.order(lab), roll=toys.roll(toys.some(lab)), executor=rest)
        assert len(rest.graded) == 4
        assert (toys.dump(store), toys.log(store)) == (wanted, wanted_log)


def test_what_the_grader_failed_at_is_tried_again_the_next_time(lab, tmp_path):
    with Store(tmp_path) as store:
        outcome = grade_all(
            store,
            toys.order(lab),
            roll=toys.roll(toys.some(lab)),
            executor=Played(lab, fails=("ben",)),
        )
        assert outcome.failed == ("ben",)
        again = Played(lab)
        assert (
            grade_all(store, toys.order(lab), roll=toys.roll(toys.some(lab)), executor=again).failed
            == ()
        )
        assert again.graded == ["ben"]


def test_workers_get_seeds_and_never_the_secret(lab, tmp_path):
    executor = Played(lab)
    with Store(tmp_path) as store:
        grade_all(store, toys.order(lab), roll=toys.roll(toys.some(lab, "anna")), executor=executor)
    secret = lab.course.read_or_create_secret()
    assert set(executor.job.seeds["9.1"]) == {"clips", "empty"}
    assert secret.hex() not in repr(executor.job)
    assert secret.hex() not in seeds_mark(secret, "1")


def test_a_process_with_another_version_or_without_walls_is_refused(lab, tmp_path):
    class Other(Played):
        def describe(self, place):
            return Description({}, "another")

    class Open(Played):
        def describe(self, place):
            return Description({}, super().describe(place).fingerprint, "not Linux")

    with Store(tmp_path) as store:
        with pytest.raises(WorkerError, match="another version of toy"):
            grade_all(store, toys.order(lab), roll=toys.roll(toys.some(lab)), executor=Other(lab))
        walled = Order(lab.course, lab.course.lab("toy"), Settings(("9.1",), "default", Limits()))
        with pytest.raises(WorkerError, match="has no walls: not Linux"):
            grade_all(store, walled, roll=toys.roll(toys.some(lab)), executor=Open(lab))


def test_a_key_depends_on_what_it_says():
    settings = Settings(("9.1",), "default", Limits())
    base = {"fingerprint": "f", "seeds": "s", "settings": settings}
    others = [
        base | {"fingerprint": "g"},
        base | {"seeds": "t"},
        base | {"settings": Settings(("9.2",), "default", Limits())},
        base | {"settings": Settings(("9.1",), "smoke", Limits())},
        base | {"settings": Settings(("9.1",), "default", Limits(cpu_s=1))},
    ]
    keys = {grading_key("d", **each) for each in [base, *others]} | {grading_key("e", **base)}
    assert len(keys) == 7
    assert grading_key("d", **base) in keys


def test_a_fingerprint_does_not_depend_on_where_things_lie(lab, tmp_path):
    before = lab_fingerprint(lab.course, lab.course.lab("toy"))
    (lab.folder / "__pycache__").mkdir()
    (lab.folder / "__pycache__" / "checks.pyc").write_bytes(b"x")
    moved = lab.root.rename(tmp_path / "elsewhere")
    course = type(lab)(moved).course
    assert lab_fingerprint(course, course.lab("toy")) == before


def test_a_fingerprint_has_the_versions_of_what_the_labs_extras_bring(lab, monkeypatch):
    def mark():
        return lab_fingerprint(lab.course, lab.course.lab("toy"))

    versions: dict[str, str] = {}
    real = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: versions.get(name) or real(name))
    without = mark()
    versions["ziglang"] = "99.0"
    assert mark() == without
    lab.edit(lab.folder / "lab.toml", "extras = []", 'extras = ["mcu"]')
    newer = mark()
    versions["ziglang"] = "99.1"
    assert mark() != newer

    def gone(name):
        if name == "ziglang":
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "version", gone)
    assert mark() not in (newer, without)
