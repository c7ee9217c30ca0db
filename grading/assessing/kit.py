"""What a grading process loads once a lab: its checks, and how to open a process for student code.

Loading takes seconds and grading a submission often less, so a kit is kept for the next submission.
A lab that changes on disk meanwhile is not noticed here: the fingerprint was taken when it was
loaded, and the coordinator compares. Nothing is graded here.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from grading.assessing.assess import Terms
from grading.assessing.keys import lab_fingerprint
from grading.assessing.preload import preload_names
from grading.assessing.room import DeskLike
from grading.assessing.work import Job
from grading.course import find_root, read_course
from grading.errors import WorkerError
from labs.engine.catalog import Exercise, Lab, check_files
from labs.engine.checks import Case, load_checks
from labs.engine.rebuild import rebuild
from labs.engine.sandbox.confine import walls_missing
from labs.engine.sandbox.desk import Desk
from labs.engine.submitted import read_submitted

MEMORY_HEADROOM_BYTES = 4 * 1024**3
Cases = Mapping[str, tuple[Case, ...]]


@dataclass(frozen=True)
class Kit:
    """What is loaded of a lab.

    Parameters
    ----------
    lab
        The lab.
    visible, hidden
        Exercise -> its cases; every exercise of the lab is there.
    fingerprint
        From `grading.assessing.keys.lab_fingerprint`, when it was loaded.
    preload
        Modules that student code may find imported.
    """

    lab: Lab
    visible: Cases
    hidden: Cases
    fingerprint: str
    preload: tuple[str, ...]


@functools.lru_cache(maxsize=1)
def load_kit(lab_name: str, root: str | None = None) -> Kit:
    """Return what is needed to grade a lab.

    Parameters
    ----------
    lab_name
        Name of the lab.
    root
        Root of the course; found from the working directory or the package if None.

    Raises
    ------
    LabError
        If course, lab or checks do not load.
    """
    course = read_course(Path(root) if root else find_root())
    lab = course.lab(lab_name)
    fingerprint = lab_fingerprint(course, lab)
    lab = _withholding_checks(lab)
    setup = rebuild(lab, read_submitted(lab.notebook.read_bytes())).pieces
    withheld = {name for exercise in lab.exercises.values() for name in exercise.withhold}
    return Kit(
        lab,
        visible=_cases(lab, check_files(lab.folder, "checks")),
        hidden=_cases(lab, course.hidden(lab)),
        fingerprint=fingerprint,
        preload=preload_names([piece.code for piece in setup if piece.kind == "given"], withheld),
    )


def _withholding_checks(lab: Lab) -> Lab:
    """Return a lab whose exercises also withhold its checks, which know what each case expects.

    In the notebook an exercise withholds them only if it says so: there they run beside the code
    that they check, and what it calls back must not be among them.
    """
    checks = lab.module_name("checks")
    exercises = {
        name: replace(exercise, withhold=(*exercise.withhold, checks))
        for name, exercise in lab.exercises.items()
    }
    return replace(lab, exercises=exercises)


def _cases(lab: Lab, files: tuple[Path, ...]) -> Cases:
    loaded = [load_checks(path) for path in files]
    return {
        exercise: tuple(case for checks in loaded for case in checks.get(exercise, ()))
        for exercise in lab.exercises
    }


class MeteredDesk(Desk):
    """A desk that tells what processor time it has used; arguments as of `Desk`."""

    _used_cpu_s = 0.0

    @property
    def cpu_s(self) -> float:
        """Processor time of all its processes [s]; once it has ended, the last that was known."""
        if self.is_alive:
            self._used_cpu_s = max(self._used_cpu_s, self._process.cpu_s())
        return self._used_cpu_s


def terms_of(kit: Kit, job: Job, *, spend: Callable[[float], None]) -> Terms:
    """Return what the submissions of a job are graded on.

    Parameters
    ----------
    kit
        The lab as loaded here.
    job
        The job.
    spend
        Told the processor time of each exercise [s].

    Raises
    ------
    WorkerError
        If the job was made for another version of the lab.
    """
    if job.fingerprint != kit.fingerprint:
        raise WorkerError(
            f"this process has another version of {kit.lab.name} or of the grader than the one "
            "that started the grading; bring both to the same version and start it again"
        )
    settings = job.settings
    is_cold = settings.is_trusted and bool(walls_missing())  # where there are walls they are used

    def open_desk(exercise: Exercise) -> DeskLike:
        with _uncapped():
            return MeteredDesk(
                limits=settings.limits,
                withhold=exercise.withhold,
                preload=kit.preload,
                cold=is_cold,
            )

    return Terms(
        kit.lab,
        settings.exercises,
        kit.visible,
        kit.hidden,
        seeds=job.seeds,
        open_desk=open_desk,
        parameters=kit.lab.presets[settings.preset],
        limits=settings.limits,
        spend=spend,
    )


def cap_memory() -> None:
    """Let data from student code that takes too much memory fail with MemoryError, in one case."""
    _set_memory_limit(int(psutil.Process().memory_info().vms) + MEMORY_HEADROOM_BYTES)


@contextlib.contextmanager
def _uncapped() -> Iterator[None]:
    """Keep the limit of this process from the processes that it starts, which have their own."""
    before = _set_memory_limit(None)
    try:
        yield
    finally:
        _set_memory_limit(before)


def _set_memory_limit(size_bytes: int | None) -> int | None:
    """Limit the address space of this process, where the system can, and return the limit before.

    None stands for as much as this process may have.
    """
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    with contextlib.suppress(ValueError, OSError):  # a lower limit is in force, or none is kept
        resource.setrlimit(resource.RLIMIT_AS, (hard if size_bytes is None else size_bytes, hard))
    return None if soft == hard else soft
