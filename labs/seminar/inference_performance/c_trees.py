"""C text of a whole forest: trees as nested ifs, or as an array of nodes with one loop.

A text defines, behind a prefix that keeps several apart,

- ``void forest_scores(const key *row, SCORE *scores)``: the scores of all classes,
- ``int forest_class(const key *row)``: the first class with the largest score,
- ``void forest_classes(const key *rows, int n, int *classes)``: the same for n rows, one by one.

SCORE is double: values of leaves are added tree by tree and divided by their number, bit for bit as
scikit-learn does. Or it is int32_t, for cores without floating point: values are rounded to whole
multiples of ``2^-shift``, and scores are their sums. A value is then off by at most
``2^-(shift + 1)``, and so is the mean of the trees'.

The text calls no library. It is neither compiled nor run here; `compiled` and `microcontroller` do.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from labs.seminar.inference_performance.conditionals import conditional
from labs.seminar.inference_performance.fixed_point import fixed_point, most_bits
from labs.seminar.inference_performance.keys import LINE_BYTES, Keys, c_literal
from labs.seminar.inference_performance.layouts import (
    NodeArray,
    comparing_first,
    depth_first,
    laid_out,
)
from labs.seminar.inference_performance.trees import Tree, depth

Layout = Literal["if-else", "if-else, hot first", "native", "framed"]
Values = Literal["double", "fixed"]

LAYOUTS: tuple[Layout, ...] = ("if-else", "if-else, hot first", "native", "framed")
MOST_NESTED = 200  # compilers give up at 256 open brackets
MOST_SHORT = 2**15  # places and leaves of a tree whose children are int16
NODE = "{0} key; int32_t left, right, feature;"
SHORT_NODE = "int16_t left, right; uint16_t feature; {0} key;"


@dataclass(frozen=True)
class ForestText:
    """C text of a forest, and what one must know to call it.

    Parameters
    ----------
    source
        The text.
    layout, keys, prefix
        As it was asked for.
    trees, features, classes
        Sizes. Of a row only the features up to the last that a node looks at count.
    shift
        Scores are whole multiples of ``2^-shift``; None if they are double.
    """

    source: str = field(repr=False)
    layout: Layout
    keys: Keys
    prefix: str
    trees: int
    features: int
    classes: int
    shift: int | None

    def encode(self, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return rows (n, features) as the text takes them: keys, as many as count, contiguous.

        Raises
        ------
        ValueError
            If a row is too short, NaN is in it, or a number has no key.
        """
        rows = np.asarray(rows)
        if rows.ndim != 2 or rows.shape[1] < self.features:
            raise ValueError(f"rows of shape {rows.shape}; give (n, {self.features} or more)")
        return np.ascontiguousarray(self.keys.of_rows(rows[:, : self.features]))


