r"""Reads a notebook that somebody handed in: hostile JSON becomes a small, plain notebook.

What comes back holds cells with a type, an id, one text, the two keys of metadata by which an
answer is found, and the outputs as they are; every text is whole Unicode with ``\n`` as line end.
Size, depth and number of values are limited before anything is parsed. Nothing is executed,
rendered or decoded here: outputs are read in `labs.engine.shown`, code in `labs.engine.syntax`.
"""

import json
import re
from collections.abc import Mapping
from itertools import accumulate
from typing import Any

from labs.engine.errors import SubmissionError

Notebook = dict[str, Any]

MAX_BYTES = 50_000_000
MAX_DEPTH = 100  # a notebook has 10 levels, the state of a widget some more
MAX_VALUES = 1_000_000  # each takes hundreds of bytes of memory, however short it is in the file
MAX_CELLS = 5_000
CELL_TYPES = ("code", "markdown", "raw")
_CLEAR = "clear all outputs, save the notebook and hand that in"
_SAVE = "save the notebook as .ipynb and hand that in"
# Matches from any quotation mark on, closed or not: so it is linear in the file's size.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.?)*+"?', re.DOTALL)
# Colab writes a picture into the text of a cell.
_INLINE = re.compile(r"data:(image/[a-z+.-]{1,20});base64,([A-Za-z0-9+/=]*+)")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_STARTS = (  # what people hand in instead, by the first bytes of the file
    (b"PK\x03\x04", "a zip archive"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a compressed file"),
    (b"\x89PNG", "a picture"),
    (b"\xd0\xcf\x11\xe0", "a document of Office"),
    (b"{\\rtf", "a text document"),
    (b"<", "a web page"),
    (b"#", "a script or a text"),
    (b"import ", "a script"),
    (b"from ", "a script"),
    (b'"""', "a script"),
    (b"http", "a link"),
)


def read_submitted(content: bytes) -> Notebook:
    """Return the notebook in a file that was handed in.

    Notebooks of JupyterLab, VS Code and Colab are read, of format 4 and, from before 2015, of 3.

    Parameters
    ----------
    content
        The bytes of the file; anything.

    Returns
    -------
    dict
        ``cells``, each with ``cell_type``, ``id``, ``metadata``, ``source``, ``outputs`` and
        ``attachments``, and ``metadata`` with at most our key ``course``.

    Raises
    ------
    SubmissionError
        If there is no notebook in it, or one too large; the message says why and what to do.
    """
    text = _decoded(content)
    _check_size(content)
    try:
        # Three words that JSON does not know, and that mean nothing in a notebook.
        data = json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError) as err:
        where = f" in line {err.lineno}" if isinstance(err, json.JSONDecodeError) else ""
        raise SubmissionError(f"the file is no notebook: it breaks off{where}; {_SAVE}") from err
    if not isinstance(data, dict):
        raise SubmissionError(f"the file is no notebook: it holds no cells; {_SAVE}")
    cells = [_cell(cell) for cell in _raw_cells(data) if isinstance(cell, dict)]
    course = _texts(_mapping(data.get("metadata")).get("course"), ("lab", "notebook"))
    metadata = {"course": course} if course else {}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _decoded(content: bytes) -> str:
    """Return the text of a file, having refused what is clearly something else."""
    if len(content) > MAX_BYTES:
        raise SubmissionError(f"the file has more than the {MAX_BYTES:,} bytes allowed; {_CLEAR}")
    start = content[:100].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not content.strip():
        raise SubmissionError(f"the file is empty; {_SAVE}")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SubmissionError(f"the file is stored as UTF-16; {_SAVE} as UTF-8")
    for first, kind in _STARTS:
        if start.startswith(first):
            raise SubmissionError(f"the file is {kind}, no notebook; {_SAVE}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        raise SubmissionError(
            f"the file is no notebook: its byte {err.start:,} is no UTF-8; {_SAVE}"
        ) from err


def _check_size(content: bytes) -> None:
    """Refuse what would take much more memory than its size says, before it is parsed."""
    outside = _STRING.sub(b"", content)
    values = outside.count(b",") + outside.count(b"[") + outside.count(b"{")
    if values > MAX_VALUES:
        raise SubmissionError(
            f"the file holds {values:,} values, more than the {MAX_VALUES:,} allowed; {_CLEAR}"
        )
    brackets = outside.translate(None, _NOT_BRACKETS)
    if max(accumulate(map(_STEP.__getitem__, brackets)), default=0) > MAX_DEPTH:
        raise SubmissionError(f"the file nests values more than {MAX_DEPTH} levels deep; {_CLEAR}")


def _raw_cells(data: Mapping[str, Any]) -> list[Any]:
    cells = data.get("cells")
    if cells is None and isinstance(sheets := data.get("worksheets"), list):
        found = [_mapping(sheet).get("cells") for sheet in sheets]
        cells = [cell for each in found if isinstance(each, list) for cell in each]
    if not isinstance(cells, list):
        raise SubmissionError(f"the file is no notebook: it holds no list of cells; {_SAVE}")
    if len(cells) > MAX_CELLS:
        raise SubmissionError(
            f"the notebook has {len(cells):,} cells, more than the {MAX_CELLS:,} allowed; "
            "delete those that you do not need and hand it in again"
        )
    return cells


def _cell(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a cell of which every key has its type; what has another counts as missing."""
    kind = raw.get("cell_type")
    metadata = _mapping(raw.get("metadata"))
    source = clean_text(joined(raw.get("source", raw.get("input"))))  # format 3 says input
    pasted = _mapping(raw.get("attachments"))
    if kind != "code" and ";base64," in source:
        found = _INLINE.findall(source)
        pasted = pasted | {f"inline {n}": {name: data} for n, (name, data) in enumerate(found)}
        source = _INLINE.sub("picture", source)
    outputs = raw.get("outputs")
    names = [name for name in (raw.get("id"), metadata.get("id")) if isinstance(name, str)]
    return {
        "cell_type": kind if kind in CELL_TYPES else "markdown",
        "id": clean_text(names[0][:100]) if names else "",  # Colab keeps it in the metadata
        "metadata": {
            key: values
            for key, allowed in (("nbgrader", ("grade_id",)), ("course", ("exercise", "role")))
            if (values := _texts(metadata.get(key), allowed))
        },
        "source": source,
        "outputs": [output for output in outputs if isinstance(output, dict)]
        if isinstance(outputs, list)
        else [],
        "attachments": pasted,
    }


def joined(value: Any) -> str:
    """Return a text that a notebook holds as one, or as a list of lines; else an empty one.

    Examples
    --------
    >>> joined(["a", 1, "b"]), joined({"a": 1})
    ('ab', '')
    """
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def clean_text(text: str) -> str:
    r"""Return a text that can be stored and parsed: whole Unicode, no NUL, lines end in ``\n``.

    Examples
    --------
    >>> clean_text("a\r\nb\x00\ud800") == "a\nb\ufffd?"
    True
    """
    whole = text.encode("utf-8", "replace").decode()
    return whole.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: Any, keys: tuple[str, ...]) -> dict[str, str]:
    """Return those of the keys that hold a text."""
    table = _mapping(value)
    return {key: clean_text(table[key][:100]) for key in keys if isinstance(table.get(key), str)}
