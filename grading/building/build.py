"""Builds the two notebooks of a lab from its source, and says where stored ones have drifted.

The student notebook has stubs and no outputs; the reference has the solutions and keeps the outputs
of its last execution for as long as its cells and modules are those that were executed. Both are
byte for byte the same on every build, outputs and execution counts aside: cell ids come from
positions, nothing from a clock or a machine. Executing is done in `grading.building.reference`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from course_utils.records import write_atomically
from grading.building import agreement, reference, style
from grading.building.nbgrader_format import cell_metadata
from grading.building.source import Cell, Source, read_source
from grading.course import Course
from grading.errors import DriftError, GradingError, SourceError
from labs.engine.catalog import Lab, check_files
from labs.engine.errors import LabFormatError
from labs.engine.parameters import read_notebook

_SHOWN_CELLS = 20
_KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
Notebook = dict[str, Any]


@dataclass(frozen=True)
class Built:
    """What a source gives.

    Parameters
    ----------
    course, lab, source
        Where it comes from.
    student
        The student notebook.
    reference
        The reference notebook, not executed.
    fingerprint
        SHA-256 of what the outputs of the reference depend on (`grading.building.reference`).
    """

    course: Course
    lab: Lab
    source: Source
    student: Notebook
    reference: Notebook
    fingerprint: str


def build(course: Course, lab: Lab) -> Built:
    """Return the notebooks of a lab, writing nothing.

    Raises
    ------
    SourceError
        Listing everything that is wrong with source, checks or lab.toml, one line each.
    """
    source = read_source(course.source(lab))
    visible = check_files(lab.folder, "checks")
    found = agreement.problems(source, lab, visible=visible, hidden=course.hidden(lab))
    found += style.problems(source)
    if found:
        raise SourceError("\n".join(found))
    solved = _notebook(source, lab, is_reference=True)
    return Built(
        course,
        lab,
        source,
        student=_notebook(source, lab, is_reference=False),
        reference=solved,
        fingerprint=reference.fingerprint(solved, lab),
    )


def write(built: Built) -> list[Path]:
    """Write both notebooks where they differ from the stored ones, and return those written.

    The reference keeps its stored outputs if its cells and modules are those executed then.
    """
    try:
        stored = _stored(built.course.reference(built.lab))
    except LabFormatError:  # its outputs are lost; it is written anew
        stored = None
    fresh = built.reference
    if stored is not None and reference.is_current(stored, fresh, digest=built.fingerprint):
        fresh = reference.with_outputs_of(stored, fresh, digest=built.fingerprint)
    return _write_changed(built, fresh)


def _write_changed(built: Built, reference_notebook: Notebook) -> list[Path]:
    written = []
    for path, notebook in (
        (built.lab.notebook, built.student),
        (built.course.reference(built.lab), reference_notebook),
    ):
        text = to_text(notebook)
        if not path.exists() or path.read_bytes() != text.encode():
            written.append(write_atomically(path, text))
    return written


def execute(built: Built, run: reference.Run) -> list[Path]:
    """Execute the reference, store its outputs, and return the paths written.

    Parameters
    ----------
    built
        What the source gives.
    run
        Runs a notebook: `labs.engine.runner.run`.

    Raises
    ------
    GradingError
        If a cell raised, or a check did not give the reference all points; nothing is stored.
    """
    executed = reference.execute(built.reference, built.lab, root=built.course.root, run=run)
    fresh = reference.with_outputs_of(executed, built.reference, digest=built.fingerprint)
    if found := reference.problems(fresh, built.fingerprint):
        name = built.course.shown(built.course.reference(built.lab))
        raise GradingError("\n".join(f"{name}: {text}; not stored" for text in found))
    return _write_changed(built, fresh)


def check(built: Built) -> None:
    """Compare the stored notebooks with what the source gives, executing nothing.

    Raises
    ------
    DriftError
        Listing every difference, one line each.
    """
    drifted = _reference_problems(built)
    if found := _student_problems(built) + drifted:
        # Building alone drops the outputs of a reference whose code is not what it should be.
        is_stale = bool(drifted) and not _has_its_outputs(built)
        remedy = f"course build {built.lab.name}{' --execute' if is_stale else ''}"
        raise DriftError("\n".join([*found, f"to repair it: {remedy}"]))


def to_text(notebook: Notebook) -> str:
    """Return the bytes of a notebook as text: keys sorted, one newline at the end."""
    node = nbformat.from_dict(notebook)  # type: ignore[no-untyped-call]  # it has no types
    return str(nbformat.writes(node)).rstrip("\n") + "\n"  # type: ignore[no-untyped-call]


def _notebook(source: Source, lab: Lab, *, is_reference: bool) -> Notebook:
    kind = "reference" if is_reference else "student"
    notebook: Notebook = {
        "cells": [_cell(cell, lab, is_reference=is_reference) for cell in source.cells],
        "metadata": {**_KERNEL, "course": {"lab": lab.name, "notebook": kind}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    nbformat.validate(nbformat.from_dict(notebook))  # type: ignore[no-untyped-call]
    return notebook


def _cell(cell: Cell, lab: Lab, *, is_reference: bool) -> dict[str, Any]:
    text = cell.solved if is_reference else cell.stubbed
    metadata: dict[str, Any] = {"tags": list(cell.tags)} if cell.tags else {}
    if cell.role and cell.exercise:
        metadata |= cell_metadata(cell.role, lab.exercises[cell.exercise], source=text)
    fields: dict[str, Any] = {
        "cell_type": cell.cell_type,
        "id": cell.id,
        "metadata": metadata,
        "source": text,
    }
    if cell.cell_type == "code":
        fields |= {"execution_count": None, "outputs": []}
    return fields


def _stored(path: Path) -> Notebook | None:
    """Return a notebook file with each cell's source as one text; None if there is no file."""
    try:
        notebook = read_notebook(path)
    except FileNotFoundError:
        return None
    return reference.plain(notebook)


