"""Runs a submission again with other parameters, behind walls: to look at, never to grade.

The rebuilt notebook (ours, with the student's answers and own cells) goes through papermill like
any lab, with a kernel that starts behind walls. What it shows is kept as plain text and pictures:
HTML, Markdown, scripts and widgets of a submission are left out, since who opens the notebook would
have them rendered. Results in the record are what the student's code reported.
"""

import json
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from course_utils.records import write_atomically
from grading.submissions import Submission
from labs.engine import runner
from labs.engine.catalog import Lab
from labs.engine.errors import SubmissionError
from labs.engine.launch import ORDINARY, Host, Progress
from labs.engine.parameters import read_notebook
from labs.engine.rebuild import rebuild
from labs.engine.sandbox.confine import walls_missing
from labs.engine.sandbox.limits import MESSAGES, MIB, Limits
from labs.engine.sandbox.provisioner import write_kernelspec
from labs.engine.submitted import read_submitted

TIMEOUT_S = 3600.0
# A whole notebook takes more than one exercise: ranks and workers of its own, for minutes.
LIMITS = Limits(memory_bytes=4096 * MIB, processes=256, cpu_s=2 * TIMEOUT_S / MESSAGES)
_KEPT = ("text/plain", "image/png")  # pictures are pixels; everything else can hold markup


def rerun(
    lab: Lab,
    submission: Submission,
    *,
    parameters: Mapping[str, Any],
    output: Path,
    is_trusted: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Run a submission and return its record; notebook and record are written.

    Parameters
    ----------
    lab
        The lab that it is of.
    submission
        The submission.
    parameters
        Name -> value, or text to be read as the type of the default.
    output
        Where the executed notebook goes, an ``.ipynb``; its record goes beside it as ``.json``.
    is_trusted
        Whether it may run without walls where there are none.
    progress
        Called with number and count whenever a code cell starts.

    Raises
    ------
    SubmissionError
        If there is no notebook in the submission.
    UsageError
        If a parameter is unknown or ill-typed, or the output is in the way.
    RunError
        If the notebook could not be started, or the output not be written.
    """
    if submission.notebook is None:
        raise SubmissionError(f"{submission.id} holds no notebook: {submission.problem}")
    rebuilt = rebuild(lab, read_submitted(submission.notebook))
    with tempfile.TemporaryDirectory(prefix="course-rerun-") as name:
        source = Path(name) / f"{submission.id}.ipynb"
        source.write_text(json.dumps(without_markup(rebuilt.notebook)), encoding="utf-8")
        plan = runner.plan_run(source, parameters, lab=lab)
        executed = Path(name) / "executed.ipynb"
        walled = Host(write_kernel=partial(write_kernelspec, limits=LIMITS))
        record = runner.execute(
            plan,
            output=executed,
            timeout_s=TIMEOUT_S,
            progress=progress,
            host=ORDINARY if is_trusted and walls_missing() else walled,
        )
        shown = without_markup(read_notebook(executed))
    output.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(output, json.dumps(shown, indent=1) + "\n")
    write_atomically(output.with_suffix(".json"), json.dumps(record, indent=2) + "\n")
    return record


def without_markup(notebook: Mapping[str, Any]) -> dict[str, Any]:
    """Return a notebook in which nothing of a student's is rendered as markup.

    Parameters
    ----------
    notebook
        A rebuilt notebook, executed or not.

    Examples
    --------
    >>> shown = {"output_type": "display_data", "data": {"text/html": "<b>", "text/plain": "4"}}
    >>> cell = {"cell_type": "code", "metadata": {}, "outputs": [shown]}
    >>> without_markup({"cells": [cell]})["cells"][0]["outputs"][0]["data"]
    {'text/plain': '4'}
    """
    return {**notebook, "cells": [_inert(cell) for cell in notebook["cells"]]}


def _inert(cell: Mapping[str, Any]) -> dict[str, Any]:
    role = cell.get("metadata", {}).get("course", {}).get("role")
    if cell["cell_type"] == "markdown" and role is not None:  # a student's text
        kept = {key: cell[key] for key in ("id", "metadata", "source") if key in cell}
        return {**kept, "cell_type": "raw"}
    if cell["cell_type"] != "code":
        return dict(cell)
    return {**cell, "outputs": [_inert_output(each) for each in cell.get("outputs", ())]}


def _inert_output(output: Mapping[str, Any]) -> dict[str, Any]:
    if "data" not in output:
        return dict(output)
    data = {kind: output["data"][kind] for kind in _KEPT if kind in output["data"]}
    return {**output, "data": data, "metadata": {}}
