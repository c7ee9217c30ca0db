"""The work of one grading process: plain data in, plain data out.

A local process (`grading.assessing.workers`) and one on a cluster do the same: `describe` says
which cases a lab has here, `grade` grades one submission. What goes in are names, bytes and derived
seeds, never the course's secret; what comes out can be sent as JSON. Torch and the checks are
imported when the first work is done, not with this module, which the coordinator imports too.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from grading.assessing.keys import Settings
from grading.submissions import Submission

READING = "reading"  # what begins before the first exercise
_log = logging.getLogger("grading")
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Place:
    """Where a lab is found.

    Parameters
    ----------
    lab
        Its name.
    root
        Root of the course; found from the working directory or the package if None.
    """

    lab: str
    root: str | None = None


@dataclass(frozen=True)
class Description:
    """What a grading process has of a lab.

    Parameters
    ----------
    cases
        Exercise -> names of its cases, visible and hidden.
    fingerprint
        From `grading.assessing.keys.lab_fingerprint`.
    walls_missing
        Why student code cannot be kept behind walls there; empty if it can.
    """

    cases: Mapping[str, tuple[str, ...]]
    fingerprint: str
    walls_missing: str = ""


@dataclass(frozen=True)
class Job:
    """What all submissions of one command have in common.

    Parameters
    ----------
    place
        Where the lab is found.
    fingerprint
        What the grading process must have too.
    seeds
        Exercise -> case -> seed.
    settings
        How submissions are graded.
    """

    place: Place
    fingerprint: str
    seeds: Mapping[str, Mapping[str, int]]
    settings: Settings


@dataclass(frozen=True)
class Task:
    """One submission to grade.

    Parameters
    ----------
    submission
        The submission, without what grading must not know.
    skip
        Exercise (or `READING`) -> why it is left to a person: the grader itself failed at it.
    failed_at
        Exercises at which the grader failed once, which may have been chance.
    """

    submission: Submission
    skip: Mapping[str, str] = field(default_factory=dict)
    failed_at: tuple[str, ...] = ()

    @classmethod
    def of(cls, submission: Submission) -> "Task":
        """Return the task of a submission: without its people, its time and its link."""
        return cls(replace(submission, submitted=None, person=(), url=""))

    def after_failure(self, step: str, reason: str, *, is_certain: bool = False) -> "Task":
        """Return the task to try next after the grader itself failed.

        Parameters
        ----------
        step
            What had begun last.
        reason
            What happened, for a person.
        is_certain
            Whether it would happen again; else it is tried once more before a person is asked.

        Examples
        --------
        >>> task = Task(Submission("anna", b"{}"))
        >>> again = task.after_failure("0.1 strides", "its process died")
        >>> again.skip, again.after_failure("0.1 kernels", "its process died").skip
        ({}, {'0.1': 'its process died'})
        """
        exercise = step.partition(" ")[0] or READING
        if is_certain or exercise in self.failed_at:
            return replace(self, skip={**self.skip, exercise: reason})
        return replace(self, failed_at=(*self.failed_at, exercise))


@dataclass(frozen=True)
class Result:
    """What came of one task.

    Parameters
    ----------
    submission
        Its id.
    assessment
        What `grading.assessing.assessment.to_json` gives; None if the grader itself failed just
        now.
    step, failure
        What had begun last, and how the grader failed.
    failed_at
        Exercises that were left out because the grader had failed at them.
    cpu_s, duration_s
        Processor time of the grading process and of student code; wall time.
    """

    submission: str
    assessment: Mapping[str, Any] | None
    step: str = ""
    failure: str = ""
    failed_at: tuple[str, ...] = ()
    cpu_s: float = 0.0
    duration_s: float = 0.0


def describe(place: Place) -> Description:
    """Return what this process has of a lab.

    Raises
    ------
    LabError
        If the lab or its checks do not load.
    """
    from grading.assessing.kit import load_kit  # noqa: PLC0415 - see the module's text
    from labs.engine.sandbox.confine import walls_missing  # noqa: PLC0415 - the same

    kit = load_kit(place.lab, place.root)
    names = {
        exercise: tuple(case.name for case in (*kit.visible[exercise], *kit.hidden[exercise]))
        for exercise in kit.lab.exercises
    }
    return Description(names, kit.fingerprint, walls_missing() or "")


def grade(job: Job, task: Task, *, progress: Progress = lambda _: None) -> Result:
    """Grade one submission; whatever it holds, a result comes back.

    Parameters
    ----------
    job
        What all submissions have in common.
    task
        The submission.
    progress
        Told what begins: `READING`, an exercise, or an exercise and a case.

    Raises
    ------
    LabError
        If this process cannot grade any submission: it has another version of the lab.
    """
    from grading.assessing.assess import assess  # noqa: PLC0415 - see the module's text
    from grading.assessing.assessment import to_json  # noqa: PLC0415 - the same
    from grading.assessing.kit import load_kit, terms_of  # noqa: PLC0415 - the same

    kit = load_kit(job.place.lab, job.place.root)
    steps, spent_cpu_s = [READING], [0.0]

    def follow(step: str) -> None:
        steps.append(step)
        progress(step)

    terms = terms_of(kit, job, spend=spent_cpu_s.append)
    start_s, start_cpu_s = time.perf_counter(), time.process_time()
    assessment, failure = None, ""
    try:
        assessed = assess(terms, task.submission, skip=task.skip, progress=follow)
        assessment = to_json(assessed)
    except Exception as err:  # whatever it is, the other submissions have their turn
        _log.exception("%s: the grader failed at %s", task.submission.id, steps[-1])
        failure = f"the grader failed with {type(err).__name__}"
    return Result(
        task.submission.id,
        assessment,
        step=steps[-1],
        failure=failure,
        failed_at=tuple(task.skip),
        cpu_s=time.process_time() - start_cpu_s + sum(spent_cpu_s),
        duration_s=time.perf_counter() - start_s,
    )
