# message: the example: return a list of node numbers
def framed_order(tree, frame_nodes):
    order, waiting = [], {0: -1} if tree["feature"][0] >= 0 else {}
    while waiting:
        start = len(order) - len(order) % frame_nodes
        near = [node for node, parent in waiting.items() if parent >= start] or list(waiting)
        node = max(near, key=lambda n: (tree["samples"][n], -n))
        del waiting[node]
        for child in (int(tree["left"][node]), int(tree["right"][node])):
            if tree["feature"][child] >= 0:
                waiting[child] = len(order)
        order.append(node)
    return [order[i : i + frame_nodes] for i in range(0, len(order), frame_nodes)]
