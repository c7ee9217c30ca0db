"""The commands ``lab sweep`` and ``lab compare``: arguments, exit codes, and what a person sees.

stdout carries data only: a sweep's settings with their results, and the files written. Exit codes
are those of `labs.engine.cli`, and 130 for a sweep that was stopped. All work is done by other
modules, imported when a command needs them.
"""

from __future__ import annotations

import argparse
import contextlib
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labs.engine.command_line import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_OK,
    add_command,
    add_parameters,
    columns,
    find_target,
    parameters_given,
    say,
    terminated_as_interrupted,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from course_utils.carbon import GridIntensity
    from course_utils.records import Result
    from labs.engine.sweeps.folder import SweepFolder
    from labs.engine.sweeps.order import Order
    from labs.engine.sweeps.sweep import Outcome
    from labs.engine.sweeps.table import Summary

MOST_SETTINGS = 20  # shown; the files have all
MOST_RESULTS = 4  # shown of each setting, if nobody said which
FIRST_SETTINGS = 5  # shown by --dry-run
MINUTE_S = 60.0


def add(commands: Any) -> None:
    """Add ``sweep`` and ``compare``."""
    _add_sweep(commands)
    text = "compare two sweeps: what changed, and what came of it"
    example = "lab compare before after -r top1_bits"
    command = add_command(commands, "compare", text=text, example=example, run=_compare)
    command.add_argument("a", metavar="A", type=Path, help="folder of a sweep")
    command.add_argument("b", metavar="B", type=Path, help="folder of the sweep compared with it")
    _add_results(command, "compare this result alone; the fewer, the fewer seeds a verdict needs")
    text = "write the comparison here as well"
    command.add_argument("-o", "--output", metavar="OUT.csv", type=Path, help=text)


def _add_sweep(commands: Any) -> None:
    text = "run a notebook with many settings, and make tables and figures of the results"
    example = "lab sweep quickstart -g width=8,16 --seeds 3 -o widths"
    sweep = add_command(commands, "sweep", text=text, example=example, run=_sweep)
    sweep.add_argument("lab", metavar="LAB|PATH.ipynb", help="name of a lab, or a notebook's path")
    sweep.add_argument(
        "-o",
        dest="output",
        metavar="DIR",
        type=Path,
        required=True,
        help="folder of the sweep; the same command again goes on where it was",
    )
    _add_design(sweep.add_argument_group("what to run"))
    _add_places(sweep.add_argument_group("where and how long"))
    group = sweep.add_argument_group("what to see")
    _add_results(group, "this result matters most: first in tables and figures; may be repeated")
    group.add_argument(
        "--select",
        metavar="RESULT[:smallest]",
        help="select the setting with the largest (or smallest) mean of a result, and run it and "
        "the next best again with fresh seeds before it is called best",
    )
    text = "do the first runs only, and say what the rest would take"
    group.add_argument("--forecast", action="store_true", help=text)
    text = "whose electricity the forecast of carbon takes: name or code; DEU without it"
    group.add_argument("--country", metavar="CODE", default="DEU", help=text)
    text = "say how many runs there are and how many are done; write nothing"
    group.add_argument("--dry-run", action="store_true", help=text)


def _add_design(group: Any) -> None:
    group.add_argument(
        *("-g", "--grid"),
        action="append",
        default=[],
        metavar="NAME=V1,V2",
        help="vary a parameter; may be repeated: every combination is run. To draw from, write "
        "NAME=LOW..HIGH, or NAME=LOW..HIGH:log",
    )
    group.add_argument("--list", metavar="FILE", type=Path, help="settings from a .csv or .toml")
    group.add_argument("--draws", metavar="N", type=int, help="draw N settings at random from -g")
    group.add_argument(
        "--study",
        metavar="NAME",
        default="",
        help="a study of the lab, or of the studies.toml beside the notebook, with its figures; "
        "-g replaces values of it, or adds a parameter",
    )
    group.add_argument("--seeds", metavar="N", type=int, help="run each setting with N seeds")
    add_parameters(group)


def _add_places(group: Any) -> None:
    group.add_argument(
        "--jobs",
        metavar="N",
        type=int,
        help="runs at once; without it one a core, as far as there are 2 GiB of memory for each",
    )
    group.add_argument(
        "--threads",
        metavar="N",
        type=int,
        help="threads of each run, kept for the folder; OMP_NUM_THREADS or cores / jobs without it",
    )
    text = "run on the Dask cluster of this scheduler, as tls://HOST:PORT, in place of here"
    group.add_argument("--scheduler", metavar="ADDR", help=text)
    group.add_argument(
        "--trust-network",
        action="store_true",
        help="accept a scheduler elsewhere without encryption: anyone on the way can change runs",
    )
    text = "end a run as failed after so many minutes, and keep what it had done"
    group.add_argument("--timeout", metavar="MINUTES", type=float, help=text)
    group.add_argument("--retry", action="store_true", help="do failed runs again")


