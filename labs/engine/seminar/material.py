"""The files of a seminar: where they lie, what they are called, and how they are filled.

They are in ``labs/seminar/material``, for people to open and for organisers to change. A prompt is
a text in square brackets that whoever fills a template replaces. Nothing is judged here.
"""

import re
from collections.abc import Mapping

from labs.engine.catalog import LABS_ROOT, did_you_mean
from labs.engine.errors import LabFormatError, UsageError

MATERIAL = LABS_ROOT / "seminar" / "material"
_PROMPT = re.compile(r"\[([^\[\]]+)\](?!\()")  # a link's text is none
_SECTION = re.compile(r"(?m)^## (.+)$")

# What ``lab template`` writes, by name: the file and what it is for. Rubrics come beside these.
TEMPLATES = {
    "reading-sheet": ("reading_sheet.md", "questions to a paper, in three passes"),
    "one-pager": ("one_pager.md", "one page on a paper for the discussion"),
    "one-pager-de": ("one_pager_de.md", "the same in German"),
    "proposal": ("proposal.md", "the form of a topic: data, baseline, first figure, success"),
    "report": ("report.md", "the report, 8 pages, in Markdown"),
    "report-tex": ("report.tex", "the report, 8 pages, in LaTeX"),
}


def read(name: str) -> str:
    """Return the text of a file of the material.

    Parameters
    ----------
    name
        Its path below the folder of the material.

    Raises
    ------
    LabFormatError
        If it is missing or no UTF-8.
    """
    path = MATERIAL / name
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise LabFormatError(f"{path} cannot be read ({err}); unpack the course again") from err


def template(name: str) -> str:
    """Return the text of a template.

    Raises
    ------
    UsageError
        If there is none of this name; the message lists them.

    Examples
    --------
    >>> template("one-pager").splitlines()[0]
    '# One-pager'
    """
    if name not in TEMPLATES:
        known = ", ".join(TEMPLATES)
        raise UsageError(f"no template {name!r}{did_you_mean(name, TEMPLATES)} (known: {known})")
    return read(TEMPLATES[name][0])


def prompts(text: str) -> list[str]:
    """Return the prompts of a template: what stands in square brackets and is no link.

    Examples
    --------
    >>> prompts("Paper: [who, and what?] See [us](https://example.org).")
    ['who, and what?']
    """
    return [" ".join(found.split()) for found in _PROMPT.findall(text)]


def headings(text: str) -> list[str]:
    """Return the headings of the second level, which are a template's sections.

    Examples
    --------
    >>> headings("# Form" + chr(10) + "## Question")
    ['Question']
    """
    return _SECTION.findall(text)


def filled(text: str, sections: Mapping[str, str], *, title: str = "") -> str:
    """Return a template with the content of its sections replaced.

    Parameters
    ----------
    text
        The template.
    sections
        Heading of the second level -> what shall stand below it; others stay as they are.
    title
        Takes the place of what stands before the first section; that stays if it is empty.

    Raises
    ------
    LabFormatError
        If the template has no such heading.
    """
    missing = [name for name in sections if name not in headings(text)]
    if missing:
        raise LabFormatError(f"the template has no section {missing[0]!r}; add it")
    parts = re.split(r"(?m)^(?=## )", text)
    if title:
        parts[0] = f"# {title}\n\n"
    for index, part in enumerate(parts[1:], 1):
        name = part.partition("\n")[0].removeprefix("## ")
        if name in sections:
            parts[index] = f"## {name}\n\n{sections[name].strip()}\n\n"
    return "".join(parts).rstrip("\n") + "\n"
