def score_bounds(tree, codes):
    stack, low, high = [0], None, None
    while stack:
        node = stack.pop()
        feature = tree["feature"][node]
        if feature == -1:
            row = [float(v) for v in tree["values"][node]]
            low = row if low is None else [min(a, b) for a, b in zip(low, row)]
            high = row if high is None else [max(a, b) for a, b in zip(high, row)]
            continue
        if codes[feature] != tree["split"][node]:
            stack.append(tree["left" if codes[feature] < tree["split"][node] else "right"][node])
        else:
            stack += [tree["left"][node], tree["right"][node]]
    return low, high
