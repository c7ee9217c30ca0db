# message: expected
def score_bounds(tree, codes):
    found, stack = [], [0]
    while stack:
        node = stack.pop()
        found.append(node)
        f = tree["feature"][node]
        if f >= 0:
            stack += [tree["left"][node]] * bool(codes[f] <= tree["split"][node])
            stack += [tree["right"][node]] * bool(codes[f] >= tree["split"][node])
    return tree["values"][found].min(axis=0), tree["values"][found].max(axis=0)
