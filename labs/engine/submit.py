"""Makes the zip that a student hands in, after the same rebuild that the grader does.

The student sees for every exercise whether its answer is found, before anybody grades it. The zip
holds the notebook, as it is but for what is private (`labs.engine.private`), and, if there is one,
the link to Colab in ``url.txt``; it is the same for the same input. Nothing is executed, sent or
fetched, and no file is replaced that is not an earlier zip of ours.
"""

import contextlib
import hashlib
import io
import os
import re
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from labs.engine.catalog import Exercise, Lab
from labs.engine.errors import LabFormatError, SubmissionError, UsageError
from labs.engine.matching import TEXT_STUB, Base, read_base
from labs.engine.private import without_private
from labs.engine.rebuild import Answer, Rebuilt, read_submitted, rebuild
from labs.engine.submitted import MAX_BYTES, Notebook
from labs.engine.syntax import is_ours, read_code

URL_FILE = "url.txt"
HOSTS = (
    "colab.research.google.com",
    "drive.google.com",
    "github.com",
    "gist.github.com",
    "kaggle.com",
    "www.kaggle.com",
    "mybinder.org",
    "nbviewer.org",
    "deepnote.com",
)
MAX_URL = 500
_MARK = b"made by lab submit, SHA-256 "
_OUR_ID = re.compile(r"cell-\d{2,4}")


@dataclass(frozen=True)
class Handin:
    """A notebook that is ready to be handed in.

    Parameters
    ----------
    lab
        The lab that it is for.
    notebook
        Where it lies.
    content
        Its bytes, without what is private.
    rebuilt
        What the grader will find in it.
    """

    lab: Lab
    notebook: Path
    content: bytes
    rebuilt: Rebuilt

    @property
    def attempted(self) -> int:
        """How many exercises hold more than a stub."""
        return sum(answer.is_attempted for answer in self.rebuilt.answers.values())


def prepare(lab: Lab, notebook: str | Path | None = None) -> Handin:
    """Return a lab's notebook, read and rebuilt as the grader does it.

    Parameters
    ----------
    lab
        The lab.
    notebook
        The file; without it, the one of the lab's name in the folder one is in, else that in the
        lab's own folder.

    Raises
    ------
    UsageError
        If there is no such file.
    SubmissionError
        If it is no notebook of this lab; the message begins with the path.
    """
    path = _find(lab, notebook)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        submitted = read_submitted(content)
        rebuilt = rebuild(lab, submitted, base=_base(lab, submitted))
    except SubmissionError as err:
        raise SubmissionError(f"{path}: {err}") from err
    return Handin(lab, path, without_private(content), rebuilt)


def _find(lab: Lab, notebook: str | Path | None) -> Path:
    if notebook is not None:
        if Path(notebook).is_file():
            return Path(notebook)
        raise UsageError(f"{notebook} is no file; give the path of your notebook")
    for path in (Path(lab.notebook.name), lab.notebook):
        if path.is_file():
            return path
    raise UsageError(
        f"there is no {lab.notebook.name} here; give its path: "
        f"lab submit {lab.name} PATH/{lab.notebook.name}"
    )


def _base(lab: Lab, submitted: Notebook) -> Base:
    """Return the notebook handed out, made anew if the student works in that very file."""
    try:
        return read_base(lab)
    except (LabFormatError, OSError):
        return read_base(lab, outline(lab, submitted))


