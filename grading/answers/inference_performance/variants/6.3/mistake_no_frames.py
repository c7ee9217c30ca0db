# message: holds node
def framed_order(tree, frame_nodes):
    order, waiting = [], {0: -1} if tree["feature"][0] >= 0 else {}
    while waiting:
        near = list(waiting)
        node = max(near, key=lambda n: (tree["samples"][n], -n))
        del waiting[node]
        for child in (int(tree["left"][node]), int(tree["right"][node])):
            if tree["feature"][child] >= 0:
                waiting[child] = len(order)
        order.append(node)
    return order
