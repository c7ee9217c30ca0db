"""The commands ``lab`` and ``course``: arguments, exit codes, and what a person sees.

stdout carries data only; messages and progress go to stderr, progress only where that is a
terminal. Exit codes: 0 done; 1 a run failed, or this machine lacks something (disk, network,
package); 2 wrong usage. Each error is one line that ends with what to do.

All work is done by other modules, imported when a command needs them, so that ``--help`` is quick
and a Python too old or without our packages is told so in a line.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from labs.engine.command_line import (
    EXIT_FAILED,
    EXIT_OK,
    EXIT_USAGE,
    add_command,
    add_parameters,
    columns,
    find_target,
    parameters_given,
    say,
    spaced,
    terminated_as_interrupted,
)
from labs.engine.seminar import cli as seminar
from labs.engine.sweeps import cli as sweeps

if TYPE_CHECKING:
    from course_utils.data import DatasetInfo
    from labs.engine.catalog import Lab

OLDEST_PYTHON = (3, 11)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line; both commands use it."""

    def error(self, message: str) -> NoReturn:
        """Exit with the message and where to read more."""
        self.exit(EXIT_USAGE, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command ``lab`` and return its exit code."""
    words = sys.argv[1:] if argv is None else argv
    return _guarded("lab", lambda: _lab(words))


def course(argv: Sequence[str] | None = None) -> int:
    """Run the command ``course``, which the student handout does not hold, and return its code."""

    def command() -> int:
        try:
            # By name, as nothing here may depend on what only instructors have.
            cli = importlib.import_module("grading.cli")
        except ModuleNotFoundError as err:
            if err.name not in ("grading", "grading.cli"):
                raise
            say("course: grading is not included in the student handout; use lab --help")
            return EXIT_USAGE
        return int(cli.main(argv))

    return _guarded("course", command)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of ``lab`` with all its commands."""
    parser = Parser(prog="lab", description="Find, run and look after the labs of this course.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    text = "labs with parameters, minutes and points"
    add_command(commands, "list", text=text, example="lab list", run=_list)
    _add_run(commands)
    sweeps.add(commands)
    _add_submit(commands)
    seminar.add(commands)
    _add_data(commands)
    text = "what works on this machine, and how to get the rest"
    doctor = add_command(commands, "doctor", text=text, example="lab doctor mcu", run=_doctor)
    doctor.add_argument("extra", metavar="EXTRA", nargs="?", help="one optional part, in detail")
    return parser


def _add_run(commands: Any) -> None:
    text = "run a lab's notebook, or any other, and record its results"
    example = "lab run quickstart -p seed 1 -o out.ipynb"
    run = add_command(commands, "run", text=text, example=example, run=_run)
    run.add_argument("lab", metavar="LAB|PATH.ipynb", help="name of a lab, or a notebook's path")
    add_parameters(run)
    run.add_argument(
        *("-o", "--output"),
        metavar="OUT.ipynb",
        help="write the executed notebook here and its record to OUT.json; without this the "
        "record goes to stdout",
    )


def _add_submit(commands: Any) -> None:
    text = "make the zip to hand in, and say what the grader will find in it"
    submit = add_command(
        commands, "submit", text=text, example="lab submit quickstart", run=_submit
    )
    submit.add_argument("lab", metavar="LAB", help="name of the lab")
    submit.add_argument("notebook", metavar="NOTEBOOK", nargs="?", help="your notebook's path")
    submit.add_argument("--url", default="", help="a link to the notebook, such as that of Colab")
    text = "where the zip shall lie; LAB.zip in this folder without it"
    submit.add_argument("-o", "--output", metavar="ZIP", help=text)


def _add_data(commands: Any) -> None:
    text = "list, fetch or locate data sets"
    data = add_command(commands, "data", text=text, example="lab data fetch mnist", run=_data_list)
    actions = data.add_subparsers(title="actions", metavar="ACTION")
    text = "data sets, and which are here"
    add_command(actions, "list", text=text, example="lab data list", run=_data_list)
    for name, text, function in (
        ("fetch", "download a data set, verify it, print where it is", _data_fetch),
        ("path", "print where a data set is, verified; never downloads", _data_path),
    ):
        action = add_command(
            actions, name, text=text, example=f"lab data {name} mnist", run=function
        )
        action.add_argument("name", metavar="NAME", help="name of a data set; see lab data list")


def _lab(words: Sequence[str]) -> int:
    parser = make_parser()
    arguments = parser.parse_args(spaced(words), argparse.Namespace(words=words))
    if not hasattr(arguments, "run"):
        parser.print_help()
        return EXIT_OK
    return int(arguments.run(arguments))


def _guarded(command: str, run: Callable[[], int]) -> int:
    """Run a command and turn every error that we know into one line and an exit code."""
    from course_utils.errors import CourseUtilsError  # noqa: PLC0415

    if sys.version_info < OLDEST_PYTHON:
        needed = ".".join(map(str, OLDEST_PYTHON))
        say(f"{command}: this is Python {sys.version.split()[0]}; use {needed} or newer")
        return EXIT_FAILED
    try:
        code = run()
        sys.stdout.flush()
    except SystemExit as err:  # from argparse
        code = err.code if isinstance(err.code, int) else EXIT_OK
    except BrokenPipeError:  # the reader of our output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = EXIT_OK
    except (CourseUtilsError, ModuleNotFoundError, OSError, KeyboardInterrupt) as err:
        code, line = _explain(err)
        say(f"{command}: {line}")
    return code


def _explain(err: BaseException) -> tuple[int, str]:
    """Return exit code and line for an error."""
    from course_utils.errors import CourseUtilsError, UnknownDataError  # noqa: PLC0415
    from labs.engine.errors import UsageError  # noqa: PLC0415

    if isinstance(err, (UsageError, UnknownDataError)):
        return EXIT_USAGE, str(err)
    if isinstance(err, CourseUtilsError):
        return EXIT_FAILED, str(err)
    if isinstance(err, ModuleNotFoundError):
        if str(err.name).partition(".")[0] in ("course_utils", "labs", "grading"):
            raise err  # a mistake of ours, which a line would hide
        return EXIT_FAILED, (
            f"the Python {sys.executable} lacks the package {err.name}; use the course's "
            "environment, or run: python -m pip install -e . in the course folder"
        )
    if isinstance(err, OSError):
        where = f" {err.filename}" if err.filename else ""
        return EXIT_FAILED, f"{err.strerror or err}{where}; check free space and permissions"
    return EXIT_FAILED, "interrupted; nothing was written"


def _list(_: argparse.Namespace) -> int:
    from labs.engine import catalog, dates  # noqa: PLC0415

    due = dates.deadlines()
    for lab in catalog.find_labs():
        until = f", due {due[lab.name]:%Y-%m-%d %H:%M %Z}" if lab.name in due else ""
        print("\n".join(_lab_lines(lab, until)))
    return EXIT_OK


def _lab_lines(lab: Lab, due: str) -> Iterator[str]:
    from labs.engine.parameters import read_parameters  # noqa: PLC0415

    yield f"{lab.name}  {lab.minutes} min, {lab.points} points{due}"
    yield f"    {lab.number}. {lab.title}: {lab.summary}"
    yield f"    presets: {', '.join(lab.presets)}"
    if not lab.notebook.exists():
        yield "    no notebook has been built yet"
        return
    parameters = read_parameters(lab.notebook).values()
    yield from columns(
        [(f"    {p.name} = {p.default!r}", p.type_name, p.comment) for p in parameters]
    )


def _run(arguments: argparse.Namespace) -> int:
    from labs.engine import runner  # noqa: PLC0415
    from labs.engine.executed import Failure  # noqa: PLC0415

    parameters = parameters_given(arguments.parameter)
    lab, notebook = find_target(arguments.lab)
    plan = runner.plan_run(notebook, parameters, lab=lab, preset=arguments.preset)
    with terminated_as_interrupted(), _progress() as progress:
        record = runner.execute(plan, output=arguments.output, progress=progress)
    if arguments.output is None:
        print(json.dumps(record, indent=2))
    else:
        for line in _result_lines(record):  # none if a notebook hands nothing over
            print(line)
    if record["status"] == "ok":
        return EXIT_OK
    kept = f"; see {arguments.output}" if arguments.output else "; -o OUT.ipynb keeps the notebook"
    failure = Failure(**record["provenance"]["error"])
    say(f"lab: {plan.name} failed {failure.describe()}{kept}")
    return EXIT_FAILED


def _result_lines(record: dict[str, Any]) -> Iterator[str]:
    from course_utils.records import result_from_json  # noqa: PLC0415

    rows = []
    for name, fields in record["results"].items():
        result = result_from_json(name, fields)
        rows.append((name, result.describe(name), f"n={result.n}", result.kind))
    yield from columns(rows)


def _submit(arguments: argparse.Namespace) -> int:
    from labs.engine import catalog, submit  # noqa: PLC0415

    url = submit.check_url(arguments.url) if arguments.url else ""
    handin = submit.prepare(catalog.find_lab(arguments.lab), arguments.notebook)
    target = submit.write_zip(handin, arguments.output, url=url)
    print("\n".join(columns(submit.rows(handin))))
    for remark in submit.remarks(handin):
        say(f"lab: {remark}")
    print(f"\n{target} holds {handin.notebook}: hand in this zip")
    return EXIT_OK


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[int, int], None] | None]:
    """Give what shows the progress of a run on a terminal, or None where there is none."""
    if not sys.stderr.isatty():
        yield None
        return
    try:
        yield lambda cell, cells: print(f"\rcell {cell} of {cells}", end="", file=sys.stderr)
    finally:
        print("\r" + " " * 30 + "\r", end="", file=sys.stderr)


