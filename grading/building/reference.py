"""The outputs of a reference notebook: stored once, stale when what made them changes.

The fingerprint of an execution covers the code cells of the reference, the parameters of the preset
``default`` and the lab's own modules (Python, C and linker files in its folder). Text may change: a
memo quotes the numbers of the execution that it belongs to. The fingerprint does not cover
`course_utils`, `labs.shared` or installed packages: a change there shows when the notebooks are
run, and would otherwise make every lab stale at every change.
"""

import copy
import hashlib
import json
import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from grading.errors import GradingError
from labs.engine.catalog import DEFAULT, Lab
from labs.engine.executed import Failure
from labs.engine.parameters import cell_source

Notebook = dict[str, Any]
Run = Callable[..., dict[str, Any]]
EXECUTE = "must be executed"  # for lines that `course build --execute` repairs
HASH_KEY = "source_sha256"
_MODULE_SUFFIXES = {".py", ".c", ".h", ".s", ".ld"}
_INJECTED_TAG = "injected-parameters"
_WIDGET_MIME = "application/vnd.jupyter.widget-view+json"  # its state is not stored


def fingerprint(reference: Notebook, lab: Lab) -> str:
    """Return the SHA-256 of what the outputs of a reference depend on, as 64 hex digits."""
    cells = [[cell["source"], cell["metadata"].get("tags", [])] for cell in _code(reference)]
    modules = [
        [path.relative_to(lab.folder).as_posix(), path.read_text(encoding="utf-8")]
        for path in sorted(lab.folder.rglob("*"))
        if path.suffix.lower() in _MODULE_SUFFIXES and not _is_hidden(path, lab.folder)
    ]
    content = {"cells": cells, "modules": modules, "parameters": dict(lab.presets[DEFAULT])}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _is_hidden(path: Path, folder: Path) -> bool:
    parts = path.relative_to(folder).parts
    return any(part.startswith((".", "__pycache__")) for part in parts)


def plain(notebook: Mapping[str, Any]) -> Notebook:
    """Return a notebook as read from its file with each cell's source as one text."""
    cells = [{**cell, "source": cell_source(cell)} for cell in notebook["cells"]]
    return {**notebook, "cells": cells}


def without_outputs(notebook: Notebook) -> Notebook:
    """Return a copy without outputs, execution counts and the hash of an execution."""
    stripped = copy.deepcopy(notebook)
    for cell in stripped["cells"]:
        if cell.get("cell_type") == "code":
            cell["outputs"], cell["execution_count"] = [], None
    stripped.get("metadata", {}).get("course", {}).pop(HASH_KEY, None)
    return stripped


def is_current(stored: Notebook, reference: Notebook, *, digest: str) -> bool:
    """Say whether the stored outputs are those of this reference and these modules."""
    same = [cell_source(c) for c in _code(stored)] == [c["source"] for c in _code(reference)]
    return same and _stored_hash(stored) == digest


def _code(notebook: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell.get("cell_type") == "code"]


def _stored_hash(stored: Notebook) -> Any:
    course = stored.get("metadata", {}).get("course", {})
    return course.get(HASH_KEY) if isinstance(course, dict) else None


def with_outputs_of(executed: Notebook, reference: Notebook, *, digest: str) -> Notebook:
    """Return the reference with the outputs of an execution, counted from 1 in order.

    Parameters
    ----------
    executed
        A notebook with the same code cells; a cell that papermill injected is left out, and so is
        all that it or the kernel wrote into metadata.
    reference
        The reference as built.
    digest
        The fingerprint of what was executed.

    Raises
    ------
    GradingError
        If the code cells are not the same.
    """
    ran = [c for c in _code(executed) if _INJECTED_TAG not in c["metadata"].get("tags", [])]
    merged = without_outputs(reference)
    if [cell_source(c) for c in ran] != [c["source"] for c in _code(merged)]:
        raise GradingError("the executed notebook does not have the cells of the reference")
    count = 0
    for cell, source_cell in zip(_code(merged), ran, strict=True):
        if source_cell.get("execution_count") is None:
            continue
        count += 1
        cell["execution_count"] = count
        cell["outputs"] = [_stored_output(output, count) for output in source_cell["outputs"]]
    merged["metadata"]["course"] = {**merged["metadata"]["course"], HASH_KEY: digest}
    return merged


