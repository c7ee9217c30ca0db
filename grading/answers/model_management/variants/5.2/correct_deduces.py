import hashlib


def merkle_levels(leaves):
    if len(leaves) == 1:
        return [list(leaves)]
    above = []
    for i in range(0, len(leaves), 2):
        if i + 1 == len(leaves):
            above.append(leaves[i])
        else:
            above.append(hashlib.sha256((leaves[i] + leaves[i + 1]).encode()).hexdigest())
    return [list(leaves), *merkle_levels(above)]


def changed_leaves(levels, ask):
    """A node that differs and whose left child does not has a right child that does."""
    level = len(levels) - 1
    nodes = [0] if ask(level, 0) != levels[level][0] else []
    while level:
        level -= 1
        lower = []
        for node in nodes:
            left, right = 2 * node, 2 * node + 1
            if right >= len(levels[level]):
                lower.append(left)
            elif ask(level, left) == levels[level][left]:
                lower.append(right)
            else:
                lower.append(left)
                if ask(level, right) != levels[level][right]:
                    lower.append(right)
        nodes = lower
    return nodes
