import hashlib


def merkle_levels(leaves):
    levels = [list(leaves)]
    while len(levels[-1]) != 1:
        below = levels[-1]
        above = [
            hashlib.sha256((a + b).encode()).hexdigest() for a, b in zip(below[::2], below[1::2])
        ]
        levels.append(above + below[len(below) // 2 * 2 :])
    return levels


def changed_leaves(levels, ask):
    found, stack = [], [(len(levels) - 1, 0)]
    while stack:
        level, index = stack.pop()
        if index >= len(levels[level]) or ask(level, index) == levels[level][index]:
            continue
        if level == 0:
            found.append(index)
        else:
            stack += [(level - 1, 2 * index), (level - 1, 2 * index + 1)]
    return sorted(found)
