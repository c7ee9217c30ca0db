"""Texts of forests: what they say, and what is refused."""

import numpy as np
import pytest

from labs.seminar.inference_performance.c_trees import LAYOUTS, forest_source
from labs.seminar.inference_performance.checks.c_code import chain, drawn_tree
from labs.seminar.inference_performance.given import framed_order, if_else
from labs.seminar.inference_performance.keys import Keys
from labs.shared.toolchain import compile_c


def full(tree, *, largest=1.0):
    nodes = len(tree["feature"])
    return tree | {
        "threshold": tree["threshold"].astype(float),
        "values": np.linspace(0, largest, nodes).reshape(nodes, 1),
    }


TREE = full(drawn_tree(np.random.default_rng(0), comparing=6))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_equal_forests_give_equal_texts_and_every_name_has_the_prefix(layout):
    order = framed_order if layout == "framed" else None
    first, second = (forest_source([TREE], layout, own=order, prefix="one_") for _ in range(2))
    assert first.source == second.source
    assert "@" not in first.source
    other = forest_source([TREE], layout, own=order, prefix="two_")
    assert other.source == first.source.replace("one_", "two_")


def test_what_is_refused():
    for forest, layout, own, said in (
        ([], "native", None, "0 trees"),
        ([TREE], "table", None, "layouts are if-else"),
        ([TREE], "framed", None, "needs a function of your own"),
        ([TREE], "native", framed_order, "takes no function"),
    ):
        with pytest.raises(ValueError, match=said):
            forest_source(forest, layout, own=own)
    with pytest.raises(ValueError, match="compares whole numbers"):
        forest_source([TREE], "if-else", own=if_else, keys=Keys("float32"))
    with pytest.raises(ValueError, match="not 'double' or 'fixed'"):
        forest_source([TREE], "native", values="float")
    with pytest.raises(ValueError, match="each of these once"):
        forest_source([TREE], "framed", own=lambda tree, _: [0])


def test_deep_trees_are_refused_as_ifs_alone():
    deep = full(chain(np.random.default_rng(0), comparing=201))
    with pytest.raises(ValueError, match="201 comparisons deep; compilers"):
        forest_source([deep], "if-else")
    assert "{0}" in forest_source([deep], "native").source  # 201 nodes fill no line


def test_short_nodes_hold_no_large_feature():
    wide = TREE | {"feature": np.where(TREE["feature"] >= 0, 70_000, -1)}
    wide["threshold"] = np.abs(TREE["threshold"])
    with pytest.raises(ValueError, match="do not fit nodes of 8 bytes"):
        forest_source([wide], "native", keys=Keys("small", 1.0))


@pytest.mark.parametrize("own", [None, if_else])
def test_every_tree_stays_a_function_of_its_own(own):
    """Inlined into one, the ifs of 128 trees of depth 12 took the compiler over two minutes."""
    text = forest_source([TREE] * 3, "if-else", own=own, values="fixed")
    functions = compile_c(text.source).functions
    assert {f"tree_leaf_{number}" for number in range(3)} <= set(functions)
