"""Runs one notebook with parameters and returns one record of it.

The notebook runs through papermill in a process of its own and in a fresh folder, which is
removed afterwards. First everything is checked that can be (`plan_run`, and the place for the
output), then the notebook runs, then the executed notebook and its record appear together and
whole, or not at all. A notebook that fails gives a record too, with status ``failed`` and the
failing cell in ``provenance["error"]``.

It neither decides what a good result is nor runs many notebooks at once.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labs.engine import executed, provenance
from labs.engine.catalog import DEFAULT, Lab, did_you_mean
from labs.engine.errors import LabFormatError, ParameterError, RunError, UsageError
from labs.engine.executed import Failure
from labs.engine.extras import require_extras
from labs.engine.launch import ORDINARY, Ending, Host, Progress, environment, launch
from labs.engine.output import check_output, write_output
from labs.engine.parameters import read_parameters, resolve


@dataclass(frozen=True)
class Plan:
    """One run, checked and ready to start.

    Parameters
    ----------
    notebook
        The notebook to execute; it is only read.
    lab
        The lab that it belongs to, or None.
    preset
        Name of the lab's preset that applies, or None without a lab.
    parameters
        Every parameter of the notebook with the value used.
    changed
        Those that do not simply keep the notebook's default, as papermill gets them.
    """

    notebook: Path
    lab: Lab | None
    preset: str | None
    parameters: Mapping[str, Any]
    changed: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Name of the lab, else of the notebook's file."""
        return self.lab.name if self.lab else self.notebook.name

    def varied(self, parameters: Mapping[str, Any]) -> "Plan":
        """Return the same run with some parameters changed; the file is not read again.

        Parameters
        ----------
        parameters
            Name -> value of the notebook's type, checked already.
        """
        return replace(
            self,
            parameters={**self.parameters, **parameters},
            changed={**self.changed, **parameters},
        )


def plan_run(
    notebook: str | Path,
    parameters: Mapping[str, Any] | None = None,
    *,
    lab: Lab | None = None,
    preset: str | None = None,
) -> Plan:
    """Return a run with its parameters checked: notebook's defaults < preset < `parameters`.

    Parameters
    ----------
    notebook
        Path of the notebook.
    parameters
        Name -> value, or text to be read as the type of the default.
    lab
        The lab it belongs to: its results must be declared, its presets apply.
    preset
        Name of a preset of the lab; ``default`` if not given.

    Raises
    ------
    UsageError
        A parameter, preset or extra that cannot be; its subclasses say which.
    LabFormatError
        A file that is no notebook, or parameters that are not as documented.
    """
    path = Path(notebook)
    if not path.is_file():
        raise UsageError(f"no notebook {path}; give a lab's name or the path of an .ipynb file")
    declared = read_parameters(path)
    changed: dict[str, Any] = {}
    if lab is not None:
        require_extras(lab.extras, needed_by=f"lab {lab.name}")
        preset = preset or DEFAULT
        changed.update(_preset_parameters(lab, preset, declared))
    elif preset is not None:
        raise UsageError(f"preset {preset!r}: only labs have presets, {path.name} is none; use -p")
    changed.update(resolve(declared, parameters or {}))
    values = {name: parameter.default for name, parameter in declared.items()} | changed
    return Plan(path, lab, preset, values, changed)


def run(
    notebook: str | Path,
    parameters: Mapping[str, Any] | None = None,
    *,
    lab: Lab | None = None,
    preset: str | None = None,
    output: str | Path | None = None,
    timeout_s: float | None = None,
) -> dict[str, Any]:
    """Run a notebook and return its record: `plan_run`, then `execute`."""
    plan = plan_run(notebook, parameters, lab=lab, preset=preset)
    return execute(plan, output=output, timeout_s=timeout_s)


def execute(
    plan: Plan,
    *,
    output: str | Path | None = None,
    timeout_s: float | None = None,
    progress: Progress | None = None,
    host: Host = ORDINARY,
) -> dict[str, Any]:
    """Carry out a run and return its record.

    Parameters
    ----------
    plan
        What `plan_run` returned.
    output
        Where the executed notebook goes, an ``.ipynb``; its record goes beside it as ``.json``.
        Nothing is written if not given.
    timeout_s
        End the run, as failed, after this time [s]; no limit by default.
    progress
        Called with number and count whenever a code cell starts.
    host
        Where its processes come from.

    Raises
    ------
    UsageError
        If the output would replace the notebook itself or a file that no run wrote.
    RunError
        If the notebook could not be started, or the output not be written.
    RunStoppedError
        If `host` says that the run was stopped on purpose.
    """
    target = None if output is None else Path(output)
    if target is not None:
        check_output(target, notebook=plan.notebook)
    origin = _origin(plan)
    with tempfile.TemporaryDirectory(prefix="lab-run-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        ending = launch(
            plan.notebook,
            plan.changed,
            folder=folder,
            timeout_s=timeout_s,
            progress=progress,
            host=host,
        )
        machine = provenance.machine(environment(folder, threads=host.threads))
    record = _record(plan, ending, origin=origin, machine=machine)
    if target is not None:
        name = plan.notebook.name
        write_output(target, ending.content, record=record, source_name=name)
    return record


def _record(
    plan: Plan, ending: Ending, *, origin: dict[str, Any], machine: dict[str, Any]
) -> dict[str, Any]:
    """Return the record of a run that has ended, with what went wrong first."""
    declared = plan.lab.results if plan.lab else None
    failure = _failure(ending)
    results, data, wrong = executed.collect_results(ending.content, declared)
    failure = failure or wrong
    if declared is not None:
        failure = failure or executed.missing_results(results, declared)
        results = {name: results[name] for name in declared if name in results}
    return {
        "lab": plan.name,
        "parameters": dict(plan.parameters),
        "status": "ok" if failure is None else "failed",
        "results": results,
        "provenance": {
            **origin,
            "duration_s": round(ending.duration_s, 3),
            "cpu_s": round(ending.cpu_s, 3),
            "data": list(data),
            "machine": machine,
            **({} if failure is None else {"error": vars(failure)}),
        },
    }


def _origin(plan: Plan) -> dict[str, Any]:
    """Return the part of the provenance that is known before the run."""
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "notebook": plan.notebook.name,
        "notebook_sha256": provenance.file_hash(plan.notebook),
        "modules_sha256": provenance.modules_hashes(plan.lab),
        "git": provenance.git_state(),
        "preset": plan.preset,
    }


def _preset_parameters(lab: Lab, preset: str, declared: Mapping[str, Any]) -> dict[str, Any]:
    if preset not in lab.presets:
        hint = did_you_mean(preset, lab.presets)
        raise UsageError(
            f"lab {lab.name} has no preset {preset!r}{hint} (presets: {', '.join(lab.presets)})"
        )
    try:
        return resolve(declared, lab.presets[preset])
    except ParameterError as err:
        raise LabFormatError(f"{lab.name}/lab.toml, presets.{preset}: {err}") from err


def _failure(ending: Ending) -> Failure | None:
    """Return why a run failed, as far as its process can say."""
    if ending.is_ok:
        return executed.unfinished(ending.content)
    message = ending.message
    if ending.name == "RunError" and ending.cell is None:
        raise RunError(f"the notebook could not be started: {executed.clean(message)}")
    if ending.name == "DeadKernelError":
        message = "the kernel died: out of memory, or the cell ended its own process"
    return executed.failure_at(ending.content, ending.cell, name=ending.name, message=message)
