import heapq


def framed_order(tree, frame_nodes):
    order, old, new = [], [], []
    if tree["feature"][0] >= 0:
        heapq.heappush(new, (-tree["samples"][0], 0))
    while old or new:
        if len(order) % frame_nodes == 0:
            old, new = list(heapq.merge(sorted(old), sorted(new))), []
        _, node = heapq.heappop(new if new else old)
        order.append(node)
        for child in (tree["left"][node], tree["right"][node]):
            if tree["feature"][child] >= 0:
                heapq.heappush(new, (-tree["samples"][child], int(child)))
    return order
