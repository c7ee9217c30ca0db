"""The sizes and habits that keep a file readable in one sitting, and words that stay out of it."""

import ast
import io
import os
import re
import statistics
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from labs.engine.catalog import find_labs

ROOT = Path(__file__).parents[1]
PACKAGES = ("course_utils", "labs", "grading")
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_MEDIAN_FUNCTION_LINES = 15
MAX_ARGUMENTS = 6
MAX_POSITIONAL = 2
# Measuring and drawing is what students read in one go. Getting data is counted apart: it grows
# with the forms that data sets are published in, not with what is measured.
MAX_MEASURING_LINES = 2_000
MAX_DATA_LINES = 570
MEASURING_MODULES = set(
    "carbon counting energy errors memory plots records stats timing units widgets".split()  # noqa: SIM905
)
# Private, or its signature is somebody else's: Python's import system calls find_spec.
NOT_OURS_TO_NAME = re.compile(r"_\w*|find_spec")
# Spelt in parts, so that this file does not hold what it forbids.
FORBIDDEN = {
    "a path of one machine": re.compile(r"/(?:wor" + r"k|ro" + r"ot)/"),
    "a package registry": re.compile(r"\bpypi" + r"\.org|python" + r"hosted\.org"),
    "the folder of one workplace": re.compile(r"\.\./shar" + r"ed\b"),
    "an unfinished thought": re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME)\b"),
    "an emoji": re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]"),
}
MAY_NAME = {".ci/run": {"the folder of one workplace"}}
BUILT = {"build", "dist", "results"}
BINARY = {".gz", ".ico", ".npy", ".npz", ".ogg", ".png", ".tar", ".zip"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def code_files(*packages: str) -> list[Path]:
    """Every module of the packages, the answers aside: they are notebooks and student-like code."""
    paths = (path for package in packages for path in sorted((ROOT / package).rglob("*.py")))
    return [path for path in paths if "answers" not in path.relative_to(ROOT).parts]


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def docstring_lines(tree: ast.Module) -> set[int]:
    """Numbers of the lines that docstrings take."""
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | Function) and ast.get_docstring(node):
            text = node.body[0]
            lines |= set(range(text.lineno, text.end_lineno + 1))
    return lines


def code_lines(text: str) -> set[int]:
    """Numbers of the lines that hold code: no docstring, no comment, not blank."""
    silent = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in silent and token.type != tokenize.ENDMARKER:
            lines |= set(range(token.start[0], token.end[0] + 1))
    return lines - docstring_lines(ast.parse(text))


def functions(path: Path) -> Iterator[tuple[str, Function, bool]]:
    """Each function of a file with its place and whether it is a method."""
    tree = parse(path)
    methods = {
        child for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for child in node.body
    }
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield f"{shown(path)}:{node.lineno} {node.name}", node, node in methods


def length(node: Function) -> int:
    return node.end_lineno - node.lineno + 1


def body_length(node: Function) -> int:
    """Lines of a function without its docstring."""
    documented = ast.get_docstring(node) is not None
    text = node.body[0]
    return length(node) - (text.end_lineno - text.lineno + 1 if documented else 0)


def tracked_files(root: Path) -> list[Path]:
    """What git tracks or would track; without git, every file outside hidden folders."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        run = subprocess.run(listing, cwd=root, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return list(visible_files(root))
    return [root / name for name in run.stdout.split("\0") if name and (root / name).is_file()]


def visible_files(root: Path) -> Iterator[Path]:
    """Every file outside folders that are hidden or built."""
    for folder, folders, names in os.walk(root):
        built = BUILT if Path(folder) == root else set()
        folders[:] = [n for n in folders if n == ".ci" or not (n[0] in "._" or n in built)]
        yield from (Path(folder) / name for name in names)


def forbidden_words(name: str, text: str) -> list[str]:
    """What a text holds that no file of the project holds, one line each."""
    return [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {what}: {match[0]!r}"
        for what, pattern in FORBIDDEN.items()
        if what not in MAY_NAME.get(name, ())
        for match in pattern.finditer(text)
    ]


def test_code_lines_leave_out_docstrings_comments_and_blanks() -> None:
    text = '''"""Doc."""

# note
x = 1  # why


def f():
    """One.

    Two.
    """
    return """a
