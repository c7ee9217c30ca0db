def framed_order(tree, frame_nodes):
    def children(node):
        pair = (int(tree["left"][node]), int(tree["right"][node]))
        return {child for child in pair if tree["feature"][child] >= 0}

    def hottest(nodes):
        return sorted(nodes, key=lambda node: (-tree["samples"][node], node))[0]

    order, waiting = (), {0} if tree["feature"][0] >= 0 else set()
    while waiting:
        near = set()
        for _ in range(frame_nodes):
            if not near and not waiting:
                break
            node = hottest(near or waiting)
            near.discard(node)
            waiting.discard(node)
            near |= children(node)
            order += (node,)
        waiting |= near
    return order
