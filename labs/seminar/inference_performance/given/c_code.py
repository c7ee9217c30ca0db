"""Stand-in for exercise 6.2: a tree as comparisons that jump forward, without any nesting."""

from collections.abc import Mapping
from typing import Any

__all__ = ["if_else"]


def if_else(tree: Mapping[str, Any]) -> str:
    """Return C text with `int tree_leaf(const int32_t *x)`.

    Parameters
    ----------
    tree
        ``feature``, ``threshold`` (whole numbers), ``left`` and ``right``, one entry a node.
    """
    lines = []
    waiting = [0]
    while waiting:  # what lies on the left of a node follows it in the text
        node = waiting.pop()
        label = f"n{node}: " if node else ""
        if tree["feature"][node] < 0:
            lines.append(f"  {label}return {node};")
            continue
        right = int(tree["right"][node])
        row = f"x[{int(tree['feature'][node])}]"
        lines.append(f"  {label}if ({row} > {int(tree['threshold'][node])}) goto n{right};")
        waiting += [right, int(tree["left"][node])]
    return "\n".join(["int tree_leaf(const int32_t *x) {", *lines, "}", ""])
