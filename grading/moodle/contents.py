"""Finds in what one student or team handed in: the notebook to grade, a link, a text.

Archives in it are opened within the limits of one submission; everything else is left alone.
Nothing is executed, rendered or followed, and no notebook is parsed: `labs.engine.rebuild` does.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from grading.errors import ArchiveError
from grading.moodle.archives import Budget, Entry, Refused, unpack
from grading.moodle.file_names import shown
from grading.moodle.online_text import colab_link, decoded, plain_text
from labs.engine.catalog import Lab

MAX_NOTEBOOK_BYTES = 64 << 20
_MAX_TEXT_BYTES = 256 << 10
_MAX_ONLINE_BYTES = 4 << 20  # pictures may be pasted into it
_MAX_TEXTS = 20
_MAX_LISTED = 5
_NOTEBOOK = re.compile(r"\.ipynb(?:\.(?:json|txt))?", re.I)  # some browsers add an ending
_TEXTS = (".desktop", ".md", ".txt", ".url", ".webloc")
_HAND_IN = "hand in the notebook itself, the file that ends in .ipynb"


@dataclass(frozen=True)
class Contents:
    """What one submission holds.

    Parameters
    ----------
    notebook
        Content of the notebook to grade; None if there is none.
    path
        Where it lay; empty if there is none.
    problem
        Why there is none, in a sentence; empty if there is one.
    notes
        What a person should know.
    url
        Link to Colab, shown and never followed; empty if there is none.
    text
        The online text without its markup; empty if there is none.
    """

    notebook: bytes | None = None
    path: str = ""
    problem: str = ""
    notes: tuple[str, ...] = ()
    url: str = ""
    text: str = ""


@dataclass
class _Sight:
    """What has been seen so far of one submission."""

    best: tuple[tuple[object, ...], Entry, bytes] | None = None
    notebooks: list[str] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    texts: int = 0


def find(
    files: Iterable[Entry | Refused],
    *,
    online: Iterable[Entry] = (),
    lab: Lab | None = None,
    budget: Budget | None = None,
) -> Contents:
    """Return what one submission holds; whatever is wrong with it becomes a problem or a note.

    Parameters
    ----------
    files
        Its files.
    online
        Texts typed into Moodle, as HTML.
    lab
        The lab it is for: its own notebook comes first among several.
    budget
        How much is read; that of one submission by default.
    """
    budget = budget or Budget()
    sight = _Sight()
    text = "\n\n".join(filter(None, (_online_text(entry, budget, sight) for entry in online)))
    for item in unpack(files, budget):
        if isinstance(item, Refused):
            sight.refused.append(item)
        elif _is_notebook(item.path):
            _see_notebook(item, budget, sight=sight, lab=lab)
        elif item.path.lower().endswith(_TEXTS):
            _see_text(item, budget, sight)
        else:
            sight.others.append(item.path)
    url = colab_link(text) or next(iter(sight.links), "")
    if sight.best is None:
        notes = _left_out(sight.refused)
        return Contents(None, "", _problem(sight, url, text=text), notes, url, text)
    _, entry, content = sight.best
    return Contents(content, entry.path, "", _notes(sight, entry.path), url, text)


def _is_notebook(path: str) -> bool:
    match = _NOTEBOOK.search(path)
    return match is not None and match.end() == len(path)


def _see_notebook(entry: Entry, budget: Budget, *, sight: _Sight, lab: Lab | None) -> None:
    try:
        content = budget.read(entry, MAX_NOTEBOOK_BYTES)
    except ArchiveError as err:
        sight.refused.append(Refused(entry.path, str(err)))
        return
    sight.notebooks.append(entry.path)
    rank = _rank(entry, content, lab)
    if sight.best is None or rank > sight.best[0]:
        sight.best = rank, entry, content


def _rank(entry: Entry, content: bytes, lab: Lab | None) -> tuple[object, ...]:
    """Return how likely a notebook is the one to grade, for comparing."""
    name = entry.path.rpartition("/")[2].casefold()
    is_named = is_of_lab = is_untouched = False
    if lab is not None:
        is_named = name == lab.notebook.name.casefold()
        is_of_lab = bool(
            re.search(
                rb'"lab"\s*:\s*"%b"|"(?:answer|check)-%d-[0-9]|# Exercise %d\.[0-9]'
                % (re.escape(lab.name).encode(), lab.number, lab.number),
                content,
            )
        )
        # Who hands in the whole handout has the notebook as it was given out in there as well.
        is_untouched = lab.notebook.is_file() and content == lab.notebook.read_bytes()
    place = -entry.path.count("/"), [-ord(c) for c in entry.path]
    return (bool(content), not is_untouched, is_named, is_of_lab, entry.modified, *place)


def _see_text(entry: Entry, budget: Budget, sight: _Sight) -> None:
    sight.others.append(entry.path)
    if entry.size_bytes > _MAX_TEXT_BYTES or sight.texts >= _MAX_TEXTS:
        return
    sight.texts += 1
    try:
        link = colab_link(decoded(budget.read(entry, _MAX_TEXT_BYTES)))
    except ArchiveError as err:
        sight.refused.append(Refused(entry.path, str(err)))
        return
    if link:
        sight.links.append(link)


def _online_text(entry: Entry, budget: Budget, sight: _Sight) -> str:
    try:
        return plain_text(decoded(budget.read(entry, _MAX_ONLINE_BYTES)))
    except ArchiveError as err:
        sight.refused.append(Refused(entry.path, str(err)))
        return ""


def _problem(sight: _Sight, url: str, *, text: str) -> str:
    """Say why there is no notebook, and what to do."""
    if unread := [item for item in sight.refused if _is_notebook(item.path)] or sight.refused:
        return f"no notebook can be read: {shown(unread[0].path)} {unread[0].reason}"
    if url:
        return (
            "only a link to Colab and no notebook; there, File > Download > Download .ipynb, "
            f"and {_HAND_IN}"
        )
    if sight.others:
        return f"no notebook among the files ({_listed(sight.others)}); {_HAND_IN}"
    return f"{'only a text' if text else 'no file'} and no notebook; {_HAND_IN}"


def _notes(sight: _Sight, chosen: str) -> tuple[str, ...]:
    notes = []
    if rest := [path for path in sight.notebooks if path != chosen]:
        count = len(sight.notebooks)
        notes.append(f"{count} notebooks; graded: {shown(chosen)}, not: {_listed(rest)}")
    return (*notes, *_left_out(sight.refused))


def _left_out(refused: list[Refused]) -> tuple[str, ...]:
    said = [f"left out: {shown(item.path)} {item.reason}" for item in refused[:_MAX_LISTED]]
    if more := len(refused) - len(said):
        said.append(f"left out: {more} more")
    return tuple(said)


def _listed(paths: list[str]) -> str:
    more = len(paths) - _MAX_LISTED
    names = [shown(path) for path in paths[:_MAX_LISTED]]
    return ", ".join([*names, f"and {more} more"] if more > 0 else names)