def forest_source(
    forest: Sequence[Tree],
    layout: Layout,
    *,
    keys: Keys | None = None,
    values: Values = "double",
    own: Callable[..., Any] | None = None,
    prefix: str = "",
) -> ForestText:
    """Return a forest as C text.

    Parameters
    ----------
    forest
        At least one tree; thresholds as scikit-learn has them.
    layout
        ``"if-else"``: a function of nested conditions a tree. ``"if-else, hot first"``: the same,
        and more training rows take the first branch. ``"native"``: an array of nodes, depth first.
        ``"framed"``: the same array in the order that `own` gives.
    keys
        What nodes compare; ordered codes if None.
    values
        ``"double"``, or ``"fixed"``: uint16 with as many bits behind the point as can be summed.
    own
        For ``"if-else"``: writes the text of a tree, as in exercise 6.2; let it pass its checks
        first. For ``"framed"``: ``own(tree, nodes_per_line)`` gives the order, as in 6.3.
    prefix
        Put before all names.

    Raises
    ------
    ValueError
        If there is no such layout, `own` does not fit it, a number has no key, a tree is too large
        or too deep, or values cannot be made whole.

    Examples
    --------
    >>> leaf = dict.fromkeys(("feature", "left", "right"), np.array([-1]))
    >>> leaf |= {"threshold": np.zeros(1), "samples": np.ones(1), "values": np.ones((1, 2))}
    >>> text = forest_source([leaf], "native", prefix="a_")
    >>> "int a_forest_class(const a_key *row)" in text.source, text.classes
    (True, 2)
    """
    keys = keys or Keys()
    _refuse(forest, layout, own=own, keys=keys)
    keyed = [comparing_first(tree) for tree in keys.of_forest(forest)]
    features = 1 + max(0, *(int(tree["feature"].max()) for tree in keyed))
    classes = keyed[0]["values"].shape[1]
    tables, shift = _tables(keyed, values)
    if layout in ("native", "framed"):
        trees = _arrays(keyed, keys, order=own or (lambda tree, _: depth_first(tree)))
    else:
        trees = _ifs(keyed, keys, writer=own or partial(conditional, hot_first=layout != "if-else"))
    head = f"#include <stdint.h>\ntypedef {keys.c_type} @key;"
    parts = [head, *tables, _add(classes), *trees, _common(len(keyed), classes, shift)]
    source = "\n".join(parts).replace("@FEATURES", str(features)).replace("@", prefix)
    return ForestText(source, layout, keys, prefix, len(keyed), features, classes, shift)


def _refuse(
    forest: Sequence[Tree], layout: str, *, own: Callable[..., Any] | None, keys: Keys
) -> None:
    if layout not in LAYOUTS or not forest:
        raise ValueError(f"{len(forest)} trees as {layout!r}; layouts are {', '.join(LAYOUTS)}")
    if (own is None) != (layout != "framed") and layout != "if-else":
        needed = "needs a function of your own" if own is None else "takes no function"
        raise ValueError(f"layout {layout!r} {needed}")
    if layout == "if-else" and own is not None and keys.name == "float32":
        raise ValueError("a text of your own compares whole numbers; take keys 'codes' or 'small'")


def _tables(forest: Sequence[Tree], values: Values) -> tuple[list[str], int | None]:
    leaves = np.concatenate([tree["values"][tree["feature"] < 0] for tree in forest])
    if values == "double":
        rows = (", ".join(float(value).hex() for value in row) for row in leaves)
        kind, shift = "double", None
    elif values == "fixed":
        kind, shift = "uint16_t", most_bits(leaves, trees=len(forest))
        rows = (", ".join(map(str, row)) for row in fixed_point(leaves, shift).tolist())
    else:
        raise ValueError(f"values are {values!r}, not 'double' or 'fixed'")
    inner = ",\n".join(f"  {{{row}}}" for row in rows)
    score = "double" if shift is None else "int32_t"
    table = f"static const {kind} @values[{len(leaves)}][{leaves.shape[1]}] = {{\n{inner}\n}};"
    return [f"typedef {score} @score;", table], shift


def _common(trees: int, classes: int, shift: int | None) -> str:
    divide = (
        "" if shift is not None else f"  for (c = 0; c < {classes}; c++) scores[c] /= {trees};\n"
    )
    return f"""\
void @forest_scores(const @key *row, @score *scores) {{
  int c;
  for (c = 0; c < {classes}; c++) scores[c] = 0;
  @add_trees(row, scores);
{divide}}}
int @forest_class(const @key *row) {{
  @score scores[{classes}];
  int best = 0;
  @forest_scores(row, scores);
  for (int c = 1; c < {classes}; c++) if (scores[c] > scores[best]) best = c;
  return best;
}}
void @forest_classes(const @key *rows, int n, int *classes) {{
  for (int i = 0; i < n; i++) classes[i] = @forest_class(rows + (int64_t)i * @FEATURES);
}}
"""


def _add(classes: int) -> str:
    return f"""\
static void @add(@score *scores, int leaf) {{
  for (int c = 0; c < {classes}; c++) scores[c] += @values[leaf][c];
}}"""


