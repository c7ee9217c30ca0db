"""The course as data: ``course.toml`` at the root of the repository, and where things are.

The instructors' file. Only the title must be there; weights are relative to each other::

    title = "Machine learning systems"
    answers = "grading/answers"      # folder of the answers; a private one may stand here
    secret = ".course/secret"        # the secret behind the seeds of the hidden checks
    extensions = "extensions.csv"    # who may hand in what later; the file may be absent
    time_zone = "Europe/Berlin"      # of deadlines, and of the times in Moodle's worksheets

    [labs.mcu_compression]           # one table a lab, in the order in which they are handed out
    weight = 10                      # share of the course's total
    deadline = 2026-12-12T23:59:00   # a date and time without quotes; no deadline without it
    exercises = ["1.1", "1.2"]       # those that count; all without it
    release = "2026"                 # a new name gives the hidden checks new seeds

    [parts]                          # weights of what is no lab
    project = 70

    [late]                           # nothing is deducted without this table
    grace_minutes = 15               # still in time
    percent_per_day = 10             # of the points reached
    per_started_day = true           # false: by the minute
    cap_percent = 50                 # the most that is deducted
    last_day = 7                     # later than this nothing counts
    free_days = 3                    # late days over the term that cost a person nothing

    [rounding]
    points_digits = 2                # digits after the point that points have
    grade_step = 0.1                 # the course's total is a multiple of this [%]
    direction = "nearest"            # or "up", "down"

`grading.rules.course_file` checks the form of the file; here it is held against the labs that
exist. Nothing here builds or grades.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from types import MappingProxyType

from grading.rules.course_file import LabPlan, Reader, open_course_file, read_course_file
from grading.rules.lateness import LateRule
from grading.rules.totals import Rounding
from labs.engine.catalog import Exercise, Lab, check_files, did_you_mean, find_lab, find_labs
from labs.engine.errors import UsageError
from labs.engine.seeds import create_secret, read_secret

COURSE_FILE = "course.toml"
STATE = ".course"  # what the course remembers from lab to lab; never handed out
_NOTHING: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True)
class Course:
    """One course: its root folder and what its ``course.toml`` says.

    Parameters
    ----------
    root
        Absolute path of the folder that holds ``course.toml`` and ``labs``.
    title
        Title of the course.
    answers
        Absolute path of the folder with one folder of answers a lab.
    plans
        Name of a lab -> what the file says about it, in the order of the file.
    parts
        Name of what is no lab, such as a project -> its weight.
    zone
        The course's time zone.
    late, rounding
        The late rule, and how points and totals are rounded.
    secret, extensions
        Absolute paths of these files; None: where they are by default.
    """

    root: Path
    title: str
    answers: Path
    plans: Mapping[str, LabPlan]
    parts: Mapping[str, float] = field(default_factory=lambda: _NOTHING)
    zone: tzinfo = UTC
    late: LateRule = field(default_factory=LateRule)
    rounding: Rounding = field(default_factory=Rounding)
    secret: Path | None = None
    extensions: Path | None = None

    @property
    def weights(self) -> dict[str, float]:
        """Name of a lab -> its share of the course's total, relative to the others; >= 0."""
        return {name: plan.weight for name, plan in self.plans.items()}

    @property
    def all_weights(self) -> dict[str, float]:
        """The same with the parts that are no labs: what `grading.rules.totals` takes."""
        return {**self.weights, **self.parts}

    @property
    def deadlines(self) -> dict[str, datetime]:
        """Name of a lab -> its deadline, where it has one."""
        plans = self.plans.items()
        return {name: plan.deadline for name, plan in plans if plan.deadline is not None}

    @property
    def state(self) -> Path:
        """The folder of what the course remembers from lab to lab."""
        return self.root / STATE

    @property
    def extensions_file(self) -> Path:
        """The file of extensions, whether or not it is there."""
        return self.extensions or self.root / "extensions.csv"

    @property
    def labs(self) -> tuple[Lab, ...]:
        """Every lab in the tree, by number, whether or not it counts in the course."""
        return find_labs(self.root / "labs")

    def lab(self, name: str) -> Lab:
        """Return the lab of this name.

        Raises
        ------
        UnknownLabError
            If there is none.
        """
        return find_lab(name, root=self.root / "labs")

    def exercises(self, lab: Lab) -> tuple[Exercise, ...]:
        """Return the exercises of a lab that count, in the order of the lab."""
        plan = self.plans.get(lab.name)
        chosen = (plan.exercises if plan else ()) or tuple(lab.exercises)
        return tuple(exercise for id_, exercise in lab.exercises.items() if id_ in chosen)

    def max_points(self, lab: Lab) -> int:
        """Return the points of everything that counts in a lab."""
        return sum(exercise.points for exercise in self.exercises(lab))

    def deadline(self, lab: Lab) -> datetime | None:
        """Return when a lab is due; None: never."""
        return self.deadlines.get(lab.name)

    def release(self, lab: Lab) -> str:
        """Return the name of a lab's release, which the secret seeds hang on."""
        return self.plans.get(lab.name, LabPlan(0.0)).release

    def read_or_create_secret(self) -> bytes:
        """Return the secret behind the seeds of the hidden checks; make it the first time.

        Raises
        ------
        LabFormatError
            If others can read the file, or it holds no secret.
        """
        path = self.secret or self.state / "secret"
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                return create_secret(path)
            except FileExistsError:  # another process was quicker
                pass
        return read_secret(path)

    def source(self, lab: Lab) -> Path:
        """Return where the cells of a lab are written."""
        return self.answers / lab.name / "source.py"

    def hidden(self, lab: Lab) -> tuple[Path, ...]:
        """Return the files of its hidden checks: ``hidden.py``, those of ``hidden/``, or none."""
        return check_files(self.answers / lab.name, "hidden")

    def reference(self, lab: Lab) -> Path:
        """Return where its reference notebook is built."""
        return self.answers / lab.name / "reference.ipynb"

    def variants(self, lab: Lab) -> Path:
        """Return the folder of its solutions written differently and its typical mistakes."""
        return self.answers / lab.name / "variants"

    def shown(self, path: Path) -> str:
        """Return a path as messages show it: from the root on, where it lies under it.

        Examples
        --------
        >>> Course(Path("/course"), "", Path("/x"), {}).shown(Path("/course/labs/toy"))
        'labs/toy'
        """
        return (
            path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)
        )


