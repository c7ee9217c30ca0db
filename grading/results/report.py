"""The report on a graded lab, for instructors: what needs a person first, then everyone in a table.

`report_html` makes a page (`labs.engine.pages`), `report_text` the same table for a terminal.
Both take verdicts and totals as plain data; they store and grade nothing. Submissions appear under
their pseudonyms unless names are given.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np

from course_utils import stats
from grading.results.feedback import STATUSES, shown_status
from grading.verdict import ExerciseVerdict, SubmissionStatus, Verdict
from labs.engine.catalog import Exercise, Lab
from labs.engine.pages import Markup, cell, element, line, number, page, plural, table, tag

_STATES = {
    "graded": "graded",
    "needs_marking": "to mark",
    "refused": "refused",
    "missing": "missing",
}
_SPEAKING = ("stopped", "not attempted", "not found", "to mark")  # more than the points say
_SEED = 0  # of the resampling: the same verdicts give the same page
_MAX_SAID = 600


@dataclass(frozen=True)
class ReportRow:
    """One submission in the report.

    Parameters
    ----------
    verdict
        What came of it.
    total, max_total
        Points given so far after the late rule, None if there are none; all points of the lab.
    late_days
        Days late; None if unknown.
    names
        Its people; empty keeps the page without names.
    """

    verdict: Verdict
    total: float | None
    max_total: float
    late_days: float | None = None
    names: tuple[str, ...] = ()

    @property
    def needs_person(self) -> bool:
        """Whether somebody must look at it before grades go out; marking aside."""
        return bool(self.verdict.flags) or self.verdict.status == "refused"


def report_html(lab: Lab, rows: Iterable[ReportRow], *, release: str = "") -> str:
    """Return the report as a page.

    Parameters
    ----------
    lab
        Gives titles and exercises.
    rows
        One a submission, in any order.
    release
        The release of the lab that was graded.
    """
    ordered = _ordered(rows)
    of_release = f", release {line(release)}" if release else ""
    return page(
        f"Report: {lab.title}",
        element("p", f"Report on {lab.name}{of_release}", class_="kicker"),
        element("h1", line(lab.title)),
        _summary(ordered),
        *_walls(ordered),
        *_for_a_person(ordered),
        *_exercises(lab, ordered),
        *_submissions(lab, ordered),
        *_notes(ordered),
        is_wide=True,
    )


def _ordered(rows: Iterable[ReportRow]) -> list[ReportRow]:
    return sorted(rows, key=lambda row: (not row.needs_person, row.verdict.submission))


def _who(row: ReportRow) -> str:
    names = ", ".join(line(name) for name in row.names)
    return f"{line(row.verdict.submission)} ({names})" if names else line(row.verdict.submission)


def _summary(rows: Sequence[ReportRow]) -> Markup:
    counts = Counter(row.verdict.status for row in rows)
    states = (f"{counts[s]} {_STATES[s]}" for s in get_args(SubmissionStatus) if counts[s])
    needing = sum(row.needs_person for row in rows)
    look = f"{needing} to look at first" if needing else "none has a flag"
    said = ", ".join([*states, look])
    return element("p", f"{plural(len(rows), 'submission')}: {said}", class_="total")


def _walls(rows: Sequence[ReportRow]) -> Iterable[Markup]:
    """Name the walls in force, and warn of code that ran without any."""
    ran = [row for row in rows if _has_run(row.verdict)]
    for walls, count in sorted(Counter(row.verdict.walls for row in ran).items()):
        which = (
            "Every submission with code"
            if count == len(ran)
            else f"{count} of {len(ran)} with code"
        )
        if walls:
            names = ", ".join(map(line, walls))
            yield element("p", f"{which} ran behind these walls: {names}.")
        else:
            yield element("p", tag("no walls", shade="bad"), f" {which} ran without any walls.")


def _has_run(verdict: Verdict) -> bool:
    """Whether code of a submission ran, as far as a verdict tells that may lack its cases."""
    return bool(verdict.walls) or any(
        each.cases or each.status in ("passed", "partly", "failed") for each in verdict.exercises
    )


def _for_a_person(rows: Sequence[ReportRow]) -> Iterable[Markup]:
    items = [
        element("li", element("b", _who(row)), f": {_said(text)}", class_="theirs")
        for row in rows
        for text in (
            *((f"refused: {row.verdict.problem}",) if row.verdict.status == "refused" else ()),
            *row.verdict.flags,
        )
    ]
    if items:
        yield element("h2", "What needs a person")
        yield element("ul", *items)


def _said(text: str) -> str:
    return line(text, characters=_MAX_SAID)


def _exercises(lab: Lab, rows: Sequence[ReportRow]) -> Iterable[Markup]:
    graded = [row for row in rows if row.verdict.exercises]
    if not graded:
        return
    seen = {shown_status(each) for row in graded for each in row.verdict.exercises}
    shades = {word: (name, shade) for word, (name, shade, _) in STATUSES.items() if word in seen}
    legend = (tag(name, shade=shade) for name, shade in shades.values())
    yield element("h2", "Exercises")
    yield table(
        ("Exercise", "#of", "#Mean", "Shares", *legend),
        [
            _exercise(exercise, graded, statuses=tuple(shades))
            for exercise in lab.exercises.values()
        ],
        caption="How many submissions came to what; mean points once all are marked, with the 95 % "
        f"interval (bootstrap) from {stats.FEWEST_UNITS} submissions on",
    )


def _exercise(
    exercise: Exercise, rows: Sequence[ReportRow], *, statuses: Sequence[str]
) -> list[Markup]:
    found = [each for row in rows for each in row.verdict.exercises if each.exercise == exercise.id]
    counts = Counter(shown_status(each) for each in found)
    points = [each.points for each in found if each.points is not None]
    is_whole = len(points) == len(found)  # what is marked first may be the blank ones
    return [
        cell(f"{exercise.id} {line(exercise.title)}", is_head=True),
        cell(number(exercise.points), is_number=True),
        cell(_mean(points) if is_whole else "", is_number=True),
        cell(_bar(counts, len(found))),
        *(cell(str(counts[status] or ""), is_number=True) for status in statuses),
    ]


def _mean(points: Sequence[float]) -> str:
    """Return the mean of points over submissions, with its interval where n supports one.

    Examples
    --------
    >>> _mean([4, 4, 3, 2, 4, 0])
    '2.83 [1, 4], n = 6'
    >>> _mean([4, 3]), _mean([])
    ('3.5, n = 2', '')
    """
    if not points:
        return ""
    mean, n = float(np.mean(points)), len(points)
    if n < stats.FEWEST_UNITS:
        return f"{number(round(mean, 2))}, n = {n}"
    rng = np.random.default_rng(_SEED)
    found = stats.bootstrap_interval(points, lambda x: float(x.mean()), rng=rng, resamples=2000)
    low, high = number(round(found.low, 2)), number(round(found.high, 2))
    return f"{number(round(mean, 2))} [{low}, {high}], n = {n}"


def _bar(counts: Counter[str], n: int) -> Markup:
    """Return the counts as a bar; the numbers beside it say the same."""
    rects, start = [], 0.0
    for status, (_, shade, _) in STATUSES.items():
        width = 100 * counts[status] / n if n else 0.0
        if width:
            place = {"x": number(start), "width": number(width), "height": "1"}
            rects.append(element("rect", **place, class_=shade))
        start += width
    box = {"viewBox": "0 0 100 1", "preserveAspectRatio": "none", "aria-hidden": "true"}
    return element("svg", *rects, **box)


def _submissions(lab: Lab, rows: Sequence[ReportRow]) -> Iterable[Markup]:
    has_names = any(row.names for row in rows)
    header = [
        "Submission",
        *(["Name"] if has_names else []),
        "Status",
        "#Days late",
        *(f"#{exercise}" for exercise in lab.exercises),
        "#Total",
        "#of",
    ]
    yield element("h2", "Submissions")
    yield table(
        header,
        [_submission(lab, row, has_names=has_names) for row in rows],
        caption="Points so far; those to look at first stand on top; days late are empty where "
        "nobody knows",
    )


def _submission(lab: Lab, row: ReportRow, *, has_names: bool) -> list[Markup]:
    verdict = row.verdict
    found = {each.exercise: each for each in verdict.exercises}
    names = (cell(", ".join(line(name) for name in row.names)),) if has_names else ()
    flag = (" ", tag("look", shade="bad")) if row.needs_person else ()
    return [
        cell(line(verdict.submission), *flag, is_head=True),
        *names,
        cell(_STATES.get(verdict.status, verdict.status)),
        cell(number(row.late_days), is_number=True),
        *(_points(found.get(exercise)) for exercise in lab.exercises),
        cell(number(row.total), is_number=True),
        cell(number(row.max_total), is_number=True),
    ]


def _points(verdict: ExerciseVerdict | None) -> Markup:
    if verdict is None:
        return cell("", is_number=True)
    word = element("small", shown_status(verdict))
    return cell(number(verdict.points) or "open", " ", word, is_number=True)


def _notes(rows: Sequence[ReportRow]) -> Iterable[Markup]:
    """List what was noticed and decides nothing, a submission after the other."""
    items = []
    for row in sorted(rows, key=lambda row: row.verdict.submission):
        texts = [*row.verdict.notes]
        texts += [f"{e.exercise}: {note}" for e in row.verdict.exercises for note in e.notes]
        notes = [element("li", _said(text)) for text in texts]
        if notes:
            items.append(element("dt", _who(row)))
            items.append(element("dd", element("ul", *notes), class_="theirs"))
    if items:
        yield element("h2", "Notes")
        yield element("dl", *items)


def report_text(lab: Lab, rows: Iterable[ReportRow]) -> str:
    """Return the table of submissions for a terminal, with what needs a person below it.

    Parameters
    ----------
    lab
        Gives the exercises.
    rows
        One a submission, in any order.
    """
    ordered = sorted(rows, key=lambda row: row.verdict.submission)
    header = ["submission", "status", *lab.exercises, "total", "of"]
    lines = [header, *(_text_row(lab, row) for row in ordered)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    texts = [
        "  ".join(text.ljust(width) for text, width in zip(each, widths, strict=True)).rstrip()
        for each in lines
    ]
    for row in ordered:
        if row.verdict.status == "refused":
            texts.append(f"refused: {_who(row)}: {_said(row.verdict.problem)}")
        texts += [f"look at: {_who(row)}: {_said(flag)}" for flag in row.verdict.flags]
    return "\n".join(texts) + "\n"


def _text_row(lab: Lab, row: ReportRow) -> list[str]:
    verdict = row.verdict
    found = {each.exercise: each for each in verdict.exercises}
    return [
        line(verdict.submission),
        _STATES.get(verdict.status, verdict.status),
        *(_text_points(found.get(exercise)) for exercise in lab.exercises),
        number(row.total),
        number(row.max_total),
    ]


def _text_points(verdict: ExerciseVerdict | None) -> str:
    if verdict is None:
        return ""
    points = number(verdict.points)
    status = shown_status(verdict)
    return f"{points} {status if status in _SPEAKING else ''}".strip()
