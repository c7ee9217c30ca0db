"""Finds out what one submission is worth, exercise by exercise.

The submission is put back into our own notebook, every code exercise runs in a room of its own, and
the verdict comes from the checks in this process. The verdict depends on the submission and on the
`Terms` alone: not on the machine, other submissions, their order or the number of jobs. Nothing is
stored or shown here.
"""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from grading.assessing.assessment import Assessment
from grading.assessing.preload import uses_withheld
from grading.assessing.room import APART, DeskLike, ExerciseRoom, Tried
from grading.assessing.work import READING
from grading.submissions import Submission
from grading.verdict import CaseVerdict, ExerciseStatus, ExerciseVerdict, SubmissionStatus, Verdict
from labs.engine.catalog import Exercise, Lab
from labs.engine.checks import Case, CaseResult
from labs.engine.errors import SubmissionError
from labs.engine.pieces import Piece, pieces_for
from labs.engine.rebuild import Rebuilt, rebuild
from labs.engine.sandbox.limits import Limits
from labs.engine.submitted import read_submitted

MESSAGE_CHARACTERS = 600
CALL_CHARACTERS = 160
SHOWN_CALLS = 3
_NAMED_SENTENCES = 3
_UNFINISHED = "The grader could not finish this exercise; a person looks at it."
_STOPPED = {
    "TimeoutError": "it took too much time",
    "ProcessEnded": "it ended its process",
    "Garbled": "it sent what is no answer",
    f"{APART}TimeoutError": "what it gave took too much time to process",
    f"{APART}MemoryError": "what it gave took too much memory to process",
    f"{APART}ProcessEnded": "what it gave ended the process that worked on it",
    f"{APART}Garbled": "what it gave confused the process that worked on it",
}
Progress = Callable[[str], None]
OpenDesk = Callable[[Exercise], DeskLike]


@dataclass(frozen=True)
class Terms:
    """What every submission of a lab is graded on.

    Parameters
    ----------
    lab
        The lab.
    exercises
        Ids of the exercises that count, in order.
    visible, hidden
        Cases by exercise.
    seeds
        Exercise -> case -> seed.
    open_desk
        Opens a process for an exercise: behind walls, with what it withholds taken away.
    parameters
        Parameter -> value, where it is not the notebook's own.
    limits
        Limits of one message.
    spend
        Told the processor time of each exercise [s].
    """

    lab: Lab
    exercises: tuple[str, ...]
    visible: Mapping[str, Sequence[Case]]
    hidden: Mapping[str, Sequence[Case]]
    seeds: Mapping[str, Mapping[str, int]]
    open_desk: OpenDesk
    parameters: Mapping[str, Any] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    spend: Callable[[float], None] = lambda _: None


def assess(
    terms: Terms,
    submission: Submission,
    *,
    skip: Mapping[str, str] | None = None,
    progress: Progress = lambda _: None,
) -> Assessment:
    """Return what a submission is worth, and what it holds.

    Parameters
    ----------
    terms
        What it is graded on.
    submission
        The submission, with a notebook or with the reason why it was refused.
    skip
        Exercises at which the grader itself failed before, with the reason: they get no points
        and a flag for a person.
    progress
        Told the exercise, and then each case, that begins.
    """
    if submission.notebook is None:
        return refused(submission, submission.problem or "there is no notebook in it")
    if skip and READING in skip:
        return _unread(terms, submission, skip[READING])
    progress(READING)
    try:
        rebuilt = rebuild(terms.lab, read_submitted(submission.notebook))
    except SubmissionError as err:
        return refused(submission, str(err))
    return _Grading(terms, rebuilt, progress).run(submission, skip or {})


def refused(submission: Submission, problem: str) -> Assessment:
    """Return that a submission is not there or cannot be graded, and why."""
    status: SubmissionStatus = "missing" if submission.is_missing else "refused"
    notes = tuple(map(clean_text, submission.notes))
    return Assessment(Verdict(submission.id, status, problem=clean_text(problem), notes=notes))


def _unread(terms: Terms, submission: Submission, reason: str) -> Assessment:
    """Return that the grader itself failed when it read a submission: a person must look."""
    chosen = [terms.lab.exercises[each] for each in terms.exercises]
    verdicts = tuple(_whole(each, "stopped", _UNFINISHED, points=0.0) for each in chosen)
    flag = f"the notebook could not be read: {reason}"
    return Assessment(Verdict(submission.id, "graded", verdicts, flags=(flag,)))