def find_root(start: str | Path | None = None) -> Path:
    """Return the nearest folder upwards that holds ``course.toml``, else the one of this package.

    Parameters
    ----------
    start
        Where to begin; the working directory by default.

    Raises
    ------
    UsageError
        If neither has one.
    """
    begin = Path.cwd() if start is None else Path(start).resolve()
    package_root = Path(__file__).resolve().parents[1]
    for folder in (begin, *begin.parents, package_root):
        if (folder / COURSE_FILE).is_file():
            return folder
    raise UsageError(
        f"no {COURSE_FILE} in {begin} or above it; run this inside the course's repository"
    )


def read_course(root: str | Path) -> Course:
    """Return the course in a folder.

    Raises
    ------
    CourseFileError
        If its ``course.toml`` is missing, is no TOML, names a lab or an exercise that is not there,
        or a key in it is unknown, missing or ill-typed; the message names the line.
    """
    folder = Path(root).resolve()
    reader = open_course_file(folder / COURSE_FILE)
    given = read_course_file(reader)
    course = Course(
        root=folder,
        title=given.title,
        answers=(folder / given.answers).resolve(),
        plans=given.plans,
        parts=given.parts,
        zone=given.zone,
        late=given.late,
        rounding=given.rounding,
        secret=(folder / given.secret).resolve(),
        extensions=(folder / given.extensions).resolve(),
    )
    _check_labs(reader, course)
    return course


def _check_labs(reader: Reader, course: Course) -> None:
    """Refuse a lab or an exercise that is not there."""
    labs = {lab.name: lab for lab in course.labs}
    for name, plan in course.plans.items():
        if name not in labs:
            message = f"[labs.{name}] is no lab{did_you_mean(name, labs)} ({', '.join(labs)})"
            raise reader.refuse("labs", name, message=message)
        known = labs[name].exercises
        if strange := [each for each in plan.exercises if each not in known]:
            hint = f"{did_you_mean(strange[0], known)} ({', '.join(known)})"
            message = f"labs.{name}.exercises: {name} has no exercise {strange[0]!r}{hint}"
            raise reader.refuse("labs", name, "exercises", message=message)
