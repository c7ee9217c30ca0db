"""The studies of a lab: sweeps that make its main figures, by name, from its ``studies.toml``.

::

    [studies.bits]
    title = "Bits against accuracy"
    sentence = "What it varies, at which preset, and what to look at."
    preset = "default"                    # of the lab; this one if left out
    notebook = "other.ipynb"              # in the lab's folder; the lab's notebook if left out
    seeds = 3                             # of every setting; 1 if left out
    results = ["top1", "size_bytes"]
    [studies.bits.grid]                   # every combination, the last changes fastest
    bits = [2, 4, 8]
    width = [4, 8]
    [studies.bits.fixed]                  # the same in every run
    epochs = 2
    [[studies.bits.figures]]              # a parameter of the grid, a line a value of another
    y = "top1"
    x = "bits"
    by = "width"                          # may be left out
    title = "Accuracy against bits"
    [[studies.bits.figures]]              # two results against each other, a point a setting
    kind = "points"
    y = "top1"
    x = "size_bytes"
    title = "Accuracy against bytes"

All of it is checked against the notebook's parameters and the lab's results. A notebook that is in
no lab has the studies of a ``studies.toml`` beside it; any result will do there, as nothing
declares them, and there are no presets. Nothing is run here.
"""

import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from labs.engine.catalog import DEFAULT, Lab, did_you_mean, find_labs
from labs.engine.errors import LabFormatError, UsageError
from labs.engine.parameters import Parameter, read_parameters, resolve
from labs.engine.sweeps.settings import SEED, Setting, Values, axis_of
from labs.engine.sweeps.table import Summary
from labs.engine.sweeps.toml_tables import Table

STUDIES_FILE = "studies.toml"
MOST_FIGURES = 6  # of a sweep without a study
Kind = Literal["lines", "points"]
KINDS: tuple[str, ...] = get_args(Kind)


@dataclass(frozen=True)
class Figure:
    """What a figure of a sweep shows.

    Parameters
    ----------
    y
        A result.
    x
        Of ``lines`` a parameter that the sweep varies, of ``points`` another result.
    by
        A further parameter that the sweep varies: a line, or a colour, for each of its values.
    title
        One line above it.
    kind
        ``lines`` or ``points``, a point for each setting.
    """

    y: str
    x: str
    by: str | None
    title: str
    kind: Kind


@dataclass(frozen=True)
class Study:
    """One study of a lab.

    Parameters
    ----------
    name
        As it is asked for.
    title, sentence
        What it is about; what it varies and what to look at.
    preset
        Of the lab; its parameters apply below `fixed` and `axes`.
    notebook
        A notebook of the study's own; None where it is the lab's.
    axes
        Parameters and their values, every combination; none where only seeds vary.
    fixed
        Parameters that all runs have in common.
    seeds
        Runs of each setting, >= 1.
    results
        Those that it is about.
    figures
        In the order in which they are shown.
    """

    name: str
    title: str
    sentence: str
    preset: str
    notebook: Path | None
    axes: tuple[Values, ...]
    fixed: Setting
    seeds: int
    results: tuple[str, ...]
    figures: tuple[Figure, ...]


def read_studies(lab: Lab) -> dict[str, Study]:
    """Return the studies of a lab by name; none if it has no ``studies.toml``.

    Raises
    ------
    LabFormatError
        If the file is no TOML, or a key, parameter, result or value in it is unknown, missing or
        ill-typed; the message names file, study and key.
    """
    home = _home_of(lab)
    studies = _read_file(home.file)
    return {name: _read_study(name, studies.table(name), home=home) for name in studies.content}


def find_study(lab: Lab, name: str) -> Study:
    """Return the study of this name.

    Raises
    ------
    UsageError
        If there is none; the message lists those of the lab and the one that was probably meant.
    LabFormatError
        As for `read_studies`.
    """
    studies = read_studies(lab)
    if name not in studies:
        known = ", ".join(studies) or "none"
        raise UsageError(
            f"lab {lab.name} has no study {name!r}{did_you_mean(name, studies)} (studies: {known})"
        )
    return studies[name]


