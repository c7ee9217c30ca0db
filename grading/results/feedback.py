"""The page that a student gets back: what each exercise earned, and why.

`feedback_html` says of an open case what is asked, what is wrong and what was called; of a hidden
case only which sentence of the exercise does not hold yet: no name, no input, no message. It shows
the answer as it was handed in and what the student's own run showed, "as submitted, not verified".
Whatever text stands in a submission is shown as text (`labs.engine.pages`), and long texts are
cut with a note. The same verdict gives the same bytes: no time, no path, no machine. Nothing is
judged here.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from grading.verdict import CaseVerdict, ExerciseVerdict, Verdict
from labs.engine.catalog import Lab
from labs.engine.pages import (
    Markup,
    block,
    cell,
    element,
    excerpt,
    join,
    line,
    number,
    page,
    picture,
    plural,
    table,
    tag,
)
from labs.engine.rebuild import Answer, Shown

# Status of an exercise (`shown_status`) -> its word, shade (`pages.SHADES`) and meaning.
STATUSES = {
    "passed": ("passed", "good", "Every case passes."),
    "partly": (
        "partly",
        "some",
        "Some cases pass and some do not; the points are the share of those that count, by weight.",
    ),
    "failed": ("failed", "bad", "No case passes, or none that counts."),
    "stopped": (
        "stopped",
        "halt",
        "In at least one case your code ended its own process, or had to be stopped because it "
        "took too much time or memory. The other cases count as usual.",
    ),
    "not attempted": ("not attempted", "none", "The cell is there and nobody wrote in it."),
    "not found": ("not found", "none", "No cell of the notebook holds this exercise."),
    "to mark": ("to mark", "wait", "A person reads this text; its points come later."),
    "marked": ("marked", "good", "A person has read this text and given its points."),
}
_MAX_CODE, _MAX_CODE_LINES = 20_000, 400
_MAX_MESSAGE, _MAX_MESSAGE_LINES = 1_500, 20
_MAX_SHOWN, _MAX_SHOWN_LINES = 4_000, 60
_MAX_ITEMS = 50  # cases of an exercise, exercises aside: more than any lab has
_MAX_OUTPUTS, _MAX_PICTURES, _MAX_ALL_PICTURES = 6, 3, 8
_SHOWN_CALLS = 3


def feedback_html(
    lab: Lab,
    verdict: Verdict,
    *,
    answers: Mapping[str, Answer],
    total: float,
    max_total: float,
    late: str | None = None,
) -> str:
    """Return the feedback on one submission as a page of its own.

    Parameters
    ----------
    lab
        Gives titles and the kinds of hidden cases.
    verdict
        What came of the submission.
    answers
        Exercise -> what the submission holds for it.
    total
        Points given so far, after the late rule.
    max_total
        All points of the lab.
    late
        What lateness cost, in a sentence; None if there is nothing to say.
    """
    room = _Room()
    exercises = [
        _exercise(lab, each, answer=answers.get(each.exercise), place=place, room=room)
        for place, each in enumerate(verdict.exercises, 1)
    ]
    body = [
        element("p", "Feedback", class_="kicker"),
        element("h1", line(lab.title)),
        *_total(verdict, total, max_total, late),
        *([_overview(lab, verdict.exercises)] if verdict.exercises else []),
        *exercises,
        _words() if exercises else join(),
        element("p", element("small", f"Submission {line(verdict.submission)}")),
    ]
    return page(f"Feedback: {lab.title}", *body)


class _Room:
    """How many pictures the page still takes, so that it stays small."""

    def __init__(self) -> None:
        self.pictures = _MAX_ALL_PICTURES


def _total(verdict: Verdict, total: float, max_total: float, late: str | None) -> Iterable[Markup]:
    if verdict.status in ("refused", "missing"):
        said = {"refused": "Your submission could not be graded.", "missing": "Nothing came in."}
        yield element("p", said[verdict.status], class_="total")
        if verdict.problem:
            yield element("p", _cut(verdict.problem), class_="theirs")
        return
    open_ones = [each for each in verdict.exercises if each.points is None]
    so_far = " so far" if open_ones else ""
    yield element("p", f"{number(total)} of {number(max_total)} points{so_far}", class_="total")
    if open_ones:
        points = number(sum(each.max_points for each in open_ones))
        names = ", ".join(line(each.exercise) for each in open_ones)
        yield element("p", f"Still to be marked by a person: {names} ({points} points).")
    if late:
        before = f" Before the late rule: {number(verdict.points)} points."
        yield element("p", line(late), before if number(verdict.points) != number(total) else "")


def _overview(lab: Lab, exercises: Sequence[ExerciseVerdict]) -> Markup:
    rows = [
        (
            cell(
                element("a", line(each.exercise), href=f"#exercise-{place}"),
                f" {_title(lab, each)}",
                is_head=True,
            ),
            cell(number(each.points) or "open", is_number=True),
            cell(number(each.max_points), is_number=True),
            cell(_status(each)),
            cell(_cut(each.sentence)),
        )
        for place, each in enumerate(exercises, 1)
    ]
    header = ("Exercise", "#Points", "#of", "Status", "What happened")
    return table(header, rows, caption="Your exercises")


def _title(lab: Lab, verdict: ExerciseVerdict) -> str:
    declared = lab.exercises.get(verdict.exercise)
    return line(declared.title) if declared else ""


def shown_status(verdict: ExerciseVerdict) -> str:
    """Return the status of an exercise as people see it: a text with points is marked.

    Examples
    --------
    >>> shown_status(ExerciseVerdict("0.3", "to mark", 1.5, 2.0, "A person marks this text."))
    'marked'
    """
    is_marked = verdict.status == "to mark" and verdict.points is not None
    return "marked" if is_marked else verdict.status


def _status(verdict: ExerciseVerdict) -> Markup:
    status = shown_status(verdict)
    word, shade, _ = STATUSES.get(status, (status, "none", ""))
    return tag(word, shade=shade)


def _exercise(
    lab: Lab, verdict: ExerciseVerdict, *, answer: Answer | None, place: int, room: _Room
) -> Markup:
    points = "points still open," if verdict.points is None else number(verdict.points)
    heading = f"{line(verdict.exercise)} {_title(lab, verdict)}".strip()
    is_news = verdict.status == "stopped" or not verdict.cases  # else the cases say the same
    parts = [
        element("h2", heading, id=f"exercise-{place}"),
        element(
            "p",
            _status(verdict),
            f" {points} of {number(verdict.max_points)} points{_weights(verdict)}",
        ),
        *([element("p", _cut(verdict.sentence))] if is_news else []),
        *_open_cases(verdict.cases),
        *_hidden_cases(lab, verdict),
        *(_answer(answer, room) if answer else ()),
    ]
    return element("article", *parts)


def _weights(verdict: ExerciseVerdict) -> str:
    """Say how the points follow from cases that do not all weigh the same."""
    weights = [case.weight for case in verdict.cases]
    if verdict.status == "passed" or len(set(weights)) < 2:
        return ""
    earned = sum(case.weight for case in verdict.cases if case.earns(verdict.cases))
    return f": some cases count more, and those that count are {earned:g} of {sum(weights):g} parts"


def _open_cases(every: Sequence[CaseVerdict]) -> Iterable[Markup]:
    cases = [case for case in every if not case.is_hidden]
    if not cases:
        return
    passed = sum(case.passed for case in cases)
    yield element("h3", f"Open cases: {passed} of {len(cases)} pass")
    items = [_open_case(case, is_earned=case.earns(every)) for case in cases[:_MAX_ITEMS]]
    yield element("ul", *items, class_="cases")
    if len(cases) > _MAX_ITEMS:
        yield element("p", f"{len(cases) - _MAX_ITEMS} more are not listed.", class_="soft")


def _open_case(case: CaseVerdict, *, is_earned: bool) -> Markup:
    verdict = tag("passes", shade="good") if case.passed else tag("fails", shade="bad")
    parts = [verdict, " ", line(case.sentence)]
    if case.passed and not is_earned:
        parts.append(
            element("p", "It counts once the further cases of this sentence pass.", class_="soft")
        )
    if not case.passed:
        if case.message:
            parts.append(element("p", "What is wrong: ", _cut(case.message), class_="theirs"))
        if case.calls:
            parts.append(_calls(case.calls[-_SHOWN_CALLS:]))
    return element("li", *parts)


def _calls(calls: Sequence[tuple[str, str]]) -> Markup:
    rows = [
        (cell(element("code", line(request))), cell(element("code", line(answer))))
        for request, answer in calls
    ]
    return table(("What was called", "Your answer"), rows, caption="The last calls of this case")


def _hidden_cases(lab: Lab, verdict: ExerciseVerdict) -> Iterable[Markup]:
    """Say which sentences do not hold in further cases, and nothing else about those cases."""
    cases = [case for case in verdict.cases if case.is_hidden]
    if not cases:
        return
    passed = sum(case.passed for case in cases)
    yield element("h3", f"Further cases: {passed} of {len(cases)} pass")
    failing = Counter(case.sentence for case in cases if not case.passed)
    items = [
        element(
            "li",
            f"{'A further case fails' if count == 1 else f'{count} further cases fail'}: ",
            line(sentence),
        )
        for sentence, count in list(failing.items())[:_MAX_ITEMS]
    ]
    if items:
        yield element("ul", *items)
    declared = lab.exercises.get(verdict.exercise)
    if declared and declared.hidden_kinds:
        kinds = ", ".join(map(line, declared.hidden_kinds))
        yield element("p", f"Further cases vary the inputs: {kinds}.", class_="soft")


def _answer(answer: Answer, room: _Room) -> Iterable[Markup]:
    if answer.how == "not found":
        return
    yield element("h3", "What you handed in")
    if not answer.is_attempted:
        yield element("p", "The cell as it was handed out.")
    if answer.how != "by its id":
        yield element("p", f"Found {line(answer.how)}.", class_="soft")
    for note in answer.notes[:_MAX_ITEMS]:
        yield element("p", line(note), class_="soft")
    if answer.is_attempted:
        yield block(answer.text, characters=_MAX_CODE, lines=_MAX_CODE_LINES)
    if answer.shown:
        yield element("h3", "What your own run showed")
        yield element("p", "As submitted, not verified: no points depend on it.", class_="soft")
        yield from _evidence(answer.shown, room)


def _evidence(shown: Sequence[Shown], room: _Room) -> Iterable[Markup]:
    pictures = 0
    for each in shown[:_MAX_OUTPUTS]:
        if each.kind != "picture":
            yield block(each.text, characters=_MAX_SHOWN, lines=_MAX_SHOWN_LINES)
            continue
        if pictures == _MAX_PICTURES or room.pictures == 0:
            yield element("p", "A further picture is not shown here.", class_="soft")
            continue
        pictures, room.pictures = pictures + 1, room.pictures - 1
        drawn = picture(each.png, alt=line(each.text) or "A picture that your own run showed")
        said = element("figcaption", line(each.text)) if each.text else join()
        yield element("figure", drawn, said)
    if len(shown) > _MAX_OUTPUTS:
        more = plural(len(shown) - _MAX_OUTPUTS, "further output")
        yield element("p", f"{more} not shown here.", class_="soft")


def _words() -> Markup:
    items = [
        join(element("dt", tag(word, shade=shade)), element("dd", meaning))
        for word, shade, meaning in STATUSES.values()
    ]
    hidden = (
        "Further cases test the same sentences of an exercise on other inputs. They are the same "
        "for everyone and stay closed, so that a function is written for all inputs and not for "
        "these. If one fails, read its sentence again and try inputs of your own. An open case, "
        "whose inputs everybody knows, counts only if the further cases of its sentence pass, too."
    )
    return element(
        "article",
        element("h2", "How to read this page"),
        element("p", hidden),
        element("dl", *items),
    )


def _cut(text: str) -> str:
    """Return a text of few lines, shortened visibly."""
    shown, note = excerpt(text, characters=_MAX_MESSAGE, lines=_MAX_MESSAGE_LINES)
    return f"{shown}\n({note})" if note else shown
