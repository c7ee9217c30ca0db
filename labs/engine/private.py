"""Takes out of a notebook what shall not leave a student's machine: sounds and what they became.

Outputs go that hold a sound in whatever form, all outputs of cells that are tagged ``private``, and
the state of widgets, which some front ends store in the file. A notebook without any of these stays
as it is, byte by byte. Code and text are never touched.
"""

import json
from collections.abc import Iterator
from typing import Any

PRIVATE_TAG = "private"
LEFT_OUT = "(private: left out by lab submit)\n"
_SOUNDS = ("data:audio/", '"audio/', "<audio", "data:video/", '"video/', "<video")


def without_private(content: bytes) -> bytes:
    """Return a notebook's bytes without what is private.

    Parameters
    ----------
    content
        What `labs.engine.submitted.read_submitted` took for a notebook.

    Examples
    --------
    >>> cell = {"cell_type": "code", "metadata": {"tags": ["private"]}, "outputs": [{"data": 1}]}
    >>> kept = json.loads(without_private(json.dumps({"cells": [cell]}).encode()))
    >>> kept["cells"][0]["outputs"][0]["text"] == LEFT_OUT
    True
    """
    notebook = json.loads(content.decode("utf-8-sig"))
    found = False
    for cell in _cells(notebook):
        if isinstance(outputs := cell.get("outputs"), list) and outputs:
            kept = [_kept(output, cell) for output in outputs]
            found |= kept != outputs
            cell["outputs"] = kept
    if isinstance(metadata := notebook.get("metadata"), dict):
        found |= metadata.pop("widgets", None) is not None
    return json.dumps(notebook, indent=1).encode("ascii") + b"\n" if found else content


def _cells(notebook: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the cells, also those of the format before 2015, which has sheets."""
    sheets = notebook.get("worksheets")
    for place in [notebook, *(sheets if isinstance(sheets, list) else [])]:
        cells = place.get("cells") if isinstance(place, dict) else None
        yield from (cell for cell in cells or () if isinstance(cell, dict))


def _kept(output: Any, cell: dict[str, Any]) -> Any:
    """Return an output, or a line in its place."""
    metadata = cell.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    is_private = isinstance(tags, list) and PRIVATE_TAG in tags
    written = json.dumps(output).lower()
    if not is_private and not any(mark in written for mark in _SOUNDS):
        return output
    return {"output_type": "stream", "name": "stdout", "text": LEFT_OUT}
