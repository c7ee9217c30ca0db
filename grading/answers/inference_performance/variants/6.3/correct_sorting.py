def framed_order(tree, frame_nodes):
    order, frame, waiting = [], [], [(0, None)] if tree["feature"][0] >= 0 else []
    while waiting:
        if len(frame) == frame_nodes:
            frame = []
        waiting.sort(key=lambda w: (w[1] not in frame, -tree["samples"][w[0]], w[0]))
        node, _ = waiting.pop(0)
        frame.append(node)
        order.append(node)
        children = int(tree["left"][node]), int(tree["right"][node])
        waiting += [(child, node) for child in children if tree["feature"][child] >= 0]
    return order
