# message: holds node
def framed_order(tree, frame_nodes):
    order, waiting = [], [0] if tree["feature"][0] >= 0 else []
    while waiting:
        waiting.sort(key=lambda n: (-tree["samples"][n], n))
        near = [waiting.pop(0)]
        placed = 0
        while near and placed < frame_nodes:
            near.sort(key=lambda n: (-tree["samples"][n], n))
            node = near.pop(0)
            order.append(node)
            placed += 1
            for child in (int(tree["left"][node]), int(tree["right"][node])):
                if tree["feature"][child] >= 0:
                    near.append(child)
        waiting += near
    return order