def _add_results(group: Any, text: str) -> None:
    group.add_argument(
        *("-r", "--result"), metavar="RESULT", action="append", default=[], help=text
    )


def _sweep(arguments: argparse.Namespace) -> int:
    from labs.engine.sweeps.order import claim, look, usual_jobs  # noqa: PLC0415 - see above

    order = _order(arguments)
    jobs = arguments.jobs or usual_jobs()
    if arguments.dry_run:
        return _preview(look(arguments.output, order, jobs=jobs), order)
    from labs.engine.sweeps import sweep  # noqa: PLC0415 - numpy

    with terminated_as_interrupted(), claim(arguments.output, order, jobs=jobs) as folder:
        try:
            outcome = _carry_out(arguments, folder, order)
        except KeyboardInterrupt:
            outcome = sweep.Outcome(is_stopped=True)
        files = sweep.write(folder, order, outcome=outcome)
        return _tell(folder, order, outcome, files)


def _order(arguments: argparse.Namespace) -> Order:
    """Return what is to be done, checked as far as that can be before anything runs."""
    from labs.engine.errors import UsageError  # noqa: PLC0415 - see the module's text
    from labs.engine.sweeps.design import Request, check_results, design_sweep  # noqa: PLC0415
    from labs.engine.sweeps.order import Order, check_selectable  # noqa: PLC0415 - the same

    for name in ("jobs", "threads", "timeout", "seeds", "draws"):
        value = getattr(arguments, name)
        if value is not None and not 0 < value < float("inf"):
            raise UsageError(f"--{name} {value:g}: give a number above 0")
    if arguments.scheduler and arguments.jobs:
        raise UsageError("--jobs is for this machine; a cluster does as many as its workers can")
    if arguments.scheduler:
        from labs.engine.dask_client import check_address  # noqa: PLC0415 - see the module's text

        check_address(arguments.scheduler, trust_network=arguments.trust_network)
    request = Request(
        parameters=parameters_given(arguments.parameter),
        preset=arguments.preset,
        axes=tuple(arguments.grid),
        listed=arguments.list,
        draws=arguments.draws,
        seeds=arguments.seeds,
        study=arguments.study,
    )
    lab, notebook = find_target(arguments.lab)
    design = design_sweep(request, lab=lab, notebook=notebook)
    results = tuple(arguments.result) or (design.study.results if design.study else ())
    select = _select(arguments)
    if design.plan.lab:
        asked = [*results, *select[:1]]
        check_results(asked, design.plan.lab.results, source=f"lab {design.plan.name}")
    if select:
        check_selectable(design)
    return Order(
        design=design,
        command=shlex.join(["lab", *_lasting(arguments.words)]),
        results=results,
        threads=arguments.threads,
        retry=arguments.retry,
        timeout_s=arguments.timeout and arguments.timeout * MINUTE_S,
        is_forecast=arguments.forecast,
        grid=_grid(arguments.country),
        select=select,
    )


def _grid(country: str) -> GridIntensity:
    from course_utils.carbon import grid_intensity  # noqa: PLC0415 - see the module's text
    from course_utils.errors import MeasurementError  # noqa: PLC0415 - the same
    from labs.engine.errors import UsageError  # noqa: PLC0415 - the same

    try:
        return grid_intensity(country)
    except MeasurementError as err:
        raise UsageError(f"--country {country}: {err}") from err


def _lasting(words: Sequence[str]) -> list[str]:
    """Return the words of a command that does the whole sweep."""
    return [word for word in words if word not in ("--forecast", "--dry-run")]


def _select(arguments: argparse.Namespace) -> tuple[str, str] | tuple[()]:
    """Return the result to select by, and how, or nothing."""
    from labs.engine.errors import UsageError  # noqa: PLC0415 - see the module's text

    if arguments.select is None:
        return ()
    result, _, way = arguments.select.partition(":")
    if way not in ("", "smallest"):
        raise UsageError(f"--select {arguments.select}: write RESULT, or RESULT:smallest")
    return result, way


def _preview(folder: SweepFolder, order: Order) -> int:
    """Say what a sweep would do; nothing is written."""
    from labs.engine.sweeps.progress import setting_text  # noqa: PLC0415 - see the module's text

    states = [folder.state(run.id) for run in folder.current.values()]
    counts = [(str(states.count(name)), name) for name in dict.fromkeys(states)]
    per_setting = f"; seeds of a setting: {order.design.seeds}" if order.design.seeds else ""
    print(f"{len(states)} runs{per_setting}; threads of a run: {folder.asking.threads}")
    print("\n".join(columns(counts)))
    settings = [run.parameters for run in folder.current.values()]
    print("\n".join(f"  {setting_text(each)}" for each in settings[:FIRST_SETTINGS]))
    if len(settings) > FIRST_SETTINGS:
        print(f"  ... and {len(settings) - FIRST_SETTINGS} more")
    return EXIT_OK