def _stored_output(output: Mapping[str, Any], count: int) -> dict[str, Any]:
    kept = copy.deepcopy(dict(output))
    if "execution_count" in kept:
        kept["execution_count"] = count
    if "metadata" in kept:
        kept["metadata"] = {}
    if "data" in kept:
        kept["data"].pop(_WIDGET_MIME, None)
    return kept


def problems(stored: Notebook, digest: str) -> list[str]:
    """Return why stored outputs cannot be trusted, one line each; none if they can."""
    code = [cell for cell in stored["cells"] if cell.get("cell_type") == "code"]
    uncounted = [cell for cell in code if not isinstance(cell.get("execution_count"), int)]
    found: list[str] = []
    if code and len(uncounted) == len(code):
        found.append(f"was never executed and {EXECUTE}")
    else:
        found += [f"{_name(cell)} has no execution count and {EXECUTE}" for cell in uncounted]
        if _stored_hash(stored) != digest:
            found.append(f"its outputs are of another source or other modules: it {EXECUTE}")
    for cell in code:
        found += [f"{_name(cell)} {text}" for text in _output_problems(cell)]
    return found


def _name(cell: Mapping[str, Any]) -> str:
    return str(cell.get("id", "a cell"))


def _output_problems(cell: Mapping[str, Any]) -> list[str]:
    outputs = cell.get("outputs", [])
    found = [
        f"raised {output.get('ename')}: {output.get('evalue')}"
        for output in outputs
        if output.get("output_type") == "error"
    ]
    course = cell.get("metadata", {}).get("course", {})
    if course.get("role") != "check" or found or cell.get("execution_count") is None:
        return found
    if any(output.get("name") == "stderr" for output in outputs):
        found.append("writes to stderr, for which nbgrader gives no points")
    points = cell["metadata"]["nbgrader"]["points"]
    shown = [_text(output) for output in outputs if output.get("output_type") == "execute_result"]
    if not shown or not re.fullmatch(r"\d+(\.\d+)?", shown[-1]) or float(shown[-1]) != points:
        found.append(f"gives the reference {shown[-1:] or 'nothing'}, not all {points} points")
    return found


def _text(output: Mapping[str, Any]) -> str:
    text = output.get("data", {}).get("text/plain", "")
    return text if isinstance(text, str) else "".join(text)


def execute(reference: Notebook, lab: Lab, *, root: Path, run: Run) -> Notebook:
    """Return the reference as executed at the preset ``default``, cleaned of the machine's paths.

    Parameters
    ----------
    reference
        The reference as built.
    lab
        Its lab.
    root
        Root of the repository; its path is taken out of the outputs.
    run
        Runs a notebook: `labs.engine.runner.run`.

    Raises
    ------
    GradingError
        If a cell raised; the message quotes it.
    """
    with tempfile.TemporaryDirectory(prefix="course-build-") as folder:
        work = Path(folder).resolve()
        path, output = work / "reference.ipynb", work / "executed.ipynb"
        path.write_text(json.dumps(reference), encoding="utf-8")
        record = run(path, lab=lab, preset=DEFAULT, output=output)
        if record["status"] != "ok":
            failure = Failure(**record["provenance"]["error"]).describe()
            raise GradingError(f"the reference of {lab.name} did not run to its end: {failure}")
        executed: Notebook = json.loads(output.read_text(encoding="utf-8"))
    paths = (str(work), str(root), str(Path.home()))
    for cell in executed["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = _without_paths(cell["outputs"], paths)
    return executed


def _without_paths(value: Any, paths: tuple[str, ...]) -> Any:
    """Return plain data in which no text holds one of the paths."""
    if isinstance(value, str):
        for path in paths:
            if path != "/":
                value = value.replace(path, "...")
        return value
    if isinstance(value, list):
        return [_without_paths(item, paths) for item in value]
    if isinstance(value, dict):
        return {key: _without_paths(item, paths) for key, item in value.items()}
    return value
