"""The grades of one lab on disk: ``grades.db``, a SQLite file that only this module knows.

One process writes at a time, and a verdict is stored whole or not at all: a process that is killed
leaves what it had finished. Every change of a grade adds a row to a log that cannot be edited.
``schema.sql`` describes the tables. Nothing is graded, added up or shown here.
"""

import contextlib
import dataclasses
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import course_utils
from grading.assessing.assessment import Assessment, answer_from_json, answer_to_json
from grading.errors import StoreBusyError, StoreError
from grading.migrations import migrate
from grading.private_files import make_private_folder
from grading.rules.lateness import Lateness
from grading.verdict import CaseVerdict, ExerciseVerdict, Verdict

DATABASE, LOCK = "grades.db", "grades.lock"
_WAIT_S = 10.0  # for a reader that holds the file for a moment


@dataclass(frozen=True)
class Key:
    """What a verdict was computed from: `keys.grading_key`, and the submission's digest."""

    key: str
    digest: str


@dataclass(frozen=True)
class Handed:
    """What is known of a submission without grading it; fields as of `Submission`."""

    id: str
    digest: str
    url: str = ""
    submitted: datetime | None = None
    person: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cost:
    """What grading one submission took; for the log alone."""

    cpu_s: float
    duration_s: float


@dataclass(frozen=True)
class Change:
    """One line of the log of grades; `exercise` is empty for the submission as a whole."""

    at: str
    submission: str
    exercise: str
    old: str | None
    new: str | None
    reason: str
    tool: str


@dataclass(frozen=True)
class Entry:
    """One submission as stored: what came of it, how late it is, and what a person gave."""

    assessment: Assessment
    late: Lateness | None
    marks: Mapping[str, float]


