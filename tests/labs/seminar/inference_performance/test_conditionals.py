"""Trees as expressions: the same leaves whichever branch is first, and the hot one is."""

import re

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.seminar.inference_performance import trees
from labs.seminar.inference_performance.checks.c_code import drawn_tree
from labs.seminar.inference_performance.conditionals import conditional
from labs.seminar.inference_performance.layouts import comparing_first


def drawn(rng, *, comparing):
    tree = drawn_tree(rng, comparing=comparing)
    return comparing_first(tree | {"values": np.zeros((len(tree["feature"]), 1))})


def as_python(text):
    """The expression in Python: `q ? a : b` becomes `a if q else b`, from the innermost out."""
    inner = re.compile(r"\((x\[\d+\] (?:<=|>) -?\d+) \? ([^()?:]+) : ([^()?:]+)\)")
    body = text.removeprefix("int tree_leaf(const key *x) { return ").removesuffix("; }")
    kept = []
    while match := inner.search(body):
        kept.append(match.groups())
        body = f"{body[: match.start()]}#{len(kept) - 1}{body[match.end() :]}"

    def value(name, x):
        while name.startswith("#"):
            question, yes, no = kept[int(name[1:])]
            name = yes if eval(question, {"x": x}) else no
        return int(name)

    return lambda x: value(body, x)


@given(seed=st.integers(0, 10_000), comparing=st.integers(0, 25), hot_first=st.booleans())
@settings(max_examples=50)
def test_an_expression_ends_in_the_leaves_of_a_plain_walk(seed, comparing, hot_first):
    rng = np.random.default_rng(seed)
    tree = drawn(rng, comparing=comparing)
    rows = rng.integers(-22, 23, (12, 4))
    leaf = as_python(conditional(tree, hot_first=hot_first))
    assert [leaf(row.tolist()) for row in rows] == trees.leaves_of(tree, rows).tolist()


def test_the_opposite_question_is_asked_where_the_right_is_hotter():
    tree = drawn(np.random.default_rng(0), comparing=30)
    comparing = tree["feature"] >= 0
    left, right = (tree["samples"][tree[side][comparing]] for side in ("left", "right"))
    assert conditional(tree, hot_first=True).count(" > ") == (right > left).sum() > 0
    assert conditional(tree, hot_first=False).count(" > ") == 0
