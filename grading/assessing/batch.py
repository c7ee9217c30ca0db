"""Grades all submissions of a lab: what is new or depends on something that changed, and no more.

Submissions are read one at a time, graded by an `Executor`, and stored as they come, so that a
command that is interrupted or killed goes on where it was when it is given again. This module, the
coordinator, imports neither torch nor any check, and runs no student code.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from grading.assessing import assessment
from grading.assessing.keys import Settings, grading_key, lab_fingerprint, seeds_mark
from grading.assessing.work import Description, Job, Place, Result, Task
from grading.assessing.workers import Executor
from grading.course import Course
from grading.errors import WorkerError
from grading.rules.lateness import Lateness
from grading.store import Cost, Handed, Key, Store
from grading.submissions import Submission, Submissions
from labs.engine.catalog import Lab, did_you_mean
from labs.engine.errors import UsageError
from labs.engine.seeds import secret_seed

LAB = "lab"  # facts in the store: whose grades it holds,
PLACE = "submissions"  # and where the submissions were
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Order:
    """What is to be graded, and how.

    Parameters
    ----------
    course, lab
        The course and the lab.
    settings
        Exercises, preset, limits.
    only
        Id of the one submission to grade; all if None.
    jobs
        How many processes grade, for the log.
    """

    course: Course
    lab: Lab
    settings: Settings
    only: str | None = None
    jobs: int = 1


@dataclass(frozen=True)
class Roll:
    """All submissions of a lab.

    Parameters
    ----------
    submissions
        Reads each of them.
    handed
        What is known of each without grading it, from `survey`.
    late
        Id -> how late it is; without an entry it is unknown.
    """

    submissions: Submissions
    handed: tuple[Handed, ...]
    late: Mapping[str, Lateness]


@dataclass(frozen=True)
class Outcome:
    """What a command did.

    Parameters
    ----------
    graded, unchanged
        How many submissions were graded, and how many had nothing new.
    failed
        Ids of those at which the grader itself failed; they are graded again the next time.
    """

    graded: int
    unchanged: int
    failed: tuple[str, ...]


def survey(submissions: Iterable[Submission]) -> tuple[Handed, ...]:
    """Return what is known of each submission, reading one at a time."""
    return tuple(
        Handed(each.id, each.digest, each.url, each.submitted, each.person) for each in submissions
    )


def grade_all(
    store: Store,
    order: Order,
    *,
    roll: Roll,
    executor: Executor,
    progress: Progress = lambda *_: None,
) -> Outcome:
    """Bring the grades in a store up to date.

    Parameters
    ----------
    store
        Where grades are kept.
    order
        What is to be graded.
    roll
        All submissions; those in the store that are not among them are marked as gone.
    executor
        Where student code runs.
    progress
        Called with how many are graded of how many that have to be.

    Raises
    ------
    UsageError
        If the store holds another lab, or `order.only` names no submission.
    WorkerError
        If the executor cannot grade at all.
    """
    _claim(store, order.lab)
    keys, fingerprint = _keys(order, roll)
    before = store.keys()
    store.put_submissions(roll.handed, roll.late)
    chosen = _chosen(order, keys)
    todo = [name for name in chosen if before.get(name) != keys[name]]
    progress(0, len(todo))
    failed: list[str] = []
    if todo:
        job = _job(order, fingerprint, executor.describe(_place(order)))
        run = store.begin_run(jobs=order.jobs, walls=_walls(order))
        tasks = (Task.of(roll.submissions.load(name)) for name in todo)
        for done, result in enumerate(executor.run(job, tasks), 1):
            _keep(store, result, key=keys[result.submission], before=before, run=run)
            failed += [result.submission] if result.failed_at else []
            progress(done, len(todo))
        store.end_run(run)
    return Outcome(len(todo), len(chosen) - len(todo), tuple(sorted(failed)))


def _claim(store: Store, lab: Lab) -> None:
    """Make the store that of this lab, or refuse."""
    held = store.fact(LAB)
    if held not in (None, lab.name):
        raise UsageError(
            f"{store.folder} holds the grades of {held}, not of {lab.name}; give -o another folder"
        )
    store.put_facts({LAB: lab.name})


def _keys(order: Order, roll: Roll) -> tuple[dict[str, Key], str]:
    course, lab = order.course, order.lab
    fingerprint = lab_fingerprint(course, lab)
    seeds = seeds_mark(course.read_or_create_secret(), course.release(lab))
    keys = {
        each.id: Key(
            grading_key(each.digest, fingerprint=fingerprint, seeds=seeds, settings=order.settings),
            each.digest,
        )
        for each in roll.handed
    }
    return keys, fingerprint


def _chosen(order: Order, keys: Mapping[str, Key]) -> Sequence[str]:
    if order.only is None:
        return sorted(keys)
    if order.only not in keys:
        hint = did_you_mean(order.only, keys)
        raise UsageError(f"no submission {order.only!r}{hint} ({len(keys)} submissions)")
    return [order.only]


def _place(order: Order) -> Place:
    return Place(order.lab.name, str(order.course.root))


def _job(order: Order, fingerprint: str, found: Description) -> Job:
    """Return what all submissions have in common; the secret stays here, seeds go out."""
    if found.fingerprint != fingerprint:
        raise WorkerError(
            f"a grading process has another version of {order.lab.name} or of the grader than this "
            "command; bring both to the same version"
        )
    if found.walls_missing and not order.settings.is_trusted:
        raise WorkerError(f"a grading process has no walls: {found.walls_missing}")
    course, lab = order.course, order.lab
    secret, release = course.read_or_create_secret(), course.release(lab)
    seeds = {
        exercise: {
            case: secret_seed(secret, release, exercise=exercise, case=case) for case in cases
        }
        for exercise, cases in found.cases.items()
    }
    return Job(_place(order), fingerprint, seeds, order.settings)


def _keep(store: Store, result: Result, *, key: Key, before: Mapping[str, Key], run: int) -> None:
    """Store a result; one at which the grader failed gets no key, so that it comes again."""
    if result.assessment is None:
        raise WorkerError(f"{result.submission}: {result.failure}")
    old = before.get(result.submission)
    store.put(
        assessment.from_json(result.assessment),
        key=Key("", key.digest) if result.failed_at else key,
        reason=_reason(old, key),
        run=run,
        cost=Cost(result.cpu_s, result.duration_s),
    )


def _reason(old: Key | None, new: Key) -> str:
    if old is None:
        return "graded for the first time"
    if old.digest != new.digest:
        return "another submission took its place"
    if not old.key:
        return "the grader had failed at it"
    return "checks, modules, seeds or settings changed"


def _walls(order: Order) -> str:
    return (
        "where there are any: submissions are trusted"
        if order.settings.is_trusted
        else "behind walls"
    )
