"""The picture that only this lab draws; everything else comes from `course_utils.plots`."""

from collections.abc import Collection, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes

from course_utils import plots

Node = tuple[int, int]
Levels = Sequence[Sequence[str]]
RIM: dict[str, Any] = {"edgecolors": "black", "linewidths": 0.6}


@mpl.rc_context(plots.STYLE)
def tree(axes: Axes, old: Levels, *, new: Levels, asked: Collection[Node]) -> list[Node]:
    """Draw a Merkle tree: which nodes differ from another one's, and which were asked for.

    Parameters
    ----------
    axes
        Of a wide figure.
    old, new
        Levels of the two trees, from the leaves to the root.
    asked
        Pairs of level and index.

    Returns
    -------
    list
        The nodes that differ.
    """
    places = {
        (level, index): ((index + 0.5) * 2**level, level)
        for level, hashes in enumerate(new)
        for index in range(len(hashes))
    }
    for (level, index), (x, y) in places.items():
        if (up := (level + 1, index // 2)) in places:
            axes.plot(*zip((x, y), places[up], strict=True), color=plots.GREY, lw=0.5, zorder=1)
    differ = [node for node in places if old[node[0]][node[1]] != new[node[0]][node[1]]]
    groups: tuple[tuple[str, list[Node], dict[str, Any]], ...] = (
        ("the same", [n for n in places if n not in differ], {"marker": "o", "c": "white", **RIM}),
        ("changed", differ, {"marker": "s", "c": plots.COLORS[1], **RIM}),
        ("asked for", [n for n in places if n in asked], {"marker": "x", "c": "black", "s": 14}),
    )
    for name, nodes, look in groups:
        if nodes:
            points = zip(*(places[node] for node in nodes), strict=True)
            axes.scatter(*points, **{"s": 40, "zorder": 2, **look}, label=name)
    axes.set_title(f"{len(set(asked))} of {len(places)} hashes asked for")
    axes.set_axis_off()
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return differ
