# message: which is a leaf
def framed_order(tree, frame_nodes):
    order, waiting = [], {0: -1}
    while waiting:
        start = len(order) - len(order) % frame_nodes
        near = [node for node, parent in waiting.items() if parent >= start] or list(waiting)
        node = max(near, key=lambda n: (tree["samples"][n], -n))
        del waiting[node]
        for child in (
            () if tree["feature"][node] < 0 else (int(tree["left"][node]), int(tree["right"][node]))
        ):
            if tree["feature"][child] >= 0:
                waiting[child] = len(order)
        order.append(node)
    return order