def _first_leaves(forest: Sequence[Tree]) -> list[int]:
    counts = [int((tree["feature"] < 0).sum()) for tree in forest]
    return [sum(counts[:number]) for number in range(len(counts))]


def _ifs(forest: Sequence[Tree], keys: Keys, *, writer: Callable[[Tree], str]) -> list[str]:
    """Return a function ``@tree_leaf_0`` a tree, and one that adds all trees."""
    parts, calls = [], []
    for number, (tree, first) in enumerate(zip(forest, _first_leaves(forest), strict=True)):
        if depth(tree) > MOST_NESTED:
            raise ValueError(
                f"tree {number} is {depth(tree)} comparisons deep; compilers do not take more than "
                f"{MOST_NESTED} nested ifs: take an array, or a smaller max_depth"
            )
        name = f"@tree_leaf_{number}"
        text = re.sub(r"\btree_leaf\b", name, writer(tree))
        text = re.sub(r"\bint32_t\b", keys.c_type, re.sub(r"\bkey\b", "@key", text))
        # Inlined into one function, large forests would take compilers minutes.
        parts += [f"__attribute__((noinline)) static int {name}(const @key *);", text]
        comparing = int((tree["feature"] >= 0).sum())  # leaves come after these
        calls.append(f"  @add(scores, {name}(row) + {first} - {comparing});")
    head = "static void @add_trees(const @key *row, @score *scores) {"
    return [*parts, head, *calls, "}"]


def _arrays(
    forest: Sequence[Tree], keys: Keys, *, order: Callable[[Tree, int], Sequence[int]]
) -> list[str]:
    """Return the nodes of all trees, each tree beginning with a line, and the loop over them."""
    nodes: list[str] = []
    firsts, roots = [], []
    for tree in forest:
        array = laid_out(tree, order(tree, keys.nodes_per_line))
        firsts.append(len(nodes))
        roots.append(array.root)
        nodes += _nodes(array, keys)
        nodes += ["{0}"] * (-len(nodes) % keys.nodes_per_line)
    fields = (SHORT_NODE if keys.node_bytes == 8 else NODE).format("@key")
    tables = {"first_node": firsts, "root": roots, "first_leaf": _first_leaves(forest)}
    return [
        f"struct @node {{ {fields} }};",
        f'_Static_assert(sizeof(struct @node) == {keys.node_bytes}, "size of a node");',
        f"static const struct @node @nodes[] __attribute__((aligned({LINE_BYTES}))) = {{",
        ",\n".join(nodes or ["{0}"]),
        "};",
        *(
            f"static const int32_t @{name}[] = {{{', '.join(map(str, numbers))}}};"
            for name, numbers in tables.items()
        ),
        f"""\
static void @add_trees(const @key *row, @score *scores) {{
  for (int t = 0; t < {len(forest)}; t++) {{
    const struct @node *tree = @nodes + @first_node[t];
    int at = @root[t];
    while (at >= 0)
      at = row[tree[at].feature] <= tree[at].key ? tree[at].left : tree[at].right;
    @add(scores, @first_leaf[t] + ~at);
  }}
}}""",
    ]


def _nodes(array: NodeArray, keys: Keys) -> list[str]:
    is_short = keys.node_bytes == 8
    if is_short and (len(array.feature) >= MOST_SHORT or (array.feature >= 2**16).any()):
        raise ValueError(
            f"{len(array.feature)} nodes of a tree, or its features, do not fit nodes of 8 bytes; "
            "take other keys or a smaller tree"
        )
    columns = (array.threshold, array.left, array.right, array.feature)
    lines = []
    for key, left, right, feature in zip(*columns, strict=True):
        parts = (
            (left, right, feature, c_literal(key))
            if is_short
            else (c_literal(key), left, right, feature)
        )
        lines.append(f"{{{', '.join(map(str, parts))}}}")
    return lines
