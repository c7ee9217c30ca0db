# message: the leaves that differ
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
    index = 0
    for level in range(len(levels) - 1, -1, -1):
        if ask(level, index) == levels[level][index]:
            index += 1
        if level:
            index *= 2
    return [index]