b"""
'''
    assert code_lines(text) == {4, 7, 12, 13}


def test_measuring_has_its_modules_and_stays_small() -> None:
    sizes: dict[str, dict[str, int]] = {}
    for path in code_files("course_utils"):
        module = path.relative_to(ROOT / "course_utils").parts[0].removesuffix(".py")
        part = "data" if module == "data" else "measuring"
        assert module in MEASURING_MODULES | {"data", "__init__"}
        sizes.setdefault(part, {})[shown(path)] = len(code_lines(path.read_text(encoding="utf-8")))
    assert sum(sizes["measuring"].values()) <= MAX_MEASURING_LINES, sizes["measuring"]
    assert sum(sizes["data"].values()) <= MAX_DATA_LINES, sizes["data"]


def test_no_file_is_longer_than_one_sitting() -> None:
    files = [*code_files(*PACKAGES), *sorted((ROOT / "tests").rglob("*.py"))]
    lengths = {shown(p): len(p.read_text(encoding="utf-8").splitlines()) for p in files}
    assert {name: n for name, n in lengths.items() if n > MAX_FILE_LINES} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    found = [item for path in code_files(*PACKAGES) for item in functions(path)]
    assert {place: length(f) for place, f, _ in found if length(f) > MAX_FUNCTION_LINES} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_most_functions_are_short(package: str) -> None:
    sizes = [body_length(f) for path in code_files(package) for _, f, _ in functions(path)]
    assert statistics.median(sizes) <= MAX_MEDIAN_FUNCTION_LINES


def test_arguments_are_few_and_named_after_the_second() -> None:
    """The functions that exercises ask for are exempt: students call them as the text does."""
    labs = find_labs()
    of_exercises = {f for lab in labs for e in lab.exercises.values() for f in e.functions}
    too_many, too_silent = {}, {}
    for path in code_files(*PACKAGES):
        for place, node, is_method in functions(path):
            arguments = node.args
            positional = [*arguments.posonlyargs, *arguments.args][is_method:]
            if len(positional) + len(arguments.kwonlyargs) > MAX_ARGUMENTS:
                too_many[place] = len(positional) + len(arguments.kwonlyargs)
            is_exempt = NOT_OURS_TO_NAME.fullmatch(node.name) or node.name in of_exercises
            if not is_exempt and len(positional) > MAX_POSITIONAL:
                too_silent[place] = [argument.arg for argument in positional]
    assert (too_many, too_silent) == ({}, {})


def test_library_code_does_not_print() -> None:
    printing = [
        f"{shown(path)}:{node.lineno}"
        for path in code_files(*PACKAGES)
        if path.name != "cli.py" and path.parent.name != "commands"
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert printing == []


def test_no_file_names_what_belongs_to_one_machine() -> None:
    files = [p for p in tracked_files(ROOT) if p.suffix not in BINARY]
    assert files
    assert {path for path in files if path.suffix == ".py"} <= set(visible_files(ROOT))
    texts = ((shown(p), p.read_text(encoding="utf-8", errors="replace")) for p in files)
    assert [line for name, text in texts for line in forbidden_words(name, text)] == []


def test_the_search_for_words_finds_them() -> None:
    words = ["/ro" + "ot/x", "https://py" + "pi.org/simple", "../sha" + "red/data", "TO" + "DO"]
    for word in words:
        assert len(forbidden_words("a.md", f"one\nsee {word}\n")) == 1, word
    assert forbidden_words(".ci/run", words[2]) == []
    assert forbidden_words("a.md", "labs/shared/networks.py, a hackathon") == []
