import numpy as np


def framed_order(tree, frame_nodes):
    nodes = len(tree["feature"])
    frame_of_parent = np.full(nodes, -2)  # -2: does not wait
    frame_of_parent[0] = -1
    order = np.zeros(0, dtype=int)
    inner = np.asarray(tree["feature"]) >= 0
    frame_of_parent[~inner] = -2
    while (frame_of_parent > -2).any():
        frame = len(order) // frame_nodes
        near = np.flatnonzero(frame_of_parent == frame)
        if not near.size:
            near = np.flatnonzero(frame_of_parent > -2)
        node = near[np.argmax(np.asarray(tree["samples"])[near])]
        frame_of_parent[node] = -2
        for side in ("left", "right"):
            child = tree[side][node]
            if inner[child]:
                frame_of_parent[child] = frame
        order = np.append(order, node)
    return order