class Store:
    """The grades in a folder, as a context manager.

    Parameters
    ----------
    folder
        The folder; it is made if it is not there.
    is_writer
        Whether to write: then no other process may.

    Raises
    ------
    StoreBusyError
        If another process writes to this folder.
    StoreError
        If the file is no database of grades, or of a later version.
    """

    def __init__(self, folder: Path, *, is_writer: bool = True) -> None:
        self.folder = folder
        self._is_writer = is_writer
        self._lock: sqlite3.Connection | None = None
        self._database: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        path = self.folder / DATABASE
        try:
            if self._is_writer:
                make_private_folder(self.folder)
                self._lock = _locked(self.folder / LOCK)
            self._database = _opened(path, is_writer=self._is_writer)
            self._database.execute("PRAGMA foreign_keys = ON")
            if self._is_writer:
                migrate(self._database)
        except sqlite3.DatabaseError as err:
            self._close()
            raise StoreError(f"{path} is no database of grades ({err}); move it away") from err
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def _close(self) -> None:
        for connection in (self._database, self._lock):
            if connection is not None:
                connection.close()
        self._database = self._lock = None

    def _all(self, statement: str, *values: Any) -> list[Any]:
        if self._database is None:
            raise StoreError("the store is closed")
        try:
            return self._database.execute(statement, values).fetchall()
        except sqlite3.OperationalError as err:
            raise StoreError(
                f"{self.folder / DATABASE}: {err}; check free space and permissions and give the "
                "command again: what it has finished is kept"
            ) from err

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._all("BEGIN IMMEDIATE")
        try:
            yield
            self._all("COMMIT")
        except BaseException:
            with contextlib.suppress(StoreError):  # a full disk has ended it already
                self._all("ROLLBACK")
            raise

    # What the folder is about.

    def fact(self, name: str) -> str | None:
        """Return what the folder says about itself under a name, or None."""
        found = self._all("SELECT value FROM facts WHERE name = ?", name)
        return str(found[0][0]) if found else None

    def put_facts(self, facts: Mapping[str, str]) -> None:
        """Store what the folder is about."""
        with self._transaction():
            for name, value in facts.items():
                self._all("INSERT OR REPLACE INTO facts VALUES (?, ?)", name, value)

    # Submissions.

    def put_submissions(self, submissions: Iterable[Handed], late: Mapping[str, Lateness]) -> None:
        """Store which submissions there are now; earlier ones stay, marked as gone.

        Parameters
        ----------
        submissions
            All submissions that are to have a row.
        late
            Id -> how late it is; without an entry it is unknown.
        """
        with self._transaction():
            before = set(self.present())
            self._all("UPDATE submissions SET is_present = 0")
            for each in submissions:
                self._put_submission(each, late.get(each.id))
            now = set(self.present())
            graded = dict(self._all("SELECT submission, status FROM verdicts"))
            for gone in sorted(before - now & graded.keys()):
                self._log(gone, "", (graded[gone], None), "no longer among the submissions")
            for back in sorted(now - before & graded.keys()):
                self._log(back, "", (None, graded[back]), "among the submissions again")

    def _put_submission(self, submission: Handed, late: Lateness | None) -> None:
        submitted = submission.submitted.isoformat() if submission.submitted else None
        late_json = None if late is None else _json(dataclasses.asdict(late))
        self._all(
            "INSERT INTO submissions VALUES (?, ?, 1, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
            "digest = excluded.digest, is_present = 1, url = excluded.url, "
            "submitted = excluded.submitted, late_json = excluded.late_json",
            submission.id,
            submission.digest,
            submission.url,
            submitted,
            late_json,
        )

    def keys(self) -> dict[str, Key]:
        """Return for each submission with a verdict what that was computed from."""
        rows = self._all("SELECT submission, grading_key, digest FROM verdicts")
        return {name: Key(key, digest) for name, key, digest in rows}

    def present(self) -> list[str]:
        """Return the ids of the submissions there are now, sorted."""
        rows = self._all("SELECT id FROM submissions WHERE is_present ORDER BY id")
        return [name for (name,) in rows]

    # Verdicts.

    def put(self, assessment: Assessment, *, key: Key, reason: str, run: int, cost: Cost) -> None:
        """Store a verdict in place of the one before, with a line in the log for each change.

        Parameters
        ----------
        assessment
            What came of the submission.
        key
            What it was computed from.
        reason
            Why it was graded, for the log.
        run
            From `begin_run`.
        cost
            What it took.
        """
        verdict = assessment.verdict
        name = verdict.submission
        with self._transaction():
            before = self._grades(name)
            self._all("DELETE FROM verdicts WHERE submission = ?", name)
            texts = (verdict.notes, verdict.flags, verdict.walls, assessment.unmatched)
            values = (
                *(name, key.key, key.digest, verdict.status, verdict.problem),
                *map(_json, texts),
            )
            self._all("INSERT INTO verdicts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", *values)
            answers = {answer.exercise: answer_to_json(answer) for answer in assessment.answers}
            for position, each in enumerate(verdict.exercises):
                answer = answers.get(each.exercise)
                self._put_exercise(name, each, position=position, answer=answer)
            after = self._grades(name)
            for exercise in sorted({*before, *after}):
                old, new = before.get(exercise), after.get(exercise)
                if old != new:
                    self._log(name, exercise, (old, new), reason)
            spent = (run, name, key.key, cost.cpu_s, cost.duration_s)
            self._all("INSERT INTO costs VALUES (NULL, ?, ?, ?, ?, ?)", *spent)

    def _put_exercise(
        self, name: str, exercise: ExerciseVerdict, *, position: int, answer: Any
    ) -> None:
        each = exercise
        self._all(
            "INSERT INTO exercises VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(name, each.exercise, position, each.status, each.points, each.max_points),
            *(each.sentence, _json(each.notes), None if answer is None else _json(answer)),
        )
        for place, case in enumerate(each.cases):
            self._all(
                "INSERT INTO cases VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                *(name, each.exercise, place, case.name, case.sentence, case.is_hidden),
                *(case.weight, case.passed, case.message, _json(case.calls)),
            )

    def _grades(self, name: str) -> dict[str, str | None]:
        """Return status (under the empty name) and points of a submission as the log has them."""
        found = self._all("SELECT status FROM verdicts WHERE submission = ?", name)
        rows = self._all("SELECT exercise, points FROM exercises WHERE submission = ?", name)
        grades = {exercise: None if p is None else f"{p:g}" for exercise, p in rows}
        return {**({"": found[0][0]} if found else {}), **grades}

    def entry(self, name: str) -> Entry:
        """Return what is stored of a submission.

        Raises
        ------
        StoreError
            If it has no verdict.
        """
        found = self._all("SELECT * FROM verdicts WHERE submission = ?", name)
        if not found:
            raise StoreError(f"no verdict on {name!r} in {self.folder}; grade it first")
        _, _, _, status, problem, *lists = found[0]
        notes, flags, walls, unmatched = (tuple(json.loads(text)) for text in lists)
        rows = self._all("SELECT * FROM exercises WHERE submission = ? ORDER BY position", name)
        exercises = tuple(self._exercise(row) for row in rows)
        answers = tuple(answer_from_json(json.loads(row[8])) for row in rows if row[8] is not None)
        verdict = Verdict(name, status, exercises, problem, notes, flags, walls)
        ((late,),) = self._all("SELECT late_json FROM submissions WHERE id = ?", name)
        return Entry(
            Assessment(verdict, answers, unmatched),
            late=None if late is None else Lateness(**json.loads(late)),
            marks=self.marks(name),
        )

    def _exercise(self, row: Sequence[Any]) -> ExerciseVerdict:
        name, exercise, _, status, points, max_points, sentence, notes, _ = row
        cases = tuple(
            CaseVerdict(
                *(case, asked, bool(is_hidden), weight, bool(passed), message),
                calls=tuple((request, answer) for request, answer in json.loads(calls)),
            )
            for case, asked, is_hidden, weight, passed, message, calls in self._all(
                "SELECT name, sentence, is_hidden, weight, passed, message, calls_json FROM cases "
                "WHERE submission = ? AND exercise = ? ORDER BY position",
                *(name, exercise),
            )
        )
        notes = tuple(json.loads(notes))
        return ExerciseVerdict(exercise, status, points, max_points, sentence, cases, notes)

    # What a person gave.

    def marks(self, name: str) -> dict[str, float]:
        """Return the points that a person gave a submission, by exercise."""
        return dict(self._all("SELECT exercise, points FROM marks WHERE submission = ?", name))

    def put_mark(
        self, name: str, exercise: str, *, points: float, comment: str = "", marker: str
    ) -> None:
        """Store the points that a person gives for an exercise, with a line in the log."""
        with self._transaction():
            old = self.marks(name).get(exercise)
            values = (name, exercise, float(points), comment, marker, _now())
            self._all("INSERT OR REPLACE INTO marks VALUES (?, ?, ?, ?, ?, ?)", *values)
            change = (None if old is None else f"{old:g}", f"{points:g}")
            self._log(name, exercise, change, f"marked by {marker}")

    # The log.

    def _log(
        self, name: str, exercise: str, change: tuple[str | None, str | None], reason: str
    ) -> None:
        tool = f"mlsys-course {course_utils.__version__}"
        values = (_now(), name, exercise, *change, reason, tool)
        self._all("INSERT INTO grade_log VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)", *values)

    def log(self) -> list[Change]:
        """Return every change of a grade, oldest first."""
        return [Change(*row[1:]) for row in self._all("SELECT * FROM grade_log ORDER BY number")]

    def begin_run(self, *, jobs: int, walls: str) -> int:
        """Store that a command begins to grade, and return its number."""
        with self._transaction():
            self._all(
                "INSERT INTO runs (started, jobs, walls) VALUES (?, ?, ?)", _now(), jobs, walls
            )
            ((number,),) = self._all("SELECT MAX(number) FROM runs")
            return int(number)

    def end_run(self, run: int) -> None:
        """Store that a command has come to its end."""
        self._all("UPDATE runs SET ended = ? WHERE number = ?", _now(), run)

    def costs(self) -> dict[str, Cost]:
        """Return what the current verdict of each submission took."""
        rows = self._all("SELECT submission, cpu_s, duration_s FROM costs ORDER BY number")
        return {name: Cost(cpu_s, duration_s) for name, cpu_s, duration_s in rows}


def _opened(path: Path, *, is_writer: bool) -> sqlite3.Connection:
    if not is_writer and not path.is_file():
        raise StoreError(f"no grades in {path.parent}; `course grade` writes them there")
    return sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None)


def _locked(path: Path) -> sqlite3.Connection:
    """Hold a lock until the connection closes or the process ends, however it ends."""
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as err:
        connection.close()
        raise StoreBusyError(
            f"another command writes grades to {path.parent}; wait for its end, or end it: what it "
            "has finished is kept"
        ) from err
    return connection


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
