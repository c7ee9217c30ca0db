"""The files of a graded lab, made from the store: feedback, table of grades, report.

``DIR/feedback/<submission>/feedback.html``, ``DIR/grades.csv`` and ``DIR/report.html``. The same
grades give the same bytes, whatever the machine and the order. Nothing is graded here.
"""

import dataclasses
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from course_utils.records import write_atomically
from grading.assessing.score import Score, score, with_marks
from grading.course import Course
from grading.moodle.identities import Identity
from grading.results.feedback import feedback_html
from grading.results.gradebook import GradeRow, grade_row, write_grades
from grading.results.report import ReportRow, report_html
from grading.store import Store
from grading.verdict import Verdict
from labs.engine.catalog import Lab

FEEDBACK, PAGE, GRADES, REPORT = "feedback", "feedback.html", "grades.csv", "report.html"


@dataclass(frozen=True)
class Graded:
    """One submission with its score; the verdict without its cases.

    Parameters
    ----------
    verdict
        What came of it, with a person's marks in place.
    score
        What it gets.
    """

    verdict: Verdict
    score: Score


def write_outputs(
    store: Store, *, course: Course, lab: Lab, identities: Mapping[str, Identity] | None = None
) -> list[Graded]:
    """Write all files of a graded lab and return its submissions in the order of their ids.

    Parameters
    ----------
    store
        The grades.
    course, lab
        The course and the lab.
    identities
        Id -> who is behind it; the table of grades then has names, and is for its owner alone.
    """
    names = {key: names_of(identity) for key, identity in (identities or {}).items()}
    graded = list(_write_feedback(store, course, lab))
    chosen = [exercise.id for exercise in course.exercises(lab)]
    write_grades(
        store.folder / GRADES,
        [_grade_row(each) for each in graded],
        exercises=chosen,
        identities=names or None,
    )
    rows = [report_row(each) for each in graded]
    write_atomically(store.folder / REPORT, report_html(lab, rows, release=course.release(lab)))
    return graded


def _write_feedback(store: Store, course: Course, lab: Lab) -> Iterator[Graded]:
    folder, max_total = store.folder / FEEDBACK, course.max_points(lab)
    keys = store.keys()
    present = [name for name in store.present() if name in keys]
    for name in present:
        entry = store.entry(name)
        verdict = with_marks(entry.assessment.verdict, entry.marks)
        scored = score(verdict, max_total=max_total, late=entry.late, rounding=course.rounding)
        text = feedback_html(
            lab,
            verdict,
            answers={answer.exercise: answer for answer in entry.assessment.answers},
            total=scored.total,
            max_total=scored.max_total,
            late=scored.late_sentence or None,
        )
        (folder / name).mkdir(parents=True, exist_ok=True)
        write_atomically(folder / name / PAGE, text)
        yield Graded(_without_cases(verdict), scored)
    _remove_others(folder, present)


def _without_cases(verdict: Verdict) -> Verdict:
    """Return a verdict that takes little memory: a thousand are held at once."""
    exercises = tuple(dataclasses.replace(each, cases=()) for each in verdict.exercises)
    return dataclasses.replace(verdict, exercises=exercises)


def _remove_others(folder: Path, present: Sequence[str]) -> None:
    """Remove the pages of submissions that are there no more; of ours alone."""
    for child in sorted(folder.iterdir()) if folder.is_dir() else ():
        if child.name not in present and (child / PAGE).is_file() and not child.is_symlink():
            shutil.rmtree(child)


def names_of(identity: Identity) -> tuple[str, ...]:
    """Return the names of the people behind a submission, the team's if they are not known."""
    names = tuple(member.name for member in identity.members if member.name)
    return names or ((identity.name,) if identity.name else ())


def _grade_row(graded: Graded) -> GradeRow:
    found = graded.score
    return grade_row(
        graded.verdict,
        total=found.total,
        max_total=found.max_total,
        late_days=found.late_days,
    )


def report_row(graded: Graded) -> ReportRow:
    """Return the line of a submission in the report, under its pseudonym."""
    scored = graded.score
    total = None if scored.status in ("refused", "missing") else scored.total
    return ReportRow(graded.verdict, total, scored.max_total, late_days=scored.late_days)