@contextlib.contextmanager
def _executor(arguments: argparse.Namespace, folder: SweepFolder, order: Order) -> Iterator[Any]:
    """Give what carries out the runs, here or on a cluster."""
    if arguments.scheduler:
        from labs.engine.sweeps.cluster import DaskCluster  # noqa: PLC0415 - an extra

        with DaskCluster(arguments.scheduler, trust_network=arguments.trust_network) as cluster:
            yield cluster
        return
    from labs.engine.sweeps import warm  # noqa: PLC0415 - see the module's text
    from labs.engine.sweeps.order import usual_jobs  # noqa: PLC0415 - the same
    from labs.engine.sweeps.pool import LocalPool  # noqa: PLC0415 - the same

    plan, host = order.design.plan, None
    reason = warm.why_not(plan)
    with contextlib.ExitStack() as stack:
        if reason:
            say(f"lab: every run starts its own Python: {reason}")
        else:
            host = stack.enter_context(warm.Stem(plan, threads=folder.asking.threads)).host
        jobs = arguments.jobs or usual_jobs()
        yield stack.enter_context(LocalPool(jobs, host=host))


def _carry_out(arguments: argparse.Namespace, folder: SweepFolder, order: Order) -> Outcome:
    """Do what is not over; nothing is started if all is."""
    from labs.engine.sweeps import sweep  # noqa: PLC0415 - see the module's text
    from labs.engine.sweeps.order import to_do  # noqa: PLC0415 - the same
    from labs.engine.sweeps.progress import Progress  # noqa: PLC0415 - the same

    waiting = to_do(folder, retry=order.retry)
    if not (waiting or order.select):
        return sweep.Outcome()
    with (
        _executor(arguments, folder, order) as executor,
        Progress(sys.stderr, folder, total=len(waiting)) as progress,
    ):
        return sweep.carry_out(folder, order, executor=executor, progress=progress)


def _tell(folder: SweepFolder, order: Order, outcome: Outcome, files: Sequence[Path]) -> int:
    """Show what came of a sweep, and return the exit code."""
    from labs.engine.sweeps import table  # noqa: PLC0415 - see the module's text

    rows = table.read_rows(folder)
    print("\n".join(columns(_settings_table(table.summarise(rows), order.results))))
    if order.is_forecast and outcome.forecast:
        print(outcome.forecast.describe())
    for sentence in outcome.sentences:
        print(sentence)
    for file in files:
        print(file)
    states = [row.state for row in rows]
    failed, is_left = states.count("failed"), not {"waiting", "interrupted"}.isdisjoint(states)
    if "ok" in states and not any(row.results for row in rows):
        say("lab: no run handed over a result; end the notebook with records.show_results(...)")
    counts = f"{states.count('ok')} of {len(states)} runs are done, {failed} failed"
    remedy = "; --retry does failed ones again" if failed else ""
    go_on = f"; go on with: {order.command}" if is_left else ""
    say(f"lab: {'stopped; ' * outcome.is_stopped}{counts}{remedy}{go_on}")
    if outcome.is_stopped:
        return EXIT_INTERRUPTED
    return EXIT_FAILED if failed or outcome.note else EXIT_OK


def _settings_table(summaries: Sequence[Summary], results: Sequence[str]) -> list[list[str]]:
    """Return a row a setting, below the names of its columns, as texts."""
    varied = list(dict.fromkeys(name for each in summaries for name in each.setting))
    known = list(dict.fromkeys(name for each in summaries for name in each.results))
    shown = list(results) or known[:MOST_RESULTS]
    rows = [
        [
            *(str(each.setting.get(name, "")) for name in varied),
            *(_result_text(each.results.get(name)) for name in shown),
            str(len(each.rows)),
        ]
        for each in summaries[:MOST_SETTINGS]
    ]
    more = len(summaries) - len(rows)
    last = [[f"... and {more} more", *[""] * (len(rows[0]) - 1)]] if more else []
    return [[*varied, *shown, "runs"], *rows, *last]


def _result_text(result: Result | None) -> str:
    from course_utils.units import format_number  # noqa: PLC0415 - our packages may be missing

    if result is None:
        return "-"
    value, low, high = map(format_number, (result.value, result.low, result.high))
    return value if low == high else f"{value} [{low}, {high}]"


def _compare(arguments: argparse.Namespace) -> int:
    from labs.engine.sweeps.compare import compare  # noqa: PLC0415 - numpy
    from labs.engine.sweeps.folder import read_folder  # noqa: PLC0415 - see the module's text

    a, b = read_folder(arguments.a), read_folder(arguments.b)
    comparison = compare(a, b, results=arguments.result)
    print(comparison.describe(shutil.get_terminal_size().columns))
    if arguments.output:
        print(comparison.write(arguments.output))
    return EXIT_OK
