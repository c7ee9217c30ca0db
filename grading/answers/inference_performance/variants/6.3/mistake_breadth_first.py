# message: holds node
def framed_order(tree, frame_nodes):
    order = [0]
    for node in order:
        if tree["feature"][node] >= 0:
            order += [int(tree["left"][node]), int(tree["right"][node])]
    return [node for node in order if tree["feature"][node] >= 0]