def _student_problems(built: Built) -> list[str]:
    path = built.lab.notebook
    name = built.course.shown(path)
    try:
        stored = _stored(path)
    except LabFormatError:
        return [f"{name} is no notebook"]
    if stored is None:
        return [f"{name} is missing"]
    if path.read_bytes() == to_text(built.student).encode():
        return []
    return differences(name, stored, expected=built.student) or [
        f"{name} says the same as its source, but was saved by another program"
    ]


def _reference_problems(built: Built) -> list[str]:
    path = built.course.reference(built.lab)
    name = built.course.shown(path)
    try:
        stored = _stored(path)
    except LabFormatError:
        return [f"{name} is no notebook and {reference.EXECUTE}"]
    if stored is None:
        return [f"{name} is missing and {reference.EXECUTE}"]
    drifted = differences(name, reference.without_outputs(stored), expected=built.reference)
    return drifted + [f"{name}: {text}" for text in reference.problems(stored, built.fingerprint)]


def _has_its_outputs(built: Built) -> bool:
    try:
        stored = _stored(built.course.reference(built.lab))
    except LabFormatError:
        return False
    if stored is None or reference.problems(stored, built.fingerprint):
        return False
    return reference.is_current(stored, built.reference, digest=built.fingerprint)


def differences(name: str, stored: Notebook, *, expected: Notebook) -> list[str]:
    """Return how a stored notebook differs from the expected one, one line a cell.

    Parameters
    ----------
    name
        The notebook, as the lines name it.
    stored, expected
        Notebooks whose sources are single texts.
    """
    found = [
        f"{name}: {key} is not what the source gives"
        for key in ("metadata", "nbformat", "nbformat_minor")
        if stored.get(key) != expected[key]
    ]
    theirs, ours = stored["cells"], expected["cells"]
    if len(theirs) != len(ours):
        found.append(f"{name}: {len(theirs)} cells, the source gives {len(ours)}")
    changed = [
        f"{name}: {want['id']}: {_cell_difference(cell, want)}"
        for cell, want in zip(theirs, ours, strict=False)
        if cell != want
    ]
    more = len(changed) - _SHOWN_CELLS
    return found + changed[:_SHOWN_CELLS] + ([f"{name}: and {more} cells more"] if more > 0 else [])


def _cell_difference(cell: dict[str, Any], want: dict[str, Any]) -> str:
    if cell.get("source") != want["source"]:
        lines = str(cell.get("source", "")).split("\n")
        for number, line in enumerate(want["source"].split("\n")):
            there = lines[number] if number < len(lines) else ""
            if there != line:
                return f"line {number + 1} is {there!r}, the source gives {line!r}"
        return f"has {len(lines)} lines, more than the source gives"
    keys = [key for key in {**cell, **want} if cell.get(key) != want.get(key)]
    return f"{', '.join(sorted(keys))} not as the source gives"
