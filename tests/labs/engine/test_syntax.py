"""Code is read and never run: names, stubs and magics, and code made to break a parser."""

import ast
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.engine import syntax
from labs.engine.syntax import is_attempted, parse, read_code, titled, without_ours, written

STUB = read_code(
    "# Exercise 0.1\ndef f(x):\n    'Doc.'\n    # YOUR CODE HERE\n    raise NotImplementedError()\n"
)
HOSTILE = {  # each is a text that makes a deep tree, or looks like one
    "parentheses": "(" * 5_000 + ")" * 5_000,
    "open brackets": "[" * 50_000,
    "minus": "-" * 90_000 + "1",
    "not": "not " * 20_000 + "1",
    "lambda": "lambda:" * 12_000 + "1",
    "conditions": "1" + " if 1 else 1" * 8_000,
    "attributes": "a" + ".b" * 45_000,
    "calls": "f" + "()" * 45_000,
    "sum": "1" + "+1" * 45_000,
    "powers": "1" + "**1" * 30_000,
    "elif": "if 1: pass\n" + "elif 1: pass\n" * 7_000,
    "blocks": "".join(" " * n + "if 1:\n" for n in range(300)) + " " * 300 + "pass",
    "targets": "x=" * 40_000 + "1",
    "number": "9" * 90_000,
    "nul": "x = 1\0",
    "surrogate": "x = '\ud800'",
    "long": "x = 1\n" * 90_000,
    "form feeds": "\f" * 50_000,
    "escapes": "'" + "\\d" * 40_000 + "'",
    "continued": "\\\n" * 40_000,
}


@pytest.mark.parametrize("code", HOSTILE.values(), ids=HOSTILE)
def test_hostile_code_is_read_or_left_unread(code):
    cell = read_code(code)
    assert isinstance(cell.bindings, dict)
    assert written(cell, ["f"], stub=STUB) in (frozenset(), frozenset("f"))
    assert is_attempted(cell, stub=STUB) in (True, False)
    assert isinstance(without_ours(cell), str)
    assert cell.tree is None or len(ast.dump(cell.tree)) > 0


def test_a_parser_with_little_stack_survives_all_of_it():
    """As in a thread of a system that gives 1 MB: a crash would end the whole process."""
    code = (
        "import sys, threading, json; from labs.engine.syntax import read_code\n"
        "threading.stack_size(2**20)\n"
        "codes = json.load(sys.stdin)\n"
        "one = threading.Thread(target=lambda: [read_code(c).bindings for c in codes])\n"
        "one.start(); one.join(); print('alive')"
    )
    import json

    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(list(HOSTILE.values())),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "alive\n")


def test_whether_code_is_read_does_not_hang_on_who_asks():
    """Python's own limit counts the callers: it would read more from one place than another."""

    def deeper(n, code):
        return deeper(n - 1, code) if n else parse(code) is not None

    for terms in (150, 190, 210, 400, 800):
        code = "1" + "+1" * terms
        assert deeper(0, code) == deeper(300, code) == (terms < 195)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("%%time\ndef f(x): return x", {"f"}),
        ("%%capture out\n# Exercise 0.1\ndef f(x): return x", {"f"}),
        ("# Exercise 0.1\n%%time\ndef f(x): return x", {"f"}),
        ("%%writefile f.py\ndef f(x): return x", {"f"}),
        ("%matplotlib inline\n!pip install x\nf?\nfiles = !ls\ndef f(x): return x", {"f"}),
        ("if True:\n    %time 3\n    def f(x): return x", {"f"}),
        ("f = lambda x: x", {"f"}),
        ("f, g = (lambda x: x), 3", {"f"}),
        ("f: object = abs", {"f"}),
        ("from helpers import g as f", {"f"}),
        ("class f:\n    def __new__(cls, x): return x", {"f"}),
        ("try:\n    import a\nexcept ImportError:\n    def f(x): return x", {"f"}),
        ("async def f(x): return x", {"f"}),
        ("def f(x): raise NotImplementedError\ndef f(x): return x", {"f"}),
        ("def f(x): return x\ndef f(x): raise NotImplementedError", set()),
        ("def f(x):\n    ...", set()),
        ("def f(x):\n    pass", set()),
        ("f = None", set()),
        ("f = best('0.1', f)", set()),
        ("f, g = (best('0.1', each) for each in (f, g))", set()),
        ("def g(f): return f", set()),
        ("class A:\n    def f(x): return x", set()),
        ("x = (1\n     % 2)\ndef f(x): return x", {"f"}),
        ("%%bash\nls | wc", set()),
        ("def f(x) return x", {"f"}),  # broken, and there
        ("raise NotImplementedError()", set()),
    ],
)
def test_what_a_cell_defines(source, names):
    assert written(read_code(source), ["f"], stub=STUB) == names


