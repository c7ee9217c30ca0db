"""Whatever a user can type or import is documented, and the documentation names nothing else."""

import argparse
import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import course_utils
from course_utils import units
from grading import cli as course_cli
from labs.engine import cli as lab_cli
from labs.engine.catalog import Lab, find_labs
from labs.engine.parameters import read_parameters

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PARSERS = {"lab": lab_cli.make_parser, "course": course_cli.make_parser}
MIN_INPUTS_TO_EXPLAIN = 3
NEEDS_NO_WORD = {"device", "name", "title", "x_label", "y_label"}
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


# Names: every public function and class of the three packages.


def modules() -> Iterator[tuple[str, str]]:
    """Name and source of every module, the answers aside: they are notebooks."""
    for package in ("course_utils", "labs", "grading"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if "answers" not in path.relative_to(ROOT).parts:
                yield path.relative_to(ROOT).as_posix(), read(path)


def definitions(scope: ast.Module | ast.ClassDef) -> Iterator[Definition]:
    """Public definitions of a module, and of its public classes."""
    for node in scope.body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from definitions(node)


def is_dataclass(node: ast.ClassDef) -> bool:
    return any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list)


def inputs(node: Definition) -> list[str]:
    """Names that a caller gives: arguments, fields of a dataclass, arguments of __init__."""
    if isinstance(node, ast.ClassDef):
        if is_dataclass(node):
            fields = (f for f in node.body if isinstance(f, ast.AnnAssign))
            return [
                f.target.id
                for f in fields
                if not f.target.id.startswith("_") and "ClassVar" not in ast.unparse(f.annotation)
            ]
        makers = [m for m in node.body if isinstance(m, ast.FunctionDef) and m.name == "__init__"]
        return inputs(makers[0]) if makers else []
    arguments = node.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    starred = [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
    return [a.arg for a in [*named, *starred] if a.arg not in ("self", "cls")]


def section(docstring: str, title: str) -> str | None:
    """Text of a numpydoc section, or None."""
    pattern = rf"^{title}\n-+\n(.*?)(?=^\w+\n-+\n|\Z)"
    match = re.search(pattern, docstring, re.DOTALL | re.MULTILINE)
    return match[1] if match else None


def listed_parameters(text: str) -> list[str]:
    """Names at the margin of a Parameters section, several a line, types after a colon."""
    heads = re.findall(r"^(\S.*)$", text, flags=re.MULTILINE)
    return [n.strip().lstrip("*") for h in heads for n in h.partition(" :")[0].split(",")]


def explanation(node: Definition, source: str) -> str:
    """Where an input may be explained: docstrings of node and module, comments in the signature."""
    end = node.body[-1].end_lineno if isinstance(node, ast.ClassDef) else node.body[0].lineno
    lines = source.splitlines()[node.lineno - 1 : end]
    commented = [line.replace("#", " ") for line in lines if re.search(r"\w.*  # ", line)]
    texts = [ast.get_docstring(node), ast.get_docstring(ast.parse(source)), *commented]
    return "\n".join(text for text in texts if text)


def inherited(node: Definition, module: ast.Module) -> list[str]:
    """Fields that a class has from classes of the same module."""
    if not isinstance(node, ast.ClassDef):
        return []
    names = {ast.unparse(base) for base in node.bases}
    bases = [c for c in module.body if isinstance(c, ast.ClassDef) and c.name in names]
    return [field for base in bases for field in [*inputs(base), *inherited(base, module)]]


def speaks_for_itself(name: str) -> bool:
    """Whether a name says what it is: it carries a unit, or is one that plots share."""
    return name in NEEDS_NO_WORD or bool(units.unit_of(name))


def problems(source: str, *, is_for_students: bool = True) -> list[str]:
    """What a module leaves undocumented, one line each.

    Every public name has a docstring, and a Parameters section names nothing that is not there.
    In what students read, each input is explained where there is such a section, and from three
    inputs on.
    """
    found, module = [], ast.parse(source)
    for node in definitions(module):
        place, docstring, given = (
            f"{node.lineno} {node.name}",
            ast.get_docstring(node),
            inputs(node),
        )
        if not docstring:
            found.append(f"{place}: no docstring")
            continue
        listed = listed_parameters(section(docstring, "Parameters") or "")
        if strange := [n for n in listed if n not in {*given, *inherited(node, module)}]:
            found.append(f"{place}: takes no {', '.join(strange)}")
        text = explanation(node, source)
        silent = [n for n in given if not (speaks_for_itself(n) or re.search(rf"\b{n}\b", text))]
        if is_for_students and silent and (listed or len(given) >= MIN_INPUTS_TO_EXPLAIN):
            found.append(f"{place}: does not explain {', '.join(silent)}")
    return found


@pytest.mark.parametrize(("name", "source"), [pytest.param(*m, id=m[0]) for m in modules()])
def test_every_public_name_is_documented(name: str, source: str) -> None:
    # Of a check students read the sentence that it tests; its helpers take what the check has.
    is_for_students = not name.startswith(("labs/engine/", "grading/")) and "/checks/" not in name
    assert problems(source, is_for_students=is_for_students) == []


WRONG_SECTION = """\
def f(x):
    '''Do f.

    Parameters
    ----------
    y
        Never mind.
    '''
"""
RIGHT = """\
from dataclasses import dataclass

@dataclass
class A:
    '''Hold three.'''

    x: int  # x in ms
    y: int  # y in s
    _z: int = 0

def f(x, y, *, z):
    '''Do f.

    Parameters
    ----------
    x, y
        Two.
    z : (n,), float32
        Three.

    Raises
    ------
    ValueError
        Never.
    '''
"""


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (RIGHT, []),
        ("def f(): ...", ["1 f: no docstring"]),
        (WRONG_SECTION, ["1 f: takes no y", "1 f: does not explain x"]),
        ("def f(x, y, z):\n    '''Use x and y.'''", ["1 f: does not explain z"]),
        ("class C:\n    '''C.'''\n    def f(self): ...", ["3 f: no docstring"]),
    ],
)
def test_an_undocumented_name_fails(source: str, found: list[str]) -> None:
    assert problems(source) == found


