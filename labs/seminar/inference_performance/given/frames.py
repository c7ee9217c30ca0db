"""Stand-in for exercise 6.3: the framed order from two heaps of waiting nodes."""

import heapq
from collections.abc import Mapping
from typing import Any

__all__ = ["framed_order"]


def framed_order(tree: Mapping[str, Any], frame_nodes: int) -> list[int]:
    """Return the nodes that compare in the order in which they lie in memory.

    Parameters
    ----------
    tree
        ``feature``, ``left``, ``right`` and ``samples``, one entry a node.
    frame_nodes
        Nodes in a frame, >= 1.
    """
    wanted = sum(int(feature) >= 0 for feature in tree["feature"])
    order: list[int] = []
    is_listed = set()
    everywhere = [(0, 0)] if wanted else []
    while len(order) < wanted:
        here: list[tuple[int, int]] = []  # below the frame that is being filled
        for _ in range(min(frame_nodes, wanted - len(order))):
            node = heapq.heappop(here or everywhere)[1]
            while node in is_listed:  # it was taken from the other heap
                node = heapq.heappop(everywhere)[1]
            is_listed.add(node)
            order.append(node)
            for side in ("left", "right"):
                child = int(tree[side][node])
                if tree["feature"][child] >= 0:
                    entry = (-int(tree["samples"][child]), child)
                    heapq.heappush(here, entry)
                    heapq.heappush(everywhere, entry)
    return order
