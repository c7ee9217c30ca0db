# message: holds node
def framed_order(tree, frame_nodes):
    nodes = [n for n in range(len(tree["feature"])) if tree["feature"][n] >= 0]
    return sorted(nodes, key=lambda n: (-tree["samples"][n], n))