def find_study_beside(notebook: Path, name: str) -> Study:
    """Return the study of this name beside a notebook that belongs to no lab.

    Only this study is read: another may be about another notebook of the folder.

    Raises
    ------
    UsageError
        If no ``studies.toml`` lies beside the notebook, or it has no such study.
    LabFormatError
        As for `read_studies`.
    """
    home = _Home(notebook.parent, notebook, (DEFAULT,), results=None, name=notebook.name)
    if not home.file.is_file():
        raise UsageError(
            f"only labs have studies, {notebook.name} is none and no {STUDIES_FILE} lies beside "
            "it; write one, or use -g"
        )
    studies = _read_file(home.file)
    if name not in studies.content:
        known = ", ".join(studies.content) or "none"
        hint = did_you_mean(name, studies.content)
        raise UsageError(f"{home.file} has no study {name!r}{hint} (studies: {known})")
    return _read_study(name, studies.table(name), home=home)


def studied(lab: Lab, study: Study) -> Lab:
    """Return a lab as the runs of a study see it.

    A notebook of the study's own hands over the study's results alone, and the lab's presets, which
    are for the lab's notebook, do not apply to it.
    """
    if study.notebook is None:
        return lab
    return replace(
        lab, presets={DEFAULT: {}}, results={name: lab.results[name] for name in study.results}
    )


def notebooks(lab: Lab) -> tuple[Path, ...]:
    """Return the notebook of a lab and those that its studies have of their own.

    Raises
    ------
    LabFormatError
        As for `read_studies`.
    """
    own = {study.notebook for study in read_studies(lab).values() if study.notebook}
    return (lab.notebook, *sorted(own))


def lab_of(notebook: Path) -> Lab | None:
    """Return the lab that a notebook belongs to, as its runs see it; None if it belongs to none.

    Parameters
    ----------
    notebook
        Its absolute path.
    """
    for lab in find_labs():
        if lab.notebook == notebook:
            return lab
        if lab.folder == notebook.parent:
            own = [each for each in read_studies(lab).values() if each.notebook == notebook]
            return studied(lab, own[0]) if own else None
    return None


def default_figures(summaries: Sequence[Summary], results: Sequence[str]) -> tuple[Figure, ...]:
    """Return figures for a sweep that has no study: its results against what it varies.

    Numbers go before texts as the axis of x. There is none where only seeds vary.

    Parameters
    ----------
    summaries
        A setting each.
    results
        Those to show; if empty the first six whose means differ between settings.
    """
    varied = _varied(each.setting for each in summaries)
    if not varied:
        return ()
    numeric = [name for name, values in varied.items() if all(map(_is_number, values))]
    x = next(iter(numeric or varied))
    by = next((name for name in varied if name != x), None)
    means = _varied({n: r.value for n, r in each.results.items()} for each in summaries)
    shown = list(results) or list(means)[:MOST_FIGURES]
    return tuple(Figure(y, x, by, f"{y} against {x}", "lines") for y in shown)


