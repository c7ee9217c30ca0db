"""A tree as one expression of C: conditions within conditions, built from the last node up.

It needs a tree whose nodes come after their parents, as `layouts.comparing_first` makes it. It may
ask the opposite question, so that the branch that more training rows took is the one that follows
in memory. Nothing is compiled here.
"""

from labs.seminar.inference_performance.keys import c_literal
from labs.seminar.inference_performance.trees import Tree


def conditional(tree: Tree, *, hot_first: bool) -> str:
    """Return C text with the function ``tree_leaf``, which returns the number of a row's leaf.

    Parameters
    ----------
    tree
        Its thresholds are keys, and each node's number is larger than its parent's.
    hot_first
        Whether the first branch is that which more training rows took; otherwise it is the left.

    Examples
    --------
    >>> tree = {"feature": [3, -1, -1], "threshold": [5, 0, 0], "left": [1, -1, -1]}
    >>> tree |= {"right": [2, -1, -1], "samples": [9, 2, 7]}
    >>> print(conditional(tree, hot_first=True))
    int tree_leaf(const key *x) { return (x[3] > 5 ? 2 : 1); }
    """
    texts = [str(node) for node in range(len(tree["feature"]))]
    for node in range(len(texts) - 1, -1, -1):
        feature = int(tree["feature"][node])
        if feature < 0:
            continue
        first, second, sign = int(tree["left"][node]), int(tree["right"][node]), "<="
        if hot_first and tree["samples"][second] > tree["samples"][first]:
            first, second, sign = second, first, ">"
        question = f"x[{feature}] {sign} {c_literal(tree['threshold'][node])}"
        texts[node] = f"({question} ? {texts[first]} : {texts[second]})"
        texts[first] = texts[second] = ""  # they are part of this one
    return f"int tree_leaf(const key *x) {{ return {texts[0]}; }}"