@pytest.mark.parametrize(
    ("source", "attempted"),
    [
        (STUB.source, False),
        (STUB.source.replace("    # YOUR CODE HERE\n", "") + "\n\n# a note", False),
        ("", False),
        ("# Exercise 0.1\n\n", False),
        ("import math\n" + STUB.source, False),
        ("def f(x):\n    'Other words.'\n    raise NotImplementedError", False),
        (STUB.source + "\nshow_check('0.1')", False),
        (STUB.source + "\ndef helper(): return 1", True),
        ("def f(x):\n    return x", True),
        ("def f(x) return", True),
        ("%%bash\nls -l", True),
    ],
)
def test_what_counts_as_attempted(source, attempted):
    assert is_attempted(read_code(source), stub=STUB) is attempted


def test_code_of_ours_before_the_stub_is_no_attempt():
    stub = read_code(
        "def f(x):\n    y = 2 * x\n    # YOUR CODE HERE\n    raise NotImplementedError()"
    )
    same = read_code(stub.source.replace("    # YOUR CODE HERE\n", ""))
    assert not is_attempted(same, stub=stub)
    assert not written(same, ["f"], stub=stub)
    assert written(read_code("def f(x):\n    return 2 * x"), ["f"], stub=stub)


@pytest.mark.parametrize(
    ("line", "exercise"),
    [
        ("# Exercise 1.3", "1.3"),
        ("#exercise 1.3", "1.3"),
        ("# exercise 1.3: my answer", "1.3"),
        ("\n\n  # Exercise 1.3", "1.3"),
        ("#### Exercise 10.12", "10.12"),
        ("# Exercise 1.3.4", "1.3"),
        ("x = 1\n# Exercise 1.3", None),
        ("Exercise 1.3", None),
        ("# Exercise 1234.5", None),
    ],
)
def test_the_title_of_a_cell(line, exercise):
    assert titled(line) == exercise


def test_our_calls_are_taken_out_and_nothing_else():
    source = (
        "x = 1; show_check('0.1')\ny = 2\nf = best(\n    '0.1', f\n)\n%time x\nshow_check('0.1')"
    )
    assert without_ours(read_code(source)) == "x = 1; show_check('0.1')\ny = 2\n\n\n\n%time x\n"
    assert without_ours(read_code("def f(:\nshow_check('0.1')")) == "def f(:\nshow_check('0.1')"


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="def f(x):\n    return%!?=#'\"\\0b[]lambda", max_size=80))
def test_any_text_is_read(text):
    cell = read_code(text)
    assert is_attempted(cell, stub=STUB) in (True, False)
    assert written(cell, ["f"], stub=STUB) <= {"f"}
    assert isinstance(without_ours(cell), str)
    assert titled(text) is None or "." in titled(text)


def test_depth_and_length_are_limited():
    assert parse("x = 1\n" * (syntax.MAX_CODE // 6 + 1)) is None
    assert parse("(" * 150 + "1" + ")" * 150) is not None