def _varied(tables: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return what has several values among some tables: name -> values, in order."""
    found: dict[str, list[Any]] = {}
    for table in tables:
        for name, value in table.items():
            values = found.setdefault(name, [])
            if value not in values:
                values.append(value)
    return {name: values for name, values in found.items() if len(values) > 1}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(name, str) for name in value)


@dataclass(frozen=True)
class _Home:
    """Where studies lie, and what they may name; results None: any."""

    folder: Path
    notebook: Path
    presets: Collection[str]
    results: Collection[str] | None
    name: str

    @property
    def file(self) -> Path:
        return self.folder / STUDIES_FILE


def _home_of(lab: Lab) -> _Home:
    return _Home(lab.folder, lab.notebook, lab.presets, lab.results, f"lab {lab.name}")


def _read_file(path: Path) -> Table:
    """Return the tables of studies in a file; none if there is no file."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Table({}, path)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        raise LabFormatError(f"{path} is no TOML: {err}; correct it") from err
    file = Table(table, path)
    file.check_keys(["studies"])
    return file.table("studies")


_STUDY_KEYS = (
    *("title", "sentence", "preset", "notebook", "seeds"),
    *("grid", "fixed", "results", "figures"),
)


def _read_study(name: str, table: Table, *, home: _Home) -> Study:
    table.check_keys(_STUDY_KEYS)
    path = _notebook(table, home)
    declared = read_parameters(path)
    if SEED not in declared:
        raise table.refused("notebook", f"{path.name} has no parameter seed; add one")
    is_own = path != home.notebook
    axes = tuple(_axes(table.table("grid"), declared))
    fixed = _fixed(table.table("fixed"), declared, axes=axes)
    results = _results(table, home)
    return Study(
        name=name,
        title=table.line("title"),
        sentence=table.line("sentence"),
        preset=_preset(table, home, is_own=is_own),
        notebook=path if is_own else None,
        axes=axes,
        fixed=fixed,
        seeds=table.get("seeds", "a whole number >= 1", accepts=_is_count, default=1),
        results=results,
        figures=tuple(_figure(each, axes, results=results) for each in table.listed("figures")),
    )


def _notebook(table: Table, home: _Home) -> Path:
    name = table.line("notebook") if "notebook" in table.content else home.notebook.name
    path = home.folder / name
    if path.parent != home.folder or path.suffix != ".ipynb" or not path.is_file():
        raise table.refused("notebook", f"{name!r} is no notebook in the lab's folder")
    return path


def _preset(table: Table, home: _Home, *, is_own: bool) -> str:
    if "preset" not in table.content:
        return DEFAULT
    presets = [DEFAULT] if is_own else list(home.presets)
    return table.known("preset", presets, what="preset of this notebook")


def _axes(table: Table, declared: Mapping[str, Parameter]) -> Iterable[Values]:
    for name, values in table.content.items():
        _check_no_seed(table, name)
        if not isinstance(values, list):
            raise table.refused(name, f"{values!r} is not a list of values")
        try:
            yield axis_of(name, values, declared=declared)
        except UsageError as err:
            raise table.refused(name, str(err)) from err


def _fixed(table: Table, declared: Mapping[str, Parameter], *, axes: Iterable[Values]) -> Setting:
    fixed: Setting = {}
    for name, value in table.content.items():
        _check_no_seed(table, name)
        if any(axis.name == name for axis in axes):
            raise table.refused(name, "is in the grid too; keep one")
        try:
            fixed |= resolve(declared, {name: value})
        except UsageError as err:
            raise table.refused(name, str(err)) from err
    return fixed


def _check_no_seed(table: Table, name: str) -> None:
    if name == SEED:
        raise table.refused(name, "say how many with the study's key seeds")


def _results(table: Table, home: _Home) -> tuple[str, ...]:
    results = table.get("results", "a list of results, one at least", accepts=_is_names)
    for name in results:
        if home.results is not None and name not in home.results:
            hint = did_you_mean(name, home.results)
            raise table.refused("results", f"{name!r} is no result of {home.name}{hint}")
    return tuple(results)


def _figure(table: Table, axes: Sequence[Values], *, results: Sequence[str]) -> Figure:
    table.check_keys(("y", "x", "by", "title", "kind"))
    varied = [axis.name for axis in axes]
    kind = table.get("kind", "lines or points", accepts=KINDS.__contains__, default="lines")
    result, parameter, by = "result of the study", "parameter of the grid", None
    if kind == "lines":
        x = table.known("x", varied, what=parameter)
    else:
        x = table.known("x", results, what=result)
    if "by" in table.content:
        others = [name for name in varied if name != x]
        by = table.known("by", others, what=f"further {parameter}")
    return Figure(
        y=table.known("y", results, what=result),
        x=x,
        by=by,
        title=table.line("title"),
        kind=kind,
    )
