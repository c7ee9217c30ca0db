"""The design of a sweep: from what was asked for to the list of its runs, all of it checked.

Nothing is run or stored here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from labs.engine.catalog import Lab, did_you_mean
from labs.engine.errors import UsageError
from labs.engine.parameters import Parameter, read_parameters
from labs.engine.runner import Plan, plan_run
from labs.engine.sweeps.folder import Run, SweepFolder
from labs.engine.sweeps.identity import Origin
from labs.engine.sweeps.settings import (
    SEED,
    Setting,
    Values,
    check_distinct,
    drawn,
    grid,
    listed,
    parse_axis,
    with_seeds,
)
from labs.engine.sweeps.studies import Study, find_study, find_study_beside, studied


@dataclass(frozen=True)
class Request:
    """What somebody asks for.

    Parameters
    ----------
    parameters, preset
        What all runs have in common.
    axes
        As `labs.engine.sweeps.settings.parse_axis` reads them.
    listed
        A file of settings.
    draws
        How many settings to draw at random.
    seeds
        How many of each setting; the study's, or none, without it.
    study
        Name of a study of the lab, or of those beside the notebook; empty without one.
    """

    parameters: Mapping[str, str]
    preset: str | None = None
    axes: tuple[str, ...] = ()
    listed: Path | None = None
    draws: int | None = None
    seeds: int | None = None
    study: str = ""


@dataclass(frozen=True)
class Design:
    """The runs of a sweep.

    Parameters
    ----------
    plan
        What they have in common.
    settings
        Of each run; with its seed, if seeds were asked for.
    seeds
        Runs of each setting; 0 if none were asked for.
    study
        Where they come from, or None.
    """

    plan: Plan
    settings: tuple[Setting, ...]
    seeds: int
    study: Study | None

    def runs(self, origin: Origin) -> list[Run]:
        """Return the runs, named, in order."""
        return [
            Run(run_id(self.plan, setting, origin=origin), setting, origin.name)
            for setting in self.settings
        ]


def design_sweep(request: Request, *, lab: Lab | None, notebook: Path) -> Design:
    """Return the design of a sweep.

    Parameters
    ----------
    request
        What is asked for.
    lab, notebook
        What is to be run; a study may have a notebook of its own.

    Raises
    ------
    UsageError
        If a name, value, file, preset or study does not exist, options do not go together, or a
        setting occurs twice.
    LabFormatError
        If the notebook or the studies are not as documented.
    """
    _check_together(request)
    study = None
    if request.study:
        if lab is None:
            study = find_study_beside(notebook, request.study)
        else:
            study = find_study(lab, request.study)
            lab = studied(lab, study)
        notebook = study.notebook or notebook
    common = {**(study.fixed if study else {}), **request.parameters}
    preset = request.preset or (study.preset if study and lab else None)
    plan = plan_run(notebook, common, lab=lab, preset=preset)
    declared = read_parameters(notebook)
    if not declared:
        raise UsageError(
            f"{notebook} has no parameters; tag the cell that sets them 'parameters' (in "
            "JupyterLab: property inspector, cell tags)"
        )
    settings = _settings(request, declared, study)
    _check_apart(settings, request.parameters)
    seeds = request.seeds if request.seeds is not None else (study.seeds if study else 0)
    if seeds or request.seeds is not None:
        if SEED in declared:  # -p or the preset may have set another
            first = replace(declared[SEED], default=plan.parameters[SEED])
            declared = {**declared, SEED: first}
        settings = with_seeds(settings, seeds, declared=declared)
    named = dict.fromkeys(name for setting in settings for name in setting)
    check_distinct([{**{n: plan.parameters[n] for n in named}, **each} for each in settings])
    return Design(plan, tuple(settings), seeds, study)


def run_id(plan: Plan, setting: Mapping[str, Any], *, origin: Origin) -> str:
    """Return the name of the run of a plan with a setting.

    Parameters
    ----------
    plan
        What all runs have in common.
    setting
        The parameters that the sweep sets.
    origin
        Of the notebook and its code.
    """
    return origin.run_id({**plan.parameters, **setting})


def check_same_plan(folder: SweepFolder, plan: Plan, *, origin: Origin) -> None:
    """Refuse a folder whose runs have other values of what all runs have in common.

    Parameters
    ----------
    folder
        With the runs that were asked for before.
    plan, origin
        Of the runs that shall join them.

    Raises
    ------
    UsageError
        Naming the command that asked for those.
    """
    for run in folder.asked.values():
        if run.origin == origin.name and run_id(plan, run.parameters, origin=origin) != run.id:
            raise UsageError(
                f"{folder.path} holds runs with another preset or other parameters -p, from: "
                f"{folder.asking.command}; give -o another folder, or vary the parameter with -g"
            )


def check_results(names: Iterable[str], known: Iterable[str], *, source: str) -> None:
    """Refuse names of results that do not exist.

    Parameters
    ----------
    names
        Asked for.
    known
        Those that exist.
    source
        What hands them over, in words.

    Raises
    ------
    UsageError
        Naming the first, and what was probably meant.
    """
    results = list(known)
    for name in names:
        if name not in results:
            listed_results = ", ".join(results) or "none"
            raise UsageError(
                f"{source} has no result {name!r}{did_you_mean(name, results)} "
                f"(results: {listed_results})"
            )


def _check_together(request: Request) -> None:
    """Refuse options of which one would be ignored."""
    ways = {
        "--list": request.listed is not None,
        "--draws": request.draws is not None,
        "--study": bool(request.study),
    }
    given = [name for name, is_given in ways.items() if is_given]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} are two ways to say which settings; keep one")
    if request.listed is not None and request.axes:
        raise UsageError("-g and --list are two ways to say which settings; keep one")
    if request.draws is not None and not request.axes:
        raise UsageError("--draws needs something to draw from; add -g name=low..high")
    if not (given or request.axes or request.seeds is not None):
        raise UsageError(
            "nothing varies; give -g name=value,value, --list FILE, --study NAME or --seeds N"
        )


def _settings(
    request: Request, declared: Mapping[str, Parameter], study: Study | None
) -> list[Setting]:
    """Return the settings without seeds; an axis that is given replaces the study's."""
    if request.listed is not None:
        return listed(request.listed, declared)
    axes = [parse_axis(text, declared) for text in request.axes]
    if request.draws is not None:
        return drawn(axes, request.draws)
    given = {axis.name: axis for axis in axes}
    of_study: tuple[Values, ...] = study.axes if study else ()
    kept = [given.pop(axis.name, axis) for axis in of_study] if len(given) == len(axes) else []
    fresh = [axis for axis in axes if axis not in kept]
    return grid([*kept, *fresh])


def _check_apart(settings: Iterable[Setting], common: Iterable[str]) -> None:
    varied = {name for setting in settings for name in setting}
    for name in common:
        if name in varied:
            raise UsageError(f"{name} is given by -p and varied as well; keep one")
