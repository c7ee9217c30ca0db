"""What ``lab template`` gives: templates as they lie in the material, rubrics as sheets.

An existing file is never overwritten: it may hold somebody's work.
"""

from pathlib import Path

from labs.engine.catalog import did_you_mean
from labs.engine.errors import UsageError
from labs.engine.seminar import material, rubrics

PAGE = ".html"


def names() -> list[str]:
    """Return the names of all templates and rubrics."""
    return [*material.TEMPLATES, *(rubrics.PREFIX + talk for talk in rubrics.TALKS)]


def listing() -> list[tuple[str, str]]:
    """Return name and purpose of each."""
    rows = [(name, purpose) for name, (_, purpose) in material.TEMPLATES.items()]
    for talk in rubrics.TALKS:
        rubric = rubrics.find_rubric(talk)
        about = f"{rubric.title.lower()}, {rubric.minutes} minutes, {rubric.points} points"
        rows.append((rubrics.PREFIX + talk, f"criteria and levels of the {about}"))
    return rows


def sheet(name: str, *, suffix: str = "") -> str:
    """Return the text of a template, or of a rubric as Markdown or as a page.

    Parameters
    ----------
    name
        One of `names`.
    suffix
        Of the file it is for; ``.html`` gives a rubric as a page to print.

    Raises
    ------
    UsageError
        If there is none of this name, or a template is asked for as a page.

    Examples
    --------
    >>> sheet("rubric-final").splitlines()[0]
    '# Final talk'
    """
    if name not in names():
        known = ", ".join(names())
        raise UsageError(f"no template {name!r}{did_you_mean(name, names())} (known: {known})")
    talk = name.removeprefix(rubrics.PREFIX)
    if talk != name:
        rubric = rubrics.find_rubric(talk)
        return rubrics.as_page(rubric) if suffix == PAGE else rubrics.as_markdown(rubric)
    own = Path(material.TEMPLATES[name][0]).suffix
    if suffix == PAGE:
        raise UsageError(f"{name} is to be filled in, not printed; give a file ending in {own}")
    return material.template(name)


def write(path: Path, text: str) -> Path:
    """Write a new file and return its path.

    Parameters
    ----------
    path
        Of the file; its folder exists.
    text
        What it shall hold.

    Raises
    ------
    UsageError
        If it exists already.
    """
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError as err:
        raise UsageError(f"{path} exists, and nothing is overwritten; give another -o") from err
    return path
