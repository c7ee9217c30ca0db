"""Trees on the bench: leaves, what else is found in a program, and texts that go wrong."""

import sys

import numpy as np
import pytest

from labs.engine.errors import ExtraMissingError
from labs.seminar.inference_performance.checks.c_code import drawn_tree, rows_around, walk
from labs.seminar.inference_performance.given import if_else
from labs.seminar.inference_performance.tree_bench import SIGNATURE, run_tree

ROWS = np.array([[1, 2], [9, 9]], dtype=np.int32)


@pytest.mark.parametrize("core", ["m0plus", "m4"])
def test_a_tree_ends_in_the_leaves_of_a_plain_walk_and_is_alone(core):
    rng = np.random.default_rng(4)
    tree = drawn_tree(rng, comparing=30)
    rows = rows_around(tree, rng, count=10, features=4)
    found = run_tree(if_else(tree), rows, core=core)
    assert found["leaves"].tolist() == [walk(tree, row)[-1] for row in rows]
    assert (found["others"], found["looped"]) == ("", 0)


@pytest.mark.parametrize(
    ("text", "others", "looped"),
    [
        (f"{SIGNATURE} {{ return x[0] <= 5 ? 1 : 2; }}", "", 0),
        (f"{SIGNATURE} {{ if (x[0] > 5) goto b; return 1; b: return 2; }}", "", 0),
        (
            f"static const int t[] = {{1, 2}}; {SIGNATURE} {{ return t[x[0] > 5]; }}",
            "variable t",
            0,
        ),
        (f"{SIGNATURE} {{ const int t[] = {{1, 2, 3}}; return t[x[0] > 5]; }}", "bytes of data", 0),
        (f"{SIGNATURE} {{ static int n; return n++; }}", "tree_leaf.n", 0),
        (f"static int f(int a) {{ return a; }} {SIGNATURE} {{ return f(*x); }}", "function f", 0),
        (f"{SIGNATURE} {{ return x[0] <= 5.0 ? 1 : 2; }}", "__aeabi_", 0),
        (f"{SIGNATURE} {{ int n = 0; while (n < x[0]) n++; return n; }}", "", 1),
    ],
)
def test_what_else_is_in_a_program(text, others, looped):
    found = run_tree(text, ROWS)
    assert others in found["others"]
    assert bool(found["others"]) == bool(others)
    assert bool(found["looped"]) == bool(looped)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the C text defines no function tree_leaf"),
        (f"{SIGNATURE} {{ return 1 }}", "your text:1:"),
        ("void tree_leaf(int *x) {}", "conflicting types for 'tree_leaf'"),
        (f"{SIGNATURE} {{ for (;;) if (x[0] > 99) return 0; }}", "half-words of code"),
        (f"{SIGNATURE} {{ return tree_leaf(x + 1) + 1; }}", "tree_leaf failed"),
        (f"{SIGNATURE} {{ return x[-1]; }}", "reads where no memory is"),
        (f"{SIGNATURE} {{ ((int *)x)[-1] = 1; return 0; }}", "writes where no memory is"),
        (f"{SIGNATURE} {{ return 1; }} int bench_rows[9];", "redefinition of 'bench_rows'"),
        (" " * 100_001, "100,001 characters"),
        ("\ud800", "no file can hold"),
    ],
)
def test_texts_that_go_wrong(text, said):
    assert said in run_tree(text, ROWS)["error"]


def test_a_missing_compiler_is_no_fault_of_the_text(monkeypatch):
    monkeypatch.setitem(sys.modules, "unicorn", None)
    with pytest.raises(ExtraMissingError, match="unicorn"):
        run_tree(f"{SIGNATURE} {{ return 4; }}", ROWS)