def outline(lab: Lab, submitted: Notebook) -> Notebook:
    """Return a lab's notebook as it was handed out, as far as can be told from a changed one.

    Answers become stubs again, made from lab.toml, and cells that the student added go. What the
    student changed in other cells stays changed: this is for a student to look at, not for grading.

    Parameters
    ----------
    lab
        The lab.
    submitted
        What `labs.engine.submitted.read_submitted` gave.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for number, cell in enumerate(submitted["cells"]):
        course = cell["metadata"].get("course", {})
        name, role = course.get("exercise", ""), course.get("role", "")
        stubs = _stubs(lab.exercises[name]) if name in lab.exercises else {}
        if role in stubs:
            found[name, role] = stubs[role]
        elif _is_of_ours(cell, lab):
            found["", str(number)] = {**cell, "metadata": {}, "outputs": []}
    for exercise in lab.exercises.values():
        for role, stub in _stubs(exercise).items():
            found.setdefault((exercise.id, role), stub)
    return {"cells": list(found.values()), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def _is_of_ours(cell: Mapping[str, Any], lab: Lab) -> bool:
    """Whether a cell has an id as ours have, and is no answer that was moved into it."""
    if not _OUR_ID.fullmatch(cell["id"]):
        return False
    functions = {name for exercise in lab.exercises.values() for name in exercise.functions}
    bindings = read_code(cell["source"]).bindings if cell["cell_type"] == "code" else {}
    return all(is_ours(value) for name, value in bindings.items() if name in functions)


def _stubs(exercise: Exercise) -> dict[str, dict[str, Any]]:
    """Return the cells of an exercise that nobody has worked on, by role."""
    if exercise.kind == "text":
        return {"text": _cell(exercise, "text", f"#### Exercise {exercise.id}\n\n{TEXT_STUB}")}
    bodies = (f"def {f}():\n    raise NotImplementedError()\n" for f in exercise.functions)
    return {
        "solution": _cell(exercise, "solution", f"# Exercise {exercise.id}\n{''.join(bodies)}"),
        "check": _cell(exercise, "check", f'show_check("{exercise.id}")'),
    }


def _cell(exercise: Exercise, role: str, source: str) -> dict[str, Any]:
    kind = "markdown" if role == "text" else "code"
    metadata = {"course": {"exercise": exercise.id, "role": role}}
    name = f"{role}-{exercise.id.replace('.', '-')}"
    return {"cell_type": kind, "id": name, "metadata": metadata, "source": source}


def rows(handin: Handin) -> list[tuple[str, str, str, str]]:
    """Return for every exercise its id, title and points, and what was found."""
    lab = handin.lab
    return [
        (e.id, e.title, f"{e.points} points", _finding(handin.rebuilt.answers[e.id]))
        for e in lab.exercises.values()
    ]


def _finding(answer: Answer) -> str:
    if answer.how == "not found":
        return "not found"
    state = f"found {answer.how}" if answer.is_attempted else "not attempted"
    return "; ".join([state, *answer.notes])


def remarks(handin: Handin) -> Iterator[str]:
    """Yield what a student should look at before handing in, one line each."""
    answers = handin.rebuilt.answers.values()
    if lost := [answer.exercise for answer in answers if answer.how == "not found"]:
        yield (
            f"no cell was found for {', '.join(lost)}: let the first line of the cell be "
            f"# Exercise {lost[0]} (of a text: #### Exercise {lost[0]}), save, and try again"
        )
    if not handin.attempted:
        yield (
            f"no exercise is attempted in {handin.notebook}; if that is not the notebook you "
            f"worked in, give its path: lab submit {handin.lab.name} PATH"
        )
    yield from handin.rebuilt.unmatched


def check_url(url: str) -> str:
    """Return a link to a notebook, which is shown to the grader and never fetched.

    Raises
    ------
    UsageError
        If it is not https, or does not lead to a place where notebooks are.

    Examples
    --------
    >>> check_url("https://colab.research.google.com/drive/1a2B?usp=sharing")
    'https://colab.research.google.com/drive/1a2B?usp=sharing'
    """
    text = url.strip()
    host = ""
    if len(text) <= MAX_URL and re.fullmatch(r"https://[!-~]+", text):
        with contextlib.suppress(ValueError):  # a port or an address that is none
            parts = urlsplit(text)
            is_plain = parts.username is None and parts.port in (None, 443)
            host = (parts.hostname or "") if is_plain else ""
    if host not in HOSTS:
        raise UsageError(
            f"--url {text[:80]!r} is no link to a notebook; give one that begins with https:// and "
            f"leads to one of {', '.join(HOSTS)}"
        )
    return text


def write_zip(handin: Handin, target: str | Path | None = None, *, url: str = "") -> Path:
    """Write the zip to hand in, and return its path.

    Parameters
    ----------
    handin
        What `prepare` gave.
    target
        Where it shall lie; ``<lab>.zip`` in the folder one is in, without it.
    url
        A link that `check_url` let pass; empty for none.

    Raises
    ------
    UsageError
        If the place is no good, or a file is in the way that is no earlier zip of ours.
    OSError
        If it cannot be written.
    """
    path = Path(target) if target is not None else Path(f"{handin.lab.name}.zip")
    if path.suffix != ".zip":
        raise UsageError(f"output {path} must end in .zip")
    if not path.parent.is_dir():
        raise UsageError(f"{path.parent} is no folder; make it first, or give -o another place")
    if (path.exists() or path.is_symlink()) and not is_own_zip(path):
        raise UsageError(
            f"{path} is there and is not from lab submit; move it away or give -o another name"
        )
    files = {handin.lab.notebook.name: handin.content}
    if url:
        files[URL_FILE] = f"{url}\n".encode()
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(_zipped(files))
        Path(name).chmod(0o644)
        return Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _zipped(files: Mapping[str, bytes]) -> bytes:
    """Return a zip without times or users: the same bytes for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            member = zipfile.ZipInfo(name)
            member.create_system, member.external_attr = 3, 0o644 << 16
            archive.writestr(member, content, zipfile.ZIP_DEFLATED, compresslevel=6)
        archive.comment = _MARK + _digest(list(files.items()))
    return buffer.getvalue()


def _digest(files: Sequence[tuple[str, bytes]]) -> bytes:
    parts = [f"{name} {hashlib.sha256(content).hexdigest()}\n" for name, content in files]
    return hashlib.sha256("".join(parts).encode()).hexdigest().encode()


def is_own_zip(path: Path) -> bool:
    """Whether a file is a zip that `write_zip` wrote and nobody changed since."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if not archive.comment.startswith(_MARK) or len(members) > 2:
                return False
            if sum(member.file_size for member in members) > 2 * MAX_BYTES:
                return False
            files = [(member.filename, archive.read(member)) for member in members]
            return archive.comment == _MARK + _digest(files)
    except (OSError, ValueError, RuntimeError, NotImplementedError, EOFError, zipfile.BadZipFile):
        return False
