"""Mutants: what is changed, each once, and only where students write."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.building.mutants import mutants


def _bodies(line, before=""):
    code = f"def f(a, b, *c):\n{before}    {line}\n"
    return {m.description.split(" => ")[1] for m in mutants(code, [code.count("\n")])}


# Each worked out by hand from the list in the module: operators, constants, conditions,
# statements, arguments, slices.
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("return a * b", {"return a + b", "return a / b", "return None"}),
        ("return a - 1", {"return a + 1", "return a - 2", "return a - 0", "return None"}),
        ("return not a", {"return a", "return None"}),
        ("return -a", {"return a", "return None"}),
        ("return a < b", {"return a <= b", "return a >= b", "return None"}),
        ("return a is None", {"return a is not None", "return None"}),
        ("return a and b", {"return a or b", "return None"}),
        ("return True", {"return False", "return None"}),
        ("return pow(a, b)", {"return pow(b, a)", "return None"}),
        ("return max(a, b)", {"return min(a, b)", "return None"}),
        ("return a[b:]", {"return a[b + 1:]", "return a[b:-1]", "return None"}),
        ("return a[:2]", {"return a[1:2]", "return a[:3]", "return a[:1]", "return None"}),
        ("return a @ b", {"return b @ a", "return None"}),
        ("return a if b else c", {"return a", "return c", "return None"}),
        ("a += b", {"a -= b", "pass"}),
        ("a = b", {"pass"}),
        ("raise ValueError(f'{a + 1}')", {"pass"}),
        ("return 'a' 'b'", {"return None"}),
        ("return None", set()),
        ('"""A docstring with 1 number."""', set()),
        ("if a: return", {"if not a:", "if True:", "if False:"}),
        ("for a in b: pass", {"for a in ():"}),
        ("while a: break", {"while not a:", "while False:", "continue"}),
    ],
)
def test_what_is_changed(line, expected):
    assert _bodies(line) == expected


def test_only_the_given_lines_change():
    code = "def f(a=1):\n    b = a + 1\n    return b * 2\n"
    descriptions = [m.description for m in mutants(code, [3])]
    assert descriptions
    assert all(text.startswith("return b * 2 =>") for text in descriptions)
    assert mutants(code, []) == ()


def test_equal_lines_get_numbers():
    code = "def f(a):\n    a += 1\n    a += 1\n    return a\n"
    descriptions = [m.description for m in mutants(code, range(2, 5))]
    assert len(set(descriptions)) == len(descriptions)
    assert "a += 1 => a -= 1 (2)" in descriptions


names = st.sampled_from(["a", "b", "c"])
leaves = st.one_of(names, st.integers(0, 9).map(str), st.sampled_from(["True", "None", "'x'"]))
expressions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "*", "<", "and", "@", "//"]), inner).map(
            lambda parts: f"({' '.join(parts)})"
        ),
        inner.map("(not {})".format),
        inner.map("g({}, a)".format),
        inner.map("a[{}:]".format),
    ),
    max_leaves=6,
)


@given(st.lists(expressions, min_size=1, max_size=3))
def test_every_mutant_is_new_code_that_compiles(lines):
    code = "def f(a, b, c):\n" + "".join(f"    d = {line}\n" for line in lines) + "    return d\n"
    original = ast.unparse(ast.parse(code))
    found = mutants(code, range(1, 99))
    assert len({m.code for m in found}) == len(found) > 0
    assert len({m.description for m in found}) == len(found)
    for mutant in found:
        assert ast.unparse(ast.parse(mutant.code)) != original
    # The tree is put back after each change: a second pass finds the same.
    assert mutants(code, range(1, 99)) == found
