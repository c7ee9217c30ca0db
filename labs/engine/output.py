"""The files of a run: the executed notebook and, beside it, its record.

They appear together and whole, or not at all. A file is replaced only if a run wrote it and
nobody has edited it since: the notebook carries a hash of its cells for that. This module runs
nothing and does not know what a record says.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from course_utils.errors import RecordError
from course_utils.records import read_record, validate_record
from labs.engine.errors import LabFormatError, RunError, UsageError
from labs.engine.parameters import read_notebook


def check_output(target: Path, *, notebook: Path) -> None:
    """Refuse an output that cannot be written, or would replace what no run wrote.

    Parameters
    ----------
    target
        Where the executed notebook shall go, an ``.ipynb``; the record goes beside it.
    notebook
        The notebook that is to run, which must stay as it is.

    Raises
    ------
    UsageError
        If the name is not right or a file is in the way.
    RunError
        If the folder cannot be written.
    """
    if target.suffix != ".ipynb":
        raise UsageError(f"output {target} must end in .ipynb; its record gets .json")
    if not target.parent.is_dir():
        raise UsageError(f"{target.parent} is no folder; make it first, or give -o another place")
    if target.exists() and target.samefile(notebook):
        raise UsageError(f"output {target} is the notebook itself; give -o another name")
    if target.exists() and not _is_own_notebook(target):
        raise UsageError(
            f"output {target} is there and was not written by a run, or was edited since; "
            "move it away or give -o another name"
        )
    record = record_path(target)
    if record.exists() and not _is_own_record(record):
        raise UsageError(f"{record} is there and is no record; move it or give -o another name")
    try:
        with tempfile.TemporaryFile(dir=target.parent):
            pass
    except OSError as err:
        raise _unwritable(target, err) from err


def record_path(target: Path) -> Path:
    """Return where the record of an executed notebook lies.

    Examples
    --------
    >>> record_path(Path("out.ipynb")).name
    'out.json'
    """
    return target.with_suffix(".json")


def write_output(
    target: Path, content: Mapping[str, Any], *, record: Mapping[str, Any], source_name: str
) -> None:
    """Write an executed notebook and its record.

    Parameters
    ----------
    target
        A place that `check_output` let pass.
    content
        The executed notebook as plain data.
    record
        The record of the run.
    source_name
        Name of the notebook that ran; it stands in the output instead of a machine's path.

    Raises
    ------
    RunError
        If a file cannot be written; then neither is.
    """
    texts = {
        target: _marked(content, source_name=source_name, output_name=target.name),
        record_path(target): json.dumps(validate_record(record), indent=2, allow_nan=False) + "\n",
    }
    staged: dict[Path, Path] = {}
    try:
        for path, text in texts.items():
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            staged[path] = Path(name)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            staged[path].chmod(0o644)
        for path in texts:
            staged[path].replace(path)
            del staged[path]
    except OSError as err:
        raise _unwritable(target, err) from err
    finally:
        for path in staged.values():
            path.unlink(missing_ok=True)


def is_untouched(content: Mapping[str, Any]) -> bool:
    """Whether a notebook is one that a run wrote and nobody has edited since."""
    mark = content.get("metadata", {}).get("course_run", {})
    return bool(mark) and mark.get("cells_sha256") == _cells_hash(content)


def _marked(content: Mapping[str, Any], *, source_name: str, output_name: str) -> str:
    """Return the text of an executed notebook, marked as ours, without this machine's paths."""
    names = {"input_path": source_name, "output_path": output_name}
    metadata = {
        **content["metadata"],
        "papermill": {**content["metadata"].get("papermill", {}), **names},
        "course_run": {"cells_sha256": _cells_hash(content)},
    }
    marked = {**content, "metadata": metadata}
    return json.dumps(marked, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _cells_hash(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content["cells"], sort_keys=True).encode()).hexdigest()


def _is_own_notebook(path: Path) -> bool:
    try:
        return is_untouched(read_notebook(path))
    except (LabFormatError, OSError):
        return False


def _is_own_record(path: Path) -> bool:
    try:
        read_record(path)
    except (RecordError, OSError):
        return False
    return True


def _unwritable(target: Path, err: OSError) -> RunError:
    return RunError(
        f"cannot write {target}: {err.strerror or err}; nothing was written; "
        "free some space or give -o another folder"
    )