class _Grading:
    """One submission: what its exercises share."""

    def __init__(self, terms: Terms, rebuilt: Rebuilt, progress: Progress) -> None:
        self._terms, self._rebuilt, self._progress = terms, rebuilt, progress
        self._fatal: dict[Piece, str] = {}
        self._flags: list[str] = []
        self._walls: tuple[str, ...] = ()

    def run(self, submission: Submission, skip: Mapping[str, str]) -> Assessment:
        verdicts = [self._verdict(exercise, skip) for exercise in self._terms.exercises]
        answers = tuple(self._rebuilt.answers[each.exercise] for each in verdicts)
        unmatched = tuple(map(clean_text, self._rebuilt.unmatched))
        lost = [answer.exercise for answer in answers if answer.how == "not found"]
        if unmatched and lost:
            self._flags.append(
                f"not found: {', '.join(lost)}; cells that could not be placed: {len(unmatched)}"
            )
        is_open = any(each.points is None for each in verdicts)
        verdict = Verdict(
            submission.id,
            "needs_marking" if is_open else "graded",
            tuple(verdicts),
            notes=(
                *map(clean_text, submission.notes),
                *(f"not placed: {text}" for text in unmatched),
            ),
            flags=tuple(self._flags),
            walls=self._walls,
        )
        return Assessment(verdict, answers, unmatched)

    def _verdict(self, exercise_id: str, skip: Mapping[str, str]) -> ExerciseVerdict:
        exercise = self._terms.lab.exercises[exercise_id]
        answer = self._rebuilt.answers[exercise_id]
        notes = tuple(map(clean_text, answer.notes))
        if exercise_id in skip:
            self._flags.append(f"exercise {exercise_id}: {skip[exercise_id]}")
            return _whole(exercise, "stopped", _UNFINISHED, points=0.0, notes=notes)
        if answer.how == "not found":
            sentence = "No cell with this exercise was found."
            return _whole(exercise, "not found", sentence, points=0.0, notes=notes)
        if not answer.is_attempted:
            return _whole(exercise, "not attempted", "Not attempted.", points=0.0, notes=notes)
        if exercise.kind == "text":
            return _whole(exercise, "to mark", "A person marks this text.", notes=notes)
        self._progress(exercise_id)
        return self._judged(exercise, notes)

    def _judged(self, exercise: Exercise, notes: tuple[str, ...]) -> ExerciseVerdict:
        terms = self._terms
        cases = [(case, False) for case in terms.visible.get(exercise.id, ())]
        cases += [(case, True) for case in terms.hidden.get(exercise.id, ())]
        with ExerciseRoom(
            exercise.id,
            pieces_for(self._rebuilt, exercise.id, parameters=terms.parameters),
            open_desk=lambda: terms.open_desk(exercise),
            open_apart=lambda: terms.open_desk(replace(exercise, withhold=())),
            limits=terms.limits,
            fatal=self._fatal,
        ) as room:
            self._walls = room.walls
            own = _own_cell(exercise, room)
            tried = [self._try(room, case) if not own.died else _unrun(case) for case, _ in cases]
            self._look_at_setup(exercise, room)
            notes = (*notes, *_room_notes(room, exercise))
            terms.spend(room.cpu_s)
        results = [
            _case_verdict(case, each, is_hidden=is_hidden)
            for (case, is_hidden), each in zip(cases, tried, strict=True)
        ]
        return _decide(exercise, results, tried=tried, own=own, notes=notes)

    def _try(self, room: ExerciseRoom, case: Case) -> Tried:
        self._progress(f"{case.exercise} {case.name}")
        return room.try_case(case, seed=self._terms.seeds[case.exercise][case.name])

    def _look_at_setup(self, exercise: Exercise, room: ExerciseRoom) -> None:
        """Flag a setup cell of ours that fails before any code of the student's has run."""
        for piece, ending in room.endings.items():
            if piece.kind != "given":
                return
            if not ending.is_ok and not _is_withheld(piece, exercise):
                text = clean_text(f"{ending.name}: {ending.message}")
                self._flags.append(f"exercise {exercise.id}: our own setup fails with {text}")


@dataclass(frozen=True)
class _Cell:
    """What came of the solution cell itself: `died` and `error` are sentences, or empty."""

    died: str = ""
    error: str = ""


def _own_cell(exercise: Exercise, room: ExerciseRoom) -> _Cell:
    own = [p for p in room.pieces if p.kind == "solution" and p.exercise == exercise.id]
    left_out = room.left_out
    for piece in own:
        if piece in left_out:
            return _Cell(died=clean_text(left_out[piece]))
    for piece in own:
        ending = room.endings.get(piece)
        if ending is not None and not ending.is_ok:
            at = f" (line {ending.line})" if ending.line else ""
            return _Cell(error=clean_text(f"{ending.name}{at}: {ending.message}"))
    return _Cell()