def _data_list(_: argparse.Namespace) -> int:
    from course_utils import data  # noqa: PLC0415

    # What was found stands last: of a damaged file it is a long line.
    rows = [_data_row(info) for info in data.list_datasets()]
    print("\n".join(columns(rows)))
    return EXIT_OK


def _data_row(info: DatasetInfo) -> tuple[str, str, str, str]:
    from labs.engine import doctor  # noqa: PLC0415

    finding = doctor.check_dataset(info)
    return info.name, finding.state, info.title, finding.text


def _data_fetch(arguments: argparse.Namespace) -> int:
    from course_utils import data  # noqa: PLC0415

    return _print_paths(arguments.name, data.fetch(arguments.name))


def _data_path(arguments: argparse.Namespace) -> int:
    from course_utils import data  # noqa: PLC0415

    return _print_paths(arguments.name, data.locate(arguments.name))


def _print_paths(name: str, paths: Sequence[Any]) -> int:
    from course_utils import data  # noqa: PLC0415

    for path in paths:
        print(path)
    if not paths:
        say(f"lab: {name} comes with {data.info(name).embedded} and has no file of its own")
    return EXIT_OK


def _doctor(arguments: argparse.Namespace) -> int:
    from labs.engine import doctor  # noqa: PLC0415

    findings = doctor.diagnose_extra(arguments.extra) if arguments.extra else doctor.diagnose()
    print("\n".join(columns([(f.state, f.topic, f.text) for f in findings])))
    remedies = dict.fromkeys(f.remedy for f in findings if f.remedy)
    if remedies:
        print("\nTo get what is missing:")
        print("\n".join(f"    {remedy}" for remedy in remedies))
    return EXIT_FAILED if any(f.state == doctor.BROKEN for f in findings) else EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
