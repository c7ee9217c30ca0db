"""The store: what goes in comes out, what is killed leaves nothing half, the log only grows."""

import sqlite3
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grading.assessing.assessment import Assessment
from grading.errors import StoreBusyError, StoreError
from grading.migrations import SCHEMA, migrate, read_sections
from grading.rules.lateness import LateRule, penalty
from grading.store import DATABASE, Cost, Handed, Key, Store
from grading.verdict import CaseVerdict, ExerciseVerdict, Verdict
from labs.engine.rebuild import Answer, Shown

COST = Cost(1.5, 2.5)


def assessment(name: str = "anna", points: float | None = 3.0, status: str = "graded"):
    case = CaseVerdict("clips", "It clips.", True, 2.0, False, "no", (("f(1)", "2"),))
    exercises = (
        ExerciseVerdict("9.1", "partly", points, 4.0, "1 of 2 cases pass.", (case,), ("a note",)),
        ExerciseVerdict("9.2", "to mark", None, 2.0, "A person marks this text."),
    )
    shown = (Shown("text", "4\n\ud800"), Shown("picture", "a curve", b"\x89PNG\x00"))
    answers = (Answer("9.1", "by its id", True, "def f(): ...", shown, ("two cells",)),)
    verdict = Verdict(name, status, exercises, "", ("n",), ("a flag",), ("own files",))
    return Assessment(verdict, answers, ("a stray cell",))


def fill(store: Store, *names: str, **late) -> int:
    store.put_submissions([Handed(name, "d" * 64) for name in names], late)
    return store.begin_run(jobs=1, walls="none")


def put(store: Store, given: Assessment, *, run: int, key: str = "k", reason: str = "first"):
    store.put(given, key=Key(key, "d" * 64), reason=reason, run=run, cost=COST)


def changes(store: Store) -> list[tuple]:
    return [(c.submission, c.exercise, c.old, c.new, c.reason) for c in store.log()]


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "grades") as opened:
        yield opened


def test_what_goes_in_comes_out_unchanged(store):
    late = penalty(2.0, LateRule(percent_per_day=10))
    run = fill(store, "anna", anna=late)
    put(store, assessment(), run=run)
    entry = store.entry("anna")
    assert (entry.assessment, entry.late, entry.marks) == (assessment(), late, {})
    assert store.keys() == {"anna": Key("k", "d" * 64)}
    assert store.costs() == {"anna": COST}


@settings(deadline=None, max_examples=40)  # each opens a database of its own
@given(text=st.text(), points=st.none() | st.floats(0, 100), passed=st.booleans())
def test_any_verdict_survives_the_store(tmp_path_factory, text, points, passed):
    folder = tmp_path_factory.mktemp("store")
    plain = text.replace("\0", " ")
    case = CaseVerdict("c", plain, False, 1.0, passed, plain, ((plain, plain),))
    exercise = ExerciseVerdict("9.1", "partly", points, 4.0, plain, (case,), (text,))
    given = Assessment(Verdict("x", "graded", (exercise,), plain, (text,)), (), (text,))
    with Store(folder) as opened:
        put(opened, given, run=fill(opened, "x"))
        assert opened.entry("x").assessment == given


def test_every_change_of_a_grade_is_logged_once_with_old_and_new(store):
    run = fill(store, "anna")
    put(store, assessment(), run=run)
    put(store, assessment(), run=run, reason="again")
    put(store, assessment(points=4.0), run=run, reason="new checks")
    assert changes(store) == [
        ("anna", "", None, "graded", "first"),
        ("anna", "9.1", None, "3", "first"),
        ("anna", "9.1", "3", "4", "new checks"),
    ]
    assert store.log()[0].tool.startswith("mlsys-course ")


def test_a_submission_that_goes_leaves_its_trace(store):
    put(store, assessment(), run=fill(store, "anna", "ben"))
    fill(store, "ben")
    assert store.present() == ["ben"]
    assert store.entry("anna").assessment == assessment()
    fill(store, "anna", "ben")
    assert changes(store)[-2:] == [
        ("anna", "", "graded", None, "no longer among the submissions"),
        ("anna", "", None, "graded", "among the submissions again"),
    ]


def test_a_mark_is_kept_when_the_submission_is_graded_again(store):
    run = fill(store, "anna")
    put(store, assessment(), run=run)
    store.put_mark("anna", "9.2", points=1.5, comment="short", marker="A. Lecturer")
    put(store, assessment(points=4.0), run=run)
    assert store.entry("anna").marks == {"9.2": 1.5}
    assert changes(store)[2] == ("anna", "9.2", None, "1.5", "marked by A. Lecturer")


@pytest.mark.parametrize("statement", ["UPDATE grade_log SET new = '99'", "DELETE FROM grade_log"])
def test_the_log_cannot_be_edited(store, statement):
    put(store, assessment(), run=fill(store, "anna"))
    before = changes(store)
    other = sqlite3.connect(store.folder / DATABASE)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        other.execute(statement)
    other.close()
    assert changes(store) == before


