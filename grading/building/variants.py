"""Shows that the checks of a lab are fair: right solutions score full, faults lose points.

``variants/<exercise>/correct_*.py`` are solutions written differently; ``mistake_*.py`` are typical
mistakes, whose first line says what the failed check must tell the student::

    # message: biases cost no MACs

Beside them, every mutant of the reference must lose points, or stand with a reason in
``variants/equivalent.toml``::

    ["0.1"]
    "total = 0 => total = 0.0" = "the sum of whole numbers is the same"

All cases count, visible and hidden. This module decides; `grading.building.trials` runs.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from grading.building.build import Built
from grading.building.mutants import mutants
from grading.building.regions import solution_lines
from grading.building.source import Source, parse
from grading.building.trials import Bench, Trial, Verdict
from grading.errors import SourceError
from labs.engine.catalog import Exercise, check_files
from labs.engine.pieces import setup_statements

MIN_CORRECT, MIN_MISTAKES = 3, 5
SEEDS = 3  # a correct solution passes, and a mistake fails, whatever the seed
EQUIVALENT_FILE = "equivalent.toml"
VARIANT_LIMIT_S = 60.0
MUTANT_LEAST_LIMIT_S = 5.0
MUTANT_LIMIT_RATIO = 20.0  # a mutant may take this many times as long as the reference
_MESSAGE_PREFIX = "# message:"


@dataclass
class Tally:
    """What came of the variants and mutants of one exercise."""

    exercise: str
    correct: int = 0
    mistakes: int = 0
    mutants: int = 0
    killed: int = 0
    equivalent: int = 0
    problems: list[str] = field(default_factory=list)

    def line(self) -> str:
        """Return the tally as one line.

        Examples
        --------
        >>> Tally("0.1", correct=3, mistakes=5, mutants=41, killed=41, equivalent=2).line()
        '0.1: 3 correct score full, 5 mistakes lose points, 41 of 41 mutants killed (2 equivalent)'
        """
        equivalent = f" ({self.equivalent} equivalent)" if self.equivalent else ""
        return (
            f"{self.exercise}: {self.correct} correct score full, "
            f"{self.mistakes} mistakes lose points, "
            f"{self.killed} of {self.mutants} mutants killed{equivalent}"
        )


def tally(built: Built, *, report: Callable[[str], None] = lambda _: None) -> tuple[Tally, ...]:
    """Run variants and mutants of every code exercise of a lab.

    Parameters
    ----------
    built
        The lab.
    report
        Is told the exercise whose trials begin.

    Raises
    ------
    SourceError
        If the checks do not load or a file of variants is not as documented.
    """
    exercises = [e for e in built.lab.exercises.values() if e.kind == "code"]
    folder = built.course.variants(built.lab)
    equivalents = read_equivalents(folder / EQUIVALENT_FILE, [e.id for e in exercises])
    if not exercises:
        return ()
    checks = [*check_files(built.lab.folder, "checks"), *built.course.hidden(built.lab)]
    tallies = []
    with Bench(checks) as bench:
        for exercise in exercises:
            report(f"exercise {exercise.id}: variants and mutants")
            trials = _Trials(built.source, exercise, bench)
            found = Tally(exercise.id)
            if trials.check_reference(found):
                _try_variants(trials, folder / exercise.id, found)
                _try_mutants(trials, equivalents.get(exercise.id, {}), found)
            tallies.append(found)
    return tuple(tallies)


class _Trials:
    """The trials of one exercise: what all of them share."""

    def __init__(self, source: Source, exercise: Exercise, bench: Bench) -> None:
        self.answer = source.cells_of(exercise.id, "solution")[0]
        self.setup = setup_code(source, exercise.id)
        self.mutant_limit_s = VARIANT_LIMIT_S
        self._exercise, self._bench = exercise, bench

    def trial(self, solution: str, *, seeds: int) -> Trial:
        """Return the trial of a solution."""
        exercise = self._exercise
        return Trial(exercise.id, self.setup, solution, exercise.withhold, seeds)

    def run(self, solution: str, *, limit_s: float, seeds: int = SEEDS) -> Verdict:
        """Run a solution."""
        return self._bench.run(self.trial(solution, seeds=seeds), limit_s=limit_s)

    def check_reference(self, found: Tally) -> bool:
        """Say whether the reference scores full, and set the limit of mutants by its time."""
        verdict = self.run(self.answer.solved, limit_s=VARIANT_LIMIT_S)
        if verdict.lowest < 1:
            found.problems.append(f"the reference does not score full: {_said(verdict)}")
            return False
        again = self.trial(self.answer.solved, seeds=1)
        _, elapsed_s = self._bench.timed(again, limit_s=VARIANT_LIMIT_S)
        self.mutant_limit_s = max(MUTANT_LEAST_LIMIT_S, MUTANT_LIMIT_RATIO * elapsed_s)
        return True


def _try_variants(trials: _Trials, folder: Path, found: Tally) -> None:
    for path in sorted(folder.glob("*.py")):
        if not path.name.startswith(("correct_", "mistake_")):
            raise SourceError(f"{path}: a variant is called correct_*.py or mistake_*.py")
        code = path.read_text(encoding="utf-8")
        verdict = trials.run(code, limit_s=VARIANT_LIMIT_S)
        name = f"{folder.name}/{path.name}"
        if path.name.startswith("correct_"):
            found.correct += verdict.lowest == 1
            if verdict.lowest < 1:
                found.problems.append(f"{name} is correct and loses points: {_said(verdict)}")
        else:
            problem = _mistake_problem(verdict, expected_message(code, path))
            found.mistakes += not problem
            if problem:
                found.problems.append(f"{name} {problem}")
    for number, least, kind in (
        (found.correct, MIN_CORRECT, "correct solutions that score full"),
        (found.mistakes, MIN_MISTAKES, "mistakes that lose points"),
    ):
        if number < least:
            found.problems.append(f"{number} {kind} in {folder}; at least {least}")


def _mistake_problem(verdict: Verdict, expected: str) -> str:
    if verdict.highest == 1:
        return "is a mistake and scores full"
    if not any(_one_line(expected) in _one_line(message) for message in verdict.messages):
        return f"loses points without the message {expected!r}: {_said(verdict)}"
    return ""


def expected_message(code: str, path: Path) -> str:
    r"""Return what the failed check must say, from the first line of a mistake.

    Raises
    ------
    SourceError
        If the first line does not say it.

    Examples
    --------
    >>> expected_message("# message: too many\npass", Path("mistake_1.py"))
    'too many'
    """
    first = code.split("\n", 1)[0]
    message = first.removeprefix(_MESSAGE_PREFIX).strip()
    if not first.startswith(_MESSAGE_PREFIX) or not message:
        raise SourceError(f"{path}:1: a mistake begins with '{_MESSAGE_PREFIX} ...', not {first!r}")
    return message


def _try_mutants(trials: _Trials, equivalents: Mapping[str, str], found: Tally) -> None:
    answer = trials.answer
    unused = dict(equivalents)
    for mutant in mutants(answer.solved, solution_lines(answer.text)):
        verdict = trials.run(mutant.code, limit_s=trials.mutant_limit_s, seeds=1)
        is_listed = unused.pop(mutant.description, None) is not None
        survives = verdict.lowest == 1
        found.equivalent += is_listed and survives
        found.mutants += not (is_listed and survives)
        found.killed += not survives
        if survives and not is_listed:
            found.problems.append(f"no check notices the mutant: {mutant.description}")
        if is_listed and not survives:
            found.problems.append(
                f"{EQUIVALENT_FILE} lists a mutant that loses points: {mutant.description}"
            )
    found.problems += [
        f"{EQUIVALENT_FILE} lists a mutant that there is not: {description}"
        for description in unused
    ]


def _said(verdict: Verdict) -> str:
    share = f"{verdict.lowest:.0%}"
    return f"{share}, {'; '.join(verdict.messages) or 'no message'}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def read_equivalents(path: Path, exercises: list[str]) -> dict[str, dict[str, str]]:
    """Return for each exercise the mutants that change nothing, with the reason.

    Raises
    ------
    SourceError
        If the file is no TOML, names another exercise, or an entry has no reason.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        raise SourceError(f"{path} is no TOML: {err}") from err
    for exercise, entries in table.items():
        if exercise not in exercises or not isinstance(entries, dict):
            allowed = ", ".join(exercises)
            raise SourceError(f'{path}: ["{exercise}"] is no code exercise here ({allowed})')
        for description, reason in entries.items():
            if not (isinstance(reason, str) and reason.strip()):
                raise SourceError(f"{path}: {description!r} needs a reason, not {reason!r}")
    return table


def setup_code(source: Source, exercise: str) -> str:
    """Return what a solution finds when it runs: imports, literals and functions defined before it.

    Taken from the code cells before the answer, but for answers and checks. What a cell computes
    is left out: an exercise does not need it, and a notebook would take minutes.
    """
    answer = source.cells_of(exercise, "solution")[0]
    kept = [
        statement
        for cell in source.cells[: answer.index]
        if cell.cell_type == "code" and cell.role is None
        for statement in setup_statements(parse(cell, source))
    ]
    return "\n".join(kept)


def problem_lines(tallies: tuple[Tally, ...]) -> Iterator[str]:
    """Yield every problem, with its exercise."""
    for found in tallies:
        for problem in found.problems:
            yield f"exercise {found.exercise}: {problem}"
