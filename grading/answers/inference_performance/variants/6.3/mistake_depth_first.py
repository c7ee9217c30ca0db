# message: holds node
def framed_order(tree, frame_nodes):
    def below(node):
        if tree["feature"][node] < 0:
            return []
        return [node, *below(int(tree["left"][node])), *below(int(tree["right"][node]))]

    return below(0)
