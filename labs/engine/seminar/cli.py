"""The commands of a seminar's participants: arguments, exit codes, and what a person sees.

stdout carries data only: findings, templates, topics, the files written. Exit codes are those of
`labs.engine.cli`; ``lab onepager check`` ends with 1 if there is any finding. All work is done by
other modules, imported when a command needs them.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labs.engine.command_line import EXIT_FAILED, EXIT_OK, add_command, columns, say

if TYPE_CHECKING:
    from labs.engine.seminar.onepagers import Checked


def add(commands: Any) -> None:
    """Add ``new-project``, ``topics``, ``template`` and ``onepager``."""
    _add_new_project(commands)
    text = "worked topic proposals: all in a line each, or one in full"
    topics = add_command(
        commands, "topics", text=text, example="lab topics bits-or-width", run=_topics
    )
    topics.add_argument("topic", metavar="ID", nargs="?", help="one of them, as a filled-in form")
    text = "write a template or a rubric of the seminar; without a name list them"
    template = add_command(
        commands, "template", text=text, example="lab template one-pager -o cho.md", run=_template
    )
    template.add_argument("name", metavar="NAME", nargs="?", help="which; all are listed without")
    text = "where it goes, stdout without it; .html of a rubric is a page to print"
    template.add_argument("-o", "--output", metavar="FILE", type=Path, help=text)
    _add_onepager(commands)


def _add_new_project(commands: Any) -> None:
    text = "make a repository for a project whose main figure is one lab sweep"
    example = "lab new-project our-project --topic bits-or-width"
    new = add_command(commands, "new-project", text=text, example=example, run=_new_project)
    new.add_argument("name", metavar="NAME", help="of the project: letters, digits, '.', '-', '_'")
    text = "fill it in from a worked topic; lab topics lists them"
    new.add_argument("--topic", metavar="ID", help=text)
    text = "its folder, new or empty; NAME without it"
    new.add_argument("-o", "--output", metavar="DIR", type=Path, help=text)


def _add_onepager(commands: Any) -> None:
    text = "check the form of one-pagers"
    example = "lab onepager check cho.md"
    onepager = add_command(commands, "onepager", text=text, example=example, run=_help)
    actions = onepager.add_subparsers(title="actions", metavar="ACTION", required=True)
    text = "say what of length and sections is not as asked for, and which prompts are left"
    check = add_command(actions, "check", text=text, example=example, run=_check)
    text = "one-pagers, and folders in which all are checked"
    check.add_argument("paths", metavar="FILE|FOLDER", nargs="+", type=Path, help=text)
    text = "rules of your own, in the form of one_pager.toml"
    check.add_argument("--rules", metavar="FILE", type=Path, help=text)


def _help(_: argparse.Namespace) -> int:
    return EXIT_OK  # an action is required, so nobody gets here


def _new_project(arguments: argparse.Namespace) -> int:
    from labs.engine.seminar import projects, topics  # noqa: PLC0415 - see the module's text

    topic = topics.find_topic(arguments.topic) if arguments.topic else None
    project = projects.plan_project(arguments.name, topic=topic, folder=arguments.output)
    for path in projects.write_project(project):
        print(path)
    has_git = projects.start_repository(project.folder)
    note = "" if has_git else " (no git repository was begun)"
    say(f"lab: made {project.folder}{note}; next: cd {project.folder} && make test && make figure")
    return EXIT_OK


def _topics(arguments: argparse.Namespace) -> int:
    from labs.engine.seminar import topics  # noqa: PLC0415 - see the module's text

    if arguments.topic:
        print(topics.proposal(topics.find_topic(arguments.topic)), end="")
        return EXIT_OK
    rows = [
        (name, ", ".join(topic.labs) or "own notebook", topic.title)
        for name, topic in topics.find_topics().items()
    ]
    print("\n".join(columns(rows)))
    return EXIT_OK


def _template(arguments: argparse.Namespace) -> int:
    from labs.engine.seminar import sheets  # noqa: PLC0415 - see the module's text

    if arguments.name is None:
        print("\n".join(columns(sheets.listing())))
        return EXIT_OK
    suffix = arguments.output.suffix.lower() if arguments.output else ""
    text = sheets.sheet(arguments.name, suffix=suffix)
    if arguments.output is None:
        print(text, end="")
        return EXIT_OK
    print(sheets.write(arguments.output, text))
    return EXIT_OK


def _check(arguments: argparse.Namespace) -> int:
    from labs.engine.errors import LabFormatError, UsageError  # noqa: PLC0415 - see above
    from labs.engine.seminar.onepagers import check_paths  # noqa: PLC0415 - the same
    from labs.engine.seminar.rules import RULES_FILE, read_rules  # noqa: PLC0415 - the same

    try:
        rules = read_rules(arguments.rules or RULES_FILE)
    except LabFormatError as err:  # 1 says that there are findings, which this is not
        raise UsageError(str(err)) from err
    checked = check_paths(arguments.paths, rules=rules)
    for each in checked:
        _tell(each)
    wrong = sum(1 for each in checked if each.findings)
    say(f"lab: {len(checked)} checked, {wrong} with findings; the form alone, not what is said")
    return EXIT_FAILED if wrong else EXIT_OK


def _tell(checked: Checked) -> None:
    from labs.engine import pages  # noqa: PLC0415 - see the module's text

    name = pages.line(str(checked.path))
    if not checked.findings:
        print(f"{name}: in order, {checked.words} words")
    for finding in checked.findings:
        print(f"{name}: {finding.describe()}")