def _is_withheld(piece: Piece, exercise: Exercise) -> bool:
    """Say whether a piece of ours imports what the exercise withholds, and fails as it should."""
    return piece.kind == "given" and uses_withheld(piece.code, exercise.withhold)


def _room_notes(room: ExerciseRoom, exercise: Exercise) -> tuple[str, ...]:
    notes = [
        f"left out: {piece.label or piece.kind}: {why}" for piece, why in room.left_out.items()
    ]
    for piece, ending in room.endings.items():
        if not (ending.is_ok or piece in room.left_out or _is_withheld(piece, exercise)):
            notes.append(f"{piece.label or piece.kind}: {ending.name}: {ending.message}")
    if room.restarts:
        notes.append(f"its process was replaced {room.restarts} times")
    return tuple(map(clean_text, notes))


def _unrun(case: Case) -> Tried:
    text = "was not run: the cell of this exercise ended its process"
    return Tried(CaseResult(case.name, case.sentence, False, text), is_run=False)


def _case_verdict(case: Case, tried: Tried, *, is_hidden: bool) -> CaseVerdict:
    result = tried.result
    calls = tuple(
        (clean_text(call.request, CALL_CHARACTERS), clean_text(call.answer, CALL_CHARACTERS))
        for call in result.calls[-SHOWN_CALLS:]
    )
    message = clean_text(result.message)
    return CaseVerdict(
        case.name, case.sentence, is_hidden, case.weight, result.passed, message, calls
    )


def _decide(
    exercise: Exercise,
    cases: Sequence[CaseVerdict],
    *,
    tried: Sequence[Tried],
    own: _Cell,
    notes: tuple[str, ...],
) -> ExerciseVerdict:
    """Return the verdict on an exercise from its cases."""
    every = all(case.passed for case in cases)
    passed = sum(case.weight for case in cases if case.earns(cases))
    share = 1.0 if every else passed / sum(case.weight for case in cases)
    is_stopped = bool(own.died) or any(each.stopped for each in tried)
    status: ExerciseStatus
    if every:
        status = "passed"
    elif is_stopped:
        status = "stopped"
    elif not own.error and not any(each.is_attempted for each in tried):
        status = "not attempted"
    else:
        status = "partly" if share > 0 else "failed"
    return ExerciseVerdict(
        exercise.id,
        status,
        points=round(share * exercise.points, 2),
        max_points=float(exercise.points),
        sentence=_sentence(cases, tried, own=own),
        cases=tuple(cases),
        notes=notes,
    )


def _sentence(cases: Sequence[CaseVerdict], tried: Sequence[Tried], *, own: _Cell) -> str:
    """Say what happened: nothing of a hidden case but the sentence of the exercise it tests."""
    failed = [case for case in cases if not case.passed]
    if not failed:
        return f"All {len(cases)} cases pass."
    if own.died:
        return f"No case could run, because the cell itself was stopped: {own.died}"
    parts = [f"{len(cases) - len(failed)} of {len(cases)} cases pass"]
    if own.error:
        parts.append(f"the cell itself stops with {own.error}")
    for name in dict.fromkeys(each.stopped for each in tried if each.stopped):
        times = sum(each.stopped == name for each in tried)
        parts.append(f"in {times} your code was stopped: {_STOPPED.get(name, name)}")
    if unrun := sum(not each.is_run for each in tried):
        parts.append(f"after that, {unrun} were not run")
    asked = list(dict.fromkeys(case.sentence for case in failed))
    shown = " ".join(f"\u201c{sentence}\u201d" for sentence in asked[:_NAMED_SENTENCES])
    parts.append(f"look again at: {shown}")
    return "; ".join(parts)


def _whole(
    exercise: Exercise,
    status: ExerciseStatus,
    sentence: str,
    *,
    points: float | None = None,
    notes: tuple[str, ...] = (),
) -> ExerciseVerdict:
    """Return the verdict on an exercise of which no case ran."""
    max_points = float(exercise.points)
    return ExerciseVerdict(exercise.id, status, points, max_points, sentence, notes=notes)


def clean_text(text: str, characters: int = MESSAGE_CHARACTERS) -> str:
    r"""Return a text from a submission so that it can be stored and shown: short, no control.

    Examples
    --------
    >>> clean_text("a\x1b[31mb\ud800"), clean_text("abcdef", 4)
    ('a\ufffd[31mb\ufffd', 'abc\u2026')
    """
    cut = text if len(text) <= characters else text[: characters - 1] + "\u2026"
    return "".join(
        "\ufffd" if unicodedata.category(each)[0] == "C" and each not in "\n\t" else each
        for each in cut
    )