def test_a_verdict_is_stored_whole_or_not_at_all(store):
    run = fill(store, "anna")
    put(store, assessment(), run=run)
    broken = replace(assessment(points=4.0).verdict, status="nonsense")
    with pytest.raises(sqlite3.IntegrityError):
        put(store, Assessment(broken), run=run)
    assert store.entry("anna").assessment == assessment()
    assert len(store.log()) == 2


def test_a_second_writer_is_told_to_wait_and_a_reader_is_not(store):
    put(store, assessment(), run=fill(store, "anna"))
    with pytest.raises(StoreBusyError, match="another command writes grades to"):
        Store(store.folder).__enter__()
    with Store(store.folder, is_writer=False) as reader:
        assert reader.present() == ["anna"]


KILLED = """\
import os, sys
from pathlib import Path
from grading.store import *
store = Store(Path(sys.argv[1])).__enter__()
store.put_submissions([Handed("anna", "d")], {})
with store._transaction():
    store._all("UPDATE submissions SET is_present = 0")
    print("ready", flush=True)
    os.kill(os.getpid(), 9)
"""


def test_a_killed_writer_leaves_neither_a_lock_nor_half_a_change(tmp_path):
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (-9, "ready\n"), ended.stderr
    with Store(tmp_path) as store:
        assert store.present() == ["anna"]


def test_a_reader_of_an_empty_folder_is_told_what_writes_grades(tmp_path):
    with pytest.raises(StoreError, match="`course grade` writes them there"):
        Store(tmp_path, is_writer=False).__enter__()


def test_another_file_under_the_name_is_refused(tmp_path):
    (tmp_path / DATABASE).write_text("grades, honestly" * 100)
    with pytest.raises(StoreError, match="is no database of grades"):
        Store(tmp_path).__enter__()
    (tmp_path / DATABASE).unlink()
    with Store(tmp_path):  # the lock went with the failure
        pass


def test_submissions_remember_when_they_came(store):
    moment = datetime(2026, 11, 21, 23, 0, tzinfo=UTC)
    store.put_submissions([Handed("anna", "d", submitted=moment)], {})
    rows = store._all("SELECT submitted, late_json FROM submissions")
    assert rows == [(moment.isoformat(), None)]


# Migrations.


def connection() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None)


def test_each_migration_runs_once_and_leaves_its_record():
    database = connection()
    script = "-- migration 1: one\nCREATE TABLE a (b);\n"
    assert migrate(database, script) == migrate(database, script) == 1
    script += "-- migration 2: two\nALTER TABLE a ADD COLUMN c;\n"
    assert migrate(database, script) == 2
    rows = database.execute("SELECT number, title FROM migrations").fetchall()
    assert rows == [(1, "one"), (2, "two")]
    database.close()


def test_a_migration_that_fails_leaves_the_schema_as_it_was():
    database = connection()
    script = "-- migration 1: one\nCREATE TABLE a (b);\n-- migration 2: two\nDROP TABLE a;\nNO;\n"
    with pytest.raises(sqlite3.OperationalError):
        migrate(database, script)
    assert database.execute("SELECT number FROM migrations").fetchall() == [(1,)]
    assert database.execute("SELECT * FROM a").fetchall() == []
    database.close()


def test_a_database_of_a_later_version_is_refused():
    database = connection()
    migrate(database, "-- migration 1: one\nCREATE TABLE a (b);\n")
    with pytest.raises(StoreError, match="later version"):
        migrate(database, "")
    database.close()


def test_the_schema_is_whole_and_every_trigger_is_one_statement():
    ((number, _, statements),) = read_sections(SCHEMA.read_text(encoding="utf-8"))
    assert number == 1
    assert all(sqlite3.complete_statement(each) for each in statements)
    assert sum(each.startswith("CREATE TRIGGER") for each in statements) == 2


@pytest.mark.parametrize(
    "script", ["-- migration 2: two\nSELECT 1;", "-- migration 1: one\nSELECT 1"]
)
def test_a_schema_that_is_misnumbered_or_cut_short_is_refused(script):
    with pytest.raises(StoreError):
        list(read_sections(script))


def test_a_full_disk_is_said_in_a_line_and_loses_nothing(tmp_path):
    with Store(tmp_path / "grades") as store:
        store.put_facts({"lab": "toy"})
        ((pages,),) = store._all("PRAGMA page_count")
        store._all(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreError, match=r"grades\.db: .*full; check free space"):
            store.put_facts({"place": "x" * 100_000})
        assert store.fact("lab") == "toy"


def test_the_folder_is_for_its_owner_alone(tmp_path):
    with Store(tmp_path / "grades"):
        assert (tmp_path / "grades").stat().st_mode & 0o777 == 0o700