# Commands: every sub-command of the two programs.


def commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command that ends in an action: its words, such as ``lab run``, and its parser."""
    groups = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    for group in groups:
        for child in dict.fromkeys(group.choices.values()):
            yield from commands(child)
    if not groups:
        yield " ".join(re.findall(r"^[\w ]+", parser.prog)).strip(), parser


def undocumented(parser: argparse.ArgumentParser, text: str) -> list[str]:
    """What is missing about commands and their options: in a text, and in their ``--help``."""
    missing = []
    for words, command in commands(parser):
        if not re.search(rf"\b{words}\b", text):
            missing.append(f"{words}: not in the text")
        examples = re.split(r"(?i)\bexamples?:", command.format_help(), maxsplit=1)[1:]
        if not any(re.search(rf"\b{words}\b", example) for example in examples):
            missing.append(f"{words}: no example in --help")
        if not command.description:
            missing.append(f"{words}: --help does not say what it does")
        missing += [f"{words}: {a.dest} has no help" for a in command._actions if not a.help]
    return missing


@pytest.mark.parametrize("program", sorted(PARSERS))
def test_every_command_is_documented(program: str) -> None:
    assert undocumented(PARSERS[program](), read(README)) == []


def toy_parser(**run: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="toy")
    command = parser.add_subparsers().add_parser("run", **run)
    command.add_argument("lab", help="name of a lab")
    return parser


def test_an_undocumented_command_fails() -> None:
    documented = {"description": "Run a lab.", "epilog": "example: toy run quickstart"}
    assert undocumented(toy_parser(**documented), "Type `toy run`.") == []
    assert undocumented(toy_parser(**documented), "Type toy.") == ["toy run: not in the text"]
    assert undocumented(toy_parser(description="Run."), "toy run") == [
        "toy run: no example in --help"
    ]
    silent = toy_parser(**documented)
    (_, command), *_ = commands(silent)
    command.add_argument("--seed")
    assert undocumented(silent, "toy run") == ["toy run: seed has no help"]


# Labs: parameters, results and files in the lab's own README.


@pytest.mark.parametrize("lab", find_labs(), ids=lambda lab: lab.name)
def test_every_parameter_and_module_of_a_lab_is_documented(lab: Lab) -> None:
    text = read(lab.folder / "README.md")
    modules = {path.name for path in lab.modules} - {"__init__.py"}
    names = {*read_parameters(lab.notebook), *modules, lab.notebook.name}
    assert {name for name in names if f"`{name}`" not in text} == set()


@pytest.mark.parametrize("lab", find_labs(), ids=lambda lab: lab.name)
def test_every_parameter_says_its_unit_where_it_is_set(lab: Lab) -> None:
    silent = [p.name for p in read_parameters(lab.notebook).values() if not p.comment]
    assert silent == []


# The README: what it tells a reader to type, open or click exists.


def strange_commands(text: str) -> set[str]:
    """Commands that a text tells a reader to type and that no program has."""
    known = {words for make in PARSERS.values() for words, _ in commands(make())}
    typed = re.findall(r"(?:^ {4,}|`)((?:lab|course)(?: [a-z]+\b)+)", text, re.MULTILINE)
    is_known = {
        words: any(
            f"{words} ".startswith(f"{k} ") or f"{k} ".startswith(f"{words} ") for k in known
        )
        for words in typed
    }
    return {words for words in typed if not is_known[words]}


def test_commands_in_the_documentation_exist() -> None:
    labs = (lab.folder / "README.md" for lab in find_labs())
    for path in (README, ROOT / "CONTRIBUTING.md", *labs):
        assert strange_commands(read(path)) == set(), path.name


def test_a_command_that_does_not_exist_is_found() -> None:
    text = (
        "    lab run quickstart\nThe `lab data` group, `lab data burn x`, `course fly`, the lab is"
    )
    assert strange_commands(text) == {"lab data burn x", "course fly"}


def test_verbs_in_the_documentation_exist() -> None:
    verbs = set(re.findall(r"^([a-z]+):", read(ROOT / "Makefile"), flags=re.MULTILINE))
    for name in ("README.md", "CONTRIBUTING.md"):
        typed = set(re.findall(r"(?:^ {4,}|`)make ([a-z]+)\b", read(ROOT / name), re.MULTILINE))
        assert typed, name
        assert typed - verbs == set(), name


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_lead_somewhere(name: str) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", read(ROOT / name))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (ROOT / target).exists()] == []


def test_version_and_changelog_agree() -> None:
    version = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]["version"]
    assert course_utils.__version__ == version
    titles = re.findall(r"^## (.+)$", read(ROOT / "CHANGELOG.md"), flags=re.MULTILINE)
    assert titles[0] == "Unreleased"
    released = [title.split()[0] for title in titles[1:]]
    assert version == (released[0] if released else version)
    assert released == sorted(released, key=lambda v: [*map(int, v.split("."))], reverse=True)
